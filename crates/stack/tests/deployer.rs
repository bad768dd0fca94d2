//! The least policy for a deployer: enough for every run, and nothing in it that no run needs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::collections::BTreeSet;

use keyminder_reconcile::{Action, Removal};
use keyminder_sandbox::Options;
use keyminder_sandbox::world::{LogEvent, LogStream};
use keyminder_stack::{Cause, EmailObstacle, Spec, Subscription, deployer_actions, deployer_policy};
use keyminder_testkit::account::edits::{DELETIONS, DRIFT, add_extras, attach_to_others};
use keyminder_testkit::account::{self, ADOPT, Account, CONVERGE, REGION, spec};
use serde_json::json;

/// Allowed without a call of its own: GetFunction hands out tags only to those who may list them (API reference,
/// GetFunction).
const WITHOUT_A_CALL: [&str; 1] = ["lambda:ListTags"];

const OTHER_REGION: &str = "eu-west-1";

/// Needed by everybody and by no policy: AWS answers this to any valid credentials.
const ALWAYS_ALLOWED: &str = "sts:GetCallerIdentity";

async fn enforced(spec: &Spec) -> Account {
    let account = Account::with(Options::instant()).await;
    let policy = deployer_policy(&account.open(spec).await).to_string();
    account.sandbox.enforce(&policy).unwrap();
    account
}

#[tokio::test]
async fn the_deployers_policy_allows_every_run_and_nothing_that_no_run_needs() {
    let mut emailing = spec();
    emailing.owners.from = Some("keys@example.com".into());
    emailing.owners.domains = vec!["example.com".into()];
    let account = enforced(&emailing).await;
    let mut used = BTreeSet::new();
    let note = |used: &mut BTreeSet<String>| {
        used.extend(account.sandbox.calls().into_iter().filter(|c| !c.caller.is_function()).flat_map(|c| c.actions));
    };

    account.setup(&spec()).await.expect_right();
    // Confirming and sending again, running the function and reading its log.
    let installation = account.open(&spec()).await;
    assert_eq!(installation.resend(None).await.unwrap(), ["ops@example.com"]);
    let link = account.sandbox.outbox().last().unwrap().confirm_link.clone().unwrap();
    installation.confirm(&link.replace("http://", "https://")).await.unwrap();
    let _ = installation.invoke(&json!({})).await;
    account.sandbox.edit(|world| {
        let at = "2026-11-23T12:00:00Z".parse().unwrap();
        let stream = LogStream { created: at, events: vec![LogEvent { at, message: "a run".into() }] };
        world.region(REGION).log_groups.values_mut().next().unwrap().streams.insert("one".into(), stream);
    });
    assert_eq!(installation.runs("2026-11-23T11:00:00Z".parse().unwrap()).await.unwrap().len(), 1);
    assert!(installation.changed_at().await.unwrap().is_some());
    let obstacles = account.open(&emailing).await.email_obstacles().await;
    assert!(obstacles.iter().all(|one| !matches!(one, EmailObstacle::Unknown(_))), "{obstacles:?}");
    for (_, edit) in DRIFT {
        account.sandbox.edit(edit);
        account.setup(&spec()).await.expect_right();
        account.sandbox.confirm("ops@example.com");
    }
    for (_, delete, _) in DELETIONS {
        account.sandbox.edit(delete);
        account.setup(&spec()).await.expect_right();
    }
    account.sandbox.confirm("ops@example.com");
    for round in 0..6 {
        let mut other = spec();
        other.check.other_credentials = round % 2 == 0;
        account.setup(&other).await.expect_right();
    }
    let mut changed = spec();
    changed.tags.insert("team".into(), "security".into());
    changed.iam.permissions_boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".into());
    changed.notify.subscriptions = Some(vec![Subscription::email("b@example.com")]);
    account.setup(&changed).await.expect_right();
    account.setup(&spec()).await.expect_right();
    account.sandbox.edit(add_extras);
    account.sandbox.edit(attach_to_others);
    note(&mut used);
    account.teardown(&spec(), Removal { force: true }).await.expect_right();
    note(&mut used);

    let listed: BTreeSet<String> = deployer_actions().into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = used.iter().filter(|a| !listed.contains(*a) && *a != ALWAYS_ALLOWED).collect();
    assert!(missing.is_empty(), "called, and not in the policy: {missing:?}");
    let unused: Vec<_> =
        listed.iter().filter(|action| !used.contains(*action) && !WITHOUT_A_CALL.contains(&action.as_str())).collect();
    assert!(unused.is_empty(), "in the policy, and never called: {unused:?}");
}

#[tokio::test]
async fn adopting_and_a_second_region_need_no_more_than_the_policy() {
    let account = Account::new().await;
    account.set_up_by_hand().await;
    let mut spec = spec();
    spec.notify.subscriptions = Some(vec![Subscription::email("ops@example.com")]);

    let first = deployer_policy(&account.open(&spec).await).to_string();
    account.sandbox.enforce(&first).unwrap();
    let adopted = account.try_setup(&spec, ADOPT).await.unwrap().expect_right();
    assert!(adopted.plan.changes.iter().filter(|change| change.action == Action::Update).count() >= 5);

    // The second region's objects have names of their own, so it has a policy of its own.
    account.sandbox.edit(|world| world.deployer = None);
    let second = deployer_policy(&account.open_in(OTHER_REGION, &spec).await).to_string();
    assert_ne!(first, second);
    account.sandbox.enforce(&second).unwrap();
    account::setup(&account.open_in(OTHER_REGION, &spec).await, CONVERGE).await.unwrap().expect_right();
    assert_eq!(account.sandbox.edit(|world| world.region(OTHER_REGION).functions.len()), 1);
    account::teardown(&account.open_in(OTHER_REGION, &spec).await, Removal::default()).await.unwrap().expect_right();

    account.sandbox.enforce(&first).unwrap();
    account.teardown(&spec, Removal::default()).await.expect_right();
}

#[tokio::test]
async fn without_one_permission_the_error_names_it() {
    let account = Account::new().await;
    let policy = deployer_policy(&account.open(&spec()).await).to_string().replace("\"lambda:CreateFunction\",", "");
    account.sandbox.enforce(&policy).unwrap();
    let run = account.setup(&spec()).await;
    let error = &run.outcome.failed[0].error;
    assert_eq!(error.cause, Cause::Denied("lambda:CreateFunction".to_owned()), "{error:?}");
    assert!(!run.outcome.done.is_empty() && !run.outcome.not_begun.is_empty(), "what was done and what was not");
}
