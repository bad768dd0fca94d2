//! The function's policy: what it allows, and how it goes when others use it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::collections::BTreeSet;
use std::time::Duration;

use keyminder_checker::{ACTIONS, OTHER_CREDENTIALS_ACTIONS};
use keyminder_reconcile::{Purpose, Removal};
use keyminder_sandbox::{Options, World};
use keyminder_stack::{Cause, Kind, Spec};
use keyminder_testkit::account::edits::{attach_to_others, policy, role};
use keyminder_testkit::account::{Account, spec};
use serde_json::Value;

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// The actions of the policy in the account that are on any of these services.
fn allowed(world: &mut World, services: &[&str]) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(policy(world).document()).unwrap();
    let statements = document["Statement"].as_array().unwrap();
    statements.iter().flat_map(actions).filter(|action| services.iter().any(|s| action.starts_with(s))).collect()
}

#[tokio::test]
async fn the_function_may_do_what_the_check_does_and_nothing_else() {
    let of = |actions: &[&str]| actions.iter().map(|&action| action.to_owned()).collect::<BTreeSet<_>>();
    let services = ["iam:", "sns:", "kms:", "sts:"];
    let account = Account::installed(Options::instant(), &spec()).await;
    assert_eq!(account.sandbox.edit(|world| allowed(world, &services)), of(ACTIONS));
    let mut more = spec();
    more.check.other_credentials = true;
    account.setup(&more).await.expect_right();
    let all = &of(ACTIONS) | &of(OTHER_CREDENTIALS_ACTIONS);
    assert_eq!(account.sandbox.edit(|world| allowed(world, &services)), all);
}

#[tokio::test]
async fn a_topic_under_a_key_lets_the_function_use_that_key_and_no_other() {
    let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let account = Account::new().await;
    let mut encrypted = spec();
    encrypted.topic.kms_key = Some(key.into());
    account.setup(&encrypted).await.expect_right();
    let document: Value = account.sandbox.edit(|world| serde_json::from_str(policy(world).document()).unwrap());
    let statements = document["Statement"].as_array().unwrap();
    let statement = statements.iter().find(|statement| statement["Sid"] == "EncryptNotices").unwrap();
    assert_eq!(statement["Resource"], key);
    let via = &statement["Condition"]["StringLike"]["kms:ViaService"];
    assert_eq!(via, "sns.us-east-1.*", "through SNS of this region and no other");
}

#[tokio::test]
async fn the_function_reads_users_of_its_account_only_and_tags_only_if_asked_to() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let on = |resource: &'static str| {
        move |world: &mut World| {
            let document: Value = serde_json::from_str(policy(world).document()).unwrap();
            let statements = document["Statement"].as_array().unwrap();
            let found = statements.iter().filter(|statement| statement["Resource"] == resource);
            found.flat_map(actions).collect::<Vec<_>>()
        }
    };
    let users = "arn:aws:iam::123456789012:user/*";
    assert_eq!(account.sandbox.edit(on(users)), ["iam:ListAccessKeys", "iam:ListUserTags"]);
    let unscoped = account.sandbox.edit(on("*"));
    let without_resource =
        ["iam:GetAccessKeyLastUsed", "iam:GetAccountSummary", "iam:ListAccountAliases", "iam:ListUsers"];
    assert_eq!(unscoped, without_resource);
    let mut untagged = spec();
    untagged.check.read_user_tags = false;
    account.setup(&untagged).await.expect_right();
    assert_eq!(account.sandbox.edit(on(users)), ["iam:ListAccessKeys"]);
}

#[tokio::test]
async fn a_key_that_the_topic_cannot_have_is_found_out_before_aws_is_asked_for_anything() {
    let account = Account::new().await;
    for (key, path) in [("", true), ("my key", true), ("arn:aws:kms:eu-west-1:123456789012:alias/x", false)] {
        let mut encrypted = spec();
        encrypted.topic.kms_key = Some(key.into());
        let of_itself: Vec<_> = encrypted.problems().into_iter().map(|problem| problem.path).collect();
        let here: Vec<_> = account.open(&encrypted).await.problems().into_iter().map(|problem| problem.path).collect();
        let found = if path { of_itself } else { here };
        assert_eq!(found, ["topic.kms_key"], "{key}");
    }
}

