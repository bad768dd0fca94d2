//! Two runs at once in one account, call by call in an order that a seed decides: whatever they leave, one further setup
//! repairs and one teardown removes.
//!
//! `KEYMINDER_INTERLEAVINGS=1000` tries more orders of each pair, `KEYMINDER_SEED` other ones. A failure names its seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::time::Duration;

use futures::stream::{StreamExt, iter};
use keyminder_reconcile::{CancellationToken, Purpose, Removal, Silent};
use keyminder_sandbox::{Credentials, Options, World};
use keyminder_stack::{Error, Spec, Subscription};
use keyminder_testkit::account::{Account, CONVERGE, comparable, package_with, spec};
use keyminder_testkit::figures::record;
use keyminder_testkit::race::{TWO_CHANGES, race};
use serde_json::Value;

const OPS: &str = "ops@example.com";
const AUDIT: &str = "audit@example.com";

/// One of the two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    Setup,
    /// A setup with other recipients and other settings.
    Change,
    Teardown,
}

impl Flow {
    fn spec(self) -> Spec {
        let mut wanted = spec();
        if self == Self::Change {
            let queue = "sqs=arn:aws:sqs:us-east-1:123456789012:queue".parse().unwrap();
            wanted.notify.subscriptions = Some(vec![Subscription::email(AUDIT), queue]);
            wanted.check.max_age_days = 30;
            wanted.check.other_credentials = true;
            wanted.schedule = "rate(12 hours)".into();
            // No tag differs: the calls about the topic's tags are to be those about records.
            wanted.package = package_with("a newer checker");
        }
        wanted
    }

    /// A run as the command makes it, without the verification at its end.
    async fn run(self, account: &Account, user: &Credentials) -> Result<(), Error> {
        let installation = account.open_as(user, &self.spec()).await?;
        let stack = installation.stack();
        let never = CancellationToken::new();
        let seen = stack.observe().await?;
        let outcome = match self {
            Self::Teardown => {
                let plan = stack.plan(&seen, Purpose::Destroy);
                stack.destroy(&plan, Removal::default(), &Silent, &never).await
            }
            Self::Setup | Self::Change => {
                let plan = stack.plan(&seen, CONVERGE);
                stack.apply(&seen, &plan, &Silent, &never).await
            }
        };
        outcome.failed.into_iter().next().map_or(Ok(()), |failed| Err(failed.error))
    }
}

/// The accounts that a race starts from, and those that it must end with.
struct Known {
    empty: World,
    installed: World,
    changed: World,
    /// As a setup leaves it, after a person has confirmed.
    meant: Value,
    /// As a teardown leaves it.
    nothing: Value,
}

impl Known {
    async fn new() -> Self {
        let account = Account::new().await;
        let empty = account.sandbox.edit(|world| world.clone());
        let nothing = account.sandbox.snapshot();
        account.setup(&Flow::Setup.spec()).await.expect_right();
        account.sandbox.confirm(OPS);
        let (installed, meant) = (account.sandbox.edit(|world| world.clone()), comparable(account.sandbox.snapshot()));
        account.setup(&Flow::Change.spec()).await.expect_right();
        account.sandbox.confirm(AUDIT);
        let changed = account.sandbox.edit(|world| world.clone());
        Self { empty, installed, changed, meant, nothing }
    }
}

