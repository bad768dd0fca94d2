//! What came of a run, and what is next.

use std::fmt::Write;

use keyminder_reconcile::{Action, Address, Outcome};

use super::style::{bold, command, dim, good, hang, warn};
use crate::follow_up::FollowUp;

/// Everything is as configured; and where a person finds the function, unless something stands in for AWS.
pub(crate) fn in_sync(console: Option<&str>) -> String {
    let link = console.map(|url| format!("\n{}", dim(url))).unwrap_or_default();
    format!("{}{link}", good("✓ In sync."))
}

/// What is left for a person, one sign each.
pub(crate) fn follow_ups(all: &[FollowUp], width: usize) -> String {
    let sign = |_| warn("!");
    listed(all, sign, 2, width)
}

/// What is left for a person, numbered.
pub(crate) fn next_steps(all: &[FollowUp], width: usize) -> String {
    let number = |index: usize| format!("  {}.", index + 1);
    format!("\n{}\n{}", bold("Next steps:"), listed(all, number, 5, width))
}

/// Each with its sign, and each command on a line of its own, so that it can be copied.
fn listed(all: &[FollowUp], sign: impl Fn(usize) -> String, indent: usize, width: usize) -> String {
    let mut text = String::new();
    let margin = " ".repeat(indent);
    for (index, one) in all.iter().enumerate() {
        let lead = if one.command.is_some() { format!("{}:", one.lead) } else { one.lead.clone() };
        let _ = writeln!(text, "{} {}", sign(index), hang(&lead, indent, width));
        if let Some(run) = &one.command {
            let _ = writeln!(text, "{margin}  {}", command(run));
        }
        if !one.rest.is_empty() {
            let _ = writeln!(text, "{margin}{}", hang(&one.rest, indent, width));
        }
    }
    text.trim_end().to_owned()
}

/// What a teardown deleted.
pub(crate) fn receipt(outcome_done: &[(Address, Action)], left: &[String], width: usize) -> String {
    let names: Vec<_> = outcome_done.iter().map(|(address, _)| address.0).collect();
    let mut text = hang(&format!("{} {}", bold(format_args!("Deleted {}:", names.len())), names.join(", ")), 2, width);
    if left.is_empty() {
        let _ = write!(text, "\n{} Verified: no resources of this installation remain.", good("✓"));
    } else {
        for one in left {
            let _ = write!(text, "\n{} Still present: {}", warn("!"), hang(one, 2, width));
        }
    }
    text
}

/// What was done and what was not started, if a run did not come to its end. For the error's message.
pub(crate) fn unfinished<E: std::fmt::Display>(outcome: &Outcome<E>) -> String {
    let list = |items: Vec<String>| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    let done = list(outcome.done.iter().map(|(address, action)| format!("{address} {}", past(*action))).collect());
    let waiting = list(outcome.not_begun.iter().map(|(address, _)| address.to_string()).collect());
    format!("done: {done}; not started: {waiting}")
}

fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Delete => "deleted",
        Action::None => "unchanged",
    }
}
