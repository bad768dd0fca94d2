//! The life of an install through the command: setup, a second run, drift, teardown; exit codes and documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keyminder_sandbox::{Fault, FaultKind, Moment, Options};
use keyminder_testkit::account::edits::role;
use keyminder_testkit::command::{EMAIL, REGION, Ran, World, finish, unbroken};
use serde_json::Value;

#[test]
fn a_first_setup_installs_everything_and_says_what_is_left_for_a_person() {
    let world = World::new();
    let ran = world.ok(&["setup", "--email", EMAIL, "--yes"]);
    assert!(ran.stdout.contains("✓ In sync."), "{ran:#?}");
    assert!(ran.stdout.contains("ops@example.com has not confirmed yet"), "{ran:#?}");
    let mails = world.sandbox.outbox();
    assert_eq!(mails.len(), 1, "one mail asks for confirmation");
}

#[test]
fn a_second_run_changes_nothing_and_needs_no_confirmation() {
    let world = World::new();
    world.install();
    world.sandbox.forget_calls();
    let ran = world.ok(&["setup", "--email", EMAIL]);
    assert!(ran.stdout.contains("No changes:"), "{ran:#?}");
    assert_eq!(world.writes(), 0);
    assert_eq!(world.sandbox.outbox().len(), 1, "no mail was sent again");
}

#[test]
fn a_changed_flag_changes_just_that() {
    let world = World::new();
    world.install();
    let (code, document) = world.json(&["setup", "--email", EMAIL, "--max-age-days", "60", "--yes"]);
    assert_eq!(code, 0);
    assert_eq!(document["summary"]["update"], 1, "{document:#}");
    let change = document["changes"].as_array().unwrap().iter().find(|c| c["action"] == "update").unwrap();
    assert_eq!(change["address"], "lambda_function");
    assert_eq!(change["fields"][0]["path"], "environment.MAX_AGE_DAYS");
    assert_eq!((&change["fields"][0]["before"], &change["fields"][0]["after"]), (&"90".into(), &"60".into()));
}

#[test]
fn the_document_of_a_plan_has_the_shape_of_the_contract() {
    let world = World::new();
    let (code, document) = world.json(&["plan", "--email", EMAIL]);
    assert_eq!(code, 0);
    let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = "schema command account region install config_file changes summary applied attention extras \
                  not_checked removed";
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), wanted.split(' ').collect::<BTreeSet<_>>());
    assert_eq!(document["schema"], 1);
    assert_eq!((&document["account"], &document["region"]), (&"123456789012".into(), &REGION.into()));
    assert_eq!(document["applied"], false);
    for change in document["changes"].as_array().unwrap() {
        assert_eq!(change["action"], "create");
        for field in change["fields"].as_array().unwrap() {
            assert!(field.get("path").is_some() && field.get("before").is_some() && field.get("after").is_some());
        }
    }
}

#[test]
fn with_json_a_run_without_yes_is_refused_in_one_document() {
    let world = World::new();
    let (code, document) = world.json(&["setup", "--email", EMAIL]);
    assert_eq!(code, 64);
    assert_eq!(document["error"]["code"], "NoConfirmation");
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_dry_run_reads_and_shows_and_changes_nothing() {
    let world = World::new();
    for command in ["setup", "teardown"] {
        let ran = world.ok(&[command, "--dry-run"]);
        assert!(ran.stdout.contains("Dry run: nothing was"), "{ran:#?}");
    }
    assert_eq!(world.writes(), 0);
}

#[test]
fn plan_exits_with_2_only_when_asked_and_only_where_there_is_something_to_do() {
    let world = World::new();
    assert_eq!(world.run(&["plan", "--email", EMAIL]).code, 0);
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 2);
    world.install();
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 0);
}

#[test]
fn drift_is_shown_field_by_field_and_put_right() {
    let world = World::new();
    world.install();
    world.sandbox.edit(|account| {
        account.region(REGION).rules.values_mut().for_each(|rule| rule.enabled = false);
    });
    let ran = world.ok(&["plan", "--email", EMAIL]);
    assert!(ran.stdout.contains("~ change events_rule") && ran.stdout.contains("DISABLED → ENABLED"), "{ran:#?}");
    world.install();
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 0);
}

