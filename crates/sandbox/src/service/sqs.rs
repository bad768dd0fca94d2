//! SQS: just enough that a delivered notice can be read from a queue.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Operation, Request, Site, read, write};
use crate::clock::later;
use crate::names::is_name;
use crate::protocol::{Answer, AwsError};
use crate::world::{Message, Queue, World};

pub(crate) const OPERATIONS: &[Operation] = &[
    write("CreateQueue", queue_arn, create),
    read("GetQueueUrl", queue_arn, url),
    read("GetQueueAttributes", queue_arn, attributes),
    write("SetQueueAttributes", queue_arn, set_attributes),
    read("ListQueues", queue_arn, list),
    write("SendMessage", queue_arn, send),
    write("ReceiveMessage", queue_arn, receive),
    write("DeleteMessage", queue_arn, delete_message),
    write("PurgeQueue", queue_arn, purge),
    write("DeleteQueue", queue_arn, delete),
];

fn queue_arn(site: &Site<'_>) -> Vec<String> {
    let name = site.input.text("QueueName").unwrap_or_else(|| name_in(site.text("QueueUrl")));
    vec![site.arn("sqs", name)]
}

fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn queue<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Queue, AwsError> {
    let name = request.input.text("QueueName").or(request.input.text("QueueUrl")).map_or("", name_in);
    let queue = request.here().queues.get_mut(name);
    queue.ok_or_else(|| AwsError::new("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist."))
}

fn url_of(request: &Request<'_>, name: &str) -> Value {
    format!("{}/{}/{name}", request.endpoint, request.world.account).into()
}

fn create(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("QueueName")?;
    if !is_name(name.trim_end_matches(".fifo"), 80, "-_") {
        return Err(request
            .input
            .invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"));
    }
    let (attributes, tags) = (request.input.map("Attributes"), request.input.tags("tags"));
    let here = request.here();
    here.queues.entry(name.clone()).or_insert(Queue { name: name.clone(), attributes, tags, ..Queue::default() });
    Ok(json!({ "QueueUrl": url_of(request, &name) }))
}

fn url(request: &mut Request<'_>) -> Answer {
    let name = queue(request)?.name.clone();
    Ok(json!({ "QueueUrl": url_of(request, &name) }))
}

fn attributes(request: &mut Request<'_>) -> Answer {
    let wanted = request.input.texts("AttributeNames");
    let queue = queue(request)?.clone();
    let mut all = queue.attributes;
    all.insert("QueueArn".into(), request.arn("sqs", &queue.name));
    all.insert("ApproximateNumberOfMessages".into(), queue.messages.len().to_string());
    all.entry("VisibilityTimeout".into()).or_insert("30".into());
    all.retain(|name, _| wanted.iter().any(|wanted| wanted == "All" || wanted == name));
    Ok(json!({ "Attributes": all }))
}

fn set_attributes(request: &mut Request<'_>) -> Answer {
    let attributes = request.input.map("Attributes");
    queue(request)?.attributes.extend(attributes);
    Ok(json!({}))
}

fn list(request: &mut Request<'_>) -> Answer {
    let prefix = request.input.text_or("QueueNamePrefix", "");
    let names: Vec<String> = request.here().queues.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
    Ok(json!({ "QueueUrls": names.iter().map(|name| url_of(request, name)).collect::<Value>() }))
}

fn send(request: &mut Request<'_>) -> Answer {
    let (body, now) = (request.input.required("MessageBody")?, request.now);
    let id = request.world.ids.uuid();
    let attributes = request.input.at("MessageAttributes").clone();
    queue(request)?.messages.push_back(Message {
        id: id.clone(),
        body,
        attributes,
        sent: now,
        hidden_until: now,
        received: 0,
    });
    Ok(json!({"MessageId": id, "MD5OfMessageBody": ""}))
}

fn receive(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let most = usize::try_from(input.number("MaxNumberOfMessages").unwrap_or(1)).unwrap_or(1);
    let now = request.now;
    let hide = input.number("VisibilityTimeout");
    let queue = queue(request)?;
    let default = queue.attributes.get("VisibilityTimeout").and_then(|seconds| seconds.parse().ok()).unwrap_or(30);
    let until = later(now, Duration::from_secs(hide.unwrap_or(default)));
    let mut shown = Vec::new();
    for message in queue.messages.iter_mut().filter(|message| message.hidden_until <= now).take(most.clamp(1, 10)) {
        message.hidden_until = until;
        message.received += 1;
        let mut one = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.id,
            "Body": message.body,
            "Attributes": {
                "SentTimestamp": message.sent.as_millisecond().to_string(),
                "ApproximateReceiveCount": message.received.to_string(),
            },
        });
        if message.attributes.as_object().is_some_and(|attributes| !attributes.is_empty()) {
            one["MessageAttributes"] = message.attributes.clone();
        }
        shown.push(one);
    }
    Ok(if shown.is_empty() { json!({}) } else { json!({ "Messages": shown }) })
}

fn delete_message(request: &mut Request<'_>) -> Answer {
    let handle = request.input.required("ReceiptHandle")?;
    queue(request)?.messages.retain(|message| message.id != handle);
    Ok(json!({}))
}

fn purge(request: &mut Request<'_>) -> Answer {
    queue(request)?.messages.clear();
    Ok(json!({}))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = queue(request)?.name.clone();
    request.here().queues.remove(&name);
    Ok(json!({}))
}

/// Puts a message into the queue of that ARN, if there is one. Unlike AWS this asks no queue policy for leave.
pub(crate) fn deliver(
    world: &mut World,
    region: &str,
    arn: &str,
    body: &str,
    attributes: &Value,
    now: Timestamp,
) -> bool {
    let id = world.ids.uuid();
    let shown = attributes.as_object().into_iter().flatten().map(|(name, attribute)| {
        let value = json!({"DataType": attribute["Type"], "StringValue": attribute["Value"]});
        (name.clone(), value)
    });
    let attributes = Value::Object(shown.collect());
    let name = arn.rsplit(':').next().unwrap_or_default();
    let Some(queue) = world.region(region).queues.get_mut(name) else {
        return false;
    };
    let message = Message { id, body: body.into(), attributes, sent: now, hidden_until: now, received: 0 };
    queue.messages.push_back(message);
    true
}
