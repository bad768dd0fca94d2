//! A function as Lambda answers it.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::world::Function;

/// Lambda's own way to write a time.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// The configuration as lists have it: without what Lambda itself does with the function.
pub(super) fn listed(function: &Function, now: Timestamp) -> Value {
    let mut shown = configuration(function, now);
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| {
            !name.starts_with("State") && !name.starts_with("LastUpdateStatus") && name != "RuntimeVersionConfig"
        });
    }
    shown
}

/// The ARN of the runtime's version: made from the runtime's name.
fn runtime_version(function: &Function) -> String {
    let mut parts = function.arn.split(':');
    let (partition, region) = (parts.nth(1).unwrap_or_default(), parts.nth(1).unwrap_or_default());
    let hash: String = sha2::Sha256::digest(&function.runtime).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("arn:{partition}:lambda:{region}::runtime:{hash}")
}

/// The revision: Lambda's own end of a creation or an update makes a new one.
pub(super) fn revision(function: &Function, now: Timestamp) -> String {
    let done = function.state(now) != "Pending" && function.update_status(now) != "InProgress";
    match (done, function.revision.split_at_checked(1)) {
        (true, Some((first, rest))) => format!("{}{rest}", if first == "0" { "1" } else { "0" }),
        _ => function.revision.clone(),
    }
}

/// The configuration: what `GetFunctionConfiguration` answers, and most others.
pub(super) fn configuration(function: &Function, now: Timestamp) -> Value {
    let setting = |name: &str, default: Value| function.settings.get(name).cloned().unwrap_or(default);
    let mut shown = json!({
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code.len(),
        "Description": function.description,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "LastModified": time(function.modified),
        "CodeSha256": function.code_sha256,
        "Version": "$LATEST",
        "TracingConfig": setting("TracingConfig", json!({"Mode": "PassThrough"})),
        "RevisionId": revision(function, now),
        "PackageType": setting("PackageType", "Zip".into()),
        "Architectures": [function.architecture],
        "EphemeralStorage": setting("EphemeralStorage", json!({"Size": 512})),
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version(function)},
        "SnapStart": {
            "ApplyOn": setting("SnapStart", json!({"ApplyOn": "None"}))["ApplyOn"],
            "OptimizationStatus": "Off",
        },
        "LoggingConfig": setting(
            "LoggingConfig",
            json!({"LogFormat": "Text", "LogGroup": format!("/aws/lambda/{}", function.name)}),
        ),
        "State": function.state(now),
        "LastUpdateStatus": function.update_status(now),
    });
    if !function.environment.is_empty() || function.settings.contains_key("Environment") {
        shown["Environment"] = json!({"Variables": function.environment});
    }
    for name in ["KMSKeyArn", "DeadLetterConfig", "VpcConfig", "FileSystemConfigs", "TenancyConfig"] {
        if let Some(value) = function.settings.get(name) {
            shown[name] = value.clone();
        }
    }
    if let Some(layers) = function.settings.get("Layers").and_then(Value::as_array) {
        shown["Layers"] = layers.iter().map(|layer| json!({"Arn": layer["Arn"], "CodeSize": 1024})).collect();
    }
    if let Some(reason) = &function.failed {
        shown["StateReason"] = reason.clone().into();
        shown["StateReasonCode"] = "InternalError".into();
    } else if function.state(now) == "Pending" {
        shown["StateReason"] = "The function is being created.".into();
        shown["StateReasonCode"] = "Creating".into();
    }
    if let Some(reason) = &function.update_failed {
        shown["LastUpdateStatusReason"] = reason.clone().into();
        shown["LastUpdateStatusReasonCode"] = "InternalError".into();
    } else if function.update_status(now) == "InProgress" {
        shown["LastUpdateStatusReason"] = "The function is being created.".into();
        shown["LastUpdateStatusReasonCode"] = "Creating".into();
    }
    shown
}
