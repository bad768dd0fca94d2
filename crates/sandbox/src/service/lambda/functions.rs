//! Functions: made, read, listed, deleted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{asked, check, conflict, function_arn, name_in, seen, show, update};
use crate::clock::later;
use crate::names::sha256_base64;
use crate::protocol::{Answer, page};
use crate::service::{Operation, Request, read, write};
use crate::world::{Function, Plant};

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateFunction", function_arn, create).status(201),
    read("GetFunction", function_arn, get),
    read("GetFunctionConfiguration", function_arn, configuration),
    read("ListFunctions", crate::service::anything, list),
    write("DeleteFunction", function_arn, delete).status(204),
];

fn create(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let name = name_in(&input.required("FunctionName")?).to_owned();
    check::name(&name)?;
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
    Ok(show::configuration(function, now))
}

fn get(request: &mut Request<'_>) -> Answer {
    let function = seen(request)?;
    let path = format!("{}/{}.zip", request.region, function.name);
    let signature = request.world.ids.sign(&path);
    let location = format!("{}/packages/{path}?X-Amz-Signature={signature}", request.endpoint);
    let mut shown = json!({
        "Configuration": show::configuration(&function, request.now),
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
    Ok(show::configuration(&function, request.now))
}

fn list(request: &mut Request<'_>) -> Answer {
    let functions: Vec<Function> = request.here().functions.values().cloned().collect();
    let most = usize::try_from(request.input.number("MaxItems").unwrap_or(50)).unwrap_or(50);
    let marker = request.input.text("Marker");
    let (functions, next) = page(functions, |function| function.name.clone(), marker, most.clamp(1, 50));
    let shown: Value = functions.iter().map(|function| show::configuration(function, request.now)).collect();
    Ok(json!({"Functions": shown, "NextMarker": next}))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = asked(request)?.name.clone();
    request.here().functions.remove(&name);
    Ok(Value::Null)
}

/// Puts other code into a function.
pub(super) fn replace_code(function: &mut Function, code: Vec<u8>) {
    function.code_sha256 = sha256_base64(&code);
    function.code = Arc::new(code);
}
