//! The time of an invocation, and how it is divided.
//!
//! Owns when reading stops so that what was found can still be sent, and when sending stops so that the
//! function can still say how it went. It must not know what is read or sent.

use std::collections::HashSet;
use std::time::Duration;

use keyminder_keyage::notice::Context;
use keyminder_keyage::reminder::reports;
use keyminder_keyage::{NoticeKind, Report, Settings};
use tokio::time::Instant;

use crate::publisher::INTERVAL;

/// Keys in one part of a digest, fewer than it takes.
const KEYS_A_PART: usize = 100;

/// What an invocation has from its start to the moment at which Lambda ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    started: Instant,
    /// Without the time for the last word.
    working: Duration,
    /// What sending takes at least, with a call that is repeated.
    sending: Duration,
}

impl Allowance {
    pub(super) fn new(started: Instant, remaining: Duration) -> Self {
        let last_word = (remaining / 20).clamp(Duration::from_millis(100), Duration::from_secs(2));
        Self {
            started,
            working: remaining.saturating_sub(last_word),
            sending: (remaining / 5).clamp(Duration::from_millis(500), Duration::from_secs(20)),
        }
    }

    /// When reading stops, where what was read so far makes so many notices. However many these are, a
    /// quarter of the time is for reading: a key that was counted and not mailed is better than one that
    /// nobody looked at.
    pub(super) fn read_until(&self, notices: usize) -> Instant {
        let pace = INTERVAL.saturating_mul(u32::try_from(notices).unwrap_or(u32::MAX));
        let sending = self.sending.saturating_add(pace).min(self.working / 4 * 3);
        self.started + (self.working - sending)
    }

    /// When sending stops.
    pub(super) fn publish_until(&self) -> Instant {
        self.started + self.working
    }
}

/// How many notices a report will make, counted while it grows: no fewer than they turn out to be.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    settings: &'a Settings,
    context: &'a Context,
    seen: usize,
    to_report: usize,
    /// The owner tags of keys to report; `None` if owners are not emailed.
    owners: Option<HashSet<String>>,
}

impl<'a> Expected<'a> {
    pub(super) fn new(settings: &'a Settings, context: &'a Context, emails_owners: bool) -> Self {
        Self { settings, context, seen: 0, to_report: 0, owners: emails_owners.then(HashSet::new) }
    }

    /// How many messages there are to send as of now, notices and emails to owners.
    pub(super) fn messages(&mut self, report: &Report) -> usize {
        self.notices(report) + self.owners.as_ref().map_or(0, |owners| owners.len() + 1)
    }

    /// The number as of now. Findings may only have been added since the last time.
    pub(super) fn notices(&mut self, report: &Report) -> usize {
        let new = report.keys.get(self.seen..).unwrap_or_default();
        for finding in new.iter().filter(|finding| reports(finding, self.settings, self.context.window)) {
            self.to_report += 1;
            if let (Some(owners), Some(owner)) = (&mut self.owners, &finding.owner) {
                owners.insert(owner.clone());
            }
        }
        self.seen = report.keys.len();
        1 + match self.settings.notice {
            NoticeKind::Digest => self.seen / KEYS_A_PART,
            NoticeKind::PerUser | NoticeKind::PerKey => self.to_report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(seconds: u64, notices: usize) -> f64 {
        let started = Instant::now();
        let allowance = Allowance::new(started, Duration::from_secs(seconds));
        let until = allowance.read_until(notices);
        assert!(until <= allowance.publish_until());
        until.duration_since(started).as_secs_f64()
    }

    #[test]
    fn the_more_there_is_to_send_the_earlier_reading_stops() {
        assert!((reading(900, 1) - 877.875).abs() < 0.01, "{}", reading(900, 1));
        // A thousand notices take 125 seconds.
        assert!((reading(900, 1_000) - 753.0).abs() < 0.01, "{}", reading(900, 1_000));
        assert!((reading(900, 4_000) - 378.0).abs() < 0.01, "{}", reading(900, 4_000));
    }

    #[test]
    fn a_quarter_of_the_time_is_for_reading_whatever_there_is_to_send() {
        assert!((reading(900, 100_000) - 224.5).abs() < 0.01, "{}", reading(900, 100_000));
        assert!((reading(3, usize::MAX) - 0.7125).abs() < 0.01, "{}", reading(3, usize::MAX));
    }

    #[test]
    fn no_time_at_all_is_divided_without_a_fault() {
        let started = Instant::now();
        let none = Allowance::new(started, Duration::ZERO);
        assert_eq!((none.read_until(7), none.publish_until()), (started, started));
    }
}
