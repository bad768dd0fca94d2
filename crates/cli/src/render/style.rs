//! The few styles there are. Colour is never the only carrier of meaning: each has a sign or a word beside it.
//!
//! Only the sixteen colours of the terminal's own palette are used, so that light and dark terminals both show them as
//! their owner finds readable. It must not know what is painted.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

/// A style to paint text in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(Style);

impl Paint {
    pub(crate) const ADD: Self = Self(AnsiColor::Green.on_default());
    /// Yellow is what one expects, and on white nobody can read it; nor can they cyan.
    pub(crate) const CHANGE: Self = Self(AnsiColor::Magenta.on_default());
    pub(crate) const DELETE: Self = Self(AnsiColor::Red.on_default());
    pub(crate) const BOLD: Self = Self(Style::new().bold());
    pub(crate) const DIM: Self = Self(Style::new().dimmed());
    pub(crate) const HEADING: Self = Self(Style::new().bold().underline());
    pub(crate) const ERROR: Self = Self(AnsiColor::Red.on_default().bold());
    pub(crate) const COMMAND: Self = Self(Style::new().bold());

    /// The text between the style's escape sequences, which the [`Screen`](super::Screen) removes where no colour is
    /// wanted.
    pub(crate) fn on(self, text: impl std::fmt::Display) -> String {
        format!("{}{text}{}", self.0.render(), self.0.render_reset())
    }
}

/// How long the escape sequence at the beginning of the text is, if it is one of ours.
pub(super) fn own_sequence(text: &str) -> usize {
    const ALL: [Paint; 8] = [
        Paint::ADD,
        Paint::CHANGE,
        Paint::DELETE,
        Paint::BOLD,
        Paint::DIM,
        Paint::HEADING,
        Paint::ERROR,
        Paint::COMMAND,
    ];
    let starts = |sequence: String| text.starts_with(&sequence).then_some(sequence.len());
    let lengths = ALL.into_iter().flat_map(|paint| {
        [starts(paint.0.render().to_string()), starts(paint.0.render_reset().to_string())].into_iter().flatten()
    });
    lengths.max().unwrap_or_default()
}

pub(crate) fn good(text: impl std::fmt::Display) -> String {
    Paint::ADD.on(text)
}

pub(crate) fn warn(text: impl std::fmt::Display) -> String {
    Paint::CHANGE.on(text)
}

pub(crate) fn bad(text: impl std::fmt::Display) -> String {
    Paint::ERROR.on(text)
}

pub(crate) fn bold(text: impl std::fmt::Display) -> String {
    Paint::BOLD.on(text)
}

pub(crate) fn dim(text: impl std::fmt::Display) -> String {
    Paint::DIM.on(text)
}

#[cfg(feature = "sandbox")]
pub(crate) fn command(text: impl std::fmt::Display) -> String {
    Paint::COMMAND.on(text)
}

#[cfg(feature = "sandbox")]
pub(crate) fn heading(text: impl std::fmt::Display) -> String {
    Paint::HEADING.on(text)
}

/// Text broken between words into lines of at most `width` columns; a word longer than that has a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// The text with its further lines indented by `indent` columns, as the first already is.
pub(super) fn hang(text: &str, indent: usize, width: usize) -> String {
    wrap(text, width.saturating_sub(indent).max(20)).join(&format!("\n{}", " ".repeat(indent)))
}

/// Each line that is too long broken between words, and the others as they are.
pub(crate) fn fold(text: &str, width: usize) -> String {
    let lines = text.split('\n').map(|line| match textwrap::core::display_width(line) > width {
        true => wrap(line, width).join("\n"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_never_inside_one() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 5), ["a", "verylongword", "b"]);
        assert_eq!(wrap("a\n\nb", 5), ["a", "", "b"]);
    }

    #[test]
    fn only_lines_that_are_too_long_are_folded() {
        assert_eq!(fold("  a  b\n\none two three\n", 7), "  a  b\n\none two\nthree\n");
    }

    #[test]
    fn escape_sequences_take_no_room() {
        assert_eq!(wrap(&format!("{} two", bold("one")), 7).len(), 1);
    }
}
