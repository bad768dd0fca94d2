//! Ctrl-C and SIGTERM: the calls in flight are finished, what was done and not begun is said, the next run completes;
//! asked twice, it ends at once.

use std::time::{Duration, Instant};

use keyminder_sandbox::Moment;

use crate::install::{Flow, State, no_crash};
use crate::process::{Running, two_at_a_time};
use keyminder_testkit::command::{Ran, unbroken};

const STOPPING: &str = "Stopping once the requests in progress have finished";

/// Holds a run's k-th call, asks it to stop, lets the call go, and has the next run complete the work.
fn interrupted(flow: Flow, k: usize, signal: &str, meant: &State) -> Ran {
    let world = flow.start();
    let gate = world.sandbox.stop_at(k, Moment::Before);
    let mut running = Running::start(world.command(flow.arguments()));
    assert!(running.reaches(&gate), "{flow:?} has no call {k}");
    running.signal(signal);
    running.says(STOPPING);
    drop(gate);
    let ran = running.end();
    no_crash(&ran);
    let wrong = flow.difference(&world, meant);
    assert_eq!(wrong, None, "{flow:?}, {signal} at call {k}, after {ran:#?}");
    ran
}

fn asked_to_stop_anywhere(flow: Flow) {
    let (meant, calls) = flow.uninterrupted();
    let asked: Vec<_> = (1..=calls).step_by(4).zip(["INT", "TERM"].into_iter().cycle()).collect();
    let ends = two_at_a_time(asked, |(k, signal)| (k, interrupted(flow, k, signal, &meant)));
    let mut told_what_was_done = 0;
    for (k, ran) in ends {
        let told = unbroken(&ran.stderr);
        match ran.code {
            // Asked once everything was in flight: nothing was left to leave out, and the run says that all is well.
            0 => {
                let said = unbroken(&ran.stdout);
                assert!(said.contains("In sync") || said.contains("Verified"), "{flow:?} at call {k}: {ran:#?}");
            }
            130 => assert!(told.contains("Interrupted") && !told.contains("error"), "{flow:?} at call {k}: {ran:#?}"),
            _ => panic!("{flow:?} at call {k}: {ran:#?}"),
        }
        told_what_was_done +=
            usize::from(told.contains("changes were made; done: ") && told.contains("; not started: "));
    }
    assert!(told_what_was_done > 0, "no {flow:?} was interrupted in the middle");
}

#[test]
fn a_setup_asked_to_stop_finishes_its_calls_says_what_was_done_and_is_completed_by_the_next() {
    asked_to_stop_anywhere(Flow::Setup);
}

#[test]
fn a_setup_with_changes_asked_to_stop_is_completed_by_the_next() {
    asked_to_stop_anywhere(Flow::Change);
}

#[test]
fn a_teardown_asked_to_stop_is_completed_by_the_next() {
    asked_to_stop_anywhere(Flow::Teardown);
}

#[test]
fn asked_a_second_time_it_ends_at_once_whatever_is_in_flight() {
    for (first, second) in [("INT", "INT"), ("TERM", "INT")] {
        let (meant, calls) = Flow::Setup.uninterrupted();
        let world = Flow::Setup.start();
        let gate = world.sandbox.stop_at(calls / 2, Moment::After);
        let mut running = Running::start(world.command(Flow::Setup.arguments()));
        assert!(running.reaches(&gate));
        running.signal(first);
        running.says(STOPPING);
        let start = Instant::now();
        running.signal(second);
        let ran = running.end();
        assert!(start.elapsed() < Duration::from_secs(2), "it took {:?} with its call still held", start.elapsed());
        assert_eq!(ran.code, 130, "{ran:#?}");
        no_crash(&ran);
        drop(gate);
        assert_eq!(Flow::Setup.difference(&world, &meant), None);
    }
}
