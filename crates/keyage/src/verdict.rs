//! The judgement of one key.
//!
//! Owns the rule that makes a key old, due, fresh, exempt or inactive, and unused. It must not know
//! notices or reminders, nor where the key was read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exemption::{Exemption, ExemptionState};
use crate::key::{CredentialKind, Key, KeyStatus, LastUsed, User, days_after, next_second, seconds_beyond};
use crate::settings::{EXEMPT_TAG, Inactive, Settings};

/// What a key that is reported needs: decided here once, and read by every form of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// An access key in use: create a second key, switch over, delete the old one.
    Rotate,
    /// An access key that nobody uses, or that is inactive: delete it without a replacement.
    Delete,
    /// Another credential: create or upload a new one, switch over, delete the old one.
    Replace,
}

/// A key that was last used longer ago than this does not need a replacement, unless `unused_days` says otherwise.
pub(crate) const IDLE_DAYS: u32 = 180;

/// What a key is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is older than its limit: `now > created + limit`, to the second.
    Old,
    /// It will be old within the first of the warnings.
    Due,
    /// Neither.
    Fresh,
    /// It would be old or due, but an exemption holds.
    Exempt,
    /// It is switched off, and the settings do not say to treat that as old.
    Inactive,
    /// It could not be read: never a good sign.
    Unknown,
}

impl Verdict {
    /// The word, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Due => "due",
            Self::Fresh => "fresh",
            Self::Exempt => "exempt",
            Self::Inactive => "inactive",
            Self::Unknown => "unknown",
        }
    }

    /// Its place among others where the worst comes first.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Old => 0,
            Self::Unknown => 1,
            Self::Due => 2,
            Self::Exempt => 3,
            Self::Inactive => 4,
            Self::Fresh => 5,
        }
    }
}

