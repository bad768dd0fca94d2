//! A plan: what would be created, changed and deleted, field by field.
//!
//! Owns the layout, which must be readable at 80 columns, without colour and by a screen reader. It must not know what
//! any resource is.

mod brief;
mod fields;

use std::fmt::Write;

use keyminder_reconcile::{Action, Address, Change, Extra, Plan, Purpose, Refused, Severity};
use keyminder_stack::{Allow, Decisions};

use super::style::{Paint, bold, dim, hang, warn};

/// Where a run takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) command: &'static str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) install: String,
    /// Where the settings come from.
    pub(crate) settings: Option<String>,
    /// Who calls, if the user wants to know.
    pub(crate) caller: Option<String>,
    /// The endpoint that stands in for AWS.
    pub(crate) endpoint: Option<String>,
}

/// The first line of every run: which account, region and installation it is about.
pub(crate) fn headline(head: &Headline) -> String {
    let mut text = format!(
        "{}: account {}, region {}, installation {}",
        bold(format_args!("keyminder {}", head.command)),
        bold(&head.account),
        bold(&head.region),
        bold(&head.install)
    );
    if let Some(settings) = &head.settings {
        let _ = write!(text, "\n{}", dim(settings));
    }
    if let Some(endpoint) = &head.endpoint {
        let _ = write!(text, "\n{}", dim(format_args!("Using endpoint {endpoint} instead of AWS")));
    }
    if let Some(caller) = &head.caller {
        let _ = write!(text, "\n{}", dim(format_args!("Caller: {caller}")));
    }
    text
}

/// The plan of a setup, led by what a person decides: who is notified, from which age on, and when keys are checked.
pub(crate) fn plan_with(decisions: &Decisions, plan: &Plan, verbose: bool, width: usize) -> String {
    let rest = self::plan(plan, verbose, width);
    match plan.is_empty() {
        true => rest,
        false => format!("{}\n{rest}", decided(decisions, width)),
    }
}

/// Columns for the name of a decision.
const DECISION: usize = 12;

fn decided(decisions: &Decisions, width: usize) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {} {}", bold(format_args!("{name:<DECISION$}")), hang(value, DECISION + 3, width));
    };
    match decisions.recipients.as_deref() {
        None => line("Recipients", &dim("as they are (none configured here)")),
        Some([]) => line("Recipients", "none"),
        Some(recipients) => {
            for (index, one) in recipients.iter().enumerate() {
                let who = format!("{} {}", one.protocol, one.endpoint);
                let shown = match one.action {
                    Action::Create => Paint::ADD.on(format_args!("+ {who}")),
                    Action::Delete => Paint::DELETE.on(format_args!("- {who}")),
                    Action::Update | Action::None => format!("  {who}"),
                };
                line(if index == 0 { "Recipients" } else { "" }, &shown);
            }
        }
    }
    line("Limit", &before_and_after(decisions.limit.before.map(days), days(decisions.limit.after)));
    line("Schedule", &before_and_after(decisions.schedule.before.clone(), decisions.schedule.after.clone()));
    text
}

fn days(number: u32) -> String {
    format!("{number} {}", if number == 1 { "day" } else { "days" })
}

fn before_and_after(before: Option<String>, after: String) -> String {
    match before.filter(|before| *before != after) {
        Some(before) => Paint::CHANGE.on(format_args!("{before} → {after}")),
        None => after,
    }
}

