//! SNS in the sandbox behaves as SNS, and sends mails as SNS words them.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use aws_sdk_sns::operation::set_subscription_attributes::builders::SetSubscriptionAttributesFluentBuilder;
use aws_sdk_sns::types::{MessageAttributeValue, Tag};
use keyminder_sandbox::{MailKind, Options};
use keyminder_testkit::sdk::{self, Aws, aws, held, instant};
use keyminder_testkit::{done, refused};

async fn topic(aws: &Aws) -> String {
    done!(aws.sns.create_topic().name("keys")).topic_arn().expect("an ARN").to_owned()
}

async fn subscribe(aws: &Aws, topic: &str, protocol: &str, endpoint: &str) -> String {
    let subscribed =
        done!(aws.sns.subscribe().topic_arn(topic).protocol(protocol).endpoint(endpoint).return_subscription_arn(true));
    subscribed.subscription_arn().expect("an ARN").to_owned()
}

/// A topic to which a queue is subscribed, and the subscription.
async fn with_queue() -> (Aws, String, String) {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let arn = subscribe(&aws, &topic, "sqs", "arn:aws:sqs:us-east-1:123456789012:q").await;
    (aws, topic, arn)
}

fn setting(aws: &Aws, arn: &str, name: &str, value: &str) -> SetSubscriptionAttributesFluentBuilder {
    aws.sns.set_subscription_attributes().subscription_arn(arn).attribute_name(name).attribute_value(value)
}

/// Opens a link as a browser would.
fn open(link: &str) -> String {
    let rest = link.strip_prefix("http://").expect("a link");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = std::net::TcpStream::connect(host).expect("a connection");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test]
async fn creating_a_topic_again_is_refused_only_where_it_differs() {
    let aws = instant().await;
    let tag = |value: &str| Tag::builder().key("a").value(value).build().expect("a tag");
    let first = done!(aws.sns.create_topic().name("keys").tags(tag("1")).attributes("DisplayName", "Keys"));
    let again = done!(aws.sns.create_topic().name("keys").tags(tag("1")).attributes("DisplayName", "Keys"));
    assert_eq!(first.topic_arn(), again.topic_arn());
    refused!(aws.sns.create_topic().name("keys").tags(tag("2")), "InvalidParameter");
    refused!(aws.sns.create_topic().name("keys").attributes("DisplayName", "Other"), "InvalidParameter");
    refused!(aws.sns.create_topic().name("not a name"), "InvalidParameter");
}

#[tokio::test]
async fn creating_a_topic_again_may_name_fewer_tags_and_attributes() {
    let aws = instant().await;
    let tag = |key: &str| Tag::builder().key(key).value("1").build().expect("a tag");
    let first = done!(aws.sns.create_topic().name("keys").tags(tag("a")).tags(tag("b")));
    let again = done!(aws.sns.create_topic().name("keys").tags(tag("a")).attributes("FifoTopic", "false"));
    assert_eq!(first.topic_arn(), again.topic_arn());
    let topic = first.topic_arn().expect("an ARN");
    let shown = done!(aws.sns.get_topic_attributes().topic_arn(topic));
    assert!(!shown.attributes().expect("attributes").contains_key("FifoTopic"));
    let told = refused!(aws.sns.tag_resource().resource_arn(topic).tags(tag("c")).tags(tag("c")), "InvalidParameter");
    assert!(told.ends_with("Duplicated keys are not allowed."), "{told}");
}

#[tokio::test]
async fn a_fifo_topic_needs_its_ending_and_is_not_done() {
    let aws = instant().await;
    refused!(aws.sns.create_topic().name("keys.fifo"), "InvalidParameter");
    refused!(aws.sns.create_topic().name("keys").attributes("FifoTopic", "true"), "InvalidParameter");
    refused!(aws.sns.create_topic().name("keys.fifo").attributes("FifoTopic", "true"), "NotImplemented");
}

