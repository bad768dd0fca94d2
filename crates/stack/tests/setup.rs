//! Setting up, setting up again, changing what was asked for, and taking it all away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::time::Duration;

use jiff::Timestamp;
use keyminder_reconcile::Removal;
use keyminder_sandbox::{Clock, Options};
use keyminder_stack::{Spec, Subscription, SubscriptionState};
use keyminder_testkit::account::{self, Account, actions, package_with, paths, spec};

#[tokio::test]
async fn a_first_setup_makes_everything_and_then_there_is_nothing_to_do() {
    let account = Account::new().await;
    let run = account.setup(&spec()).await.expect_right();
    assert_eq!(run.plan.summary().create, 11);
    account.sandbox.forget_calls();
    let again = account.setup(&spec()).await.expect_right();
    assert!(again.plan.is_empty());
    assert_eq!(account.writes(), Vec::<String>::new(), "a run with nothing to do writes nothing");
}

#[tokio::test]
async fn a_first_setup_stays_within_45_calls_and_a_further_one_within_22() {
    let account = Account::new().await;
    let mut spec = spec();
    spec.notify.subscriptions = Some(vec![Subscription::email("ops@example.com")]);
    account.setup(&spec).await.expect_right();
    let first = account.operations();
    account.sandbox.forget_calls();
    let installation = account.open(&spec).await;
    let stack = installation.stack();
    let seen = stack.observe().await.unwrap();
    assert!(stack.plan(&seen, account::CONVERGE).is_empty());
    let again = account.operations();
    assert!(first.len() <= 45, "{} calls: {first:#?}", first.len());
    assert!(again.len() <= 22, "{} calls: {again:#?}", again.len());
}

#[tokio::test]
async fn a_setup_waits_for_a_role_that_cannot_be_assumed_yet_and_a_function_that_is_pending() {
    let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
    clock.step_per_call(Duration::from_secs(8));
    let mut options = Options::realistic().with_clock(clock);
    options.role_delay = Duration::from_secs(120);
    options.function_pending = Duration::from_secs(60);
    let account = Account::with(options).await;
    account.setup(&spec()).await.expect_right();
    let tries = account.operations().iter().filter(|call| *call == "lambda:CreateFunction").count();
    assert!(tries > 1, "the role was not assumable at once");
}

#[tokio::test]
async fn a_setup_waits_until_kms_knows_the_role_and_lambda_knows_the_topic() {
    let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
    clock.step_per_call(Duration::from_secs(8));
    let mut options = Options::realistic().with_clock(clock);
    options.grant_delay = Duration::from_secs(150);
    options.destination_delay = Duration::from_secs(400);
    let account = Account::with(options).await;
    account.setup(&spec()).await.expect_right();
    for operation in ["lambda:CreateFunction", "lambda:PutFunctionEventInvokeConfig"] {
        let tries = account.operations().iter().filter(|call| *call == operation).count();
        assert!(tries > 1, "{operation} was not accepted at once");
    }
}

#[tokio::test]
async fn a_setup_after_a_teardown_waits_for_the_old_topics_subscriptions_to_go() {
    let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
    let mut options = Options::instant().with_clock(clock);
    options.orphan_delay = Duration::from_secs(120);
    let account = Account::installed(options, &spec()).await;
    account.teardown(&spec(), Removal::default()).await.expect_right();
    account.sandbox.clock().step_per_call(Duration::from_secs(5));
    account.setup(&spec()).await.expect_right();
    account.sandbox.clock().advance(Duration::from_secs(600));
    let stack = account.open(&spec()).await;
    let stack = stack.stack();
    let seen = stack.observe().await.unwrap();
    assert!(stack.plan(&seen, account::CONVERGE).is_empty(), "no subscription went after the setup");
}

