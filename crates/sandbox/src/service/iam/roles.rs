//! IAM roles: trust, description, boundary, tags. What they may do is in `role_policies`.

use serde_json::{Value, json};

use super::{add_tags, all_roles, conflict, exists, limit, listed, missing, name, path, role_arn, tag_keys, tags};
use crate::clock::to_the_second;
use crate::document;
use crate::protocol::{Answer, AwsError, tag_list};
use crate::service::{Operation, Request, read, write};
use crate::world::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateRole", role_arn, create),
    read("GetRole", role_arn, get),
    read("ListRoles", all_roles, list),
    write("UpdateRole", role_arn, update),
    write("UpdateRoleDescription", role_arn, update_description),
    write("UpdateAssumeRolePolicy", role_arn, update_trust),
    read("ListInstanceProfilesForRole", role_arn, profiles),
    write("DeleteRole", role_arn, delete),
    write("TagRole", role_arn, tag),
    write("UntagRole", role_arn, untag),
    read("ListRoleTags", role_arn, list_tags),
    write("PutRolePermissionsBoundary", role_arn, put_boundary),
    write("DeleteRolePermissionsBoundary", role_arn, delete_boundary),
];

/// The role named in the request, as a change sees it.
pub(super) fn asked<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Role, AwsError> {
    let name = request.input.required("RoleName")?;
    let role = request.world.iam.roles.get_mut(&name);
    role.ok_or_else(|| missing(format!("The role with name {name} cannot be found.")))
}

/// The same as a read sees it, which may lag.
pub(super) fn seen(request: &mut Request<'_>) -> Result<Role, AwsError> {
    let role = asked(request)?.clone();
    if request.sees(role.created) {
        return Ok(role);
    }
    Err(missing(format!("The role with name {} cannot be found.", role.name)))
}

fn show(role: &Role, whole: bool) -> Value {
    let mut shown = json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": to_the_second(role.created),
        "AssumeRolePolicyDocument": document::encoded(&role.trust),
        "MaxSessionDuration": role.max_session,
    });
    if !role.description.is_empty() {
        shown["Description"] = role.description.clone().into();
    }
    if whole {
        shown["RoleLastUsed"] = json!({});
        if !role.tags.is_empty() {
            shown["Tags"] = tag_list(&role.tags);
        }
        if let Some(boundary) = &role.boundary {
            shown["PermissionsBoundary"] =
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary});
        }
    }
    shown
}

fn check_boundary(request: &Request<'_>, boundary: Option<&str>) -> Result<(), AwsError> {
    match boundary {
        Some(arn) if !request.world.iam.policies.contains_key(arn) => {
            Err(missing(format!("Scope ARN: {arn} does not exist or is not attachable.")))
        }
        _ => Ok(()),
    }
}

fn check_trust(request: &Request<'_>, trust: &str) -> Result<(), AwsError> {
    document::check_trust(trust)?;
    if trust.chars().filter(|c| !c.is_whitespace()).count() > 2048 {
        return Err(limit("Cannot exceed quota for ACLSizePerRole: 2048"));
    }
    // An ARN in a trust policy must be someone's (IAM user guide, "Invalid principal in policy").
    let document: Value = serde_json::from_str(trust).unwrap_or_default();
    for statement in crate::policy::one_or_many(&document["Statement"]) {
        for principal in crate::policy::one_or_many(&statement["Principal"]["AWS"]) {
            let principal = principal.as_str().unwrap_or_default();
            let own = format!(":iam::{}:role/", request.world.account);
            if principal.contains(&own) && request.world.iam.role_by_arn(principal).is_none() {
                let message = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
                return Err(AwsError::new("MalformedPolicyDocument", message));
            }
        }
    }
    Ok(())
}

fn check_description(request: &Request<'_>, description: &str) -> Result<(), AwsError> {
    if description.chars().count() > 1000 {
        return Err(request.input.invalid("1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000"));
    }
    Ok(())
}