#[tokio::test]
async fn a_fifo_queue_gets_nothing_from_a_standard_topic() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let queue = |name: &str| format!("arn:aws:sqs:us-east-1:123456789012:{name}");
    let call = aws.sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue("q.fifo"));
    let told = refused!(call, "InvalidParameter");
    assert!(told.ends_with("FIFO SQS Queues can not be subscribed to standard SNS topics"), "{told}");
    let subscription = subscribe(&aws, &topic, "sqs", &queue("q")).await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{}"}}"#, queue("dead.fifo"));
    let call = aws.sns.set_subscription_attributes().subscription_arn(&subscription);
    refused!(call.attribute_name("RedrivePolicy").attribute_value(redrive), "InvalidParameter");
}

#[tokio::test]
async fn deleting_a_topic_takes_its_subscriptions_and_may_be_repeated() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    subscribe(&aws, &topic, "sms", "+15550100123").await;
    for _ in 0..2 {
        done!(aws.sns.delete_topic().topic_arn(&topic));
    }
    assert!(done!(aws.sns.list_subscriptions()).subscriptions().is_empty());
    refused!(aws.sns.get_topic_attributes().topic_arn(&topic), "NotFound");
}

#[tokio::test]
async fn subscriptions_can_outlive_their_topic_and_join_its_namesake() {
    let options = Options { orphan_delay: Duration::from_secs(60), ..Options::instant() };
    let aws = aws(options.with_clock(held())).await;
    let arn = topic(&aws).await;
    subscribe(&aws, &arn, "sms", "+15550100123").await;
    done!(aws.sns.delete_topic().topic_arn(&arn));
    assert_eq!(topic(&aws).await, arn);
    let listed = async || done!(aws.sns.list_subscriptions_by_topic().topic_arn(&arn)).subscriptions().len();
    assert_eq!(listed().await, 1);
    aws.sandbox.clock().advance(Duration::from_secs(60));
    assert_eq!(listed().await, 0);
}

#[tokio::test]
async fn a_topic_of_another_account_is_out_of_reach() {
    let aws = instant().await;
    let arn = topic(&aws).await;
    let theirs = arn.replace("123456789012", "999999999999");
    refused!(aws.sns.delete_topic().topic_arn(&theirs), "AuthorizationError");
    refused!(aws.sns.publish().topic_arn(&theirs).message("m"), "AuthorizationError");
    refused!(aws.sns.delete_topic().topic_arn(arn.replace("us-east-1", "eu-west-1")), "InvalidParameter");
    done!(aws.sns.get_topic_attributes().topic_arn(&arn));
}

#[tokio::test]
async fn an_email_is_pending_until_its_link_is_opened() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let arn = subscribe(&aws, &topic, "email", "ops@example.com").await;
    let listed = done!(aws.sns.list_subscriptions_by_topic().topic_arn(&topic));
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some("PendingConfirmation"));
    let mail = aws.sandbox.outbox().pop().expect("a mail");
    assert_eq!(
        (mail.kind, mail.subject.as_str()),
        (MailKind::Confirmation, "AWS Notification - Subscription Confirmation")
    );
    let page = open(&mail.confirm_link.expect("a link"));
    assert!(page.contains("Subscription confirmed!"), "{page}");
    let listed = done!(aws.sns.list_subscriptions_by_topic().topic_arn(&topic));
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some(arn.as_str()));
    let attributes = done!(aws.sns.get_subscription_attributes().subscription_arn(&arn));
    let attributes = attributes.attributes().expect("attributes");
    assert_eq!(attributes["PendingConfirmation"], "false");
    assert_eq!(attributes["ConfirmationWasAuthenticated"], "false");
}

