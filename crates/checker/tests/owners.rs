//! The function's emails to the owners of keys, against the emulated SES.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use keyminder_checker::{Event, FinishedRun};
use keyminder_keyage::{Fallback, NoticeKind, Owners, Settings};
use keyminder_sandbox::world::{AlternateContact, EmailIdentity};
use keyminder_sandbox::{Fault, FaultKind, MailKind, Sandbox};
use keyminder_testkit::checker::{add_user, calls_of, function_for, key, now, sandbox};
use serde_json::json;

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

fn owners() -> Owners {
    let (from, domains) = (Some("keys@example.com".to_owned()), vec!["example.com".to_owned()]);
    Owners { from, domains, ..Owners::default() }
}

/// A sandbox in which example.com is verified, out of SES's sandbox unless `production` is false.
async fn ses(production: bool) -> Sandbox {
    let sandbox = sandbox().await;
    sandbox.edit(|world| {
        let ses = &mut world.region("eu-west-1").ses;
        ses.production = production;
        ses.identities.insert("example.com".into(), EmailIdentity { verified: true, configuration_set: None });
    });
    sandbox
}

fn owned(sandbox: &Sandbox, name: &str, owner: &str, key_id: &str, age_days: i64) {
    add_user(sandbox, name, &[("owner", owner)], vec![key(key_id, age_days)]);
}

fn digest(sandbox: &Sandbox) -> String {
    let outbox = sandbox.outbox();
    let digest = outbox.iter().find(|mail| mail.kind == MailKind::Notification);
    digest.map(|mail| mail.body.replace('\n', " ")).unwrap_or_default()
}

async fn run(sandbox: &Sandbox, settings: Settings, owners: Owners, event: &serde_json::Value) -> FinishedRun {
    let function = function_for(sandbox, settings, "rate(1 day)", owners).await;
    function.handle(&Event::new(event), now(), MINUTE).await
}

async fn run_by_hand(sandbox: &Sandbox, owners: Owners) -> FinishedRun {
    run(sandbox, Settings::default(), owners, &json!({})).await
}

