//! Every example is parsed or run.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use keyminder_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::commands::shell_in_yaml;
use crate::page::{files, root, text};
use crate::terminal::{ACCOUNT, Run, Terminal, sandbox};

/// The processor that this build carries a checker for.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// A sandbox's credentials, as a profile has them.
fn keys(sandbox: &Sandbox) -> String {
    let keys = sandbox.credentials();
    format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", keys.access_key_id, keys.secret_access_key)
}

#[test]
fn every_configuration_file_is_planned_in_an_empty_account() {
    let sandbox = sandbox(ACCOUNT);
    let terminal = Terminal::before(&sandbox);
    let config = terminal.folder.path().join(".aws");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config"), format!("[profile prod]\n{}", keys(&sandbox))).unwrap();
    let examples = files("examples", ".toml");
    assert!(examples.len() > 4, "{examples:?}");
    for example in examples {
        let file =
            text(&example).replace("architecture = \"x86_64\"", &format!("architecture = \"{}\"", architecture()));
        let run = terminal.run_with(&file, &["plan", "--output", "json", "--endpoint-url", sandbox.url()]).exits(0);
        let summary = &run.json()["summary"];
        assert!(summary["create"].as_u64() > Some(8) && summary["update"] == 0, "{example}: {summary}");
    }
}

#[test]
fn every_configuration_file_but_the_full_one_is_installed_and_then_in_sync() {
    // The full one wants a permissions boundary, which an empty account does not have.
    for example in files("examples", ".toml").into_iter().filter(|example| !example.ends_with("full.toml")) {
        let sandbox = sandbox(ACCOUNT);
        let terminal = Terminal::before(&sandbox);
        let file = text(&example);
        // Amazon Q Developer subscribes itself.
        let nobody: &[&str] = if example.contains("chat") { &["--no-recipients"] } else { &[] };
        let setup = [&["setup", "--yes", "--output", "json"], nobody].concat();
        let made = terminal.run_with(&file, &setup).exits(0);
        assert_eq!(made.json()["applied"], true, "{example}");
        terminal.run(&["plan", "--exit-code"]).exits(0);
    }
}

#[test]
fn the_loop_over_accounts_installs_in_each_and_refuses_a_wrong_one() {
    let (prod, staging) = (sandbox(ACCOUNT), sandbox("210987654321"));
    let terminal = Terminal::nowhere();
    let folder = terminal.folder.path();
    let profile = |name: &str, sandbox: &Sandbox| {
        let (url, keys) = (sandbox.url(), keys(sandbox));
        format!("[profile {name}]\nregion = eu-west-1\nendpoint_url = {url}\n{keys}")
    };
    std::fs::create_dir(folder.join(".aws")).unwrap();
    let profiles = profile("prod", &prod) + &profile("staging", &staging);
    std::fs::write(folder.join(".aws/config"), profiles).unwrap();
    std::fs::create_dir(folder.join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_keyminder"), folder.join("bin/keyminder")).unwrap();
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let script = root().join("examples/several-accounts/each-account.sh");
    let run = |accounts: Option<&str>, arguments: &[&str]| {
        let mut command = terminal.program("sh");
        command.arg(&script).args(arguments).env("PATH", &path);
        if let Some(accounts) = accounts {
            std::fs::write(folder.join("accounts.txt"), accounts).unwrap();
            command.env("ACCOUNTS", folder.join("accounts.txt"));
        }
        Run::new(&command.output().unwrap(), "each-account.sh ".to_owned() + &arguments.join(" "))
    };

    let swapped = run(Some(&format!("prod 210987654321\nstaging {ACCOUNT}\n")), &["setup", "--yes"]).exits(1);
    assert!(swapped.err.contains("not well in: prod staging"), "{}", swapped.err);
    let read = ["GetCallerIdentity", "GetRole"];
    assert!(prod.calls().iter().all(|call| read.contains(&call.operation.as_str())), "nothing else is asked");

    run(None, &["setup", "--yes"]).exits(0);
    run(None, &["plan", "--exit-code"]).exits(0);
    for sandbox in [&prod, &staging] {
        assert!(sandbox.snapshot().to_string().contains("rotate-old-access-keys-notification-sender"));
    }
}

#[test]
#[ignore = "needs python3"]
fn the_queues_consumer_prints_a_line_for_each_old_key_and_for_whatever_else_arrives() {
    let sandbox = sandbox(ACCOUNT);
    let terminal = Terminal::before(&sandbox);
    let consumed = |message: &Value| {
        let mut child = terminal
            .program("python3")
            .arg(root().join("examples/sqs/consume.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(message.to_string().as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let check = terminal.run(&["check", "--notice", "--output", "json"]).exits(0).json();
    let notice = &check["notices"][0]["document"];
    let old = check["summary"]["old"].as_u64().unwrap();
    assert!(old > 0);
    let enveloped = |message: &Value| json!({ "Type": "Notification", "Message": message.to_string() });
    for message in [notice, &enveloped(notice)] {
        let printed = consumed(message);
        let lines = printed.lines().filter(|line| line.contains(" days old, limit 90")).count() as u64;
        assert_eq!(lines, old, "{printed}");
    }
    let failed = json!({ "version": "1.0", "responsePayload": { "errorMessage": "it could not read" } });
    assert_eq!(consumed(&enveloped(&failed)), "a run failed: it could not read\n");
    let confirmation = json!({ "Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns/?Token=1" });
    assert_eq!(consumed(&confirmation), "confirm within 48 hours: keyminder confirm 'https://sns/?Token=1'\n");
}

#[test]
fn the_queues_policy_lets_the_default_topic_send_to_the_queue_of_the_example() {
    let policy: Value = serde_json::from_str(&text("examples/sqs/queue-policy.json")).unwrap();
    let statement = &policy["Statement"][0];
    let file: toml::Table = text("examples/sqs/keyminder.toml").parse().unwrap();
    assert_eq!(statement["Resource"].as_str(), file["notify"]["subscriptions"][0]["endpoint"].as_str());
    let topic = format!("arn:aws:sns:eu-west-1:{ACCOUNT}:IAM-Access-Key-Rotation-Topic");
    assert_eq!(statement["Condition"]["ArnEquals"]["aws:SourceArn"], topic.as_str());
}

#[test]
fn the_ci_jobs_look_for_drift_and_for_silence() {
    for job in files("examples/ci", ".yml") {
        let yaml = text(&job);
        for line in yaml.lines() {
            let indent = line.len() - line.trim_start().len();
            assert!(!line.contains('\t') && indent % 2 == 0, "{job}: {line}");
        }
        let shell = shell_in_yaml(&yaml);
        for wanted in ["keyminder plan --exit-code", "keyminder status --exit-code"] {
            assert!(shell.contains(wanted), "{job} does not run {wanted}");
        }
        // A tag of somebody else's repository can be moved.
        for action in yaml.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action) {
            let commit = action.split_once('@').map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
            assert!(commit.is_some_and(|commit| commit.len() == 40), "{job}: {action}");
        }
        assert!(yaml.contains(&format!("KEYMINDER_ACCOUNT: \"{ACCOUNT}\"")), "{job} has no guard");
    }
}
