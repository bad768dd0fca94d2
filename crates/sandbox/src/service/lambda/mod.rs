//! Lambda: which path is which operation, and the lookups and errors that operations share.

mod check;
mod functions;
pub(crate) mod invoke;
mod naming;
mod permissions;
mod settings;
mod show;
mod update;

use axum::body::Body;
use axum::http::{Method, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Operation, Request, Site};
use crate::protocol::{AwsError, query, render};
use crate::world::{Function, World};

pub(crate) use check::LARGEST_UNPACKED;
pub(crate) use permissions::permits;

pub(crate) const OPERATIONS: &[&[Operation]] =
    &[functions::OPERATIONS, update::OPERATIONS, invoke::OPERATIONS, permissions::OPERATIONS, settings::OPERATIONS];

/// The operation that a method and a path are, its parameters, and the body where that is not parameters.
pub(crate) fn route(
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<(String, Value, Vec<u8>), serde_json::Error> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let fields = query::fields(query);
    let mut value = json!({});
    for (name, text) in &fields {
        if name == "tagKeys" {
            match value["TagKeys"].as_array_mut() {
                Some(keys) => keys.push(text.clone().into()),
                None => value["TagKeys"] = json!([text]),
            }
        } else {
            value[name] = text.clone().into();
        }
    }
    let (name, parameters): (&str, &[(&str, &str)]) = match (method.as_str(), &parts[..]) {
        ("POST", [_, "functions"]) => ("CreateFunction", &[]),
        ("GET", [_, "functions"]) => ("ListFunctions", &[]),
        ("GET", [_, "functions", name]) => ("GetFunction", &[("FunctionName", name)]),
        ("DELETE", [_, "functions", name]) => ("DeleteFunction", &[("FunctionName", name)]),
        ("GET", [_, "functions", name, "configuration"]) => ("GetFunctionConfiguration", &[("FunctionName", name)]),
        ("PUT", [_, "functions", name, "configuration"]) => ("UpdateFunctionConfiguration", &[("FunctionName", name)]),
        ("PUT", [_, "functions", name, "code"]) => ("UpdateFunctionCode", &[("FunctionName", name)]),
        ("POST", [_, "functions", name, "invocations"]) => {
            let value = with(value, &[("FunctionName", name)]);
            return Ok(("Invoke".into(), value, body.to_vec()));
        }
        ("GET", [_, "functions", name, "versions"]) => ("ListVersionsByFunction", &[("FunctionName", name)]),
        ("GET", [_, "functions", name, "code-signing-config"]) => {
            ("GetFunctionCodeSigningConfig", &[("FunctionName", name)])
        }
        ("POST", [_, "functions", name, "policy"]) => ("AddPermission", &[("FunctionName", name)]),
        ("GET", [_, "functions", name, "policy"]) => ("GetPolicy", &[("FunctionName", name)]),
        ("DELETE", [_, "functions", name, "policy", sid]) => {
            ("RemovePermission", &[("FunctionName", name), ("StatementId", sid)])
        }
        ("PUT", [_, "functions", name, "concurrency"]) => ("PutFunctionConcurrency", &[("FunctionName", name)]),
        ("DELETE", [_, "functions", name, "concurrency"]) => ("DeleteFunctionConcurrency", &[("FunctionName", name)]),
        ("GET", [_, "functions", name, "concurrency"]) => ("GetFunctionConcurrency", &[("FunctionName", name)]),
        ("PUT", [_, "functions", name, "event-invoke-config"]) => {
            ("PutFunctionEventInvokeConfig", &[("FunctionName", name)])
        }
        ("POST", [_, "functions", name, "event-invoke-config"]) => {
            ("UpdateFunctionEventInvokeConfig", &[("FunctionName", name)])
        }
        ("GET", [_, "functions", name, "event-invoke-config"]) => {
            ("GetFunctionEventInvokeConfig", &[("FunctionName", name)])
        }
        ("DELETE", [_, "functions", name, "event-invoke-config"]) => {
            ("DeleteFunctionEventInvokeConfig", &[("FunctionName", name)])
        }
        ("POST", [_, "tags", arn]) => ("TagResource", &[("Resource", arn)]),
        ("DELETE", [_, "tags", arn]) => ("UntagResource", &[("Resource", arn)]),
        ("GET", [_, "tags", arn]) => ("ListTags", &[("Resource", arn)]),
        (method, _) => return Ok((format!("{method} {path}"), value, Vec::new())),
    };
    if !body.is_empty() {
        let sent: Value = serde_json::from_slice(body)?;
        for (name, sent) in sent.as_object().into_iter().flatten() {
            value[name] = sent.clone();
        }
    }
    Ok((name.into(), with(value, parameters), Vec::new()))
}

fn with(mut value: Value, parameters: &[(&str, &str)]) -> Value {
    for (name, text) in parameters {
        value[*name] = (*text).into();
    }
    value
}

/// The name in what may be a name, an ARN, or part of one.
fn name_in(text: &str) -> &str {
    let text = text.rsplit_once("function:").map_or(text, |(_, name)| name);
    text.split(':').next().unwrap_or(text)
}

fn function_arn(site: &Site<'_>) -> Vec<String> {
    let name = site.input.text("FunctionName").or(site.input.text("Resource")).map_or("", name_in);
    vec![site.arn("lambda", &format!("function:{name}"))]
}

fn missing(request: &Request<'_>, resource: &str) -> AwsError {
    let arn = request.arn("lambda", resource);
    AwsError::new("ResourceNotFoundException", format!("Function not found: {arn}")).status(404)
}

/// What Lambda does and the sandbox does not.
fn not_done(what: &str) -> AwsError {
    AwsError::new("NotImplemented", format!("The sandbox does not do {what}.")).status(501)
}

fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new("ResourceConflictException", message).status(409)
}

/// The function that the request names, as a change sees it.
fn asked<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Function, AwsError> {
    let named = naming::named(request)?;
    let error = missing(request, &named.resource(request.operation));
    request.here().functions.get_mut(&named.name).filter(|_| named.is_latest()).ok_or(error)
}

/// The same as a read sees it, which may lag.
fn seen(request: &mut Request<'_>) -> Result<Function, AwsError> {
    let function = asked(request)?.clone();
    // A function's creation is when it began to be Pending: it changes no more than `active_at` says.
    let created = function.active_at - request.options.function_pending;
    if request.sees(created) { Ok(function) } else { Err(missing(request, &format!("function:{}", function.name))) }
}

/// What `GetFunction` links to: `REGION/NAME.zip`, with a signature that only that link has.
pub(crate) fn package(world: &mut World, path: &str, signature: &str) -> Response<Body> {
    if !world.ids.is_signature(path, signature) {
        return render::response(403, "text/plain", "The link is not valid.");
    }
    let found = path.split_once('/').and_then(|(region, name)| {
        world.region(region).functions.get(name.trim_end_matches(".zip")).map(|function| function.code.to_vec())
    });
    match found {
        Some(code) => render::response(200, "application/zip", code),
        None => render::response(404, "text/plain", "There is no such function."),
    }
}
