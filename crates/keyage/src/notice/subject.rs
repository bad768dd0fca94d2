//! Subjects and text messages.
//!
//! Owns that they are short and safe: SNS takes a subject of under 100 characters of ASCII without line breaks or
//! control characters ("Publish" in the SNS API reference). It must not know the texts.

use super::draft::{Draft, Kind};
use super::text::count;
use crate::key::CredentialKind;
use crate::untrusted::{Untrusted, cut};
use crate::verdict::{Remedy, Verdict};

/// The longest subject.
const SUBJECT: usize = 99;
/// The longest text message in one piece, with room for the topic's display name.
const SMS: usize = 140;

/// The subject; `part` is such as `(1/3)`, or empty.
pub(super) fn subject(draft: &Draft<'_>, part: &str) -> String {
    let text = match (draft.kind, draft.user) {
        (Kind::Key, Some(user)) => format!("{}{}", of_key(draft), Untrusted::new(user).ascii()),
        (Kind::User, Some(user)) => format!("{} of user {}", headline(draft), Untrusted::new(user).ascii()),
        (Kind::Test, _) => format!("[TEST] keyminder notices arrive, account {}", account(draft)),
        (Kind::AllClear, _) => format!("No IAM access key over the limit in {}", account(draft)),
        _ => format!("{} in {}", headline(draft), account(draft)),
    };
    if part.is_empty() {
        return cut(&text, SUBJECT);
    }
    format!("{} {part}", cut(&text, SUBJECT - part.len() - 1))
}

/// The start of a key's subject, in the words of the original procedure if it is to be rotated.
fn of_key(draft: &Draft<'_>) -> &'static str {
    let finding = draft.findings.first();
    let is_access_key = finding.is_none_or(|finding| finding.kind == CredentialKind::AccessKey);
    let (verdict, remedy) = finding.map_or((Verdict::Old, None), |finding| (finding.verdict, finding.remedy));
    match (verdict, is_access_key) {
        (Verdict::Inactive, true) => "Inactive Access Key Over The Limit For User: ",
        (Verdict::Inactive, false) => "Inactive Credential Over The Limit For User: ",
        _ if verdict == Verdict::Fresh || remedy == Some(Remedy::Delete) => "Access Key Unused For User: ",
        (Verdict::Due, true) => "Access Keys Will Need Rotating For User: ",
        (Verdict::Due, false) => "Credential Will Need Rotating For User: ",
        (_, true) => "Access Keys Need Rotating For User: ",
        (_, false) => "Credential Needs Rotating For User: ",
    }
}

/// What happened, in a few words: the first line of the text and the start of the subject.
pub(super) fn headline(draft: &Draft<'_>) -> String {
    let limit = if draft.settings.limits.is_empty() {
        format!("older than {}", count(draft.settings.max_age_days, "day"))
    } else {
        "over their age limit".to_owned()
    };
    let noun = if draft.settings.other_credentials { "IAM credential" } else { "IAM access key" };
    let root = if draft.root_keys() > 0 { " and a root access key" } else { "" };
    let (old, due) = (draft.number_of(Verdict::Old), draft.number_of(Verdict::Due));
    let unused = draft.number(|finding| finding.unused_since.is_some());
    let incomplete = if draft.is_incomplete() { "Incomplete check: " } else { "" };
    match () {
        () if draft.kind == Kind::Failure => "IAM access keys were not checked".to_owned(),
        () if old > 0 => format!("{incomplete}{} {limit}{root}", count(old, noun)),
        () if draft.root_keys() > 0 => format!("{incomplete}Root access key"),
        () if draft.is_incomplete() => "Incomplete check: not all IAM access keys could be read".to_owned(),
        () if due > 0 => format!("{} soon {limit}", count(due, noun)),
        () if unused > 0 => format!("{} unused", count(unused, noun)),
        () => format!("{} {limit}, inactive", count(draft.number_of(Verdict::Inactive), noun)),
    }
}

/// The text message.
pub(super) fn sms(draft: &Draft<'_>) -> String {
    let text = match draft.kind {
        Kind::Test => format!("keyminder: this is a test from account {}. No action is needed.", account(draft)),
        Kind::AllClear => format!("keyminder: no access key over the limit in {}.", account(draft)),
        _ => {
            let worst = draft.worst().map(|finding| {
                format!(" Oldest: {}, {}.", cut(&Untrusted::new(&finding.user).ascii(), 30), finding.age_in_words())
            });
            format!("keyminder: {} in {}.{}", headline(draft), draft.report.account, worst.unwrap_or_default())
        }
    };
    cut(&text, SMS)
}

fn account(draft: &Draft<'_>) -> String {
    let id = Untrusted::new(&draft.report.account).ascii();
    match &draft.report.account_alias {
        Some(alias) => format!("{id} ({})", cut(&Untrusted::new(alias).ascii(), 30)),
        None => id,
    }
}
