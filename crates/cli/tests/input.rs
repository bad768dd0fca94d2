//! What a person can get wrong: each is answered with what is wrong and what would be right, before anything is
//! changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;
use std::time::{Duration, Instant};

use keyminder_sandbox::{Fault, FaultKind};
use keyminder_testkit::command::{self, EMAIL, World, contains, finish, machine};

/// The answer to a command line that is refused before AWS is asked.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let world = World::new();
    let ran = world.run(&[&["setup", "--yes"], arguments].concat());
    assert_eq!(ran.code, 64, "{ran:#?}");
    assert_eq!(ran.stdout, "");
    assert_eq!(world.sandbox.calls().len(), 0, "AWS was asked");
    ran.stderr
}

#[test]
fn what_is_no_email_address_is_refused() {
    contains(&refused(&["--email", "ops"]), &["--email: 'ops' is not an email address such as ops@example.com"]);
}

#[test]
fn an_unknown_protocol_is_answered_with_the_known_ones() {
    contains(
        &refused(&["--subscribe", "pigeon=coop"]),
        &["'pigeon' is not a protocol of SNS", "email, email-json, sms, sqs"],
    );
}

#[test]
fn a_plural_of_one_in_a_rate_is_answered_with_the_right_form() {
    contains(&refused(&["--schedule", "rate(1 days)"]), &["--schedule:", "rate(1 day)"]);
}

#[test]
fn a_rate_of_zero_is_refused() {
    contains(&refused(&["--schedule", "rate(0 days)"]), &["--schedule:"]);
}

#[test]
fn a_cron_expression_of_five_fields_is_told_of_the_sixth() {
    contains(&refused(&["--schedule", "cron(0 9 * * ?)"]), &["--schedule:", "year"]);
}

#[test]
fn a_limit_of_zero_is_refused() {
    contains(&refused(&["--max-age-days", "0"]), &["--max-age-days: max_age_days is 0", "from 1 to 3650"]);
}

#[test]
fn a_negative_limit_is_refused() {
    contains(&refused(&["--max-age-days", "-5"]), &["--max-age-days: -5 is not a number of days"]);
}

#[test]
fn an_absurd_limit_is_refused() {
    contains(&refused(&["--max-age-days", "999999"]), &["from 1 to 3650"]);
    contains(&refused(&["--max-age-days", "99999999999999999999"]), &["--max-age-days"]);
}

