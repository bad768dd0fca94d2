//! What keeps the function from running, and what a setup does about it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::time::Duration;

use keyminder_keyage::Architecture;
use keyminder_sandbox::{Fault, FaultKind, Options, World};
use keyminder_stack::Kind;
use keyminder_testkit::account::edits::{self, function, role};
use keyminder_testkit::account::{Account, actions, package_for, package_with, paths, spec};
use serde_json::json;

const ROLE_ID: &str = "keyminder:role-id";

/// Whether Lambda can decrypt the function's environment: without that it starts nothing.
async fn starts(account: &Account) -> bool {
    let answer = account.open(&spec()).await.invoke(&json!({})).await;
    let refusal = answer.err().map(|error| error.code);
    assert!(refusal.as_deref().is_none_or(|code| code == "KMSAccessDeniedException"), "{refusal:?}");
    refusal.is_none()
}

/// As where somebody deletes the role and makes it again with all that it had.
fn make_role_again(world: &mut World) {
    let id = format!("{}AGAIN", role(world).id);
    role(world).id = id;
}

#[tokio::test]
async fn a_function_whose_role_was_made_again_is_made_again_and_then_starts() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(make_role_again);
    assert!(!starts(&account).await);
    let run = account.setup(&spec()).await.expect_right();
    assert_eq!(
        actions(&run.plan),
        ["update lambda_function", "create lambda_invoke_settings", "create lambda_permission"]
    );
    assert!(starts(&account).await);
}

#[tokio::test]
async fn a_function_whose_role_is_made_by_the_same_run_is_made_again_even_where_nothing_was_recorded() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| {
        function(world).tags.remove(ROLE_ID);
        let name = role(world).name.clone();
        world.iam.roles.remove(&name);
    });
    account.setup(&spec()).await.expect_right();
    assert!(starts(&account).await);
}

#[tokio::test]
async fn a_function_without_a_recorded_role_is_configured_and_recorded_and_stays() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| drop(function(world).tags.remove(ROLE_ID)));
    let run = account.setup(&spec()).await.expect_right();
    assert_eq!(paths(&run.plan), ["lambda_function.role_grant"]);
    assert_eq!(account.writes(), ["lambda:UpdateFunctionConfiguration", "lambda:TagResource"]);
    let (recorded, id) = account.sandbox.edit(|world| (function(world).tags[ROLE_ID].clone(), role(world).id.clone()));
    assert_eq!(recorded, id);
}

#[tokio::test]
async fn a_function_that_was_given_another_role_gets_its_own_back_and_stays() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| {
        let mut other = role(world).clone();
        (other.name, other.id) = ("other".into(), "AROAOTHER".into());
        other.arn = other.arn.replace("rotate-old-access-keys-notification-role", "other");
        (function(world).role, function(world).role_id) = (other.arn.clone(), other.id.clone());
        world.iam.roles.insert("other".into(), other);
        make_role_again(world);
    });
    account.setup(&spec()).await.expect_right();
    assert!(!account.writes().contains(&"lambda:DeleteFunction".into()), "{:?}", account.writes());
    assert!(starts(&account).await);
}

#[tokio::test]
async fn a_log_that_would_drop_the_lines_of_a_run_is_put_back_to_text_without_levels() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let aws = account.aws().await;
    let logging = aws_sdk_lambda::types::LoggingConfig::builder().log_format("JSON".into());
    let logging = logging.application_log_level("WARN".into()).build();
    let name = account.sandbox.edit(|world| function(world).name.clone());
    aws.lambda.update_function_configuration().function_name(name).logging_config(logging).send().await.unwrap();
    let run = account.setup(&spec()).await.expect_right();
    assert_eq!(
        paths(&run.plan),
        ["lambda_function.application_log_level", "lambda_function.log_format", "lambda_function.system_log_level"]
    );
    assert!(account.sandbox.edit(|world| edits::function(world).settings.is_empty()));
}

#[tokio::test]
async fn a_slow_line_carries_the_package_although_no_other_call_may_take_so_long() {
    let slow = FaultKind::Slow(Duration::from_millis(1500));
    let mut account = Account::new().await;
    account.attempt_timeout = Some(Duration::from_secs(1));
    account.sandbox.inject(Fault::new("lambda:CreateFunction", slow));
    account.sandbox.inject(Fault::new("lambda:UpdateFunctionCode", slow));
    account.setup(&spec()).await.expect_right();
    let mut changed = spec();
    changed.package = package_with("a newer checker");
    account.setup(&changed).await.expect_right();
    for upload in ["lambda:CreateFunction", "lambda:UpdateFunctionCode"] {
        let tries = account.operations().iter().filter(|operation| *operation == upload).count();
        assert_eq!(tries, 1, "{upload} went through at once");
    }

    account.sandbox.inject(Fault::new("lambda:UpdateFunctionConfiguration", slow));
    changed.function.memory_mb = 512;
    let run = account.setup(&changed).await;
    assert_eq!(run.outcome.failed[0].error.kind, Kind::Unreachable);
}

#[tokio::test]
async fn another_processor_is_set_with_its_code_in_one_call_and_back_again() {
    let account = Account::installed(Options::instant(), &spec()).await;
    for (processor, code) in [(Architecture::Arm64, "the checker for arm64"), (Architecture::X86_64, "the checker")] {
        let mut other = spec();
        other.package = package_for(processor, code);
        account.sandbox.forget_calls();
        let run = account.setup(&other).await.expect_right();
        let changed = paths(&run.plan);
        assert!(changed.contains(&"lambda_function.architecture".to_owned()), "{changed:?}");
        assert_eq!(account.writes(), ["lambda:UpdateFunctionCode"]);
        assert_eq!(account.sandbox.edit(|world| function(world).architecture.clone()), processor.as_str());
        assert!(starts(&account).await);
    }
}
