//! STS: who am I. Knows no other way to be someone.

use serde_json::json;

use super::{Operation, Request, anything, read};
use crate::calls::Caller;
use crate::protocol::Answer;

pub(crate) const OPERATIONS: &[Operation] = &[read("GetCallerIdentity", anything, get_caller_identity)];

/// The unique id of the user that ordinary credentials belong to.
pub(crate) const DEPLOYER_ID: &str = "AIDASANDBOXDEPLOYER00";

fn get_caller_identity(request: &mut Request<'_>) -> Answer {
    let id = match request.caller {
        Caller::Deployer(_) => DEPLOYER_ID.to_owned(),
        Caller::Function { role, arn } => {
            let session = arn.rsplit('/').next().unwrap_or_default();
            let role = request.world.iam.roles.get(role).map_or("", |role| &role.id);
            format!("{role}:{session}")
        }
    };
    Ok(json!({"Arn": request.caller.arn(), "UserId": id, "Account": request.world.account}))
}
