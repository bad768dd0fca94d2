//! What Lambda accepts as a function's settings and package. Knows no world but roles.

use std::collections::BTreeMap;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::document;
use crate::protocol::AwsError;
use crate::service::{Request, passing};
use crate::world::Role;

/// Runtimes that functions may be created on and moved to, in the order in which Lambda lists them.
const RUNTIMES: [&str; 25] = [
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
];

/// Runtimes that once were.
const BLOCKED: [&str; 20] = [
    "java8",
    "ruby2.7",
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "python2.7",
    "python3.6",
    "python3.7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "provided",
    "ruby2.5",
];

/// Variables that Lambda sets itself (Lambda developer guide, "Defined runtime environment variables").
const RESERVED: [&str; 15] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
];

/// The most that a package may take unpacked, in bytes (Lambda developer guide, "Lambda quotas").
pub(crate) const LARGEST_UNPACKED: u64 = 250 * 1024 * 1024;

/// The most that environment variables may take, in bytes of their JSON.
const LARGEST_ENVIRONMENT: usize = 4096;

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValueException", message)
}

fn out_of_bounds(message: String) -> AwsError {
    AwsError::new("ValidationException", format!("1 validation error detected: {message}"))
}

/// The name of a function to be: shorter than what may name one.
pub(super) fn name(name: &str) -> Result<(), AwsError> {
    if name.len() <= 64 {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must have \
         length less than or equal to 64"
    )))
}

pub(super) fn runtime(runtime: &str) -> Result<(), AwsError> {
    if RUNTIMES.contains(&runtime) {
        return Ok(());
    }
    if BLOCKED.contains(&runtime) {
        return Err(invalid(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. \
             We recommend you use a supported runtime while creating or updating functions."
        )));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
        RUNTIMES.join(", ")
    )))
}

pub(super) fn timeout(seconds: u64) -> Result<u64, AwsError> {
    if (1..=900).contains(&seconds) {
        return Ok(seconds);
    }
    Err(out_of_bounds(format!(
        "Value '{seconds}' at 'timeout' failed to satisfy constraint: Member must have value between 1 and 900"
    )))
}

pub(super) fn memory(megabytes: u64) -> Result<u64, AwsError> {
    if (128..=10_240).contains(&megabytes) {
        return Ok(megabytes);
    }
    Err(invalid(format!(
        "'MemorySize' value {megabytes} failed to satisfy constraint: Member must have value between 128 and 10240"
    )))
}

pub(super) fn description(text: &str) -> Result<String, AwsError> {
    if text.chars().count() <= 256 {
        return Ok(text.to_owned());
    }
    Err(out_of_bounds(
        "Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256".into(),
    ))
}

/// One architecture, `x86_64` where none is sent.
pub(super) fn architecture(sent: &[String]) -> Result<String, AwsError> {
    match sent {
        [] => Ok("x86_64".into()),
        [one] if one == "x86_64" || one == "arm64" => Ok(one.clone()),
        [one] => Err(out_of_bounds(format!(
            "Value '[{one}]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
        ))),
        more => Err(out_of_bounds(format!(
            "Value '[{}]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1",
            more.join(", ")
        ))),
    }
}

pub(super) fn environment(sent: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let variables = crate::protocol::map(&sent["Variables"]);
    let reserved: Vec<&str> = variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    for name in variables.keys() {
        let fits = name.len() >= 2
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            return Err(out_of_bounds("Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]".into()));
        }
    }
    let measured = serde_json::json!(variables).to_string();
    if measured.len() > LARGEST_ENVIRONMENT {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(variables)
}

/// The role, if Lambda can assume it by now.
pub(super) fn role<'a>(request: &'a Request<'_>, arn: &str) -> Result<&'a Role, AwsError> {
    let looks_right = arn.split(':').nth(2) == Some("iam") && arn.contains(":role/");
    if !looks_right {
        return Err(out_of_bounds(format!(
            "Value '{arn}' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{{12}}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"
        )));
    }
    let role = request.world.iam.role_by_arn(arn);
    let role = role.filter(|role| request.is_past(role.created, request.options.role_delay));
    role.filter(|role| document::trusts_lambda(&role.trust))
        .ok_or_else(|| invalid("The role defined for the function cannot be assumed by Lambda."))
}

/// Whether Lambda can have a grant made to the role, for the key that encrypts the variables.
pub(super) fn grant(request: &Request<'_>, arn: &str, environment: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let role = request.world.iam.role_by_arn(arn);
    let known = role.is_none_or(|role| request.is_past(role.created, request.options.grant_delay));
    if environment.is_empty() || known { Ok(()) } else { Err(passing::grant(Some(arn))) }
}

/// The deployment package from `ZipFile`.
pub(super) fn package(sent: Option<&str>) -> Result<Vec<u8>, AwsError> {
    let Some(sent) = sent.filter(|sent| !sent.is_empty()) else {
        return Err(invalid("Please provide a source for function code. The sandbox takes ZipFile only."));
    };
    let unreadable = || invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
    let bytes = STANDARD.decode(sent).map_err(|_| unreadable())?;
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).map_err(|_| unreadable())?;
    if archive.is_empty() {
        return Err(invalid("Uploaded file must be a non-empty zip"));
    }
    let mut unpacked = 0_u64;
    for index in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_raw(index).map_err(|_| unreadable())?.size());
    }
    if unpacked > LARGEST_UNPACKED {
        return Err(invalid(format!("Unzipped size must be smaller than {LARGEST_UNPACKED} bytes")));
    }
    Ok(bytes)
}
