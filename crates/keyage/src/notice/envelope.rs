//! What goes to `Publish`: the document for programs and its parts, the texts by protocol, the attributes.
//!
//! Owns the shape of the document (`docs/notice.schema.json`) and which protocol gets which form. It must not know how
//! texts read.

use serde_json::{Map, Value, json};

use super::draft::{Draft, Kind};
use super::text::quoted;
use super::{Attribute, AttributeValue, informed};
use crate::key::KeyStatus;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// SNS takes 262,144 bytes ("Publish" in the SNS API reference), attributes included. The rest is for those, and for
/// what every part repeats.
const PART: usize = 240_000;

/// An element of one of the document's lists: the list's name, and the element.
pub(super) type Item = (&'static str, Value);

/// Everything that the document lists.
pub(super) fn items(draft: &Draft<'_>) -> Vec<Item> {
    fn item(list: &'static str, value: &impl serde::Serialize) -> Item {
        (list, serde_json::to_value(value).unwrap_or_default())
    }
    let keys = draft.findings.iter().map(|finding| item("keys", finding));
    let errors = draft.report.errors.iter().filter(|_| draft.about_the_account).map(|error| item("errors", error));
    let rest = draft.exemptions().map(|record| item("exemptions", record)).chain(informed::items(draft));
    keys.chain(errors).chain(rest).collect()
}

/// The elements divided into parts that SNS takes; `text` is the size of the first part's text. At least one part.
pub(super) fn parts(draft: &Draft<'_>, text: usize) -> Vec<Vec<Item>> {
    let mut parts = vec![Vec::new()];
    let mut size = text;
    for item in items(draft) {
        let more = quoted(&item.1.to_string()) + 2;
        if size + more > PART && parts.last().is_some_and(|part: &Vec<Item>| !part.is_empty()) {
            parts.push(Vec::new());
            size = 0;
        }
        size += more;
        if let Some(part) = parts.last_mut() {
            part.push(item);
        }
    }
    parts
}

/// The document of one part.
pub(super) fn document(draft: &Draft<'_>, items: Vec<Item>, part: usize, parts: usize) -> Value {
    let (report, context) = (draft.report, draft.context);
    let mut document = json!({
        "schema": 1,
        "type": draft.kind.as_str(),
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
        "runbook_url": draft.settings.runbook_url,
        "contact": draft.settings.contact,
        "failure": draft.reason,
        "progress": draft.progress().map(|progress| json!({ "new": progress.new, "before": progress.before })),
        "keys": [],
        "exemptions": [],
        "errors": [],
    });
    if let (true, Some(document)) = (draft.kind.is_of_a_check(), document.as_object_mut()) {
        document.insert("summary".to_owned(), serde_json::to_value(&report.summary).unwrap_or_default());
        document.insert("root_access_keys".to_owned(), report.root_access_keys.into());
        document.insert("complete".to_owned(), report.complete.into());
    }
    if let (Some(_), Some(document)) = (&context.owners, document.as_object_mut()) {
        document.insert("owner_emails".to_owned(), json!([]));
        document.insert("without_owner".to_owned(), json!([]));
    }
    for (list, item) in items {
        if let Some(list) = document.get_mut(list).and_then(Value::as_array_mut) {
            list.push(item);
        }
    }
    document
}

/// The message for `MessageStructure=json`. Protocols without a text of their own get `default`, which is the document:
/// SQS, Lambda, HTTP, HTTPS, Firehose and `email-json`. So it counts once towards SNS's limit and not six times.
pub(super) fn by_protocol(text: &str, sms: &str, json: &str) -> String {
    let mut texts = Map::new();
    for (protocol, text) in [("default", json), ("email", text), ("sms", sms), ("application", sms)] {
        texts.insert(protocol.to_owned(), text.into());
    }
    Value::Object(texts).to_string()
}

/// The attributes for filter policies.
pub(super) fn attributes(draft: &Draft<'_>) -> Vec<Attribute> {
    let text = |name, text: String| Attribute { name, value: AttributeValue::Text(text) };
    let mut attributes = vec![
        text("account", draft.report.account.clone()),
        text("install", draft.context.install.clone()),
        text("type", draft.kind.as_str().to_owned()),
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

/// The most serious thing in it.
fn verdict(draft: &Draft<'_>) -> &'static str {
    let has = |verdict| draft.findings.iter().any(|finding| finding.verdict == verdict);
    match draft.kind {
        Kind::Test => "test",
        Kind::AllClear => "clear",
        Kind::Failure => "unknown",
        _ if has(Verdict::Old) => "old",
        _ if draft.root_keys() > 0 => "root",
        _ if has(Verdict::Unknown) || draft.is_incomplete() => "unknown",
        _ if has(Verdict::Due) => "due",
        _ if draft.findings.iter().any(|finding| finding.unused_since.is_some()) => "unused",
        _ => "inactive",
    }
}
