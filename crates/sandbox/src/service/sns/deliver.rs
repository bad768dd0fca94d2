//! What arrives: mails as SNS words them, and envelopes for machines.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::notice::Notice;
use crate::names::region_of;
use crate::service::sqs;
use crate::world::{Delivery, Mail, MailKind, Subscription, Topic, World};

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn sender(topic: &Topic) -> String {
    let name = topic.attributes.get("DisplayName").map_or("AWS Notifications", String::as_str);
    format!("{name} <no-reply@sns.amazonaws.com>")
}

fn is_mail(subscription: &Subscription) -> bool {
    subscription.protocol.starts_with("email")
}

/// Asks the endpoint's owner whether the subscription is wanted.
pub(super) fn ask_to_confirm(
    world: &mut World,
    topic: &Topic,
    subscription: &Subscription,
    endpoint: &str,
    now: Timestamp,
) {
    let (arn, token) = (&topic.arn, &subscription.token);
    let link = format!(
        "{endpoint}/confirmation.html?TopicArn={arn}&Token={token}&Endpoint={}",
        encoded(&subscription.endpoint)
    );
    let request = json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": world.ids.uuid(),
        "Token": token,
        "TopicArn": arn,
        "Message": format!("You have chosen to subscribe to the topic {arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message."),
        "SubscribeURL": format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={arn}&Token={token}"),
        "Timestamp": now.to_string(),
        "SignatureVersion": "1",
    });
    if !is_mail(subscription) {
        world.deliveries.push(Delivery {
            protocol: subscription.protocol.clone(),
            endpoint: subscription.endpoint.clone(),
            body: request.to_string(),
            attributes: json!({}),
            topic_arn: arn.clone(),
            at: now,
        });
        return;
    }
    let text = format!(
        "You have chosen to subscribe to the topic: \n{arn}\n\n\
         To confirm this subscription, click or visit the link below (If this was in error no action is necessary): \n\
         Confirm subscription: {link}\n\n\
         Please do not reply directly to this email. If you wish to remove yourself from receiving all future SNS \
         subscription confirmation requests please send an email to sns-opt-out\n"
    );
    let json_body = subscription.protocol == "email-json";
    world.outbox.push(Mail {
        kind: MailKind::Confirmation,
        from: sender(topic),
        to: subscription.endpoint.clone(),
        subject: "AWS Notification - Subscription Confirmation".into(),
        body: if json_body { request.to_string() } else { text },
        at: now,
        topic_arn: arn.clone(),
        message: String::new(),
        confirm_link: Some(link),
        unsubscribe_link: None,
    });
}

/// Delivers a message to one subscription.
pub(super) fn to(
    world: &mut World,
    topic: &Topic,
    subscription: &Subscription,
    notice: &Notice,
    endpoint: &str,
    now: Timestamp,
) {
    let message = notice.text_for(&subscription.protocol);
    let link = format!(
        "{endpoint}/unsubscribe.html?SubscriptionArn={}&Endpoint={}",
        subscription.arn,
        encoded(&subscription.endpoint)
    );
    let raw = subscription.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true");
    let body = match subscription.protocol.as_str() {
        _ if raw => message.clone(),
        "sms" => sms(topic, &message),
        "email" => format!(
            "{message}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the \
             link below to unsubscribe:\n{link}\n\nPlease do not reply directly to this email. If you have any \
             questions or comments regarding this email, please contact us at https://aws.amazon.com/support\n"
        ),
        "lambda" => lambda_event(subscription, &envelope(topic, notice, &message, &link, now)).to_string(),
        _ => envelope(topic, notice, &message, &link, now).to_string(),
    };
    if is_mail(subscription) {
        world.outbox.push(Mail {
            kind: MailKind::Notification,
            from: sender(topic),
            to: subscription.endpoint.clone(),
            subject: notice.subject.clone().unwrap_or_else(|| "AWS Notification Message".into()),
            body,
            at: now,
            topic_arn: topic.arn.clone(),
            message,
            confirm_link: None,
            unsubscribe_link: Some(link),
        });
        return;
    }
    if subscription.protocol == "sqs" {
        let attributes = if raw { notice.attributes.clone() } else { json!({}) };
        sqs::deliver(world, region_of(&subscription.endpoint), &subscription.endpoint, &body, &attributes, now);
    }
    world.deliveries.push(Delivery {
        protocol: subscription.protocol.clone(),
        endpoint: subscription.endpoint.clone(),
        body,
        attributes: notice.attributes.clone(),
        topic_arn: topic.arn.clone(),
        at: now,
    });
}

/// A text message: the topic's display name leads, and 1,600 bytes are the most.
fn sms(topic: &Topic, message: &str) -> String {
    let name = topic.attributes.get("DisplayName").map_or(topic.name.as_str(), String::as_str);
    let mut text = format!("{}> {message}", name.chars().take(10).collect::<String>());
    let mut end = text.len().min(1600);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn envelope(topic: &Topic, notice: &Notice, message: &str, link: &str, now: Timestamp) -> Value {
    let mut envelope = json!({
        "Type": "Notification",
        "MessageId": notice.id,
        "TopicArn": topic.arn,
        "Message": message,
        "Timestamp": format!("{now:.3}"),
        "SignatureVersion": "1",
        "Signature": "c2FuZGJveA==",
        "SigningCertURL": format!(
            "https://sns.{}.amazonaws.com/SimpleNotificationService-{:032x}.pem",
            region_of(&topic.arn),
            0
        ),
        "UnsubscribeURL": link,
    });
    if let Some(subject) = &notice.subject {
        envelope["Subject"] = subject.clone().into();
    }
    if notice.attributes.as_object().is_some_and(|attributes| !attributes.is_empty()) {
        envelope["MessageAttributes"] = notice.attributes.clone();
    }
    envelope
}

fn lambda_event(subscription: &Subscription, envelope: &Value) -> Value {
    json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": envelope,
    }]})
}
