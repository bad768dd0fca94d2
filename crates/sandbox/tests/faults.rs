//! Faults, gates, limits and enforcement: what a test can make go wrong, does.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use keyminder_sandbox::{Caller, Fault, FaultKind, Moment, Outcome};
use keyminder_testkit::sdk::{self, Aws, Credentials, TRUST, instant, policy};
use keyminder_testkit::{done, refused};

fn has_role(aws: &Aws) -> bool {
    aws.sandbox.edit(|world| world.iam.roles.contains_key("r"))
}

#[tokio::test]
async fn each_fault_does_what_it_says_once_and_then_no_more() {
    for (kind, code, happened) in [
        (FaultKind::Throttle, "Throttling:", false),
        (FaultKind::ServerError, "ServiceFailure:", false),
        (FaultKind::AccessDenied, "AccessDenied:", false),
        (FaultKind::ExpiredToken, "ExpiredToken:", false),
        (FaultKind::ClockSkew, "SignatureDoesNotMatch:", false),
        (FaultKind::DropConnection, "DispatchFailure", false),
        (FaultKind::LoseAnswer, "DispatchFailure", true),
    ] {
        let aws = instant().await;
        aws.sandbox.inject(Fault::new("iam:CreateRole", kind).once());
        let create = || aws.iam.create_role().role_name("r").assume_role_policy_document(TRUST).send();
        let told = sdk::told(&create().await.expect_err("a fault"));
        assert!(told.starts_with(code), "{kind:?}: {told}");
        assert_eq!(has_role(&aws), happened, "{kind:?}");
        let again = create().await;
        assert_eq!(again.is_ok(), !happened, "{kind:?}: {again:?}");
    }
}

#[tokio::test]
async fn a_fault_can_wait_for_its_turn() {
    let aws = instant().await;
    aws.sandbox.inject(Fault::new("read:*", FaultKind::Throttle).nth(2));
    aws.sandbox.inject(Fault::new("write:*", FaultKind::ServerError).after(1));
    done!(aws.iam.list_users());
    refused!(aws.iam.list_users(), "Throttling");
    done!(aws.iam.list_users());
    done!(aws.iam.create_user().user_name("a"));
    refused!(aws.iam.create_user().user_name("b"), "ServiceFailure");
    aws.sandbox.clear_faults();
    done!(aws.iam.create_user().user_name("b"));
}

#[tokio::test]
async fn calls_are_recorded_with_what_they_take() {
    let aws = instant().await;
    let tag = aws_sdk_iam::types::Tag::builder().key("a").value("b").build().expect("a tag");
    done!(aws.iam.create_role().role_name("r").assume_role_policy_document(TRUST).tags(tag));
    refused!(aws.sns.get_topic_attributes().topic_arn("arn:aws:sns:us-east-1:123456789012:t"), "NotFound");
    let calls = aws.sandbox.calls();
    assert_eq!((calls[0].number, calls[0].write, &calls[0].outcome), (1, true, &Outcome::Succeeded));
    assert_eq!(calls[0].actions, ["iam:CreateRole", "iam:TagRole"]);
    assert_eq!((calls[1].number, calls[1].write, &calls[1].outcome), (2, false, &Outcome::Failed("NotFound".into())));
    assert_eq!(calls[1].caller, Caller::Deployer("arn:aws:iam::123456789012:user/you".into()));
    aws.sandbox.forget_calls();
    assert!(aws.sandbox.calls().is_empty());
}

#[tokio::test]
async fn a_gate_holds_the_chosen_call_before_or_after_it_happens() {
    for (moment, happened) in [(Moment::Before, false), (Moment::After, true)] {
        let aws = instant().await;
        let gate = aws.sandbox.stop_at(2, moment);
        done!(aws.iam.list_users());
        let client = aws.iam.clone();
        let call = tokio::spawn(async move {
            client.create_role().role_name("r").assume_role_policy_document(TRUST).send().await.is_ok()
        });
        gate.reached().await;
        assert_eq!(has_role(&aws), happened);
        assert_eq!(aws.sandbox.calls()[1].outcome, Outcome::Unanswered);
        drop(gate);
        assert!(!call.await.expect("the call"), "a held call gets no answer");
        assert_eq!(has_role(&aws), happened);
        done!(aws.iam.list_users());
    }
}

#[tokio::test]
async fn a_rate_limit_throttles_and_latency_delays() {
    let aws = instant().await;
    aws.sandbox.rate_limit(2.0);
    let mut throttled = 0;
    for _ in 0..6 {
        throttled += usize::from(aws.iam.list_users().send().await.is_err());
    }
    assert!(throttled >= 3, "{throttled}");
    aws.sandbox.rate_limit(0.0);
    aws.sandbox.latency(Duration::from_millis(60));
    let begun = Instant::now();
    done!(aws.iam.list_users());
    assert!(begun.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn the_deployer_can_be_held_to_a_policy() {
    let aws = instant().await;
    let document = policy(r#"["iam:CreateRole","lambda:CreateFunction"]"#, "*");
    aws.sandbox.enforce(&document).expect("a policy");
    let tag = aws_sdk_iam::types::Tag::builder().key("a").value("b").build().expect("a tag");
    let create = aws.iam.create_role().role_name("r").assume_role_policy_document(TRUST);
    let told = refused!(create.clone().tags(tag), "AccessDenied");
    assert!(told.contains("iam:TagRole on resource: arn:aws:iam::123456789012:role/r"), "{told}");
    done!(create);
    let code = aws_sdk_lambda::types::FunctionCode::builder().zip_file(sdk::package(b"x")).build();
    let call = aws.lambda.create_function().function_name("f").role("arn:aws:iam::123456789012:role/r");
    let told = refused!(
        call.handler("bootstrap").runtime(aws_sdk_lambda::types::Runtime::Providedal2023).code(code),
        "AccessDeniedException"
    );
    assert!(told.contains("iam:PassRole on resource: arn:aws:iam::123456789012:role/r"), "{told}");
    done!(aws.sts.get_caller_identity());
}

#[tokio::test]
async fn credentials_say_who_calls() {
    let aws = instant().await;
    let found = done!(aws.sts.get_caller_identity());
    assert_eq!((found.account(), found.arn()), (Some("123456789012"), Some("arn:aws:iam::123456789012:user/you")));
    let expired = aws_sdk_sts::Client::new(&sdk::config_of(
        &aws.sandbox,
        Credentials::new("ASIAEXPIRED1", "x", Some("x".into()), None, "test"),
        "us-east-1",
    ));
    refused!(expired.get_caller_identity(), "ExpiredToken");
}

#[tokio::test]
async fn the_same_state_gives_the_same_snapshot() {
    let mut shots = Vec::new();
    for recreate in [false, true] {
        let aws = instant().await;
        aws.role("r").await;
        if recreate {
            done!(aws.iam.delete_role().role_name("r"));
            aws.role("r").await;
        }
        done!(aws.sns.create_topic().name("t"));
        done!(
            aws.sns.subscribe().topic_arn("arn:aws:sns:us-east-1:123456789012:t").protocol("email").endpoint("a@b.io")
        );
        shots.push(aws.sandbox.snapshot());
    }
    assert_eq!(shots[0], shots[1]);
    assert!(shots[0].to_string().contains("a@b.io"));
}

#[tokio::test]
async fn what_the_sandbox_does_not_do_it_says() {
    let aws = instant().await;
    let told = refused!(aws.iam.list_groups(), "NotImplemented");
    assert!(told.contains("The sandbox does not do iam:ListGroups."), "{told}");
}
