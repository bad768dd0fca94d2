//! Managed policies on users and groups, and the groups themselves: what keeps a policy from being deleted. What is on
//! roles is in `role_policies`.

use serde_json::{Value, json};

use super::{conflict, exists, group_arn, limit, missing, name, path, policies, user_arn, users};
use crate::clock::to_the_second;
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, write};
use crate::world::Group;

/// The default quota of managed policies attached to a user or a group.
const MOST_ATTACHED: usize = 10;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateGroup", group_arn, create_group),
    write("DeleteGroup", group_arn, delete_group),
    write("AttachGroupPolicy", group_arn, |request| attach(request, on_group)),
    write("DetachGroupPolicy", group_arn, |request| detach(request, on_group)),
    write("AttachUserPolicy", user_arn, |request| attach(request, on_user)),
    write("DetachUserPolicy", user_arn, |request| detach(request, on_user)),
];

/// The policies of the entity that a request names.
type Attached = for<'a> fn(&'a mut Request<'_>) -> Result<&'a mut Vec<String>, AwsError>;

fn on_group<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Vec<String>, AwsError> {
    group(request).map(|group| &mut group.attached)
}

fn on_user<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Vec<String>, AwsError> {
    let name = request.input.required("UserName")?;
    users::user(request, &name)?;
    Ok(request.world.iam.user_policies.entry(name).or_default())
}

fn group<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Group, AwsError> {
    let name = request.input.required("GroupName")?;
    let group = request.world.iam.groups.get_mut(&name);
    group.ok_or_else(|| missing(format!("The group with name {name} cannot be found.")))
}

fn create_group(request: &mut Request<'_>) -> Answer {
    let (name, path) = (name(request.input, "GroupName", 128)?, path(request.input)?);
    if request.world.iam.groups.keys().any(|known| known.eq_ignore_ascii_case(&name)) {
        return Err(exists(format!("Group with name {name} already exists.")));
    }
    let group = Group { name: name.clone(), path, id: request.world.ids.iam("AGPA"), attached: Vec::new() };
    let arn = request.world.arn("iam", "", &format!("group{}{name}", group.path));
    let shown = json!({"Path": group.path, "GroupName": name, "GroupId": group.id, "Arn": arn,
        "CreateDate": to_the_second(request.now)});
    request.world.iam.groups.insert(name, group);
    Ok(json!({ "Group": shown }))
}

fn delete_group(request: &mut Request<'_>) -> Answer {
    let group = group(request)?;
    if !group.attached.is_empty() {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    let name = group.name.clone();
    request.world.iam.groups.remove(&name);
    Ok(Value::Null)
}

fn attach(request: &mut Request<'_>, attached: Attached) -> Answer {
    let arn = policies::asked_arn(request)?;
    let visible = policies::is_visible(request, &arn);
    let attached = attached(request)?;
    if !visible {
        return Err(missing(format!("Policy {arn} does not exist or is not attachable.")));
    }
    if attached.contains(&arn) {
        return Ok(Value::Null);
    }
    if attached.len() >= MOST_ATTACHED {
        return Err(limit(format!("Cannot exceed the quota of {MOST_ATTACHED} attached policies.")));
    }
    attached.push(arn);
    Ok(Value::Null)
}

fn detach(request: &mut Request<'_>, attached: Attached) -> Answer {
    let arn = policies::asked_arn(request)?;
    let attached = attached(request)?;
    if !attached.contains(&arn) {
        return Err(missing(format!("Policy {arn} was not found.")));
    }
    attached.retain(|known| *known != arn);
    Ok(Value::Null)
}