#[tokio::test]
async fn a_setup_that_stops_while_it_waits_for_them_leaves_the_wait_to_the_next_one() {
    let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
    let mut options = Options::instant().with_clock(clock);
    options.orphan_delay = Duration::from_secs(120);
    let mut account = Account::installed(options, &spec()).await;
    account.teardown(&spec(), Removal::default()).await.expect_right();
    account.longest_wait = Some(Duration::ZERO);
    let run = account.setup(&spec()).await;
    let error = &run.outcome.failed[0].error;
    assert_eq!(error.code, "SubscriptionsLeftOver", "{error:?}");
    assert!(error.message.contains("email ops@example.com"), "{error:?}");

    let statuses = account.open(&spec()).await.subscriptions().await.unwrap();
    let states: Vec<_> = statuses.iter().map(|one| one.state).collect();
    assert_eq!(states, [SubscriptionState::Missing; 2], "they are a deleted topic's: {statuses:#?}");

    account.longest_wait = None;
    account.sandbox.clock().step_per_call(Duration::from_secs(5));
    account.sandbox.forget_calls();
    account.setup(&spec()).await.expect_right();
    assert_eq!(account.operations().iter().filter(|call| *call == "sns:Subscribe").count(), 2);
    account.sandbox.clock().advance(Duration::from_secs(600));
    assert!(account.plan(&spec(), account::CONVERGE).await.is_empty(), "no subscription went after the setup");
    let tags = account.sandbox.edit(|world| world.regions["us-east-1"].topics.values().next().unwrap().tags.clone());
    assert!(!tags.contains_key("keyminder:new-topic"), "{tags:?}");
}

#[tokio::test]
async fn on_a_topic_that_is_marked_as_new_the_subscriptions_of_others_are_still_shown() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let aws = account.aws().await;
    let topic = account.open(&spec()).await.names().topic_arn();
    let queue = "arn:aws:sqs:us-east-1:999999999999:theirs";
    aws.sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue).send().await.unwrap();
    let mark = aws_sdk_sns::types::Tag::builder().key("keyminder:new-topic").value(Timestamp::now().to_string());
    aws.sns.tag_resource().resource_arn(&topic).tags(mark.build().unwrap()).send().await.unwrap();
    let plan = account.plan(&spec(), account::CONVERGE).await;
    assert_eq!(actions(&plan), ["update sns_subscriptions"]);
    let extras: Vec<_> = plan.changes.iter().flat_map(|change| &change.extras).collect();
    assert!(extras.iter().any(|extra| extra.name == format!("sqs {queue}")), "{extras:#?}");
}

#[tokio::test]
async fn a_policy_that_is_not_visible_yet_and_lists_that_lag_are_waited_out() {
    let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
    clock.step_per_call(Duration::from_secs(3));
    let mut options = Options::realistic().with_clock(clock);
    options.policy_visible_delay = Duration::from_secs(15);
    options.list_lag = Duration::from_secs(10);
    let account = Account::with(options).await;
    account.setup(&spec()).await.expect_right();
}

