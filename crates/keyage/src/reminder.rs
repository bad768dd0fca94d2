//! When to report a key again, without keeping any state.
//!
//! Owns the boundaries at which a key is reported: each warning, the moment it turns old, and every `repeat_days` after
//! that. A run reports a key if a boundary lies between the previous scheduled run and this one. So each boundary falls
//! to exactly one run, however often the schedule fires: a weekly schedule does not miss the warning one day before,
//! and an hourly one gives it once. It must not know texts or senders.

use jiff::{SignedDuration, Timestamp};

use crate::key::{days_after, next_second};
use crate::report::Finding;
use crate::schedule::Schedule;
use crate::settings::{AllClear, Inactive, Settings};
use crate::verdict::Verdict;

/// How late a run can be: one on a rate against the one before, one on a cron expression against the minute in the
/// expression. EventBridge promises the minute ("Creating a rule that runs on a schedule"); reporting a key twice is
/// better than not at all.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// The time since the previous scheduled run: after `since`, up to and including `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The moment of the previous run; `None` reports everything, as in a manual run.
    pub since: Option<Timestamp>,
    /// The moment of this run.
    pub until: Timestamp,
}

impl Window {
    /// Of a manual run, which reports everything.
    #[must_use]
    pub const fn everything(now: Timestamp) -> Self {
        Self { since: None, until: now }
    }

    /// Of a run that the schedule caused; `scheduled` is the time in the event. With a cron expression this run and the
    /// previous one are known exactly, although the event can be some seconds late. A rate drifts a little, so its
    /// window is five minutes wider.
    #[must_use]
    pub fn scheduled(schedule: &Schedule, scheduled: Timestamp) -> Self {
        if schedule.is_rate() {
            let since = schedule.last_before(scheduled).and_then(|previous| previous.checked_sub(SLACK).ok());
            return Self { since, until: scheduled };
        }
        let up_to_now = scheduled.checked_add(SignedDuration::from_secs(1)).unwrap_or(scheduled);
        let caused_by = schedule.last_before(up_to_now).filter(|minute| scheduled.duration_since(*minute) < SLACK);
        let until = caused_by.unwrap_or(scheduled);
        Self { since: schedule.last_before(until), until }
    }

    fn holds(self, boundary: Timestamp) -> bool {
        boundary <= self.until && self.since.is_none_or(|since| boundary > since)
    }

    /// Whether one of `first`, `first + every`, `first + 2 every`, … lies in the window.
    fn holds_repeated(self, first: Timestamp, every_days: u32) -> bool {
        if first > self.until {
            return false;
        }
        let Some(since) = self.since else { return true };
        let every = i64::from(every_days.max(1)) * 86_400;
        let passed = |moment: Timestamp| (moment.as_second() - first.as_second()).div_euclid(every);
        passed(self.until) > passed(since)
    }
}

/// Whether this run reports the finding.
#[must_use]
pub fn reports(finding: &Finding, settings: &Settings, window: Window) -> bool {
    let old = || finding.turns_old.is_some_and(|moment| window.holds_repeated(moment, settings.repeat_days));
    let unused = || {
        let first = |since| unused_from(finding, since, settings);
        finding.unused_since.is_some_and(|since| window.holds_repeated(first(since), settings.repeat_days))
    };
    let excuse_ended = || finding.excuse_ended.is_some_and(|moment| window.holds(moment));
    let main = match finding.verdict {
        Verdict::Old => old() || excuse_ended(),
        Verdict::Due => {
            excuse_ended()
                || settings.warn_days.iter().any(|&warning| {
                    let at = finding.limit_days.unwrap_or(0).saturating_sub(warning);
                    finding.created.is_some_and(|created| window.holds(days_after(created, at)))
                })
        }
        Verdict::Inactive => settings.inactive == Inactive::Report && finding.over_limit && old(),
        Verdict::Unknown => true,
        Verdict::Exempt | Verdict::Fresh => false,
    };
    main || unused()
}

/// The first boundary after a moment, from which on a later run reports the finding again; `None` if there is none.
#[must_use]
pub fn next_boundary(finding: &Finding, settings: &Settings, after: Timestamp) -> Option<Timestamp> {
    let repeated = |first: Timestamp| {
        let every = i64::from(settings.repeat_days.max(1)) * 86_400;
        let passed = (after.as_second() - first.as_second()).div_euclid(every);
        let seconds = if passed < 0 { first.as_second() } else { first.as_second() + (passed + 1) * every };
        Timestamp::from_second(seconds).ok()
    };
    let old = finding.turns_old.and_then(repeated);
    let warnings = settings.warn_days.iter().filter_map(|warning| {
        let at = finding.limit_days.unwrap_or(0).saturating_sub(*warning);
        Some(days_after(finding.created?, at)).filter(|moment| *moment > after)
    });
    let unused = finding.unused_since.map(|since| unused_from(finding, since, settings)).and_then(repeated);
    let main = match finding.verdict {
        Verdict::Old | Verdict::Inactive => old,
        Verdict::Due => warnings.chain(old).min(),
        Verdict::Fresh | Verdict::Exempt | Verdict::Unknown => None,
    };
    main.into_iter().chain(unused).min()
}

/// The moment from which on a key that is unused since then is reported as that.
fn unused_from(finding: &Finding, since: Timestamp, settings: &Settings) -> Timestamp {
    let days = settings.unused_days.unwrap_or(0);
    let never = finding.unused_since == finding.created && finding.last_used == crate::LastUsed::Never;
    let days = if never { days.max(settings.unused_grace_days) } else { days };
    next_second(days_after(since, days))
}

/// Whether the finding turned old since the previous run.
#[must_use]
pub fn is_new(finding: &Finding, window: Window) -> bool {
    window.since.is_some() && finding.turns_old.is_some_and(|moment| window.holds(moment))
}

/// Whether a run that found nothing sends an all-clear.
#[must_use]
pub fn reports_all_clear(settings: &Settings, window: Window) -> bool {
    /// Weeks since a Monday, 5 January 1970.
    fn week(moment: Timestamp) -> i64 {
        (moment.as_second() - 4 * 86_400).div_euclid(7 * 86_400)
    }
    match settings.all_clear {
        AllClear::Off => false,
        AllClear::Always => true,
        AllClear::Weekly => window.since.is_none_or(|since| week(since) < week(window.until)),
    }
}