/// The whole plan. Of what is new it shows the fields that somebody decides, and of what changes every field that
/// does. `verbose`: every field of what is new as well, and what stays as it is.
pub(crate) fn plan(plan: &Plan, verbose: bool, width: usize) -> String {
    let mut text = String::new();
    let mut hidden = 0;
    let destroying = plan.purpose == Purpose::Destroy;
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    if destroying {
        changes.reverse();
    }
    for change in &changes {
        if change.action == Action::None && !(verbose && change.foreign.is_none()) {
            continue;
        }
        text.push_str(&head(change, width));
        match change.action {
            Action::Delete => {}
            action if verbose => fields::write(&mut text, &change.fields, action, width),
            action => {
                let (shown, left_out) = brief::split(&change.fields, action);
                hidden += left_out;
                fields::write(&mut text, &shown, action, width);
            }
        }
        if let (Some(reason), false) = (&change.foreign, destroying) {
            let _ = writeln!(text, "      {}", hang(&format!("adopted: {reason}"), 6, width));
        }
    }
    for change in &changes {
        for extra in &change.extras {
            let _ = writeln!(
                text,
                "  {} {:<width$}  {}",
                warn("!"),
                change.address.0,
                hang(&format!("{}: {}", whose(extra), extra), 30, width),
                width = ADDRESS
            );
        }
        for one in &change.not_checked {
            let line = hang(&format!("not checked: {one}"), 30, width);
            let _ = writeln!(text, "  {} {:<width$}  {line}", warn("?"), change.address.0, width = ADDRESS);
        }
        if let (Some(reason), true) = (&change.foreign, destroying) {
            let _ = writeln!(
                text,
                "  {} {:<width$}  {}",
                warn("!"),
                change.address.0,
                hang(&format!("not created by this installation, left alone: {} ({reason})", change.name), 30, width),
                width = ADDRESS
            );
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    if hidden > 0 {
        let _ = write!(
            text,
            "\n{}",
            dim(format_args!("{hidden} more fields not shown, including policies and tags. Use -v to show them."))
        );
    }
    text
}

/// How a line about something beside our objects begins.
fn whose(extra: &Extra) -> &'static str {
    match extra.severity {
        _ if extra.ours => "stays",
        _ if extra.allowed => "allowed",
        Severity::Critical if extra.is_concern() => "added by others, critical",
        _ => "added by others",
    }
}

/// Columns for an address.
const ADDRESS: usize = 23;

fn head(change: &Change, width: usize) -> String {
    let (sign, paint, word) = match change.action {
        Action::Create => ("+", Paint::ADD, "create"),
        Action::Update if change.replace => ("~", Paint::CHANGE, "replace"),
        Action::Update => ("~", Paint::CHANGE, "change"),
        Action::Delete => ("-", Paint::DELETE, "delete"),
        Action::None => ("=", Paint::DIM, "keep"),
    };
    let action = paint.on(format_args!("{sign} {word}"));
    if sign.len() + word.len() + ADDRESS + change.name.len() + 5 > width {
        return format!("  {action} {}\n      {}\n", bold(change.address.0), hang(&change.name, 6, width));
    }
    let address = format!("{:<ADDRESS$}", change.address.0);
    format!("  {action} {} {}\n", bold(address), change.name)
}

/// How many of what.
fn summary(plan: &Plan) -> String {
    let counts = plan.summary();
    if plan.purpose == Purpose::Destroy {
        return match counts.delete {
            0 => bold("Nothing to delete: this installation does not exist here."),
            n => bold(format_args!("{n} to delete.")),
        };
    }
    if plan.is_empty() {
        let others = match plan.concerns().len() {
            0 => ".".to_owned(),
            1 => format!(". {}", warn("Others added 1 thing that needs your attention.")),
            n => format!(". {}", warn(format_args!("Others added {n} things that need your attention."))),
        };
        return format!("{} all {} resources are up to date{others}", bold("No changes:"), plan.changes.len());
    }
    bold(format_args!("{} to create, {} to change, {} unchanged.", counts.create, counts.update, counts.none))
}

/// Why a plan is refused: what has a name that keyminder needs, and was not created by it.
pub(crate) fn refused(refused: &[Refused]) -> String {
    let mut text =
        String::from("resources with the expected names already exist and were not created by this installation:");
    for one in refused {
        let _ = write!(text, " {} {} ({});", one.address, one.name, one.reason);
    }
    text.pop();
    text
}

/// Something of others that is a reason for concern, without a full stop.
pub(crate) fn concern(address: Address, extra: &Extra) -> String {
    let loud = if extra.severity == Severity::Critical { " (critical)" } else { "" };
    format!("{address}: others added {extra}{loud}")
}

/// The command that removes it, if there is a way.
pub(crate) fn removing(address: Address, extra: &Extra) -> Option<String> {
    extra.handle.as_ref().map(|_| format!("keyminder setup --remove-foreign {address}"))
}

/// How to allow it, without a full stop.
pub(crate) fn allowing(address: Address, extra: &Extra) -> String {
    match Allow::entry(extra) {
        Some(entry) => format!("If it belongs there, allow it in keyminder.toml: [allow] {address} = [\"{entry}\"]"),
        None => "keyminder.toml cannot allow it, because nothing tells it from others".to_owned(),
    }
}

/// What could not be looked at, in one sentence.
pub(crate) fn not_checked(plan: &Plan) -> Option<String> {
    let what: Vec<_> = plan.not_checked().map(|(_, one)| one.to_string()).collect();
    (!what.is_empty()).then(|| format!("Not checked for things that others may have added: {}.", what.join(", ")))
}

/// What others attached that prevents our own resources from being deleted.
pub(crate) fn blockers(plan: &Plan) -> Vec<String> {
    plan.blockers().into_iter().map(|(address, extra)| format!("{address}: {extra}")).collect()
}

#[cfg(test)]
mod tests;
