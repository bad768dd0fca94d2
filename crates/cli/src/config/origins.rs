//! Where each setting was given: a flag, a variable or a place in the file, so that a complaint can name it.

use std::collections::BTreeMap;

use super::file::File;
use crate::args::Overrides;
use crate::error::Error;

/// Where values come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

#[derive(Debug, Clone)]
enum Origin {
    /// A flag or a variable, which names the setting.
    Argument(String),
    /// A place in a file.
    Place(String),
}

impl Origins {
    /// Those of a file, and of what overrides it.
    pub(super) fn new<'o>(file: &File, overrides: impl IntoIterator<Item = &'o Overrides>) -> Self {
        let places = file.document.places.iter();
        let place = |place| Origin::Place(format!("{}:{place}", file.name()));
        let mut origins: BTreeMap<_, _> = places.map(|(path, at)| (path.clone(), place(at))).collect();
        for given in overrides.into_iter().flat_map(Overrides::iter) {
            let path = given.setting;
            if !given.value.is_table() {
                origins.retain(|key, _| {
                    !(key.starts_with(path) && key.get(path.len()..).is_some_and(|rest| rest.starts_with(['.', '['])))
                });
            }
            origins.insert(path.to_owned(), Origin::Argument(given.origin.clone()));
        }
        Self(origins)
    }

    /// Where the setting, or what it is part of, was given.
    fn of(&self, path: &str) -> Option<&Origin> {
        let mut path = path;
        loop {
            if let Some(origin) = self.0.get(path) {
                return Some(origin);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// What is wrong with a setting, with its place.
    pub(super) fn complaint(&self, path: &str, message: &str) -> String {
        let setting = path.rsplit('.').next().unwrap_or(path);
        match self.of(path) {
            Some(Origin::Argument(argument)) => format!("{argument}: {message}"),
            Some(Origin::Place(place)) if message.contains(setting) => format!("{place}: {message}"),
            Some(Origin::Place(place)) => format!("{place}: {path}: {message}"),
            None => format!("{path}: {message}"),
        }
    }
}

/// Everything that is wrong with a configuration, collected so that it is said at once.
pub(super) struct Complaints<'a> {
    origins: &'a Origins,
    lines: Vec<String>,
}

impl<'a> Complaints<'a> {
    pub(super) fn new(origins: &'a Origins) -> Self {
        Self { origins, lines: Vec::new() }
    }

    pub(super) fn add(&mut self, path: &str, message: &str) {
        self.lines.push(self.origins.complaint(path, message));
    }

    /// How many there are so far.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.lines.dedup();
        if self.lines.is_empty() { Ok(()) } else { Err(Error::problems(self.lines)) }
    }
}
