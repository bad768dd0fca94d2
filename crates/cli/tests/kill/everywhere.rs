//! Killed right before and right after each of its calls; then run again. The figures stand in `docs/reliability.md`.

use keyminder_sandbox::Moment;
use keyminder_testkit::figures::record;

use crate::install::{Flow, State};
use crate::process::{Running, two_at_a_time};

/// Kills a run at its k-th call and mends it. What went wrong, if anything did.
fn try_kill(flow: Flow, mending: Flow, k: usize, moment: Moment, meant: &State) -> Option<String> {
    let world = flow.start();
    let gate = world.sandbox.stop_at(k, moment);
    let mut running = Running::start(world.command(flow.arguments()));
    if !running.reaches(&gate) {
        return Some(format!("{moment:?} call {k}: it ended before: {:#?}", running.end()));
    }
    running.kill();
    drop(gate);
    let calls = world.sandbox.calls();
    let wrong = mending.difference(&world, meant)?;
    let last = calls.last().map(|call| format!("{}:{}", call.service, call.operation)).unwrap_or_default();
    Some(format!("{moment:?} call {k} (the last to arrive: {last}): {wrong}"))
}

/// Every call of `flow`, both ways, with `mending` as the next run; `meant` is what that one is to leave.
fn everywhere(name: &str, flow: Flow, mending: Flow, meant: &State) {
    let (_, calls) = flow.uninterrupted();
    let kills: Vec<_> = (1..=calls).flat_map(|k| [(k, Moment::Before), (k, Moment::After)]).collect();
    let tried = kills.len();
    let results = two_at_a_time(kills, |(k, moment)| try_kill(flow, mending, k, moment, meant));
    let wrong: Vec<_> = results.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {tried} not mended: {}", wrong.len(), wrong.join("\n"));
    let [calls, tried] = [calls, tried].map(|count| count.to_string());
    record("Killed at every call", &[name, &calls, &tried, &tried]);
}

#[test]
fn a_setup_killed_at_any_call_is_completed_by_the_next() {
    everywhere("setup", Flow::Setup, Flow::Setup, &Flow::Setup.uninterrupted().0);
}

#[test]
fn a_setup_with_changes_killed_at_any_call_is_completed_by_the_next() {
    everywhere("setup with changes", Flow::Change, Flow::Change, &Flow::Change.uninterrupted().0);
}

#[test]
fn a_teardown_killed_at_any_call_is_completed_by_the_next() {
    everywhere("teardown", Flow::Teardown, Flow::Teardown, &Flow::Teardown.uninterrupted().0);
}
