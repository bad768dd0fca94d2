//! Asynchronous invocations: retried by the clock, given up on, and told to where their end is wanted.
//!
//! Behaviour: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ended, Invocation, locked, run};
use crate::clock::later;
use crate::names::region_of;
use crate::permission::{Need, role_may};
use crate::protocol::AwsError;
use crate::service::sns::{Notice, publish_to};
use crate::service::sqs;
use crate::shared::Shared;
use crate::world::{Function, World};

/// What a function has where nothing is set.
const RETRIES: u64 = 2;
const MAX_AGE: u64 = 21_600;

/// Starts every invocation that is due.
pub(crate) fn start_due(shared: &Arc<Shared>) {
    let now = shared.clock.now();
    let due: Vec<Invocation> = {
        let mut queue = locked(&shared.executor.queue);
        let due = queue.extract_if(.., |invocation| invocation.due <= now).collect();
        shared.executor.under_way.fetch_add(Vec::len(&due), Ordering::SeqCst);
        due
    };
    for invocation in due {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            handle(&shared, invocation).await;
            shared.executor.under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn handle(shared: &Arc<Shared>, mut invocation: Invocation) {
    let (region, name) = (invocation.region.clone(), invocation.function.clone());
    let Some(function) = shared.world().region(&region).functions.get(&name).cloned() else {
        return;
    };
    let now = shared.clock.now();
    let settings = function.invoke_settings.clone().unwrap_or_default();
    let expires = later(invocation.first, Duration::from_secs(settings.max_age.unwrap_or(MAX_AGE)));
    if now > expires {
        give_up(shared, &function, &invocation, "EventAgeExceeded", None);
        return;
    }
    if function.state(now) == "Pending" {
        invocation.due = later(now, Duration::from_secs(1));
        shared.enqueue(invocation);
        return;
    }
    let ended = run(shared, &region, &name, &invocation.payload, &invocation.id).await;
    let now = shared.clock.now();
    match ended {
        // Throttled: tried again for as long as it may be old.
        Err(AwsError { status: 429, .. }) => {
            invocation.due = later(now, Duration::from_secs(60));
            if invocation.due > expires {
                give_up(shared, &function, &invocation, "EventAgeExceeded", None);
            } else {
                shared.enqueue(invocation);
            }
        }
        Ok(ended) if !ended.failed => {
            invocation.attempts += 1;
            tell(shared, &function, &invocation, settings.on_success.as_deref(), "Success", Some(&ended));
        }
        failed => {
            invocation.attempts += 1;
            if invocation.attempts > settings.retries.unwrap_or(RETRIES) {
                give_up(shared, &function, &invocation, "RetriesExhausted", failed.as_ref().ok());
            } else {
                // The first retry comes after a minute, the second after two more.
                invocation.due = later(now, Duration::from_secs(60 * invocation.attempts));
                shared.enqueue(invocation);
            }
        }
    }
}

fn give_up(shared: &Shared, function: &Function, invocation: &Invocation, why: &str, ended: Option<&Ended>) {
    let on_failure = function.invoke_settings.as_ref().and_then(|settings| settings.on_failure.as_deref());
    tell(shared, function, invocation, on_failure, why, ended);
    let queue = function.settings.get("DeadLetterConfig").and_then(|config| config["TargetArn"].as_str());
    if let Some(arn) = queue {
        let text = String::from_utf8_lossy(&invocation.payload).into_owned();
        let error: Value = ended.map(|ended| parsed(&ended.payload)).unwrap_or_default();
        let attributes = json!({
            "RequestID": {"Type": "String", "Value": invocation.id},
            "ErrorCode": {"Type": "Number", "Value": "200"},
            "ErrorMessage": {"Type": "String", "Value": error["errorMessage"].as_str().unwrap_or(why)},
        });
        send(shared, function, arn, text, attributes);
    }
}

fn parsed(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap_or_default()
}

/// Sends the record of how an invocation ended to its destination.
fn tell(
    shared: &Shared,
    function: &Function,
    invocation: &Invocation,
    destination: Option<&str>,
    condition: &str,
    ended: Option<&Ended>,
) {
    let Some(destination) = destination else {
        return;
    };
    let mut record = json!({
        "version": "1.0",
        "timestamp": stamp(shared.clock.now()),
        "requestContext": {
            "requestId": invocation.id,
            "functionArn": format!("{}:$LATEST", function.arn),
            "condition": condition,
            "approximateInvokeCount": invocation.attempts,
        },
        "requestPayload": parsed(&invocation.payload),
    });
    if let Some(ended) = ended {
        record["responseContext"] = json!({"statusCode": 200, "executedVersion": "$LATEST"});
        if ended.failed {
            record["responseContext"]["functionError"] = "Unhandled".into();
        }
        record["responsePayload"] = parsed(&ended.payload);
    }
    send(shared, function, destination, record.to_string(), json!({}));
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Sends as the function's role, which must be allowed to.
fn send(shared: &Shared, function: &Function, arn: &str, message: String, attributes: Value) {
    let now = shared.clock.now();
    let mut world = shared.world();
    match arn.split(':').nth(2) {
        Some("sns") if may(&world, function, "sns:Publish", arn) => {
            let id = world.ids.uuid();
            let notice = Notice { id, subject: None, message, structured: false, attributes };
            // A topic that is gone is AWS's to lament in a metric.
            let _ = publish_to(&mut world, arn, &notice, &shared.endpoint, now);
        }
        Some("sqs") if may(&world, function, "sqs:SendMessage", arn) => {
            sqs::deliver(&mut world, region_of(arn), arn, &message, &attributes, now);
        }
        _ => {}
    }
}

fn may(world: &World, function: &Function, action: &str, arn: &str) -> bool {
    let role = world.iam.role_by_arn(&function.role);
    role.is_some_and(|role| role_may(world, role, "", region_of(arn), &Need::new(action, arn)).is_ok())
}
