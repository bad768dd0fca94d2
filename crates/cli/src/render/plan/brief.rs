//! Which fields of something new are worth a line: what somebody decides, and neither what follows from names and
//! defaults nor documents and tags.
//!
//! Owns that choice, by the fields' paths. It must not know how a field is written.

use keyminder_reconcile::{FieldChange, PathPart};
use serde_json::Value;

/// Paths of what somebody decides.
const DECIDED: [&str; 9] = [
    "architecture",
    "display_name",
    "kms_key",
    "memory_mb",
    "path",
    "permissions_boundary",
    "retention_days",
    "schedule",
    "timeout_seconds",
];

/// Variables that repeat what stands elsewhere in the plan.
const REPEATED: [&str; 3] = ["INSTALL", "SCHEDULE", "TOPIC_ARN"];

/// The fields worth a line, and how many others there are.
pub(super) fn split(fields: &[FieldChange]) -> (Vec<FieldChange>, usize) {
    let shown: Vec<_> = fields.iter().filter_map(worth).collect();
    let hidden = fields.len() - shown.len();
    (shown, hidden)
}

/// The fields of a change, with subscriptions that come or go as a line each.
pub(super) fn subscriptions(fields: &[FieldChange]) -> Vec<FieldChange> {
    fn marker(field: &FieldChange) -> Option<&str> {
        subscription(field).filter(|_| field.before.is_null() || field.after.is_null())
    }
    let whole: Vec<&str> = fields.iter().filter_map(marker).collect();
    let part_of = |field: &FieldChange| field.path.first_key().is_some_and(|key| whole.contains(&key));
    let told = |field: &FieldChange| match marker(field).and_then(|key| key.split_once(' ')) {
        Some((protocol, endpoint)) => {
            let there = |value: &Value| if value.is_null() { Value::Null } else { Value::from(endpoint) };
            let (before, after) = (there(&field.before), there(&field.after));
            Some(FieldChange { path: protocol.into(), before, after })
        }
        None => (!part_of(field) || is_filter(field)).then(|| field.clone()),
    };
    fields.iter().filter_map(told).collect()
}

/// The subscription whose presence the field stands for.
fn subscription(field: &FieldChange) -> Option<&str> {
    match field.path.parts() {
        [PathPart::Key(key), PathPart::Key(marker)] if marker == "managed" && key.contains(' ') => Some(key),
        _ => None,
    }
}

fn is_filter(field: &FieldChange) -> bool {
    matches!(field.path.parts(), [_, PathPart::Key(key), ..] if key.starts_with("filter_policy"))
}

fn worth(field: &FieldChange) -> Option<FieldChange> {
    // A subscription is a protocol, an endpoint and its attributes: the first two say it all.
    if let Some((protocol, endpoint)) = subscription(field).and_then(|key| key.split_once(' ')) {
        return Some(FieldChange { path: protocol.into(), after: Value::from(endpoint), before: Value::Null });
    }
    let path = field.path.keys().unwrap_or_default();
    let is_setting = matches!(path[..], ["environment", name] if !REPEATED.contains(&name));
    let is_usual = path == ["path"] && field.after == "/";
    let is_decided = matches!(path[..], [name] if DECIDED.contains(&name));
    ((is_decided || is_setting || is_filter(field)) && !field.after.is_null() && !is_usual).then(|| field.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field<const N: usize>(path: [&str; N], after: Value) -> FieldChange {
        FieldChange { path: path.into(), before: Value::Null, after }
    }

    #[test]
    fn a_new_object_shows_what_somebody_decides_and_counts_the_rest() {
        let (shown, hidden) = split(&[
            field(["timeout_seconds"], json!(900)),
            field(["environment", "MAX_AGE_DAYS"], json!("60")),
            field(["environment", "TOPIC_ARN"], json!("arn:aws:sns:eu-west-1:123456789012:t")),
            field(["tags", "managed-by"], json!("keyminder")),
            field(["policy", "Statement"], json!([{}])),
            field(["path"], json!("/")),
            field(["kms_key"], Value::Null),
        ]);
        let paths: Vec<_> = shown.iter().map(|field| field.path.to_string()).collect();
        assert_eq!(paths, ["timeout_seconds", "environment.MAX_AGE_DAYS"]);
        assert_eq!(hidden, 5);
    }

    #[test]
    fn a_subscription_that_comes_or_goes_is_a_line_of_its_own() {
        fn gone<const N: usize>(path: [&str; N], before: Value) -> FieldChange {
            FieldChange { path: path.into(), before, after: Value::Null }
        }
        let told = subscriptions(&[
            field(["email b@example.com", "managed"], json!(true)),
            field(["email b@example.com", "raw"], json!(false)),
            gone(["email a@example.com", "managed"], json!(true)),
            gone(["email a@example.com", "raw"], json!(false)),
            FieldChange { path: ["sqs arn", "raw"].into(), before: json!(false), after: json!(true) },
        ]);
        assert_eq!(told[0], field(["email"], json!("b@example.com")));
        assert_eq!(told[1], gone(["email"], json!("a@example.com")));
        assert_eq!((told.len(), told[2].path.to_string()), (3, "sqs arn.raw".to_owned()));
    }

    #[test]
    fn a_new_subscription_is_its_protocol_and_endpoint() {
        let (shown, hidden) = split(&[
            field(["email ops@example.com", "managed"], json!(true)),
            field(["email ops@example.com", "raw"], json!(false)),
        ]);
        assert_eq!(shown, [field(["email"], json!("ops@example.com"))]);
        assert_eq!(hidden, 1);
    }
}
