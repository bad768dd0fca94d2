//! Moments and spans of time in words.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The day, in UTC.
pub(crate) fn day(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).date().to_string()
}

/// A moment in local time and in UTC: `Tue 24 Nov 2026 09:00 CET (08:00 UTC)`.
pub(crate) fn both_zones(moment: Timestamp) -> String {
    in_zones(moment, TimeZone::system())
}

fn in_zones(moment: Timestamp, local: TimeZone) -> String {
    let utc = moment.to_zoned(TimeZone::UTC);
    let here = moment.to_zoned(local);
    if here.offset() == utc.offset() {
        return utc.strftime("%a %-d %b %Y %H:%M UTC").to_string();
    }
    let other = if here.date() == utc.date() { utc.strftime("%H:%M UTC") } else { utc.strftime("%a %H:%M UTC") };
    format!("{} ({other})", here.strftime("%a %-d %b %Y %H:%M %Z"))
}

/// A span in its largest two units: `3 h 5 min`.
pub(crate) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |a: u64, x: &str, b: u64, y: &str| if b == 0 { format!("{a} {x}") } else { format!("{a} {x} {b} {y}") };
    match () {
        () if days > 0 => two(days, if days == 1 { "day" } else { "days" }, hours, "h"),
        () if hours > 0 => two(hours, "h", minutes, "min"),
        () if minutes > 0 => two(minutes, "min", seconds % 60, "s"),
        () => format!("{seconds} s"),
    }
}

/// How long something is waited for, in full words: `30 minutes`, `1 hour 30 minutes`, `90 seconds`. Rounded up.
pub(crate) fn patience(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000);
    let count = |number: u128, unit: &str| match number {
        1 => format!("1 {unit}"),
        _ => format!("{number} {unit}s"),
    };
    if seconds < 120 && seconds != 60 {
        return count(seconds, "second");
    }
    let minutes = seconds.div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => count(minutes, "minute"),
        (hours, 0) => count(hours, "hour"),
        (hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
    }
}

/// How long ago, or in how long.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(moment);
    if passed.is_negative() { format!("in {}", span(passed)) } else { format!("{} ago", span(passed)) }
}

/// Seconds as a progress line shows them.
pub(super) fn seconds(duration: Duration) -> String {
    if duration.as_secs() >= 60 {
        format!("{}m{:02}s", duration.as_secs() / 60, duration.as_secs() % 60)
    } else {
        format!("{:.1}s", duration.as_secs_f64())
    }
}

/// How long something took: `17 ms`, `2.4 s`.
pub(crate) fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", milliseconds as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_local_time_and_in_utc() {
        let moment: Timestamp = "2026-11-24T23:30:00Z".parse().unwrap();
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(in_zones(moment, berlin), "Wed 25 Nov 2026 00:30 +01 (Tue 23:30 UTC)");
        assert_eq!(in_zones(moment, TimeZone::UTC), "Tue 24 Nov 2026 23:30 UTC");
    }

    #[test]
    fn what_is_waited_for_is_said_in_full_words_and_rounded_up() {
        for (milliseconds, text) in [
            (1_800_000, "30 minutes"),
            (1_799_400, "30 minutes"),
            (90_000, "90 seconds"),
            (60_000, "1 minute"),
            (1_500, "2 seconds"),
            (5_400_000, "1 hour 30 minutes"),
            (172_800_000, "48 hours"),
        ] {
            assert_eq!(patience(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn a_span_has_at_most_two_units() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_000, "1 day 1 h"), (172_800, "2 days")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), text);
        }
    }
}
