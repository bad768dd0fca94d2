//! `cron(minutes hours day-of-month month day-of-week year)`, in UTC.
//!
//! Owns which moments match. It must not know how to say it in words.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ScheduleError;
use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, HOURS, MINUTES, MONTH, Set, YEAR};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Days,
    pub(super) months: Set,
    pub(super) years: Set,
}

/// Which days of a month: the field of the two that is not `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(OfWeek),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DayOfMonth {
    Set(Set),
    /// `L`: the last day.
    Last,
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday nearest to the 15th, in the same month.
    NearestWorkday(u16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfWeek {
    /// 1 for Sunday to 7 for Saturday.
    Set(Set),
    /// `6L`: the last Friday of the month.
    Last(u16),
    /// `6#2`: the second Friday of the month.
    Nth(u16, u16),
}

impl Cron {
    pub(super) fn parse(inside: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = inside.split_whitespace().collect();
        let &[minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
            return Err(wrong_number_of_fields(&fields));
        };
        let days = match (day_of_month, day_of_week) {
            ("?", "?") => {
                return Err(ScheduleError::new(
                    "day-of-month and day-of-week are both ?: put * or a value in one of them, such as cron(0 9 * * ? *)",
                ));
            }
            ("?", of_week) => Days::OfWeek(parse_day_of_week(of_week)?),
            (of_month, "?") => Days::OfMonth(of_month.split(',').map(parse_day_of_month).collect::<Result<_, _>>()?),
            (of_month, of_week) => {
                let right = if of_week == "*" {
                    format!("{minutes} {hours} {of_month} {month} ? {year}")
                } else {
                    format!("{minutes} {hours} ? {month} {of_week} {year}")
                };
                let right = suggested(&right);
                return Err(ScheduleError::new(format!(
                    "day-of-month and day-of-week are both given: exactly one of them must be ?, such as {right}"
                )));
            }
        };
        let cron = Self {
            minutes: MINUTES.set(minutes)?,
            hours: HOURS.set(hours)?,
            days,
            months: MONTH.set(month)?,
            years: YEAR.set(year)?,
        };
        let whole = i16::try_from(YEAR.least).unwrap_or_default();
        if cron.next_date(Date::constant(whole, 1, 1)).is_none() {
            return Err(ScheduleError::new(format!(
                "cron({inside}) names a day that no month has: it would never run"
            )));
        }
        Ok(cron)
    }

    pub(super) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let now = after.to_zoned(TimeZone::UTC).datetime();
        let (hour, minute) = (now.hour(), now.minute());
        let today = now.date();
        if self.on(today)
            && let Some(time) = self.times().find(|time| (time.hour(), time.minute()) > (hour, minute))
        {
            return moment(today, time);
        }
        let date = self.next_date(today.tomorrow().ok()?)?;
        moment(date, self.times().next()?)
    }

    pub(super) fn last_before(&self, before: Timestamp) -> Option<Timestamp> {
        // A run on this very minute counts as before where seconds have passed since.
        let before = Timestamp::from_second(before.as_second().checked_sub(1)?).ok()?;
        let now = before.to_zoned(TimeZone::UTC).datetime();
        let (hour, minute) = (now.hour(), now.minute());
        let today = now.date();
        if self.on(today)
            && let Some(time) = self.times().filter(|time| (time.hour(), time.minute()) <= (hour, minute)).last()
        {
            return moment(today, time);
        }
        let mut date = today.yesterday().ok()?;
        while u16::try_from(date.year()).is_ok_and(|year| year >= *self.years.numbers.first().unwrap_or(&u16::MAX)) {
            if self.on(date) {
                return moment(date, self.times().last()?);
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The longest time from one run to the next, over four hundred days on which it runs.
    pub(super) fn longest_gap(&self) -> SignedDuration {
        let unknown = SignedDuration::from_hours(24 * 365);
        let times: Vec<Time> = self.times().collect();
        let (Some(first), Some(last), Some(mut day)) =
            (times.first(), times.last(), self.next_date(Date::constant(2028, 1, 1)))
        else {
            return unknown;
        };
        let within_a_day = times.windows(2).filter_map(|pair| match pair {
            [before, after] => Some(before.duration_until(*after)),
            _ => None,
        });
        let mut longest = within_a_day.max().unwrap_or_default();
        for _ in 0..400 {
            let Some(next) = day.tomorrow().ok().and_then(|from| self.next_date(from)) else { break };
            longest = longest.max(day.to_datetime(*last).duration_until(next.to_datetime(*first)));
            day = next;
        }
        if longest.is_zero() { unknown } else { longest }
    }

    fn times(&self) -> impl Iterator<Item = Time> {
        self.hours.numbers.iter().flat_map(|&hour| {
            self.minutes
                .numbers
                .iter()
                .filter_map(move |&minute| Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok())
        })
    }

    /// The first matching day from that one on.
    fn next_date(&self, from: Date) -> Option<Date> {
        let mut date = from;
        let last_year = *self.years.numbers.last()?;
        loop {
            let year = u16::try_from(date.year()).ok()?;
            if year > last_year {
                return None;
            }
            let month = u16::from(date.month().unsigned_abs());
            if !self.years.contains(year) {
                date = Date::new(date.year() + 1, 1, 1).ok()?;
            } else if !self.months.contains(month) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.on_day(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
    }

    fn on(&self, date: Date) -> bool {
        u16::try_from(date.year()).is_ok_and(|year| self.years.contains(year))
            && self.months.contains(u16::from(date.month().unsigned_abs()))
            && self.on_day(date)
    }

    fn on_day(&self, date: Date) -> bool {
        let day = u16::from(date.day().unsigned_abs());
        let length = u16::from(date.days_in_month().unsigned_abs());
        let weekday = u16::from(date.weekday().to_sunday_one_offset().unsigned_abs());
        match &self.days {
            Days::OfMonth(days) => days.iter().any(|wanted| match wanted {
                DayOfMonth::Set(set) => set.contains(day),
                DayOfMonth::Last => day == length,
                DayOfMonth::LastWorkday => nearest_workday(date, length) == Some(date),
                DayOfMonth::NearestWorkday(wanted) => *wanted <= length && nearest_workday(date, *wanted) == Some(date),
            }),
            Days::OfWeek(OfWeek::Set(set)) => set.contains(weekday),
            Days::OfWeek(OfWeek::Last(wanted)) => weekday == *wanted && day + 7 > length,
            Days::OfWeek(OfWeek::Nth(wanted, nth)) => weekday == *wanted && day.div_ceil(7) == *nth,
        }
    }
}

/// The day from Monday to Friday nearest to a day of that date's month, without leaving the month.
fn nearest_workday(month: Date, day: u16) -> Option<Date> {
    let day = Date::new(month.year(), month.month(), i8::try_from(day).ok()?).ok()?;
    let shift = match day.weekday() {
        Weekday::Saturday if day.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if day == day.last_of_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    day.checked_add(jiff::Span::new().days(shift)).ok()
}

fn moment(date: Date, time: Time) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()
}

fn parse_day_of_month(part: &str) -> Result<DayOfMonth, ScheduleError> {
    match part {
        "L" => Ok(DayOfMonth::Last),
        "LW" => Ok(DayOfMonth::LastWorkday),
        _ => match part.strip_suffix('W') {
            Some(day) => Ok(DayOfMonth::NearestWorkday(DAY_OF_MONTH.number(day, part)?)),
            None => Ok(DayOfMonth::Set(DAY_OF_MONTH.set(part)?)),
        },
    }
}

fn parse_day_of_week(text: &str) -> Result<OfWeek, ScheduleError> {
    if let Some((day, nth)) = text.split_once('#') {
        let number = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| {
            DAY_OF_WEEK.refuse(text, "after # comes 1 to 5, alone in the field: 6#2 is the second Friday of the month")
        })?;
        return Ok(OfWeek::Nth(DAY_OF_WEEK.number(day, text)?, number));
    }
    match text.strip_suffix('L') {
        // Alone it is the last day of the week, which ends on Saturday.
        Some("") => Ok(OfWeek::Set(DAY_OF_WEEK.set("7")?)),
        Some(day) => Ok(OfWeek::Last(DAY_OF_WEEK.number(day, text)?)),
        None => Ok(OfWeek::Set(DAY_OF_WEEK.set(text)?)),
    }
}

/// An expression to write instead: this one, if it is right in its other fields too, or else one that is.
fn suggested(inside: &str) -> String {
    match Cron::parse(inside) {
        Ok(_) => format!("cron({inside})"),
        Err(_) => "cron(0 9 ? * MON-FRI *)".to_owned(),
    }
}

fn wrong_number_of_fields(fields: &[&str]) -> ScheduleError {
    let form = "minutes hours day-of-month month day-of-week year, such as cron(0 9 ? * MON-FRI *)";
    let message = match fields {
        [minutes, hours, of_month, month, of_week] => {
            // A crontab line counts the days of the week from 0, EventBridge from 1: no suggestion with numbers.
            let (of_month, of_week) = match (*of_month, *of_week) {
                (of_month, "*" | "?") => (of_month, "?"),
                ("*", of_week) if of_week.bytes().any(|b| b.is_ascii_digit()) => ("?", "MON-FRI"),
                ("*", of_week) => ("?", of_week),
                both => both,
            };
            let right = suggested(&format!("{minutes} {hours} {of_month} {month} {of_week} *"));
            format!("cron takes six fields and this has five: add the year at the end, such as {right}")
        }
        _ => format!("cron takes six fields and this has {}: {form}", fields.len()),
    };
    ScheduleError::new(message)
}
