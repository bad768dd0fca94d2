//! Subscriptions that exist: their attributes, their end, and lists of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::subscribe::Sent;
use super::{about_topic, invalid, name_in, not_found, required, seen_topic, subscribe, subscription};
use crate::protocol::query::entries;
use crate::protocol::{Answer, AwsError, page};
use crate::service::{Operation, Request, read, write};
use crate::world::Subscription;

pub(super) const OPERATIONS: &[Operation] = &[
    write("Unsubscribe", about_topic, unsubscribe),
    read("GetSubscriptionAttributes", about_topic, attributes),
    write("SetSubscriptionAttributes", about_topic, set_attribute),
    read("ListSubscriptionsByTopic", about_topic, list_by_topic),
    read("ListSubscriptions", |site| vec![site.arn("sns", "*")], list),
];

/// The ARN of a subscription, which `PendingConfirmation` is not.
fn asked_arn(request: &Request<'_>) -> Result<String, AwsError> {
    let Some(arn) = request.input.text("SubscriptionArn") else {
        return Err(invalid("SubscriptionArn Reason: no value for required parameter"));
    };
    let parts = if arn.is_empty() { 1 } else { arn.split(':').count() };
    if parts < 6 {
        return Err(invalid(format!("SubscriptionArn Reason: An ARN must have at least 6 elements, not {parts}")));
    }
    if !arn.starts_with("arn:") || parts != 7 {
        return Err(invalid("SubscriptionId"));
    }
    Ok(arn.to_owned())
}

fn unsubscribe(request: &mut Request<'_>) -> Answer {
    let arn = asked_arn(request)?;
    let Ok(known) = subscription(request, &arn) else {
        return Ok(Value::Null);
    };
    if !known.confirmed {
        return Err(invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation"));
    }
    let topic = name_in(&known.topic_arn).to_owned();
    let here = request.here();
    here.subscriptions.retain(|known| known.arn != arn);
    if let Some(topic) = here.topics.get_mut(&topic) {
        topic.subscriptions_deleted += 1;
    }
    Ok(Value::Null)
}

fn attributes(request: &mut Request<'_>) -> Answer {
    let arn = asked_arn(request)?;
    let known = subscription(request, &arn)?.clone();
    if !request.sees(known.requested) {
        return Err(not_found("Subscription does not exist"));
    }
    let mut all = BTreeMap::from([
        ("SubscriptionArn".to_owned(), known.arn),
        ("TopicArn".to_owned(), known.topic_arn),
        ("Protocol".to_owned(), known.protocol),
        ("Endpoint".to_owned(), masked(&known.endpoint)),
        ("Owner".to_owned(), known.owner),
        ("PendingConfirmation".to_owned(), (!known.confirmed).to_string()),
        ("ConfirmationWasAuthenticated".to_owned(), known.authenticated.to_string()),
        ("RawMessageDelivery".to_owned(), "false".to_owned()),
        ("SubscriptionPrincipal".to_owned(), request.world.arn("iam", "", "user/you")),
    ]);
    let mut set = known.attributes;
    // A scope is kept while there is no policy, and not shown.
    if set.contains_key("FilterPolicy") {
        all.insert("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned());
    } else {
        set.remove("FilterPolicyScope");
    }
    all.extend(set);
    Ok(json!({ "Attributes": entries(&all) }))
}

fn set_attribute(request: &mut Request<'_>) -> Answer {
    let arn = asked_arn(request)?;
    let (name, value) = (required(request.input, "AttributeName")?, request.input.text_or("AttributeValue", ""));
    let known = subscription(request, &arn)?;
    let scope = known.attributes.get("FilterPolicyScope").map(String::as_str);
    let value = subscribe::check_attribute(Sent::Setting, &known.protocol, scope, &name, &value)?;
    if value.is_empty() {
        known.attributes.remove(&name);
    } else {
        known.attributes.insert(name, value);
    }
    Ok(Value::Null)
}

/// SNS shows no passwords of URLs.
fn masked(endpoint: &str) -> String {
    let parts = endpoint.split_once("://").and_then(|(scheme, rest)| {
        let (userinfo, host) = rest.rsplit_once('@')?;
        let (user, _) = userinfo.split_once(':')?;
        Some(format!("{scheme}://{user}:****@{host}"))
    });
    parts.unwrap_or_else(|| endpoint.to_owned())
}

fn show(known: &Subscription) -> Value {
    let arn = if known.confirmed { &known.arn } else { "PendingConfirmation" };
    json!({
        "SubscriptionArn": arn,
        "Owner": known.owner,
        "Protocol": known.protocol,
        "Endpoint": masked(&known.endpoint),
        "TopicArn": known.topic_arn,
    })
}

fn listed(request: &mut Request<'_>, keep: impl Fn(&Subscription) -> bool) -> Answer {
    let mut known: Vec<Subscription> = request.here().subscriptions.iter().filter(|s| keep(s)).cloned().collect();
    known.retain(|subscription| request.sees(subscription.requested));
    known.sort_by(|a, b| a.arn.cmp(&b.arn));
    let (known, next) = page(known, |known| known.arn.clone(), request.input.text("NextToken"), 100);
    let shown: Value = known.iter().map(show).collect();
    Ok(json!({"Subscriptions": shown, "NextToken": next}))
}

fn list_by_topic(request: &mut Request<'_>) -> Answer {
    let topic = seen_topic(request, "TopicArn")?.arn;
    listed(request, |subscription| subscription.topic_arn == topic)
}

fn list(request: &mut Request<'_>) -> Answer {
    listed(request, |_| true)
}
