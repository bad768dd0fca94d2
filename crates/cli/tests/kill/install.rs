//! The runs that are cut short (a setup, a setup with everything changed, a teardown) and what they mean the account to
//! be.

use std::sync::OnceLock;

use keyminder_sandbox::World as Account;
use serde_json::Value;

use keyminder_testkit::account::comparable;
use keyminder_testkit::command::{EMAIL, Ran, World};

const QUEUE: &str = "sqs=arn:aws:sqs:us-east-1:123456789012:key-ages";

/// A first install.
const SETUP: &[&str] = &["setup", "--email", EMAIL, "--subscribe", QUEUE, "--tag", "team=security", "--yes"];

/// The same install with everything changed that flags can change in place: somebody else is told, the policy grows.
const CHANGE: &[&str] = &[
    "setup",
    "--email",
    "audit@example.com",
    "--subscribe",
    QUEUE,
    "--tag",
    "owner=audit",
    "--max-age-days",
    "30",
    "--other-credentials",
    "--schedule",
    "rate(12 hours)",
    "--timeout",
    "120",
    "--memory",
    "256",
    "--log-retention-days",
    "30",
    "--display-name",
    "Keys",
    "--permissions-boundary",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "--yes",
];

const TEARDOWN: &[&str] = &["teardown", "--yes"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flow {
    Setup,
    Change,
    Teardown,
}

impl Flow {
    pub const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Setup => SETUP,
            Self::Change => CHANGE,
            Self::Teardown => TEARDOWN,
        }
    }

    /// The account that the run begins with: its person has confirmed, and no call is counted yet.
    pub fn start(self) -> World {
        static INSTALLED: OnceLock<Account> = OnceLock::new();
        let world = World::new();
        if self != Self::Setup {
            let installed = INSTALLED.get_or_init(|| {
                let world = World::new();
                world.ok(SETUP);
                world.sandbox.confirm(EMAIL);
                world.sandbox.edit(|account| account.clone())
            });
            world.sandbox.edit(|account| *account = installed.clone());
        }
        world
    }

    /// What an uninterrupted run makes of that account, and in how many calls.
    pub fn uninterrupted(self) -> (State, usize) {
        let world = self.start();
        world.ok(self.arguments());
        (State::of(&world), world.sandbox.calls().len())
    }

    /// Runs it to its end and says what is not as an uninterrupted run leaves it.
    pub fn difference(self, world: &World, meant: &State) -> Option<String> {
        let ran = world.run(self.arguments());
        if ran.code != 0 {
            return Some(format!("the next run failed: {ran:#?}"));
        }
        State::of(world).difference(meant)
    }
}

/// The account, and how many confirmation mails it has sent: people mind a second one.
#[derive(Debug, PartialEq)]
pub struct State {
    account: Value,
    mails: usize,
}

impl State {
    pub fn of(world: &World) -> Self {
        Self { account: comparable(world.sandbox.snapshot()), mails: world.sandbox.outbox().len() }
    }

    pub fn difference(&self, meant: &Self) -> Option<String> {
        if self.mails != meant.mails {
            return Some(format!("{} confirmation mails instead of {}", self.mails, meant.mails));
        }
        self.account_difference(meant)
    }

    /// The same without counting mails.
    pub fn account_difference(&self, meant: &Self) -> Option<String> {
        let changes = keyminder_reconcile::changes(&self.account, &meant.account);
        (!changes.is_empty()).then(|| format!("{changes:#?}"))
    }
}

/// Nothing in what a run says is a crash.
#[track_caller]
pub fn no_crash(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{ran:#?}");
    }
    assert!(ran.code >= 0 && ran.code != 101, "{ran:#?}");
}
