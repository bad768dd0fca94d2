//! A TOML document that is read field by field, so that every mistake in it is found at once and each has its place.
//!
//! Owns positions and the wording of type errors. It must not know which keys there are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A document, its mistakes so far, and where each of its values stands.
pub(crate) struct Document<'i> {
    text: &'i str,
    mistakes: RefCell<Vec<Mistake>>,
    places: RefCell<BTreeMap<String, Place>>,
}

impl<'i> Document<'i> {
    /// Parses the text. What is no TOML is a mistake, and the rest of the document is read all the same.
    pub(crate) fn parse(text: &'i str) -> (Self, DeTable<'i>) {
        let document = Self { text, mistakes: RefCell::default(), places: RefCell::default() };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            document.complain(error.span().unwrap_or(0..0), error.message().to_owned());
        }
        let root = root.into_inner();
        document.note_table("", &root);
        (document, root)
    }

    /// The mistakes in the order of the document, and the place of each value by its path.
    pub(crate) fn finish(self) -> (Vec<Mistake>, BTreeMap<String, Place>) {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| (mistake.place.line, mistake.place.column));
        mistakes.dedup();
        (mistakes, self.places.into_inner())
    }

    /// The fields of a table, to be taken one by one.
    pub(crate) fn fields(&self, path: &str, table: DeTable<'i>) -> Fields<'i, '_> {
        Fields { document: self, path: path.to_owned(), table, known: Vec::new() }
    }

    fn complain(&self, span: Range<usize>, message: String) {
        let place = self.place(span.start);
        self.mistakes.borrow_mut().push(Mistake { place, message });
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    fn note_table(&self, path: &str, table: &DeTable<'i>) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.places.borrow_mut().insert(path.clone(), self.place(value.span().start));
            self.note(&path, value.get_ref());
        }
    }

    fn note(&self, path: &str, value: &DeValue<'i>) {
        match value {
            DeValue::Table(table) => self.note_table(path, table),
            DeValue::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.places.borrow_mut().insert(path.clone(), self.place(value.span().start));
                    self.note(&path, value.get_ref());
                }
            }
            _ => {}
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str, value: Spanned<DeValue<'i>>) -> Option<T> {
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(error.span().unwrap_or(span), format!("{path}: {}", reworded(error.message())));
                None
            }
        }
    }
}