fn create(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (name, path, tags) = (name(input, "RoleName", 64)?, path(input)?, tags(input)?);
    let trust = input.required("AssumeRolePolicyDocument")?;
    let description = input.text_or("Description", "");
    check_trust(request, &trust)?;
    check_description(request, &description)?;
    check_boundary(request, input.text("PermissionsBoundary"))?;
    if request.world.iam.roles.keys().any(|known| known.eq_ignore_ascii_case(&name)) {
        return Err(exists(format!("Role with name {name} already exists.")));
    }
    let role = request.world.add_role(&path, &name, &trust, request.now);
    role.description = description;
    role.max_session = input.number("MaxSessionDuration").unwrap_or(role.max_session);
    role.boundary = input.text("PermissionsBoundary").map(str::to_owned);
    role.tags = tags;
    let mut shown = show(role, true);
    // A creation's answer has less than a look at the role has.
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| name != "MaxSessionDuration" && name != "RoleLastUsed");
    }
    Ok(json!({ "Role": shown }))
}

fn get(request: &mut Request<'_>) -> Answer {
    Ok(json!({ "Role": show(&seen(request)?, true) }))
}

fn list(request: &mut Request<'_>) -> Answer {
    let prefix = request.input.text_or("PathPrefix", "/");
    let roles = request.world.iam.roles.values();
    let roles: Vec<&Role> = roles.filter(|role| role.path.starts_with(&prefix) && request.sees(role.created)).collect();
    Ok(listed(request, "Roles", roles, |role| role.name.clone(), |role| show(role, false)))
}

fn update(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let description = input.text_or("Description", "");
    check_description(request, &description)?;
    let role = asked(request)?;
    // Both are reset where they are not sent (IAM API reference, UpdateRole: defaults apply).
    role.description = description;
    role.max_session = input.number("MaxSessionDuration").unwrap_or(3600);
    Ok(json!({}))
}

fn update_description(request: &mut Request<'_>) -> Answer {
    let description = request.input.text_or("Description", "");
    check_description(request, &description)?;
    let role = asked(request)?;
    role.description = description;
    Ok(json!({ "Role": show(role, true) }))
}

fn update_trust(request: &mut Request<'_>) -> Answer {
    let trust = request.input.required("PolicyDocument")?;
    check_trust(request, &trust)?;
    asked(request)?.trust = trust;
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let role = asked(request)?;
    if !role.attached.is_empty() {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    if !role.inline.is_empty() {
        return Err(conflict("Cannot delete entity, must delete policies first."));
    }
    let name = role.name.clone();
    request.world.iam.roles.remove(&name);
    Ok(Value::Null)
}

fn tag(request: &mut Request<'_>) -> Answer {
    let tags = tags(request.input)?;
    add_tags(&mut asked(request)?.tags, tags)?;
    Ok(Value::Null)
}

fn untag(request: &mut Request<'_>) -> Answer {
    let keys = tag_keys(request.input);
    asked(request)?.tags.retain(|key, _| !keys.contains(key));
    Ok(Value::Null)
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    let tags: Vec<_> = seen(request)?.tags.into_iter().collect();
    let show = |(key, value): &(String, String)| json!({"Key": key, "Value": value});
    Ok(listed(request, "Tags", tags, |(key, _)| key.clone(), show))
}

/// The sandbox has no instance profiles.
fn profiles(request: &mut Request<'_>) -> Answer {
    seen(request)?;
    Ok(json!({"InstanceProfiles": [], "IsTruncated": false}))
}

fn put_boundary(request: &mut Request<'_>) -> Answer {
    let boundary = request.input.required("PermissionsBoundary")?;
    asked(request)?;
    check_boundary(request, Some(&boundary))?;
    asked(request)?.boundary = Some(boundary);
    Ok(Value::Null)
}

fn delete_boundary(request: &mut Request<'_>) -> Answer {
    asked(request)?.boundary = None;
    Ok(Value::Null)
}