/// Runs both in the order of the seed, and returns what a further run does not repair.
async fn interleaving(start: &World, flows: [Flow; 2], seed: u64, known: &Known) -> Result<(), String> {
    let mut account = Account::with(Options::instant()).await;
    // One run may wait for something that the other has removed. Giving up sooner only ends the run sooner.
    account.longest_wait = Some(Duration::from_millis(250));
    account.sandbox.edit(|world| *world = start.clone());
    let (one, first) = account.sandbox.add_user("one");
    let (other, second) = account.sandbox.add_user("other");
    let turnstile = account.sandbox.turnstile();
    let (first, second) = (flows[0].run(&account, &first), flows[1].run(&account, &second));
    let ends = race(turnstile, seed, (&one, first), (&other, second)).await;
    let calls: Vec<_> = account.sandbox.calls();

    let failed = |what: &str, detail: String| {
        let calls = calls.iter().filter(|call| call.service == "sns");
        let calls: Vec<_> = calls.map(|call| format!("{} {}", call.caller, call.operation)).collect();
        format!("KEYMINDER_SEED={seed}: {flows:?}: {what}: {detail}\nthe runs ended with {ends:?}; {calls:#?}")
    };
    // Nobody can unsubscribe a pending address. It lapses.
    account.sandbox.confirm(AUDIT);
    account.longest_wait = Some(Duration::from_secs(20));
    let run = account.try_setup(&Flow::Setup.spec(), CONVERGE).await.map_err(|e| failed("setup", e.to_string()))?;
    if !run.is_right() {
        return Err(failed("setup", format!("{run:#?}")));
    }
    // A subscription that one of them removed was confirmed; the new one is not.
    account.sandbox.confirm(OPS);
    let differences = keyminder_reconcile::changes(&comparable(account.sandbox.snapshot()), &known.meant);
    if !differences.is_empty() {
        return Err(failed("what a setup left", format!("{differences:#?}")));
    }
    let run = account.teardown(&Flow::Setup.spec(), Removal::default()).await;
    let differences = keyminder_reconcile::changes(&account.sandbox.snapshot(), &known.nothing);
    if !run.is_right() || !differences.is_empty() {
        return Err(failed("what a teardown left", format!("{:?} {differences:#?}", run.outcome)));
    }
    Ok(())
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Where the two start, what they do, and the seeds of the orders to try.
type Pair = (fn(&Known) -> &World, [Flow; 2], std::ops::Range<u64>);

/// This many orders of any kind.
fn any(orders: u64) -> std::ops::Range<u64> {
    let first = number("KEYMINDER_SEED", 1000);
    first..first + number("KEYMINDER_INTERLEAVINGS", orders)
}

async fn races(name: &str, pairs: &[Pair]) {
    let known = Known::new().await;
    let all = pairs.iter().flat_map(|(start, flows, seeds)| seeds.clone().map(move |seed| (start, flows, seed)));
    // While one pair waits, others can go on.
    let results = iter(all).map(|(start, flows, seed)| interleaving(start(&known), *flows, seed, &known));
    let results: Vec<_> = results.buffer_unordered(8).collect().await;
    let wrong: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).take(3).map(String::as_str).collect();
    let count = results.iter().filter(|result| result.is_err()).count();
    assert!(wrong.is_empty(), "{count} of {} not repaired, such as: {}", results.len(), wrong.join("\n"));
    if ["KEYMINDER_SEED", "KEYMINDER_INTERLEAVINGS"].iter().all(|variable| std::env::var_os(variable).is_none()) {
        let tried = results.len().to_string();
        record("Two runs at once", &[name, &tried, &tried]);
    }
}

#[tokio::test]
async fn two_setups_that_want_different_things_leave_nothing_that_a_further_one_does_not_repair() {
    let both = [Flow::Setup, Flow::Change];
    let pairs: [Pair; 3] = [
        (|known| &known.changed, both, 0..TWO_CHANGES),
        (|known| &known.changed, both, any(30)),
        (|known| &known.installed, both, any(30)),
    ];
    races("two setups that want different things", &pairs).await;
}

#[tokio::test]
async fn two_first_setups_leave_one_whole_installation() {
    let pairs: [Pair; 2] = [
        (|known| &known.empty, [Flow::Setup, Flow::Change], any(40)),
        (|known| &known.empty, [Flow::Setup, Flow::Setup], any(20)),
    ];
    races("two first setups", &pairs).await;
}

#[tokio::test]
async fn a_setup_against_a_teardown_leaves_nothing_that_a_further_run_does_not_repair() {
    let pairs: [Pair; 4] = [
        (|known| &known.installed, [Flow::Setup, Flow::Teardown], any(15)),
        (|known| &known.installed, [Flow::Change, Flow::Teardown], any(15)),
        (|known| &known.empty, [Flow::Setup, Flow::Teardown], any(15)),
        (|known| &known.installed, [Flow::Teardown, Flow::Teardown], any(15)),
    ];
    races("a setup or teardown and a teardown", &pairs).await;
}
