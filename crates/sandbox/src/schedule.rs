//! EventBridge schedule expressions: what is one, and when it fires next. Knows no rule and no clock.
//!
//! Cron is read by the `croner` crate, so that what keyminder believes of schedules is judged by another parser.
//! Behaviour: EventBridge user guide, "Setting a schedule pattern for scheduled rules".

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, tz::TimeZone};

use crate::clock::later;

/// A schedule expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Rate(Duration),
    Cron(Box<Cron>),
}

impl Schedule {
    /// Reads `rate(…)` or `cron(…)`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inner("rate") {
            return parse_rate(rate);
        }
        parse_cron(inner("cron")?).map(|cron| Self::Cron(Box::new(cron)))
    }

    /// The first time after `last` that it fires. A rate counts from there.
    pub(crate) fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => Some(later(last, *every)),
            Self::Cron(cron) => {
                let next = cron.find_next_occurrence(&last.to_zoned(TimeZone::UTC), false).ok()?;
                Some(next.timestamp())
            }
        }
    }
}

fn parse_rate(rate: &str) -> Option<Schedule> {
    let (value, unit) = rate.split_once(' ')?;
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = value.parse().ok().filter(|value| *value > 0 && *value < 10_000_000)?;
    // One takes the singular, more the plural.
    let seconds = match (unit, value == 1) {
        ("minute", true) | ("minutes", false) => 60,
        ("hour", true) | ("hours", false) => 3600,
        ("day", true) | ("days", false) => 86_400,
        _ => return None,
    };
    Some(Schedule::Rate(Duration::from_secs(value * seconds)))
}

/// Reads the six fields. What croner takes and EventBridge does not is refused here.
fn parse_cron(text: &str) -> Option<Cron> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields[..] else {
        return None;
    };
    if (day == "?") == (weekday == "?") || [minutes, hours, month, year].iter().any(|field| field.contains('?')) {
        return None;
    }
    if fields.iter().any(|field| field.starts_with(['/', '+', '@']) || field.contains(",/")) {
        return None;
    }
    let years = year.split([',', '-', '/']).filter(|part| part.len() == 4).filter_map(|part| part.parse::<u16>().ok());
    if years.into_iter().any(|year| !(1970..=2199).contains(&year)) {
        return None;
    }
    // The last day of the week is Saturday; the last Friday of the month is croner's `6#L`.
    let weekday = match weekday.strip_suffix('L') {
        Some("") => "7".to_owned(),
        Some(day) if !day.ends_with('#') => format!("{day}#L"),
        _ => weekday.to_owned(),
    };
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true);
    parser.build().parse(&["0", minutes, hours, day, month, &weekday, year].join(" ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, last: &str) -> String {
        let last = last.parse().expect("a time");
        Schedule::parse(expression).expect(expression).next(last).expect("a next time").to_string()
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        for expression in [
            "rate(1 days)",
            "rate(2 day)",
            "rate(0 days)",
            "rate(-1 days)",
            "rate(1.5 hours)",
            "rate(5 seconds)",
            "rate(1  day)",
            "rate (1 day)",
            "1 day",
            "",
            "cron(0 8 * * ?)",
            "cron(0 8 * * * *)",
            "cron(0 8 ? * ? *)",
            "cron(60 8 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 8 ? * 8 *)",
            "cron(0 8 32 * ? *)",
            "cron(0 8 5-1 * ? *)",
        ] {
            assert_eq!(Schedule::parse(expression), None, "{expression}");
        }
    }

    #[test]
    fn the_next_time_follows_the_expression() {
        let last = "2026-03-10T08:00:00Z";
        for (expression, expected) in [
            ("rate(1 day)", "2026-03-11T08:00:00Z"),
            ("rate(12 hours)", "2026-03-10T20:00:00Z"),
            ("cron(0 8 * * ? *)", "2026-03-11T08:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-03-10T08:15:00Z"),
            ("cron(30 9 ? * MON-FRI *)", "2026-03-10T09:30:00Z"),
            ("cron(0 8 1 * ? *)", "2026-04-01T08:00:00Z"),
            ("cron(0 8 L * ? *)", "2026-03-31T08:00:00Z"),
            ("cron(0 8 ? * 2#1 *)", "2026-04-06T08:00:00Z"),
            ("cron(0 8 ? * 6L *)", "2026-03-27T08:00:00Z"),
            ("cron(0 8 15W * ? *)", "2026-03-16T08:00:00Z"),
            ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(next(expression, last), expected, "{expression}");
        }
    }
}
