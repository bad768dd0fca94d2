//! Publishing: what SNS accepts as a message, and to whom it goes.

use serde_json::{Value, json};

use jiff::Timestamp;

use super::notice::Notice;
use super::{about_topic, deliver, filter, invalid, not_done, not_found, required, subscribe, topic};
use crate::protocol::{Answer, AwsError, Input};
use crate::service::{Operation, Request, write};
use crate::world::{Subscription, World};

/// Bytes of message and attributes together.
const LARGEST: usize = 262_144;

pub(super) const OPERATIONS: &[Operation] = &[write("Publish", about_topic, publish)];

fn check_subject(subject: &str) -> Result<(), AwsError> {
    let fits = !subject.is_empty() && subject.len() <= 100 && subject.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if fits && !subject.starts_with(' ') { Ok(()) } else { Err(invalid("Subject")) }
}

fn bad_value(message: impl Into<String>) -> AwsError {
    AwsError::new("ParameterValueInvalid", message)
}

fn check_name(name: &str) -> Result<(), AwsError> {
    if name.len() > 256 {
        return Err(bad_value("Length of message attribute name must be less than 256 bytes."));
    }
    if let Some(strange) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.".contains(*c)) {
        return Err(bad_value(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include \
             alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(strange)
        )));
    }
    for (found, place) in [(name.starts_with('.'), "starting"), (name.ends_with('.'), "ending")] {
        if found {
            return Err(bad_value(format!("Invalid message attribute name {place} with character '.' was found.")));
        }
    }
    if name.contains("..") {
        return Err(bad_value("Message attribute name can not have successive '.' character."));
    }
    Ok(())
}

/// The attributes of the request as `{name: {"Type", "Value"}}`.
fn attributes(input: &Input) -> Result<Value, AwsError> {
    let mut all = json!({});
    for (name, sent) in input.at("MessageAttributes").as_object().into_iter().flatten() {
        let Some(kind) = sent["DataType"].as_str() else {
            return Err(AwsError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at 'messageAttributes.{name}.member.dataType' failed to \
                     satisfy constraint: Member must not be null"
                ),
            ));
        };
        check_name(name)?;
        let (base, suffix) = kind.split_once('.').map_or((kind, None), |(base, suffix)| (base, Some(suffix)));
        if !["String", "Number", "Binary"].contains(&base) || suffix.is_some_and(str::is_empty) {
            return Err(bad_value(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                 prefixes is Binary, Number, and String."
            )));
        }
        let field = if base == "Binary" { "Binary" } else { "String" };
        let value = sent[format!("{field}Value")].as_str().unwrap_or_default();
        let other = if field == "Binary" { "StringValue" } else { "BinaryValue" };
        if value.is_empty() && sent[other].as_str().is_some_and(|value| !value.is_empty()) {
            return Err(bad_value(format!(
                "The message attribute '{name}' with type '{kind}' must use field '{field}'."
            )));
        }
        if value.is_empty() {
            return Err(bad_value(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute \
                 type '{kind}'."
            )));
        }
        all[name] = json!({"Type": kind, "Value": value});
    }
    Ok(all)
}

fn publish(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    if let Some(number) = input.text("PhoneNumber") {
        if !subscribe::is_number(number) {
            return Err(invalid(format!("PhoneNumber Reason: {number} is not valid to publish to")));
        }
        return Err(not_done("messages to a telephone number without a topic"));
    }
    let parameter = if input.has("TargetArn") { "TargetArn" } else { "TopicArn" };
    if input.text(parameter).is_some_and(|arn| arn.contains(":endpoint/")) {
        return Err(invalid(format!("{parameter} Reason: No endpoint found for the target arn specified")));
    }
    let arn = topic(request, parameter)?.arn.clone();
    if input.has("MessageDeduplicationId") {
        return Err(invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ));
    }
    let message = required(input, "Message").map_err(|_| invalid("Empty message"))?;
    let subject = input.text("Subject").map(str::to_owned);
    if let Some(subject) = &subject {
        check_subject(subject)?;
    }
    let structured = match input.text("MessageStructure") {
        None | Some("") => false,
        Some("json") => true,
        Some(_) => return Err(invalid("MessageStructure")),
    };
    if structured {
        let texts: Value = serde_json::from_str(&message)
            .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
        if !texts["default"].is_string() {
            return Err(invalid("Message Structure - No default entry in JSON message body"));
        }
    }
    let attributes = attributes(input)?;
    let size = message.len() + attributes.as_object().into_iter().flatten().map(attribute_size).sum::<usize>();
    if size > LARGEST {
        return Err(invalid("Message too long"));
    }
    let id = request.world.ids.uuid();
    let notice = Notice { id: id.clone(), subject, message, structured, attributes };
    publish_to(request.world, &arn, &notice, request.endpoint, request.now)?;
    Ok(json!({ "MessageId": id }))
}

fn attribute_size((name, attribute): (&String, &Value)) -> usize {
    let length = |field: &str| attribute[field].as_str().map_or(0, str::len);
    name.len() + length("Type") + length("Value")
}

/// Delivers a message to every confirmed subscription that it gets through to.
pub(crate) fn publish_to(
    world: &mut World,
    topic_arn: &str,
    notice: &Notice,
    endpoint: &str,
    now: Timestamp,
) -> Result<(), AwsError> {
    let region = world.region(crate::names::region_of(topic_arn));
    let topic = region.topics.values().find(|topic| topic.arn == topic_arn).cloned();
    let topic = topic.ok_or_else(|| not_found("Topic does not exist"))?;
    let subscribed = region.subscriptions.iter().filter(|known| known.topic_arn == topic_arn && known.confirmed);
    let receivers: Vec<Subscription> = subscribed.filter(|known| gets_through(known, notice)).cloned().collect();
    for subscription in receivers {
        deliver::to(world, &topic, &subscription, notice, endpoint, now);
    }
    Ok(())
}

fn gets_through(subscription: &Subscription, notice: &Notice) -> bool {
    let Some(policy) = subscription.attributes.get("FilterPolicy") else {
        return true;
    };
    if subscription.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody") {
        return filter::fits_body(policy, &notice.text_for(&subscription.protocol));
    }
    filter::fits_attributes(policy, &notice.attributes)
}
