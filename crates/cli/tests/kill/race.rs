//! Two runs at once in one account, as two processes, call by call in an order that a seed decides: neither crashes, and
//! a further run repairs whatever they leave. The stack's own test of this explores far more orders.

use keyminder_sandbox::Call;
use keyminder_testkit::race::race as in_order;
use tokio::sync::oneshot;

use crate::install::{Flow, State, no_crash};
use crate::process::{Running, two_at_a_time};

/// Where the account begins, the two that run, and the order of their calls.
type Race = (Flow, [Flow; 2], u64);

/// Whether a run waits for something that the other one deleted, for which it allows up to two minutes. A person would
/// press Ctrl-C now.
fn waits_in_vain(calls: &[Call], user: &str) -> bool {
    let own: Vec<_> = calls.iter().filter(|call| call.caller.arn() == user).collect();
    let same = |calls: &[&Call]| calls.windows(2).all(|two| two[0].operation == two[1].operation);
    // The first is a wait for one thing, the second a verification that finds the account changed each time.
    own.last_chunk::<6>().is_some_and(|last| last[0].write && same(last)) || own.len() > 200
}

fn race((start, flows, seed): Race, installed: &State, empty: &State) {
    let world = start.start();
    let users = ["one", "other"].map(|name| world.sandbox.add_user(name));
    let turnstile = world.sandbox.turnstile();
    let ran = std::thread::scope(|scope| {
        let [first, second] = [0, 1].map(|which| {
            let (user, credentials) = &users[which];
            let mut command = world.command(flows[which].arguments());
            command
                .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
                .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
            let (ended, end) = oneshot::channel();
            let sandbox = &world.sandbox;
            scope.spawn(move || ended.send(Running::start(command).end_or(|| waits_in_vain(&sandbox.calls(), user))));
            async { end.await.unwrap() }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (first, second) = runtime.block_on(in_order(turnstile, seed, (&users[0].0, first), (&users[1].0, second)));
        [first, second]
    });
    for ran in ran {
        no_crash(&ran);
        assert!([0, 1, 130].contains(&ran.code), "{ran:#?}");
        // Someone who interrupts a run knows why it ended.
        let explained = ran.stderr.contains("hint: ") || ran.code == 130 && ran.stderr.contains("Interrupted");
        assert!(ran.code == 0 || explained, "an error without a hint: {ran:#?}");
    }
    // Nobody can unsubscribe a pending address. It lapses.
    world.sandbox.confirm("audit@example.com");
    let ran = world.ok(Flow::Setup.arguments());
    // The boundary that one of them set stays, as it only narrows what the role can do. Its owner removes it.
    world.sandbox.edit(|aws| aws.iam.roles.values_mut().for_each(|role| role.boundary = None));
    // A subscription that one of them removed was confirmed; the new one is not.
    world.sandbox.confirm(keyminder_testkit::command::EMAIL);
    let wrong = State::of(&world).account_difference(installed);
    assert_eq!(wrong, None, "{start:?}, {flows:?}, seed {seed}: {ran:#?}");
    world.ok(Flow::Teardown.arguments());
    assert_eq!(State::of(&world).account_difference(empty), None, "{start:?}, {flows:?}, seed {seed}");
}

fn races(start: Flow, flows: [Flow; 2]) {
    let world = Flow::Change.start();
    let installed = State::of(&world);
    let empty = State::of(&Flow::Setup.start());
    let all: Vec<Race> = (1000..1003).map(|seed| (start, flows, seed)).collect();
    two_at_a_time(all, |one| race(one, &installed, &empty));
}

#[test]
fn two_first_setups_at_once_leave_one_whole_installation() {
    races(Flow::Setup, [Flow::Setup, Flow::Setup]);
}

#[test]
fn two_setups_at_once_that_want_different_things_leave_nothing_that_a_further_one_does_not_repair() {
    races(Flow::Setup, [Flow::Setup, Flow::Change]);
    races(Flow::Change, [Flow::Setup, Flow::Change]);
}

#[test]
fn a_setup_against_a_teardown_leaves_nothing_that_a_further_run_does_not_repair() {
    races(Flow::Setup, [Flow::Setup, Flow::Teardown]);
    races(Flow::Teardown, [Flow::Teardown, Flow::Setup]);
    races(Flow::Change, [Flow::Change, Flow::Teardown]);
}

#[test]
fn two_teardowns_at_once_leave_nothing() {
    races(Flow::Teardown, [Flow::Teardown, Flow::Teardown]);
}
