//! Reads a TOML text into a type, so that every mistake in it is found at once and has its line and column.
//!
//! The type's own deserialiser decides what is right: what it refuses is taken apart, key by key and entry by entry,
//! until the smallest part that it refuses by itself is found. Owns positions and that search. It must not know which
//! keys there are.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue, ValueDeserializer};
use toml::{Table, Value};

use super::words;

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// A document without mistakes: its values, and where each of them is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document {
    pub(crate) values: Table,
    pub(crate) places: BTreeMap<String, Place>,
}

/// Reads a text that is to be a `T`.
///
/// # Errors
/// Every mistake, in the order of the text.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<Document, Vec<Mistake>> {
    let lines = Lines::new(text);
    let mut mistakes = Vec::new();
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = lines.place(error.span().map_or(0, |span| span.start));
        let rest = error.span().and_then(|span| text.get(span.start..)).unwrap_or_default();
        let written =
            rest.split(|c: char| !c.is_ascii_alphanumeric() && !"+-_.".contains(c)).next().unwrap_or_default();
        mistakes.push(Mistake { place, message: words::of_toml(error.message(), written) });
    }
    let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
    if let Err(error) = T::deserialize(ValueDeserializer::from(root.clone())) {
        let mut search = Search::<T> { lines: &lines, steps: Vec::new(), mistakes: Vec::new(), target: PhantomData };
        search.look_into(&root, &error);
        mistakes.append(&mut search.mistakes);
    }
    if !mistakes.is_empty() {
        mistakes.sort_by_key(|mistake| mistake.place);
        // What is not TOML is not of the right type either.
        mistakes.dedup_by_key(|mistake| mistake.place);
        return Err(mistakes);
    }
    let mut places = BTreeMap::new();
    note("", &root, &lines, &mut places);
    Ok(Document { values: Table::deserialize(ValueDeserializer::from(root)).unwrap_or_default(), places })
}

/// What is wrong with a value at a path of a `T`, if anything.
pub(crate) fn problem_at<T: DeserializeOwned>(path: &str, value: &Value) -> Option<String> {
    let inside = |value, key: &str| Value::Table(Table::from_iter([(key.to_owned(), value)]));
    let whole = path.rsplit('.').fold(value.clone(), inside);
    T::deserialize(whole).err().map(|error| words::reworded(error.message()))
}

/// One step on the way to a value.
enum Step<'i> {
    Key(Spanned<DeString<'i>>),
    Entry(usize),
}

/// The search for the smallest parts that are refused by themselves.
struct Search<'i, 'l, T> {
    lines: &'l Lines,
    /// The way to the part that is being looked at.
    steps: Vec<Step<'i>>,
    mistakes: Vec<Mistake>,
    target: PhantomData<T>,
}

