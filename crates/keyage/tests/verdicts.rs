//! When a key is old, due, fresh, exempt, inactive or unused.

#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use keyminder_keyage::verdict::{assess, deserves_a_closer_look};
use keyminder_keyage::{
    Exemption, ExemptionState, Finding, Inactive, Key, KeyStatus, LastUsed, Limit, Settings, User, Verdict,
};
use keyminder_testkit::keys::{ago, key, now, user};

fn verdict(key: &Key, settings: &Settings) -> Verdict {
    assess(key, &user("alice"), settings, now()).verdict
}

fn aged(seconds: i64) -> Key {
    Key { created: now() - SignedDuration::from_secs(seconds), ..key("AKIA1", 0) }
}

const DAY: i64 = 86_400;

#[test]
fn a_key_is_old_from_the_second_after_it_reaches_its_limit() {
    let settings = Settings::default();
    for (seconds, age, words, expected) in [
        (0, 0, "0 days", Verdict::Fresh),
        (90 * DAY - 1, 89, "89 days", Verdict::Fresh),
        (90 * DAY, 90, "90 days", Verdict::Fresh),
        (90 * DAY + 1, 90, "90 days and 1 second", Verdict::Old),
        (90 * DAY + 119, 90, "90 days and 1 minute", Verdict::Old),
        (90 * DAY + DAY / 2, 90, "90 days and 12 hours", Verdict::Old),
        (91 * DAY - 1, 90, "90 days and 23 hours", Verdict::Old),
        (91 * DAY, 91, "91 days", Verdict::Old),
        (5000 * DAY, 5000, "5000 days", Verdict::Old),
        (-1, 0, "0 days", Verdict::Fresh),
        (-400 * DAY, 0, "0 days", Verdict::Fresh),
    ] {
        let key = aged(seconds);
        let assessment = assess(&key, &user("alice"), &settings, now());
        assert_eq!((assessment.verdict, assessment.age_days), (expected, age), "{seconds} s");
        assert_eq!(assessment.over_by_seconds, u64::try_from(seconds - 90 * DAY).unwrap_or(0), "{seconds} s");
        assert_eq!(now() > assessment.due_at, expected == Verdict::Old, "{seconds} s");
        assert_eq!(now() >= assessment.turns_old, expected == Verdict::Old, "{seconds} s");
        let finding = Finding::new(key, &user("alice"), &assessment, &settings);
        assert_eq!(finding.age_in_words(), words, "{seconds} s");
    }
}

#[test]
fn a_limit_of_one_user_is_as_exact_as_the_general_one() {
    let strict = Limit { user: Some("alice".to_owned()), max_age_days: 30, ..Limit::default() };
    let settings = Settings { limits: vec![strict], ..Settings::default() };
    for (seconds, expected) in [(30 * DAY, Verdict::Fresh), (30 * DAY + 1, Verdict::Old)] {
        assert_eq!(verdict(&aged(seconds), &settings), expected, "{seconds} s");
        assert_eq!(deserves_a_closer_look(&aged(seconds), &settings, now()), expected == Verdict::Old, "{seconds} s");
    }
}

#[test]
fn a_key_is_due_from_the_very_second_of_the_first_warning() {
    let settings = Settings { warn_days: vec![14], ..Settings::default() };
    for (seconds, expected) in [
        (76 * DAY - 1, Verdict::Fresh),
        (76 * DAY, Verdict::Due),
        (90 * DAY, Verdict::Due),
        (90 * DAY + 1, Verdict::Old),
    ] {
        assert_eq!(verdict(&aged(seconds), &settings), expected, "{seconds} s");
        assert_eq!(deserves_a_closer_look(&aged(seconds), &settings, now()), expected != Verdict::Fresh, "{seconds} s");
    }
}

