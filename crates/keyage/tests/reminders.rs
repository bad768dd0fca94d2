//! When a run speaks of a key, on schedules of every sort.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::key::{days_after, next_second};
use keyminder_keyage::notice::Context;
use keyminder_keyage::{AllClear, Exemption, Inactive, Key, KeyStatus, LastUsed, NoticeKind, Settings, User, notices};
use keyminder_testkit::keys::{self, ago, deployment, key, now, report, report_at, user};
use proptest::prelude::*;

/// The ages in whole days at which a daily, weekly or other schedule sends a notice about a key that is
/// made at `created`, over its first 130 days.
fn ages_mentioned(settings: &Settings, schedule: &str, created: Timestamp) -> Vec<u32> {
    let deployment = deployment(schedule);
    let key = Key { created, ..key("AKIA1", 0) };
    let mut ages = Vec::new();
    let mut run = deployment.schedule.next_after(created).unwrap();
    while run.duration_since(created) < SignedDuration::from_hours(24 * 130) {
        let report = report_at(run, settings, &[(user("alice"), key.clone())]);
        if !notices(&report, settings, &Context::scheduled(&deployment, run)).is_empty() {
            ages.push(key.age_days(run));
        }
        run = deployment.schedule.next_after(run).unwrap();
    }
    ages
}

fn created() -> Timestamp {
    "2026-01-01T13:14:15Z".parse().unwrap()
}

#[test]
fn by_default_an_old_key_is_mentioned_every_day() {
    assert_eq!(ages_mentioned(&Settings::default(), "cron(0 9 * * ? *)", created()), (90..130).collect::<Vec<_>>());
}

#[test]
fn reminders_repeat_from_the_day_it_turned_old() {
    let settings = Settings { repeat_days: 7, ..Settings::default() };
    assert_eq!(ages_mentioned(&settings, "cron(0 9 * * ? *)", created()), [90, 97, 104, 111, 118, 125]);
    assert_eq!(ages_mentioned(&settings, "cron(0 0/2 * * ? *)", created()), [90, 97, 104, 111, 118, 125]);
}

#[test]
fn each_warning_is_given_once_before_the_limit() {
    let settings = Settings { warn_days: vec![14, 7, 1], repeat_days: 30, ..Settings::default() };
    for schedule in ["cron(0 9 * * ? *)", "cron(0 0/6 * * ? *)"] {
        assert_eq!(ages_mentioned(&settings, schedule, created()), [76, 83, 89, 90, 120], "{schedule}");
    }
}

#[test]
fn a_weekly_schedule_misses_no_warning() {
    let settings = Settings { warn_days: vec![14, 7, 1], repeat_days: 30, ..Settings::default() };
    for start in 0..7 {
        let created = created() + SignedDuration::from_hours(24 * start);
        let ages = ages_mentioned(&settings, "cron(0 9 ? * MON *)", created);
        // Before the limit there is at least one mention, and after it the first within a week.
        assert!(ages.iter().any(|age| (76..90).contains(age)), "{ages:?}");
        assert!(ages.iter().any(|age| (90..98).contains(age)), "{ages:?}");
    }
}

#[test]
fn a_run_by_hand_speaks_of_everything() {
    let settings = Settings { repeat_days: 30, ..Settings::default() };
    let report = report(&settings, &[(user("alice"), key("AKIA1", 100))]);
    assert_eq!(notices(&report, &settings, &keys::by_hand()).len(), 1);
    let daily = Context::scheduled(&deployment("cron(0 9 * * ? *)"), now());
    assert_eq!(notices(&report, &settings, &daily).len(), 0);
}

#[test]
fn an_exempt_fresh_or_inactive_key_causes_no_notice() {
    let exemption = Exemption {
        user: "alice".to_owned(),
        access_key_id: None,
        until: "2027-03-31".parse().unwrap(),
        reason: "r".to_owned(),
        approved_by: None,
    };
    let settings = Settings { exemptions: vec![exemption], ..Settings::default() };
    let off = Key { status: KeyStatus::Inactive, ..key("AKIA3", 400) };
    let keys = [(user("alice"), key("AKIA1", 400)), (user("bob"), key("AKIA2", 4)), (user("carl"), off)];
    assert_eq!(notices(&report(&settings, &keys), &settings, &keys::by_hand()).len(), 0);
    let settings = Settings { inactive: Inactive::Report, ..settings };
    assert_eq!(notices(&report(&settings, &keys), &settings, &keys::by_hand()).len(), 1);
}

