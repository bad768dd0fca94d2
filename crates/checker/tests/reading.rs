//! Reading an account: everything, nothing twice, and no error taken for a good sign.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use keyminder_checker::{ACTIONS, Check, OTHER_CREDENTIALS_ACTIONS, Scope};
use keyminder_keyage::{CredentialKind, Exemption, Inactive, LastUsed, Limit, Settings, Verdict};
use keyminder_sandbox::world::{AccessKey, Credential};
use keyminder_sandbox::{Fault, FaultKind};
use keyminder_testkit::checker::{ACCOUNT, add_user, add_users, ago, calls_of, iam, key, now, read, read_all, sandbox};
use tokio::time::Instant;

#[tokio::test]
async fn every_page_of_users_is_read() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 50, 10);
    add_user(&sandbox, "z-last", &[], vec![key("AKIAIOSFODNN7LAST000", 91)]);
    let report = read(&sandbox, Settings::default()).await;
    assert!(calls_of(&sandbox, "ListUsers") > 1);
    assert_eq!((report.summary.users, report.summary.users_read, report.summary.keys), (51, 51, 51));
    assert_eq!((report.summary.old, report.summary.fresh), (1, 50));
    assert!(report.complete && report.errors.is_empty());
    let users: Vec<&str> = report.keys.iter().map(|finding| finding.user.as_str()).collect();
    assert_eq!(users, ["z-last"], "fresh keys are counted, not kept");
    assert_eq!(read_all(&sandbox, Settings::default()).await.keys.len(), 51);
}

#[tokio::test]
async fn an_empty_account_is_clean() {
    let sandbox = sandbox().await;
    let report = read(&sandbox, Settings::default()).await;
    assert!(report.complete);
    assert_eq!((report.summary.users, report.root_access_keys), (0, Some(0)));
}

#[tokio::test]
async fn last_use_and_tags_are_asked_only_where_they_matter() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 20, 10);
    let off = AccessKey { active: false, ..key("AKIAIOSFODNN7OFF0000", 400) };
    add_user(&sandbox, "zoe", &[("Owner", "the owner")], vec![key("AKIAIOSFODNN7ZOE0000", 100), off]);
    let report = read(&sandbox, Settings::default()).await;
    assert_eq!((calls_of(&sandbox, "GetAccessKeyLastUsed"), calls_of(&sandbox, "ListUserTags")), (1, 1));
    let zoe = &report.keys[0];
    assert_eq!((zoe.owner.as_deref(), zoe.last_used_service.as_deref()), (Some("the owner"), Some("s3")));
    assert_eq!(
        zoe.last_used,
        LastUsed::At { at: ago(1), service: Some("s3".into()), region: Some("eu-west-1".into()) }
    );
    assert_eq!(report.summary.inactive, 1);

    sandbox.forget_calls();
    let silent = Settings { read_user_tags: false, ..Settings::default() };
    assert_eq!(read(&sandbox, silent).await.keys[0].owner, None);
    assert_eq!(calls_of(&sandbox, "ListUserTags"), 0);

    sandbox.forget_calls();
    let by_tag = Limit { tag: Some("team=*".to_owned()), max_age_days: 30, ..Limit::default() };
    read(&sandbox, Settings { limits: vec![by_tag], ..Settings::default() }).await;
    assert_eq!(calls_of(&sandbox, "ListUserTags"), 21, "a limit by tag needs the tags of all");
}

#[tokio::test]
async fn a_check_makes_only_the_calls_it_says_and_changes_nothing() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let settings = Settings { unused_days: Some(45), other_credentials: true, ..Settings::default() };
    read(&sandbox, settings).await;
    for call in sandbox.calls() {
        assert!(!call.write, "{}", call.operation);
        for action in &call.actions {
            assert!(
                ACTIONS.contains(&action.as_str()) || OTHER_CREDENTIALS_ACTIONS.contains(&action.as_str()),
                "{action}"
            );
        }
    }
}