impl<'i, T: DeserializeOwned> Search<'i, '_, T> {
    /// Tries a document that has nothing but this value, where the steps lead.
    fn attempt(&self, value: Spanned<DeValue<'i>>) -> Result<(), toml::de::Error> {
        let inside = |value: Spanned<DeValue<'i>>, step: &Step<'i>| {
            let span = value.span();
            let outer = match step {
                Step::Key(key) => DeValue::Table(DeTable::from_iter([(key.clone(), value)])),
                Step::Entry(_) => {
                    let mut array = DeArray::new();
                    array.push(value);
                    DeValue::Array(array)
                }
            };
            Spanned::new(span, outer)
        };
        let whole = self.steps.iter().rev().fold(value, inside);
        T::deserialize(ValueDeserializer::from(whole)).map(drop)
    }

    fn look(&mut self, step: Step<'i>, value: &Spanned<DeValue<'i>>) {
        self.steps.push(step);
        if let Err(error) = self.attempt(value.clone()) {
            self.look_into(value, &error);
        }
        self.steps.pop();
    }

    /// Finds what is wrong in a value that was refused with this error.
    fn look_into(&mut self, value: &Spanned<DeValue<'i>>, error: &toml::de::Error) {
        let empty = match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => DeValue::Table(DeTable::new()),
            DeValue::Array(array) if !array.is_empty() => DeValue::Array(DeArray::new()),
            _ => return self.report(value, error),
        };
        if self.attempt(Spanned::new(value.span(), empty)).is_err() {
            return self.report(value, error);
        }
        let before = self.mistakes.len();
        match value.get_ref() {
            DeValue::Table(table) => table.iter().for_each(|(key, value)| self.look(Step::Key(key.clone()), value)),
            DeValue::Array(array) => {
                array.iter().enumerate().for_each(|(index, value)| self.look(Step::Entry(index), value));
            }
            _ => {}
        }
        // Each part is right by itself, and together they are not.
        if self.mistakes.len() == before {
            self.report(value, error);
        }
    }

    fn report(&mut self, value: &Spanned<DeValue<'i>>, error: &toml::de::Error) {
        let (key, table) = match self.steps.split_last() {
            Some((Step::Key(key), table)) => (Some(key), table),
            _ => (None, self.steps.as_slice()),
        };
        let unknown = words::unknown_field(error.message());
        let (at, message) = match (key, unknown) {
            (Some(key), Some(name)) if key.get_ref() == name && !has_field(value, name) => {
                let table = path(table);
                let inside = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
                let suggestion = words::suggestion(error.message(), self.elsewhere(name, value));
                (key.span().start, format!("unknown key '{name}'{inside}{suggestion}"))
            }
            (Some(key), None) if table.is_empty() && words::wants_table(error.message()) => {
                (value.span().start, format!("'{0}' is a table: write [{0}] with its keys below it", key.get_ref()))
            }
            _ => {
                let at = error.span().unwrap_or(value.span()).start;
                let path = path(&self.steps);
                let separator = if path.is_empty() { "" } else { ": " };
                (at, format!("{path}{separator}{}", words::reworded(error.message())))
            }
        };
        self.mistakes.push(Mistake { place: self.lines.place(at), message });
    }

    /// Another table that has a key of this name.
    fn elsewhere(&self, name: &str, value: &Spanned<DeValue<'i>>) -> Option<String> {
        let attempt = |keys: &[&str]| {
            let steps = keys.iter().map(|key| Step::Key(Spanned::new(0..0, (*key).to_owned().into()))).collect();
            let search = Self { lines: self.lines, steps, mistakes: Vec::new(), target: PhantomData };
            search.attempt(value.clone()).err().map(|error| error.message().to_owned())
        };
        let not_a_key = attempt(&[""])?;
        let tables = words::alternatives(&not_a_key);
        let has_it = |table: &&&str| match attempt(&[table, ""]) {
            Some(message) => words::alternatives(&message).contains(&name),
            None => false,
        };
        let top = tables.contains(&name).then(|| format!("{name} at the top of the file"));
        top.or_else(|| tables.iter().find(has_it).map(|table| format!("{table}.{name}")))
    }
}

/// Whether a field of this name is somewhere inside of the value.
fn has_field(value: &Spanned<DeValue<'_>>, name: &str) -> bool {
    match value.get_ref() {
        DeValue::Table(table) => table.contains_key(name) || table.values().any(|value| has_field(value, name)),
        DeValue::Array(array) => array.iter().any(|value| has_field(value, name)),
        _ => false,
    }
}

fn path(steps: &[Step<'_>]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) => join(&path, key.get_ref()),
        Step::Entry(index) => format!("{path}[{index}]"),
    })
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Notes the place of everything inside of a value.
fn note(path: &str, value: &Spanned<DeValue<'_>>, lines: &Lines, places: &mut BTreeMap<String, Place>) {
    let mut inside = |path: String, value: &Spanned<DeValue<'_>>| {
        note(&path, value, lines, places);
        places.insert(path, lines.place(value.span().start));
    };
    match value.get_ref() {
        DeValue::Table(table) => table.iter().for_each(|(key, value)| inside(join(path, key.get_ref()), value)),
        DeValue::Array(array) => {
            array.iter().enumerate().for_each(|(index, value)| inside(format!("{path}[{index}]"), value));
        }
        _ => {}
    }
}

/// Where the lines of a text begin, so that a place is found without reading the text again.
struct Lines {
    starts: Vec<usize>,
    /// The characters of the text that take more than one byte: where they end, and how many bytes they take too many.
    wide: Vec<(usize, usize)>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let mut extra = 0;
        let wide = text.char_indices().filter(|(_, c)| c.len_utf8() > 1).map(|(at, c)| {
            extra += c.len_utf8() - 1;
            (at + c.len_utf8(), extra)
        });
        Self { wide: wide.collect(), starts: std::iter::once(0).chain(ends).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let extra = |offset: usize| match self.wide.partition_point(|(end, _)| *end <= offset) {
            0 => 0,
            count => self.wide[count - 1].1,
        };
        Place { line, column: offset - start - (extra(offset) - extra(start)) + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_not_bytes() {
        let lines = Lines::new("a = 1\nä = \"öü\" # x\nb");
        assert_eq!(lines.place(0), Place { line: 1, column: 1 });
        assert_eq!(lines.place(6), Place { line: 2, column: 1 });
        assert_eq!(lines.place(11), Place { line: 2, column: 5 });
        assert_eq!(lines.place(18), Place { line: 2, column: 10 });
        assert_eq!(lines.place(22), Place { line: 3, column: 1 });
    }
}
