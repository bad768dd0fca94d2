//! An error as a person reads it.

use super::style::{bad, bold, hang};
use crate::error::{End, Error};

/// Columns by which the further lines of an error are indented.
const INDENT: usize = 7;

/// `error[CODE]: …` and a line for each hint. The code is what `docs/troubleshooting.md` lists; an error of AWS has its
/// code in the message. A run that the user stopped has no error.
pub(crate) fn error(error: &Error, width: usize) -> String {
    let message = error.message.as_str();
    if error.end == End::Stopped {
        let lines = [message].into_iter().chain(error.hints.iter().map(String::as_str));
        return lines.map(|line| hang(line, 0, width)).collect::<Vec<_>>().join("\n");
    }
    let code = if message.contains(&error.code) { String::new() } else { format!("[{}]", error.code) };
    let lead = format!("error{code}: ");
    let mut text = bad(&lead);
    let wide = hang(&format!("{lead}{message}"), INDENT, width);
    match (error.end, message.lines().count()) {
        // Several problems: each on its own lines, all alike.
        (End::Problems, count @ 2..) => {
            text.push_str(&format!("the configuration has {count} problems"));
            for line in message.lines() {
                text.push_str(&format!("\n  {}", hang(line, 4, width)));
            }
        }
        _ => text.push_str(wide.trim_start_matches(&lead)),
    }
    for hint in &error.hints {
        text.push_str(&format!("\n  {}{}", bold("hint: "), hang(hint, 8, width)));
    }
    text
}
