//! EventBridge's schedule expressions, as its documentation has them.

#![allow(clippy::unwrap_used, clippy::panic)]

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::Schedule;
use proptest::prelude::*;
use proptest::sample::select;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_eventbridge_takes_is_taken() {
    for text in [
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(12 hours)",
        "rate(1 day)",
        "rate(7 days)",
        "rate(2147483647 minutes)",
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0/30 20-23,0-2 ? * MON-FRI *)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 ? * MON#2 *)",
        "cron(0 9 L * ? *)",
        "cron(0 9 3W * ? *)",
        "cron(0 9 LW * ? *)",
        "cron(0 9 1,15 JAN,JUL ? 2026)",
        "cron(0 9 ? jan-mar fri *)",
        "cron( 0  9 ? * L * )",
        "cron(0 9 29 2 ? *)",
        "cron(0 9 ? * * *)",
        "cron(*/7 1-23/2 * */3 ? 2020/5)",
    ] {
        schedule(text);
    }
}

#[test]
fn what_eventbridge_refuses_is_refused_with_the_right_form() {
    for (text, expected) in [
        ("rate(1 days)", "use rate(1 day)"),
        ("rate(2 day)", "use rate(2 days)"),
        ("rate(1 hours)", "use rate(1 hour)"),
        ("rate(0 days)", "0 would never run"),
        ("rate(0 day)", "0 would never run"),
        ("rate(-1 days)", "not a whole number from 1 up"),
        ("rate(1.5 days)", "not a whole number from 1 up"),
        ("rate(one day)", "not a whole number from 1 up"),
        ("rate(1)", "a number and a unit"),
        ("rate()", "a number and a unit"),
        ("rate(1 week)", "no unit"),
        ("rate(2 weeks)", "use minute(s), hour(s) or day(s)"),
        ("rate(1 Day)", "in lower case"),
        ("rate(30 seconds)", "no unit"),
        ("rate(1  day)", "use rate(1 day)"),
        ("rate(01 day)", "use rate(1 day)"),
        ("rate(99999999999 days)", "too large"),
        ("rate(2147483648 minutes)", "too large"),
        ("", "is no schedule expression"),
        ("1 day", "is no schedule expression"),
        ("daily", "is no schedule expression"),
        ("rate 1 day", "is no schedule expression"),
        ("Rate(1 day)", "in lower case"),
        ("at(2026-01-01T00:00:00)", "EventBridge Scheduler"),
        ("every(1 day)", "no kind of schedule"),
        ("cron(0 9 * * ?)", "add the year at the end, such as cron(0 9 * * ? *)"),
        ("cron(0 9 * * *)", "cron(0 9 * * ? *)"),
        ("cron(0 9 * * MON-FRI)", "cron(0 9 ? * MON-FRI *)"),
        ("cron(0 9 * * 1-5)", "cron(0 9 ? * MON-FRI *)"),
        ("cron(0 0 9 * * ? *)", "this has 7"),
        ("cron()", "this has 0"),
        ("cron(0 9 * * * *)", "exactly one of them must be ?, such as cron(0 9 * * ? *)"),
        ("cron(0 9 1 * MON *)", "exactly one of them must be ?, such as cron(0 9 ? * MON *)"),
        ("cron(0 9 ? * ? *)", "are both ?"),
        ("cron(60 9 * * ? *)", "the minutes field \"60\": \"60\" is none of 0 to 59"),
        ("cron(0 24 * * ? *)", "the hours field"),
        ("cron(0 9 0 * ? *)", "the day-of-month field"),
        ("cron(0 9 32 * ? *)", "the day-of-month field"),
        ("cron(0 9 * 13 ? *)", "1 to 12 or JAN to DEC"),
        ("cron(0 9 * FOO ? *)", "1 to 12 or JAN to DEC"),
        ("cron(0 9 ? * 0 *)", "1 to 7 or SUN to SAT"),
        ("cron(0 9 ? * 8 *)", "1 to 7 or SUN to SAT"),
        ("cron(0 9 * * ? 1969)", "1970 to 2199"),
        ("cron(0 9 * * ? 2200)", "1970 to 2199"),
        ("cron(? 9 * * ? *)", "? stands alone"),
        ("cron(0/0 9 * * ? *)", "the step \"0\""),
        ("cron(0/ 9 * * ? *)", "the step \"\""),
        ("cron(0,,5 9 * * ? *)", "a comma with nothing beside it"),
        ("cron(0 17-9 * * ? *)", "runs backwards"),
        ("cron(0 9 ? * FRI-MON *)", "runs backwards"),
        ("cron(0 9 ? * 3#6 *)", "after # comes 1 to 5"),
        ("cron(0 9 ? * 3#1,6#3 *)", "after # comes 1 to 5, alone in the field"),
        ("cron(0 9 ? * 3W *)", "the day-of-week field"),
        ("cron(0 9 0W * ? *)", "the day-of-month field"),
        ("cron(0 9 31 2 ? *)", "no month has"),
        ("cron(0 9 L-3 * ? *)", "the day-of-month field"),
        ("cron(+0 9 * * ? *)", "the minutes field"),
    ] {
        let error = Schedule::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(Schedule::parse(&format!("cron({} 9 * * ? *)", ["1"; 200].join(","))).is_err());
}

#[test]
fn a_cron_expression_fires_when_it_says() {
    for (text, after, next) in [
        ("cron(0 10 * * ? *)", "2026-01-01T09:59:59Z", "2026-01-01T10:00:00Z"),
        ("cron(0 10 * * ? *)", "2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"),
        ("cron(0 10 * * ? *)", "2026-12-31T10:00:01Z", "2027-01-01T10:00:00Z"),
        ("cron(0/15 * * * ? *)", "2026-01-01T10:14:59Z", "2026-01-01T10:15:00Z"),
        ("cron(0/15 * * * ? *)", "2026-01-01T23:45:00Z", "2026-01-02T00:00:00Z"),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"),
        ("cron(0 9 ? * 1 *)", "2026-01-01T00:00:00Z", "2026-01-04T09:00:00Z"),
        ("cron(0 9 ? * L *)", "2026-01-01T00:00:00Z", "2026-01-03T09:00:00Z"),
        ("cron(0 9 ? * 6L *)", "2026-01-01T00:00:00Z", "2026-01-30T09:00:00Z"),
        ("cron(0 9 ? * 3#2 *)", "2026-01-01T00:00:00Z", "2026-01-13T09:00:00Z"),
        ("cron(0 9 ? * 5#5 *)", "2026-02-01T00:00:00Z", "2026-04-30T09:00:00Z"),
        ("cron(0 9 L * ? *)", "2028-02-01T00:00:00Z", "2028-02-29T09:00:00Z"),
        ("cron(0 9 31 * ? *)", "2026-02-01T00:00:00Z", "2026-03-31T09:00:00Z"),
        ("cron(0 9 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T09:00:00Z"),
        // 3 January 2026 is a Saturday, 4 January a Sunday.
        ("cron(0 9 3W 1 ? *)", "2026-01-01T00:00:00Z", "2026-01-02T09:00:00Z"),
        ("cron(0 9 4W 1 ? *)", "2026-01-01T00:00:00Z", "2026-01-05T09:00:00Z"),
        // 1 August 2026 is a Saturday and 31 May 2026 a Sunday: the month is not left.
        ("cron(0 9 1W 8 ? *)", "2026-01-01T00:00:00Z", "2026-08-03T09:00:00Z"),
        ("cron(0 9 31W 5 ? *)", "2026-01-01T00:00:00Z", "2026-05-29T09:00:00Z"),
        ("cron(0 9 LW 5 ? *)", "2026-01-01T00:00:00Z", "2026-05-29T09:00:00Z"),
        ("cron(30 6 1 1 ? 2030)", "2026-01-01T00:00:00Z", "2030-01-01T06:30:00Z"),
        ("cron(0/30 20-23,0-2 ? * MON-FRI *)", "2026-01-02T23:30:00Z", "2026-01-05T00:00:00Z"),
    ] {
        let schedule = schedule(text);
        assert_eq!(schedule.next_after(at(after)), Some(at(next)), "{text} after {after}");
        let before = at(next) + SignedDuration::from_secs(30);
        assert_eq!(schedule.last_before(before), Some(at(next)), "{text} before {before}");
    }
}

#[test]
fn a_run_on_the_dot_is_not_its_own_predecessor() {
    let daily = schedule("cron(0 9 * * ? *)");
    assert_eq!(daily.last_before(at("2026-01-05T09:00:00Z")), Some(at("2026-01-04T09:00:00Z")));
    let weekdays = schedule("cron(0 9 ? * MON-FRI *)");
    assert_eq!(weekdays.last_before(at("2026-01-05T09:00:00Z")), Some(at("2026-01-02T09:00:00Z")));
}

#[test]
fn a_schedule_that_is_over_has_no_next_run() {
    let over = schedule("cron(0 9 * * ? 2022-2023)");
    assert_eq!(over.next_after(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(over.last_before(at("2026-01-01T00:00:00Z")), Some(at("2023-12-31T09:00:00Z")));
}

#[test]
fn a_rate_counts_from_the_start_of_its_rule() {
    let rate = schedule("rate(12 hours)");
    let started = at("2026-01-01T08:30:00Z");
    assert_eq!(rate.next_from(started, at("2026-01-02T08:29:59Z")), Some(at("2026-01-02T08:30:00Z")));
    assert_eq!(rate.next_from(started, at("2026-01-02T08:30:00Z")), Some(at("2026-01-02T20:30:00Z")));
    assert_eq!(rate.next_after(started), Some(at("2026-01-01T20:30:00Z")));
    assert_eq!(schedule("rate(2147483647 days)").next_after(started), None);
}

#[test]
fn the_period_is_the_longest_usual_gap() {
    for (text, hours) in [
        ("rate(1 day)", 24),
        ("rate(12 hours)", 12),
        ("cron(0 9 * * ? *)", 24),
        ("cron(0 9 ? * MON-FRI *)", 72),
        ("cron(0 9 1 * ? *)", 31 * 24),
        ("cron(0 9 ? * 2 *)", 7 * 24),
    ] {
        assert_eq!(schedule(text).period(), SignedDuration::from_hours(hours), "{text}");
    }
    // From Monday 23:58 to Monday 00:00.
    let days = SignedDuration::from_hours(6 * 24) + SignedDuration::from_mins(2);
    assert_eq!(schedule("cron(0/2 * ? * MON *)").period(), days, "however many runs a day has");
}

#[test]
fn easy_schedules_are_said_in_words() {
    for (text, words) in [
        ("rate(1 day)", "every day"),
        ("rate(12 hours)", "every 12 hours"),
        ("cron(0 9 * * ? *)", "at 09:00 UTC every day"),
        ("cron(0 9 ? * * *)", "at 09:00 UTC every day"),
        ("cron(0 9 ? * MON-FRI *)", "at 09:00 UTC on Monday to Friday"),
        ("cron(30 6,18 ? * SUN,WED *)", "at 06:30 and 18:30 UTC on Sunday and Wednesday"),
        ("cron(0 9 1 * ? *)", "at 09:00 UTC on day 1 of each month"),
        ("cron(0 9 L * ? *)", "at 09:00 UTC on the last day of each month"),
        ("cron(0 9 ? * 6#2 *)", "at 09:00 UTC on the second Friday of each month"),
        ("cron(0 9 ? * 6L *)", "at 09:00 UTC on the last Friday of each month"),
        ("cron(0 * * * ? *)", "every hour"),
        ("cron(* * * * ? *)", "every minute"),
        ("cron(0/7 3-5 1-20/3 JAN ? 2026)", "cron(0/7 3-5 1-20/3 JAN ? 2026)"),
    ] {
        assert_eq!(schedule(text).description(), words, "{text}");
    }
}

/// When another implementation says that the fields fire next. It has a field for seconds, and counts the days of the
/// week as EventBridge does if told so.
fn next_by_croner(fields: &str, after: Timestamp) -> Option<Timestamp> {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build();
    let cron = parser.parse(&format!("0 {fields}")).unwrap_or_else(|error| panic!("{fields}: {error}"));
    let next = cron.find_next_occurrence(&after.to_zoned(TimeZone::UTC).datetime(), false).ok()?;
    TimeZone::UTC.to_timestamp(next).ok()
}

proptest! {
    #[test]
    fn cron_expressions_fire_when_an_independent_implementation_says(
        minutes in select(vec!["0", "*", "0/15", "5,35", "10-20/3", "59"]),
        hours in select(vec!["9", "*", "0/6", "8-17", "23", "0,12"]),
        days in select(vec![
            "* M ?", "1 M ?", "L M ?", "LW M ?", "15W M ?", "1W M ?", "30 M ?", "29-31 M ?", "1,15 M ?",
            "? M *", "? M MON-FRI", "? M 2#1", "? M 6L", "? M 1", "? M SUN,WED", "? M 7#5", "? M 2-6/2",
        ]),
        month in select(vec!["*", "2", "JAN,JUL", "*/3", "11-12"]),
        seconds in 1_700_000_000_i64..2_200_000_000,
    ) {
        let fields = format!("{minutes} {hours} {} *", days.replace(" M ", &format!(" {month} ")));
        let after = Timestamp::from_second(seconds).unwrap();
        // A day that no month has is refused, and never comes for croner either.
        let ours = Schedule::parse(&format!("cron({fields})")).ok().and_then(|schedule| schedule.next_after(after));
        prop_assert_eq!(ours, next_by_croner(&fields, after), "{} after {}", fields, after);
    }
}

/// The expressions that a message proposes.
fn proposed(message: &str) -> Vec<&str> {
    let starts = ["rate(", "cron("].into_iter().flat_map(|name| message.match_indices(name).map(|(at, _)| at));
    starts.filter_map(|at| Some(&message[at..=at + message[at..].find(')')?])).collect()
}

#[test]
fn every_expression_that_a_refusal_proposes_is_accepted() {
    let fields =
        ["*", "?", "0", "8", "31", "2-6", "5-3", "MON-FRI", "FRI-MON", "L", "1W", "6#2", "0/5", "2030", "x", "99"];
    let mut refused = 0;
    let mut check = |text: &str| {
        let Err(error) = text.parse::<Schedule>() else { return };
        refused += 1;
        for expression in proposed(&error.to_string()) {
            assert!(expression == text || expression.parse::<Schedule>().is_ok(), "{text}: {error}");
        }
    };
    for a in fields {
        for b in fields {
            for c in fields {
                check(&format!("cron(0 8 {a} {b} {c})"));
                check(&format!("cron(0 8 {a} {b} {c} *)"));
                check(&format!("cron({a} {b} 5 * {c} *)"));
                check(&format!("cron({a} {b} {c})"));
            }
        }
    }
    for number in ["0", "1", "01", "2", "-1", "x", "99999999999"] {
        for unit in ["minute", "minutes", "hour", "hours", "day", "days", "week", "Days", ""] {
            check(&format!("rate({number} {unit})"));
            check(&format!("rate({number}  {unit} )"));
        }
    }
    for text in ["", "daily", "at(2030-01-01)", "Rate(1 day)", "rate 1 day", "0 9 * * *"] {
        check(text);
    }
    assert!(refused > 5000, "{refused}");
}
