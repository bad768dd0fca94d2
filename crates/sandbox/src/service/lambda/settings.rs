//! What surrounds a function: reserved concurrency, asynchronous invocation, tags.

use serde_json::{Value, json};

use super::{asked, function_arn, seen};
use crate::permission::{Need, role_may};
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, read, write};
use crate::world::{Function, InvokeSettings};

pub(super) const OPERATIONS: &[Operation] = &[
    write("PutFunctionConcurrency", function_arn, put_concurrency),
    write("DeleteFunctionConcurrency", function_arn, delete_concurrency).status(204),
    read("GetFunctionConcurrency", function_arn, concurrency),
    write("PutFunctionEventInvokeConfig", function_arn, |request| put_invoke(request, true)),
    write("UpdateFunctionEventInvokeConfig", function_arn, |request| put_invoke(request, false)),
    read("GetFunctionEventInvokeConfig", function_arn, invoke),
    write("DeleteFunctionEventInvokeConfig", function_arn, delete_invoke).status(204),
    write("TagResource", function_arn, tag).status(204),
    write("UntagResource", function_arn, untag).status(204),
    read("ListTags", function_arn, list_tags),
];

fn put_concurrency(request: &mut Request<'_>) -> Answer {
    let reserved = request.input.number("ReservedConcurrentExecutions").unwrap_or_default();
    if reserved > 900 {
        return Err(request.input.invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."));
    }
    asked(request)?.concurrency = Some(reserved);
    Ok(json!({ "ReservedConcurrentExecutions": reserved }))
}

fn delete_concurrency(request: &mut Request<'_>) -> Answer {
    asked(request)?.concurrency = None;
    Ok(Value::Null)
}

fn concurrency(request: &mut Request<'_>) -> Answer {
    Ok(match seen(request)?.concurrency {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    })
}

/// Refuses a destination that the function's role may not send to, as Lambda does.
fn check_destination(request: &Request<'_>, function: &Function, arn: &str) -> Result<(), AwsError> {
    let (action, verb) = match arn.split(':').nth(2) {
        Some("sns") => ("sns:Publish", "Publish"),
        Some("sqs") => ("sqs:SendMessage", "SendMessage"),
        Some("lambda") => ("lambda:InvokeFunction", "InvokeFunction"),
        Some("events") => ("events:PutEvents", "PutEvents"),
        _ => return Err(request.input.invalid(format!("The destination ARN {arn} is invalid."))),
    };
    let session = "";
    let may =
        request.world.iam.role_by_arn(&function.role).is_some_and(|role| {
            role_may(request.world, role, session, request.region, &Need::new(action, arn)).is_ok()
        });
    if may {
        return Ok(());
    }
    Err(request
        .input
        .invalid(format!("The function's execution role does not have permissions to call {verb} on {arn}")))
}

fn put_invoke(request: &mut Request<'_>, replace: bool) -> Answer {
    let input = request.input;
    let function = asked(request)?.clone();
    let mut settings = match (&function.invoke_settings, replace) {
        (_, true) => InvokeSettings::default(),
        (Some(known), false) => known.clone(),
        (None, false) => return Err(none(&function)),
    };
    if let Some(retries) = input.number("MaximumRetryAttempts") {
        if retries > 2 {
            return Err(input.invalid("Value at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2"));
        }
        settings.retries = Some(retries);
    }
    if let Some(age) = input.number("MaximumEventAgeInSeconds") {
        if !(60..=21_600).contains(&age) {
            return Err(input.invalid("Value at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value between 60 and 21600"));
        }
        settings.max_age = Some(age);
    }
    let destinations = input.at("DestinationConfig");
    for (name, into) in [("OnFailure", &mut settings.on_failure), ("OnSuccess", &mut settings.on_success)] {
        if let Some(arn) = destinations[name]["Destination"].as_str() {
            check_destination(request, &function, arn)?;
            *into = Some(arn.to_owned());
        }
    }
    settings.modified = request.now;
    let shown = show(&function, &settings);
    asked(request)?.invoke_settings = Some(settings);
    Ok(shown)
}

fn show(function: &Function, settings: &InvokeSettings) -> Value {
    let destination = |arn: &Option<String>| arn.as_ref().map_or(json!({}), |arn| json!({ "Destination": arn }));
    let second = i32::try_from(settings.modified.as_second()).unwrap_or(i32::MAX);
    let mut shown = json!({
        "FunctionArn": format!("{}:$LATEST", function.arn),
        "LastModified": second,
        "DestinationConfig": {
            "OnSuccess": destination(&settings.on_success),
            "OnFailure": destination(&settings.on_failure),
        },
    });
    if let Some(retries) = settings.retries {
        shown["MaximumRetryAttempts"] = retries.into();
    }
    if let Some(age) = settings.max_age {
        shown["MaximumEventAgeInSeconds"] = age.into();
    }
    shown
}

fn none(function: &Function) -> AwsError {
    let message = format!("The function {}:$LATEST doesn't have an EventInvokeConfig", function.arn);
    AwsError::new("ResourceNotFoundException", message).status(404)
}

fn invoke(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    let settings = function.invoke_settings.as_ref().ok_or_else(|| none(&function))?;
    Ok(show(&function, settings))
}

fn delete_invoke(request: &mut Request<'_>) -> Answer {
    let function = asked(request)?;
    match function.invoke_settings.take() {
        Some(_) => Ok(Value::Null),
        None => Err(none(function)),
    }
}

fn tag(request: &mut Request<'_>) -> Answer {
    let tags = request.input.tags("Tags");
    asked(request)?.tags.extend(tags);
    Ok(Value::Null)
}

fn untag(request: &mut Request<'_>) -> Answer {
    let keys = request.input.texts("TagKeys");
    asked(request)?.tags.retain(|key, _| !keys.contains(key));
    Ok(Value::Null)
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    Ok(json!({"Tags": seen(request)?.tags}))
}
