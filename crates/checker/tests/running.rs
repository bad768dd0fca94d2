//! The function: what an event makes it do.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use jiff::Timestamp;
use keyminder_checker::{Event, FinishedRun, Mode, RunSummary, SummaryLine};
use keyminder_keyage::{NoticeKind, Settings};
use keyminder_sandbox::{Fault, FaultKind, MailKind, Sandbox};
use keyminder_testkit::checker::{self, add_user, add_users, calls_of, function, key, now, sandbox};
use serde_json::{Value, json};
use tokio::time::Instant;

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

fn line(outcome: &FinishedRun) -> SummaryLine {
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
    assert!(error.contains("Only 2 of 3 users could be read") && error.contains("AccessDenied"), "{error}");
    assert!(error.contains("Notices sent: 1."), "{error}");
    assert!(sandbox.outbox().last().unwrap().body.contains("UNKNOWN, COULD NOT BE READ: 1"));
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

fn per_key() -> Settings {
    Settings { notice: NoticeKind::PerKey, ..Settings::default() }
}

#[tokio::test]
async fn no_e_mail_subscription_gets_more_than_it_bears() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 25, 100);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    let started = Instant::now();
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!((outcome.error, outcome.answer.sent), (None, 25));
    // SNS deactivates a subscription that gets more than ten a second.
    assert!(started.elapsed() > Duration::from_millis(24 * 120), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_slow_answer_does_not_hold_up_the_other_notices() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 9, 100);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    sandbox.latency(Duration::from_millis(400));
    let started = Instant::now();
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    assert_eq!(outcome.answer.sent, 9);
    // Reading takes some calls, then one notice after the other would take 3.6 seconds.
    assert!(started.elapsed() < Duration::from_millis(5_200), "{:?}", started.elapsed());
}

fn add_users_of_five_ages(sandbox: &Sandbox) {
    for (n, age) in [(1, 100), (2, 500), (3, 300), (4, 200), (5, 400)] {
        add_user(sandbox, &format!("u{n}"), &[], vec![key(&format!("AKIAIOSFODNN7ORD{n:04}"), age)]);
    }
}

#[tokio::test]
async fn the_worst_is_sent_first() {
    let sandbox = sandbox().await;
    add_users_of_five_ages(&sandbox);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    let mails = mails(&sandbox);
    let users: Vec<&str> = mails.iter().filter_map(|subject| subject.rsplit(' ').next()).collect();
    assert_eq!(users, ["u2", "u5", "u3", "u4", "u1"]);
}

#[tokio::test]
async fn message_ids_are_in_the_order_of_the_notices_whichever_is_answered_first() {
    let sandbox = sandbox().await;
    add_users_of_five_ages(&sandbox);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    let sns = checker::sns(&sandbox);
    let topic = sns.create_topic().name("topic").send().await.unwrap().topic_arn.unwrap();
    let queue = "arn:aws:sqs:eu-west-1:123456789012:queue";
    sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue).send().await.unwrap();
    // The SDK tries it again, up to a second later.
    sandbox.inject(Fault::new("sns:Publish", FaultKind::ServerError).once());
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    let told: Vec<(String, String)> =
        outcome.answer.subjects.iter().cloned().zip(outcome.answer.published.iter().cloned()).collect();
    assert_eq!(told.len(), 5);
    for delivery in sandbox.deliveries().iter().filter(|delivery| delivery.protocol == "sqs") {
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        assert!(told.contains(&(text("Subject"), text("MessageId"))), "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_counted_and_said_before_the_time_is_up() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 60, 100);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    let outcome = function.handle(&scheduled("e-1", now()), now(), Some(Duration::from_secs(3))).await;
    let answer = &outcome.answer;
    assert!(answer.duration_ms < 3_000, "{}", answer.duration_ms);
    assert_eq!((answer.users_read, answer.sent + answer.unsent), (60, 60));
    assert_eq!((answer.sent as usize, answer.sent as usize), (answer.published.len(), mails(&sandbox).len()));
    assert!(answer.sent > 10 && answer.unsent > 20, "{answer:?}");
    let told = format!("{} notices were not sent: the function's time was up", answer.unsent);
    assert_eq!(answer.errors, std::slice::from_ref(&told));
    let error = outcome.error.clone().unwrap();
    assert!(error.contains(&told) && error.contains(&format!("Notices sent: {}.", answer.sent)), "{error}");
    assert!(!error.contains("could be read"), "everything was read: {error}");
    assert_eq!(SummaryLine::parse(&line(&outcome).to_json()).unwrap().error, outcome.error);
}

#[tokio::test]
async fn a_notice_without_an_answer_at_the_deadline_may_have_been_sent() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 1, 100);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    sandbox.latency(Duration::from_millis(2_500));
    let event = Event::new(&json!({"keyminder": "test-notice"}));
    let outcome = function.handle(&event, now(), Some(Duration::from_secs(1))).await;
    assert!(outcome.answer.duration_ms < 1_000, "{}", outcome.answer.duration_ms);
    assert_eq!((outcome.answer.sent, outcome.answer.unsent), (0, 1));
    let error = outcome.error.unwrap();
    assert!(error.contains("TimeIsUp") && error.contains("it may have been sent"), "{error}");
}

