//! What came of a run.

use std::fmt::Write;

use keyminder_reconcile::{Action, Address, Outcome};

use super::style::{bold, dim, good, hang, warn};
use crate::command::Attention;

/// All is as wanted; and where a person finds the function, unless something stands in for AWS.
pub(crate) fn in_sync(console: Option<&str>) -> String {
    let link = console.map(|url| format!("\n{}", dim(url))).unwrap_or_default();
    format!("{}{link}", good("✓ In sync."))
}

/// What is left for a person.
pub(crate) fn attention(attention: &[Attention], width: usize) -> String {
    let mut text = String::new();
    for one in attention {
        let _ = writeln!(text, "{} {}", warn("!"), hang(&one.message, 2, width));
    }
    text.trim_end().to_owned()
}

/// What a teardown deleted.
pub(crate) fn receipt(outcome_done: &[(Address, Action)], left: &[String], width: usize) -> String {
    let names: Vec<_> = outcome_done.iter().map(|(address, _)| address.0).collect();
    let mut text = hang(&format!("{} {}", bold(format_args!("Deleted {}:", names.len())), names.join(", ")), 2, width);
    if left.is_empty() {
        let _ = write!(text, "\n{} Looked again: nothing of this install is left under these names.", good("✓"));
    } else {
        for one in left {
            let _ = write!(text, "\n{} Still there: {}", warn("!"), hang(one, 2, width));
        }
    }
    text
}

/// What was done, what failed and what was not begun, where a run did not come to its end. For the error's message.
pub(crate) fn unfinished<E: std::fmt::Display>(outcome: &Outcome<E>) -> String {
    let list = |items: Vec<String>| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    let done = list(outcome.done.iter().map(|(address, action)| format!("{address} {}", past(*action))).collect());
    let waiting = list(outcome.not_begun.iter().map(|(address, _)| address.to_string()).collect());
    format!("done: {done}; not begun: {waiting}")
}

fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Delete => "deleted",
        Action::None => "kept",
    }
}
