//! Two runs at once in one account, as two processes: none crashes, and what they leave a further run mends.

use std::time::Duration;

use crate::install::{Flow, State, no_crash};
use crate::process::{Running, two_at_a_time};

/// After this a person who watches presses Ctrl-C: a role that the other run deleted is waited for two minutes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the account begins, the two that run, and by how much the second starts later.
type Race = (Flow, [Flow; 2], u64);

fn race((start, flows, delay): Race, installed: &State, empty: &State) {
    let world = start.start();
    // Long enough a call for the two to meet, whichever is first.
    world.sandbox.latency(Duration::from_millis(4));
    let first = Running::start(world.command(flows[0].arguments()));
    std::thread::sleep(Duration::from_millis(delay));
    let second = Running::start(world.command(flows[1].arguments()));
    for running in [first, second] {
        let ran = running.end_within(PATIENCE);
        no_crash(&ran);
        assert!([0, 1, 130].contains(&ran.code), "{ran:#?}");
        // Who interrupts a run knows why it ended.
        let explained = ran.stderr.contains("hint: ") || ran.code == 130 && ran.stderr.contains("Interrupted");
        assert!(ran.code == 0 || explained, "an error without a hint: {ran:#?}");
    }
    world.sandbox.latency(Duration::ZERO);
    // What is pending nobody can unsubscribe; it lapses.
    world.sandbox.confirm("audit@example.com");
    let ran = world.ok(Flow::Setup.arguments());
    // The boundary that one of them set stays, as it only narrows what the role can do; its owner removes it.
    world.sandbox.edit(|aws| aws.iam.roles.values_mut().for_each(|role| role.boundary = None));
    // A subscription that one of them removed was confirmed before; made again it is not.
    world.sandbox.confirm(keyminder_testkit::command::EMAIL);
    let wrong = State::of(&world).account_difference(installed);
    assert_eq!(wrong, None, "{start:?}, {flows:?}, {delay} ms: {ran:#?}");
    world.ok(Flow::Teardown.arguments());
    assert_eq!(State::of(&world).account_difference(empty), None, "{start:?}, {flows:?}, {delay} ms");
}

fn races(start: Flow, flows: [Flow; 2]) {
    let world = Flow::Change.start();
    let installed = State::of(&world);
    let empty = State::of(&Flow::Setup.start());
    let all: Vec<Race> = [0, 20, 60].map(|delay| (start, flows, delay)).into();
    two_at_a_time(all, |one| race(one, &installed, &empty));
}

#[test]
fn two_first_setups_at_once_leave_one_whole_install() {
    races(Flow::Setup, [Flow::Setup, Flow::Setup]);
}

#[test]
fn two_setups_at_once_that_want_different_things_leave_nothing_that_a_further_one_does_not_mend() {
    races(Flow::Setup, [Flow::Setup, Flow::Change]);
    races(Flow::Change, [Flow::Setup, Flow::Change]);
}

#[test]
fn a_setup_against_a_teardown_leaves_nothing_that_a_further_run_does_not_mend() {
    races(Flow::Setup, [Flow::Setup, Flow::Teardown]);
    races(Flow::Teardown, [Flow::Teardown, Flow::Setup]);
    races(Flow::Change, [Flow::Change, Flow::Teardown]);
}

#[test]
fn two_teardowns_at_once_leave_nothing() {
    races(Flow::Teardown, [Flow::Teardown, Flow::Teardown]);
}
