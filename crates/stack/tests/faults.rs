//! Every operation failing, once and for good, in every way that AWS fails: once is got over, for good is told, and the
//! run after it completes the work.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::collections::BTreeSet;
use std::time::Duration;

use keyminder_reconcile::Removal;
use keyminder_sandbox::{Fault, FaultKind, Options, passing_answers};
use keyminder_stack::{Cause, Error, Kind, Spec};
use keyminder_testkit::account::{Account, CONVERGE, FAULTS, Run, package_with, spec};
use keyminder_testkit::figures::record;

#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Setup,
    Change,
    Teardown,
}

/// Everything about the install that a run can change.
fn changed() -> Spec {
    let mut changed = spec();
    changed.check.other_credentials = true;
    changed.check.max_age_days = 30;
    changed.package = package_with("a newer checker");
    changed.schedule = "rate(12 hours)".into();
    changed.function.log_retention_days = 30;
    changed.topic.display_name = "Keys".into();
    changed.tags.insert("team".into(), "security".into());
    changed.iam.permissions_boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".into());
    let subscriptions = changed.notify.subscriptions.as_mut().unwrap();
    subscriptions[1].raw = true;
    subscriptions.remove(0);
    changed
}

impl Flow {
    async fn start(self) -> Account {
        let mut account = match self {
            Self::Setup => Account::new().await,
            Self::Change | Self::Teardown => Account::installed(Options::instant(), &spec()).await,
        };
        account.longest_wait = Some(Duration::from_millis(500));
        account
    }

    async fn run(self, account: &Account) -> Result<Run, Error> {
        match self {
            Self::Setup => account.try_setup(&spec(), CONVERGE).await,
            Self::Change => account.try_setup(&changed(), CONVERGE).await,
            Self::Teardown => account.try_teardown(&spec(), Removal::default()).await,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Change => "setup with changes",
            Self::Teardown => "teardown",
        }
    }
}

/// The error that ended a run, if one did.
fn error(run: &Result<Run, Error>) -> Option<&Error> {
    match run {
        Err(error) => Some(error),
        Ok(run) => run.outcome.failed.first().map(|failed| &failed.error),
    }
}

/// Whether some call of this operation also takes the other one's action, as a creation with tags does that of tagging,
/// and so met the other one's fault.
fn carries(account: &Account, operation: &str, other: &str) -> bool {
    let calls = account.sandbox.calls();
    calls.iter().any(|call| {
        format!("{}:{}", call.service, call.operation) == operation && call.actions.iter().any(|action| action == other)
    })
}

/// Nothing is known of it that the command could base advice on.
fn is_unexplained(error: &Error) -> bool {
    matches!(error.kind, Kind::Invalid | Kind::Usage | Kind::Interrupted) && error.cause == Cause::Unspecified
}

/// One fault in one operation, then a run without it. What went wrong, if anything did.
async fn try_fault(flow: Flow, operation: &str, kind: FaultKind, always: bool) -> Option<String> {
    let account = flow.start().await;
    let fault = Fault::new(operation, kind);
    account.sandbox.inject(if always { fault.always() } else { fault.once() });
    let run = flow.run(&account).await;
    let what = format!("{}: {operation} {kind:?} {}", flow.name(), if always { "always" } else { "once" });
    let told = error(&run);
    // A refusal is no passing fault: even once it ends the run.
    if always || kind == FaultKind::AccessDenied {
        match told {
            None if run.as_ref().is_ok_and(Run::is_right) && kind == FaultKind::LoseAnswer => {}
            None => return Some(format!("{what}: no error: {run:?}")),
            Some(error) if error.operation != operation && !carries(&account, error.operation, operation) => {
                return Some(format!("{what}: the error is about {}: {error}", error.operation));
            }
            Some(error) if is_unexplained(error) => return Some(format!("{what}: unexplained: {error:?}")),
            Some(_) => {}
        }
    } else if !run.as_ref().is_ok_and(Run::is_right) {
        return Some(format!("{what}: not got over: {told:?}"));
    }
    account.sandbox.clear_faults();
    match flow.run(&account).await {
        Ok(run) if run.is_right() => None,
        other => Some(format!("{what}: not mended by the next run: {other:?}")),
    }
}

async fn matrix(flow: Flow) {
    let account = flow.start().await;
    account.sandbox.forget_calls();
    flow.run(&account).await.unwrap().expect_right();
    let operations: BTreeSet<String> = account.operations().into_iter().collect();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for operation in &operations {
        let passing = passing_answers().into_iter().find(|(name, _)| name == operation).map_or(0, |(_, count)| count);
        for kind in FAULTS.into_iter().chain((0..passing).map(FaultKind::NotYet)) {
            if kind == FaultKind::FailedEntries && !operation.ends_with("Targets") {
                continue;
            }
            for always in [false, true] {
                tried += 1;
                wrong.extend(try_fault(flow, operation, kind, always).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}: {wrong:#?}", wrong.len());
    let count = |count: usize| count.to_string();
    record("Every operation failing", &[flow.name(), &count(operations.len()), &count(tried), &count(tried)]);
}

#[tokio::test]
async fn a_setup_gets_over_every_passing_fault_and_tells_every_lasting_one() {
    matrix(Flow::Setup).await;
}

#[tokio::test]
async fn a_setup_with_changes_gets_over_every_passing_fault_and_tells_every_lasting_one() {
    matrix(Flow::Change).await;
}

#[tokio::test]
async fn a_teardown_gets_over_every_passing_fault_and_tells_every_lasting_one() {
    matrix(Flow::Teardown).await;
}

#[tokio::test]
async fn expired_credentials_and_a_clock_that_is_off_are_recognised() {
    for (kind, expected) in [(FaultKind::ExpiredToken, Kind::Credentials), (FaultKind::ClockSkew, Kind::ClockSkew)] {
        let account = Account::new().await;
        account.sandbox.inject(Fault::new("*", kind));
        let error = account.try_setup(&spec(), CONVERGE).await.unwrap_err();
        assert_eq!(error.kind, expected, "{error:?}");
    }
}
