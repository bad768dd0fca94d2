//! EventBridge's schedule expressions.
//!
//! Owns what `rate(…)` and `cron(…)` may say, when they fire and how to say it in words. It must not
//! know rules or targets. The dialect is that of "Cron expressions reference" and "Rate expressions
//! reference" in the EventBridge user guide: UTC, six fields, exactly one `?`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

mod cron;
mod field;
mod words;

use cron::Cron;

/// The schedule of the checks unless another is given.
pub const DEFAULT_SCHEDULE: &str = "rate(1 day)";

/// A valid schedule expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Rate { value: u32, unit: Unit },
    Cron(Box<Cron>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
}

impl Unit {
    const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// What is wrong with a schedule expression, and the right form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    message: String,
}

impl ScheduleError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl Schedule {
    /// Reads an expression as EventBridge does.
    ///
    /// # Errors
    /// What EventBridge would refuse, said so that it can be mended.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        if text.len() > 256 {
            return Err(ScheduleError::new("a schedule expression has at most 256 characters"));
        }
        let (name, inside) = text.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(|| {
            ScheduleError::new(format!(
                "{text:?} is no schedule expression: write rate(1 day) or cron(0 9 ? * MON-FRI *)"
            ))
        })?;
        let kind = match name {
            "rate" => rate(inside)?,
            "cron" => Kind::Cron(Box::new(Cron::parse(inside)?)),
            "at" => {
                return Err(ScheduleError::new(
                    "at(…) runs once and is EventBridge Scheduler's, not a rule's: write rate(1 day) or cron(0 9 ? * MON-FRI *)",
                ));
            }
            other => {
                return Err(ScheduleError::new(format!(
                    "{other:?} is no kind of schedule: write rate(1 day) or cron(0 9 ? * MON-FRI *), in lower case"
                )));
            }
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// The expression, as EventBridge takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// It is a rate, which counts from when its rule was made or last changed.
    #[must_use]
    pub fn is_rate(&self) -> bool {
        matches!(self.kind, Kind::Rate { .. })
    }

    /// The first moment after `after` at which it fires, or `None` where it never does again.
    ///
    /// A rate counts from when its rule was made or last changed, which the expression does not tell:
    /// without that this is one interval after `after`; with it, see [`Schedule::next_from`].
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.next_from(after, after)
    }

    /// The first moment after `after` at which it fires where the rule started at `started`, which
    /// matters for a rate only.
    #[must_use]
    pub fn next_from(&self, started: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Rate { value, unit } => {
                let every = i64::from(*value).checked_mul(unit.seconds())?;
                let gone = after.as_second().checked_sub(started.as_second())?;
                let ticks = gone.div_euclid(every).checked_add(1)?;
                let next = started.as_second().checked_add(ticks.checked_mul(every)?)?;
                Timestamp::from_second(next).ok()
            }
            Kind::Cron(cron) => cron.next_after(after),
        }
    }

    /// The last moment before `before` at which it fired, or `None` where there is none. For a rate,
    /// one interval before.
    #[must_use]
    pub fn last_before(&self, before: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Rate { .. } => before.checked_sub(self.period()).ok(),
            Kind::Cron(cron) => cron.last_before(before),
        }
    }

    /// The usual time from one run to the next: exact for a rate; for a cron expression the longest
    /// gap on the days from the start of a leap year, so that "two periods without a run"
    /// means trouble even after a weekend.
    #[must_use]
    pub fn period(&self) -> SignedDuration {
        match &self.kind {
            Kind::Rate { value, unit } => SignedDuration::from_secs(i64::from(*value) * unit.seconds()),
            Kind::Cron(cron) => cron.longest_gap(),
        }
    }

    /// The schedule in words, such as "every day" or "at 09:00 UTC on Monday to Friday"; the
    /// expression itself where words would be longer than it.
    #[must_use]
    pub fn description(&self) -> String {
        match &self.kind {
            Kind::Rate { value: 1, unit } => format!("every {}", unit.word()),
            Kind::Rate { value, unit } => format!("every {value} {}s", unit.word()),
            Kind::Cron(cron) => cron.description().unwrap_or_else(|| self.text.clone()),
        }
    }
}

fn rate(inside: &str) -> Result<Kind, ScheduleError> {
    let form = "write rate(1 day), rate(12 hours) or the like";
    let refuse = |why: &str| ScheduleError::new(format!("rate({inside}): {why}"));
    let words: Vec<&str> = inside.split_whitespace().collect();
    let &[number, unit_word] = words.as_slice() else {
        return Err(refuse(&format!("a rate is a number and a unit: {form}")));
    };
    if number.starts_with('-') || number.contains('.') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refuse(&format!("{number:?} is not a whole number from 1 up: {form}")));
    }
    // EventBridge holds the value in a signed 32-bit integer.
    let value = number
        .parse::<u32>()
        .ok()
        .filter(|&value| i32::try_from(value).is_ok())
        .ok_or_else(|| refuse("the number is too large"))?;
    if value == 0 {
        return Err(refuse(&format!("0 would never run: {form}")));
    }
    let (unit, plural) = match unit_word {
        "minute" => (Unit::Minute, false),
        "minutes" => (Unit::Minute, true),
        "hour" => (Unit::Hour, false),
        "hours" => (Unit::Hour, true),
        "day" => (Unit::Day, false),
        "days" => (Unit::Day, true),
        other => {
            return Err(refuse(&format!("{other:?} is no unit: use minute(s), hour(s) or day(s), in lower case")));
        }
    };
    let right = format!("rate({value} {}{})", unit.word(), if value == 1 { "" } else { "s" });
    if plural != (value != 1) {
        return Err(refuse(&format!("1 takes the singular and more the plural: use {right}")));
    }
    if format!("{number} {unit_word}") != inside || number.starts_with('0') {
        return Err(refuse(&format!("write it plainly: use {right}")));
    }
    Ok(Kind::Rate { value, unit })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}
