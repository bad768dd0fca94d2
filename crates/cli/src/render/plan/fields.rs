//! The fields of one change, before and after.
//!
//! Owns how a value is written. It must not know which fields are worth it.

use std::fmt::Write;

use keyminder_reconcile::{Action, FieldChange};
use serde_json::Value;

use crate::render::style::{Paint, dim, hang};

/// Writes a line for each field, and a block for a document.
pub(super) fn write(text: &mut String, fields: &[FieldChange], action: Action, width: usize) {
    let paths: Vec<_> = fields.iter().map(|field| field.path.to_string()).collect();
    let longest = paths.iter().map(String::len).max().unwrap_or(0).min(28);
    for (field, path) in fields.iter().zip(paths) {
        if let Some((gone, new)) = elements(field) {
            let _ = writeln!(text, "      {}", dim(&path));
            for (sign, paint, all) in [("-", Paint::DELETE, gone), ("+", Paint::ADD, new)] {
                for one in all {
                    let line = hang(&format!("{sign} {}", value(one)), 10, width);
                    let _ = writeln!(text, "        {}", paint.on(line));
                }
            }
            continue;
        }
        if is_document(&field.before, width) || is_document(&field.after, width) {
            documents(text, field, action);
            continue;
        }
        let indent = 6 + longest.max(path.len()) + 2;
        let path = format!("{path:<longest$}");
        let (indent, lead) =
            if indent > width / 2 { (8, format!("{path}\n        ")) } else { (indent, format!("{path}  ")) };
        let _ = writeln!(text, "      {}{}", dim(lead), hang(&values(field, action), indent, width));
    }
}

/// What of a list goes and what is new, if that is the whole difference: of a list of actions one reads which.
fn elements(field: &FieldChange) -> Option<(Vec<&Value>, Vec<&Value>)> {
    let (Value::Array(before), Value::Array(after)) = (&field.before, &field.after) else { return None };
    let simple = |list: &[Value]| list.iter().all(|one| !one.is_object() && !one.is_array());
    if before.len() + after.len() < 3 || !simple(before) || !simple(after) {
        return None;
    }
    let gone: Vec<_> = before.iter().filter(|one| !after.contains(one)).collect();
    let new: Vec<_> = after.iter().filter(|one| !before.contains(one)).collect();
    // Where only the order differs, or next to nothing is left, the two lists say it better.
    (!(gone.is_empty() && new.is_empty()) && gone.len() < before.len().max(1)).then_some((gone, new))
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