#[test]
fn teardown_leaves_an_empty_account_and_a_second_one_has_nothing_to_do() {
    let world = World::new();
    let before = world.sandbox.snapshot();
    world.install();
    world.sandbox.confirm(EMAIL);
    let ran = world.ok(&["teardown", "--yes"]);
    assert!(ran.stdout.contains("no resources of this installation remain"), "{ran:#?}");
    assert_eq!(world.sandbox.snapshot(), before);
    let again = world.ok(&["teardown", "--yes"]);
    assert!(again.stdout.contains("Nothing to delete"), "{again:#?}");
}

#[test]
fn a_teardown_says_when_a_pending_mail_lapses() {
    let world = World::new();
    world.install();
    let (code, document) = world.json(&["teardown", "--yes"]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["applied"], true);
    assert_eq!(document["attention"][0]["code"], "pending_lapses");
}

#[test]
fn what_has_our_names_and_is_not_ours_is_refused_and_can_be_adopted() {
    let world = World::new();
    world.install();
    world.sandbox.edit(|account| account.region(REGION).topics.values_mut().for_each(|topic| topic.tags.clear()));
    let ran = world.run(&["setup", "--email", EMAIL, "--yes"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("already exist") && ran.stderr.contains("--adopt"), "{ran:#?}");
    let ran = world.ok(&["setup", "--email", EMAIL, "--yes", "--adopt"]);
    assert!(ran.stdout.contains("adopted:"), "{ran:#?}");
    world.ok(&["plan", "--email", EMAIL, "--exit-code"]);
}

#[test]
fn flags_beat_variables_which_beat_the_file_which_beats_defaults() {
    let world = World::new();
    world.write("keyminder.toml", "schedule = \"rate(2 days)\"\n[check]\nmax_age_days = 60\nrepeat_days = 7\n");
    let mut command = world.command(&["plan", "--email", EMAIL, "--max-age-days", "30", "--output", "json"]);
    command.env("KEYMINDER_SCHEDULE", "rate(3 days)").env("KEYMINDER_MAX_AGE_DAYS", "45");
    let document: Value = serde_json::from_str(&finish(command).stdout).unwrap();
    let value = |path: &str| {
        let fields = document["changes"].as_array().unwrap().iter().flat_map(|c| c["fields"].as_array().unwrap());
        fields.into_iter().find(|field| field["path"] == path).map(|field| field["after"].clone()).unwrap_or_default()
    };
    assert_eq!(value("environment.MAX_AGE_DAYS"), "30", "the flag");
    assert_eq!(value("schedule"), "rate(3 days)", "the variable");
    assert_eq!(value("environment.REPEAT_DAYS"), "7", "the file");
    assert_eq!(value("timeout_seconds"), 900, "the default");
}

#[test]
fn an_error_is_one_document_with_operation_and_hints() {
    let world = World::new();
    world.sandbox.inject(Fault::new("sns:CreateTopic", FaultKind::AccessDenied).always());
    let (code, document) = world.json(&["setup", "--email", EMAIL, "--yes"]);
    assert_eq!(code, 1);
    let error = &document["error"];
    assert_eq!(error["operation"], "sns:CreateTopic", "{document:#}");
    assert!(error["hints"].as_array().is_some_and(|hints| !hints.is_empty()));
    assert!(error["request_id"].is_string());
    assert!(!error["message"].as_str().unwrap().contains("SdkError"), "no debug dump");
}

/// Starts setup, waits until its k-th call is held, interrupts it and lets the call go.
fn interrupted_at(world: &World, k: usize) -> Ran {
    let gate = world.sandbox.stop_at(k, Moment::Before);
    let mut command = world.command(&["setup", "--email", EMAIL, "--yes"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(gate.reached());
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    std::thread::sleep(Duration::from_millis(200));
    drop(gate);
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn an_interruption_finishes_the_calls_in_flight_says_what_was_done_and_exits_with_130() {
    let world = World::new();
    world.ok(&["plan", "--email", EMAIL]);
    // One call further than all that reads: the first writes are under way.
    let reads = world.sandbox.calls().len();
    world.sandbox.forget_calls();
    let ran = interrupted_at(&world, reads + 1);
    assert_eq!(ran.code, 130, "{ran:#?}");
    assert!(ran.stderr.contains("Stopping once the requests in progress have finished"), "{ran:#?}");
    // How many of the first changes were in flight depends on the machine.
    assert!(ran.stderr.contains(" of 11 changes were made; done: ") && !ran.stderr.contains("error"), "{ran:#?}");
    world.install();
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 0);
}

#[test]
fn an_interruption_while_reading_changes_nothing() {
    let world = World::new();
    let ran = interrupted_at(&world, 3);
    assert_eq!(ran.code, 130, "{ran:#?}");
    assert!(ran.stderr.contains("Nothing was changed") && !ran.stderr.contains("error"), "{ran:#?}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_role_that_is_not_assumable_yet_is_waited_for_with_a_reason() {
    let world = World::with(Options { role_delay: Duration::from_secs(5), ..Options::instant() });
    let start = Instant::now();
    let ran = world.ok(&["setup", "--email", EMAIL, "--yes"]);
    assert!(start.elapsed() > Duration::from_secs(1));
    let said = unbroken(&ran.stderr);
    assert!(said.contains("cannot be assumed by Lambda"), "{ran:#?}");
}

#[test]
fn a_second_install_lives_beside_the_first() {
    let world = World::new();
    world.install();
    world.ok(&["setup", "--name", "audit", "--email", EMAIL, "--yes"]);
    world.ok(&["teardown", "--name", "audit", "--yes"]);
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 0);
}

#[test]
fn every_command_refuses_an_installation_of_a_newer_version_before_anything_is_written() {
    let world = World::new();
    world.install();
    world.sandbox.edit(|aws| role(aws).tags.insert("keyminder:format".to_owned(), "4711".to_owned()));
    world.sandbox.forget_calls();
    let commands: [&[&str]; 8] = [
        &["setup", "--email", EMAIL, "--yes"],
        &["setup", "--adopt", "--email", EMAIL, "--yes"],
        &["plan", "--email", EMAIL],
        &["status"],
        &["teardown", "--yes", "--force"],
        &["test"],
        &["confirm", "--resend"],
        &["export", "policy"],
    ];
    for command in commands {
        let ran = world.run(command);
        assert_eq!((ran.code, world.writes()), (64, 0), "{command:?}: {ran:#?}");
        let said = unbroken(&ran.stderr);
        assert!(said.contains("error[NewerVersion]: a newer version of keyminder set up the installation"), "{said}");
        assert!(said.contains("hint: update keyminder"), "{said}");
        let (code, document) = world.json(command);
        assert_eq!((code, document["error"]["code"].as_str()), (64, Some("NewerVersion")), "{document:#}");
    }
}

#[test]
fn an_installation_of_an_older_version_is_called_that_by_plan_and_status() {
    let world = World::new();
    world.install();
    world.sandbox.edit(|aws| role(aws).tags.remove("keyminder:format"));
    let (_, plan) = world.json(&["plan", "--email", EMAIL]);
    let codes: Vec<_> = plan["attention"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&"older_version".into()), "{plan:#}");
    let status = world.run(&["status", "--email", EMAIL]);
    let said = unbroken(&status.stdout);
    assert!(said.contains("(an older version of keyminder set it up)"), "{status:#?}");
    let setup = world.ok(&["setup", "--email", EMAIL, "--yes"]);
    assert!(setup.stdout.contains("An older version of keyminder set up this installation"), "{setup:#?}");
    assert_eq!(world.run(&["plan", "--email", EMAIL, "--exit-code"]).code, 0);
}