#[tokio::test]
async fn each_owner_gets_one_email_with_their_keys_and_the_digest_says_who_was_emailed() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    owned(&sandbox, "db", "anna@example.com ben@example.com", "AKIAIOSFODNN7DB00001", 300);
    add_user(&sandbox, "lost", &[], vec![key("AKIAIOSFODNN7LOST001", 200)]);
    let outcome = run_by_hand(&sandbox, owners()).await;
    assert_eq!(outcome.error, None);
    let emails = sandbox.emails();
    let to: Vec<&str> = emails.iter().flat_map(|email| &email.to).map(String::as_str).collect();
    assert_eq!(to, ["anna@example.com", "ben@example.com"]);
    assert!(emails.iter().all(|email| email.from == "keys@example.com" && email.configuration_set.is_none()));
    let (anna, ben) = (&emails[0], &emails[1]);
    for part in [&anna.text, &anna.html] {
        assert!(part.contains("AKIAIOSFODNN7CI00001") && part.contains("AKIAIOSFODNN7DB00001"), "{part}");
        assert!(!part.contains("AKIAIOSFODNN7LOST001"), "{part}");
    }
    assert!(ben.text.contains("AKIAIOSFODNN7DB00001") && !ben.text.contains("AKIAIOSFODNN7CI00001"), "{}", ben.text);
    let digest = digest(&sandbox);
    assert!(digest.contains("Emailed: anna@example.com (2 keys), ben@example.com (1 key)."), "{digest}");
    let ownerless = "No owner: user lost, key AKIAIOSFODNN7LOST001: the user has no tag \"owner\".";
    assert!(digest.contains(ownerless), "{digest}");
    let answer = outcome.answer.owners.unwrap();
    assert_eq!((answer.sent, answer.unsent, answer.keys_without_owner), (2, 0, 1));
    assert_eq!(answer.message_ids, emails.iter().map(|email| email.id.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn nobody_outside_the_domains_is_emailed_whatever_a_tag_says() {
    let sandbox = ses(true).await;
    let fifty: Vec<String> = (0..50).map(|n| format!("p{n}@example.com")).collect();
    // IAM allows 256 characters in a tag's value.
    let tags = ["eve@evil.org", "platform team", "anna@example.com.evil.org", &fifty[..12].join(" ")];
    for (n, tag) in tags.iter().enumerate() {
        owned(&sandbox, &format!("u{n}"), tag, &format!("AKIAIOSFODNN7U{n:06}"), 100);
    }
    let outcome = run_by_hand(&sandbox, owners()).await;
    assert_eq!((outcome.error, calls_of(&sandbox, "SendEmail")), (None, 0));
    let digest = digest(&sandbox);
    for reason in [
        "is not in owners.domains: eve@evil.org",
        "is not an email address: platform team",
        "is not in owners.domains: anna@example.com.evil",
        "names 12 people, and at most 5 are emailed",
    ] {
        assert!(digest.contains(reason), "{reason}: {digest}");
    }
    assert_eq!(outcome.answer.owners.unwrap().keys_without_owner, 4);
}

#[tokio::test]
async fn a_recipient_whom_ses_refuses_is_named_and_keeps_nobody_else_from_being_emailed() {
    let sandbox = ses(false).await;
    let owners = Owners { domains: vec!["example.com".to_owned(), "example.org".to_owned()], ..owners() };
    owned(&sandbox, "ci", "anna@example.org", "AKIAIOSFODNN7CI00001", 300);
    owned(&sandbox, "db", "ben@example.com", "AKIAIOSFODNN7DB00001", 100);
    let outcome = run_by_hand(&sandbox, owners).await;
    assert_eq!((outcome.error, outcome.answer.sent), (None, 1), "the digest is sent");
    assert_eq!(sandbox.emails().len(), 1);
    let digest = digest(&sandbox);
    assert!(digest.contains("NOT emailed: anna@example.org (1 key): MessageRejected: Email address"), "{digest}");
    assert!(digest.contains("Emailed: ben@example.com (1 key)."), "{digest}");
    let answer = outcome.answer.owners.unwrap();
    assert_eq!((answer.sent, answer.unsent), (1, 1));
    assert!(answer.errors[0].starts_with("anna@example.org: MessageRejected"), "{:?}", answer.errors);
}

#[tokio::test]
async fn a_refusal_that_applies_to_all_ends_the_emails_and_not_the_digest() {
    for (pause, code) in [(true, "SendingPausedException"), (false, "TooManyRequestsException: Daily")] {
        let sandbox = ses(true).await;
        sandbox.edit(|world| {
            let ses = &mut world.region("eu-west-1").ses;
            ses.paused = pause;
            ses.sent = vec![now(); if pause { 0 } else { 50_000 }];
        });
        for n in 0..4 {
            owned(&sandbox, &format!("u{n}"), &format!("p{n}@example.com"), &format!("AKIAIOSFODNN7U{n:06}"), 100);
        }
        let outcome = run_by_hand(&sandbox, owners()).await;
        assert_eq!((outcome.error, outcome.answer.sent), (None, 1));
        assert_eq!(calls_of(&sandbox, "SendEmail"), 1, "{code}");
        let answer = outcome.answer.owners.unwrap();
        assert_eq!((answer.sent, answer.unsent), (0, 4));
        let digest = digest(&sandbox);
        for n in 0..4 {
            assert!(digest.contains(&format!("NOT emailed: p{n}@example.com (1 key): {code}")), "{digest}");
        }
    }
}

#[tokio::test]
async fn ses_is_asked_again_after_a_throttled_call_and_a_fault() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    sandbox.inject(Fault::new("ses:SendEmail", FaultKind::Throttle).once());
    sandbox.inject(Fault::new("ses:SendEmail", FaultKind::ServerError).once());
    let outcome = run_by_hand(&sandbox, owners()).await;
    assert_eq!((outcome.error, sandbox.emails().len()), (None, 1));
    assert_eq!(outcome.answer.owners.unwrap().sent, 1);
}

#[tokio::test]
async fn emails_end_in_time_for_the_digest() {
    let sandbox = ses(true).await;
    for n in 0..3 {
        owned(&sandbox, &format!("u{n}"), &format!("p{n}@example.com"), &format!("AKIAIOSFODNN7U{n:06}"), 100);
    }
    sandbox.inject(Fault::new("ses:SendEmail", FaultKind::Hang));
    let function = function_for(&sandbox, Settings::default(), "rate(1 day)", owners()).await;
    let outcome = function.handle(&Event::new(&json!({})), now(), Some(Duration::from_secs(4))).await;
    assert_eq!((outcome.error, outcome.answer.sent), (None, 1));
    let answer = outcome.answer.owners.unwrap();
    assert_eq!(answer.unsent, 3);
    assert!(answer.errors.iter().all(|error| error.contains("the function's time was up")), "{:?}", answer.errors);
    assert!(digest(&sandbox).contains("NOT emailed: p0@example.com (1 key): TimeIsUp"));
}

#[tokio::test]
async fn keys_without_an_owner_go_to_the_security_contact_only_if_asked_and_only_if_there_are_any() {
    let contact = |email: &str| AlternateContact {
        email: email.to_owned(),
        name: "Security".to_owned(),
        phone: "+1555".to_owned(),
        title: "Team".to_owned(),
    };
    let account = Owners { fallback: Fallback::Account, ..owners() };
    for (email, said) in [
        (Some("sec@example.com"), "Emailed: sec@example.com, the account's security contact (1 key)."),
        (Some("sec@evil.org"), "NOT emailed: the account's security contact: the address sec@evil.org is not in"),
        (None, "NOT emailed: the account's security contact: the account has none."),
    ] {
        let sandbox = ses(true).await;
        add_user(&sandbox, "lost", &[], vec![key("AKIAIOSFODNN7LOST001", 200)]);
        sandbox.edit(|world| world.contacts.extend(email.map(|email| ("SECURITY".to_owned(), contact(email)))));
        run_by_hand(&sandbox, account.clone()).await;
        let digest = digest(&sandbox);
        assert!(digest.contains(said), "{said}: {digest}");
        assert!(digest.contains("No owner: user lost"), "{digest}");
        assert_eq!(sandbox.emails().len(), usize::from(email == Some("sec@example.com")));
        let none = ses(true).await;
        owned(&none, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
        run_by_hand(&none, account.clone()).await;
        assert_eq!(calls_of(&none, "GetAlternateContact"), 0);
    }
}

#[tokio::test]
async fn a_dry_run_says_who_would_be_emailed_and_emails_nobody() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    let outcome = run(&sandbox, Settings::default(), owners(), &json!({ "keyminder": "dry-run" })).await;
    assert_eq!(calls_of(&sandbox, "SendEmail"), 0);
    let answer = outcome.answer.owners.unwrap();
    assert_eq!((answer.sent, answer.unsent, answer.to), (0, 0, vec!["anna@example.com".to_owned()]));
}

#[tokio::test]
async fn a_notice_for_each_user_names_the_owner_who_was_emailed_about_that_user() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    owned(&sandbox, "db", "ben@example.com", "AKIAIOSFODNN7DB00001", 100);
    run(&sandbox, Settings { notice: NoticeKind::PerUser, ..Settings::default() }, owners(), &json!({})).await;
    let outbox = sandbox.outbox();
    let of = |user: &str| outbox.iter().find(|mail| mail.subject.contains(user)).unwrap().body.clone();
    assert!(of("ci").contains("Emailed: anna@example.com (1 key)") && !of("ci").contains("ben@"), "{}", of("ci"));
    assert!(of("db").contains("Emailed: ben@example.com (1 key)"), "{}", of("db"));
}

