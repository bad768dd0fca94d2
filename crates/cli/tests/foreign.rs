//! What others added to an installation: every command names it, nothing but a person's word removes it, and only the
//! file allows it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;

use expectrl::Expect;
use keyminder_testkit::account::edits::{HIJACKS, Hijack, TAGGED};
use keyminder_testkit::command::{EMAIL, World, contains, unbroken};
use keyminder_testkit::terminal::{exit_code, spawn};
use serde_json::Value;

const QUEUE: &str = "sqs=arn:aws:sqs:us-east-1:123456789012:queue";

/// An installation that two subscribers listen to.
fn installed() -> World {
    let world = World::new();
    world.ok(&with(&["setup", "--yes"]));
    world.sandbox.confirm(EMAIL);
    world
}

fn with<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [command, &["--email", EMAIL, "--subscribe", QUEUE]].concat()
}

fn hijacked((_, _, _, edit): &Hijack) -> World {
    let world = installed();
    world.sandbox.edit(edit);
    world
}

/// Takes keyminder's tags off everything, as if somebody had set it up by hand.
fn without_tags(world: &World) {
    world.sandbox.edit(|account| {
        for (_, remove) in TAGGED {
            for tag in ["managed-by", "keyminder:install", "keyminder:region"] {
                remove(account, tag);
            }
        }
    });
}

/// Whether a text has the address and the words, however it was broken into lines.
fn names(text: &str, (_, address, words, _): &Hijack) -> bool {
    let text = unbroken(text);
    text.contains(address) && text.contains(words)
}

fn mark(named: bool) -> &'static str {
    if named { "yes" } else { "**no**" }
}

#[test]
fn every_hijack_is_named_by_plan_status_and_adopt_and_is_a_difference_to_both_exit_codes() {
    let mut table = String::from(
        "| what others added | at | `plan` | `status` | `setup --adopt` |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut wrong = Vec::new();
    for hijack in HIJACKS {
        let (what, address, ..) = hijack;
        let world = hijacked(hijack);
        let plan = world.run(&with(&["plan", "--exit-code"]));
        let status = world.run(&with(&["status", "--exit-code"]));
        let conclusion = world.run(&with(&["status", "--quiet"]));
        let bare = world.run(&["status", "--exit-code"]);
        without_tags(&world);
        let adopt = world.run(&with(&["setup", "--adopt", "--yes"]));
        let listed = unbroken(&adopt.stdout);
        let named = [
            plan.code == 2 && names(&plan.stdout, hijack),
            status.code == 2 && bare.code == 2 && names(&conclusion.stdout, hijack) && names(&bare.stdout, hijack),
            adopt.code == 0 && names(&listed, hijack),
        ];
        if named.contains(&false) {
            wrong.push(format!("{what}: {named:?} {plan:#?} {conclusion:#?} {bare:#?} {adopt:#?}"));
        }
        let [plan, status, adopt] = named.map(mark);
        let _ = writeln!(table, "| {what} | `{address}` | {plan} | {status} | {adopt} |");
        assert_eq!(world.run(&with(&["plan", "--exit-code"])).code, 2, "{what}: adopting it does not allow it");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    record("hijacks", &table);
}

/// The table stands in `docs/security.md`, between two comments.
fn record(name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (from, to) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&from).expect("the table's place");
    let (present, after) = rest.split_once(&to).expect("the table's end");
    if std::env::var_os("KEYMINDER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{from}{table}{to}{after}")).unwrap();
    } else {
        assert_eq!(present, table, "run the tests with KEYMINDER_UPDATE_DOCS=1 to bring docs/security.md up to date");
    }
}

#[test]
fn the_documents_list_it_with_who_gains_and_what_would_allow_it() {
    for hijack in HIJACKS {
        let world = hijacked(hijack);
        let (_, plan) = world.json(&with(&["plan"]));
        let (_, status) = world.json(&with(&["status"]));
        for document in [&plan, &status] {
            let extras = document["extras"].as_array().unwrap();
            let concern = extras.iter().find(|extra| extra["address"] == hijack.1).unwrap();
            assert!(concern["what"].as_str().unwrap().contains(hijack.2), "{}: {concern:#}", hijack.0);
            assert_eq!(concern["allowed"], false, "{}", hijack.0);
            assert_ne!(concern["effect"], "none", "{}", hijack.0);
            assert!(["warning", "critical"].contains(&concern["severity"].as_str().unwrap()), "{}", hijack.0);
            assert_eq!(concern["removable"], true, "{}", hijack.0);
        }
        assert_eq!(status["ok"], false);
        let allowed: String = entries(&plan);
        world.write("keyminder.toml", &allowed);
        let (code, plan) = world.json(&with(&["plan", "--exit-code"]));
        assert_eq!(code, 0, "{}: {allowed} {plan:#}", hijack.0);
        assert!(plan["extras"].as_array().unwrap().iter().any(|extra| extra["allowed"] == true), "{plan:#}");
        let (_, status) = world.json(&with(&["status", "--exit-code"]));
        assert_eq!(status["ok"], true, "{}: {status:#}", hijack.0);
    }
}

/// A file that allows everything of others in a document, by the entries that the document suggests.
fn entries(document: &Value) -> String {
    let mut file = String::from("[allow]\n");
    let mut by_address = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for extra in document["extras"].as_array().unwrap() {
        let entry = extra["allowed_by"].as_str().unwrap();
        by_address.entry(extra["address"].as_str().unwrap()).or_default().push(entry);
    }
    for (address, entries) in by_address {
        let _ = writeln!(file, "{address} = {entries:?}");
    }
    file
}

