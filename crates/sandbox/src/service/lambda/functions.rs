//! Functions: made, read, listed, deleted.

use serde_json::{Value, json};

use super::{asked, check, conflict, function_arn, naming, not_done, seen, show, update};
use crate::clock::later;
use crate::protocol::{Answer, AwsError, page};
use crate::service::{Operation, Request, read, write};
use crate::world::{Function, Plant};

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateFunction", function_arn, create).status(201),
    read("GetFunction", function_arn, get),
    read("GetFunctionConfiguration", function_arn, configuration),
    read("ListFunctions", crate::service::anything, list),
    read("ListVersionsByFunction", function_arn, versions),
    read("GetFunctionCodeSigningConfig", function_arn, code_signing),
    write("DeleteFunction", function_arn, delete).status(204),
];

fn create(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    input.required("FunctionName")?;
    let name = naming::named(request)?.name;
    check::name(&name)?;
    if input.flag("Publish") {
        return Err(not_done("versions of functions (Publish)"));
    }
    if input.text("PackageType").is_some_and(|kind| kind != "Zip") {
        return Err(input.invalid("The sandbox runs functions of package type Zip only."));
    }
    let (runtime, handler) = (input.required("Runtime")?, input.required("Handler")?);
    check::runtime(&runtime)?;
    let code = check::package(input.at("Code")["ZipFile"].as_str())?;
    let environment = check::environment(input.at("Environment"))?;
    let architecture = check::architecture(&input.texts("Architectures"))?;
    let (timeout, memory) = (
        check::timeout(input.number("Timeout").unwrap_or(3))?,
        check::memory(input.number("MemorySize").unwrap_or(128))?,
    );
    let description = check::description(&input.text_or("Description", ""))?;
    let settings = update::settings(request)?;
    let role = input.required("Role")?;
    if request.here().functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    check::role(request, &role)?;
    check::grant(request, &role, &environment)?;
    let plant = Plant {
        region: request.region.to_owned(),
        name,
        runtime,
        handler,
        role,
        environment,
        tags: input.tags("Tags"),
        code,
    };
    let (now, active_at) = (request.now, later(request.now, request.options.function_pending));
    let function = request.world.plant_function(plant, now);
    function.settings = settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    (function.timeout, function.memory) = (timeout, memory);
    (function.description, function.architecture) = (description, architecture);
    (function.active_at, function.updated_at) = (active_at, active_at);
    let mut shown = show::configuration(function, now);
    // Only the answer to a creation leaves this out.
    if let Some(fields) = shown.as_object_mut().filter(|_| function.state(now) == "Pending") {
        fields.retain(|name, _| !name.starts_with("LastUpdateStatus"));
    }
    Ok(shown)
}

fn get(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    let path = format!("{}/{}.zip", request.region, function.name);
    let signature = request.world.ids.sign(&path);
    let location = format!("{}/packages/{path}?X-Amz-Signature={signature}", request.endpoint);
    let mut shown = json!({
        "Configuration": qualified(request, &function)?,
        "Code": {"RepositoryType": "S3", "Location": location},
    });
    if !function.tags.is_empty() {
        shown["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.concurrency {
        shown["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(shown)
}

fn configuration(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    qualified(request, &function)
}

/// The configuration, under the ARN that was asked for.
fn qualified(request: &Request<'_>, function: &Function) -> Answer {
    let mut shown = show::configuration(function, request.now);
    if let Some(qualifier) = naming::named(request)?.qualifier {
        shown["FunctionArn"] = format!("{}:{qualifier}", function.arn).into();
    }
    Ok(shown)
}

fn list(request: &mut Request<'_>) -> Answer {
    let functions: Vec<Function> = request.here().functions.values().cloned().collect();
    let most = usize::try_from(request.input.number("MaxItems").unwrap_or(50)).unwrap_or(50);
    let marker = request.input.text("Marker");
    let (functions, next) = page(functions, |function| function.name.clone(), marker, most.clamp(1, 50));
    let shown: Value = functions.iter().map(|function| show::listed(function, request.now)).collect();
    Ok(json!({"Functions": shown, "NextMarker": next}))
}

/// The sandbox has no versions but the current one.
fn versions(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    let mut shown = show::listed(&function, request.now);
    shown["FunctionArn"] = format!("{}:$LATEST", function.arn).into();
    Ok(json!({ "Versions": [shown] }))
}

fn code_signing(request: &mut Request<'_>) -> Answer {
    Ok(json!({ "FunctionName": seen(request)?.name }))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let named = naming::named(request)?;
    let refused = |message: &str| Err(AwsError::new("InvalidParameterValueException", message));
    match named.qualifier.as_deref() {
        Some("$LATEST") => return refused("$LATEST version cannot be deleted without deleting the function."),
        Some(alias) if alias.bytes().any(|byte| !byte.is_ascii_digit()) => {
            return refused("Deletion of aliases is not currently supported.");
        }
        _ => {}
    }
    let name = asked(request)?.name.clone();
    request.here().functions.remove(&name);
    Ok(Value::Null)
}