fn remove_others(world: &mut World) {
    world.iam.roles.remove("theirs");
    world.iam.users.remove("ann");
    world.iam.user_policies.remove("ann");
    world.iam.groups.remove("admins");
}

async fn blockers(account: &Account) -> Vec<String> {
    let plan = account.plan(&spec(), Purpose::Destroy).await;
    plan.blockers().into_iter().map(|(address, extra)| format!("{address}: {extra}")).collect()
}

#[tokio::test]
async fn whoever_else_uses_the_policy_is_named_before_anything_is_deleted() {
    let account = Account::installed(Options::instant(), &spec()).await;
    assert_eq!(blockers(&account).await, Vec::<String>::new());
    account.sandbox.edit(attach_to_others);
    let all = ["attached to the role theirs", "attached to the user ann", "attached to the group admins"];
    assert_eq!(blockers(&account).await, all.map(|what| format!("iam_policy: {what}")));
    // One use is left, which AWS counts as one attachment, as it does ours.
    account.sandbox.edit(|world| {
        role(world).attached.clear();
        world.iam.roles.remove("theirs");
        world.iam.groups.remove("admins");
    });
    assert_eq!(blockers(&account).await, ["iam_policy: attached to the user ann"]);
    account.sandbox.edit(|world| {
        world.iam.user_policies.clear();
        let arn = policy(world).arn.clone();
        let mut theirs = role(world).clone();
        (theirs.name, theirs.boundary) = ("theirs".into(), Some(arn));
        world.iam.roles.insert("theirs".into(), theirs);
    });
    assert_eq!(blockers(&account).await, ["iam_policy: the permissions boundary of the role theirs"]);
}

#[tokio::test]
async fn a_forced_teardown_detaches_the_policy_from_users_groups_and_roles() {
    let empty = Account::new().await.sandbox.snapshot();
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(attach_to_others);
    account.teardown(&spec(), Removal { force: true }).await.expect_right();
    let left = account.sandbox.edit(|world| {
        (world.iam.roles["theirs"].attached.len(), world.iam.user_policies["ann"].len(), world.iam.groups.len())
    });
    assert_eq!(left, (0, 0, 1), "they stay, without it");
    account.sandbox.edit(remove_others);
    assert_eq!(account.sandbox.snapshot(), empty);
}

/// An install whose policy has more than one version, and a short patience.
async fn with_versions() -> Account {
    let mut account = Account::installed(Options::instant(), &spec()).await;
    let mut more: Spec = spec();
    more.check.other_credentials = true;
    account.setup(&more).await.expect_right();
    account.setup(&spec()).await.expect_right();
    account.longest_wait = Some(Duration::from_millis(200));
    account
}

#[tokio::test]
async fn a_policy_that_has_to_stay_keeps_its_versions_and_the_error_names_who_uses_it() {
    let account = with_versions().await;
    let versions = |world: &mut World| policy(world).versions.len();
    let before = account.sandbox.edit(versions);
    account.sandbox.edit(attach_to_others);
    let run = account.teardown(&spec(), Removal::default()).await;
    let error = &run.outcome.failed[0].error;
    assert_eq!((error.kind, error.operation), (Kind::InUse, "iam:DeletePolicy"));
    assert!(error.message.contains("attached to the user ann, and attached to the group admins"), "{error}");
    assert_eq!(error.cause, Cause::PolicyAttached);
    assert_eq!(account.sandbox.edit(versions), before);
    account.teardown(&spec(), Removal { force: true }).await.expect_right();
}

#[tokio::test]
async fn a_boundary_is_taken_from_nobody_not_even_by_force() {
    let account = with_versions().await;
    account.sandbox.edit(|world| {
        let arn = policy(world).arn.clone();
        let mut theirs = role(world).clone();
        (theirs.name, theirs.boundary) = ("theirs".into(), Some(arn));
        theirs.attached.clear();
        world.iam.roles.insert("theirs".into(), theirs);
    });
    let run = account.teardown(&spec(), Removal { force: true }).await;
    let error = &run.outcome.failed[0].error;
    assert!(error.message.contains("the permissions boundary of the role theirs"), "{error}");
    assert_eq!(error.cause, Cause::PolicyIsBoundary);
    assert!(account.sandbox.edit(|world| world.iam.roles["theirs"].boundary.is_some()));
    account.sandbox.edit(|world| drop(world.iam.roles.remove("theirs")));
    account.teardown(&spec(), Removal::default()).await.expect_right();
}
