//! Settings: as a configuration file, as a function's environment, and what is refused.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use keyminder_keyage::{
    AllClear, Deployment, Exemption, Format, Inactive, Limit, NoticeKind, NoticeSteps, Schedule, Settings,
};
use keyminder_testkit::keys::deployment;
use proptest::prelude::*;

fn problems(settings: &Settings) -> Vec<String> {
    settings.validate().err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_are_valid_and_those_of_the_procedure() {
    let settings = Settings::default();
    assert_eq!(problems(&settings), Vec::<String>::new());
    assert_eq!((settings.max_age_days, settings.repeat_days, settings.notice), (90, 1, NoticeKind::Digest));
    assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), settings);
}

#[test]
fn what_is_out_of_bounds_is_refused_with_what_to_do() {
    let exemption = || Exemption {
        user: "alice".to_owned(),
        access_key_id: None,
        until: Date::constant(2027, 3, 31),
        reason: "why".to_owned(),
        approved_by: None,
    };
    let limit = || Limit { user: Some("ci-*".to_owned()), max_age_days: 30, ..Limit::default() };
    let usual = Settings::default;
    for (settings, path, message) in [
        (
            Settings { max_age_days: 0, ..usual() },
            "max_age_days",
            "max_age_days is 0: use a whole number of days from 1 to 3650",
        ),
        (Settings { max_age_days: 3651, ..usual() }, "max_age_days", "from 1 to 3650"),
        (Settings { warn_days: vec![14, 90], ..usual() }, "warn_days[1]", "use less than 90"),
        (Settings { repeat_days: 0, ..usual() }, "repeat_days", "from 1 to 365"),
        (Settings { unused_days: Some(0), ..usual() }, "unused_days", "from 1 to 3650"),
        (Settings { owner_tag: String::new(), ..usual() }, "owner_tag", "key of a user tag"),
        (Settings { contact: Some("x".repeat(129)), ..usual() }, "contact", "128 characters"),
        (Settings { runbook_url: Some("https://".to_owned()), ..usual() }, "runbook_url", "https://wiki.example.com"),
        (
            Settings { exemptions: vec![Exemption { reason: " ".to_owned(), ..exemption() }], ..usual() },
            "exemptions[0].reason",
            "explain why",
        ),
        (
            Settings { exemptions: vec![Exemption { user: String::new(), ..exemption() }], ..usual() },
            "exemptions[0].user",
            "1 to 64 characters",
        ),
        (
            Settings {
                exemptions: vec![Exemption { access_key_id: Some("AKIA 1".to_owned()), ..exemption() }],
                ..usual()
            },
            "exemptions[0].access_key_id",
            "AKIAIOSFODNN7EXAMPLE",
        ),
        (
            Settings { limits: vec![Limit { path: Some("/a/".to_owned()), ..limit() }], ..usual() },
            "limits[0]",
            "has 2 of user, path and tag",
        ),
        (Settings { limits: vec![Limit { user: None, ..limit() }], ..usual() }, "limits[0]", "exactly one"),
        (Settings { limits: vec![Limit { max_age_days: 0, ..limit() }], ..usual() }, "limits[0].max_age_days", "is 0"),
        (
            Settings { limits: vec![Limit { user: None, path: Some("service".to_owned()), ..limit() }], ..usual() },
            "limits[0].path",
            "begins with a slash",
        ),
        (
            Settings { limits: vec![Limit { user: None, tag: Some("team".to_owned()), ..limit() }], ..usual() },
            "limits[0].tag",
            "use key=value",
        ),
        (
            Settings {
                limits: vec![Limit { user: None, tag: Some("team=a".to_owned()), ..limit() }],
                read_user_tags: false,
                ..usual()
            },
            "limits[0].tag",
            "read_user_tags = true",
        ),
    ] {
        let found = settings.validate().unwrap_err();
        assert!(
            found.iter().any(|problem| problem.path == path && problem.message.contains(message)),
            "{path}: {found:?}"
        );
    }
}