#[tokio::test]
async fn the_settings_decide_the_verdicts() {
    let sandbox = sandbox().await;
    let off = AccessKey { active: false, ..key("AKIAIOSFODNN7OFF0000", 400) };
    let never = AccessKey { last_used: None, ..key("AKIAIOSFODNN7NEVER00", 60) };
    add_user(
        &sandbox,
        "ann",
        &[("keyminder:exempt", "until=2027-03-31 by tag")],
        vec![key("AKIAIOSFODNN7ANN0000", 100)],
    );
    add_user(&sandbox, "ben", &[], vec![off]);
    add_user(&sandbox, "cat", &[], vec![never]);
    add_user(&sandbox, "dan", &[("team", "data")], vec![key("AKIAIOSFODNN7DAN0000", 40)]);
    add_user(&sandbox, "eva", &[], vec![key("AKIAIOSFODNN7EVA0000", 80)]);
    add_user(&sandbox, "fay", &[], vec![key("AKIAIOSFODNN7FAY0000", 100)]);
    let settings = Settings {
        warn_days: vec![14],
        unused_days: Some(45),
        inactive: Inactive::Old,
        limits: vec![Limit { tag: Some("team=data".to_owned()), max_age_days: 30, ..Limit::default() }],
        exemptions: vec![Exemption {
            user: "fay".to_owned(),
            access_key_id: None,
            until: "2027-01-01".parse().unwrap(),
            reason: "by configuration".to_owned(),
            approved_by: None,
        }],
        ..Settings::default()
    };
    let report = read(&sandbox, settings).await;
    let verdict = |user: &str| report.keys.iter().find(|finding| finding.user == user).unwrap().verdict;
    assert_eq!(
        ["ann", "ben", "cat", "dan", "eva", "fay"].map(verdict),
        [Verdict::Exempt, Verdict::Old, Verdict::Fresh, Verdict::Old, Verdict::Due, Verdict::Exempt]
    );
    assert_eq!(report.summary.unused, 1);
    let met: Vec<_> = report.exemptions.iter().map(|known| (known.source, known.keys.len())).collect();
    assert_eq!(met.len(), 2, "{met:?}");
}

#[tokio::test]
async fn other_credentials_are_read_where_asked_for() {
    let sandbox = sandbox().await;
    add_user(&sandbox, "ann", &[], Vec::new());
    let credential = |id: &str| Credential {
        id: id.to_owned(),
        active: true,
        created: ago(100),
        service: "codecommit.amazonaws.com".to_owned(),
    };
    sandbox.edit(|world| {
        let ann = world.iam.users.get_mut("ann").unwrap();
        ann.ssh_public_keys.push(credential("APKAEXAMPLE"));
        ann.signing_certificates.push(credential("CERTEXAMPLE"));
        ann.service_specific_credentials.push(credential("ACCAEXAMPLE"));
    });
    assert_eq!(read(&sandbox, Settings::default()).await.summary.old, 0);
    let report = read(&sandbox, Settings { other_credentials: true, ..Settings::default() }).await;
    let mut kinds: Vec<_> = report.keys.iter().map(|finding| finding.kind.noun()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["SSH public key", "service-specific credential", "signing certificate"]);
    assert_eq!(report.summary.old, 3);
    assert!(report.keys.iter().all(|finding| finding.kind != CredentialKind::AccessKey));
}

#[tokio::test]
async fn root_access_keys_are_seen() {
    let sandbox = sandbox().await;
    sandbox.edit(|world| world.iam.root_access_keys = 1);
    assert_eq!(read(&sandbox, Settings::default()).await.root_access_keys, Some(1));
    sandbox.inject(Fault::new("iam:GetAccountSummary", FaultKind::AccessDenied).always());
    let report = read(&sandbox, Settings::default()).await;
    assert_eq!((report.root_access_keys, report.complete), (None, false));
}

#[tokio::test]
async fn a_user_deleted_while_the_check_runs_is_no_error() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 5, 100);
    let check = Check::new(&iam(&sandbox), Settings::default(), ACCOUNT).with_concurrency(1);
    let report = check
        .read(now(), None, |progress| {
            if progress.users_read == 2 {
                sandbox.edit(|world| world.iam.users.remove("u004"));
            }
        })
        .await;
    assert!(report.complete, "{:?}", report.errors);
    assert_eq!((report.summary.users, report.summary.users_gone, report.summary.old), (4, 1, 4));
}

#[tokio::test]
async fn a_user_that_may_not_be_read_is_unknown_and_the_others_are_read() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 5, 100);
    sandbox
        .enforce(
            r#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "iam:ListAccessKeys", "Resource": "arn:aws:iam::123456789012:user/u002"}
            ]}"#,
        )
        .unwrap();
    let report = read(&sandbox, Settings::default()).await;
    assert!(!report.complete);
    assert_eq!((report.summary.old, report.summary.unknown, report.summary.users_unknown), (4, 1, 1));
    let unknown = report.keys.iter().find(|finding| finding.verdict == Verdict::Unknown).unwrap();
    assert_eq!((unknown.user.as_str(), &unknown.access_key_id), ("u002", &None));
    assert!(unknown.reason.as_ref().unwrap().starts_with("iam:ListAccessKeys: AccessDenied"), "{:?}", unknown.reason);
    assert_eq!(report.errors[0].user.as_deref(), Some("u002"));
}

