//! Questions, through a pseudo-terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use expectrl::Expect;
use keyminder_testkit::command::{self, EMAIL, World};
use keyminder_testkit::terminal::{exit_code, spawn, spawn_on};

#[test]
fn setup_asks_before_it_changes_anything_and_yes_goes_on() {
    let world = World::new();
    let mut session = spawn(&world, &["setup", "--email", EMAIL]);
    session.expect("Apply 11 changes?").unwrap();
    assert_eq!(world.writes(), 0);
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
}

#[test]
fn anything_but_yes_leaves_the_account_alone() {
    let world = World::new();
    let mut session = spawn(&world, &["setup", "--email", EMAIL]);
    session.expect("Apply ").unwrap();
    session.send_line("").unwrap();
    session.expect("Cancelled. Nothing was changed in the account.").unwrap();
    assert_eq!(exit_code(session), 1);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_plan_that_changed_while_the_person_was_thinking_is_shown_again() {
    let world = World::new();
    world.install();
    world
        .sandbox
        .edit(|account| account.region(command::REGION).rules.values_mut().for_each(|rule| rule.enabled = false));
    let mut session = spawn(&world, &["setup", "--email", EMAIL]);
    session.expect("Apply 1 change?").unwrap();
    world.sandbox.edit(|account| account.region(command::REGION).functions.values_mut().for_each(|f| f.memory = 1024));
    session.send_line("yes").unwrap();
    session.expect("The account changed in the meantime").unwrap();
    session.expect("Apply 2 changes?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
}

#[test]
fn setup_without_options_asks_for_what_it_needs_and_saves_it() {
    let world = World::new();
    let mut session = spawn(&world, &["setup"]);
    session.expect("Email addresses").unwrap();
    session.send_line("nonsense").unwrap();
    session.expect("is not an email address").unwrap();
    session.send_line("ops@example.com").unwrap();
    session.expect("Limit in days").unwrap();
    session.send_line("60").unwrap();
    session.expect("Schedule").unwrap();
    session.send_line("").unwrap();
    session.expect("Save these settings to keyminder.toml").unwrap();
    session.send_line("yes").unwrap();
    session.expect("Apply 11 changes?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
    world.ok(&["plan", "--exit-code"]);
    let saved = std::fs::read_to_string(world.home.path().join("keyminder.toml")).unwrap();
    assert!(saved.contains("max_age_days = 60") && saved.contains("ops@example.com"), "{saved}");
}

#[test]
fn an_interruption_at_a_question_exits_with_130_and_changes_nothing() {
    let world = World::new();
    let mut session = spawn(&world, &["setup", "--email", EMAIL]);
    session.expect("Apply ").unwrap();
    session.send([3]).unwrap();
    assert_eq!(exit_code(session), 130);
    assert_eq!(world.writes(), 0);
}

#[test]
fn what_was_given_as_flags_is_saved_with_the_answers() {
    let world = World::new();
    let flags = ["--repeat-days", "7", "--tag", "team=x", "--log-retention-days", "30", "--name", "audit"];
    let mut session = spawn(&world, &[&["setup"][..], &flags].concat());
    session.expect("Email addresses").unwrap();
    session.send_line("ops@example.com").unwrap();
    session.expect("Limit in days").unwrap();
    session.send_line("").unwrap();
    session.expect("Schedule").unwrap();
    session.send_line("").unwrap();
    session.expect("Save these settings to keyminder.toml").unwrap();
    session.send_line("").unwrap();
    session.expect("Apply 11 changes?").unwrap();
    session.send_line("yes").unwrap();
    session.expect("In sync").unwrap();
    assert_eq!(exit_code(session), 0);
    world.ok(&["plan", "--exit-code"]);
}

#[test]
fn the_end_of_the_input_at_a_question_changes_nothing() {
    let world = World::new();
    let mut session = spawn(&world, &["setup", "--email", EMAIL]);
    session.expect("Apply ").unwrap();
    session.send([4]).unwrap();
    session.expect("no answer was given").unwrap();
    assert_eq!(exit_code(session), 64);
    assert_eq!(world.writes(), 0);
}

#[test]
fn on_a_terminal_that_can_do_more_a_line_can_be_edited() {
    let world = World::new();
    let mut session = spawn_on(&world, "xterm", &["setup"]);
    session.expect("Email addresses").unwrap();
    // Ctrl-U takes away what stands there.
    session.send("wrong\u{15}ops@example.com\r").unwrap();
    session.expect("Limit in days").unwrap();
    session.send([3]).unwrap();
    session.expect("Nothing was changed in the account").unwrap();
    assert_eq!(exit_code(session), 130);
}