#[tokio::test]
async fn a_pending_subscription_cannot_be_unsubscribed() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let arn = subscribe(&aws, &topic, "email", "ops@example.com").await;
    let told = refused!(aws.sns.unsubscribe().subscription_arn(&arn), "InvalidParameter");
    assert!(told.contains("pending confirmation"), "{told}");
    refused!(aws.sns.unsubscribe().subscription_arn("PendingConfirmation"), "InvalidParameter");
    assert_eq!(aws.sandbox.confirm("ops@example.com"), 1);
    done!(aws.sns.unsubscribe().subscription_arn(&arn));
}

#[tokio::test]
async fn an_unconfirmed_subscription_lapses_after_two_days() {
    let aws = aws(Options::instant().with_clock(held())).await;
    let topic = topic(&aws).await;
    subscribe(&aws, &topic, "email", "ops@example.com").await;
    aws.sandbox.clock().advance(Duration::from_secs(48 * 3600 - 1));
    assert_eq!(done!(aws.sns.list_subscriptions()).subscriptions().len(), 1);
    aws.sandbox.clock().advance(Duration::from_secs(1));
    assert_eq!(done!(aws.sns.list_subscriptions()).subscriptions().len(), 0);
    assert_eq!(aws.sandbox.confirm("ops@example.com"), 0);
}

#[tokio::test]
async fn subscribing_again_makes_no_second_subscription_but_mails_again_while_pending() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let first = subscribe(&aws, &topic, "email", "ops@example.com").await;
    assert_eq!(subscribe(&aws, &topic, "email", "ops@example.com").await, first);
    assert_eq!(aws.sandbox.outbox().len(), 2);
    aws.sandbox.confirm("ops@example.com");
    assert_eq!(subscribe(&aws, &topic, "email", "ops@example.com").await, first);
    assert_eq!((aws.sandbox.outbox().len(), done!(aws.sns.list_subscriptions()).subscriptions().len()), (2, 1));
    let pending = done!(aws.sns.subscribe().topic_arn(&topic).protocol("email").endpoint("b@example.com"));
    assert_eq!(pending.subscription_arn(), Some("pending confirmation"));
}

#[tokio::test]
async fn an_authenticated_confirmation_is_proof_against_a_click() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    for address in ["a@example.com", "b@example.com"] {
        subscribe(&aws, &topic, "email", address).await;
    }
    let link = aws.sandbox.outbox()[0].confirm_link.clone().expect("a link");
    let token = link.split("Token=").nth(1).expect("a token").split('&').next().expect("its end").to_owned();
    let confirm = |topic: &str, token: &str| aws.sns.confirm_subscription().topic_arn(topic).token(token);
    assert_eq!(refused!(confirm(&topic, "wrong"), "InvalidParameter"), "InvalidParameter: Invalid token");
    let unknown = "0".repeat(token.len());
    for topic in [topic.clone(), format!("{topic}-gone")] {
        let told = refused!(confirm(&topic, &unknown), "InvalidParameter");
        assert_eq!(told, "InvalidParameter: Invalid parameter: Token");
    }
    done!(aws.sns.confirm_subscription().topic_arn(&topic).token(token).authenticate_on_unsubscribe("true"));
    aws.sandbox.confirm("b@example.com");
    done!(aws.sns.publish().topic_arn(&topic).message("hello"));
    assert!(aws.sandbox.unsubscribe_by_link("a@example.com").is_err());
    assert!(aws.sandbox.unsubscribe_by_link("b@example.com").is_ok());
    assert_eq!(done!(aws.sns.list_subscriptions()).subscriptions().len(), 1);
}

#[tokio::test]
async fn endpoints_must_fit_their_protocol() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    for (protocol, endpoint) in [
        ("email", "not an address"),
        ("email", "a@b"),
        ("https", "http://example.com"),
        ("sms", "ops@example.com"),
        ("sqs", "arn:aws:sns:us-east-1:123456789012:q"),
        ("lambda", "x"),
        ("pigeon", "roof"),
    ] {
        let call = aws.sns.subscribe().topic_arn(&topic).protocol(protocol).endpoint(endpoint);
        refused!(call, "InvalidParameter");
    }
}

