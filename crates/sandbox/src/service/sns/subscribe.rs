//! Subscribing and confirming.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::Refusal;
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
        // This one refusal lacks the words that the others begin with.
        "sms" if !is_number(endpoint) => {
            return Err(AwsError::new("InvalidParameter", format!("Invalid SMS endpoint: {endpoint}")));
        }
        "sms" => return Ok(()),
        "sqs" if arn_of("sqs") && endpoint.ends_with(".fifo") => {
            (false, "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
        }
        "sqs" => (arn_of("sqs"), "SQS endpoint ARN"),
        "lambda" => (arn_of("lambda"), "Lambda endpoint ARN"),
        "firehose" => (arn_of("firehose"), "Firehose endpoint ARN"),
        "application" => (arn_of("sns"), "Application endpoint arn invalid"),
        _ => return Err(invalid(format!("Amazon SNS does not support this protocol string: {protocol}"))),
    };
    if fits { Ok(()) } else { Err(invalid(reason)) }
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

/// Digits, in groups that single separators part: `+12/34-567.890`.
pub(super) fn is_number(text: &str) -> bool {
    let groups: Vec<&str> = text.strip_prefix('+').unwrap_or(text).split(['-', ' ', '.', '/']).collect();
    let digits: usize = groups.iter().map(|group| group.len()).sum();
    let is_group = |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    (4..=15).contains(&digits) && groups.iter().all(is_group)
}

/// Where an attribute comes from: SNS words its refusals accordingly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// With `Subscribe`.
    Subscribing,
    /// With `SetSubscriptionAttributes`.
    Setting,
}

impl Sent {
    fn refused(self, reason: &str) -> AwsError {
        match self {
            Self::Subscribing => invalid(format!("Attributes Reason: {reason}")),
            Self::Setting => invalid(reason),
        }
    }
}

/// Checks one attribute of a subscription to that protocol, and gives its value as SNS keeps it. The scope is the one
/// that a filter policy would have.
pub(super) fn check_attribute(
    sent: Sent,
    protocol: &str,
    scope: Option<&str>,
    name: &str,
    value: &str,
) -> Result<String, AwsError> {
    match name {
        "RawMessageDelivery" => {
            let lower = value.to_lowercase();
            if lower != "true" && lower != "false" {
                let reason = format!("RawMessageDelivery: Invalid value [{value}]. Must be true or false.");
                return Err(sent.refused(&reason));
            }
            if lower == "true" && !matches!(protocol, "sqs" | "http" | "https" | "firehose") {
                return Err(invalid(format!(
                    "Attributes Reason: Delivery protocol [{protocol}] does not support raw message delivery."
                )));
            }
            return Ok(lower);
        }
        "FilterPolicy" if !value.is_empty() && value != "{}" => {
            filter::check(value, scope == Some("MessageBody")).map_err(|refusal| match refusal {
                Refusal::Policy(reason) => sent.refused(&format!("FilterPolicy: {reason}")),
                Refusal::Scope => {
                    sent.refused("Filter policy scope MessageAttributes does not support nested filter policy")
                }
            })?;
        }
        "FilterPolicyScope" if value != "MessageAttributes" && value != "MessageBody" => {
            return Err(sent.refused(&format!(
                "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
            )));
        }
        "RedrivePolicy" if !value.is_empty() => {
            let policy: Value = serde_json::from_str(value).map_err(|error| {
                sent.refused(&format!("RedrivePolicy: {}", filter::parse_failure(value, &error.to_string())))
            })?;
            let arn = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
            if arn.split(':').nth(2) != Some("sqs") {
                return Err(sent.refused("RedrivePolicy: deadLetterTargetArn is an invalid arn"));
            }
            if arn.ends_with(".fifo") {
                return Err(sent.refused(
                    "RedrivePolicy: must use a Standard queue as DLQ for a subscription to a Standard Topic",
                ));
            }
        }
        "FilterPolicy"
        | "FilterPolicyScope"
        | "RedrivePolicy"
        | "DeliveryPolicy"
        | "SubscriptionRoleArn"
        | "ReplayPolicy" => {}
        _ => return Err(invalid("AttributeName")),
    }
    Ok(value.to_owned())
}

fn subscribe(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (protocol, endpoint) = (required(input, "Protocol")?, required(input, "Endpoint")?);
    let topic = topic(request, "TopicArn")?.clone();
    check_endpoint(&protocol, &endpoint)?;
    let mut attributes = BTreeMap::new();
    let sent = input.map("Attributes");
    let scope = sent.get("FilterPolicyScope").map(String::as_str);
    for (name, value) in &sent {
        let value = check_attribute(Sent::Subscribing, &protocol, scope, name, value)?;
        if !value.is_empty() {
            attributes.insert(name.clone(), value);
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
            let kept = |name: &str| match (known.attributes.get(name), name) {
                (Some(value), _) => value.as_str(),
                (None, "RawMessageDelivery") => "false",
                (None, "FilterPolicyScope") => "MessageAttributes",
                (None, _) => "",
            };
            if attributes.iter().any(|(name, value)| kept(name) != value) {
                return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
            }
            known
        }
        None => {
            let subscription = Subscription {
                arn: format!("{}:{}", topic.arn, request.world.ids.secret_uuid()),
                topic_arn: topic.arn.clone(),
                confirmed: !asks(&protocol),
                protocol,
                endpoint,
                owner: request.caller.account().to_owned(),
                attributes,
                authenticated: !asks(input.text("Protocol").unwrap_or_default()),
                token: format!("2336412f37{}", request.world.ids.token(126)),
                requested: request.now,
                ends: None,
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

/// Whether a text could be a token at all.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn confirm(request: &mut Request<'_>) -> Answer {
    let arn = topic_arn(request, "TopicArn")?;
    let (token, authenticated) = (required(request.input, "Token")?, request.input.flag("AuthenticateOnUnsubscribe"));
    if !is_token(&token) {
        return Err(AwsError::new("InvalidParameter", "Invalid token"));
    }
    // A topic that is gone is no other case: nobody holds a token for it.
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