#[test]
fn a_key_is_unused_from_the_second_after_the_days_that_are_allowed() {
    let settings = Settings { unused_days: Some(45), unused_grace_days: 60, ..Settings::default() };
    let used = |seconds| LastUsed::At { at: now() - SignedDuration::from_secs(seconds), service: None, region: None };
    for (age, last_used, unused) in [
        (80 * DAY, used(45 * DAY), false),
        (80 * DAY, used(45 * DAY + 1), true),
        (60 * DAY, LastUsed::Never, false),
        (60 * DAY + 1, LastUsed::Never, true),
    ] {
        let key = Key { last_used: last_used.clone(), ..aged(age) };
        let found = assess(&key, &user("alice"), &settings, now());
        assert_eq!(found.unused_since.is_some(), unused, "{age} s, {last_used:?}");
    }
}

#[test]
fn a_key_is_due_from_the_first_warning_on() {
    let settings = Settings { warn_days: vec![7, 14, 1], ..Settings::default() };
    for (age, expected) in
        [(75, Verdict::Fresh), (76, Verdict::Due), (89, Verdict::Due), (90, Verdict::Due), (91, Verdict::Old)]
    {
        assert_eq!(verdict(&key("AKIA1", age), &settings), expected, "{age} days");
    }
    assert_eq!(verdict(&key("AKIA1", 90), &Settings::default()), Verdict::Fresh, "no warnings, nothing is due");
}

#[test]
fn an_inactive_key_is_old_only_where_asked_for() {
    let off = Key { status: KeyStatus::Inactive, ..key("AKIA1", 400) };
    for (inactive, expected) in
        [(Inactive::Ignore, Verdict::Inactive), (Inactive::Report, Verdict::Inactive), (Inactive::Old, Verdict::Old)]
    {
        assert_eq!(verdict(&off, &Settings { inactive, ..Settings::default() }), expected);
    }
    let young = Key { status: KeyStatus::Inactive, ..key("AKIA1", 4) };
    assert_eq!(verdict(&young, &Settings { inactive: Inactive::Old, ..Settings::default() }), Verdict::Fresh);
}