#[tokio::test]
async fn subjects_and_messages_are_held_to_their_limits() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let publish = || aws.sns.publish().topic_arn(&topic).message("m");
    done!(publish().subject("s".repeat(100)));
    for subject in ["s".repeat(101), "two\nlines".into(), "Schlüssel".into()] {
        refused!(publish().subject(subject), "InvalidParameter");
    }
    done!(aws.sns.publish().topic_arn(&topic).message("m".repeat(262_144)));
    refused!(aws.sns.publish().topic_arn(&topic).message("m".repeat(262_145)), "InvalidParameter");
    refused!(publish().message_structure("json"), "InvalidParameter");
    refused!(publish().message(r#"{"email":"x"}"#).message_structure("json"), "InvalidParameter");
}

#[tokio::test]
async fn each_protocol_gets_its_own_text() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    subscribe(&aws, &topic, "email", "ops@example.com").await;
    subscribe(&aws, &topic, "sms", "+15550100123").await;
    let queue = subscribe(&aws, &topic, "sqs", "arn:aws:sqs:us-east-1:123456789012:q").await;
    aws.sandbox.confirm("ops@example.com");
    let message = r#"{"default":"machine","email":"Dear reader","sms":"short"}"#;
    let publish = || aws.sns.publish().topic_arn(&topic).message(message).message_structure("json").subject("Keys");
    done!(publish());
    let mail = aws.sandbox.outbox().pop().expect("a mail");
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("ops@example.com", "Keys"));
    assert_eq!(mail.from, "AWS Notifications <no-reply@sns.amazonaws.com>");
    assert!(mail.body.starts_with("Dear reader\n\n--\nIf you wish to stop receiving notifications"), "{}", mail.body);
    let deliveries = aws.sandbox.deliveries();
    assert_eq!(deliveries[0].body, "keys> short");
    let envelope: serde_json::Value = serde_json::from_str(&deliveries[1].body).expect("an envelope");
    assert_eq!((&envelope["Message"], &envelope["Subject"]), (&"machine".into(), &"Keys".into()));
    let raw = aws.sns.set_subscription_attributes().subscription_arn(&queue);
    done!(raw.attribute_name("RawMessageDelivery").attribute_value("true"));
    done!(publish());
    assert_eq!(aws.sandbox.deliveries().pop().expect("a delivery").body, "machine");
}

