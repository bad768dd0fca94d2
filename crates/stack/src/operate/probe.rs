//! Having the rule start the function soon, which proves the rule, its target and the function's permission.
//!
//! The rule is given another schedule for a while: once an hour, next in a minute or two. Were the command killed
//! meanwhile, a rule that runs every hour is noticed, and one that runs no more might not be.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Cause, Error};
use crate::installation::Installation;
use crate::resource;

impl Installation {
    /// The schedule that the rule is to have again after a probe: its own, which need not be the wanted one. Where a
    /// probe was killed and left its own, the wanted one.
    ///
    /// # Errors
    /// What EventBridge answers; a rule that is not there, is not ours, or differs from ours in more than its schedule,
    /// so that it could not be put back.
    pub async fn schedule(&self) -> Result<String, Error> {
        let live = resource::rule_schedule(self).await?;
        Ok(if is_probe(&live) { self.spec.schedule.clone() } else { live })
    }

    /// The schedule that the rule has; `None` if there is no such rule, or it is not as this installation has rules.
    ///
    /// # Errors
    /// What EventBridge answers.
    pub async fn installed_schedule(&self) -> Result<Option<String>, Error> {
        match self.schedule().await {
            Ok(schedule) => Ok(Some(schedule)),
            Err(error) if matches!(error.cause, Cause::NotInstalled | Cause::NotOurs | Cause::RuleDiffers) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has the rule start the function at the beginning of the minute after next, counted from `now`.
    ///
    /// # Errors
    /// What EventBridge answers.
    pub async fn probe(&self, now: Timestamp) -> Result<(), Error> {
        resource::reschedule(self, &probe(now)).await
    }

    /// Gives the rule its schedule back.
    ///
    /// # Errors
    /// What EventBridge answers.
    pub async fn reschedule(&self, schedule: &str) -> Result<(), Error> {
        resource::reschedule(self, schedule).await
    }
}

/// Nobody writes it so: by this a probe that was left is told from somebody's hourly schedule.
const EVERY_HOUR: &str = "0-23";

/// A minute in between, so that the rule is known everywhere by then (EventBridge API reference, PutRule: changes take
/// a short while).
fn probe(now: Timestamp) -> String {
    let then = now.saturating_add(SignedDuration::from_secs(119)).unwrap_or(now);
    format!("cron({} {EVERY_HOUR} * * ? *)", then.to_zoned(TimeZone::UTC).minute())
}

fn is_probe(schedule: &str) -> bool {
    let inside = schedule.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(" * * ? *)"));
    inside
        .and_then(|inside| inside.split_once(' '))
        .is_some_and(|(minute, hours)| hours == EVERY_HOUR && minute.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_at_least_a_minute_away_and_at_most_two() {
        for (now, schedule) in [
            ("2026-11-23T12:00:00Z", "cron(1 0-23 * * ? *)"),
            ("2026-11-23T12:00:01Z", "cron(2 0-23 * * ? *)"),
            ("2026-11-23T12:58:30Z", "cron(0 0-23 * * ? *)"),
        ] {
            assert_eq!(probe(now.parse().unwrap()), schedule);
            assert!(is_probe(schedule));
        }
        assert!(!is_probe("rate(1 day)") && !is_probe("cron(0 7 ? * MON-FRI *)"));
        assert!(!is_probe("cron(15 * * * ? *)"), "somebody's own");
    }
}
