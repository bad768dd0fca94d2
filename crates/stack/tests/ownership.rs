//! What is ours, what is not, and how the one becomes the other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::time::Duration;

use keyminder_reconcile::{Purpose, Removal};
use keyminder_sandbox::Options;
use keyminder_stack::{ChosenNames, Spec, Subscription};
use keyminder_testkit::account::edits::TAGGED;
use keyminder_testkit::account::{self, ADOPT, Account, CONVERGE, REGION, actions, paths, spec};

#[tokio::test]
async fn an_account_set_up_by_hand_is_refused_and_nothing_in_it_is_touched() {
    let account = Account::new().await;
    account.set_up_by_hand().await;
    let before = account.sandbox.snapshot();
    account.sandbox.forget_calls();
    let run = account.setup(&spec()).await;
    assert!(!run.outcome.is_complete());
    let refused: Vec<_> = run.plan.refused().iter().map(|refused| refused.address.0).collect();
    assert_eq!(refused, ["sns_topic", "iam_role", "events_rule", "iam_policy", "lambda_function"]);
    assert_eq!(account.writes(), Vec::<String>::new());
    assert_eq!(account.sandbox.snapshot(), before);
}

#[tokio::test]
async fn an_account_set_up_by_hand_is_adopted_in_one_run_and_is_never_without_a_schedule() {
    let account = Account::new().await;
    account.set_up_by_hand().await;
    account.sandbox.confirm("ops@example.com");
    account.sandbox.forget_calls();
    let mut adopting = spec();
    adopting.notify.subscriptions = Some(vec![Subscription::email("ops@example.com")]);
    account.try_setup(&adopting, ADOPT).await.unwrap().expect_right();
    let taking_away = ["events:DeleteRule", "events:DisableRule", "events:RemoveTargets", "lambda:DeleteFunction"];
    let writes = account.writes();
    assert!(!writes.iter().any(|write| taking_away.contains(&write.as_str())), "{writes:?}");
    assert!(!writes.contains(&"sns:Subscribe".into()), "nobody is asked to confirm a second time");

    let adopted = account.sandbox.snapshot();
    let fresh = Account::installed(Options::instant(), &adopting).await;
    let differences = keyminder_reconcile::changes(&fresh.sandbox.snapshot(), &adopted);
    let differing: Vec<_> = differences.iter().map(|change| change.path.to_string()).collect();
    // A policy's description cannot be changed, and the subscription's record has its own time.
    assert!(
        differing.iter().all(|path| path.ends_with("description") || path.contains("keyminder:")),
        "{differences:#?}"
    );
    account.teardown(&adopting, Removal::default()).await.expect_right();
    assert_eq!(account.sandbox.snapshot(), Account::new().await.sandbox.snapshot());
}

#[tokio::test]
async fn a_teardown_deletes_nothing_that_does_not_carry_our_tags() {
    let account = Account::new().await;
    account.set_up_by_hand().await;
    let before = account.sandbox.snapshot();
    let run = account.teardown(&spec(), Removal { force: true }).await;
    assert!(run.plan.is_empty());
    assert_eq!(account.sandbox.snapshot(), before);
    assert!(run.plan.changes.iter().any(|change| change.foreign.is_some()), "but it says what it leaves");
}

#[tokio::test]
async fn a_teardown_leaves_the_one_object_that_lost_its_tags_and_takes_the_others() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| world.region(REGION).rules.values_mut().for_each(|rule| rule.tags.clear()));
    account.teardown(&spec(), Removal::default()).await.expect_right();
    let (rules, functions, targets) = account.sandbox.edit(|world| {
        let region = world.region(REGION);
        (
            region.rules.len(),
            region.functions.len(),
            region.rules.values().map(|rule| rule.targets.len()).sum::<usize>(),
        )
    });
    assert_eq!((rules, functions, targets), (1, 0, 1));
}

#[tokio::test]
async fn installs_of_different_names_live_side_by_side() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let first = account.sandbox.snapshot();
    let mut audit = spec();
    audit.name = "audit".into();
    account.setup(&audit).await.expect_right();
    assert!(account.plan(&spec(), CONVERGE).await.is_empty());
    account.teardown(&audit, Removal::default()).await.expect_right();
    assert_eq!(account.sandbox.snapshot(), first);
}

