//! The function: what an event makes it do.
#![allow(clippy::unwrap_used)]

mod account;

use std::time::Duration;

use account::{add_user, add_users, ago, calls_of, function, key, now, sandbox};
use jiff::Timestamp;
use keyminder_checker::function::{Mode, SummaryLine};
use keyminder_checker::{Answer, Event, Outcome};
use keyminder_keyage::{NoticeKind, Settings};
use keyminder_sandbox::{Fault, FaultKind, MailKind, Sandbox};
use serde_json::{Value, json};

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

fn scheduled(id: &str, time: Timestamp) -> Event {
    Event::new(&json!({
        "version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": time, "region": "eu-west-1", "resources": [], "detail": {},
    }))
}

fn mails(sandbox: &Sandbox) -> Vec<String> {
    let outbox = sandbox.outbox();
    outbox.iter().filter(|mail| mail.kind == MailKind::Notification).map(|mail| mail.subject.clone()).collect()
}

fn line(outcome: &Outcome) -> SummaryLine {
    SummaryLine {
        timestamp: now(),
        request_id: "r-1".to_owned(),
        event_id: None,
        answer: outcome.answer.clone(),
        error: outcome.error.clone(),
    }
}

#[test]
fn an_event_says_what_to_do() {
    for (event, mode, probe) in [
        (json!({}), Mode::ByHand, None),
        (json!(null), Mode::ByHand, None),
        (json!("text"), Mode::ByHand, None),
        (json!({"source": "aws.events"}), Mode::Scheduled, None),
        (json!({"keyminder": "run", "probe": "p"}), Mode::ByHand, Some("p")),
        (json!({"keyminder": "dry-run"}), Mode::DryRun, None),
        (json!({"keyminder": "test-notice"}), Mode::TestNotice, None),
        (json!({"keyminder": "probe-17"}), Mode::DryRun, Some("probe-17")),
        (json!({"keyminder": 1, "time": "never", "id": ["x"]}), Mode::ByHand, None),
    ] {
        let read = Event::new(&event);
        assert_eq!((read.mode, read.probe.as_deref()), (mode, probe), "{event}");
    }
}

#[tokio::test]
async fn a_scheduled_event_sends_one_digest() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!(outcome.error, None);
    assert_eq!(mails(&sandbox), ["3 IAM access keys older than 90 days in 123456789012"]);
    let answer = &outcome.answer;
    assert_eq!((answer.schema, answer.users, answer.keys, answer.old), (1, 3, 3, 3));
    assert_eq!((answer.mode.as_str(), answer.published.len(), answer.complete), ("scheduled", 1, true));
    let sms = sandbox.deliveries().into_iter().find(|delivery| delivery.protocol == "sms").unwrap();
    assert!(sms.body.contains("keyminder: 3 IAM access keys older than 90 days"), "{}", sms.body);
}

#[tokio::test]
async fn the_same_event_sends_nothing_twice() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let first = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    let second = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert!(second.answer.duplicate && second.answer.published.is_empty());
    assert_eq!((second.answer.old, first.answer.duplicate), (3, false));
    assert_eq!(mails(&sandbox).len(), 1);
    function.handle(&scheduled("e-2", now()), now(), MINUTE).await;
    assert_eq!(mails(&sandbox).len(), 2);
}

#[tokio::test]
async fn nothing_to_say_sends_nothing() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 10);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((outcome.error, outcome.answer.published.len(), mails(&sandbox).len()), (None, 0, 0));
}

#[tokio::test]
async fn what_could_not_be_read_is_mailed_and_then_the_run_fails() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    sandbox.inject(Fault::new("iam:ListAccessKeys", FaultKind::AccessDenied).nth(2));
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((outcome.answer.old, outcome.answer.users_unknown, outcome.answer.published.len()), (2, 1, 1));
    let error = outcome.error.clone().unwrap();
    assert!(error.contains("read 2 of 3 users") && error.contains("AccessDenied"), "{error}");
    assert!(error.contains("Notices sent: 1."), "{error}");
    assert!(sandbox.outbox().last().unwrap().body.contains("COULD NOT BE READ, SO MAY BE OLD: 1"));
    // Lambda's repetition of the same event fails likewise, and sends nothing more.
    sandbox.clear_faults();
    let again = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((again.error, mails(&sandbox).len()), (outcome.error, 1));
}

