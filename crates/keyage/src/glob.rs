//! Names with wildcards.
//!
//! `*` is any run of characters, also none, and `?` is any one.

use wildmatch::WildMatch;

/// A pattern of `*`, `?` and plain characters, which must match the whole text. Case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glob<'a>(&'a str);

impl<'a> Glob<'a> {
    /// A pattern. Any text is one.
    #[must_use]
    pub const fn new(pattern: &'a str) -> Self {
        Self(pattern)
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        WildMatch::new(self.0).matches(text)
    }

    /// Whether the text begins with something that matches.
    #[must_use]
    pub fn matches_start(self, text: &str) -> bool {
        WildMatch::new(&format!("{}*", self.0)).matches(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_name() {
        for (pattern, text, whole, start) in [
            ("alice", "alice", true, true),
            ("alice", "alice2", false, true),
            ("alice", "Alice", false, false),
            ("ci-*", "ci-build", true, true),
            ("ci-*", "ci-", true, true),
            ("*-bot", "x-bot-y-bot", true, true),
            ("*-bot", "x-bot-y", false, true),
            ("a?c", "abc", true, true),
            ("a?c", "ac", false, false),
            ("*", "", true, true),
            ("", "", true, true),
            ("", "a", false, true),
            ("**a*", "bba", true, true),
            ("*a*b*c", "a1b2c3c", true, true),
            ("/service/", "/service/ci/", false, true),
            ("/*/ci/", "/service/ci/deep/", false, true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), whole, "{pattern} on {text}");
            assert_eq!(Glob::new(pattern).matches_start(text), start, "{pattern} on the start of {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_does_not_take_for_ever() {
        assert!(!Glob::new(&"*a".repeat(40)).matches(&"a".repeat(39)));
        assert!(!Glob::new(&format!("{}b", "*a".repeat(30))).matches(&"a".repeat(5000)));
    }
}
