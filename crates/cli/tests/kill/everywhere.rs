//! Killed right before and right after each of its calls; then run again. The figures stand in `docs/reliability.md`.

use std::path::Path;
use std::sync::Mutex;

use keyminder_sandbox::Moment;

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
    record(name, calls, tried);
}

/// Tests of several threads write to the one file.
static DOCUMENT: Mutex<()> = Mutex::new(());
const SECTION: &str = "## Killed at every call";

/// The figures change with the calls, and the document with them.
fn record(name: &str, calls: usize, tried: usize) {
    let _one = DOCUMENT.lock();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reliability.md");
    let row = format!("| {name} | {calls} | {tried} | {tried} |");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, section) = text.split_at(text.find(SECTION).expect("docs/reliability.md has the section"));
    let present = section.lines().find(|line| line.starts_with(&format!("| {name} | "))).unwrap_or_default();
    if std::env::var_os("KEYMINDER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{}", section.replacen(present, &row, 1))).unwrap();
    } else {
        assert_eq!(present, row, "run the tests with KEYMINDER_UPDATE_DOCS=1 to bring docs/reliability.md up to date");
    }
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
