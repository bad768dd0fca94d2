//! A cron expression in words, where that is easy.
//!
//! Owns the wording. It must not decide which moments match.

use super::cron::{Cron, DayOfMonth, Days, OfWeek};
use super::field::Set;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Cron {
    /// Words for it, or `None` where they would be longer than the expression.
    pub(super) fn description(&self) -> Option<String> {
        if !self.months.any || !self.years.any {
            return None;
        }
        let when = self.time_of_day()?;
        let day = match &self.days {
            Days::OfMonth(days) => match days.as_slice() {
                [DayOfMonth::Set(set)] if set.any => {
                    return Some(if when.starts_with("every") { when } else { format!("{when} every day") });
                }
                [DayOfMonth::Set(set)] => format!("on day {} of each month", listed(set, 3, u16::to_string)?),
                [DayOfMonth::Last] => "on the last day of each month".to_owned(),
                [DayOfMonth::LastWorkday] => "on the last weekday of each month".to_owned(),
                [DayOfMonth::NearestWorkday(day)] => format!("on the weekday nearest to day {day} of each month"),
                _ => return None,
            },
            Days::OfWeek(OfWeek::Set(set)) if set.numbers.len() == 7 => "every day".to_owned(),
            Days::OfWeek(OfWeek::Set(set)) => {
                format!("on {}", listed(set, 4, |day| weekday(*day).to_owned())?)
            }
            Days::OfWeek(OfWeek::Last(day)) => format!("on the last {} of each month", weekday(*day)),
            Days::OfWeek(OfWeek::Nth(day, nth)) => {
                let nth = ["first", "second", "third", "fourth", "fifth"].get(usize::from(*nth).checked_sub(1)?)?;
                format!("on the {nth} {} of each month", weekday(*day))
            }
        };
        Some(format!("{when} {day}"))
    }

    fn time_of_day(&self) -> Option<String> {
        match (self.hours.numbers.as_slice(), self.minutes.numbers.as_slice()) {
            (_, minutes) if self.hours.any && minutes.len() == 60 => Some("every minute".to_owned()),
            (_, [0]) if self.hours.any => Some("every hour".to_owned()),
            (_, [minute]) if self.hours.any => Some(format!("every hour at minute {minute}")),
            (hours, [minute]) if hours.len() <= 3 => {
                let times: Vec<String> = hours.iter().map(|hour| format!("{hour:02}:{minute:02}")).collect();
                Some(format!("at {} UTC", joined(&times)))
            }
            _ => None,
        }
    }
}

fn weekday(number: u16) -> &'static str {
    WEEKDAYS.get(usize::from(number.saturating_sub(1))).copied().unwrap_or("Saturday")
}

/// A run of three or more as a range, otherwise at most so many values.
fn listed(set: &Set, most: usize, name: impl Fn(&u16) -> String) -> Option<String> {
    let numbers = &set.numbers;
    if let [first, .., last] = numbers.as_slice()
        && numbers.len() >= 3
        && usize::from(last - first) + 1 == numbers.len()
    {
        return Some(format!("{} to {}", name(first), name(last)));
    }
    (numbers.len() <= most).then(|| joined(&numbers.iter().map(name).collect::<Vec<_>>()))
}

fn joined(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}
