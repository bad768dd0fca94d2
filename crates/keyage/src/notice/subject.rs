//! Subjects and text messages.
//!
//! Owns that they are short and safe: SNS takes a subject of under 100 characters of ASCII without line
//! breaks or control characters ("Publish" in the SNS API reference). It must not know the texts.

use super::draft::Draft;
use super::text::count;
use crate::key::CredentialKind;
use crate::untrusted::{Untrusted, cut};
use crate::verdict::Verdict;

/// The longest subject.
pub(super) const SUBJECT: usize = 99;
/// The longest text message in one piece, with room for the topic's display name.
const SMS: usize = 140;

/// The subject; `part` is such as `(1/3)`, or empty.
pub(super) fn subject(draft: &Draft<'_>, part: &str) -> String {
    let text = match (draft.kind, draft.user) {
        ("key", Some(user)) => {
            let first = draft.findings.first();
            let is_access_key = first.is_none_or(|finding| finding.kind == CredentialKind::AccessKey);
            let prefix = match (first.map(|finding| finding.verdict), is_access_key) {
                (Some(Verdict::Due), true) => "Access Keys Will Need Rotating For User: ",
                (Some(Verdict::Due), false) => "Credential Will Need Rotating For User: ",
                (Some(Verdict::Inactive), true) => "Old Access Key Switched Off For User: ",
                (Some(Verdict::Inactive), false) => "Old Credential Switched Off For User: ",
                (Some(Verdict::Fresh), _) => "Access Key Unused For User: ",
                (_, true) => "Access Keys Need Rotating For User: ",
                (_, false) => "Credential Needs Rotating For User: ",
            };
            format!("{prefix}{}", Untrusted::new(user).ascii())
        }
        ("user", Some(user)) => format!("{} of user {}", headline(draft), Untrusted::new(user).ascii()),
        ("test", _) => format!("[TEST] keyminder notices arrive, account {}", account(draft)),
        ("all_clear", _) => format!("No IAM access key over the limit in {}", account(draft)),
        _ => format!("{} in {}", headline(draft), account(draft)),
    };
    if part.is_empty() {
        return cut(&text, SUBJECT);
    }
    format!("{} {part}", cut(&text, SUBJECT - part.len() - 1))
}

/// What there is, in a few words: the first line of the text and the start of the subject.
pub(super) fn headline(draft: &Draft<'_>) -> String {
    let number = |verdict| {
        let number = draft.findings.iter().filter(|finding| finding.verdict == verdict).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let limit = if draft.settings.limits.is_empty() {
        format!("older than {}", count(draft.settings.max_age_days, "day"))
    } else {
        "over their age limit".to_owned()
    };
    let noun = if draft.settings.other_credentials { "IAM credential" } else { "IAM access key" };
    let root = draft.account_matters.then_some(draft.report.root_access_keys).flatten().unwrap_or(0);
    let (old, due, inactive) = (number(Verdict::Old), number(Verdict::Due), number(Verdict::Inactive));
    let unused = draft.findings.iter().filter(|finding| finding.unused_since.is_some()).count();
    match () {
        () if old > 0 && root > 0 => format!("{} {limit} and a root access key", count(old, noun)),
        () if old > 0 => format!("{} {limit}", count(old, noun)),
        () if root > 0 => "Root access key".to_owned(),
        () if draft.account_matters && !draft.report.complete => "IAM access keys could not all be read".to_owned(),
        () if due > 0 => format!("{} soon {limit}", count(due, noun)),
        () if unused > 0 => format!("{} unused", count(u32::try_from(unused).unwrap_or(u32::MAX), noun)),
        () => format!("{} {limit}, switched off", count(inactive, noun)),
    }
}

/// The text message.
pub(super) fn sms(draft: &Draft<'_>) -> String {
    let text = match draft.kind {
        "test" => format!("keyminder: this is a test from account {}. Nothing to do.", account(draft)),
        "all_clear" => format!("keyminder: no access key over the limit in {}.", account(draft)),
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