#[tokio::test]
async fn a_test_email_is_marked_and_goes_to_one_address_and_to_nobody_else() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    let event = json!({ "keyminder": "test-owner", "owner": "ben@example.com" });
    let outcome = run(&sandbox, Settings::default(), owners(), &event).await;
    assert_eq!((outcome.error.as_deref(), outcome.answer.mode.as_str()), (None, "test-owner"));
    let emails = sandbox.emails();
    assert_eq!((emails.len(), &emails[0].to[..]), (1, &["ben@example.com".to_owned()][..]));
    assert!(emails[0].text.starts_with("This is a test.") && emails[0].subject.to_lowercase().contains("test"));
    assert_eq!((calls_of(&sandbox, "Publish"), calls_of(&sandbox, "ListUsers")), (0, 0));
    for (address, why) in [("eve@evil.org", "not in owners.domains"), ("ben", "plain email address"), ("", "plain")] {
        let event = json!({ "keyminder": "test-owner", "owner": address });
        let outcome = run(&sandbox, Settings::default(), owners(), &event).await;
        assert!(outcome.error.clone().unwrap().contains(why), "{address}: {:?}", outcome.error);
    }
    let outcome = run(&sandbox, Settings::default(), Owners::default(), &event).await;
    assert!(outcome.error.unwrap().contains("does not email owners"));
    assert_eq!(sandbox.emails().len(), 1);
    sandbox.edit(|world| world.region("eu-west-1").ses.paused = true);
    let outcome = run(&sandbox, Settings::default(), owners(), &event).await;
    let error = outcome.error.unwrap();
    assert!(error.contains("could not email ben@example.com: SendingPausedException"), "{error}");
}

#[tokio::test]
async fn without_these_settings_nothing_is_asked_of_ses_and_nothing_is_said_of_owners() {
    let sandbox = ses(true).await;
    owned(&sandbox, "ci", "anna@example.com", "AKIAIOSFODNN7CI00001", 100);
    let outcome = run_by_hand(&sandbox, Owners::default()).await;
    assert_eq!((outcome.answer.owners, calls_of(&sandbox, "SendEmail")), (None, 0));
    assert!(!digest(&sandbox).contains("OWNERS"));
}
