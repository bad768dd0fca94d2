//! From any sequence of other people's edits, deletions, faults and kills, one fault-free setup gives an empty plan and
//! one teardown an empty account, with everything foreign untouched.
//!
//! `KEYMINDER_SEQUENCES=5000` tries more of them, `KEYMINDER_SEED` others; a failure names its seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::fmt::Write;
use std::time::Duration;

use keyminder_reconcile::Removal;
use keyminder_sandbox::{Fault, Moment, Options, Seed};
use keyminder_stack::{Spec, Subscription};
use keyminder_testkit::account::edits::{DELETIONS, DRIFT, Edit, add_extras};
use keyminder_testkit::account::{self, Account, CONVERGE, FAULTS, package_with, spec};
use keyminder_testkit::race::Dice;

/// One of several things to want.
fn some_spec(dice: &mut Dice) -> Spec {
    let mut some = spec();
    match dice.roll(5) {
        0 => some.check.max_age_days = 30,
        1 => some.schedule = "rate(12 hours)".into(),
        2 => some.package = package_with("a newer checker"),
        3 => some.notify.subscriptions = Some(vec![Subscription::email("b@example.com")]),
        _ => {}
    }
    if dice.roll(4) == 0 {
        some.tags.insert("team".into(), "security".into());
    }
    some
}

/// One event of the sequence, told in the protocol.
async fn event(account: &Account, dice: &mut Dice, protocol: &mut String) {
    let edits: Vec<Edit> =
        DRIFT.iter().map(|(_, edit)| *edit).chain(DELETIONS.iter().map(|(_, edit, _)| *edit)).collect();
    match dice.roll(8) {
        0..=2 => {
            let which = dice.roll(edits.len());
            writeln!(protocol, "edit {which}").unwrap();
            // An edit of something that is not there is none.
            account.sandbox.edit(|world| {
                let edit = std::panic::AssertUnwindSafe(|| edits[which](world));
                std::panic::catch_unwind(edit).unwrap_or_default();
            });
        }
        3 => {
            writeln!(protocol, "extras").unwrap();
            account.sandbox.edit(|world| {
                let edit = std::panic::AssertUnwindSafe(|| add_extras(world));
                std::panic::catch_unwind(edit).unwrap_or_default();
            });
        }
        4 => {
            let after = dice.roll(60);
            let kind = FAULTS[dice.roll(FAULTS.len())];
            writeln!(protocol, "fault {kind:?} after {after}").unwrap();
            account.sandbox.inject(Fault::new("*", kind).after(after));
            run(account, dice, protocol).await;
            account.sandbox.clear_faults();
        }
        5..=6 => {
            let call = 1 + dice.roll(60);
            let moment = if dice.roll(2) == 0 { Moment::Before } else { Moment::After };
            writeln!(protocol, "kill {moment:?} call {call}").unwrap();
            let gate = account.sandbox.stop_at(call, moment);
            tokio::select! {
                () = gate.reached() => {}
                () = run(account, dice, protocol) => {}
            }
        }
        _ => run(account, dice, protocol).await,
    }
    if dice.roll(2) == 0 {
        account.sandbox.confirm("ops@example.com");
        account.sandbox.confirm("b@example.com");
    }
}

async fn run(account: &Account, dice: &mut Dice, protocol: &mut String) {
    let some = some_spec(dice);
    if dice.roll(4) == 0 {
        writeln!(protocol, "teardown").unwrap();
        let _ = account.try_teardown(&some, Removal { force: dice.roll(2) == 0 }).await;
    } else {
        writeln!(protocol, "setup").unwrap();
        let _ = account.try_setup(&some, CONVERGE).await;
    }
}

async fn sequence(seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    let mut protocol = String::new();
    let mut account = Account::with(Options::instant()).await;
    account.longest_wait = Some(Duration::from_millis(300));
    account.sandbox.seed_users(&Seed { users: 3, old: 1, ..Seed::default() });
    let mut neighbour = spec();
    neighbour.name = "neighbour".into();
    neighbour.notify.subscriptions = Some(vec![Subscription::email("neighbour@example.com")]);
    account.setup(&neighbour).await.expect_right();
    let before = account.sandbox.snapshot();
    for _ in 0..2 + dice.roll(6) {
        event(&account, &mut dice, &mut protocol).await;
    }
    let failed = |what: &str, detail: String| format!("KEYMINDER_SEED={seed}: {what}: {detail}\n{protocol}");
    account.longest_wait = Some(Duration::from_secs(20));
    let run = account.try_setup(&spec(), CONVERGE).await.map_err(|error| failed("setup", error.to_string()))?;
    if !run.is_right() {
        return Err(failed("setup", format!("{:?} {:?}", run.outcome, run.then.map(|plan| account::paths(&plan)))));
    }
    let again = account.plan(&spec(), CONVERGE).await;
    if !again.is_empty() {
        return Err(failed("the plan after it", format!("{:?}", account::paths(&again))));
    }
    let run = account.teardown(&spec(), Removal { force: true }).await;
    if !run.is_right() {
        return Err(failed("teardown", format!("{:?}", run.outcome)));
    }
    let differences = keyminder_reconcile::changes(&before, &account.sandbox.snapshot());
    if !differences.is_empty() {
        return Err(failed("what is left", format!("{differences:?}")));
    }
    Ok(())
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test]
async fn any_sequence_of_edits_faults_and_kills_is_mended_by_one_setup_and_removed_by_one_teardown() {
    // Edits of what is not there panic, by intention and without a word.
    std::panic::set_hook(Box::new(|_| {}));
    let first = number("KEYMINDER_SEED", 1);
    let mut wrong = Vec::new();
    for seed in first..first + number("KEYMINDER_SEQUENCES", 60) {
        wrong.extend(sequence(seed).await.err());
    }
    let _ = std::panic::take_hook();
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}
