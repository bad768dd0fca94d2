//! What others wrote reaches nobody as more than text, and no password that was given in a URL is shown or kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keyminder_sandbox::Seed;
use keyminder_testkit::command::{Ran, World, finish};

/// A terminal's commands, in one byte and in two, hidden and turning characters.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{200b}\u{8}";

#[track_caller]
fn is_clean(ran: &Ran) {
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let bad = text.chars().find(|&c| {
            (c.is_control() && !"\n\t\u{1b}".contains(c))
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        });
        assert_eq!(bad, None, "{name}: {text:?}");
        assert!(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}]"), "{name}: {text:?}");
    }
}

#[test]
fn log_events_tags_and_names_of_others_cannot_command_the_terminal() {
    let world = World::new();
    world.sandbox.seed_users(&Seed { users: 2, old: 2, ..Seed::default() });
    world.install();
    world.sandbox.edit(|aws| {
        let here = aws.regions.values_mut().next().unwrap();
        for topic in here.topics.values_mut() {
            topic.attributes.insert("DisplayName".to_owned(), HOSTILE.to_owned());
            topic.tags.insert("note".to_owned(), HOSTILE.to_owned());
        }
        for user in aws.iam.users.values_mut() {
            user.tags.insert("keyminder:owner".to_owned(), HOSTILE.to_owned());
        }
    });
    for arguments in [
        &["status", "--color", "always"][..],
        &["plan", "-v", "--color", "always"],
        &["plan", "-v", "--output", "json"],
        &["status", "--output", "json"],
        &["check", "--color", "always"],
        &["check", "--format", "csv"],
        &["check", "--format", "html"],
        &["check", "--output", "json"],
        &["check", "--notice"],
    ] {
        let ran = world.run(arguments);
        is_clean(&ran);
        if arguments.contains(&"json") {
            serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap();
        }
    }
}

#[test]
fn command_lines_and_files_cannot_command_the_terminal() {
    let world = World::new();
    world.write("keyminder.toml", &format!("'{}' = 1\n", HOSTILE.replace(['\u{7}', '\u{8}', '\u{1b}'], "")));
    is_clean(&world.run(&["plan", "--color", "always"]));
    world.write("keyminder.toml", "");
    for (name, value) in [("AWS_ENDPOINT_URL", HOSTILE), ("AWS_PROFILE", HOSTILE), ("AWS_REGION", HOSTILE)] {
        let mut command = world.command(&["plan", "--color", "always"]);
        command.env(name, value);
        is_clean(&finish(command));
    }
    for flag in
        ["--email", "--name", "--account", "--schedule", "--subscribe", "--endpoint-url", "--region", "--no-such"]
    {
        is_clean(&world.run(&["plan", flag, HOSTILE, "--color", "always"]));
        is_clean(&world.run(&["plan", flag, HOSTILE, "--output", "json"]));
    }
}

#[test]
fn a_saved_table_holds_no_escape_sequence() {
    let world = World::seeded(3, 2);
    world.ok(&["check", "--color", "always", "--save", "keys.txt"]);
    let saved = std::fs::read_to_string(world.home.path().join("keys.txt")).unwrap();
    assert!(saved.contains("old") && !saved.contains('\u{1b}'), "{saved:?}");
}

#[test]
fn a_password_in_a_subscribed_url_is_neither_shown_nor_recorded_and_matches_what_sns_lists() {
    let world = World::new();
    let url = "https=https://user:pa55word@example.com/hook";
    let ran = world.ok(&["setup", "--yes", "-v", "--subscribe", url]);
    assert!(!ran.stdout.contains("pa55word") && !ran.stderr.contains("pa55word"), "{ran:#?}");
    assert!((ran.stdout + &ran.stderr).contains("user:****@example.com"));
    let snapshot = world.sandbox.edit(|aws| {
        let here = aws.regions.values().next().unwrap();
        assert_eq!(here.subscriptions[0].endpoint, "https://user:pa55word@example.com/hook", "SNS needs it");
        format!("{:?}", here.topics.values().map(|topic| topic.tags.clone()).collect::<Vec<_>>())
    });
    assert!(!snapshot.contains("pa55word") && !snapshot.contains("example.com/hook"), "{snapshot}");
    for arguments in [&["plan", "--exit-code", "--subscribe", url][..], &["status", "--subscribe", url], &["plan"]] {
        let ran = world.run(arguments);
        assert!(!ran.stdout.contains("pa55word") && !ran.stderr.contains("pa55word"), "{ran:#?}");
        assert!(arguments[0] == "status" || ran.code == 0, "{ran:#?}");
    }
    assert_eq!(world.run(&["confirm", "--resend"]).code, 64, "the password is not known");
    world.ok(&["confirm", "--resend", "https://user:pa55word@example.com/hook"]);
    let calls = world.sandbox.edit(|aws| aws.regions.values().next().unwrap().subscriptions.len());
    assert_eq!(calls, 1, "sent again to the same subscription");
}

#[test]
fn a_password_in_an_endpoint_is_never_shown() {
    let world = World::new();
    let url = world.sandbox.url().replace("http://", "http://user:pa55word@");
    for arguments in [&["plan"][..], &["plan", "--output", "json"], &["check"], &["plan", "--account", "999999999999"]]
    {
        let ran = world.run(&[arguments, &["--endpoint-url", &url]].concat());
        assert!(!ran.stdout.contains("pa55word") && !ran.stderr.contains("pa55word"), "{ran:#?}");
    }
}
