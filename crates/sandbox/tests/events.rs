//! EventBridge in the sandbox behaves as EventBridge, and fires by the sandbox's clock.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use aws_sdk_eventbridge::types::{RuleState, Tag, Target};
use keyminder_sandbox::{Fault, FaultKind, Options};
use keyminder_testkit::sdk::{aws, bootstrap, held, instant, policy};
use keyminder_testkit::{done, refused};

fn target(id: &str, arn: &str) -> Target {
    Target::builder().id(id).arn(arn).build().expect("a target")
}

#[tokio::test]
async fn schedules_aws_refuses_are_refused() {
    let aws = instant().await;
    for schedule in ["rate(1 days)", "rate(0 days)", "rate(2 day)", "cron(0 8 * * ?)", "cron(0 8 * * * *)", "daily"] {
        refused!(aws.events.put_rule().name("r").schedule_expression(schedule), "ValidationException");
    }
    refused!(aws.events.put_rule().name("r"), "ValidationException");
    refused!(aws.events.put_rule().name("a b").schedule_expression("rate(1 day)"), "ValidationException");
    done!(aws.events.put_rule().name("r").schedule_expression("cron(0 8 * * ? *)"));
}

#[tokio::test]
async fn putting_a_rule_again_clears_what_is_not_sent_but_keeps_tags() {
    let aws = instant().await;
    let tag = |value: &str| Tag::builder().key("a").value(value).build().expect("a tag");
    let put = || aws.events.put_rule().name("r").schedule_expression("rate(1 day)");
    let arn = done!(put().description("daily").tags(tag("1"))).rule_arn().expect("an ARN").to_owned();
    done!(put().state(RuleState::Disabled).tags(tag("2")));
    let found = done!(aws.events.describe_rule().name("r"));
    assert_eq!((found.description(), found.state()), (None, Some(&RuleState::Disabled)));
    assert_eq!(done!(aws.events.list_tags_for_resource().resource_arn(&arn)).tags(), [tag("1")]);
    refused!(aws.events.describe_rule().name("none"), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_rule_with_targets_cannot_be_deleted() {
    let aws = instant().await;
    done!(aws.events.put_rule().name("r").schedule_expression("rate(1 day)"));
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let put = done!(aws.events.put_targets().rule("r").targets(target("1", arn)));
    assert_eq!(put.failed_entry_count(), 0);
    refused!(aws.events.delete_rule().name("r"), "ValidationException");
    assert_eq!(done!(aws.events.list_targets_by_rule().rule("r")).targets(), [target("1", arn)]);
    done!(aws.events.remove_targets().rule("r").ids("1"));
    done!(aws.events.delete_rule().name("r"));
    done!(aws.events.delete_rule().name("r"));
}

#[tokio::test]
async fn failed_entries_come_with_a_success() {
    let aws = instant().await;
    done!(aws.events.put_rule().name("r").schedule_expression("rate(1 day)"));
    aws.sandbox.inject(Fault::new("events:PutTargets", FaultKind::FailedEntries).once());
    let put = || aws.events.put_targets().rule("r").targets(target("1", "arn:aws:sqs:us-east-1:123456789012:q"));
    let failed = done!(put());
    assert_eq!((failed.failed_entry_count(), failed.failed_entries().len()), (1, 1));
    assert_eq!(done!(put()).failed_entry_count(), 0);
}

#[tokio::test]
async fn a_rule_fires_by_the_clock_only_where_the_function_lets_it() {
    let aws = aws(Options::instant().with_clock(held())).await;
    let function = aws.function("f", bootstrap()).await;
    let write = policy(r#"["logs:CreateLogStream","logs:PutLogEvents"]"#, "*");
    done!(aws.iam.put_role_policy().role_name("f").policy_name("logs").policy_document(write));
    done!(aws.logs.create_log_group().log_group_name("/aws/lambda/f"));
    let rule = done!(aws.events.put_rule().name("r").schedule_expression("cron(0 9 * * ? *)"));
    done!(aws.events.put_targets().rule("r").targets(target("1", &function)));
    let runs = async || {
        let starts = aws.logs.filter_log_events().log_group_name("/aws/lambda/f").filter_pattern("\"START RequestId\"");
        done!(starts).events().len()
    };
    aws.sandbox.clock().advance(Duration::from_secs(3600));
    aws.sandbox.settled().await;
    assert_eq!(runs().await, 0, "without permission nothing runs");
    let failed = aws.sandbox.edit(|world| world.region("us-east-1").rules["r"].failed_invocations);
    assert_eq!(failed, 1);
    let permit = aws.lambda.add_permission().function_name("f").statement_id("S").action("lambda:InvokeFunction");
    done!(permit.principal("events.amazonaws.com").source_arn(rule.rule_arn().expect("an ARN")));
    aws.sandbox.clock().advance(Duration::from_secs(2 * 86_400));
    aws.sandbox.settled().await;
    assert_eq!(runs().await, 2, "every missed firing is made up for");
    done!(aws.events.disable_rule().name("r"));
    aws.sandbox.clock().advance(Duration::from_secs(86_400));
    aws.sandbox.settled().await;
    assert_eq!(runs().await, 2);
}