#[tokio::test]
async fn what_could_not_be_read_is_neither_unused_nor_fresh() {
    let sandbox = sandbox().await;
    add_user(
        &sandbox,
        "ann",
        &[("team", "data")],
        vec![AccessKey { last_used: None, ..key("AKIAIOSFODNN7ANN0000", 60) }],
    );
    let settings = Settings { unused_days: Some(45), ..Settings::default() };
    sandbox.inject(Fault::new("iam:GetAccessKeyLastUsed", FaultKind::AccessDenied).always());
    let report = read_all(&sandbox, settings).await;
    assert_eq!((report.keys[0].last_used.clone(), report.summary.unused), (LastUsed::Unknown, 0));
    assert!(!report.complete);

    sandbox.clear_faults();
    sandbox.inject(Fault::new("iam:ListUserTags", FaultKind::AccessDenied).always());
    let by_tag = Limit { tag: Some("team=data".to_owned()), max_age_days: 30, ..Limit::default() };
    let report = read(&sandbox, Settings { limits: vec![by_tag], ..Settings::default() }).await;
    assert_eq!(report.keys[0].verdict, Verdict::Unknown, "a stricter limit might hold");
    assert!(!report.complete);
}

#[tokio::test]
async fn a_list_of_users_that_breaks_off_says_how_many_are_unknown() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 20, 100);
    sandbox.inject(Fault::new("iam:ListUsers", FaultKind::AccessDenied).after(1));
    let report = read(&sandbox, Settings::default()).await;
    assert!(!report.complete);
    assert_eq!((report.summary.users, report.summary.users_read, report.summary.users_unknown), (20, 7, 13));
    assert!(report.errors[0].message.contains("7 of 20 users read; the rest is unknown"), "{:?}", report.errors);
}

#[tokio::test]
async fn faults_that_pass_are_lived_through() {
    for kind in [FaultKind::ServerError, FaultKind::DropConnection, FaultKind::LoseAnswer, FaultKind::Throttle] {
        for operation in ["ListUsers", "ListAccessKeys", "GetAccessKeyLastUsed", "ListUserTags", "GetAccountSummary"] {
            let sandbox = sandbox().await;
            add_users(&sandbox, 5, 100);
            sandbox.inject(Fault::new(format!("iam:{operation}"), kind).once());
            let report = read(&sandbox, Settings::default()).await;
            assert!(report.complete, "{kind:?} in {operation}: {:?}", report.errors);
            assert_eq!(report.summary.old, 5);
        }
    }
}

#[tokio::test]
async fn faults_that_stay_are_told() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 2, 100);
    sandbox.inject(Fault::new("iam:ListAccessKeys", FaultKind::ServerError).always());
    let report = read(&sandbox, Settings::default()).await;
    assert_eq!((report.complete, report.summary.users_unknown, report.summary.unknown), (false, 2, 2));
    sandbox.clear_faults();
    sandbox.inject(Fault::new("iam:*", FaultKind::ExpiredToken).always());
    let report = read(&sandbox, Settings::default()).await;
    assert!(report.errors.iter().any(|error| error.code == "ExpiredToken"), "{:?}", report.errors);
    assert_eq!(report.summary.users_read, 0);
}

#[tokio::test]
async fn at_the_deadline_it_stops_and_says_how_far_it_got() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 60, 100);
    sandbox.latency(Duration::from_millis(20));
    let check = Check::new(&iam(&sandbox), Settings::default(), ACCOUNT).with_concurrency(2);
    let started = Instant::now();
    let report = check.read(now(), Some(started + Duration::from_millis(600)), |_| {}).await;
    assert!(started.elapsed() < Duration::from_millis(900));
    assert!(report.stopped_early && !report.complete);
    assert!(report.summary.users_read > 0 && report.summary.users_read < 60);
    assert_eq!(report.summary.users, 60);
    let told = format!("{} of 60 users read; the rest is unknown", report.summary.users_read);
    assert_eq!(report.errors[0].message, told);
    assert_eq!(report.summary.users_unknown, 60 - report.summary.users_read);
}

#[tokio::test]
async fn a_throttled_account_is_read_at_the_rate_it_allows() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 400, 10);
    sandbox.rate_limit(100.0);
    let started = Instant::now();
    let report = read(&sandbox, Settings::default()).await;
    let elapsed = started.elapsed().as_secs_f64();
    assert!(report.complete, "{:?}", report.errors);
    assert_eq!(report.summary.users_read, 400);
    // 460 calls, of which a second's worth goes through at once: 3.6 s.
    assert!(elapsed < 3.6 * 1.25, "{elapsed} s");
}

#[tokio::test]
async fn one_user_can_be_looked_at_alone() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 20, 100);
    let scope = Scope { user: Some("u00?".to_owned()), ..Scope::default() };
    let report =
        Check::new(&iam(&sandbox), Settings::default(), ACCOUNT).with_scope(scope).read(now(), None, |_| {}).await;
    assert_eq!((report.summary.users, report.summary.old, calls_of(&sandbox, "ListAccessKeys")), (10, 10, 10));
    assert!(report.complete);
}
