//! What surrounds a function: reserved concurrency, asynchronous invocation, tags.

use serde_json::{Value, json};

use super::{asked, function_arn, naming, seen};
use crate::clock::later;
use crate::names::region_of;
use crate::permission::{Need, role_may};
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, passing, read, write};
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

/// Refuses a destination that is not there, or that the function's role may not send to, as Lambda does.
fn check_destination(request: &mut Request<'_>, function: &Function, arn: &str) -> Result<(), AwsError> {
    let refused = |message: String| Err(AwsError::new("InvalidParameterValueException", message));
    let (action, verb) = match arn.split(':').nth(2) {
        Some("sns") => ("sns:Publish", "Publish"),
        Some("sqs") => ("sqs:SendMessage", "SendMessage"),
        Some("lambda") => ("lambda:InvokeFunction", "InvokeFunction"),
        Some("events") => ("events:PutEvents", "PutEvents"),
        _ => {
            return refused(format!(
                "The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination={arn})) is invalid."
            ));
        }
    };
    if arn == function.arn {
        return refused("You can't specify the function as a destination for itself.".into());
    }
    let (region, name) = (region_of(arn).to_owned(), arn.rsplit(':').next().unwrap_or_default());
    let (now, delay) = (request.now, request.options.destination_delay);
    let there = request.world.region(&region);
    let known = match action {
        "sns:Publish" => {
            there.topics.values().find(|topic| topic.arn == arn).is_some_and(|topic| later(topic.created, delay) <= now)
        }
        "lambda:InvokeFunction" => there.functions.contains_key(name),
        _ => true,
    };
    if !known {
        return Err(passing::no_destination(arn));
    }
    let session = "";
    let may =
        request.world.iam.role_by_arn(&function.role).is_some_and(|role| {
            role_may(request.world, role, session, request.region, &Need::new(action, arn)).is_ok()
        });
    if may {
        return Ok(());
    }
    refused(format!("The function's execution role does not have permissions to call {verb} on {arn}"))
}

/// For settings of a function that is not there Lambda has words of its own.
fn asked_here<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Function, AwsError> {
    asked(request).map_err(|error| match error.message.strip_prefix("Function not found") {
        Some(_) => AwsError::new("ResourceNotFoundException", "The function doesn't exist.").status(404),
        None => error,
    })
}

fn put_invoke(request: &mut Request<'_>, replace: bool) -> Answer {
    let input = request.input;
    if replace
        && !["MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"].iter().any(|name| input.has(name))
    {
        return Err(input.invalid("You must specify at least one of error handling or destination setting."));
    }
    let function = asked_here(request)?.clone();
    let mut settings = match (&function.invoke_settings, replace) {
        (_, true) => InvokeSettings::default(),
        (Some(known), false) => known.clone(),
        (None, false) => return Err(none(request)),
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

fn none(request: &Request<'_>) -> AwsError {
    let named = match naming::named(request) {
        Ok(named) => named,
        Err(error) => return error,
    };
    let qualifier = named.qualifier.as_deref().unwrap_or("$LATEST");
    let arn = request.arn("lambda", &format!("function:{}:{qualifier}", named.name));
    let message = format!("The function {arn} doesn't have an EventInvokeConfig");
    AwsError::new("ResourceNotFoundException", message).status(404)
}

fn invoke(request: &mut Request<'_>) -> Answer {
    let found = seen(request).ok().and_then(|function| Some((function.invoke_settings.clone()?, function)));
    let (settings, function) = found.ok_or_else(|| none(request))?;
    Ok(show(&function, &settings))
}

fn delete_invoke(request: &mut Request<'_>) -> Answer {
    let none = none(request);
    let settings = asked(request).ok().and_then(|function| function.invoke_settings.take());
    settings.map(|_| Value::Null).ok_or(none)
}

/// Tags are on functions, not on their versions.
fn check_tagged(request: &Request<'_>) -> Result<(), AwsError> {
    if naming::named(request)?.qualifier.is_some() {
        let message = "Tags on function aliases and versions are not supported. Please specify a function ARN.";
        return Err(AwsError::new("InvalidParameterValueException", message));
    }
    Ok(())
}

fn tag(request: &mut Request<'_>) -> Answer {
    check_tagged(request)?;
    let tags = request.input.tags("Tags");
    if tags.is_empty() {
        return Err(request.input.invalid("An error occurred and the request cannot be processed."));
    }
    let revision = request.world.ids.uuid();
    let function = asked(request)?;
    function.tags.extend(tags);
    function.revision = revision;
    Ok(Value::Null)
}

fn untag(request: &mut Request<'_>) -> Answer {
    check_tagged(request)?;
    let keys = request.input.texts("TagKeys");
    if keys.is_empty() {
        let message = "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null";
        return Err(AwsError::new("ValidationException", message));
    }
    let revision = request.world.ids.uuid();
    let function = asked(request)?;
    function.tags.retain(|key, _| !keys.contains(key));
    function.revision = revision;
    Ok(Value::Null)
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    check_tagged(request)?;
    Ok(json!({"Tags": seen(request)?.tags}))
}