#[test]
fn a_file_is_read_and_what_it_misspells_is_refused() {
    let settings: Settings = serde_json::from_str(
        r#"{"max_age_days": 60, "warn_days": [14, 7, 1], "notice": "per-user", "inactive": "report",
            "exemptions": [{"user": "a", "until": "2027-03-31", "reason": "r"}],
            "limits": [{"path": "/service/", "max_age_days": 180}]}"#,
    )
    .unwrap();
    assert_eq!((settings.max_age_days, settings.notice), (60, NoticeKind::PerUser));
    for (text, message) in [
        (r#"{"max_age": 60}"#, "unknown field `max_age`"),
        (r#"{"max_age_days": -1}"#, "-1 is not a number of days"),
        (r#"{"notice": "weekly"}"#, "unknown variant `weekly`"),
        (r#"{"exemptions": [{"user": "a", "reason": "r"}]}"#, "missing field `until`"),
        (r#"{"exemptions": [{"user": "a", "until": "soon", "reason": "r"}]}"#, "\"soon\" is not a date"),
        (r#"{"exemptions": [{"user": "a", "until": "2027-03-31"}]}"#, "missing field `reason`"),
    ] {
        let error = serde_json::from_str::<Settings>(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

fn read(variables: &BTreeMap<String, String>, package: Option<&str>) -> Result<(Settings, Deployment), String> {
    Settings::from_environment(|name| variables.get(name).cloned(), package).map_err(|error| error.to_string())
}

#[test]
fn the_environment_holds_readable_variables_and_no_defaults() {
    let environment = Settings::default().to_environment(&deployment("rate(1 day)"));
    let names: Vec<&str> = environment.variables.keys().map(String::as_str).collect();
    assert_eq!(names, ["INSTALL", "MAX_AGE_DAYS", "SCHEDULE", "TOPIC_ARN"]);
    assert_eq!(environment.variables["MAX_AGE_DAYS"], "90");
    assert_eq!(environment.package, None);
    let warned = Settings { warn_days: vec![14, 7], unused_days: Some(45), ..Settings::default() };
    let environment = warned.to_environment(&deployment("rate(1 day)"));
    assert_eq!(environment.variables["WARN_DAYS"], "14,7");
    assert_eq!(environment.variables["UNUSED_DAYS"], "45");
}

#[test]
fn every_setting_has_the_variable_of_its_name_in_capitals() {
    let changed = Settings {
        max_age_days: 60,
        warn_days: vec![7],
        repeat_days: 7,
        unused_days: Some(45),
        unused_grace_days: 7,
        inactive: Inactive::Old,
        notice: NoticeKind::PerKey,
        notice_steps: NoticeSteps::Short,
        runbook_url: Some("https://wiki.example.com/keys".to_owned()),
        contact: Some("12345".to_owned()),
        format: Format::Chat,
        all_clear: AllClear::Always,
        exemptions: vec![Exemption {
            user: "a".to_owned(),
            access_key_id: None,
            until: Date::constant(2027, 3, 31),
            reason: "r".to_owned(),
            approved_by: None,
        }],
        limits: vec![Limit { user: Some("ci-*".to_owned()), max_age_days: 30, ..Limit::default() }],
        other_credentials: true,
        owner_tag: "team".to_owned(),
        read_user_tags: false,
    };
    let environment = changed.to_environment(&deployment("rate(1 day)"));
    for name in Settings::NAMES {
        let variable = name.to_ascii_uppercase();
        assert!(environment.variables.contains_key(&variable), "{variable} is not in {environment:?}");
        let mut without = environment.variables.clone();
        without.remove(&variable);
        assert_ne!(read(&without, None).unwrap().0, changed, "{variable} is not read");
    }
    assert_eq!(environment.variables.len(), Settings::NAMES.len() + 3, "and TOPIC_ARN, INSTALL and SCHEDULE");
    assert_eq!(read(&environment.variables, None).unwrap().0, changed);
}

#[test]
fn an_invalid_variable_is_named() {
    let good = Settings::default().to_environment(&deployment("rate(1 day)")).variables;
    for (name, value, message) in [
        ("MAX_AGE_DAYS", "ninety", "MAX_AGE_DAYS: \"ninety\" is not a whole number"),
        ("MAX_AGE_DAYS", "-1", "MAX_AGE_DAYS: "),
        ("MAX_AGE_DAYS", "", "MAX_AGE_DAYS: "),
        ("MAX_AGE_DAYS", "0", "MAX_AGE_DAYS: max_age_days is 0"),
        ("WARN_DAYS", "14;7", "WARN_DAYS: "),
        ("WARN_DAYS", "200", "WARN_DAYS: "),
        ("REPEAT_DAYS", "0", "REPEAT_DAYS: "),
        ("UNUSED_DAYS", "x", "UNUSED_DAYS: "),
        ("NOTICE", "daily", "NOTICE: \"daily\" is not one of digest, per-user, per-key"),
        ("INACTIVE", "maybe", "INACTIVE: "),
        ("FORMAT", "html", "FORMAT: "),
        ("ALL_CLEAR", "yes", "ALL_CLEAR: "),
        ("OTHER_CREDENTIALS", "1", "OTHER_CREDENTIALS: \"1\" is not true or false"),
        ("READ_USER_TAGS", "no", "READ_USER_TAGS: "),
        ("OWNER_TAG", "", "OWNER_TAG: "),
        ("NOTICE_STEPS", "long", "NOTICE_STEPS: \"long\" is not one of auto, full, short"),
        ("RUNBOOK_URL", "javascript:alert(1)", "RUNBOOK_URL: runbook_url is \"javascript:alert(1)\": use an address"),
        ("CONTACT", "two\nlines", "CONTACT: contact has characters that cannot be shown"),
        ("SCHEDULE", "rate(1 days)", "SCHEDULE: rate(1 days): 1 takes the singular"),
        ("TOPIC_ARN", "my-topic", "TOPIC_ARN: \"my-topic\" is not the ARN of an SNS topic"),
        ("EXEMPTIONS", "[{}]", "EXEMPTIONS: "),
        ("LIMITS", "oops", "LIMITS: "),
        ("LISTS", "settings.json", "LISTS: settings.json is not in the function's package"),
        ("LISTS", "s3://bucket", "LISTS: "),
    ] {
        let mut variables = good.clone();
        variables.insert(name.to_owned(), value.to_owned());
        let error = read(&variables, None).unwrap_err();
        assert!(error.starts_with(message), "{name}={value}: {error}");
    }
    let mut variables = good;
    variables.remove("TOPIC_ARN");
    assert_eq!(read(&variables, None).unwrap_err(), "TOPIC_ARN: it is not set");
}

#[test]
fn lists_that_outgrow_the_environment_go_into_the_package() {
    let exemption = |number: usize| Exemption {
        user: format!("user-{number}"),
        access_key_id: None,
        until: Date::constant(2027, 3, 31),
        reason: "being moved to a role, see the ticket".to_owned(),
        approved_by: None,
    };
    let settings = Settings { exemptions: (0..200).map(exemption).collect(), ..Settings::default() };
    let environment = settings.to_environment(&deployment("rate(1 day)"));
    assert!(environment.variables.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() < 3_072);
    let package = environment.package.unwrap();
    assert_eq!(read(&environment.variables, Some(&package)).unwrap().0, settings);
    let error = read(&environment.variables, Some("{\"exemption\": []}")).unwrap_err();
    assert!(error.starts_with("settings.json: "), "{error}");
}

fn word() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~äß漢\"\\\\]{1,40}").unwrap().prop_filter("not blank", |s| !s.trim().is_empty())
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(values)
}

prop_compose! {
    fn exemption()(
        user in word(),
        id in proptest::option::of("[A-Z0-9]{16,20}"),
        days in 0..20_000_i32,
        reason in word(),
    ) -> Exemption {
        let until = Date::constant(1990, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        Exemption { user, access_key_id: id, until, reason, approved_by: None }
    }
}

prop_compose! {
    fn limit()(kind in 0..3, text in word(), max_age_days in 61..3650_u32) -> Limit {
        let mut limit = Limit { max_age_days, ..Limit::default() };
        match kind {
            0 => limit.user = Some(text),
            1 => limit.path = Some(format!("/{text}")),
            _ => limit.tag = Some(format!("k={text}")),
        }
        limit
    }
}

prop_compose! {
    fn settings()(
        (max_age_days, warn_days) in (61..3650_u32, proptest::collection::vec(0..60_u32, 0..5)),
        (repeat_days, unused_days, unused_grace_days) in
            (1..365_u32, proptest::option::of(1..3650_u32), 0..3650_u32),
        (inactive, notice) in (one_of(Inactive::ALL), one_of(NoticeKind::ALL)),
        (format, all_clear) in (one_of(Format::ALL), one_of(AllClear::ALL)),
        (notice_steps, contact) in (one_of(NoticeSteps::ALL), proptest::option::of(word())),
        runbook_url in proptest::option::of("https://[a-z0-9./?=-]{1,30}"),
        exemptions in proptest::collection::vec(exemption(), 0..40),
        limits in proptest::collection::vec(limit(), 0..10),
        (other_credentials, owner_tag) in (any::<bool>(), word()),
    ) -> Settings {
        Settings {
            max_age_days, warn_days, repeat_days, unused_days, unused_grace_days, inactive, notice, format,
            all_clear, notice_steps, contact, runbook_url, exemptions, limits, other_credentials, owner_tag,
            read_user_tags: true,
        }
    }
}

proptest! {
    #[test]
    fn settings_survive_the_way_through_the_environment(
        settings in settings(),
        schedule in prop_oneof![Just("rate(1 day)"), Just("cron(0 9 ? * MON-FRI *)")],
        install in "[a-z-]{1,20}",
    ) {
        prop_assert_eq!(settings.validate(), Ok(()));
        let deployment = Deployment {
            install,
            schedule: Schedule::parse(schedule).unwrap(),
            ..deployment("rate(1 day)")
        };
        let environment = settings.to_environment(&deployment);
        let size: usize = environment.variables.iter().map(|(k, v)| k.len() + v.len()).sum();
        prop_assert!(size <= 3_072, "{} bytes", size);
        let (read_settings, read_deployment) =
            read(&environment.variables, environment.package.as_deref()).unwrap();
        prop_assert_eq!(&read_settings, &settings);
        prop_assert_eq!(read_deployment, deployment);
        let file = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(serde_json::from_str::<Settings>(&file).unwrap(), settings);
    }
}
