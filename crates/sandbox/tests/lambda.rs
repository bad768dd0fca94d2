//! Lambda in the sandbox behaves as Lambda, and really runs what was uploaded.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    DestinationConfig, Environment, FunctionCode, InvocationType, LastUpdateStatus, LogType, OnFailure, Runtime, State,
    ThrottleReason,
};
use base64::Engine as _;
use keyminder_sandbox::Options;
use keyminder_sandbox::world::Plant;
use keyminder_testkit::sdk::{Aws, Credentials, TRUST, aws, bootstrap, config_of, held, instant, package, policy};
use keyminder_testkit::{done, refused};
use serde_json::{Value, json};

fn environment(name: &str, value: &str) -> Environment {
    Environment::builder().variables(name, value).build()
}

/// Invokes and waits: the answer, the error kind, the end of the log.
async fn invoke(aws: &Aws, name: &str, event: &Value) -> (Value, Option<String>, String) {
    let call = aws.lambda.invoke().function_name(name).payload(Blob::new(event.to_string()));
    let answer = done!(call.log_type(LogType::Tail));
    let payload = answer.payload().map(|payload| serde_json::from_slice(payload.as_ref()).expect("JSON"));
    let log =
        base64::engine::general_purpose::STANDARD.decode(answer.log_result().unwrap_or_default()).expect("base64");
    let log = String::from_utf8(log).expect("text");
    (payload.unwrap_or_default(), answer.function_error().map(str::to_owned), log)
}

