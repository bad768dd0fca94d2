//! Changes of code and configuration, one at a time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{asked, check, conflict, function_arn, not_done, show};
use crate::clock::later;
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, write};
use crate::world::Function;

pub(super) const OPERATIONS: &[Operation] = &[
    write("UpdateFunctionCode", function_arn, code),
    write("UpdateFunctionConfiguration", function_arn, configuration),
];

/// Refuses a change while another is under way (Lambda developer guide, "Lambda function states").
fn check_ready(request: &mut Request<'_>) -> Result<(), AwsError> {
    let (now, revision) = (request.now, request.input.text("RevisionId").map(str::to_owned));
    let function = asked(request)?;
    let state = function.state(now);
    if state != "Active" {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {state}"
        )));
    }
    if function.update_status(now) == "InProgress" {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            function.arn
        )));
    }
    if revision.is_some_and(|revision| revision != show::revision(function, now)) {
        let message = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
        return Err(AwsError::new("PreconditionFailedException", message).status(412));
    }
    Ok(())
}

/// Begins an update, which the clock ends.
fn updated(request: &mut Request<'_>, change: impl FnOnce(&mut Function)) -> Answer {
    let (now, until) = (request.now, later(request.now, request.options.function_updating));
    let revision = request.world.ids.uuid();
    let function = asked(request)?;
    change(function);
    (function.modified, function.updated_at, function.revision) = (now, until, revision);
    function.update_failed = None;
    Ok(show::configuration(function, now))
}

fn code(request: &mut Request<'_>) -> Answer {
    asked(request)?;
    let package = check::package(request.input.text("ZipFile"))?;
    let architectures = request.input.texts("Architectures");
    let architecture = check::architecture(&architectures)?;
    check_ready(request)?;
    if request.input.flag("Publish") {
        return Err(not_done("versions of functions (Publish)"));
    }
    if request.input.flag("DryRun") {
        let now = request.now;
        let mut function = asked(request)?.clone();
        function.replace_code(package);
        return Ok(show::configuration(&function, now));
    }
    updated(request, |function| {
        function.replace_code(package);
        if !architectures.is_empty() {
            function.architecture = architecture;
        }
    })
}

/// The settings that are kept as they were sent: a value to set, or `None` to clear.
pub(super) fn settings(request: &Request<'_>) -> Result<BTreeMap<String, Option<Value>>, AwsError> {
    let input = request.input;
    let mut settings = BTreeMap::new();
    // No variables are another thing than none sent.
    if input.at("Environment")["Variables"].as_object().is_some_and(serde_json::Map::is_empty) {
        settings.insert("Environment".to_owned(), Some(json!({})));
    }
    for name in [
        "KMSKeyArn",
        "TracingConfig",
        "DeadLetterConfig",
        "VpcConfig",
        "FileSystemConfigs",
        "EphemeralStorage",
        "SnapStart",
    ] {
        if input.has(name) {
            let sent = input.at(name);
            let empty = match name {
                "KMSKeyArn" => sent == "",
                "DeadLetterConfig" => sent["TargetArn"].as_str().unwrap_or_default().is_empty(),
                "FileSystemConfigs" => sent.as_array().is_none_or(Vec::is_empty),
                "VpcConfig" => sent["SubnetIds"].as_array().is_none_or(Vec::is_empty),
                "TracingConfig" => sent["Mode"] == "PassThrough",
                "SnapStart" => sent["ApplyOn"] == "None",
                _ => sent["Size"] == 512,
            };
            settings.insert(name.to_owned(), (!empty).then(|| sent.clone()));
        }
    }
    if input.has("Layers") {
        let layers: Vec<Value> = input.texts("Layers").into_iter().map(|arn| json!({ "Arn": arn })).collect();
        settings.insert("Layers".to_owned(), (!layers.is_empty()).then(|| layers.into()));
    }
    if input.has("LoggingConfig") {
        let name = input.text_or("FunctionName", "");
        let default = json!({"LogFormat": "Text", "LogGroup": format!("/aws/lambda/{}", super::name_in(&name))});
        let mut config = default.clone();
        for (name, value) in input.at("LoggingConfig").as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        for name in ["ApplicationLogLevel", "SystemLogLevel"] {
            match (config["LogFormat"] == "JSON", config[name].is_null()) {
                (true, true) => config[name] = "INFO".into(),
                (false, false) => {
                    return Err(AwsError::new(
                        "InvalidParameterValueException",
                        format!("{name} can only be set where LogFormat is JSON."),
                    ));
                }
                _ => {}
            }
        }
        settings.insert("LoggingConfig".to_owned(), (config != default).then_some(config));
    }
    if let Some(mode) = input.at("TracingConfig")["Mode"].as_str()
        && mode != "Active"
        && mode != "PassThrough"
    {
        return Err(input.invalid("Value at 'tracingConfig.mode' failed to satisfy constraint: Member must satisfy enum value set: [Active, PassThrough]"));
    }
    Ok(settings)
}

/// A function outside a network reaches no file system.
fn check_file_systems(function: &Function, sent: &BTreeMap<String, Option<Value>>) -> Result<(), AwsError> {
    let has = |name: &str| match sent.get(name) {
        Some(value) => value.is_some(),
        None => function.settings.contains_key(name),
    };
    if has("FileSystemConfigs") && !has("VpcConfig") {
        return Err(AwsError::new(
            "InvalidParameterValueException",
            "Function must be configured to execute in a VPC to reference access point.",
        ));
    }
    Ok(())
}

fn configuration(request: &mut Request<'_>) -> Answer {
    asked(request)?;
    let input = request.input;
    if let Some(runtime) = input.text("Runtime") {
        check::runtime(runtime)?;
    }
    let environment = if input.has("Environment") { Some(check::environment(input.at("Environment"))?) } else { None };
    let timeout = input.number("Timeout").map(check::timeout).transpose()?;
    let memory = input.number("MemorySize").map(check::memory).transpose()?;
    let description = input.text("Description").map(check::description).transpose()?;
    let settings = settings(request)?;
    check_ready(request)?;
    check_file_systems(asked(request)?, &settings)?;
    let role = match input.text("Role") {
        Some(arn) => Some((arn.to_owned(), check::role(request, arn)?.id.clone())),
        None => None,
    };
    if let Some((role, _)) = &role
        && (environment.is_some() || *role != asked(request)?.role)
    {
        let known = asked(request)?.environment.clone();
        check::grant(request, role, environment.as_ref().unwrap_or(&known))?;
    }
    updated(request, |function| {
        // Naming the role that it has does not renew the grant on the environment's key (AWS re:Post, "KMS Exception
        // permission errors of my Lambda function").
        if let Some((role, id)) = role.filter(|(role, _)| *role != function.role) {
            (function.role, function.role_id) = (role, id);
        }
        let text = |name: &str, into: &mut String| {
            if let Some(text) = input.text(name) {
                text.clone_into(into);
            }
        };
        text("Runtime", &mut function.runtime);
        text("Handler", &mut function.handler);
        if environment.is_some() {
            function.settings.remove("Environment");
        }
        if environment.as_ref().is_some_and(BTreeMap::is_empty) {
            function.settings.insert("Environment".to_owned(), json!({}));
        }
        function.environment = environment.unwrap_or_else(|| std::mem::take(&mut function.environment));
        function.timeout = timeout.unwrap_or(function.timeout);
        function.memory = memory.unwrap_or(function.memory);
        function.description = description.unwrap_or_else(|| std::mem::take(&mut function.description));
        for (name, value) in settings {
            match value {
                Some(value) => function.settings.insert(name, value),
                None => function.settings.remove(&name),
            };
        }
    })
}
