//! What roles may do: inline policies and attachments.

use serde_json::{Value, json};

use super::policies;
use super::roles::{asked, seen};
use super::{limit, listed, missing, name, role_arn};
use crate::document;
use crate::protocol::Answer;
use crate::service::{Operation, Request, read, write};

/// The default quota of managed policies attached to a role.
const MOST_ATTACHED: usize = 10;

pub(super) const OPERATIONS: &[Operation] = &[
    write("PutRolePolicy", role_arn, put),
    read("GetRolePolicy", role_arn, get),
    read("ListRolePolicies", role_arn, list),
    write("DeleteRolePolicy", role_arn, delete),
    write("AttachRolePolicy", role_arn, attach),
    write("DetachRolePolicy", role_arn, detach),
    read("ListAttachedRolePolicies", role_arn, list_attached),
];

fn put(request: &mut Request<'_>) -> Answer {
    let (name, policy) = (name(request.input, "PolicyName", 128)?, request.input.required("PolicyDocument")?);
    asked(request)?;
    document::check_permissions(&policy)?;
    asked(request)?.inline.insert(name, policy);
    Ok(Value::Null)
}

fn get(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("PolicyName")?;
    let role = seen(request)?;
    let Some(policy) = role.inline.get(&name) else {
        return Err(missing(format!("The role policy with name {name} cannot be found.")));
    };
    Ok(json!({"RoleName": role.name, "PolicyName": name, "PolicyDocument": document::encoded(policy)}))
}

fn list(request: &mut Request<'_>) -> Answer {
    let names: Vec<String> = seen(request)?.inline.into_keys().collect();
    Ok(listed(request, "PolicyNames", names, String::clone, |name| name.as_str().into()))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("PolicyName")?;
    match asked(request)?.inline.remove(&name) {
        Some(_) => Ok(Value::Null),
        None => Err(missing(format!("The role policy with name {name} cannot be found."))),
    }
}

fn attach(request: &mut Request<'_>) -> Answer {
    let arn = policies::asked_arn(request)?;
    asked(request)?;
    if !policies::is_visible(request, &arn) {
        return Err(missing(format!("Policy {arn} does not exist or is not attachable.")));
    }
    let attached = &mut asked(request)?.attached;
    if attached.contains(&arn) {
        return Ok(Value::Null);
    }
    if attached.len() >= MOST_ATTACHED {
        return Err(limit(format!("Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}")));
    }
    attached.push(arn);
    Ok(Value::Null)
}

fn detach(request: &mut Request<'_>) -> Answer {
    let arn = policies::asked_arn(request)?;
    let attached = &mut asked(request)?.attached;
    if !attached.contains(&arn) {
        return Err(missing(format!("Policy {arn} was not found.")));
    }
    attached.retain(|known| *known != arn);
    Ok(Value::Null)
}

fn list_attached(request: &mut Request<'_>) -> Answer {
    let prefix = request.input.text_or("PathPrefix", "/");
    let mut attached = seen(request)?.attached;
    attached.sort();
    attached.retain(|arn| request.world.iam.policies.get(arn).is_none_or(|policy| policy.path.starts_with(&prefix)));
    let show = |arn: &String| {
        let name = arn.rsplit('/').next().unwrap_or_default();
        json!({"PolicyName": name, "PolicyArn": arn})
    };
    Ok(listed(request, "AttachedPolicies", attached, String::clone, show))
}