#[test]
fn root_keys_and_unread_users_are_mentioned_by_every_run() {
    let settings = Settings { repeat_days: 30, ..Settings::default() };
    let daily = Context::scheduled(&deployment("cron(0 9 * * ? *)"), now());
    for kind in NoticeKind::ALL {
        let settings = Settings { notice: *kind, ..settings.clone() };
        let mut root = report(&settings, &[]);
        root.root_access_keys = Some(1);
        assert_eq!(notices(&root, &settings, &daily).len(), 1, "{kind}");
        let mut unread = report(&settings, &[]);
        unread.complete = false;
        assert_eq!(notices(&unread, &settings, &daily).len(), 1, "{kind}");
    }
}

#[test]
fn an_all_clear_comes_always_or_weekly_and_never_over_an_old_key() {
    let daily = deployment("cron(0 9 * * ? *)");
    let run = |settings: &Settings, at: &str, keys: &[(User, Key)]| {
        let at = at.parse().unwrap();
        notices(&report_at(at, settings, keys), settings, &Context::scheduled(&daily, at)).len()
    };
    let settings = |all_clear| Settings { all_clear, repeat_days: 30, ..Settings::default() };
    let fresh = [(user("bob"), key("AKIA2", 4))];
    // 23 November 2026 is a Monday.
    for (all_clear, monday, tuesday) in [(AllClear::Off, 0, 0), (AllClear::Always, 1, 1), (AllClear::Weekly, 1, 0)] {
        assert_eq!(run(&settings(all_clear), "2026-11-23T09:00:00Z", &fresh), monday, "{all_clear}");
        assert_eq!(run(&settings(all_clear), "2026-11-24T09:00:00Z", &fresh), tuesday, "{all_clear}");
    }
    let old = [(user("alice"), key("AKIA1", 100))];
    assert_eq!(run(&settings(AllClear::Always), "2026-11-23T09:00:00Z", &old), 0);
}

#[test]
fn an_unused_key_is_mentioned_when_it_becomes_so_and_again() {
    let settings = Settings { unused_days: Some(30), repeat_days: 10, ..Settings::default() };
    let daily = deployment("cron(0 9 * * ? *)");
    let used = LastUsed::At { at: ago(60), service: None, region: None };
    let key = Key { last_used: used, ..key("AKIA1", 70) };
    let mentioned: Vec<i64> = (0..=60)
        .filter(|days| {
            let at = ago(60 - days);
            let report = report_at(at, &settings, &[(user("alice"), key.clone())]);
            !notices(&report, &settings, &Context::scheduled(&daily, at)).is_empty()
        })
        .collect();
    assert_eq!(mentioned, [31, 41, 51], "at 30 days exactly it is not unused yet");
}

#[test]
fn an_event_some_seconds_after_its_minute_is_the_run_of_that_minute() {
    let settings = Settings { repeat_days: 30, ..Settings::default() };
    let daily = deployment("cron(0 9 * * ? *)");
    let mentions = |at: Timestamp, created: Timestamp| {
        let key = Key { created, ..key("AKIA1", 0) };
        let report = report_at(at, &settings, &[(user("alice"), key)]);
        notices(&report, &settings, &Context::scheduled(&daily, at)).len()
    };
    let (late, next) = (now() + SignedDuration::from_secs(31), now() + SignedDuration::from_hours(24));
    let (this_night, within) = (ago(90) - SignedDuration::from_hours(5), ago(90) + SignedDuration::from_secs(15));
    assert_eq!((mentions(late, this_night), mentions(next, this_night)), (1, 0));
    assert_eq!((mentions(late, within), mentions(next, within)), (0, 1), "each boundary is mentioned once");
    // Not the time of a run: what the next run would say now.
    let noon = now() + SignedDuration::from_hours(3);
    assert_eq!(mentions(noon, ago(90) + SignedDuration::from_hours(1)), 1);
}