/// A table of which each known field is taken once; what remains is unknown.
pub(crate) struct Fields<'i, 'd> {
    document: &'d Document<'i>,
    path: String,
    table: DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'i, 'd> Fields<'i, 'd> {
    fn remove(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// A field of this type, where it is there and right.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.remove(key)?;
        self.document.read(&join(&self.path, key), value)
    }

    /// A field that is a list, of which the good entries are kept with their paths.
    pub(crate) fn list<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<Vec<(String, T)>> {
        let path = join(&self.path, key);
        let value = self.remove(key)?;
        let span = value.span();
        let DeValue::Array(array) = value.into_inner() else {
            self.document.complain(span, format!("{path}: give a list, in brackets"));
            return None;
        };
        let entries = array.into_iter().enumerate().filter_map(|(index, value)| {
            let path = format!("{path}[{index}]");
            self.document.read(&path, value).map(|value| (path, value))
        });
        Some(entries.collect())
    }

    /// A field that is a table; an empty one where it is not there.
    pub(crate) fn table(&mut self, key: &'static str) -> Fields<'i, 'd> {
        let path = join(&self.path, key);
        let table = match self.remove(key).map(|value| (value.span(), value.into_inner())) {
            None => DeTable::new(),
            Some((_, DeValue::Table(table))) => table,
            Some((span, _)) => {
                self.document.complain(span, format!("{path}: this is a table: write [{path}] and its keys below"));
                DeTable::new()
            }
        };
        self.document.fields(&path, table)
    }

    /// A whole table as one value, of which each key is tried by itself, so that every mistake is found.
    pub(crate) fn whole<T: Default + for<'x> Deserialize<'x>>(self) -> T {
        let single = |key: &Spanned<_>, value: &Spanned<_>| {
            let table = DeTable::from_iter([(key.clone(), value.clone())]);
            T::deserialize(ValueDeserializer::from(Spanned::new(value.span(), DeValue::Table(table))))
        };
        let mut good = DeTable::new();
        for (key, value) in &self.table {
            match single(key, value) {
                Ok(_) => {
                    good.insert(key.clone(), value.clone());
                }
                Err(error) if error.message().starts_with("unknown field `") && !has_field(value, error.message()) => {
                    self.unknown(key, &alternatives(error.message()));
                }
                Err(error) => {
                    let message = format!("{}: {}", join(&self.path, key.get_ref()), reworded(error.message()));
                    self.document.complain(error.span().unwrap_or(value.span()), message);
                }
            }
        }
        T::deserialize(ValueDeserializer::from(Spanned::new(0..0, DeValue::Table(good)))).unwrap_or_default()
    }

    /// Whatever has not been taken is a mistake.
    pub(crate) fn finish(self) {
        for key in self.table.keys() {
            self.unknown(key, &self.known);
        }
    }

    fn unknown(&self, key: &Spanned<impl AsRef<str>>, known: &[&str]) {
        let table = if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
        let name = key.get_ref().as_ref();
        let message = format!("unknown key '{name}'{table}{}", suggestion(name, known));
        self.document.complain(key.span(), message);
    }
}

/// Whether the unknown field that the message names stands further inside of this value.
fn has_field(value: &Spanned<DeValue<'_>>, message: &str) -> bool {
    let name = message.split('`').nth(1).unwrap_or_default();
    match value.get_ref() {
        DeValue::Table(table) => table.contains_key(name) || table.values().any(|value| has_field(value, message)),
        DeValue::Array(array) => array.iter().any(|value| has_field(value, message)),
        _ => false,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The words in backticks after the first: what serde would have expected.
fn alternatives(message: &str) -> Vec<&str> {
    message.split('`').skip(3).step_by(2).collect()
}

/// What the user may have meant, or what there is.
fn suggestion(name: &str, known: &[&str]) -> String {
    let likeness = |known: &&&str| strsim::jaro_winkler(&name.to_lowercase(), known);
    match known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(best) if likeness(&best) > 0.8 => format!("; did you mean '{best}'?"),
        _ if known.is_empty() => String::new(),
        _ => format!("; known here: {}", known.join(", ")),
    }
}

/// Serde's words for programmers, in words for people who write configuration files.
fn reworded(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let named = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("unknown field `") {
        return format!("unknown key '{named}'{}", suggestion(named, &alternatives(message)));
    }
    if message.starts_with("unknown variant `") {
        let known = alternatives(message);
        return format!(
            "'{named}' is none of {}{}",
            known.join(", "),
            match suggestion(named, &known) {
                meant if meant.contains("did you mean") => meant,
                _ => String::new(),
            }
        );
    }
    if message.starts_with("missing field `") {
        return format!("'{named}' is missing");
    }
    let Some(rest) = message.strip_prefix("invalid type: ") else { return message.replace('`', "'") };
    let (found, wanted) = rest.split_once(", expected ").unwrap_or((rest, "something else"));
    let found = match found.split_once(' ') {
        _ if found == "map" => "a table".to_owned(),
        _ if found == "sequence" => "a list".to_owned(),
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer", number)) => format!("the number {}", number.replace('`', "")),
        Some(("boolean", value)) => value.replace('`', ""),
        Some(("floating", rest)) => format!("the number {}", rest.trim_start_matches("point ").replace('`', "")),
        _ => found.to_owned(),
    };
    let wanted = match wanted {
        "i64" | "u32" | "u64" | "i32" | "u16" => "a whole number, without quotes",
        "a string" => "text, in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list, in brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{found} is not right here: give {wanted}")
}
