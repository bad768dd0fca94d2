//! `keyminder check` in all its forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keyminder_sandbox::{Fault, FaultKind};
use keyminder_testkit::command::World;
use serde_json::Value;

#[test]
fn the_table_says_which_keys_are_old_and_shows_their_ages() {
    let ran = World::seeded(12, 3).ok(&["check"]);
    assert!(ran.stdout.contains("account 123456789012"), "{ran:#?}");
    assert!(ran.stdout.contains("limit: 90 days") && ran.stdout.contains("✗ 3 keys are over the limit."), "{ran:#?}");
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("old ")).count(), 3, "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
}

#[test]
fn the_document_has_the_shape_of_the_contract() {
    let (code, document) = World::seeded(12, 3).json(&["check"]);
    assert_eq!(code, 0);
    assert_eq!((&document["schema"], &document["command"]), (&1.into(), &"check".into()));
    assert_eq!(document["max_age_days"], 90);
    assert!(document["as_of"].is_string() && document["summary"]["old"] == 3);
    for key in document["keys"].as_array().unwrap() {
        for name in ["user", "access_key_id", "status", "created", "age_days", "last_used", "verdict"] {
            assert!(key.get(name).is_some(), "{name} is not in {key}");
        }
    }
}

#[test]
fn the_exit_code_tells_of_old_keys_only_when_asked() {
    let world = World::seeded(12, 3);
    assert_eq!(world.run(&["check"]).code, 0);
    assert_eq!(world.run(&["check", "--exit-code"]).code, 2);
    assert_eq!(World::seeded(12, 0).run(&["check", "--exit-code"]).code, 0);
}

#[test]
fn a_date_ahead_shows_what_will_be_old_by_then() {
    let world = World::seeded(12, 0);
    let (_, now) = world.json(&["check"]);
    let (_, then) = world.json(&["check", "--at", "2040-01-01"]);
    assert_eq!(now["summary"]["old"], 0);
    assert_eq!(then["as_of"], "2040-01-01T00:00:00Z");
    assert!(then["summary"]["old"].as_u64() > Some(0));
    assert_eq!(world.run(&["check", "--at", "soon"]).code, 64);
}

#[test]
fn every_form_changes_its_verdict_between_the_second_of_the_limit_and_the_next() {
    let world = World::seeded(12, 3);
    let (_, found) = world.json(&["check", "--all"]);
    let keys = found["keys"].as_array().unwrap();
    let only_key = |key: &&Value| keys.iter().filter(|other| other["user"] == key["user"]).count() == 1;
    let key = keys.iter().filter(only_key).find(|key| key["status"] == "Active").unwrap();
    let user = key["user"].as_str().unwrap();
    let due_at: jiff::Timestamp = key["due_at"].as_str().unwrap().parse().unwrap();
    for (seconds, verdict, age) in [(0, "fresh", "90 d "), (1, "old", "90 d 1 s "), (7_300, "old", "90 d 2 h ")] {
        let at = (due_at + jiff::SignedDuration::from_secs(seconds)).to_string();
        let check = |format: &str| {
            world.run(&["check", "--all", "--user", user, "--exit-code", "--at", &at, "--format", format])
        };
        let ran = check("table");
        assert_eq!(ran.code, if verdict == "old" { 2 } else { 0 }, "{ran:#?}");
        assert!(ran.stdout.lines().any(|line| line.starts_with(verdict) && line.contains(age)), "{}", ran.stdout);
        let (_, document) = world.json(&["check", "--all", "--user", user, "--at", &at]);
        let key = &document["keys"][0];
        assert_eq!((&key["verdict"], &key["age_days"]), (&verdict.into(), &90.into()), "{key}");
        assert_eq!((&key["over_by_seconds"], &key["over_limit"]), (&seconds.into(), &(seconds > 0).into()), "{key}");
        let csv = check("csv").stdout;
        let (header, row) = csv.trim_end().split_once('\n').unwrap();
        let column = |name| row.split(',').nth(header.split(',').position(|found| found == name).unwrap()).unwrap();
        assert_eq!((column("verdict"), column("over_by_seconds")), (verdict, seconds.to_string().as_str()), "{csv}");
        let page = check("html").stdout;
        assert_eq!(page.contains("✗ 1 key of users named"), verdict == "old", "{page}");
        assert_eq!(page.contains("90 days and "), verdict == "old", "the page says by how much it is over");
    }
}

