//! Topics: their attributes and tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{about_topic, invalid, name_in, not_done, not_found, required, seen_topic, topic, topic_arn};
use crate::clock::later;
use crate::names::is_name;
use crate::protocol::query::entries;
use crate::protocol::{Answer, AwsError, page, tag_list};
use crate::service::{Operation, Request, read, write};
use crate::world::{Tags, Topic, World};

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateTopic", about_topic, create),
    read("GetTopicAttributes", about_topic, attributes),
    write("SetTopicAttributes", about_topic, set_attribute),
    write("DeleteTopic", about_topic, delete),
    read("ListTopics", |site| vec![site.arn("sns", "*")], list),
    write("TagResource", about_topic, tag),
    write("UntagResource", about_topic, untag),
    read("ListTagsForResource", about_topic, list_tags),
];

const SETTABLE: [&str; 21] = [
    "Policy",
    "DisplayName",
    "DeliveryPolicy",
    "KmsMasterKeyId",
    "TracingConfig",
    "SignatureVersion",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "ApplicationFailureFeedbackRoleArn",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "LambdaFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "FirehoseFailureFeedbackRoleArn",
];

/// The policy that a topic has of its own accord: its owner may do everything.
fn default_policy(world: &World, arn: &str) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": world.account}},
        }],
    })
    .to_string()
}

fn check_attribute(name: &str, value: &str) -> Result<(), AwsError> {
    if !SETTABLE.contains(&name) {
        return Err(invalid("AttributeName"));
    }
    if name.ends_with("SampleRate") && !value.parse::<u8>().is_ok_and(|rate| rate <= 100) {
        return Err(invalid(format!("{name} Reason: the sample rate must be an integer between 0 and 100")));
    }
    if name == "DeliveryPolicy"
        && !value.is_empty()
        && !serde_json::from_str::<Value>(value).is_ok_and(|v| v.is_object())
    {
        return Err(invalid("DeliveryPolicy: failed to parse JSON"));
    }
    if name == "DisplayName" && value.chars().count() > 100 {
        return Err(invalid("DisplayName Reason: Display name must be 100 characters or less"));
    }
    if name == "Policy" && !value.is_empty() {
        let document: Value =
            serde_json::from_str(value).map_err(|_| invalid("Policy Error: failed to parse the policy as JSON"))?;
        if document.get("Statement").is_none() {
            return Err(invalid("Policy Error: null"));
        }
    }
    Ok(())
}

/// Sets one attribute; an empty value is that attribute's absence.
fn put(attributes: &mut BTreeMap<String, String>, name: &str, value: &str) {
    if value.is_empty() {
        attributes.remove(name);
    } else {
        attributes.insert(name.into(), value.into());
    }
}

