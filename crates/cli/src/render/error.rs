//! An error as a person reads it.

use super::style::{bad, bold, hang};
use crate::error::Error;

/// `error: …` and a line for each hint.
pub(crate) fn error(error: &Error, width: usize) -> String {
    let mut lines = error.message.lines();
    let mut text = format!("{}{}", bad("error: "), hang(lines.next().unwrap_or_default(), 7, width));
    let rest: Vec<_> = lines.collect();
    if !rest.is_empty() && error.code == "BadConfiguration" {
        // Several problems: each on its own lines, all alike.
        text = format!("{}the configuration has {} problems", bad("error: "), rest.len() + 1);
        for line in error.message.lines() {
            text.push_str(&format!("\n  {}", hang(line, 4, width)));
        }
    }
    for hint in &error.hints {
        text.push_str(&format!("\n  {}{}", bold("hint: "), hang(hint, 8, width)));
    }
    text
}