#[test]
fn yes_never_removes_it_and_says_that_it_stays() {
    for hijack in HIJACKS {
        let world = hijacked(hijack);
        let before = world.sandbox.snapshot();
        let ran = world.ok(&with(&["setup", "--yes"]));
        assert_eq!(world.sandbox.snapshot(), before, "{}", hijack.0);
        contains(&ran.stdout, &["others added", &format!("keyminder setup --remove-foreign {}", hijack.1)]);
    }
}

#[test]
fn remove_foreign_removes_it_and_nothing_else() {
    for hijack in HIJACKS {
        let world = installed();
        let before = world.sandbox.snapshot();
        world.sandbox.edit(hijack.3);
        let elsewhere = if hijack.1 == "events_target" { "sns_topic" } else { "events_target" };
        let ran = world.ok(&with(&["setup", "--yes", "--remove-foreign", elsewhere]));
        contains(&ran.stdout, &[&format!("{elsewhere}: there is nothing of others to remove.")]);
        assert_eq!(world.run(&with(&["plan", "--exit-code"])).code, 2, "{}", hijack.0);
        let (code, document) = world.json(&with(&["setup", "--yes", "--remove-foreign", hijack.1]));
        assert_eq!(code, 0, "{}: {document:#}", hijack.0);
        assert_eq!(document["applied"], true);
        assert_eq!(document["removed"][0]["address"], hijack.1, "{document:#}");
        assert!(document["extras"].as_array().unwrap().is_empty(), "{}: {document:#}", hijack.0);
        world.ok(&with(&["plan", "--exit-code"]));
        world.ok(&with(&["status", "--exit-code"]));
        // Whoever gained by it is not keyminder's to delete.
        world.sandbox.edit(|account| {
            account.iam.users.clear();
            account.iam.user_policies.clear();
        });
        assert_eq!(world.sandbox.snapshot(), before, "{}", hijack.0);
    }
}

#[test]
fn on_a_terminal_setup_asks_about_each_and_does_what_is_answered() {
    let world = installed();
    world.sandbox.edit(HIJACKS[1].3);
    world.sandbox.edit(HIJACKS[4].3);
    let mut session = spawn(&world, &with(&["setup"]));
    session.expect("others added").unwrap();
    session.expect("Remove it?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("Remove it?").unwrap();
    session.send_line("").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
    let (_, plan) = world.json(&with(&["plan"]));
    assert_eq!(plan["extras"].as_array().unwrap().len(), 1, "one was kept: {:#}", plan["extras"]);
}

#[test]
fn an_answer_of_no_leaves_everything_and_asks_nothing_else() {
    let world = hijacked(&HIJACKS[1]);
    let before = world.sandbox.snapshot();
    let mut session = spawn(&world, &with(&["setup"]));
    session.expect("Remove it?").unwrap();
    session.send_line("no").unwrap();
    assert_eq!(exit_code(session), 0);
    assert_eq!(world.sandbox.snapshot(), before);
}

#[test]
fn adopting_on_a_terminal_lists_it_and_asks() {
    let world = hijacked(&HIJACKS[1]);
    without_tags(&world);
    let mut session = spawn(&world, &with(&["setup", "--adopt"]));
    session.expect("anybody may").unwrap();
    session.expect("Remove it?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("Remove 1 thing that others added and apply ").unwrap();
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
    world.ok(&with(&["plan", "--exit-code"]));
}

#[test]
fn declining_the_changes_removes_nothing() {
    let world = hijacked(&HIJACKS[1]);
    without_tags(&world);
    let before = world.sandbox.snapshot();
    let mut session = spawn(&world, &with(&["setup", "--adopt"]));
    session.expect("Remove it?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("and apply ").unwrap();
    session.send_line("no").unwrap();
    session.expect("Nothing was changed in the account.").unwrap();
    assert_eq!(exit_code(session), 1);
    assert_eq!(world.sandbox.snapshot(), before);
}

#[test]
fn remove_foreign_without_yes_has_to_be_confirmed() {
    let world = hijacked(&HIJACKS[1]);
    let ran = world.run(&with(&["setup", "--remove-foreign", "lambda_permission"]));
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["cannot ask for confirmation"]);
    let ran = world.run(&with(&["setup", "--yes", "--remove-foreign", "lambda"]));
    assert_eq!(ran.code, 64, "{ran:#?}");
    let mut session = spawn(&world, &with(&["setup", "--remove-foreign", "lambda_permission"]));
    session.expect("Remove 1 thing that others added?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
}

/// Subscribers that somebody else added, and the tags that would make them look like keyminder's.
#[test]
fn another_accounts_subscriber_never_makes_a_yes_even_if_it_is_recorded() {
    let world = World::new();
    let theirs = "sqs=arn:aws:sqs:us-east-1:999999999999:theirs";
    world.ok(&["setup", "--yes", "--subscribe", theirs]);
    world.ok(&["status", "--exit-code", "--subscribe", theirs]);
    let ran = world.run(&["status", "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    contains(&ran.stdout, &["999999999999", "there is no confirmed subscription"]);
}

#[test]
fn an_address_that_another_account_subscribed_has_to_be_declared() {
    let world = World::new();
    world.install();
    world.sandbox.confirm(EMAIL);
    world.ok(&["status", "--exit-code"]);
    world.sandbox.edit(|account| {
        for subscription in &mut account.region(keyminder_testkit::command::REGION).subscriptions {
            subscription.owner = "999999999999".into();
        }
    });
    let ran = world.run(&["status", "--exit-code"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    contains(&ran.stdout, &["999999999999", "there is no confirmed subscription"]);
    world.ok(&["status", "--exit-code", "--email", EMAIL]);
}