#[tokio::test]
async fn one_install_name_in_several_regions_does_not_collide_and_each_goes_alone() {
    let account = Account::new().await;
    let mut spec = spec();
    spec.notify.subscriptions = Some(vec![Subscription::email("ops@example.com")]);
    let regions = ["us-east-1", "eu-west-1", "ap-southeast-2"];
    for region in regions {
        let installation = account.open_in(region, &spec).await;
        account::setup(&installation, CONVERGE).await.unwrap().expect_right();
    }
    for region in regions {
        let installation = account.open_in(region, &spec).await;
        let again = account::setup(&installation, CONVERGE).await.unwrap();
        assert!(again.plan.is_empty(), "{region}: {:?}", actions(&again.plan));
    }
    // The region with the plain names goes first; the others keep theirs.
    for gone in 0..regions.len() {
        let installation = account.open_in(regions[gone], &spec).await;
        account::teardown(&installation, Removal::default()).await.unwrap().expect_right();
        for region in &regions[gone + 1..] {
            let installation = account.open_in(region, &spec).await;
            let again = account::setup(&installation, CONVERGE).await.unwrap();
            assert!(again.plan.is_empty(), "{region}: {:?}", actions(&again.plan));
        }
    }
    let mut left = account.sandbox.snapshot();
    left["regions"] = serde_json::json!({});
    let mut empty = Account::new().await.sandbox.snapshot();
    empty["regions"] = serde_json::json!({});
    assert_eq!(left, empty);
}

#[tokio::test]
async fn another_installs_object_under_a_chosen_name_is_refused() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let mut other = spec();
    other.name = "audit".into();
    other.names = ChosenNames { topic: Some("IAM-Access-Key-Rotation-Topic".into()), ..ChosenNames::default() };
    let run = account.setup(&other).await;
    assert_eq!(run.plan.refused()[0].reason, "it belongs to the keyminder install 'default'");
    let plan = account.plan(&other, Purpose::Destroy).await;
    assert!(plan.is_empty(), "and a teardown of the other leaves it");
}

#[tokio::test]
async fn a_changed_path_is_refused_with_what_to_do() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let mut moved: Spec = spec();
    moved.iam.path = "/security/".into();
    let run = account.setup(&moved).await;
    let error = &run.outcome.failed.iter().find(|failed| failed.address.0 == "iam_role").unwrap().error;
    assert_eq!(error.code, "FixedPath");
    account.setup(&spec()).await.expect_right();
}

#[tokio::test]
async fn an_object_that_lost_one_of_its_tags_is_damaged_and_neither_changed_nor_deleted() {
    for (address, remove) in TAGGED {
        for tag in ["managed-by", "keyminder:install", "keyminder:region"] {
            let mut account = Account::installed(Options::instant(), &spec()).await;
            // A policy cannot go while the role that it is attached to stays.
            account.longest_wait = Some(Duration::from_millis(50));
            account.sandbox.edit(|world| remove(world, tag));
            let before = account.sandbox.snapshot();
            let refused = account.plan(&spec(), CONVERGE).await.refused();
            assert_eq!(refused.len(), 1, "{address} {tag}: {refused:?}");
            assert_eq!(refused[0].address.0, *address);
            assert!(refused[0].reason.starts_with("damaged") && refused[0].reason.contains(tag), "{refused:?}");
            assert_eq!(account.sandbox.snapshot(), before, "{address} {tag}");

            account.teardown(&spec(), Removal { force: true }).await;
            let writes = account.writes();
            let taken = |kind: &str| writes.iter().any(|write| write.contains("Delete") && write.ends_with(kind));
            let kind = match *address {
                "sns_topic" => "Topic",
                "iam_role" => "DeleteRole",
                "lambda_log_group" => "LogGroup",
                "events_rule" => "Rule",
                "iam_policy" => "DeletePolicy",
                _ => "DeleteFunction",
            };
            assert!(!taken(kind), "{address} {tag}: {writes:?}");
        }
    }
}

#[tokio::test]
async fn adopting_mends_what_is_damaged() {
    for (address, remove) in TAGGED {
        let account = Account::installed(Options::instant(), &spec()).await;
        account.sandbox.edit(|world| remove(world, "keyminder:region"));
        let run = account.try_setup(&spec(), ADOPT).await.unwrap().expect_right();
        assert_eq!(paths(&run.plan), [format!("{address}.tags.keyminder:region")]);
        assert!(account.plan(&spec(), CONVERGE).await.is_empty());
    }
}