#[tokio::test]
async fn each_changed_setting_changes_just_what_it_says() {
    let account = Account::installed(Options::instant(), &spec()).await;
    // The settings are also recorded.
    const RECORD: &str = "lambda_function.tags.keyminder:settings";
    type Case = (&'static str, fn(&mut Spec), &'static [&'static str]);
    let cases: [Case; 12] = [
        ("limit", |s| s.check.max_age_days = 60, &["lambda_function.environment.MAX_AGE_DAYS", RECORD]),
        (
            "schedule",
            |s| s.schedule = "cron(0 7 ? * MON-FRI *)".into(),
            &["events_rule.schedule", "lambda_function.environment.SCHEDULE", RECORD],
        ),
        (
            "dead-letter queue",
            |s| s.rule.dead_letter_queue = Some("arn:aws:sqs:us-east-1:123456789012:undelivered".into()),
            &["events_target.dead_letter_queue", RECORD],
        ),
        ("timeout", |s| s.function.timeout_seconds = 60, &[RECORD, "lambda_function.timeout_seconds"]),
        ("memory", |s| s.function.memory_mb = 512, &["lambda_function.memory_mb", RECORD]),
        ("retention", |s| s.function.log_retention_days = 30, &[RECORD, "lambda_log_group.retention_days"]),
        ("code", |s| s.package = package_with("a newer checker"), &["lambda_function.code_sha256"]),
        ("display name", |s| s.topic.display_name = "Keys".into(), &[RECORD, "sns_topic.display_name"]),
        (
            "environment",
            |s| drop(s.function.environment.insert("EXTRA".into(), "1".into())),
            &["lambda_function.environment.EXTRA", RECORD],
        ),
        (
            "reading more",
            |s| s.check.other_credentials = true,
            &["iam_policy.document.Statement[2].Action", "lambda_function.environment.OTHER_CREDENTIALS", RECORD],
        ),
        (
            "one more address",
            |s| s.notify.subscriptions.as_mut().unwrap().push(Subscription::email("b@example.com")),
            &["sns_subscriptions.email b@example.com.managed", "sns_subscriptions.email b@example.com.raw"],
        ),
        (
            "one address less",
            |s| drop(s.notify.subscriptions.as_mut().unwrap().remove(0)),
            &["sns_subscriptions.email ops@example.com.managed", "sns_subscriptions.email ops@example.com.raw"],
        ),
    ];
    for (what, change, expected) in cases {
        let mut changed = spec();
        change(&mut changed);
        let run = account.setup(&changed).await.expect_right();
        let mut found = paths(&run.plan);
        found.sort();
        assert_eq!(found, expected, "{what}");
        account.sandbox.confirm("b@example.com");
        account.setup(&spec()).await.expect_right();
        account.sandbox.confirm("ops@example.com");
    }
}

#[tokio::test]
async fn tags_are_set_everywhere_and_removed_everywhere() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let mut tagged = spec();
    tagged.tags.insert("team".into(), "security".into());
    let run = account.setup(&tagged).await.expect_right();
    let tagged_resources = paths(&run.plan).iter().filter(|path| path.ends_with(".tags.team")).count();
    assert_eq!(tagged_resources, 6, "topic, role, policy, log group, function, rule");
    account.setup(&spec()).await.expect_right();
    assert!(!account.sandbox.snapshot().to_string().contains("security"));
}

#[tokio::test]
async fn as_many_tags_and_subscriptions_as_are_let_through_are_set_and_removed_again() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let mut full = spec();
    full.tags = (0..20).map(|n| (format!("cost+center={n:02}"), "ä".repeat(256))).collect();
    let queue = |n| -> Subscription { format!("sqs=arn:aws:sqs:us-east-1:123456789012:queue-{n}").parse().unwrap() };
    full.notify.subscriptions.as_mut().unwrap().extend((0..24).map(queue));
    // Twenty such keys, each with two characters that are escaped, do not fit into the tag that records them.
    let paths = |spec: &Spec| spec.problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    assert_eq!(paths(&full), ["tags"]);
    full.tags = (0..20).map(|n| (format!("key+{n:02}"), "ä".repeat(256))).collect();
    assert_eq!(paths(&full), [""; 0]);
    account.setup(&full).await.expect_right();
    let tags = account.sandbox.edit(|world| account::edits::topic(world).tags.len());
    assert_eq!(tags, 50);
    account.setup(&spec()).await.expect_right();
    assert!(!account.sandbox.snapshot().to_string().contains("key+"));
}

#[tokio::test]
async fn the_oldest_policy_version_makes_room_for_the_sixth() {
    let account = Account::installed(Options::instant(), &spec()).await;
    for round in 0..8 {
        let mut changed = spec();
        changed.check.other_credentials = round % 2 == 0;
        account.setup(&changed).await.expect_right();
    }
    let versions = account.sandbox.edit(|world| {
        world.iam.policies.values().filter(|p| !p.is_aws_managed()).map(|p| p.versions.len()).collect::<Vec<_>>()
    });
    assert_eq!(versions, [5]);
}

#[tokio::test]
async fn settings_too_large_for_the_environment_travel_in_the_package() {
    let account = Account::new().await;
    let mut large = spec();
    large.check.exemptions = (0..60)
        .map(|n| {
            serde_json::from_value(serde_json::json!({
                "user": format!("service-account-{n}"), "until": "2027-03-31", "reason": "moves to roles next spring"
            }))
            .unwrap()
        })
        .collect();
    account.setup(&large).await.expect_right();
    large.check.exemptions.pop();
    let run = account.setup(&large).await.expect_right();
    assert_eq!(paths(&run.plan), ["lambda_function.packaged_settings", "lambda_function.tags.keyminder:settings"]);
}