#[test]
fn csv_has_one_line_for_each_key() {
    let world = World::seeded(12, 3);
    let (_, document) = world.json(&["check"]);
    let ran = world.ok(&["check", "--format", "csv"]);
    assert_eq!(ran.stdout.lines().count(), document["keys"].as_array().unwrap().len() + 1);
    assert!(ran.stdout.starts_with("account,as_of,user,access_key_id,"));
}

#[test]
fn the_page_is_one_file_with_verdict_histogram_table_and_controls() {
    let world = World::seeded(12, 3);
    world.ok(&["check", "--format", "html", "--save", "keys.html"]);
    let page = std::fs::read_to_string(world.home.path().join("keys.html")).unwrap();
    for part in ["3 keys are over the limit", "limit: 90 days", "<table class=\"keys\">", "1.14", "2.12", "fail"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_notice_is_shown_in_the_words_that_would_be_sent() {
    let world = World::seeded(12, 3);
    let ran = world.ok(&["check", "--notice"]);
    assert!(ran.stdout.contains("Subject:") && ran.stdout.contains("OVER THE LIMIT"), "{ran:#?}");
    let ran = world.ok(&["check", "--notice=per-key"]);
    assert_eq!(ran.stdout.matches(" For User: ").count(), 3, "{ran:#?}");
    let none = World::seeded(12, 0).ok(&["check", "--notice"]);
    assert!(none.stdout.contains("Nothing would be sent."));
}

#[test]
fn what_could_not_be_read_is_never_clean() {
    let world = World::seeded(12, 0);
    world.sandbox.inject(Fault::new("iam:ListAccessKeys", FaultKind::AccessDenied).nth(2));
    let ran = world.run(&["check", "--exit-code"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stdout.contains("not read:") && ran.stdout.contains("unknown"), "{ran:#?}");
    assert!(!ran.stdout.contains('✓'), "{ran:#?}");
}

#[test]
fn where_nothing_can_be_read_it_fails_and_names_the_permission() {
    let world = World::seeded(3, 0);
    world.sandbox.inject(Fault::new("iam:ListUsers", FaultKind::AccessDenied).always());
    let (code, document) = world.json(&["check"]);
    assert_eq!(code, 1);
    assert_eq!(document["error"]["operation"], "iam:ListUsers", "{document:#}");
}

#[test]
fn one_user_alone_can_be_checked() {
    let world = World::seeded(12, 3);
    let (_, all) = world.json(&["check"]);
    let user = all["keys"][0]["user"].as_str().unwrap();
    let (_, one) = world.json(&["check", "--user", user]);
    assert_eq!(one["summary"]["users"], 1);
    assert!(one["keys"].as_array().unwrap().iter().all(|key| key["user"] == user));
}

#[test]
fn a_check_that_takes_too_long_shows_what_it_read_and_fails() {
    let world = World::seeded(60, 20);
    world.sandbox.latency(std::time::Duration::from_millis(400));
    let (code, document) = world.json(&["check", "--timeout", "3s"]);
    assert_eq!(
        (code, &document["complete"], &document["stopped_early"]),
        (1, &false.into(), &true.into()),
        "{document}"
    );
    world.sandbox.latency(std::time::Duration::ZERO);
    assert_eq!(world.json(&["check", "--timeout", "1h"]).1["complete"], true);
    for bad in ["0s", "15", "m", "25h", "99999999999999999999s", "-1s", ""] {
        assert_eq!(world.run(&["check", &format!("--timeout={bad}")]).code, 64, "{bad}");
    }
}