impl Assessment {
    /// Makes the verdict unknown, because something that decides it could not be read.
    pub fn doubt(&mut self) {
        (self.verdict, self.remedy) = (Verdict::Unknown, None);
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Everything that follows from a key, its user, the settings and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The verdict.
    pub verdict: Verdict,
    /// Age in whole days.
    pub age_days: u32,
    /// The limit that holds for this user, in days.
    pub limit_days: u32,
    /// When the key reaches its limit: `created + limit`. After this moment it is old.
    pub due_at: Timestamp,
    /// The first second in which the key is old: the one after `due_at`.
    pub turns_old: Timestamp,
    /// How many seconds the key is over its limit, even if it is exempt or inactive. 0 if it is not.
    pub over_by_seconds: u64,
    /// Since when it has been unused, if that is longer than the settings allow.
    pub unused_since: Option<Timestamp>,
    /// What it needs, if it is reported.
    pub remedy: Option<Remedy>,
    /// The exemption that covers it, and whether that still holds. Only for keys old or due.
    pub exemption: Option<(Exemption, ExemptionState)>,
}

/// Whether anything about this key could need more than its age: last use, tags, an exemption.
/// Saves a call for each fresh key.
#[must_use]
pub fn deserves_a_closer_look(key: &Key, settings: &Settings, now: Timestamp) -> bool {
    let limit = settings.smallest_limit();
    let nearly = limit.saturating_sub(settings.first_warning());
    let due = !settings.warn_days.is_empty() && now >= days_after(key.created, nearly);
    let counted = key.status == KeyStatus::Active || settings.inactive != Inactive::Ignore;
    counted && (key.is_older_than(limit, now) || due || may_be_unused(key, settings, now))
}

/// Whether the key is old enough to be called unused, if it is.
#[must_use]
pub fn may_be_unused(key: &Key, settings: &Settings, now: Timestamp) -> bool {
    key.kind == CredentialKind::AccessKey
        && key.status == KeyStatus::Active
        && settings.unused_days.is_some_and(|days| key.is_older_than(days, now))
}

/// Judges a key.
///
/// Of several exemptions one that holds comes before one that has expired; of those that hold, one in the
/// settings before the one in the user's tag; of those that have expired, the last to do so. A malformed
/// tag excuses nothing.
#[must_use]
pub fn assess(key: &Key, user: &User, settings: &Settings, now: Timestamp) -> Assessment {
    let limit_days = settings.limit_for(user);
    let over_by_seconds = seconds_beyond(key.created, limit_days, now);
    let over_limit = over_by_seconds > 0;
    let due = !settings.warn_days.is_empty()
        && !over_limit
        && now >= days_after(key.created, limit_days.saturating_sub(settings.first_warning()));
    let set_aside = key.status == KeyStatus::Inactive && settings.inactive != Inactive::Old;
    let exemption = if (over_limit || due) && !set_aside { exemption_for(key, user, settings, now) } else { None };
    let excused = matches!(exemption, Some((_, ExemptionState::Active)));
    let verdict = match () {
        () if set_aside => Verdict::Inactive,
        () if excused => Verdict::Exempt,
        () if over_limit => Verdict::Old,
        () if due => Verdict::Due,
        () => Verdict::Fresh,
    };
    let unused_since = unused_since(key, settings, now).filter(|_| !excused);
    let reported = match verdict {
        Verdict::Old | Verdict::Due => true,
        Verdict::Inactive => over_limit,
        Verdict::Fresh => unused_since.is_some(),
        Verdict::Exempt | Verdict::Unknown => false,
    };
    Assessment {
        verdict,
        age_days: key.age_days(now),
        limit_days,
        due_at: days_after(key.created, limit_days),
        turns_old: next_second(days_after(key.created, limit_days)),
        over_by_seconds,
        unused_since,
        remedy: reported.then(|| remedy(key, unused_since, settings, now)),
        exemption,
    }
}

fn remedy(key: &Key, unused_since: Option<Timestamp>, settings: &Settings, now: Timestamp) -> Remedy {
    let is_idle = match key.last_used {
        LastUsed::Never => true,
        LastUsed::At { at, .. } => seconds_beyond(at, settings.unused_days.unwrap_or(IDLE_DAYS), now) > 0,
        LastUsed::NotRead | LastUsed::Unknown => false,
    };
    match key.kind {
        CredentialKind::AccessKey if key.status == KeyStatus::Inactive => Remedy::Delete,
        CredentialKind::AccessKey if is_idle || unused_since.is_some() => Remedy::Delete,
        CredentialKind::AccessKey => Remedy::Rotate,
        _ => Remedy::Replace,
    }
}

fn unused_since(key: &Key, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    if !may_be_unused(key, settings, now) {
        return None;
    }
    let days = settings.unused_days?;
    match key.last_used {
        LastUsed::At { at, .. } => (seconds_beyond(at, days, now) > 0).then_some(at),
        LastUsed::Never => key.is_older_than(days.max(settings.unused_grace_days), now).then_some(key.created),
        // What was not read is not unused.
        LastUsed::NotRead | LastUsed::Unknown => None,
    }
}

fn exemption_for(key: &Key, user: &User, settings: &Settings, now: Timestamp) -> Option<(Exemption, ExemptionState)> {
    let tagged = user.tag(EXEMPT_TAG).and_then(|value| Exemption::from_tag(&user.name, value).ok());
    let mut expired: Option<&Exemption> = None;
    for exemption in settings.exemptions.iter().chain(&tagged) {
        if exemption.covers(&user.name, &key.id) {
            match exemption.state(now) {
                ExemptionState::Active => return Some((exemption.clone(), ExemptionState::Active)),
                ExemptionState::Expired if expired.is_none_or(|last| last.until < exemption.until) => {
                    expired = Some(exemption);
                }
                ExemptionState::Expired => {}
            }
        }
    }
    expired.map(|exemption| (exemption.clone(), ExemptionState::Expired))
}