fn check_tags(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > 50 {
        return Err(AwsError::new(
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    if tags.iter().any(|(key, value)| key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256) {
        return Err(invalid("Tags"));
    }
    Ok(())
}

/// Refuses a key that is sent twice.
fn check_tags_sent(request: &Request<'_>) -> Result<(), AwsError> {
    if request.input.list("Tags").len() > request.input.tags("Tags").len() {
        return Err(invalid("Duplicated keys are not allowed."));
    }
    Ok(())
}

fn create(request: &mut Request<'_>) -> Answer {
    let name = required(request.input, "Name").map_err(|_| invalid("Topic Name"))?;
    let mut sent = request.input.map("Attributes");
    // A topic that is not to be first-in-first-out is an ordinary one, and does not show the attribute.
    let fifo = sent.remove("FifoTopic").is_some_and(|fifo| fifo == "true");
    let stem = name.strip_suffix(".fifo");
    if !is_name(stem.unwrap_or(&name), 256, "-_") || name.len() > 256 || fifo != stem.is_some() {
        return Err(invalid("Topic Name"));
    }
    if fifo {
        return Err(not_done("FIFO topics"));
    }
    let (mut attributes, tags) = (BTreeMap::new(), request.input.tags("Tags"));
    check_tags_sent(request)?;
    for (name, value) in sent {
        check_attribute(&name, &value)?;
        put(&mut attributes, &name, &value);
    }
    check_tags(&tags)?;
    let arn = request.arn("sns", &name);
    if let Some(known) = request.here().topics.get(&name) {
        if attributes.iter().any(|(name, value)| known.attributes.get(name) != Some(value)) {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
        }
        if tags.iter().any(|(key, value)| known.tags.get(key) != Some(value)) {
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        return Ok(json!({ "TopicArn": arn }));
    }
    let topic = Topic {
        name: name.clone(),
        arn: arn.clone(),
        attributes,
        tags,
        created: request.now,
        subscriptions_deleted: 0,
    };
    request.here().topics.insert(name, topic);
    Ok(json!({ "TopicArn": arn }))
}

/// How a topic's messages are delivered over HTTP where it says nothing itself.
pub(super) fn default_retry() -> Value {
    json!({"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0,
        "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear"})
}

/// A delivery policy as it was set, with what SNS adds.
fn delivery(policy: &str) -> Value {
    let mut policy: Value = serde_json::from_str(policy).unwrap_or_default();
    if policy["http"].is_object() && policy["http"]["disableSubscriptionOverrides"].is_null() {
        policy["http"]["disableSubscriptionOverrides"] = false.into();
    }
    policy
}

/// The delivery policy in force.
pub(super) fn effective_delivery(topic: &Topic) -> Value {
    let mut all = json!({"http": {
        "defaultHealthyRetryPolicy": default_retry(),
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }});
    let set = topic.attributes.get("DeliveryPolicy").map(|policy| delivery(policy)).unwrap_or_default();
    for (name, value) in set["http"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        all["http"][name] = value.clone();
    }
    all
}

fn attributes(request: &mut Request<'_>) -> Answer {
    let topic = seen_topic(request, "TopicArn")?;
    let subscriptions = request.here().subscriptions.iter().filter(|known| known.topic_arn == topic.arn);
    let (confirmed, pending): (Vec<_>, Vec<_>) = subscriptions.partition(|known| known.confirmed);
    let mut all = BTreeMap::from([
        ("TopicArn".to_owned(), topic.arn.clone()),
        ("DisplayName".to_owned(), String::new()),
        ("SubscriptionsConfirmed".to_owned(), confirmed.len().to_string()),
        ("SubscriptionsPending".to_owned(), pending.len().to_string()),
        ("SubscriptionsDeleted".to_owned(), topic.subscriptions_deleted.to_string()),
        ("EffectiveDeliveryPolicy".to_owned(), effective_delivery(&topic).to_string()),
        ("Owner".to_owned(), request.world.account.clone()),
        ("Policy".to_owned(), default_policy(request.world, &topic.arn)),
    ]);
    all.extend(topic.attributes);
    if let Some(policy) = all.get_mut("DeliveryPolicy") {
        *policy = delivery(policy).to_string();
    }
    Ok(json!({ "Attributes": entries(&all) }))
}

fn set_attribute(request: &mut Request<'_>) -> Answer {
    let (name, value) = (required(request.input, "AttributeName")?, request.input.text_or("AttributeValue", ""));
    check_attribute(&name, &value)?;
    put(&mut topic(request, "TopicArn")?.attributes, &name, &value);
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let arn = topic_arn(request, "TopicArn")?;
    let (now, delay) = (request.now, request.options.orphan_delay);
    let here = request.here();
    here.topics.remove(name_in(&arn));
    if delay.is_zero() {
        here.subscriptions.retain(|subscription| subscription.topic_arn != arn);
    }
    for subscription in here.subscriptions.iter_mut().filter(|subscription| subscription.topic_arn == arn) {
        subscription.ends = Some(later(now, delay));
    }
    Ok(Value::Null)
}

fn list(request: &mut Request<'_>) -> Answer {
    let topics: Vec<Topic> = request.here().topics.values().cloned().collect();
    let arns = topics.into_iter().filter(|topic| request.sees(topic.created)).map(|topic| topic.arn).collect();
    let (arns, next) = page(arns, String::clone, request.input.text("NextToken"), 100);
    let topics: Value = arns.into_iter().map(|arn| json!({ "TopicArn": arn })).collect();
    Ok(json!({"Topics": topics, "NextToken": next}))
}

fn tagged<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Topic, AwsError> {
    topic(request, "ResourceArn").map_err(|error| match error.code.as_str() {
        "NotFound" => AwsError::new("ResourceNotFound", "Resource does not exist").status(404),
        _ => error,
    })
}

fn tag(request: &mut Request<'_>) -> Answer {
    check_tags_sent(request)?;
    let tags = request.input.tags("Tags");
    let topic = tagged(request)?;
    let mut all = topic.tags.clone();
    all.extend(tags);
    check_tags(&all)?;
    topic.tags = all;
    Ok(json!({}))
}

fn untag(request: &mut Request<'_>) -> Answer {
    let keys = request.input.texts("TagKeys");
    tagged(request)?.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    let topic = tagged(request)?.clone();
    if !request.sees(topic.created) {
        return Err(not_found("Resource does not exist"));
    }
    Ok(json!({ "Tags": tag_list(&topic.tags) }))
}
