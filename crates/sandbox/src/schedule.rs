//! EventBridge schedule expressions: what is one, and when it fires next. Knows no rule and no clock.
//!
//! Behaviour: EventBridge user guide, "Setting a schedule pattern for scheduled rules".

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::{Timestamp, tz::TimeZone};

use crate::clock::later;

/// A schedule expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Rate(Duration),
    Cron(Box<Cron>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: BTreeSet<i64>,
    hours: BTreeSet<i64>,
    months: BTreeSet<i64>,
    years: BTreeSet<i64>,
    days: Days,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    /// Days of the month.
    Month(BTreeSet<i64>),
    LastOfMonth,
    /// The weekday nearest to a day of the month.
    Nearest(i64),
    /// Days of the week, Sunday being 1.
    Week(BTreeSet<i64>),
    /// The n-th such day of the week in the month.
    Nth(i64, i64),
    /// The last such day of the week in the month.
    LastOfWeek(i64),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// Reads `rate(…)` or `cron(…)`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inner("rate") {
            return parse_rate(rate);
        }
        Cron::parse(inner("cron")?).map(|cron| Self::Cron(Box::new(cron)))
    }

    /// The first time after `last` that it fires. A rate counts from there.
    pub(crate) fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => Some(later(last, *every)),
            Self::Cron(cron) => cron.next(last),
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

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else {
            return None;
        };
        let days = match (day, weekday) {
            ("?", "?") => return None,
            (day, "?") => month_days(day)?,
            ("?", weekday) => week_days(weekday)?,
            _ => return None,
        };
        Some(Self {
            minutes: numbers(minutes, 0, 59, &[])?,
            hours: numbers(hours, 0, 23, &[])?,
            months: numbers(month, 1, 12, &MONTHS)?,
            years: numbers(year, 1970, 2199, &[])?,
            days,
        })
    }

    fn next(&self, last: Timestamp) -> Option<Timestamp> {
        let start = later(last, Duration::from_secs(1)).to_zoned(TimeZone::UTC).datetime();
        let last_year = *self.years.last()?;
        let mut day = start.date();
        while i64::from(day.year()) <= last_year {
            if self.on(day) {
                for hour in &self.hours {
                    for minute in &self.minutes {
                        let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
                        let at = day.at(hour, minute, 0, 0);
                        if at >= start {
                            return at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
                        }
                    }
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn on(&self, day: Date) -> bool {
        if !self.years.contains(&day.year().into()) || !self.months.contains(&day.month().into()) {
            return false;
        }
        let weekday = i64::from(day.weekday().to_sunday_one_offset());
        let (number, length) = (i64::from(day.day()), i64::from(day.days_in_month()));
        match &self.days {
            Days::Month(days) => days.contains(&number),
            Days::LastOfMonth => number == length,
            Days::Nearest(wanted) => nearest_weekday(day, *wanted) == Some(day),
            Days::Week(days) => days.contains(&weekday),
            Days::Nth(wanted, nth) => weekday == *wanted && (number - 1) / 7 + 1 == *nth,
            Days::LastOfWeek(wanted) => weekday == *wanted && number + 7 > length,
        }
    }
}

/// The weekday nearest to a day of that month, without leaving the month.
fn nearest_weekday(within: Date, wanted: i64) -> Option<Date> {
    let length = i64::from(within.days_in_month());
    let on = |day: i64| Some(date(within.year(), within.month(), i8::try_from(day).ok()?));
    let wanted = wanted.min(length);
    match on(wanted)?.weekday().to_sunday_one_offset() {
        1 => on(if wanted == length { wanted - 2 } else { wanted + 1 }),
        7 => on(if wanted == 1 { wanted + 2 } else { wanted - 1 }),
        _ => on(wanted),
    }
}

fn month_days(field: &str) -> Option<Days> {
    if field == "L" {
        return Some(Days::LastOfMonth);
    }
    if let Some(day) = field.strip_suffix('W') {
        return day.parse().ok().filter(|day| (1..=31).contains(day)).map(Days::Nearest);
    }
    numbers(field, 1, 31, &[]).map(Days::Month)
}

fn week_days(field: &str) -> Option<Days> {
    if field == "L" {
        return Some(Days::Week(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = field.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
        return Some(Days::Nth(number(day, 1, 7, &WEEKDAYS)?, nth));
    }
    if let Some(day) = field.strip_suffix('L') {
        return Some(Days::LastOfWeek(number(day, 1, 7, &WEEKDAYS)?));
    }
    numbers(field, 1, 7, &WEEKDAYS).map(Days::Week)
}

fn number(text: &str, least: i64, most: i64, names: &[&str]) -> Option<i64> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|at| i64::try_from(at).ok());
    let number = named.map(|at| at + 1).or_else(|| text.parse().ok())?;
    (least..=most).contains(&number).then_some(number)
}

/// `*`, `1,2`, `1-5`, `0/15`, `*/2`, and lists of these.
fn numbers(field: &str, least: i64, most: i64, names: &[&str]) -> Option<BTreeSet<i64>> {
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = if range == "*" {
            (least, most)
        } else if let Some((from, to)) = range.split_once('-') {
            (number(from, least, most, names)?, number(to, least, most, names)?)
        } else {
            let from = number(range, least, most, names)?;
            (from, if step.is_some() { most } else { from })
        };
        if from > to {
            return None;
        }
        all.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, last: &str) -> String {
        let last = last.parse().expect("a time");
        Schedule::parse(expression).expect("an expression").next(last).expect("a next time").to_string()
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