#[tokio::test]
async fn a_notice_that_cannot_be_sent_fails_the_run_but_not_the_other_notices() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let settings = Settings { notice: NoticeKind::PerKey, ..Settings::default() };
    let function = function(&sandbox, settings, "rate(1 day)").await;
    sandbox.inject(Fault::new("sns:Publish", FaultKind::AccessDenied).nth(2));
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((outcome.answer.published.len(), mails(&sandbox).len()), (2, 2));
    assert!(outcome.error.unwrap().contains("A notice was not sent: publishing"));
}

#[tokio::test]
async fn an_event_of_which_nothing_was_sent_may_be_tried_again() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    sandbox.inject(Fault::new("sns:Publish", FaultKind::AccessDenied).always());
    assert!(function.handle(&scheduled("e-1", now()), now(), MINUTE).await.error.is_some());
    sandbox.clear_faults();
    let again = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((again.error, mails(&sandbox).len()), (None, 1));
}

#[tokio::test]
async fn a_test_notice_reads_nothing() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let outcome = function.handle(&Event::new(&json!({"keyminder": "test-notice"})), now(), MINUTE).await;
    assert_eq!(mails(&sandbox), ["[TEST] keyminder notices arrive, account 123456789012"]);
    assert_eq!((outcome.error, outcome.answer.published.len(), sandbox.calls().len()), (None, 1, 1));
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_says_what_it_would() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let outcome = function.handle(&Event::new(&json!({"keyminder": "probe-1"})), now(), MINUTE).await;
    assert_eq!((calls_of(&sandbox, "Publish"), outcome.answer.old), (0, 3));
    assert_eq!(outcome.answer.subjects, ["3 IAM access keys older than 90 days in 123456789012"]);
    assert_eq!(outcome.answer.probe.as_deref(), Some("probe-1"));
}

#[tokio::test]
async fn ages_are_counted_to_the_time_of_the_event_unless_it_is_stale() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 1, 85);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let later = ago(-6);
    let outcome = function.handle(&scheduled("e-1", later), now(), MINUTE).await;
    assert_eq!((outcome.answer.old, outcome.answer.as_of), (1, later));
    // The console's sample of a scheduled event is of 1970: no reason to find all keys fresh.
    add_user(&sandbox, "old", &[], vec![key("AKIAIOSFODNN7OLD0000", 100)]);
    let outcome = function.handle(&scheduled("e-2", Timestamp::UNIX_EPOCH), now(), MINUTE).await;
    assert_eq!((outcome.answer.old, outcome.answer.as_of), (1, now()));
}

#[tokio::test]
async fn it_stops_reading_in_time_to_send_what_it_has() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 300, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    sandbox.latency(Duration::from_millis(100));
    let outcome = function.handle(&scheduled("e-1", now()), now(), Some(Duration::from_secs(2))).await;
    assert_eq!(outcome.answer.published.len(), 1);
    assert!(outcome.answer.users_read > 0 && outcome.answer.users_read < 300, "{:?}", outcome.answer);
    assert!(outcome.answer.duration_ms < 2_000, "{}", outcome.answer.duration_ms);
    assert!(outcome.error.unwrap().contains("of 300 users read; the rest is unknown"));
}

#[tokio::test]
async fn the_log_has_one_line_with_counts_and_metrics() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 3, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    let summary = line(&outcome);
    let text = summary.to_json();
    assert!(!text.contains('\n'));
    assert_eq!(SummaryLine::parse(&text), Some(summary));
    let value: Value = serde_json::from_str(&text).unwrap();
    let directive = &value["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("Keyminder"), &json!([["Install"]])));
    for metric in directive["Metrics"].as_array().unwrap() {
        assert!(value[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
    }
    assert_eq!((&value["OldKeys"], &value["OldestKeyAgeDays"], &value["Failed"]), (&json!(3), &json!(100), &json!(0)));
    assert_eq!(value["_aws"]["Timestamp"], json!(now().as_millisecond()));
}

#[test]
fn what_was_not_read_is_not_graphed_as_zero() {
    let unread = Outcome { answer: Answer { users_unknown: 3, ..Answer::default() }, error: Some("no".to_owned()) };
    let value: Value = serde_json::from_str(&line(&unread).to_json()).unwrap();
    for absent in ["OldKeys", "KeysDue", "OldestKeyAgeDays"] {
        assert_eq!(value.get(absent), None);
        assert!(!value["_aws"].to_string().contains(absent));
    }
    assert_eq!((&value["Failed"], &value["UsersUnknown"]), (&json!(1), &json!(3)));
}

#[test]
fn other_lines_of_the_log_are_no_summaries() {
    for other in ["", "START RequestId: r-1", "{}", "{\"type\":\"keyminder.summary\"}", "keyminder.summary"] {
        assert_eq!(SummaryLine::parse(other), None, "{other}");
    }
}