#[test]
fn names_that_aws_refuses_are_refused() {
    contains(&refused(&["--name", "Has Space"]), &["--name:", "cannot name an install"]);
    let world = World::new();
    world.write("keyminder.toml", "[names]\nfunction = \"has space\"\n");
    let ran = world.run(&["setup", "--yes"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["names.function", "contains ' '"]);
    assert_eq!(world.writes(), 0);
}

#[test]
fn an_unknown_key_in_the_file_is_answered_with_its_line_and_the_likely_one() {
    let world = World::new();
    world.write("keyminder.toml", "region = \"us-east-1\"\n\n[check]\nmax_age_day = 60\n");
    let ran = world.run(&["plan"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["keyminder.toml:4:1: unknown key 'max_age_day' in [check] (did you mean 'max_age_days'?)"]);
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once() {
    let world = World::new();
    world.write("keyminder.toml", "nam = \"a\"\n[function]\nmemory_mb = \"256\"\n[check]\nnotice = \"per_key\"\n");
    let ran = world.run(&["plan"]);
    contains(&ran.stderr, &["3 problems", "keyminder.toml:1:1:", "keyminder.toml:3:13:", "keyminder.toml:5:10:"]);
}

#[test]
fn a_named_file_that_is_not_there_is_no_default() {
    contains(&refused(&["--config", "nowhere.toml"]), &["nowhere.toml cannot be read", "keyminder init"]);
}

#[test]
fn without_a_region_it_says_where_to_set_one() {
    let world = World::new();
    let mut command = world.command(&["plan"]);
    command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
    let ran = finish(command);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["no AWS region is configured", "--region eu-west-1"]);
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let world = World::new();
    let mut command = world.command(&["plan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = finish(command);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(&ran.stderr, &["no AWS credentials were found", "hint:"]);
}

#[test]
fn expired_credentials_are_told_from_wrong_ones() {
    let world = World::new();
    world.sandbox.inject(Fault::new("*", FaultKind::ExpiredToken).always());
    let ran = world.run(&["plan"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(&ran.stderr, &["ExpiredToken", "hint:"]);
}

#[test]
fn another_account_than_the_one_allowed_is_left_alone() {
    let world = World::new();
    let ran = world.run(&["setup", "--email", EMAIL, "--yes", "--account", "999999999999"]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["the credentials are for 123456789012", "--account requires 999999999999"]);
    assert_eq!(world.writes(), 0);
    contains(&refused(&["--account", "42"]), &["'42' is not an AWS account id"]);
}

#[test]
fn an_endpoint_that_is_not_there_is_an_error_and_no_hang() {
    let home = tempfile::TempDir::new().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command =
        machine(home.path(), &["plan", "--endpoint-url", &format!("http://{closed}"), "--region", "eu-west-1"]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAX").env("AWS_SECRET_ACCESS_KEY", "x").env("AWS_MAX_ATTEMPTS", "1");
    let start = Instant::now();
    let ran = finish(command);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(start.elapsed() < Duration::from_secs(30));
    contains(&ran.stderr, &["hint:"]);
}

#[test]
fn what_is_no_endpoint_is_refused() {
    contains(&refused(&["--endpoint-url", "127.0.0.1:4566"]), &["is not an endpoint URL", "http://127.0.0.1:4566"]);
}

#[test]
fn access_denied_in_the_middle_says_what_was_done_and_which_permission_is_missing() {
    let world = World::new();
    world.sandbox.inject(Fault::new("lambda:CreateFunction", FaultKind::AccessDenied).always());
    let ran = world.run(&["setup", "--email", EMAIL, "--yes"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    contains(
        &ran.stderr,
        &[
            "AccessDenied",
            "lambda:CreateFunction",
            "done:",
            "sns_topic created",
            "not started:",
            "events_target",
            "again",
        ],
    );
    world.sandbox.clear_faults();
    world.ok(&["setup", "--email", EMAIL, "--yes"]);
    world.ok(&["plan", "--email", EMAIL, "--exit-code"]);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_changed() {
    let world = World::new();
    let ran = world.run(&["setup", "--email", EMAIL]);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["cannot ask for confirmation", "--yes"]);
    assert!(ran.stdout.contains("+ create sns_topic"), "the plan is shown all the same");
    assert_eq!(world.writes(), 0);
}

#[test]
fn wrong_usage_exits_with_64_also_as_json() {
    let world = World::new();
    assert_eq!(world.run(&["setup", "--no-such-flag"]).code, 64);
    let (code, document) = world.json(&["setup", "--no-such-flag"]);
    assert_eq!(code, 64);
    assert_eq!(document["error"]["code"], "Usage");
    assert_eq!(document["schema"], 1);
}

#[test]
fn a_variable_that_is_set_but_empty_counts_as_not_set() {
    let world = World::new();
    let mut command = world.command(&["plan"]);
    command.env("KEYMINDER_MAX_AGE_DAYS", "").env("KEYMINDER_EMAIL", "").env("KEYMINDER_YES", "");
    assert_eq!(finish(command).code, 0);
}

#[test]
fn a_reader_who_goes_away_is_no_crash_and_no_noise() {
    let world = World::new();
    let mut command = world.command(&["plan", "--email", EMAIL, "--verbose"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_argument_that_is_not_utf_8_is_refused_like_any_other() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let mut command = world.command(&["setup", "--yes", "--name"]);
    command.arg(std::ffi::OsStr::from_bytes(b"\xff"));
    let ran = command::finish(command);
    assert_eq!(ran.code, 64, "{ran:#?}");
    assert!(ran.stderr.contains("UTF-8"), "{ran:#?}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_check_of_a_user_who_is_not_there_finds_nothing_out_and_says_so() {
    let world = World::seeded(3, 1);
    for name in ["nobody", ""] {
        let ran = world.run(&["check", "--user", name]);
        assert_eq!(ran.code, 64, "{ran:#?}");
        assert!(ran.stderr.contains("no user of this account") && ran.stdout.is_empty(), "{ran:#?}");
    }
}

#[test]
fn an_address_that_is_not_waiting_cannot_be_sent_to_again() {
    let world = World::new();
    world.install();
    let ran = world.run(&["confirm", "--resend", "nobody@example.com"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("nobody@example.com has no subscription"), "{ran:#?}");
    assert_eq!(world.sandbox.outbox().len(), 1);
}

#[test]
fn a_profile_that_is_asked_for_beats_keys_in_the_environment() {
    let world = World::new();
    let ran = world.run(&["plan", "--profile", "nosuch"]);
    assert!(ran.code != 0 && ran.stderr.contains("nosuch"), "{ran:#?}");
    std::fs::create_dir(world.home.path().join(".aws")).unwrap();
    let keys = world.sandbox.credentials();
    let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
    let profile = format!("[profile prod]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    world.write(".aws/config", &profile);
    let mut command = world.command(&["plan", "--profile", "prod"]);
    command.env("AWS_SECRET_ACCESS_KEY", "another");
    let ran = command::finish(command);
    assert_eq!(ran.code, 0, "{ran:#?}");
}

#[test]
fn help_and_wrong_usage_are_coloured_as_asked() {
    let home = tempfile::TempDir::new().unwrap();
    let coloured = |arguments: &[&str]| {
        let ran = command::finish(command::machine(home.path(), arguments));
        (ran.stdout + &ran.stderr).contains('\u{1b}')
    };
    assert!(coloured(&["--color", "always", "--help"]) && coloured(&["--color=always", "bogus"]));
    assert!(!coloured(&["--help"]) && !coloured(&["bogus"]));
}

#[test]
fn what_is_no_number_is_answered_in_words() {
    let ran = World::new().run(&["plan", "--max-age-days", "ninety"]);
    assert!(ran.code == 64 && ran.stderr.contains("'ninety' is not a whole number"), "{ran:#?}");
}

#[test]
fn a_file_that_cannot_be_written_has_a_hint() {
    let ran = World::seeded(1, 0).run(&["check", "--save", "no-such-folder/keys.csv", "--format", "csv"]);
    assert!(ran.code == 1 && ran.stderr.contains("hint: the directory does not exist"), "{ran:#?}");
}

#[test]
fn a_configuration_file_that_never_ends_can_be_left() {
    let world = World::new();
    let fifo = world.home.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = world.command(&["status", "--config", "fifo"]).spawn().unwrap();
    // A signal before the process has begun ends it as well.
    std::thread::sleep(std::time::Duration::from_millis(200));
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let start = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed().as_secs() < 10, "it does not end");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_fifo_queue_is_refused_wherever_it_is_named() {
    let queue = "arn:aws:sqs:us-east-1:123456789012:keys.fifo";
    contains(&refused(&["--subscribe", &format!("sqs={queue}")]), &["--subscribe:", "FIFO SQS Queues can not be"]);
    contains(&refused(&["--dead-letter-queue", queue]), &["--dead-letter-queue:", "FIFO"]);
    let world = World::new();
    let subscription = format!("[notify]\nsubscriptions = [{{ protocol = \"sqs\", endpoint = \"{queue}\" }}]\n");
    world.write("keyminder.toml", &subscription);
    let ran = world.run(&["setup", "--yes"]);
    assert_eq!((ran.code, world.sandbox.calls().len()), (64, 0), "{ran:#?}");
    contains(&ran.stderr, &["keyminder.toml:2:18:", "FIFO SQS Queues can not be subscribed to standard SNS topics"]);
}

#[test]
fn a_filter_policy_that_sns_would_refuse_is_refused_before_the_first_call() {
    let world = World::new();
    let with = |policy: &str| {
        let queue = "protocol = \"sqs\", endpoint = \"arn:aws:sqs:us-east-1:123456789012:keys\"";
        let file = format!("[notify]\nsubscriptions = [{{ {queue}, filter_policy = {policy} }}]\n");
        world.write("keyminder.toml", &file);
        world.run(&["plan"])
    };
    let ran = with("{ verdict = [] }");
    assert_eq!((ran.code, world.sandbox.calls().len()), (64, 0), "{ran:#?}");
    contains(&ran.stderr, &["keyminder.toml:2:18:", "Empty arrays are not allowed"]);
    let ran = with("{ verdict = [{ soundex = \"old\" }] }");
    assert_eq!(ran.code, 0, "{ran:#?}");
    contains(&ran.stdout, &["notify.subscriptions[0]:", "Unrecognized match type soundex"]);
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_with_one_that_does() {
    let said = refused(&["--subscribe", "https=https://hooks.slack.com/services/T0/B0/secret"]);
    contains(&said, &["--subscribe:", "Slack", "never confirms", "check.format = \"chat\""]);
    assert!(!said.contains("B0/secret"), "a webhook's path is its password: {said}");
}

#[test]
fn a_proxy_for_the_function_is_answered_with_why_it_has_no_effect() {
    let ran = World::new().run(&["plan", "--environment", "HTTPS_PROXY=http://proxy.example.com:3128"]);
    contains(&ran.stdout, &["function.environment: HTTPS_PROXY has no effect", "Lambda's network"]);
}

#[test]
fn a_schedule_with_blanks_around_it_is_sent_without_them() {
    let world = World::new();
    world.ok(&["setup", "--email", EMAIL, "--schedule", "  rate(2 days) ", "--yes"]);
    let schedule = |world: &World| {
        world.sandbox.edit(|account| account.region("us-east-1").rules.values().next().unwrap().schedule.clone())
    };
    assert_eq!(schedule(&world), "rate(2 days)");
    world.ok(&["plan", "--email", EMAIL, "--schedule", "rate(2 days)", "--exit-code"]);
}