#[tokio::test]
async fn reading_stops_the_earlier_the_more_there_is_to_send() {
    let mut read = Vec::new();
    for notice in [NoticeKind::Digest, NoticeKind::PerKey] {
        let sandbox = sandbox().await;
        add_users(&sandbox, 300, 100);
        let function = function(&sandbox, Settings { notice, ..Settings::default() }, "rate(1 day)").await;
        sandbox.latency(Duration::from_millis(150));
        let outcome = function.handle(&scheduled("e-1", now()), now(), Some(Duration::from_secs(4))).await;
        assert!(outcome.answer.duration_ms < 4_000, "{}", outcome.answer.duration_ms);
        assert!(outcome.error.unwrap().contains("of 300 users read; the rest is unknown"));
        assert!(outcome.answer.sent > 0);
        read.push(outcome.answer.users_read);
    }
    assert!(read[1] > 0 && read[1] * 2 < read[0], "{read:?}");
}

#[tokio::test]
async fn a_failure_of_every_notice_is_told_in_a_few_words() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 9, 100);
    let function = function(&sandbox, per_key(), "rate(1 day)").await;
    sandbox.inject(Fault::new("sns:Publish", FaultKind::AccessDenied).always());
    let outcome = function.handle(&scheduled("e-1", now()), now(), MINUTE).await;
    let error = outcome.error.unwrap();
    assert_eq!((error.matches("A notice was not sent: ").count(), outcome.answer.unsent), (3, 9));
    assert!(error.contains("6 more notices were not sent either."), "{error}");
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
    let later = now() + jiff::SignedDuration::from_mins(15);
    let outcome = function.handle(&scheduled("e-1", later), now(), MINUTE).await;
    assert_eq!((outcome.answer.as_of, outcome.answer.warning), (later, None));
    // The console's sample of a scheduled event is of 1970: no reason to find all keys fresh.
    add_user(&sandbox, "old", &[], vec![key("AKIAIOSFODNN7OLD0000", 100)]);
    let outcome = function.handle(&scheduled("e-2", Timestamp::UNIX_EPOCH), now(), MINUTE).await;
    assert_eq!((outcome.answer.old, outcome.answer.as_of), (1, now()));
}

#[tokio::test]
async fn a_time_that_is_not_credible_is_not_used_and_the_log_says_so() {
    let sandbox = sandbox().await;
    add_users(&sandbox, 1, 85);
    let function = function(&sandbox, Settings::default(), "rate(1 day)").await;
    let (minute, hour) = (jiff::SignedDuration::from_mins(1), jiff::SignedDuration::from_hours(1));
    for (id, time, words) in [
        ("e-1", now() + minute * 16, "more than 15 minutes ahead of the function's clock"),
        ("e-2", "2035-01-01T00:00:00Z".parse().unwrap(), "more than 15 minutes ahead"),
        ("e-3", now() - hour * 2 - minute, "more than 2 hours behind the function's clock"),
    ] {
        let outcome = function.handle(&scheduled(id, time), now(), MINUTE).await;
        assert_eq!((outcome.answer.old, outcome.answer.as_of), (0, now()), "{time}");
        let read = SummaryLine::parse(&line(&outcome).to_json()).unwrap();
        assert!(read.answer.warning.unwrap().contains(words), "{time}");
    }
    let outcome = function.handle(&scheduled("e-4", now() - hour * 2), now(), MINUTE).await;
    assert_eq!((outcome.answer.as_of, outcome.answer.warning), (now() - hour * 2, None));
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
    let unread =
        FinishedRun { answer: RunSummary { users_unknown: 3, ..RunSummary::default() }, error: Some("no".to_owned()) };
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