#[test]
fn the_first_limit_that_matches_a_user_counts() {
    let limit = |user: Option<&str>, path: Option<&str>, tag: Option<&str>, max_age_days| Limit {
        user: user.map(str::to_owned),
        path: path.map(str::to_owned),
        tag: tag.map(str::to_owned),
        max_age_days,
    };
    let settings = Settings {
        limits: vec![
            limit(Some("ci-*"), None, None, 30),
            limit(None, Some("/service/"), None, 180),
            limit(None, None, Some("team=data*"), 60),
        ],
        ..Settings::default()
    };
    let with = |name: &str, path: &str, tags: Option<Vec<(&str, &str)>>| User {
        name: name.to_owned(),
        path: path.to_owned(),
        tags: tags.map(|tags| tags.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
        password_last_used: None,
    };
    for (user, expected) in [
        (with("ci-build", "/service/", None), 30),
        (with("build", "/service/eu/", None), 180),
        (with("build", "/services/", None), 90),
        (with("ann", "/", Some(vec![("Team", "data-eu")])), 60),
        (with("ann", "/", Some(vec![("team", "ops")])), 90),
        (with("ann", "/", None), 90),
    ] {
        assert_eq!(settings.limit_for(&user), expected, "{user:?}");
    }
    assert_eq!(settings.smallest_limit(), 30);
}

fn exemption(user: &str, key: Option<&str>, until: &str) -> Exemption {
    Exemption {
        user: user.to_owned(),
        access_key_id: key.map(str::to_owned),
        until: until.parse().unwrap(),
        reason: "moving to a role".to_owned(),
        approved_by: None,
    }
}

#[test]
fn an_exemption_holds_through_its_last_day_and_only_for_what_it_names() {
    for (exemption, expected) in [
        (exemption("alice", None, "2026-11-23"), Verdict::Exempt),
        (exemption("alice", None, "2026-11-22"), Verdict::Old),
        (exemption("a*", None, "2027-01-01"), Verdict::Exempt),
        (exemption("bob", None, "2027-01-01"), Verdict::Old),
        (exemption("alice", Some("AKIA1"), "2027-01-01"), Verdict::Exempt),
        (exemption("alice", Some("AKIA2"), "2027-01-01"), Verdict::Old),
    ] {
        let settings = Settings { exemptions: vec![exemption.clone()], ..Settings::default() };
        assert_eq!(verdict(&key("AKIA1", 400), &settings), expected, "{exemption:?}");
        assert_eq!(verdict(&key("AKIA1", 4), &settings), Verdict::Fresh, "a fresh key needs no exemption");
    }
}

#[test]
fn an_expired_exemption_is_told_and_one_that_holds_comes_first() {
    let mut settings = Settings { exemptions: vec![exemption("alice", None, "2026-01-01")], ..Settings::default() };
    let found = assess(&key("AKIA1", 400), &user("alice"), &settings, now()).exemption.unwrap();
    assert_eq!(found.1, ExemptionState::Expired);
    settings.exemptions.push(exemption("*", None, "2027-01-01"));
    assert_eq!(verdict(&key("AKIA1", 400), &settings), Verdict::Exempt);
}

#[test]
fn a_tag_on_the_user_exempts_its_keys() {
    for (value, expected) in [
        ("until=2027-03-31 vendor is migrating", Verdict::Exempt),
        ("until=2027-03-31; vendor is migrating", Verdict::Exempt),
        ("until=2027-03-31 / reason=vendor", Verdict::Exempt),
        ("until=2026-11-22 vendor is migrating", Verdict::Old),
        ("until=2027-03-31", Verdict::Old),
        ("until=2027-03-31 ;  ", Verdict::Old),
        ("until=2027-02-30 vendor", Verdict::Old),
        ("2027-03-31 vendor", Verdict::Old),
        ("forever", Verdict::Old),
        ("", Verdict::Old),
    ] {
        let user = User { tags: Some(vec![("keyminder:exempt".to_owned(), value.to_owned())]), ..user("alice") };
        let found = assess(&key("AKIA1", 400), &user, &Settings::default(), now());
        assert_eq!(found.verdict, expected, "{value:?}");
    }
    let read = Exemption::from_tag("alice", "until=2027-03-31; vendor is migrating").unwrap();
    assert_eq!((read.until.to_string().as_str(), read.reason.as_str()), ("2027-03-31", "vendor is migrating"));
}

#[test]
fn a_key_is_unused_by_its_last_use_and_never_because_of_an_error() {
    let settings = Settings { unused_days: Some(45), ..Settings::default() };
    let used = |days| LastUsed::At { at: ago(days), service: None, region: None };
    for (age, last_used, unused) in [
        (60, used(46), true),
        (60, used(45), false),
        (60, used(1), false),
        (46, LastUsed::Never, true),
        (45, LastUsed::Never, false),
        (400, LastUsed::Unknown, false),
        (400, LastUsed::NotRead, false),
    ] {
        let key = Key { last_used: last_used.clone(), ..key("AKIA1", age) };
        let found = assess(&key, &user("alice"), &settings, now());
        assert_eq!(found.unused_since.is_some(), unused, "{age} days, {last_used:?}");
    }
    let off = Key { status: KeyStatus::Inactive, last_used: LastUsed::Never, ..key("AKIA1", 400) };
    assert_eq!(assess(&off, &user("alice"), &settings, now()).unused_since, None);
}

#[test]
fn a_new_key_that_was_never_used_has_a_period_of_grace() {
    let settings = Settings { unused_days: Some(7), unused_grace_days: 30, ..Settings::default() };
    for (age, unused) in [(8, false), (30, false), (31, true)] {
        let key = Key { last_used: LastUsed::Never, ..key("AKIA1", age) };
        assert_eq!(assess(&key, &user("alice"), &settings, now()).unused_since.is_some(), unused, "{age} days");
    }
}

#[test]
fn a_misspelt_exemption_tag_excuses_nothing_and_the_finding_says_so() {
    let tag = ("keyminder:exempt".to_owned(), "until march, please".to_owned());
    let user = User { tags: Some(vec![tag]), ..user("alice") };
    let settings = Settings::default();
    let key = key("AKIA1", 400);
    let assessment = assess(&key, &user, &settings, now());
    let finding = Finding::new(key, &user, &assessment, &settings);
    assert_eq!(finding.verdict, Verdict::Old);
    assert!(finding.reason.unwrap().starts_with("tag keyminder:exempt has no effect: it does not begin with until="));
}