#[tokio::test]
async fn a_role_must_exist_trust_lambda_and_be_some_seconds_old() {
    let options = Options { role_delay: Duration::from_secs(8), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    let create = |role: &str| {
        let code = FunctionCode::builder().zip_file(package(b"#!/bin/sh\n")).build();
        let call = aws.lambda.create_function().function_name("f").runtime(Runtime::Providedal2023);
        call.handler("bootstrap").code(code).role(role)
    };
    let told = refused!(create("arn:aws:iam::123456789012:role/none"), "InvalidParameterValueException");
    assert!(told.ends_with("The role defined for the function cannot be assumed by Lambda."), "{told}");
    let other = TRUST.replace("lambda", "ec2");
    done!(aws.iam.create_role().role_name("other").assume_role_policy_document(other));
    let role = aws.role("r").await;
    refused!(create(&role), "InvalidParameterValueException");
    aws.sandbox.clock().advance(Duration::from_secs(8));
    refused!(create("arn:aws:iam::123456789012:role/other"), "InvalidParameterValueException");
    done!(create(&role));
    let told = refused!(create(&role), "ResourceConflictException");
    assert!(told.ends_with("Function already exist: f"), "{told}");
}

#[tokio::test]
async fn variables_wait_for_kms_to_know_the_role() {
    let options =
        Options { role_delay: Duration::from_secs(8), grant_delay: Duration::from_secs(10), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    let role = aws.role("r").await;
    let create = |variables: Option<Environment>| {
        let code = FunctionCode::builder().zip_file(package(b"#!/bin/sh\n")).build();
        let call = aws.lambda.create_function().function_name("f").runtime(Runtime::Providedal2023);
        call.handler("bootstrap").code(code).role(&role).set_environment(variables)
    };
    let told = refused!(create(Some(environment("KEY", "value"))), "InvalidParameterValueException");
    assert!(told.contains("cannot be assumed by Lambda"), "{told}");
    aws.sandbox.clock().advance(Duration::from_secs(8));
    let told = refused!(create(Some(environment("KEY", "value"))), "InvalidParameterValueException");
    assert!(told.contains("the KMS key is invalid for CreateGrant"), "{told}");
    done!(create(None));
    let update = || aws.lambda.update_function_configuration().function_name("f").role(&role);
    let told = refused!(update().environment(environment("KEY", "value")), "InvalidParameterValueException");
    assert!(told.contains("ARN does not refer to a valid principal"), "{told}");
    aws.sandbox.clock().advance(Duration::from_secs(2));
    done!(update().environment(environment("KEY", "value")));
}

#[tokio::test]
async fn a_function_of_another_region_or_account_is_out_of_reach() {
    let aws = instant().await;
    let arn = aws.function("f", package(b"#!/bin/sh\n")).await;
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    let told = refused!(aws.lambda.get_function().function_name(&elsewhere), "ResourceNotFoundException");
    assert!(told.ends_with("Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"), "{told}");
    refused!(aws.lambda.delete_function().function_name(&elsewhere), "ResourceNotFoundException");
    refused!(aws.lambda.tag_resource().resource(&elsewhere).tags("a", "b"), "ResourceNotFoundException");
    let theirs = arn.replace("123456789012", "999999999999");
    refused!(aws.lambda.delete_function().function_name(&theirs), "AccessDeniedException");
    refused!(aws.lambda.invoke().function_name(&theirs), "AccessDeniedException");
    done!(aws.lambda.get_function().function_name(&arn));
}

#[tokio::test]
async fn a_version_is_neither_found_nor_taken_for_the_function() {
    let aws = instant().await;
    let arn = aws.function("f", package(b"#!/bin/sh\n")).await;
    done!(aws.lambda.get_function().function_name("f").qualifier("$LATEST"));
    let told = refused!(aws.lambda.get_function().function_name("f:7"), "ResourceNotFoundException");
    assert!(told.ends_with("function:f:7"), "{told}");
    let told =
        refused!(aws.lambda.get_function().function_name("f:7").qualifier("8"), "InvalidParameterValueException");
    assert!(told.contains("does not match the specified qualifier"), "{told}");
    refused!(aws.lambda.delete_function().function_name("f").qualifier("live"), "InvalidParameterValueException");
    refused!(aws.lambda.delete_function().function_name("f:$LATEST"), "InvalidParameterValueException");
    refused!(aws.lambda.tag_resource().resource(format!("{arn}:7")).tags("a", "b"), "InvalidParameterValueException");
    refused!(aws.lambda.get_function().function_name("f?"), "ValidationException");
    let listed = done!(aws.lambda.list_versions_by_function().function_name("f"));
    assert_eq!(listed.versions()[0].version(), Some("$LATEST"));
}

#[tokio::test]
async fn a_destination_must_be_there_and_known() {
    let options = Options { destination_delay: Duration::from_secs(5), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    aws.function("f", package(b"#!/bin/sh\n")).await;
    let topic = done!(aws.sns.create_topic().name("t")).topic_arn().expect("an ARN").to_owned();
    let document = policy(r#""sns:Publish""#, "*");
    done!(aws.iam.put_role_policy().role_name("f").policy_name("p").policy_document(document));
    let put = |arn: &str| {
        let to = DestinationConfig::builder().on_failure(OnFailure::builder().destination(arn).build()).build();
        aws.lambda.put_function_event_invoke_config().function_name("f").destination_config(to)
    };
    let told = refused!(put(&topic), "InvalidParameterValueException");
    assert!(told.ends_with(&format!("The destination ARN {topic} is invalid.")), "{told}");
    aws.sandbox.clock().advance(Duration::from_secs(5));
    done!(put(&topic));
    refused!(put(&format!("{topic}-gone")), "InvalidParameterValueException");
}

#[tokio::test]
async fn what_lambda_does_not_accept_is_refused() {
    let aws = instant().await;
    let role = aws.role("r").await;
    let create = || {
        let code = FunctionCode::builder().zip_file(package(b"x")).build();
        let call = aws.lambda.create_function().function_name("f").runtime(Runtime::Providedal2023);
        call.handler("bootstrap").code(code).role(&role)
    };
    let garbage = FunctionCode::builder().zip_file(Blob::new("not a zip")).build();
    refused!(create().code(garbage), "InvalidParameterValueException");
    let told = refused!(create().runtime(Runtime::from("nodejs6.10")), "InvalidParameterValueException");
    assert!(told.contains("no longer supported"), "{told}");
    refused!(create().timeout(901), "ValidationException");
    refused!(create().memory_size(64), "InvalidParameterValueException");
    let told = refused!(create().environment(environment("BIG", &"x".repeat(4096))), "InvalidParameterValueException");
    assert!(told.contains("4KB"), "{told}");
    refused!(create().environment(environment("AWS_REGION", "x")), "InvalidParameterValueException");
    refused!(create().function_name("no spaces"), "ValidationException");
}

#[tokio::test]
async fn a_function_is_pending_then_active_and_updates_exclude_each_other() {
    let options = Options {
        function_pending: Duration::from_secs(2),
        function_updating: Duration::from_secs(1),
        ..Options::instant()
    };
    let aws = aws(options.with_clock(held())).await;
    aws.function("f", package(b"x")).await;
    let update = || aws.lambda.update_function_configuration().function_name("f").timeout(10);
    let told = refused!(update(), "ResourceConflictException");
    assert!(told.contains("in the following state: Pending"), "{told}");
    aws.sandbox.clock().advance(Duration::from_secs(2));
    let found = done!(aws.lambda.get_function_configuration().function_name("f"));
    assert_eq!(
        (found.state(), found.last_update_status()),
        (Some(&State::Active), Some(&LastUpdateStatus::Successful))
    );
    let updating = done!(update());
    assert_eq!(updating.last_update_status(), Some(&LastUpdateStatus::InProgress));
    let code = || aws.lambda.update_function_code().function_name("f").zip_file(package(b"y"));
    let told = refused!(code(), "ResourceConflictException");
    assert!(told.contains("An update is in progress for resource: arn:aws:lambda:"), "{told}");
    aws.sandbox.clock().step_per_call(Duration::from_secs(1));
    assert_ne!(done!(code()).code_sha256(), updating.code_sha256());
    aws.sandbox.edit(|world| {
        let function = world.region("us-east-1").functions.get_mut("f").expect("a function");
        function.update_failed = Some("The role is gone.".into());
    });
    let found = done!(aws.lambda.get_function_configuration().function_name("f"));
    assert_eq!(found.last_update_status(), Some(&LastUpdateStatus::Failed));
    done!(update());
    let found = done!(aws.lambda.get_function_configuration().function_name("f"));
    assert_eq!(found.last_update_status(), Some(&LastUpdateStatus::Successful));
}

#[tokio::test]
async fn the_hash_is_that_of_the_package_and_the_package_can_be_fetched() {
    use sha2::Digest as _;
    let aws = instant().await;
    let code = package(b"x");
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(code.as_ref()));
    aws.function("f", code).await;
    let found = done!(aws.lambda.get_function().function_name("f"));
    assert_eq!(found.configuration().expect("a configuration").code_sha256(), Some(hash.as_str()));
    let location = found.code().expect("code").location().expect("a link");
    assert!(location.starts_with(aws.sandbox.url()), "{location}");
}

#[tokio::test]
async fn a_planted_function_can_be_moved_off_its_blocked_runtime() {
    let aws = instant().await;
    let role = aws.role("r").await;
    let now = aws.sandbox.clock().now();
    aws.sandbox.edit(|world| {
        let plant = Plant {
            region: "us-east-1".into(),
            name: "old".into(),
            runtime: "nodejs6.10".into(),
            handler: "index.handler".into(),
            role,
            environment: BTreeMap::new(),
            tags: BTreeMap::new(),
            code: b"anything".to_vec(),
        };
        world.plant_function(plant, now);
    });
    let update = || aws.lambda.update_function_configuration().function_name("old").handler("bootstrap");
    refused!(update().runtime(Runtime::from("nodejs6.10")), "InvalidParameterValueException");
    let moved = done!(update().runtime(Runtime::Providedal2023));
    assert_eq!((moved.runtime(), moved.handler()), (Some(&Runtime::Providedal2023), Some("bootstrap")));
}

#[tokio::test]
async fn permissions_are_added_once_and_read_back_as_lambda_writes_them() {
    let aws = instant().await;
    let arn = aws.function("f", package(b"x")).await;
    refused!(aws.lambda.get_policy().function_name("f"), "ResourceNotFoundException");
    let rule = "arn:aws:events:us-east-1:123456789012:rule/daily";
    let add = || {
        let call = aws.lambda.add_permission().function_name("f").statement_id("S").action("lambda:InvokeFunction");
        call.principal("events.amazonaws.com").source_arn(rule)
    };
    done!(add());
    refused!(add(), "ResourceConflictException");
    let found = done!(aws.lambda.get_policy().function_name("f"));
    let policy: Value = serde_json::from_str(found.policy().expect("a policy")).expect("JSON");
    assert_eq!(
        policy["Statement"],
        json!([{
            "Sid": "S", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": arn, "Condition": {"ArnLike": {"AWS:SourceArn": rule}},
        }])
    );
    refused!(aws.lambda.remove_permission().function_name("f").statement_id("T"), "ResourceNotFoundException");
    done!(aws.lambda.remove_permission().function_name("f").statement_id("S"));
    refused!(aws.lambda.get_policy().function_name("f"), "ResourceNotFoundException");
}

#[tokio::test]
async fn tags_concurrency_and_invoke_settings_are_kept() {
    let aws = instant().await;
    let arn = aws.function("f", package(b"x")).await;
    done!(aws.lambda.tag_resource().resource(&arn).tags("a", "1").tags("b", "2"));
    done!(aws.lambda.untag_resource().resource(&arn).tag_keys("a"));
    let tags = done!(aws.lambda.list_tags().resource(&arn));
    assert_eq!(tags.tags().map(|tags| tags.keys().map(String::as_str).collect::<Vec<_>>()), Some(vec!["b"]));
    done!(aws.lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(1));
    let found = done!(aws.lambda.get_function_concurrency().function_name("f"));
    assert_eq!(found.reserved_concurrent_executions(), Some(1));
    done!(aws.lambda.delete_function_concurrency().function_name("f"));
    refused!(aws.lambda.get_function_event_invoke_config().function_name("f"), "ResourceNotFoundException");
    done!(aws.lambda.put_function_event_invoke_config().function_name("f").maximum_retry_attempts(0));
    let found = done!(aws.lambda.get_function_event_invoke_config().function_name("f"));
    assert_eq!((found.maximum_retry_attempts(), found.maximum_event_age_in_seconds()), (Some(0), None));
    refused!(
        aws.lambda.put_function_event_invoke_config().function_name("f").maximum_retry_attempts(3),
        "InvalidParameterValueException"
    );
}

#[tokio::test]
async fn a_destination_the_role_may_not_publish_to_is_refused() {
    let aws = instant().await;
    aws.function("f", package(b"x")).await;
    let topic = done!(aws.sns.create_topic().name("t")).topic_arn().expect("an ARN").to_owned();
    let put = || {
        let failure = OnFailure::builder().destination(&topic).build();
        let destination = DestinationConfig::builder().on_failure(failure).build();
        aws.lambda.put_function_event_invoke_config().function_name("f").destination_config(destination)
    };
    let told = refused!(put(), "InvalidParameterValueException");
    assert!(told.contains("does not have permissions to call Publish"), "{told}");
    let document = policy(r#""sns:Publish""#, &topic);
    done!(aws.iam.put_role_policy().role_name("f").policy_name("p").policy_document(document));
    done!(put());
}

#[tokio::test]
async fn a_bootstrap_runs_stays_warm_and_sees_its_environment() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    done!(aws.lambda.update_function_configuration().function_name("f").environment(environment("LIMIT_DAYS", "90")));
    let (answer, error, log) = invoke(&aws, "f", &json!({"do": "environment"})).await;
    assert_eq!((error, &answer["LIMIT_DAYS"]), (None, &json!("90")));
    assert_eq!(answer["AWS_LAMBDA_FUNCTION_NAME"], "f");
    assert_eq!(answer["AWS_ENDPOINT_URL"], aws.sandbox.url());
    assert!(answer.get("CARGO_MANIFEST_DIR").is_none(), "the environment must be clean");
    assert!(log.contains("START RequestId: ") && log.contains("REPORT RequestId: "), "{log}");
    let (first, ..) = invoke(&aws, "f", &json!({"do": "count"})).await;
    let (second, ..) = invoke(&aws, "f", &json!({"do": "count"})).await;
    assert_eq!(
        (first["pid"].clone(), &first["count"], &second["count"]),
        (second["pid"].clone(), &json!(2), &json!(3))
    );
    done!(aws.lambda.update_function_configuration().function_name("f").memory_size(256));
    let (third, ..) = invoke(&aws, "f", &json!({"do": "count"})).await;
    assert_eq!(third["count"], 1, "a change must end the warm instance");
}

#[tokio::test]
async fn failures_of_a_function_are_told_as_lambda_tells_them() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    done!(aws.lambda.update_function_configuration().function_name("f").timeout(1));
    let (answer, error, _) = invoke(&aws, "f", &json!({"do": "fail"})).await;
    assert_eq!((error.as_deref(), &answer["errorType"]), (Some("Unhandled"), &json!("Wanted")));
    let (answer, error, _) = invoke(&aws, "f", &json!({"do": "exit"})).await;
    assert_eq!((error.as_deref(), &answer["errorType"]), (Some("Unhandled"), &json!("Runtime.ExitError")));
    let (answer, _, log) = invoke(&aws, "f", &json!({"do": "sleep"})).await;
    assert!(
        answer["errorMessage"].as_str().is_some_and(|m| m.ends_with("Task timed out after 1.00 seconds")),
        "{answer}"
    );
    assert!(log.contains("Task timed out after 1.00 seconds"), "{log}");
    let dry = done!(aws.lambda.invoke().function_name("f").invocation_type(InvocationType::DryRun));
    assert_eq!(dry.status_code(), 204);
}

#[tokio::test]
async fn lines_become_log_events_only_where_the_role_and_the_group_let_them() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    let print = json!({"do": "print"});
    let write = policy(
        r#"["logs:CreateLogStream","logs:PutLogEvents"]"#,
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*",
    );
    invoke(&aws, "f", &print).await;
    done!(aws.iam.put_role_policy().role_name("f").policy_name("logs").policy_document(write));
    invoke(&aws, "f", &print).await;
    assert!(done!(aws.logs.describe_log_groups()).log_groups().is_empty(), "no group may come into being by itself");
    done!(aws.logs.create_log_group().log_group_name("/aws/lambda/f"));
    invoke(&aws, "f", &print).await;
    let found = done!(aws.logs.filter_log_events().log_group_name("/aws/lambda/f"));
    let messages: Vec<&str> = found.events().iter().filter_map(|event| event.message()).map(str::trim_end).collect();
    let kinds: Vec<&str> = messages.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(kinds, ["START", "a", "END", "REPORT"], "{messages:?}");
    done!(aws.iam.delete_role_policy().role_name("f").policy_name("logs"));
    invoke(&aws, "f", &print).await;
    assert_eq!(done!(aws.logs.filter_log_events().log_group_name("/aws/lambda/f")).events().len(), 4);
}

/// An IAM client with the credentials in a function's environment, and this session token.
fn as_function(aws: &Aws, environment: &Value, token: Option<&str>) -> aws_sdk_iam::Client {
    let variable = |name: &str| environment[name].as_str().expect("a variable").to_owned();
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let credentials = Credentials::new(id, secret, token.map(str::to_owned), None, "test");
    aws_sdk_iam::Client::new(&config_of(&aws.sandbox, credentials, "us-east-1"))
}

#[tokio::test]
async fn a_function_may_do_what_its_role_allows_and_no_more() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    let (environment, ..) = invoke(&aws, "f", &json!({"do": "environment"})).await;
    let token = environment["AWS_SESSION_TOKEN"].as_str();
    let function = as_function(&aws, &environment, token);
    let told = refused!(function.list_users(), "AccessDenied");
    assert!(
        told.contains("User: arn:aws:sts::123456789012:assumed-role/f/f is not authorized to perform: iam:ListUsers")
            && told.contains("because no identity-based policy allows the iam:ListUsers action"),
        "{told}"
    );
    let list = policy(r#""iam:ListUsers""#, "*");
    done!(aws.iam.put_role_policy().role_name("f").policy_name("list").policy_document(list));
    done!(function.list_users());
    for token in [None, Some("another")] {
        refused!(as_function(&aws, &environment, token).list_users(), "InvalidClientTokenId");
    }
    let nothing = done!(aws.iam.create_policy().policy_name("b").policy_document(policy(r#""sns:*""#, "*")));
    let boundary = nothing.policy().expect("a policy").arn().expect("an ARN");
    done!(aws.iam.put_role_permissions_boundary().role_name("f").permissions_boundary(boundary));
    let told = refused!(function.list_users(), "AccessDenied");
    assert!(told.contains("no permissions boundary allows"), "{told}");
}

#[tokio::test]
async fn a_recreated_role_breaks_the_environment_until_another_one_was_set() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    let update = || aws.lambda.update_function_configuration().function_name("f");
    done!(update().environment(environment("LIMIT_DAYS", "90")));
    done!(aws.iam.delete_role().role_name("f"));
    let role = aws.role("f").await;
    let invoke = || aws.lambda.invoke().function_name("f");
    refused!(invoke(), "KMSAccessDeniedException");
    done!(update().role(&role));
    refused!(invoke(), "KMSAccessDeniedException");
    let other = aws.role("other").await;
    done!(update().role(other));
    done!(update().role(role));
    done!(invoke());
}

#[tokio::test]
async fn asynchronous_failures_are_retried_by_the_clock_and_told_to_the_destination() {
    let aws = aws(Options::instant().with_clock(held())).await;
    aws.function("f", bootstrap()).await;
    let topic = done!(aws.sns.create_topic().name("t")).topic_arn().expect("an ARN").to_owned();
    done!(aws.sns.subscribe().topic_arn(&topic).protocol("sms").endpoint("+15550100123"));
    let document = policy(r#""sns:Publish""#, &topic);
    done!(aws.iam.put_role_policy().role_name("f").policy_name("p").policy_document(document));
    let failure = OnFailure::builder().destination(&topic).build();
    let destination = DestinationConfig::builder().on_failure(failure).build();
    let settings = aws.lambda.put_function_event_invoke_config().function_name("f");
    done!(settings.maximum_retry_attempts(1).destination_config(destination));
    let call = aws.lambda.invoke().function_name("f").invocation_type(InvocationType::Event);
    let accepted = done!(call.payload(Blob::new(r#"{"do":"fail"}"#)));
    assert_eq!(accepted.status_code(), 202);
    aws.sandbox.settled().await;
    assert!(aws.sandbox.deliveries().is_empty(), "the first failure is retried");
    aws.sandbox.clock().advance(Duration::from_secs(60));
    aws.sandbox.settled().await;
    let delivery = aws.sandbox.deliveries().pop().expect("a record of the failure");
    let record: Value = serde_json::from_str(delivery.body.trim_start_matches("t> ")).expect("JSON");
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responsePayload"]["errorType"], "Wanted");
}

#[tokio::test]
async fn a_reserved_concurrency_of_none_throttles() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    done!(aws.lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(0));
    let refused = aws.lambda.invoke().function_name("f").send().await.expect_err("no place to run");
    let InvokeError::TooManyRequestsException(refused) = refused.into_service_error() else {
        panic!("another refusal");
    };
    assert_eq!(refused.message(), Some("Rate Exceeded."));
    assert_eq!(refused.reason(), Some(&ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded));
}

#[tokio::test]
async fn a_request_larger_than_any_package_is_refused_with_its_operation() {
    let aws = instant().await;
    let code = FunctionCode::builder().zip_file(Blob::new(vec![0; 53 * 1024 * 1024])).build();
    let create = aws.lambda.create_function().function_name("f").runtime(Runtime::Providedal2023);
    let create = create.handler("bootstrap").code(code).role("arn:aws:iam::123456789012:role/r");
    let told = refused!(create, "RequestEntityTooLargeException");
    assert!(told.ends_with("Request must be smaller than 70167211 bytes for the CreateFunction operation"), "{told}");
}

#[tokio::test]
async fn dropping_the_sandbox_kills_its_processes() {
    let aws = instant().await;
    aws.function("f", bootstrap()).await;
    let (answer, ..) = invoke(&aws, "f", &json!({"do": "count"})).await;
    let path = format!("/proc/{}/cmdline", answer["pid"]);
    assert!(std::fs::read(&path).is_ok_and(|line| !line.is_empty()));
    drop(aws);
    for _ in 0..100 {
        // A killed child that nobody has waited for yet has an empty command line.
        if std::fs::read(&path).map_or(true, |line| line.is_empty()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the process is still there");
}

#[tokio::test]
async fn a_package_that_unpacks_to_more_than_250_mb_is_refused() {
    let aws = instant().await;
    let role = aws.role("r").await;
    let mut bomb = package(b"small").into_inner();
    // In the one entry of the central directory, the size of the file when unpacked.
    let directory = bomb.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").expect("a central directory");
    bomb[directory + 24..directory + 28].copy_from_slice(&300_000_000_u32.to_le_bytes());
    let code = aws_sdk_lambda::types::FunctionCode::builder().zip_file(bomb.into()).build();
    let create = aws.lambda.create_function().function_name("f").role(role).handler("bootstrap");
    let told = refused!(
        create.runtime(aws_sdk_lambda::types::Runtime::Providedal2023).code(code),
        "InvalidParameterValueException"
    );
    assert!(told.contains("Unzipped size must be smaller than 262144000 bytes"), "{told}");
}

#[tokio::test]
async fn the_link_to_a_package_cannot_be_guessed() {
    let aws = instant().await;
    aws.function("f", package(b"secret settings")).await;
    let found = done!(aws.lambda.get_function().function_name("f"));
    let link = found.code().and_then(|code| code.location()).expect("a link").to_owned();
    let get = |link: String| {
        let (host, path) = link.trim_start_matches("http://").split_once('/').expect("a path");
        let mut stream = std::net::TcpStream::connect(host).expect("a connection");
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(get(link.clone()).contains("secret settings"));
    let (bare, _) = link.split_once('?').expect("a signature");
    for guess in [bare.to_owned(), format!("{bare}?X-Amz-Signature=00")] {
        let answer = get(guess);
        assert!(answer.starts_with("HTTP/1.1 403") && !answer.contains("secret settings"), "{answer}");
    }
}
