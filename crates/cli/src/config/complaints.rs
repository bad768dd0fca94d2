//! Everything that is wrong with a configuration, collected while it is put together, so that it is said at once.
//!
//! Each complaint has the place of what it is about. What a value must look like is known elsewhere.

use super::origins::Origins;
use crate::error::Error;

/// Collects complaints while values are put together.
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

    /// A number that was read as signed, so that a negative one gets a better answer than a parser's.
    pub(super) fn number(&mut self, path: &str, wanted: &str, number: Option<i64>) -> Option<u32> {
        let number = number?;
        let converted = u32::try_from(number).ok();
        if converted.is_none() {
            self.add(path, &format!("{number} is not a number of {wanted}"));
        }
        converted
    }

    pub(super) fn pairs(&mut self, path: &str, form: &str, pairs: &[String]) -> Vec<(String, String)> {
        let given = pairs.iter().filter(|pair| !pair.is_empty());
        let mut good = Vec::new();
        for pair in given {
            match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => good.push((key.trim().to_owned(), value.to_owned())),
                _ => self.add(path, &format!("'{pair}' is not {form}")),
            }
        }
        good
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.lines.dedup();
        if self.lines.is_empty() { Ok(()) } else { Err(Error::problems(self.lines)) }
    }
}
