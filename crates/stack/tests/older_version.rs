//! An account that an older version installed, recorded through AWS's API and made again through it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::collections::HashMap;
use std::io::Write;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_eventbridge::types::{Tag as RuleTag, Target};
use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{DestinationConfig, Environment, FunctionCode, OnFailure, Runtime};
use aws_sdk_sns::types::Tag as TopicTag;
use keyminder_reconcile::Removal;
use keyminder_stack::{Cause, Drift, Notify, Spec, Subscription};
use keyminder_testkit::account::edits::role;
use keyminder_testkit::account::{ADOPT, Account, CONVERGE, paths, spec};
use serde_json::Value;

/// Installed by the version of commit ca94e00 with the settings of [`same_settings`].
const SNAPSHOT: &str = include_str!("installed-by-ca94e00.json");

fn same_settings() -> Spec {
    let mut queue: Subscription = "sqs=arn:aws:sqs:us-east-1:123456789012:queue".parse().unwrap();
    queue.raw = true;
    let mut spec = spec();
    spec.notify = Notify { subscriptions: Some(vec![queue]), ..Notify::emails(["ops@example.com"]) };
    spec.tags = [("team".to_owned(), "security".to_owned())].into();
    spec.check.max_age_days = 60;
    spec
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn pairs(value: &Value) -> HashMap<String, String> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// A package of that version: another one than this version's.
fn package() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("bootstrap", zip::write::SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    zip.write_all(b"the checker of an older version").unwrap();
    zip.finish().unwrap().into_inner()
}

/// Makes the account of the snapshot, call by call.
async fn installed() -> Account {
    let account = Account::new().await;
    let aws = account.aws().await;
    let snapshot: Value = serde_json::from_str(SNAPSHOT).unwrap();
    let iam_tags = |value: &Value| {
        let tags = pairs(value).into_iter();
        tags.map(|(k, v)| IamTag::builder().key(k).value(v).build().unwrap()).collect::<Vec<_>>()
    };

    let topic = &snapshot["topic"];
    let tags = pairs(&topic["tags"]).into_iter().map(|(k, v)| TopicTag::builder().key(k).value(v).build().unwrap());
    let made = aws.sns.create_topic().name(text(&topic["name"])).set_tags(Some(tags.collect()));
    let made = ["DisplayName", "Policy"]
        .iter()
        .fold(made, |call, name| call.attributes(*name, text(&topic["attributes"][name])));
    let arn = made.send().await.unwrap().topic_arn.unwrap();
    for one in snapshot["subscriptions"].as_array().unwrap() {
        let call =
            aws.sns.subscribe().topic_arn(&arn).protocol(text(&one["protocol"])).endpoint(text(&one["endpoint"]));
        call.set_attributes(Some(pairs(&one["attributes"]))).send().await.unwrap();
    }

    let role = &snapshot["role"];
    let call = aws.iam.create_role().role_name(text(&role["name"])).path(text(&role["path"]));
    let call = call.description(text(&role["description"])).assume_role_policy_document(role["trust"].to_string());
    let made = call.set_tags(Some(iam_tags(&role["tags"]))).send().await.unwrap();
    let role_id = made.role.unwrap().role_id;
    let policy = &snapshot["policy"];
    let call = aws.iam.create_policy().policy_name(text(&policy["name"])).path(text(&policy["path"]));
    let call = call.description(text(&policy["description"])).policy_document(policy["document"].to_string());
    call.set_tags(Some(iam_tags(&policy["tags"]))).send().await.unwrap();
    for attached in role["attached"].as_array().unwrap() {
        let call = aws.iam.attach_role_policy().role_name(text(&role["name"])).policy_arn(text(attached));
        call.send().await.unwrap();
    }

    let logs = Logs::new(account.clients().await.sdk_config());
    let group = &snapshot["log_group"];
    let call = logs.create_log_group().log_group_name(text(&group["name"]));
    call.set_tags(Some(pairs(&group["tags"]))).send().await.unwrap();
    let days = i32::try_from(group["retention_days"].as_i64().unwrap()).unwrap();
    logs.put_retention_policy().log_group_name(text(&group["name"])).retention_in_days(days).send().await.unwrap();

    let function = &snapshot["function"];
    let name = text(&function["name"]);
    let number = |value: &Value| i32::try_from(value.as_i64().unwrap()).unwrap();
    let mut tags = pairs(&function["tags"]);
    // The sandbox gives its roles ids of their own.
    tags.insert("keyminder:role-id".to_owned(), role_id);
    let zip = package();
    aws.lambda
        .create_function()
        .function_name(&name)
        .description(text(&function["description"]))
        .runtime(Runtime::from(text(&function["runtime"]).as_str()))
        .handler(text(&function["handler"]))
        .architectures(text(&function["architecture"]).as_str().into())
        .timeout(number(&function["timeout_seconds"]))
        .memory_size(number(&function["memory_mb"]))
        .environment(Environment::builder().set_variables(Some(pairs(&function["environment"]))).build())
        .role(text(&function["role"]))
        .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
        .set_tags(Some(tags))
        .send()
        .await
        .unwrap();
    let settings = &function["invoke_settings"];
    let on_failure = OnFailure::builder().destination(text(&settings["on_failure"])).build();
    aws.lambda
        .put_function_event_invoke_config()
        .function_name(&name)
        .maximum_retry_attempts(number(&settings["maximum_retry_attempts"]))
        .maximum_event_age_in_seconds(number(&settings["maximum_event_age_seconds"]))
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build())
        .send()
        .await
        .unwrap();
    for statement in function["policy"]["Statement"].as_array().unwrap() {
        aws.lambda
            .add_permission()
            .function_name(&name)
            .statement_id(text(&statement["Sid"]))
            .action(text(&statement["Action"]))
            .principal(text(&statement["Principal"]["Service"]))
            .source_arn(text(&statement["Condition"]["ArnLike"]["AWS:SourceArn"]))
            .send()
            .await
            .unwrap();
    }

    let rule = &snapshot["rule"];
    let tags = pairs(&rule["tags"]).into_iter().map(|(k, v)| RuleTag::builder().key(k).value(v).build().unwrap());
    let call = aws.events.put_rule().name(text(&rule["name"])).schedule_expression(text(&rule["schedule"]));
    call.description(text(&rule["description"])).set_tags(Some(tags.collect())).send().await.unwrap();
    let targets = rule["targets"].as_array().unwrap().iter();
    let targets = targets.map(|one| Target::builder().id(text(&one["Id"])).arn(text(&one["Arn"])).build().unwrap());
    aws.events.put_targets().rule(text(&rule["name"])).set_targets(Some(targets.collect())).send().await.unwrap();
    account
}

