//! What goes to `Publish`: the document for machines, the texts by protocol, the attributes.
//!
//! Owns the shape of the document (`docs/notice.schema.json`) and who gets which form. It must not
//! know how texts read.

use serde_json::{Map, Value, json};

use super::draft::{Draft, Entry};
use super::{Attribute, AttributeValue};
use crate::key::KeyStatus;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// The document for machines.
pub(super) fn document(draft: &Draft<'_>, entries: &[Entry], part: usize, parts: usize) -> Value {
    let (report, context) = (draft.report, draft.context);
    let mut document = json!({
        "schema": 1,
        "type": draft.kind,
        "part": part,
        "parts": parts,
        "install": context.install,
        "region": context.region,
        "account": report.account,
        "account_alias": report.account_alias,
        "as_of": report.as_of,
        "max_age_days": report.max_age_days,
        "schedule": context.schedule.as_str(),
        "next_run": context.next_run,
        "user": draft.user,
        "keys": [],
        "exemptions": [],
        "errors": [],
    });
    if let (false, Some(document)) = (draft.kind == "test", document.as_object_mut()) {
        document.insert("summary".to_owned(), serde_json::to_value(&report.summary).unwrap_or_default());
        document.insert("root_access_keys".to_owned(), report.root_access_keys.into());
        document.insert("complete".to_owned(), report.complete.into());
    }
    for (list, item) in entries.iter().filter_map(|entry| entry.item.as_ref()) {
        if let Some(list) = document.get_mut(list).and_then(Value::as_array_mut) {
            list.push(item.clone());
        }
    }
    document
}

/// The message for `MessageStructure=json`. Whatever has no text of its own gets `default`: that is the
/// document, for SQS, Lambda, HTTP, HTTPS, Firehose and `email-json` alike, so that it counts once
/// towards SNS's limit and not six times.
pub(super) fn by_protocol(text: &str, sms: &str, json: &str) -> String {
    let mut texts = Map::new();
    for (protocol, text) in [("default", json), ("email", text), ("sms", sms), ("application", sms)] {
        texts.insert(protocol.to_owned(), text.into());
    }
    Value::Object(texts).to_string()
}

/// What an entry adds to a message: its text and its JSON, each once more quoted.
pub(super) fn size(text: &str, item: Option<&Value>) -> usize {
    quoted(text) + item.map_or(0, |item| quoted(&item.to_string())) + 2
}

/// The length of a text inside a JSON string.
fn quoted(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
            0..=0x1F => 6,
            _ => 1,
        })
        .sum()
}

/// The attributes for filter policies.
pub(super) fn attributes(draft: &Draft<'_>) -> Vec<Attribute> {
    let text = |name, text: String| Attribute { name, value: AttributeValue::Text(text) };
    let mut attributes = vec![
        text("account", draft.report.account.clone()),
        text("install", draft.context.install.clone()),
        text("type", draft.kind.to_owned()),
        text("verdict", verdict(draft).to_owned()),
    ];
    let oldest = draft
        .findings
        .iter()
        .filter(|finding| finding.status == Some(KeyStatus::Active))
        .filter_map(|finding| finding.age_days)
        .max();
    if let Some(days) = oldest {
        attributes.push(Attribute { name: "oldest_age_days", value: AttributeValue::Number(days.into()) });
    }
    // An attribute's value must not be empty, nor hold control characters.
    if let Some(user) = draft.user.filter(|user| !user.is_empty()) {
        attributes.push(text("user", Untrusted::new(user).to_string()));
    }
    attributes
}

/// The gravest thing in it.
fn verdict(draft: &Draft<'_>) -> &'static str {
    let has = |verdict| draft.findings.iter().any(|finding| finding.verdict == verdict);
    match draft.kind {
        "test" => "test",
        "all_clear" => "clear",
        _ if has(Verdict::Old) => "old",
        _ if draft.account_matters && draft.report.root_access_keys.is_some_and(|keys| keys > 0) => "root",
        _ if has(Verdict::Unknown) || draft.account_matters && !draft.report.complete => "unknown",
        _ if has(Verdict::Due) => "due",
        _ if draft.findings.iter().any(|finding| finding.unused_since.is_some()) => "unused",
        _ => "inactive",
    }
}
