//! What a stranger types first: help, version, and the commands of other tools.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keyminder_testkit::command::{Ran, finish, machine};

/// A run that cannot reach AWS.
fn run(arguments: &[&str]) -> Ran {
    let home = tempfile::TempDir::new().unwrap();
    finish(machine(home.path(), arguments))
}

/// Every command, as the help lists them.
fn commands() -> Vec<String> {
    let help = run(&["-h"]).stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_short_help_of_every_command_fits_a_screen() {
    let commands = commands();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "help") {
        let help = run(&[command, "-h"]);
        assert_eq!(help.code, 0);
        let lines = help.stdout.lines().count();
        assert!(lines <= 36, "{command}: {lines} lines\n{}", help.stdout);
        assert!(help.stdout.contains("--help"), "{command} does not say where the rest is");
    }
    assert!(run(&["-h"]).stdout.lines().count() <= 36);
}

#[test]
fn examples_come_before_the_flags_and_help_with_a_command_is_its_long_help() {
    for command in commands().iter().filter(|command| *command != "help") {
        let help = run(&["help", command]);
        assert_eq!((help.code, &help.stdout), (0, &run(&[command, "--help"]).stdout));
        let at = |text: &str| help.stdout.find(text).unwrap_or_else(|| panic!("{command} has no {text}"));
        assert!(at("Example") < at("Options:"), "{command}\n{}", help.stdout);
    }
    assert_eq!(run(&["help"]).code, 0);
    assert_eq!(run(&["help", "export", "policy"]).code, 0);
}

#[test]
fn a_command_that_does_not_talk_to_aws_does_not_list_flags_about_an_account() {
    for command in ["demo", "sandbox", "completions", "man", "version"] {
        let help = run(&[command, "--help"]).stdout;
        assert!(!help.contains("--profile") && !help.contains("--account <"), "{command}\n{help}");
    }
    assert!(run(&["setup", "--help"]).stdout.contains("--profile"));
    assert_eq!(run(&["completions", "bash", "--region", "eu-west-1"]).code, 0, "they are accepted all the same");
}

#[test]
fn the_commands_of_other_tools_lead_to_ours() {
    for (word, command) in [
        ("install", "setup"),
        ("apply", "setup"),
        ("destroy", "teardown"),
        ("uninstall", "teardown"),
        ("doctor", "status"),
    ] {
        let ran = run(&[word, "--yes"]);
        assert_eq!(ran.code, 64);
        assert!(ran.stderr.contains(&format!("the command is: keyminder {command}")), "{word}: {}", ran.stderr);
    }
    let document: serde_json::Value =
        serde_json::from_str(&run(&["--output", "json", "install"]).stdout).expect("a document");
    assert_eq!(document["error"]["hints"][0], "the command is: keyminder setup");
    let ran = run(&["statsu"]);
    assert!(ran.code == 64 && ran.stderr.contains("status"), "{}", ran.stderr);
}

#[test]
fn the_version_names_the_package_that_setup_would_upload() {
    let text = run(&["version"]);
    assert_eq!(text.code, 0);
    assert!(text.stdout.starts_with(&format!("keyminder {}\n", env!("CARGO_PKG_VERSION"))), "{}", text.stdout);
    let document: serde_json::Value = serde_json::from_str(&run(&["version", "--output", "json"]).stdout).unwrap();
    let digest = document["checkers"][0]["code_sha256"].as_str().unwrap();
    assert!(digest.len() == 44 && text.stdout.contains(digest), "{}", text.stdout);
    let carried = keyminder_bundle::Package::new(keyminder_bundle::available()[0]).unwrap().source();
    assert_eq!(document["checkers"][0]["source"].as_str(), carried);
    assert!(carried.is_none_or(|source| text.stdout.contains(&format!(", source {source}"))), "{}", text.stdout);
    assert_eq!((document["schema"].as_u64(), document["command"].as_str()), (Some(1), Some("version")));
}

#[test]
fn the_help_says_where_the_documentation_is() {
    assert!(run(&["--help"]).stdout.contains("Documentation:"));
}

#[test]
fn a_mistake_on_the_command_line_is_shown_without_anything_from_the_gate() {
    let mistakes: [&[&str]; 5] = [
        &["check", "--format", "xml"],
        &["plan", "--no-such-flag"],
        &["setup", "--timeout", "soon"],
        &["export"],
        &["completions", "shell"],
    ];
    for arguments in mistakes {
        for color in ["never", "always"] {
            let ran = run(&[arguments, &["--color", color]].concat());
            assert_eq!(ran.code, 64, "{ran:#?}");
            assert!(!ran.stderr.contains('\u{fffd}'), "{ran:#?}");
            assert_eq!(ran.stderr.contains('\u{1b}'), color == "always", "{ran:#?}");
        }
    }
}