#[tokio::test]
async fn what_an_older_version_installed_is_ours_and_each_change_has_its_reason() {
    let account = installed().await;
    let plan = account.plan(&same_settings(), CONVERGE).await;
    assert!(plan.refused().is_empty(), "nothing is damaged or foreign: {:?}", plan.refused());
    assert!(plan.concerns().is_empty(), "{:?}", plan.concerns());
    let found = paths(&plan);
    assert!(found.iter().all(|path| EXPECTED.iter().any(|start| path.starts_with(start))), "{found:?}");
    let created = keyminder_testkit::account::actions(&plan);
    assert!(created.iter().all(|action| action.starts_with("update")), "{created:?}");
}

/// What this version does differently: the function may read users by their ARNs only, has other code, and carries
/// records of its code and its settings; the role records the format of the installation.
const EXPECTED: &[&str] = &[
    "iam_policy.document",
    "iam_role.tags.keyminder:format",
    "lambda_function.code_sha256",
    "lambda_function.code_source",
    "lambda_function.tags.keyminder:",
];

#[tokio::test]
async fn it_is_called_older_until_a_setup_has_brought_it_up_to_date() {
    let account = installed().await;
    let facts = async || {
        let installation = account.open(&same_settings()).await;
        let stack = installation.stack();
        let seen = stack.observe().await.unwrap();
        let plan = stack.plan(&seen, CONVERGE);
        (installation.drift(&seen, &plan), installation.effects(&seen, &plan).upgrades)
    };
    let (drift, upgrades) = facts().await;
    assert_eq!((drift.first(), upgrades), (Some(&Drift::OlderVersion), true), "{drift:?}");
    assert!(!drift.iter().any(|one| matches!(one, Drift::Other(_) | Drift::Missing(_))), "{drift:?}");
    account.setup(&same_settings()).await.expect_right();
    assert_eq!(facts().await, (vec![], false));
}

#[tokio::test]
async fn a_newer_versions_installation_is_refused_before_anything_else_is_read_or_written() {
    let account = installed().await;
    account.setup(&same_settings()).await.expect_right();
    account.sandbox.edit(|world| role(world).tags.insert("keyminder:format".to_owned(), "4711".to_owned()));
    let before = account.sandbox.snapshot();
    for purpose in [CONVERGE, ADOPT] {
        account.sandbox.forget_calls();
        let Err(error) = account.try_setup(&same_settings(), purpose).await else { panic!("it went on") };
        assert_eq!((error.code.as_str(), error.cause), ("NewerVersion", Cause::NewerVersion));
        assert!(error.message.contains("records format 4711"), "{}", error.message);
        assert!(account.operations().iter().all(|call| ["sts:GetCallerIdentity", "iam:GetRole"].contains(&&**call)));
    }
    assert!(account.try_teardown(&same_settings(), Removal { force: true }).await.is_err());
    assert_eq!(account.sandbox.snapshot(), before);

    // Even if some of the other tags are missing. A role without any of them is a stranger's.
    account.sandbox.edit(|world| role(world).tags.remove("managed-by"));
    assert_eq!(account.try_open(&same_settings()).await.err().map(|error| error.cause), Some(Cause::NewerVersion));
    account.sandbox.edit(|world| role(world).tags.retain(|key, _| key == "keyminder:format"));
    assert!(!account.plan(&same_settings(), CONVERGE).await.refused().is_empty());
}

#[tokio::test]
async fn a_setup_brings_it_up_to_date_and_a_teardown_removes_all_of_it() {
    let account = installed().await;
    account.setup(&same_settings()).await.expect_right();
    account.teardown(&same_settings(), Removal::default()).await.expect_right();
    assert_eq!(account.sandbox.snapshot(), Account::new().await.sandbox.snapshot());
}
