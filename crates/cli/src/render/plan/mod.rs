//! A plan: what would be made, changed and deleted, field by field.
//!
//! Owns the layout, which must be readable at 80 columns, without colour and by a screen reader. It must not know what
//! any resource is.

use std::fmt::Write;

use keyminder_reconcile::{Action, Change, FieldChange, Plan, Purpose, Refused};
use serde_json::Value;

use super::style::{Paint, bold, dim, hang, warn};

/// Where a run takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) command: &'static str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) install: String,
    /// Who calls, where the user wants to know.
    pub(crate) caller: Option<String>,
    /// The endpoint that stands in for AWS.
    pub(crate) endpoint: Option<String>,
}

/// The first line of every run: which account, region and install it is about.
pub(crate) fn headline(head: &Headline) -> String {
    let mut text = format!(
        "{}: account {}, region {}, install {}",
        bold(format_args!("keyminder {}", head.command)),
        bold(&head.account),
        bold(&head.region),
        bold(&head.install)
    );
    if let Some(endpoint) = &head.endpoint {
        let _ = write!(text, "\n{}", dim(format_args!("endpoint {endpoint} stands in for AWS")));
    }
    if let Some(caller) = &head.caller {
        let _ = write!(text, "\n{}", dim(format_args!("as {caller}")));
    }
    text
}

