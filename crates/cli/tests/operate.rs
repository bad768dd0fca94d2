//! What there is around an install: test, confirm, init, export, completions, manual, sandbox, demo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use keyminder_sandbox::{Clock, Fault, FaultKind, MailKind, Options, Seed};
use keyminder_testkit::command::{self, EMAIL, REGION, World, finish, machine, unbroken};

#[test]
fn test_runs_the_installed_function_and_shows_who_gets_what() {
    let world = World::seeded(12, 3);
    world.install();
    world.sandbox.confirm(EMAIL);
    let ran = world.ok(&["test"]);
    assert!(ran.stdout.contains("3 old") && ran.stdout.contains("To email: ops@example.com"), "{ran:#?}");
    let mails = world.sandbox.outbox();
    let notices: Vec<_> = mails.iter().filter(|mail| mail.kind == MailKind::Notification).collect();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].subject.contains("3 IAM access keys"));
}

/// The notice that a fresh installation sends about the same users, if functions are run with `run_with`. Times of day
/// are masked: they are the machine's.
fn notice(run_with: Vec<std::ffi::OsString>) -> (String, String) {
    notice_from(Options { run_with, ..Options::instant() }, &[])
}

fn notice_from(options: Options, arguments: &[&str]) -> (String, String) {
    let world = World::with(options);
    world.sandbox.seed_users(&Seed { users: 12, old: 3, ..Seed::default() });
    world.ok(&[&["setup", "--yes", "--email", EMAIL], arguments].concat());
    world.sandbox.confirm(EMAIL);
    world.ok(&["test"]);
    let mails = world.sandbox.outbox();
    let mail = mails.iter().find(|mail| mail.kind == MailKind::Notification).unwrap();
    let mask =
        |word: &str| if word.contains(':') { word.replace(|c: char| c.is_ascii_digit(), "#") } else { word.into() };
    // What follows is SNS's.
    let (written, _) = mail.body.split_once("If you wish to stop receiving").unwrap();
    let body: Vec<String> = written.split(' ').map(mask).collect();
    (mail.subject.clone(), body.join(" "))
}

#[test]
fn the_command_in_place_of_the_package_sends_the_same_mail() {
    let package = notice(Vec::new());
    let command = notice(vec![machine(".".as_ref(), &[]).get_program().to_owned(), "function".into()]);
    assert_eq!(command, package);
    assert!(package.0.contains("3 IAM access keys"), "{package:#?}");
}

#[test]
fn the_demo_says_that_the_function_runs_as_part_of_the_command_if_asked_to() {
    let home = tempfile::TempDir::new().unwrap();
    let ran = finish(machine(home.path(), &["demo", "--builtin-function"]));
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.stderr.contains("The function runs as part of this command here"), "{ran:#?}");
    assert!(ran.stdout.contains("3 IAM access keys"), "{ran:#?}");
}

