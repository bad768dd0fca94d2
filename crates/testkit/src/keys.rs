//! A small account to try things on.

use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::notice::Context;
use keyminder_keyage::verdict::assess;
use keyminder_keyage::{
    CredentialKind, Deployment, Finding, Key, KeyStatus, LastUsed, Owners, Report, Schedule, Settings, User,
};

/// The time of every test.
pub fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

/// That many days before [`now`].
pub fn ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// A user without tags.
pub fn user(name: &str) -> User {
    User { name: name.to_owned(), path: "/".to_owned(), tags: Some(Vec::new()), password_last_used: None }
}

/// An active access key of that age, used two days ago.
pub fn key(id: &str, age_days: i64) -> Key {
    Key {
        id: id.to_owned(),
        kind: CredentialKind::AccessKey,
        status: KeyStatus::Active,
        created: ago(age_days),
        last_used: LastUsed::At { at: ago(2), service: Some("s3".to_owned()), region: Some("eu-west-1".to_owned()) },
    }
}

/// An installation with this schedule.
pub fn deployment(schedule: &str) -> Deployment {
    Deployment {
        topic_arn: "arn:aws:sns:eu-west-1:123456789012:IAM-Access-Key-Rotation-Topic".to_owned(),
        install: "default".to_owned(),
        schedule: Schedule::parse(schedule).unwrap(),
        owners: Owners::default(),
    }
}

/// The context of a check that a person started.
pub fn by_hand() -> Context {
    Context::by_hand(&deployment("rate(1 day)"), now())
}

/// A report on these users' keys as of `at`.
pub fn report_at(at: Timestamp, settings: &Settings, keys: &[(User, Key)]) -> Report {
    let mut report = Report::new("123456789012".to_owned(), at, settings);
    report.root_access_keys = Some(0);
    for (user, key) in keys {
        let assessment = assess(key, user, settings, at);
        report.exempt(&assessment, &user.name, &key.id);
        report.add(Finding::new(key.clone(), user, &assessment, settings), false);
        report.summary.users += 1;
        report.summary.users_read += 1;
    }
    report.sort();
    report
}

/// A report on these users' keys as of [`now`].
pub fn report(settings: &Settings, keys: &[(User, Key)]) -> Report {
    report_at(now(), settings, keys)
}
