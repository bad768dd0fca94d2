//! `Invoke` up to the point where the function runs; running it is `execution`'s business.

use serde_json::{Value, json};

use super::{asked, conflict, function_arn};
use crate::execution::{Invocation, Order};
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, write};
use crate::world::{Function, World};

/// Bytes of a synchronous payload, and of an asynchronous one.
const LARGEST: (usize, usize) = (6 * 1024 * 1024, 1024 * 1024);

pub(super) const OPERATIONS: &[Operation] = &[write("Invoke", function_arn, invoke).action("lambda:InvokeFunction")];

/// Why a function cannot run now.
pub(crate) fn obstacle(world: &World, function: &Function) -> Option<AwsError> {
    let Some(role) = world.iam.role_by_arn(&function.role) else {
        return Some(
            AwsError::new("AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.")
                .status(403),
        );
    };
    // The grant on the key was made out to the role's id, which is another one now (Lambda developer guide,
    // "Troubleshoot invocation issues").
    if role.id != function.role_id && !function.environment.is_empty() {
        return Some(AwsError::new(
            "KMSAccessDeniedException",
            "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the \
             function's KMS key settings. KMS Exception: AccessDeniedException KMS Message: The ciphertext refers to a \
             customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
        ).status(502));
    }
    None
}

fn invoke(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let header = |name: &str| input.headers.get(name).map_or("", String::as_str);
    let payload = input.payload.clone();
    let now = request.now;
    let function = asked(request)?.clone();
    if function.state(now) != "Active" {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {}",
            function.state(now)
        )));
    }
    if !payload.is_empty() && serde_json::from_slice::<Value>(&payload).is_err() {
        let message = "Could not parse request body into json: Could not parse payload into json";
        return Err(AwsError::new("InvalidRequestContentException", message));
    }
    let kind = header("x-amz-invocation-type");
    let most = if kind == "Event" { LARGEST.1 } else { LARGEST.0 };
    if payload.len() > most {
        let message =
            format!("{} byte payload is too large for the {kind} invocation type (limit {most} bytes)", payload.len());
        return Err(AwsError::new("RequestTooLargeException", message).status(413));
    }
    if kind == "DryRun" {
        return Ok(json!({ "$status": 204 }));
    }
    let payload = if payload.is_empty() { b"{}".to_vec() } else { payload };
    if kind == "Event" {
        let id = request.world.ids.uuid();
        request.effects.invocations.push(Invocation::new(request.region, &function.name, payload, id, now));
        return Ok(json!({ "$status": 202 }));
    }
    if let Some(error) = obstacle(request.world, &function) {
        return Err(error);
    }
    let id = request.world.ids.uuid();
    request.effects.order = Some(Order {
        region: request.region.to_owned(),
        function: function.name,
        payload,
        id,
        tail: header("x-amz-log-type") == "Tail",
    });
    Ok(Value::Null)
}