/// The processor of the function that is installed.
fn installed_architecture(world: &World) -> String {
    let (_, plan) = world.json(&["plan", "--email", EMAIL, "--architecture", "arm64"]);
    let changes = plan["changes"].as_array().unwrap();
    let function = changes.iter().find(|change| change["address"] == "lambda_function").unwrap();
    let fields = function["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["path"] == "architecture");
    field.map_or("arm64", |field| field["before"].as_str().unwrap()).to_owned()
}

#[test]
#[ignore = "needs a build for both processors, and qemu-aarch64"]
fn the_function_for_arm64_lists_judges_and_publishes_as_the_one_for_x86_64_does() {
    let notice = |architecture: &str, run_with: &[&str]| {
        let run_with = run_with.iter().map(Into::into).collect();
        notice_from(Options { run_with, ..Options::instant() }, &["--architecture", architecture])
    };
    assert_eq!(notice("arm64", &["/usr/bin/qemu-aarch64"]), notice("x86_64", &[]));
}

#[test]
#[ignore = "needs a build for both processors (arm64 as well as x86_64)"]
fn a_change_of_the_processor_to_arm64_and_back_is_carried_out_and_leaves_nothing_to_do() {
    let world = World::seeded(12, 3);
    for architecture in ["x86_64", "arm64", "x86_64"] {
        let arguments = ["--email", EMAIL, "--architecture", architecture];
        world.ok(&[&["setup", "--yes"], &arguments[..]].concat());
        assert_eq!(installed_architecture(&world), architecture);
        let (code, plan) = world.json(&[&["plan", "--exit-code"], &arguments[..]].concat());
        assert_eq!(code, 0, "{plan:#}");
    }
    world.sandbox.confirm(EMAIL);
    world.ok(&["test"]);
}

#[test]
fn a_test_notice_is_sent_and_a_dry_run_sends_nothing() {
    let world = World::seeded(12, 3);
    world.install();
    world.sandbox.confirm(EMAIL);
    let sent = || world.sandbox.outbox().iter().filter(|mail| mail.kind == MailKind::Notification).count();
    world.ok(&["test", "--dry-run"]);
    assert_eq!(sent(), 0);
    world.ok(&["test", "--notice"]);
    assert_eq!(sent(), 1);
}

#[test]
fn test_without_an_install_says_so() {
    for arguments in [&["test"][..], &["test", "--from-rule"]] {
        let ran = World::new().run(arguments);
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert!(unbroken(&ran.stderr).contains("keyminder is not installed here: run keyminder setup"), "{ran:#?}");
    }
}

#[test]
fn confirming_through_the_command_makes_the_address_safe_from_one_click() {
    let world = World::new();
    world.install();
    let link = world.sandbox.outbox()[0].confirm_link.clone().unwrap();
    let ran = world.ok(&["confirm", &link]);
    assert!(ran.stdout.contains("ops@example.com is confirmed"), "{ran:#?}");
    let (_, status) = world.json(&["status", "--email", EMAIL]);
    assert_eq!(status["subscriptions"][0]["safe_from_one_click_unsubscribing"], true, "{status:#}");
}

#[test]
fn a_confirmation_is_sent_again_only_on_request() {
    let world = World::new();
    world.install();
    world.install();
    assert_eq!(world.sandbox.outbox().len(), 1);
    let ran = world.ok(&["confirm", "--resend"]);
    assert!(ran.stdout.contains("Sent a new confirmation email to ops@example.com"), "{ran:#?}");
    assert_eq!(world.sandbox.outbox().len(), 2);
    world.sandbox.confirm(EMAIL);
    let ran = world.ok(&["confirm", "--resend"]);
    assert!(ran.stdout.contains("Nothing was sent"), "{ran:#?}");
}

#[test]
fn what_is_no_link_is_refused() {
    let world = World::new();
    world.install();
    assert_eq!(world.run(&["confirm", "hello"]).code, 64);
    assert_eq!(world.run(&["confirm"]).code, 64);
}

#[test]
fn setup_can_wait_for_the_confirmation() {
    let world = World::new();
    let ran = world.run(&["setup", "--email", EMAIL, "--yes", "--wait=1s"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("not confirmed in time"), "{ran:#?}");
    world.sandbox.confirm(EMAIL);
    world.ok(&["setup", "--email", EMAIL, "--yes", "--wait=1s"]);
}

#[test]
fn whoever_waits_is_told_where_an_address_went_away_instead() {
    let world = World::new();
    world.install();
    let child = world
        .command(&["setup", "--email", EMAIL, "--yes", "--wait", "60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    world.sandbox.edit(|account| account.region(REGION).subscriptions.clear());
    let ran = command::Ran::from(child.wait_with_output().unwrap());
    assert!(ran.code == 1 && ran.stderr.contains("no longer subscribed: ops@example.com"), "{ran:#?}");
}

#[test]
fn init_writes_a_file_that_plan_reads_and_never_overwrites_unasked() {
    let world = World::new();
    world.ok(&["init", "--email", EMAIL]);
    let (code, document) = world.json(&["plan"]);
    assert_eq!(code, 0, "{document:#}");
    let ran = world.run(&["init"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("--overwrite"), "{ran:#?}");
    world.ok(&["init", "--overwrite"]);
}

#[test]
fn the_exported_policy_lets_a_deployer_do_everything_and_is_json() {
    let world = World::new();
    let ran = world.ok(&["export", "policy"]);
    let policy: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    world.sandbox.enforce(&ran.stdout).unwrap();
    world.install();
    world.ok(&["status", "--email", EMAIL]);
    world.ok(&["teardown", "--yes"]);
}

#[test]
fn the_exported_alarm_looks_back_two_periods_of_the_schedule_and_seven_days_at_most() {
    let world = World::new();
    let hours = |schedule: &str| {
        world.write("keyminder.toml", &format!("schedule = \"{schedule}\"\n"));
        let ran = world.ok(&["export", "alarm", "--topic", "arn:aws:sns:us-east-1:123456789012:other"]);
        let alarm: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(alarm["AlarmActions"][0], "arn:aws:sns:us-east-1:123456789012:other");
        assert_eq!(alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]);
        alarm["EvaluationPeriods"].as_u64().unwrap()
    };
    assert_eq!(hours("rate(1 day)"), 48);
    assert_eq!(hours("rate(5 minutes)"), 1);
    assert_eq!(hours("cron(0 7 ? * MON-FRI *)"), 144, "over a weekend");
    assert_eq!(hours("rate(6 days)"), 168);
    world.write("keyminder.toml", "schedule = \"rate(7 days)\"\n");
    let ran = world.run(&["export", "alarm"]);
    assert_eq!(ran.code, 64, "a topic is needed: {ran:#?}");
    let export = |topic: &str| world.run(&["export", "alarm", "--topic", topic]);
    let ran = export("arn:aws:sns:us-east-1:123456789012:other");
    assert!(ran.code == 64 && unbroken(&ran.stderr).contains("at most seven days"), "{ran:#?}");
    let ran = export("arn:aws:sns:us-east-1:123456789012:IAM-Access-Key-Rotation-Topic");
    assert!(ran.code == 64 && unbroken(&ran.stderr).contains("CloudWatch is not allowed to publish"), "{ran:#?}");
    assert_eq!(export("arn:aws:sns:eu-west-1:123456789012:other").code, 64, "another region");
}

#[test]
fn a_function_that_is_not_ours_is_not_run() {
    let world = World::seeded(4, 1);
    world.install();
    world.sandbox.edit(|account| {
        account
            .region(REGION)
            .functions
            .values_mut()
            .for_each(|function| drop(function.tags.remove("keyminder:install")));
    });
    world.sandbox.forget_calls();
    let ran = world.run(&["test", "--dry-run"]);
    assert!(
        ran.code == 64
            && unbroken(&ran.stderr).contains("was not created by this installation")
            && ran.stderr.contains("--adopt"),
        "{ran:#?}"
    );
    assert!(!world.sandbox.calls().iter().any(|call| call.operation == "Invoke"));
}

#[test]
fn a_link_that_somebody_opened_first_is_told_apart_from_one_that_is_bad() {
    let world = World::new();
    world.install();
    let link = world.sandbox.outbox()[0].confirm_link.clone().unwrap();
    world.sandbox.confirm(EMAIL);
    let ran = world.run(&["confirm", &link]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    let words = unbroken(&ran.stderr);
    assert!(words.contains("AlreadyConfirmed") && words.contains("one click can cancel it"), "{ran:#?}");
    assert!(!words.contains("permission"), "{ran:#?}");
}

#[test]
fn confirming_where_nothing_is_installed_says_so() {
    for arguments in [&["confirm", "--resend"][..], &["confirm", "2336412f37fb687f5d51e6e2425929f52bc8d2e1"]] {
        let ran = World::new().run(arguments);
        assert!(ran.code == 1 && unbroken(&ran.stderr).contains("keyminder is not installed here"), "{ran:#?}");
    }
}

/// What somebody does beside keyminder: a subscription that waits to be confirmed.
fn subscribe_by_hand(world: &World, endpoint: &str) {
    world.sandbox.edit(|account| {
        let subscriptions = &mut account.region(REGION).subscriptions;
        let mut theirs = subscriptions[0].clone();
        theirs.endpoint = endpoint.to_owned();
        theirs.arn.push('x');
        subscriptions.push(theirs);
    });
}

#[test]
fn a_colleagues_subscription_is_neither_sent_again_nor_made_ours() {
    let world = World::new();
    world.install();
    subscribe_by_hand(&world, "colleague@example.com");
    let tags = || world.sandbox.edit(|account| account.region(REGION).topics.values().next().unwrap().tags.clone());
    let before = tags().len();
    let ran = world.ok(&["confirm", "--resend"]);
    assert!(!ran.stdout.contains("colleague"), "{ran:#?}");
    let ran = world.ok(&["confirm", "--resend", "colleague@example.com"]);
    assert!(ran.stdout.contains("Sent a new confirmation email to colleague@example.com"), "{ran:#?}");
    assert_eq!(tags().len(), before, "asked for by name it is sent, and stays theirs");
}

#[test]
fn the_version_shows_the_carried_packages_when_more_is_asked_for() {
    let world = World::new();
    let short = world.ok(&["--version"]).stdout;
    assert_eq!(short.trim(), concat!("keyminder ", env!("CARGO_PKG_VERSION")));
    let exported = world.ok(&["export", "package", "-o", "checker.zip"]).stderr;
    let hash = exported.split_whitespace().last().unwrap().trim_end_matches(").");
    for arguments in [["--version", "-v"], ["--verbose", "--version"]] {
        let long = world.ok(&arguments).stdout;
        assert!(long.starts_with(short.trim_end()) && long.contains(hash), "{long} {hash}");
    }
}

#[test]
fn the_exported_package_is_the_zip_that_is_installed() {
    let world = World::new();
    let ran = world.ok(&["export", "package", "-o", "checker.zip"]);
    let zip = std::fs::read(world.home.path().join("checker.zip")).unwrap();
    assert_eq!(&zip[..2], b"PK");
    let (_, document) = world.json(&["plan"]);
    let sha = document["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|change| change["fields"].as_array().unwrap())
        .find(|field| field["path"] == "code_sha256")
        .unwrap()["after"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(ran.stderr.contains(&sha), "{ran:#?}");
}

#[test]
fn completions_and_manual_pages_need_no_account() {
    let home = tempfile::TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = finish(machine(home.path(), &["completions", shell]));
        assert!(ran.code == 0 && ran.stdout.contains("teardown"), "{shell}");
    }
    let ran = finish(machine(home.path(), &["man"]));
    assert!(ran.code == 0 && ran.stdout.contains(".TH"), "{ran:#?}");
    assert_eq!(finish(machine(home.path(), &["man", "--dir", "man"])).code, 0);
    let page = |name: &str| std::fs::read_to_string(home.path().join("man").join(name)).unwrap();
    assert!(page("keyminder-setup.1").contains(".SH EXAMPLES\n.nf\n  keyminder setup \\-\\-email ops@example.com\n"));
    assert!(page("keyminder-setup.1").contains("KEYMINDER_MAX_AGE_DAYS"), "a section for the environment");
    assert!(page("keyminder-export-policy.1").contains("\\-\\-read\\-only"));
}

#[test]
fn the_sandbox_prints_what_to_export_and_other_commands_can_use_it() {
    let home = tempfile::TempDir::new().unwrap();
    let mut command = machine(home.path(), &["sandbox", "--users", "5", "--old", "2", "--instant"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let variables: Vec<(String, String)> = (0..5)
        .map(|_| {
            let line = lines.next().unwrap().unwrap();
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    assert_eq!(variables[4].0, "AWS_DEFAULT_REGION", "for boto3");
    let mut check = machine(home.path(), &["check", "--output", "json"]);
    check.envs(variables.clone());
    let document: serde_json::Value = serde_json::from_str(&finish(check).stdout).unwrap();
    assert_eq!(document["summary"]["old"], 2);

    let port = variables[0].1.rsplit(':').next().unwrap();
    let print = |home: &Path| finish(machine(home, &["sandbox", "--port", port, "--variables"]));
    let printed: Vec<(String, String)> = print(home.path())
        .stdout
        .lines()
        .map(|line| line.strip_prefix("export ").unwrap().split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(printed, variables);
    let kept = home.path().join(format!(".cache/keyminder/sandbox-{port}.json"));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let stranger = tempfile::TempDir::new().unwrap();
    let refused = print(stranger.path());
    assert!(refused.code == 1 && refused.stdout.is_empty() && refused.stderr.contains(port), "{refused:#?}");
    let mut guessing = machine(home.path(), &["check", "--output", "json"]);
    guessing.envs(variables.clone()).env("AWS_SECRET_ACCESS_KEY", "sandbox");
    assert_eq!(finish(guessing).code, 1);

    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!kept.exists());
    assert_eq!(print(home.path()).code, 1);
}

#[test]
fn the_demo_tells_the_whole_story_without_a_terminal_in_fifteen_seconds() {
    let home = tempfile::TempDir::new().unwrap();
    let start = Instant::now();
    let ran = finish(machine(home.path(), &["demo"]));
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    for part in [
        "✓ In sync.",
        "No changes:",
        "0 of them changing something",
        "DISABLED → ENABLED",
        "OVER THE LIMIT",
        "no resources of this installation remain",
    ] {
        assert!(ran.stdout.contains(part), "{part} is not in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\u{1b}'), "no escape sequences where there is no terminal");
}

#[test]
fn colour_can_be_forced_and_forbidden() {
    let world = World::seeded(2, 1);
    let colored = |name: &str, value: &str, arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env(name, value);
        finish(command).stdout.contains('\u{1b}')
    };
    assert!(colored("CLICOLOR_FORCE", "1", &["check"]));
    assert!(!colored("NO_COLOR", "1", &["check"]));
    assert!(colored("NO_COLOR", "1", &["check", "--color", "always"]));
    assert!(!colored("CLICOLOR_FORCE", "1", &["check", "--color", "never"]));
}

/// An install in a sandbox whose clock moves only by hand, with a schedule that is not the configured one.
fn rescheduled() -> World {
    let world = World::with(Options::instant().with_clock(Clock::held(jiff::Timestamp::now())));
    world.sandbox.seed_users(&Seed { users: 5, old: 2, ..Seed::default() });
    world.ok(&["setup", "--email", EMAIL, "--schedule", "rate(7 days)", "--yes"]);
    world.sandbox.confirm(EMAIL);
    world
}

fn schedule_of(world: &World) -> String {
    world.sandbox.edit(|account| account.region(REGION).rules.values().next().unwrap().schedule.clone())
}

fn wait_for(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_rule_starts_the_function_and_has_its_own_schedule_back_afterwards() {
    let world = rescheduled();
    let child = world.command(&["test", "--from-rule"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| schedule_of(&world).ends_with(" 0-23 * * ? *)"));
    world.sandbox.clock().advance(Duration::from_secs(180));
    let ran = command::Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.stdout.contains("The rule started the function") && ran.stdout.contains("2 old"), "{ran:#?}");
    assert_eq!(schedule_of(&world), "rate(7 days)");
}

#[test]
fn an_interrupted_test_of_the_rule_puts_its_schedule_back() {
    let world = rescheduled();
    let child = world.command(&["test", "--from-rule"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| schedule_of(&world).ends_with(" 0-23 * * ? *)"));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ran = command::Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:#?}");
    assert!(ran.stderr.contains("its own schedule again"), "{ran:#?}");
    assert_eq!(schedule_of(&world), "rate(7 days)");
}

#[test]
fn a_test_of_the_rule_that_fails_puts_its_schedule_back() {
    let world = rescheduled();
    world.sandbox.inject(Fault::new("logs:FilterLogEvents", FaultKind::AccessDenied).always());
    let ran = world.run(&["test", "--from-rule"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert_eq!(schedule_of(&world), "rate(7 days)");
    world.sandbox.clear_faults();
    // The calls are made, and their answers lost for good: nobody knows what schedule the rule has.
    world.sandbox.inject(Fault::new("events:PutRule", FaultKind::LoseAnswer).always());
    let mut command = world.command(&["test", "--from-rule"]);
    command.env("AWS_MAX_ATTEMPTS", "1");
    let ran = finish(command);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(unbroken(&ran.stderr).contains("the schedule was rate(7 days)"), "{ran:#?}");
    assert_eq!(schedule_of(&world), "rate(7 days)");
}

#[test]
fn a_rule_that_is_not_as_wanted_is_not_tried_out() {
    let world = rescheduled();
    world.sandbox.edit(|account| account.region(REGION).rules.values_mut().for_each(|rule| rule.enabled = false));
    let before = world.writes();
    let ran = world.run(&["test", "--from-rule"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    assert!(unbroken(&ran.stderr).contains("to fix them, run keyminder setup"), "{ran:#?}");
    assert_eq!(world.writes(), before);
}

#[test]
fn a_teardown_that_fails_answers_with_one_document() {
    let world = World::new();
    world.install();
    world.sandbox.inject(Fault::new("iam:DeleteRole", FaultKind::AccessDenied).always());
    let (code, document) = world.json(&["teardown", "--yes"]);
    assert_eq!(code, 1);
    assert_eq!(document["error"]["operation"], "iam:DeleteRole", "{document:#}");
    world.sandbox.clear_faults();
    let (code, document) = world.json(&["teardown", "--yes"]);
    assert_eq!((code, &document["applied"]), (0, &serde_json::Value::Bool(true)), "{document:#}");
}

#[test]
fn the_read_only_policy_lets_an_auditor_look_and_nothing_else() {
    let world = World::seeded(3, 1);
    world.install();
    let ran = world.ok(&["export", "policy", "--read-only"]);
    world.sandbox.enforce(&ran.stdout).unwrap();
    world.ok(&["plan", "--email", EMAIL]);
    world.ok(&["status", "--email", EMAIL]);
    world.ok(&["check"]);
    let ran = world.run(&["teardown", "--yes"]);
    assert!(ran.code == 1 && ran.stderr.contains("not authorized"), "{ran:#?}");
}

#[test]
fn a_strangers_subscription_is_neither_waited_for_nor_to_be_confirmed() {
    let world = World::new();
    world.install();
    subscribe_by_hand(&world, "stranger@example.org");
    world.sandbox.confirm(EMAIL);
    let ran = world.ok(&["setup", "--email", EMAIL, "--yes", "--wait", "2s"]);
    assert!(!ran.stdout.contains("not confirmed yet"), "{ran:#?}");
    let ran = world.ok(&["teardown", "--dry-run"]);
    assert!(
        ran.stdout.contains("stranger@example.org (not created by keyminder)"),
        "what ends with the topic: {ran:#?}"
    );
}
