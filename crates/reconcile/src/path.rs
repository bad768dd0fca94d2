//! Where a field is within a state: a list of parts, so that a key with dots in it is still one key.

use std::fmt;

use serde::{Serialize, Serializer};

/// One step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathPart {
    /// Into an object, by key.
    Key(String),
    /// Into a list, by position.
    Index(usize),
}

/// The way to a field. It is shown, and written to JSON, as `document.Statement[0].Action`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<PathPart>);

impl FieldPath {
    /// The way to the state itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The way to the field `key` of what is here.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(PathPart::Key(key.into()))
    }

    /// The way to one element of the list that is here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(PathPart::Index(index))
    }

    fn with(&self, part: PathPart) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// Its parts, from the outside in.
    #[must_use]
    pub fn parts(&self) -> &[PathPart] {
        &self.0
    }

    /// The field of the state that it leads to or into.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        match self.0.first() {
            Some(PathPart::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Its keys, where it leads through no list.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.0
            .iter()
            .map(|part| match part {
                PathPart::Key(key) => Some(key.as_str()),
                PathPart::Index(_) => None,
            })
            .collect()
    }

    /// Whether it consists of exactly these keys.
    #[must_use]
    pub fn is(&self, keys: &[&str]) -> bool {
        self.0.len() == keys.len() && self.starts_with(keys)
    }

    /// Whether these keys are its beginning.
    #[must_use]
    pub fn starts_with(&self, keys: &[&str]) -> bool {
        self.0.len() >= keys.len()
            && keys.iter().zip(&self.0).all(|(key, part)| matches!(part, PathPart::Key(own) if own == key))
    }
}

impl<const N: usize> From<[&str; N]> for FieldPath {
    fn from(keys: [&str; N]) -> Self {
        Self(keys.iter().map(|key| PathPart::Key((*key).to_owned())).collect())
    }
}

impl From<&str> for FieldPath {
    fn from(key: &str) -> Self {
        Self::from([key])
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::fmt::Write;

        let mut text = String::new();
        for part in &self.0 {
            match part {
                PathPart::Key(key) if text.is_empty() => text.push_str(key),
                PathPart::Key(key) => write!(text, ".{key}")?,
                PathPart::Index(index) => write!(text, "[{index}]")?,
            }
        }
        f.pad(&text)
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_with_dots_and_brackets() {
        let path = FieldPath::from("document").key("Statement").index(0).key("Action");
        assert_eq!(path.to_string(), "document.Statement[0].Action");
        assert_eq!(serde_json::to_value(&path).unwrap(), "document.Statement[0].Action");
    }

    #[test]
    fn a_key_with_dots_is_one_key() {
        let path = FieldPath::from(["email ops@example.com", "managed"]);
        assert!(path.is(&["email ops@example.com", "managed"]));
        assert!(!path.starts_with(&["email ops@example"]));
        assert_eq!(path.first_key(), Some("email ops@example.com"));
        assert_ne!(path, FieldPath::from(["email ops@example", "com", "managed"]));
    }
}
