//! One field of a cron expression: a set of numbers.
//!
//! Owns lists, ranges, steps, names and bounds. It must not know which days a month has.

use super::ScheduleError;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) name: &'static str,
    pub(super) least: u16,
    pub(super) most: u16,
    /// Names for the numbers from `least` on.
    pub(super) names: &'static [&'static str],
}

pub(super) const MINUTES: Bounds = Bounds { name: "minutes", least: 0, most: 59, names: &[] };
pub(super) const HOURS: Bounds = Bounds { name: "hours", least: 0, most: 23, names: &[] };
pub(super) const DAY_OF_MONTH: Bounds = Bounds { name: "day-of-month", least: 1, most: 31, names: &[] };
pub(super) const MONTH: Bounds = Bounds {
    name: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
pub(super) const DAY_OF_WEEK: Bounds =
    Bounds { name: "day-of-week", least: 1, most: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
pub(super) const YEAR: Bounds = Bounds { name: "year", least: 1970, most: 2199, names: &[] };

impl Bounds {
    pub(super) fn refuse(self, text: &str, why: &str) -> ScheduleError {
        ScheduleError::new(format!("the {} field {text:?}: {why}", self.name))
    }

    /// Reads a number or a name.
    pub(super) fn number(self, text: &str, whole: &str) -> Result<u16, ScheduleError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(index) => u16::try_from(index).ok().map(|index| index + self.least),
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        number.filter(|number| (self.least..=self.most).contains(number)).ok_or_else(|| {
            let mut known = format!("{} to {}", self.least, self.most);
            if let (Some(first), Some(last)) = (self.names.first(), self.names.last()) {
                known = format!("{known} or {first} to {last}");
            }
            self.refuse(whole, &format!("{text:?} is none of {known}"))
        })
    }

    /// Reads `*`, numbers, ranges and steps, separated by commas.
    pub(super) fn set(self, whole: &str) -> Result<Set, ScheduleError> {
        let mut numbers = Vec::new();
        for part in whole.split(',') {
            if part.is_empty() {
                return Err(self.refuse(whole, "there is a comma with nothing beside it"));
            }
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, whole)?)),
                None => (part, None),
            };
            let (first, last) = match (range, range.split_once('-')) {
                ("*", _) => (self.least, self.most),
                ("?", _) => {
                    return Err(self.refuse(whole, "? stands alone, and only in day-of-month or day-of-week"));
                }
                (_, Some((first, last))) => (self.number(first, whole)?, self.number(last, whole)?),
                (single, None) => {
                    let first = self.number(single, whole)?;
                    (first, if step.is_some() { self.most } else { first })
                }
            };
            if first > last {
                return Err(self.refuse(
                    whole,
                    &format!(
                        "the range {range} runs backwards: list the values, such as {first},{last}, or use two ranges"
                    ),
                ));
            }
            numbers.extend((first..=last).step_by(usize::from(step.unwrap_or(1))));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Set { any: whole == "*", numbers })
    }

    fn step(self, text: &str, whole: &str) -> Result<u16, ScheduleError> {
        text.parse()
            .ok()
            .filter(|&step: &u16| step >= 1 && step <= self.most && text.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| {
                self.refuse(whole, &format!("the step {text:?} is not a whole number from 1 to {}", self.most))
            })
    }
}

/// The numbers of a field, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    /// Written as `*`.
    pub(super) any: bool,
    pub(super) numbers: Vec<u16>,
}

impl Set {
    pub(super) fn contains(&self, number: u16) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }
}