#[tokio::test]
async fn nobody_named_to_be_notified_leaves_the_subscriptions_as_they_are() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let mut silent = spec();
    silent.notify.subscriptions = None;
    let run = account.setup(&silent).await.expect_right();
    assert!(run.plan.is_empty());
    assert_eq!(account.sandbox.edit(|world| world.region(account::REGION).subscriptions.len()), 2);
}

#[tokio::test]
async fn a_first_setup_without_recipients_ends_in_sync_and_a_later_one_subscribes_them() {
    for nobody in [None, Some(Vec::new())] {
        let account = Account::new().await;
        let mut silent = spec();
        silent.notify.subscriptions = nobody;
        account.setup(&silent).await.expect_right();
        assert!(account.plan(&silent, account::CONVERGE).await.is_empty());
        account.setup(&spec()).await.expect_right();
        assert_eq!(account.sandbox.edit(|world| world.region(account::REGION).subscriptions.len()), 2);
    }
}

#[tokio::test]
async fn a_removed_address_that_never_confirmed_is_reported_until_it_lapses() {
    let account = Account::new().await;
    account.setup(&spec()).await.expect_right();
    let mut fewer = spec();
    fewer.notify.subscriptions.as_mut().unwrap().remove(0);
    let run = account.setup(&fewer).await.expect_right();
    assert!(run.plan.is_empty(), "SNS lets nobody remove it");
    let extras: Vec<_> = run.plan.changes.iter().flat_map(|change| &change.extras).collect();
    assert!(extras[0].ours && extras[0].to_string().contains("48 hours"), "{extras:?}");
}

#[tokio::test]
async fn a_teardown_leaves_an_empty_account_and_a_second_one_has_nothing_to_do() {
    let empty = Account::new().await.sandbox.snapshot();
    let account = Account::installed(Options::instant(), &spec()).await;
    let run = account.teardown(&spec(), Removal::default()).await.expect_right();
    assert_eq!(run.plan.summary().delete, 11);
    assert_eq!(account.sandbox.snapshot(), empty);
    account.sandbox.forget_calls();
    let again = account.teardown(&spec(), Removal::default()).await.expect_right();
    assert!(again.plan.is_empty());
    assert_eq!(account.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn every_partition_gets_its_own_arns() {
    for (partition, region) in [
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-eusc", "eusc-de-east-1"),
    ] {
        let mut options = Options::instant();
        options.partition = partition.into();
        options.region = region.into();
        let account = Account::with(options).await;
        let mut spec = spec();
        spec.notify.subscriptions = Some(vec![Subscription::email("ops@example.com")]);
        account.setup(&spec).await.expect_right();
        let all = account.sandbox.snapshot().to_string();
        assert!(!all.replace("arn:aws:iam::aws:", "").contains("arn:aws:"), "{partition}: {all}");
        account.teardown(&spec, Removal::default()).await.expect_right();
    }
}

#[tokio::test]
async fn a_boundary_a_path_and_a_key_are_carried_through() {
    let account = Account::new().await;
    let mut demanding = spec();
    demanding.iam.path = "/security/".into();
    demanding.topic.kms_key = Some("alias/topics".into());
    demanding.iam.permissions_boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".into());
    let run = account.setup(&demanding).await;
    assert!(run.is_right(), "{run:#?}");
    let mut without = demanding.clone();
    without.iam.permissions_boundary = None;
    without.topic.kms_key = None;
    let run = account.setup(&without).await.expect_right();
    let changed = actions(&run.plan);
    assert_eq!(changed, ["update sns_topic", "update iam_policy", "update lambda_function"]);
    account.teardown(&without, Removal::default()).await.expect_right();
}

#[tokio::test]
async fn a_boundary_that_does_not_exist_is_found_out_before_the_first_write() {
    let account = Account::new().await;
    let mut demanding = spec();
    demanding.iam.permissions_boundary = Some("arn:aws:iam::123456789012:policy/none".into());
    let installation = account.open(&demanding).await;
    let plan = account.plan(&demanding, account::CONVERGE).await;
    let error = installation.preflight(&plan).await.unwrap_err();
    assert_eq!(error.code, "NoBoundary");
    assert_eq!(account.writes(), Vec::<String>::new());
}