#[tokio::test]
async fn a_filter_policy_keeps_messages_away() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let subscribe = aws.sns.subscribe().topic_arn(&topic).protocol("sms").endpoint("+15550100123");
    let filter = HashMap::from([("FilterPolicy".to_owned(), r#"{"verdict":["old"]}"#.to_owned())]);
    done!(subscribe.set_attributes(Some(filter)));
    for (value, count) in [("clean", 0), ("old", 1)] {
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build().expect("one");
        done!(aws.sns.publish().topic_arn(&topic).message("m").message_attributes("verdict", attribute));
        assert_eq!(aws.sandbox.deliveries().len(), count);
    }
}

#[tokio::test]
async fn a_filter_policy_is_refused_in_the_words_of_its_call() {
    let (aws, topic, arn) = with_queue().await;
    let set = |name: &str, value: &str| setting(&aws, &arn, name, value);
    let bad = r#"{"a":[{"like":"x"}]}"#;
    let told = refused!(set("FilterPolicy", bad), "InvalidParameter");
    let reason = "FilterPolicy: Unrecognized match type like\n at [Source: (String)\"{\"a\":[{\"like\":\"x\"}]}\"; line: 1, column: 16]";
    assert_eq!(told, format!("InvalidParameter: Invalid parameter: {reason}"));
    let call = aws.sns.subscribe().topic_arn(&topic).protocol("sms").endpoint("+15550100123");
    let told = refused!(call.attributes("FilterPolicy", bad), "InvalidParameter");
    assert_eq!(told, format!("InvalidParameter: Invalid parameter: Attributes Reason: {reason}"));
    let nested = r#"{"a":{"b":["x"]}}"#;
    let told = refused!(set("FilterPolicy", nested), "InvalidParameter");
    assert!(told.ends_with("Filter policy scope MessageAttributes does not support nested filter policy"), "{told}");
    done!(set("FilterPolicyScope", "MessageBody"));
    done!(set("FilterPolicy", nested));
    refused!(set("FilterPolicyScope", "Message"), "InvalidParameter");
}

#[tokio::test]
async fn a_scope_is_kept_and_not_shown_while_there_is_no_policy() {
    let (aws, _, arn) = with_queue().await;
    let set = |name: &str, value: &str| setting(&aws, &arn, name, value);
    let scope = async || {
        let shown = done!(aws.sns.get_subscription_attributes().subscription_arn(&arn));
        shown.attributes().expect("attributes").get("FilterPolicyScope").cloned()
    };
    done!(set("FilterPolicyScope", "MessageBody"));
    assert_eq!(scope().await, None);
    done!(set("FilterPolicy", r#"{"a":["x"]}"#));
    assert_eq!(scope().await.as_deref(), Some("MessageBody"));
}

#[tokio::test]
async fn an_attribute_of_a_message_has_a_name_a_type_and_a_value() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    let long = "a".repeat(257);
    for (name, kind, value, reason) in [
        (long.as_str(), "String", "x", "Length of message attribute name must be less than 256 bytes."),
        ("a^", "String", "x", "Invalid non-alphanumeric character '#x5E' was found"),
        (".a", "String", "x", "Invalid message attribute name starting with character '.' was found."),
        ("a..b", "String", "x", "Message attribute name can not have successive '.' character."),
        ("a", "Text", "x", "has an invalid message attribute type"),
        ("a", "String.", "x", "has an invalid message attribute type"),
        ("a", "String", "", "must contain non-empty message attribute value"),
        ("a", "Binary", "x", "The message attribute 'a' with type 'Binary' must use field 'Binary'."),
    ] {
        let attribute = MessageAttributeValue::builder().data_type(kind).string_value(value).build().expect("one");
        let call = aws.sns.publish().topic_arn(&topic).message("m").message_attributes(name, attribute);
        let told = refused!(call, "ParameterValueInvalid");
        assert!(told.contains(reason), "{told}");
    }
}

#[tokio::test]
async fn subscriptions_come_in_pages_of_a_hundred() {
    let aws = instant().await;
    let topic = topic(&aws).await;
    for index in 0..103 {
        subscribe(&aws, &topic, "sms", &format!("+1555010{index:04}")).await;
    }
    let first = done!(aws.sns.list_subscriptions_by_topic().topic_arn(&topic));
    assert_eq!(first.subscriptions().len(), 100);
    let token = first.next_token().map(str::to_owned);
    assert!(token.is_some());
    let second = done!(aws.sns.list_subscriptions_by_topic().topic_arn(&topic).set_next_token(token));
    assert_eq!((second.subscriptions().len(), second.next_token()), (3, None));
}

#[tokio::test]
async fn arns_follow_the_partition_and_regions_are_apart() {
    let options = Options { partition: "aws-cn".into(), ..Options::instant() };
    let aws = aws(options).await;
    assert_eq!(topic(&aws).await, "arn:aws-cn:sns:us-east-1:123456789012:keys");
    let elsewhere = aws_sdk_sns::Client::new(&sdk::config(&aws.sandbox, "cn-north-1"));
    assert!(done!(elsewhere.list_topics()).topics().is_empty());
    done!(elsewhere.create_topic().name("keys"));
    assert_eq!(
        done!(elsewhere.list_topics()).topics()[0].topic_arn(),
        Some("arn:aws-cn:sns:cn-north-1:123456789012:keys")
    );
}
