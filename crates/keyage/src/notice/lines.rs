//! The lines of a notice's text: one entry for each key, exemption and error.
//!
//! Owns how each reads. It must not know how entries are put together.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{WIDTH, count, wrap};
use crate::exemption::{ExemptionRecord, ExemptionSource, ExemptionState};
use crate::key::{CredentialKind, LastUsed, whole_days};
use crate::reminder::{self, Window};
use crate::report::{Finding, ReadError, Summary};
use crate::untrusted::Untrusted;
use crate::verdict::{Remedy, Verdict};

/// A space at which no line is broken.
const GLUE: &str = "\u{A0}";

/// The lines of a key: user, key id and age; then when it was created and last used, and the owner if asked for.
pub(super) fn key(finding: &Finding, max_age_days: u32, window: Window, with_owner: bool) -> String {
    let user = Untrusted::new(&finding.user);
    let Some(id) = finding.access_key_id.as_deref() else {
        return wrap(&format!("{user}: {}", Untrusted::new(finding.reason.as_deref().unwrap_or("not read"))), 0);
    };
    let mut head = format!("{}  {} old", Untrusted::new(id), finding.age_in_words());
    if finding.kind != CredentialKind::AccessKey {
        head = format!("{} {head}", finding.kind.noun());
    }
    if finding.verdict == Verdict::Due
        && let Some(due_at) = finding.due_at
    {
        head.push_str(&format!(", old on {}", date(due_at)));
    }
    if finding.verdict == Verdict::Old && reminder::is_new(finding, window) {
        head.push_str(" (new)");
    }
    let one_line = format!("{user}  {head}\n");
    let mut lines = if one_line.chars().count() <= WIDTH + 1 { one_line } else { format!("{user}\n  {head}\n") };
    lines.push_str(&wrap_details(&details(finding, max_age_days, window.until, with_owner)));
    if let Some(advice) = &finding.advice {
        lines.push_str(&wrap(&format!("{} (a guess: {})", advice.text, Untrusted::new(&advice.because)), 4));
    }
    lines
}

/// Details one after the other, broken between them where that can be.
fn wrap_details(details: &[String]) -> String {
    let whole: Vec<String> = details
        .iter()
        .map(|detail| if detail.chars().count() < WIDTH - 4 { detail.replace(' ', GLUE) } else { detail.clone() })
        .collect();
    wrap(&whole.join(", "), 4).replace(GLUE, " ")
}

fn details(finding: &Finding, max_age_days: u32, now: Timestamp, with_owner: bool) -> Vec<String> {
    let mut details = Vec::with_capacity(5);
    if let Some(created) = finding.created {
        details.push(format!("created {}", date(created)));
    }
    match &finding.last_used {
        LastUsed::NotRead => {}
        LastUsed::Unknown => details.push("last use unknown".to_owned()),
        LastUsed::Never => details.push("never used".to_owned()),
        LastUsed::At { at, service, region } => {
            let place: Vec<String> =
                [service, region].into_iter().flatten().map(|place| Untrusted::new(place).to_string()).collect();
            let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(" in ")) };
            details.push(format!("last used {}{place}", date(*at)));
        }
    }
    if let Some(since) = finding.unused_since
        && finding.last_used != LastUsed::Never
    {
        details.push(format!("unused for {}", count(whole_days(since, now), "day")));
    }
    let needs_its_limit = |limit: &u32| *limit != max_age_days || finding.is_over_by_less_than_a_day();
    if let Some(limit) = finding.limit_days.filter(needs_its_limit) {
        details.push(format!("limit {}", count(limit, "day")));
    }
    if finding.remedy == Some(Remedy::Delete) && finding.advice.is_none() {
        details.push("can be deleted".to_owned());
    }
    if let Some(owner) = finding.owner.as_deref().filter(|_| with_owner) {
        details.push(format!("owner {}", Untrusted::without_links(owner).cut(128)));
    }
    if let Some(reason) = finding.reason.as_deref().filter(|_| finding.verdict != Verdict::Unknown) {
        details.push(Untrusted::without_links(reason).cut(320));
    }
    details
}

/// The lines of an exemption: for whom, until when, why. None if the keys that it covers show it already.
pub(super) fn exemption(record: &ExemptionRecord) -> String {
    if record.state == ExemptionState::Active && !record.keys.is_empty() {
        return String::new();
    }
    let exemption = &record.exemption;
    let key = exemption.access_key_id.as_deref().map(|id| format!(", key {}", Untrusted::new(id))).unwrap_or_default();
    let source = match record.source {
        ExemptionSource::Configuration => "",
        ExemptionSource::Tag => ", by tag",
    };
    let who = format!("{}{key}{source}", Untrusted::new(&exemption.user));
    let reason = Untrusted::without_links(&exemption.why()).cut(400);
    let end = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    let text = match record.state {
        ExemptionState::Active => {
            format!("{who}: until {}; {reason}{end} It covers no old key at present.", exemption.until)
        }
        ExemptionState::Expired if record.keys.is_empty() => {
            format!("{who}: EXPIRED on {}; {reason}{end} It covers no old key at present: remove it.", exemption.until)
        }
        ExemptionState::Expired => {
            format!("{who}: EXPIRED on {}; {reason}{end} Rotate the keys, or renew the exemption.", exemption.until)
        }
    };
    wrap(&text, 0)
}

/// The lines of an error that has no entry of its own.
pub(super) fn error(error: &ReadError) -> String {
    wrap(&Untrusted::new(&error.to_string()).cut(600), 0)
}

/// A day in UTC.
pub(super) fn date(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).date().to_string()
}

/// A minute in UTC.
pub(super) fn minute(moment: Timestamp) -> String {
    let moment = moment.to_zoned(TimeZone::UTC).datetime();
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}

/// The keys that an all-clear does not count, in a line.
pub(super) fn not_counted(summary: &Summary) -> Option<String> {
    let numbers = [(summary.exempt, "exempt"), (summary.inactive, "inactive")];
    let counted = numbers.iter().filter(|(number, _)| *number > 0);
    let counted: Vec<String> = counted.map(|(number, why)| format!("{number} {why}")).collect();
    (!counted.is_empty()).then(|| format!("Not counted: {}.", counted.join(", ")))
}
