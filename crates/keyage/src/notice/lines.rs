//! The lines of a notice: one entry for each key, exemption and error.
//!
//! Owns how each reads. Words of others go through [`Untrusted`] here. It must not know how entries are
//! put together.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{WIDTH, count, wrap};
use crate::exemption::{ExemptionRecord, ExemptionSource, ExemptionState};
use crate::key::{CredentialKind, LastUsed, whole_days};
use crate::reminder::{self, Window};
use crate::report::{Finding, ReadError};
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// A space at which no line is broken.
const GLUE: &str = "\u{A0}";

/// The sections of a notice, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Old,
    Due,
    Unused,
    Inactive,
    Unknown,
    Exempt,
}

impl Section {
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Old => "OVER THE LIMIT",
            Self::Due => "SOON OVER THE LIMIT",
            Self::Unused => "UNUSED",
            Self::Inactive => "OVER THE LIMIT, BUT SWITCHED OFF",
            Self::Unknown => "COULD NOT BE READ, SO MAY BE OLD",
            Self::Exempt => "EXEMPT",
        }
    }

    pub(super) fn of(finding: &Finding) -> Self {
        match finding.verdict {
            Verdict::Old => Self::Old,
            Verdict::Due => Self::Due,
            Verdict::Inactive => Self::Inactive,
            Verdict::Unknown => Self::Unknown,
            Verdict::Exempt => Self::Exempt,
            Verdict::Fresh => Self::Unused,
        }
    }
}

/// The lines of a key: who and which and how old; then created, last used, owner.
pub(super) fn key(finding: &Finding, max_age_days: u32, window: Window) -> String {
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
    lines.push_str(&wrap_details(&details(finding, max_age_days, window.until)));
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

fn details(finding: &Finding, max_age_days: u32, now: Timestamp) -> Vec<String> {
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
    if let Some(owner) = &finding.owner {
        details.push(format!("owner {}", Untrusted::new(owner).cut(128)));
    }
    if let Some(reason) = finding.reason.as_deref().filter(|_| finding.verdict != Verdict::Unknown) {
        details.push(Untrusted::new(reason).cut(320));
    }
    details
}

/// The lines of an exemption: who, until when, why. None where the keys it excuses tell it already.
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
    let state = match record.state {
        ExemptionState::Active => format!("until {}", exemption.until),
        ExemptionState::Expired => format!("EXPIRED on {}: rotate and remove it, or renew it", exemption.until),
    };
    let covers = if record.keys.is_empty() { "; covers no old key now" } else { "" };
    wrap(
        &format!(
            "{}{key}{source}: {state}; {}{covers}",
            Untrusted::new(&exemption.user),
            Untrusted::new(&exemption.reason).cut(256)
        ),
        0,
    )
}

/// The lines of an error that is about no one user.
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