/// The whole plan. `verbose`: with what stays as it is.
pub(crate) fn plan(plan: &Plan, verbose: bool, width: usize) -> String {
    let mut text = String::new();
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
        if change.action != Action::Delete {
            fields(&mut text, change, width);
        }
        if let (Some(reason), false) = (&change.foreign, destroying) {
            let _ = writeln!(text, "      {}", hang(&format!("taken over: {reason}"), 6, width));
        }
    }
    for change in &changes {
        for extra in &change.extras {
            let _ = writeln!(
                text,
                "  {} {:<width$}  {}",
                warn("!"),
                change.address.0,
                hang(&format!("not ours: {}", extra.what), 30, width),
                width = ADDRESS
            );
        }
        if let (Some(reason), true) = (&change.foreign, destroying) {
            let _ = writeln!(
                text,
                "  {} {:<width$}  {}",
                warn("!"),
                change.address.0,
                hang(&format!("not ours, left alone: {} ({reason})", change.name), 30, width),
                width = ADDRESS
            );
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    text
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

fn fields(text: &mut String, change: &Change, width: usize) {
    let longest = change.fields.iter().map(|field| field.path.len()).max().unwrap_or(0).min(28);
    for field in &change.fields {
        if is_document(&field.before, width) || is_document(&field.after, width) {
            documents(text, field, change.action);
            continue;
        }
        let path = format!("{:<longest$}", field.path);
        let indent = 6 + longest.max(field.path.len()) + 2;
        let (indent, lead) =
            if indent > width / 2 { (8, format!("{path}\n        ")) } else { (indent, format!("{path}  ")) };
        let _ = writeln!(text, "      {}{}", dim(lead), hang(&values(field, change.action), indent, width));
    }
}

/// Whether a value is better read as indented JSON.
fn is_document(value: &Value, width: usize) -> bool {
    let nested = match value {
        Value::Array(list) => list.iter().any(|one| one.is_object() || one.is_array()),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    };
    nested && value.to_string().len() > width / 3
}

/// A document before and after, line by line: policies are read, not measured.
fn documents(text: &mut String, field: &FieldChange, action: Action) {
    let _ = writeln!(text, "      {}", dim(&field.path));
    let mut block = |sign: &str, paint: Paint, value: &Value| {
        let pretty = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        for line in pretty.lines() {
            let _ = writeln!(
                text,
                "        {}",
                if sign.is_empty() { line.to_owned() } else { paint.on(format_args!("{sign} {line}")) }
            );
        }
    };
    if action == Action::Create {
        return block("", Paint::ADD, &field.after);
    }
    if !field.before.is_null() {
        block("-", Paint::DELETE, &field.before);
    }
    if !field.after.is_null() {
        block("+", Paint::ADD, &field.after);
    }
}

fn values(field: &FieldChange, action: Action) -> String {
    let (before, after) = (value(&field.before), value(&field.after));
    match (&field.before, &field.after) {
        (Value::Null, _) if action == Action::Create => after,
        (Value::Null, _) => format!("(none) → {after}"),
        (_, Value::Null) => format!("{before} → (none)"),
        _ => format!("{before} → {after}"),
    }
}

/// A value in as few signs as leave no doubt: text without quotes unless it could be taken for something else.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) if text.chars().any(char::is_control) || text.trim() != text => {
            serde_json::Value::from(text.as_str()).to_string()
        }
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "[]".to_owned(),
        Value::Array(list) if list.iter().all(|one| !one.is_object() && !one.is_array()) => {
            format!("[{}]", list.iter().map(self::value).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// How many of what.
fn summary(plan: &Plan) -> String {
    let counts = plan.summary();
    if plan.purpose == Purpose::Destroy {
        return match counts.delete {
            0 => bold("Nothing to delete: nothing of this install is there."),
            n => bold(format_args!("{n} to delete.")),
        };
    }
    if plan.is_empty() {
        return format!(
            "{} {} of {} resources are as wanted.",
            bold("Nothing to do:"),
            counts.none,
            plan.changes.len()
        );
    }
    bold(format_args!("{} to create, {} to change, {} as wanted.", counts.create, counts.update, counts.none))
}

/// Why a plan is refused: what stands under our names and is not ours.
pub(crate) fn refused(refused: &[Refused]) -> String {
    let mut text = String::from("what has our names is not ours:");
    for one in refused {
        let _ = write!(text, " {} {} ({});", one.address, one.name, one.reason);
    }
    text.pop();
    text
}

/// What of others keeps our own objects from being deleted.
pub(crate) fn blockers(plan: &Plan) -> Vec<String> {
    plan.blockers().into_iter().map(|(address, extra)| format!("{address}: {}", extra.what)).collect()
}

#[cfg(test)]
mod tests {
    use keyminder_reconcile::{Address, Extra};
    use serde_json::json;

    use super::*;

    fn change(address: &'static str, action: Action, fields: Vec<FieldChange>) -> Change {
        Change {
            address: Address(address),
            name: format!("the-{address}"),
            action,
            fields,
            extras: vec![],
            foreign: None,
            replace: false,
            part_of: None,
        }
    }

    fn field(path: &str, before: Value, after: Value) -> FieldChange {
        FieldChange { path: path.into(), before, after }
    }

    fn shown(plan: &Plan) -> String {
        console::strip_ansi_codes(&super::plan(plan, false, 80)).into_owned()
    }

    #[test]
    fn a_plan_shows_each_field_before_and_after_and_fits_eighty_columns() {
        let long = "word ".repeat(40).trim_end().to_owned();
        let plan = Plan {
            purpose: Purpose::Converge { adopt: false },
            changes: vec![
                change("sns_topic", Action::Create, vec![field("display_name", Value::Null, json!("IAM access keys"))]),
                change(
                    "lambda_function",
                    Action::Update,
                    vec![
                        field("timeout_seconds", json!(60), json!(300)),
                        field("layers", json!([]), json!(["a", "b"])),
                        field("tags.team", json!("x"), Value::Null),
                        field("description", json!(""), json!(long)),
                    ],
                ),
                change("iam_role", Action::None, vec![]),
            ],
        };
        let text = shown(&plan);
        insta::assert_snapshot!(text, @r#"
          + create sns_topic               the-sns_topic
              display_name  IAM access keys
          ~ change lambda_function         the-lambda_function
              timeout_seconds  60 → 300
              layers           [] → [a, b]
              tags.team        x → (none)
              description      "" → word word word word word word word word word word
                               word word word word word word word word word word word
                               word word word word word word word word word word word
                               word word word word word word word word

        1 to create, 1 to change, 1 as wanted.
        "#);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_teardown_lists_what_goes_in_the_order_of_going_and_what_stays_and_why() {
        let mut rule = change("events_rule", Action::Delete, vec![]);
        rule.extras
            .push(Extra { what: "target 2 (arn:aws:sqs:eu-west-1:123456789012:q)".into(), blocks_deletion: true });
        let mut topic = change("sns_topic", Action::None, vec![]);
        topic.foreign = Some("it carries no keyminder tags".into());
        let plan = Plan {
            purpose: Purpose::Destroy,
            changes: vec![topic, rule, change("events_target", Action::Delete, vec![])],
        };
        let text = shown(&plan);
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in {text}"));
        assert!(at("events_target") < at("events_rule"));
        assert!(at("not ours: target 2") > 0 && at("not ours, left alone: the-sns_topic") > 0);
        assert!(text.ends_with("2 to delete."));
        assert_eq!(blockers(&plan).len(), 1);
    }

    #[test]
    fn nothing_to_do_is_said_in_one_line() {
        let plan = Plan {
            purpose: Purpose::Converge { adopt: false },
            changes: vec![change("sns_topic", Action::None, vec![])],
        };
        assert_eq!(shown(&plan), "Nothing to do: 1 of 1 resources are as wanted.");
    }
}