#[test]
fn a_key_whose_exemption_ended_is_mentioned_by_the_next_run() {
    let exemption = |until: &str| Exemption {
        user: "alice".to_owned(),
        access_key_id: None,
        until: until.parse().unwrap(),
        reason: "r".to_owned(),
        approved_by: None,
    };
    // Past its boundary of 21 November, and far from that of 21 December.
    let created = ago(93);
    let mentioned = |exemptions: Vec<Exemption>, warn_days: Vec<u32>| -> Vec<i64> {
        let settings = Settings { repeat_days: 30, exemptions, warn_days, ..Settings::default() };
        let daily = deployment("cron(0 9 * * ? *)");
        let run = |days: &i64| {
            let at = now() + SignedDuration::from_hours(24 * days);
            let report = report_at(at, &settings, &[(user("alice"), Key { created, ..key("AKIA1", 0) })]);
            !notices(&report, &settings, &Context::scheduled(&daily, at)).is_empty()
        };
        (0..20).filter(run).collect()
    };
    assert_eq!(mentioned(Vec::new(), Vec::new()), [] as [i64; 0]);
    // 27 November is the last day of it, and four days after the first run.
    assert_eq!(mentioned(vec![exemption("2026-11-27")], Vec::new()), [5]);
    let both = vec![exemption("2026-11-27"), exemption("2026-11-29")];
    assert_eq!(mentioned(both, Vec::new()), [7], "the last of them counts");
    let tag = ("keyminder:exempt".to_owned(), "until=2026-11-27 r".to_owned());
    let tagged = User { tags: Some(vec![tag]), ..user("alice") };
    let at = now() + SignedDuration::from_hours(24 * 5);
    let settings = Settings { repeat_days: 30, ..Settings::default() };
    let report = report_at(at, &settings, &[(tagged, Key { created, ..key("AKIA1", 0) })]);
    assert_eq!(notices(&report, &settings, &Context::scheduled(&deployment("cron(0 9 * * ? *)"), at)).len(), 1);
}

proptest! {
    /// However often it runs and whenever the key was made: each reminder of an old key falls to the first
    /// run at or after it, and no other run speaks. A rate, which drifts, may speak once more, never less.
    #[test]
    fn no_boundary_is_missed_or_mentioned_twice(
        seconds in 0..86_400_i64,
        repeat_days in 1..40_u32,
        schedule in proptest::sample::select(vec![
            "cron(0 9 * * ? *)", "cron(0 9 ? * MON-FRI *)", "cron(30 0/5 * * ? *)", "cron(0 0 1 * ? *)", "rate(7 hours)",
        ]),
    ) {
        let settings = Settings { repeat_days, ..Settings::default() };
        let created = created() + SignedDuration::from_secs(seconds);
        let key = Key { created, ..key("AKIA1", 0) };
        let deployment = deployment(schedule);
        let end = days_after(created, 200);
        let mut spoken = BTreeSet::new();
        let mut runs = BTreeSet::new();
        let mut run = created;
        while run < end {
            run = deployment.schedule.next_after(run).unwrap();
            runs.insert(run);
            let report = report_at(run, &settings, &[(user("alice"), key.clone())]);
            if !notices(&report, &settings, &Context::scheduled(&deployment, run)).is_empty() {
                spoken.insert(run);
            }
        }
        let due: BTreeSet<_> = (90..200)
            .step_by(repeat_days as usize)
            .filter_map(|age| runs.range(next_second(days_after(created, age))..).next().copied())
            .collect();
        if schedule.starts_with("rate") {
            prop_assert!(spoken.is_superset(&due));
        } else {
            prop_assert_eq!(spoken.difference(&due).filter(|run| **run < end).count(), 0);
            prop_assert!(spoken.is_superset(&due), "{:?} {:?}", due, spoken);
        }
    }
}
