//! `keyminder status`: would somebody hear about an old key?
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::{SignedDuration, Timestamp};
use keyminder_checker::{RunSummary, SummaryLine};
use keyminder_sandbox::world::{LogEvent, LogStream};
use keyminder_testkit::command::{EMAIL, REGION, Ran, World, unbroken};
use serde_json::Value;

const FUNCTION: &str = "rotate-old-access-keys-notification-sender";

#[test]
fn status_says_no_until_somebody_has_confirmed_and_then_yes() {
    let world = World::new();
    let ran = world.run(&["status", "--email", EMAIL, "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(ran.stdout.contains("keyminder is not installed here"), "{ran:#?}");
    world.install();
    let ran = world.run(&["status", "--email", EMAIL, "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(
        ran.stdout.contains("has not confirmed")
            && ran.stdout.contains("not confirmed; ")
            && ran.stdout.contains(" left"),
        "{ran:#?}"
    );
    world.sandbox.confirm(EMAIL);
    let ran = world.ok(&["status", "--email", EMAIL, "--exit-code"]);
    assert!(ran.stdout.contains("✓ Healthy: you will be notified about an old key."), "{ran:#?}");
}

#[test]
fn the_document_of_status_has_subscriptions_and_the_last_run() {
    let world = World::seeded(4, 1);
    world.install();
    world.sandbox.confirm(EMAIL);
    let (_, before) = world.json(&["status", "--email", EMAIL]);
    assert_eq!(before["subscriptions"][0]["protocol"], "email");
    assert_eq!(before["subscriptions"][0]["endpoint"], EMAIL);
    assert_eq!(before["subscriptions"][0]["state"], "confirmed");
    assert!(before["last_run"].is_null() && before["changes"].is_array());
    world.ok(&["test"]);
    let (_, after) = world.json(&["status", "--email", EMAIL]);
    assert_eq!(after["last_run"]["ok"], true, "{after:#}");
    assert_eq!(after["last_run"]["old"], 1);
}

/// An install that somebody listens to, made `hours` ago.
fn installed(hours: i64) -> World {
    let world = World::new();
    world.install();
    world.sandbox.confirm(EMAIL);
    world.sandbox.edit(|account| account.region(REGION).functions.get_mut(FUNCTION).unwrap().modified = ago(hours));
    world
}

fn ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// Puts a run into the log: Lambda's lines around the function's.
fn log(world: &World, hours: i64, lines: &[String], report: &str) {
    let at = ago(hours);
    let all = [vec![format!("START RequestId: r{hours} Version: $LATEST\n")], lines.to_vec()].concat();
    let all = all
        .into_iter()
        .chain([format!("END RequestId: r{hours}\n"), format!("REPORT RequestId: r{hours}\t{report}\n")]);
    let events = all.map(|message| LogEvent { at, message }).collect();
    world.sandbox.edit(|account| {
        let group = account.region(REGION).log_groups.values_mut().next().unwrap();
        group.streams.insert(format!("stream {hours}"), LogStream { created: at, events });
    });
}

/// The last line of a run.
fn summary(hours: i64, mode: &str, error: Option<&str>) -> String {
    let answer = RunSummary {
        mode: mode.to_owned(),
        as_of: ago(hours),
        users: 7,
        version: "0.1.0".to_owned(),
        ..RunSummary::default()
    };
    let line = SummaryLine {
        timestamp: ago(hours),
        request_id: format!("r{hours}"),
        event_id: None,
        answer,
        error: error.map(str::to_owned),
    };
    line.to_json()
}

/// The status, which must be a no for this reason and no other.
fn no(world: &World, reason: &str) -> Ran {
    let ran = world.run(&["status", "--email", EMAIL, "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(words(&ran).contains(reason), "{ran:#?}");
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("  - ")).count(), 1, "{ran:#?}");
    ran
}

/// What was shown, however it was folded.
fn words(ran: &Ran) -> String {
    unbroken(&ran.stdout)
}

fn yes(world: &World) {
    world.ok(&["status", "--email", EMAIL, "--exit-code"]);
}

#[test]
fn a_run_that_lambda_ended_counts_as_failed_although_the_function_could_not_say_so() {
    let world = installed(30);
    log(&world, 20, &[summary(20, "scheduled", None)], "Duration: 9.00 ms");
    yes(&world);
    let last = ["2026-11-23T12:00:00.000Z r1 Task timed out after 900.00 seconds\n\n".to_owned()];
    log(&world, 1, &last, "Duration: 900000.00 ms\tStatus: timeout");
    let ran = no(&world, "the last run failed");
    assert!(words(&ran).contains("timed out after 900.00 seconds"), "{ran:#?}");
    let (_, document) = world.json(&["status", "--email", EMAIL]);
    assert_eq!(document["last_run"]["ok"], false, "{document:#}");
}

#[test]
fn a_test_notice_does_not_hide_that_the_last_check_failed() {
    let world = installed(30);
    log(&world, 20, &[summary(20, "scheduled", Some("it could not read everything"))], "Duration: 9.00 ms");
    log(&world, 1, &[summary(1, "test-notice", None)], "Duration: 9.00 ms");
    let ran = no(&world, "the last run failed");
    assert!(words(&ran).contains("it could not read everything"), "{ran:#?}");
    log(&world, 0, &[summary(0, "by-hand", None)], "Duration: 9.00 ms");
    yes(&world);
}

#[test]
fn a_rule_that_starts_nothing_is_noticed_whatever_was_run_by_hand() {
    let world = installed(30);
    yes(&world);
    let world = installed(24 * 5);
    no(&world, "the rule has not started the function in the 5 days since the last change, but should every 1 day");
    log(&world, 1, &[summary(1, "by-hand", None)], "Duration: 9.00 ms");
    no(&world, "the rule has not started the function in the 5 days");
    log(&world, 24 * 4, &[summary(24 * 4, "scheduled", None)], "Duration: 9.00 ms");
    no(&world, "the rule has not started the function for 4 days");
    log(&world, 2, &[summary(2, "scheduled", None)], "Duration: 9.00 ms");
    yes(&world);
}

#[test]
fn the_next_run_is_that_of_the_rule_as_it_is() {
    let next = |world: &World| -> (Value, Value) {
        let (_, document) = world.json(&["status", "--email", EMAIL]);
        (document["next_run"].clone(), document["not_scheduled"].clone())
    };
    let world = installed(1);
    assert!(next(&world).0.is_string());
    let edit = |edit: fn(&mut keyminder_sandbox::world::Rule)| {
        world.sandbox.edit(|account| account.region(REGION).rules.values_mut().for_each(edit));
    };
    edit(|rule| rule.schedule = "cron(0 0 1 1 ? *)".to_owned());
    assert!(next(&world).0.as_str().unwrap().contains("-01-01T00:00:00Z"), "{:?}", next(&world));
    edit(|rule| rule.enabled = false);
    assert_eq!(next(&world), (Value::Null, "the rule is disabled".into()));
    world.install();
    edit(|rule| rule.targets.clear());
    assert_eq!(next(&world).1, "the function is not a target of the rule");
    world.install();
    world.sandbox.edit(|account| account.region(REGION).functions.get_mut(FUNCTION).unwrap().statements.clear());
    assert_eq!(next(&world).1, "the rule is not allowed to invoke the function");
    let ran = world.run(&["status", "--email", EMAIL]);
    assert!(ran.stdout.contains("none: the rule is not allowed to invoke the function"), "{ran:#?}");
    world.install();
    world.sandbox.edit(|account| account.iam.roles.values_mut().for_each(|role| role.id.push('X')));
    assert_eq!(next(&world).1, "the function cannot start and has to be recreated");
    world.sandbox.edit(|account| account.region(REGION).rules.clear());
    assert_eq!(next(&world).1, "the rule does not exist");
}

#[test]
fn an_address_that_unsubscribed_is_missed_even_where_no_configuration_names_it() {
    let world = World::new();
    world.ok(&["setup", "--email", EMAIL, "--email", "b@example.com", "--yes"]);
    world.sandbox.confirm(EMAIL);
    world.sandbox.confirm("b@example.com");
    world.ok(&["status", "--exit-code"]);
    world.sandbox.edit(|account| account.region(REGION).subscriptions.retain(|one| one.endpoint == EMAIL));
    let ran = world.run(&["status", "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    let flags = ["--subscribe", "email=b@example.com", "--subscribe", "email=ops@example.com"];
    assert!(words(&ran).contains(&format!("to subscribe it, run: keyminder setup {}", flags.join(" "))), "{ran:#?}");
    // What it says is true, and costs nobody else the subscription.
    world.ok(&[&["setup", "--yes"][..], &flags].concat());
    world.sandbox.confirm("b@example.com");
    world.ok(&["status", "--exit-code"]);
}

#[test]
fn an_address_that_is_no_longer_wanted_is_not_waited_for() {
    let world = World::new();
    world.write("keyminder.toml", "[notify]\nemails = ['ops@example.com', 'typo@exmaple.com']\n");
    world.ok(&["setup", "--yes"]);
    world.sandbox.confirm(EMAIL);
    world.write("keyminder.toml", "[notify]\nemails = ['ops@example.com']\n");
    let ran = world.ok(&["setup", "--yes", "--wait", "2s"]);
    assert!(!ran.stdout.contains("not confirmed yet"), "{ran:#?}");
    let ran = world.ok(&["status", "--exit-code"]);
    assert!(words(&ran).contains("stays: subscription email typo@exmaple.com: no longer wanted"), "{ran:#?}");
    let ran = world.ok(&["confirm", "--resend"]);
    assert!(ran.stdout.contains("Nothing was sent"), "{ran:#?}");
}

#[test]
fn a_schedule_that_is_far_off_is_a_reason_for_a_no_and_one_that_is_over_is_refused() {
    let world = World::new();
    let far = ["--email", EMAIL, "--schedule", "cron(0 0 1 1 ? 2190)"];
    world.ok(&[&["setup", "--yes"][..], &far].concat());
    world.sandbox.confirm(EMAIL);
    let ran = world.run(&[&["status", "--exit-code"][..], &far].concat());
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(words(&ran).contains("the next run is only in"), "{ran:#?}");
    let ran = world.run(&["plan", "--schedule", "cron(0 0 1 1 ? 2020)"]);
    assert!(ran.code == 64 && unbroken(&ran.stderr).contains("never runs again"), "{ran:#?}");
}

#[test]
fn a_filter_on_every_subscription_is_a_reason_for_a_no() {
    let world = World::new();
    let queue = "{ protocol = 'sqs', endpoint = 'arn:aws:sqs:us-east-1:123456789012:q', filter_policy = { verdict = ['old'] } }";
    world.write("keyminder.toml", &format!("[notify]\nsubscriptions = [{queue}]\n"));
    world.ok(&["setup", "--yes"]);
    let ran = world.run(&["status", "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(words(&ran).contains("every subscription has a filter policy"), "{ran:#?}");
    world.write("keyminder.toml", &format!("[notify]\nemails = ['{EMAIL}']\nsubscriptions = [{queue}]\n"));
    world.ok(&["setup", "--yes"]);
    world.sandbox.confirm(EMAIL);
    world.ok(&["status", "--exit-code"]);
}
