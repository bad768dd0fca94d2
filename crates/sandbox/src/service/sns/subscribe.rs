//! Subscribing and confirming.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{about_topic, deliver, filter, invalid, required, topic, topic_arn};
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, write};
use crate::world::Subscription;

pub(super) const OPERATIONS: &[Operation] =
    &[write("Subscribe", about_topic, subscribe), write("ConfirmSubscription", about_topic, confirm)];

/// Whether a protocol's owner must confirm: those whose endpoint is not within AWS.
fn asks(protocol: &str) -> bool {
    matches!(protocol, "email" | "email-json" | "http" | "https")
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), AwsError> {
    let arn_of = |service: &str| endpoint.starts_with("arn:") && endpoint.split(':').nth(2) == Some(service);
    let (fits, reason) = match protocol {
        "email" | "email-json" => (is_email(endpoint), "Email address"),
        "http" => (endpoint.starts_with("http://"), "Endpoint must match the specified protocol"),
        "https" => (endpoint.starts_with("https://"), "Endpoint must match the specified protocol"),
        "sms" => (is_number(endpoint), "Invalid SMS endpoint: {}"),
        "sqs" => (arn_of("sqs"), "SQS endpoint ARN"),
        "lambda" => (arn_of("lambda"), "Lambda endpoint ARN"),
        "firehose" => (arn_of("firehose"), "Firehose endpoint ARN"),
        "application" => (arn_of("sns"), "Application endpoint arn invalid"),
        _ => return Err(invalid(format!("Amazon SNS does not support this protocol string: {protocol}"))),
    };
    if fits { Ok(()) } else { Err(invalid(reason.replace("{}", endpoint))) }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let fine = |c: char| c.is_ascii_graphic() && c != '@' && c != ',' && c != '<' && c != '>';
    !local.is_empty()
        && local.chars().all(fine)
        && domain.contains('.')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

fn is_number(text: &str) -> bool {
    let digits: String = text.trim_start_matches('+').chars().filter(|c| !"- ".contains(*c)).collect();
    (4..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
}

/// Checks one attribute of a subscription to that protocol.
pub(super) fn check_attribute(protocol: &str, name: &str, value: &str) -> Result<(), AwsError> {
    match name {
        "RawMessageDelivery" => {
            if value != "true" && value != "false" {
                return Err(invalid("Attributes Reason: RawMessageDelivery: Invalid value. Must be true or false."));
            }
            if value == "true" && !matches!(protocol, "sqs" | "http" | "https" | "firehose") {
                return Err(invalid(format!(
                    "Attributes Reason: Delivery protocol [{protocol}] does not support raw message delivery."
                )));
            }
        }
        "FilterPolicy" => {
            if !value.is_empty() {
                filter::check(value).map_err(|reason| invalid(format!("FilterPolicy: {reason}")))?;
            }
        }
        "FilterPolicyScope" => {
            if value != "MessageAttributes" && value != "MessageBody" {
                return Err(invalid(
                    "FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes",
                ));
            }
        }
        "RedrivePolicy" => {
            if !value.is_empty() {
                let policy: Value = serde_json::from_str(value).unwrap_or_default();
                if policy["deadLetterTargetArn"].as_str().is_none_or(|arn| arn.split(':').nth(2) != Some("sqs")) {
                    return Err(invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn"));
                }
            }
        }
        "DeliveryPolicy" | "SubscriptionRoleArn" | "ReplayPolicy" => {}
        _ => return Err(invalid("AttributeName")),
    }
    Ok(())
}

fn subscribe(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (protocol, endpoint) = (required(input, "Protocol")?, required(input, "Endpoint")?);
    let topic = topic(request, "TopicArn")?.clone();
    check_endpoint(&protocol, &endpoint)?;
    let mut attributes = BTreeMap::new();
    for (name, value) in input.map("Attributes") {
        check_attribute(&protocol, &name, &value)?;
        if !value.is_empty() {
            attributes.insert(name, value);
        }
    }
    if protocol == "firehose" && !attributes.contains_key("SubscriptionRoleArn") {
        return Err(invalid("Attributes Reason: SubscriptionRoleArn is required for firehose"));
    }
    let same = |known: &&mut Subscription| {
        known.topic_arn == topic.arn && known.protocol == protocol && known.endpoint == endpoint
    };
    let known = request.here().subscriptions.iter_mut().find(same).map(|known| known.clone());
    let subscription = match known {
        Some(known) => {
            if attributes.iter().any(|(name, value)| known.attributes.get(name) != Some(value)) {
                return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
            }
            known
        }
        None => {
            let subscription = Subscription {
                arn: format!("{}:{}", topic.arn, request.world.ids.uuid()),
                topic_arn: topic.arn.clone(),
                confirmed: !asks(&protocol),
                protocol,
                endpoint,
                attributes,
                authenticated: !asks(input.text("Protocol").unwrap_or_default()),
                token: format!("2336412f37{}{}", request.world.ids.hex(64), request.world.ids.hex(62)),
                requested: request.now,
            };
            request.here().subscriptions.push(subscription.clone());
            subscription
        }
    };
    if !subscription.confirmed {
        deliver::ask_to_confirm(request.world, &topic, &subscription, request.endpoint, request.now);
    }
    let shown = if subscription.confirmed || input.flag("ReturnSubscriptionArn") {
        subscription.arn
    } else {
        "pending confirmation".into()
    };
    Ok(json!({ "SubscriptionArn": shown }))
}

fn confirm(request: &mut Request<'_>) -> Answer {
    let arn = topic_arn(request, "TopicArn")?;
    let (token, authenticated) = (required(request.input, "Token")?, request.input.flag("AuthenticateOnUnsubscribe"));
    topic(request, "TopicArn")?;
    let known = request.here().subscriptions.iter_mut().find(|known| known.topic_arn == arn && known.token == token);
    let Some(subscription) = known else {
        return Err(invalid("Token"));
    };
    if subscription.confirmed && authenticated && !subscription.authenticated {
        // A subscription's first confirmation settles how it can be ended (SNS API reference, ConfirmSubscription).
        return Err(AwsError::new("AuthorizationError", "Subscription already confirmed").status(403));
    }
    if !subscription.confirmed {
        subscription.confirmed = true;
        subscription.authenticated = authenticated;
    }
    Ok(json!({ "SubscriptionArn": subscription.arn }))
}
