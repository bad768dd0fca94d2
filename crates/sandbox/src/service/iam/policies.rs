//! Managed policies and their tags. Their versions are in `versions`.

use serde_json::{Value, json};

use super::{add_tags, all_policies, conflict, exists, limit, listed, missing, name, path, policy_arn, tag_keys, tags};
use crate::clock::to_the_second;
use crate::document;
use crate::protocol::{Answer, AwsError, tag_list};
use crate::service::{Operation, Request, read, write};
use crate::world::{Policy, PolicyVersion};

/// The quota of characters in a managed policy, white space not counted.
const LONGEST: usize = 6144;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreatePolicy", policy_arn, create),
    read("GetPolicy", policy_arn, get),
    read("ListPolicies", all_policies, list),
    write("DeletePolicy", policy_arn, delete),
    write("TagPolicy", policy_arn, tag),
    write("UntagPolicy", policy_arn, untag),
    read("ListPolicyTags", policy_arn, list_tags),
    read("ListEntitiesForPolicy", policy_arn, entities),
];

fn not_found(arn: &str) -> AwsError {
    missing(format!("Policy {arn} was not found."))
}

/// Whether a policy of that ARN can be read and attached already.
pub(super) fn is_visible(request: &Request<'_>, arn: &str) -> bool {
    let policy = request.world.iam.policies.get(arn);
    policy.is_some_and(|policy| request.is_past(policy.created, request.options.policy_visible_delay))
}

/// The ARN of a policy in the request.
pub(super) fn asked_arn(request: &Request<'_>) -> Result<String, AwsError> {
    let arn = request.input.required("PolicyArn")?;
    let partition = arn.split(':').nth(1).unwrap_or_default();
    if !arn.starts_with("arn:") || arn.split(':').count() < 6 {
        return Err(request.input.invalid("Invalid ARN:  Could not be parsed!"));
    }
    if partition != request.world.partition {
        return Err(request.input.invalid(format!("ARN {arn} is not valid.")));
    }
    Ok(arn)
}

/// The policy named in the request, as a change sees it.
pub(super) fn asked<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Policy, AwsError> {
    let arn = asked_arn(request)?;
    if !is_visible(request, &arn) {
        return Err(not_found(&arn));
    }
    request.world.iam.policies.get_mut(&arn).ok_or_else(|| not_found(&arn))
}

/// The same as a read sees it, which may lag.
pub(super) fn seen(request: &mut Request<'_>) -> Result<Policy, AwsError> {
    let policy = asked(request)?.clone();
    if request.sees(policy.created) { Ok(policy) } else { Err(not_found(&policy.arn)) }
}

/// Refuses to change what is AWS's.
pub(super) fn own(policy: &Policy) -> Result<(), AwsError> {
    if policy.is_aws_managed() {
        return Err(AwsError::new("AccessDenied", "You cannot change an AWS managed policy.").status(403));
    }
    Ok(())
}

pub(super) fn check_document(policy: &str) -> Result<(), AwsError> {
    document::check_permissions(policy)?;
    if policy.chars().filter(|c| !c.is_whitespace()).count() > LONGEST {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {LONGEST}")));
    }
    Ok(())
}

fn attachments(request: &Request<'_>, arn: &str) -> usize {
    let iam = &request.world.iam;
    let roles = iam.roles.values().map(|role| &role.attached);
    let groups = iam.groups.values().map(|group| &group.attached);
    roles.chain(groups).chain(iam.user_policies.values()).filter(|attached| attached.iter().any(|a| a == arn)).count()
}

fn show(request: &Request<'_>, policy: &Policy, whole: bool) -> Value {
    let boundaries = request.world.iam.roles.values().filter(|role| role.boundary.as_ref() == Some(&policy.arn));
    let mut shown = json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version,
        "AttachmentCount": attachments(request, &policy.arn),
        "PermissionsBoundaryUsageCount": boundaries.count(),
        "IsAttachable": true,
        "CreateDate": to_the_second(policy.created),
        "UpdateDate": to_the_second(policy.updated),
    });
    if whole {
        if !policy.description.is_empty() {
            shown["Description"] = policy.description.clone().into();
        }
        if !policy.tags.is_empty() {
            shown["Tags"] = tag_list(&policy.tags);
        }
    }
    shown
}

fn create(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (name, path, tags) = (name(input, "PolicyName", 128)?, path(input)?, tags(input)?);
    let policy = input.required("PolicyDocument")?;
    check_document(&policy)?;
    let own = request.world.iam.policies.values().filter(|policy| !policy.is_aws_managed());
    if own.clone().any(|known| known.name.eq_ignore_ascii_case(&name)) {
        return Err(exists(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
    }
    let version = PolicyVersion { id: "v1".into(), document: policy, created: request.now };
    let policy = Policy {
        arn: request.world.arn("iam", "", &format!("policy{path}{name}")),
        id: request.world.ids.iam("ANPA"),
        name,
        path,
        description: input.text_or("Description", ""),
        tags,
        created: request.now,
        updated: request.now,
        versions: vec![version],
        default_version: "v1".into(),
        next_version: 2,
    };
    let shown = show(request, &policy, true);
    request.world.iam.policies.insert(policy.arn.clone(), policy);
    Ok(json!({ "Policy": shown }))
}

fn get(request: &mut Request<'_>) -> Answer {
    let policy = seen(request)?;
    Ok(json!({ "Policy": show(request, &policy, true) }))
}

fn list(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (prefix, scope) = (input.text_or("PathPrefix", "/"), input.text_or("Scope", "All"));
    let only_attached = input.flag("OnlyAttached");
    let policies: Vec<&Policy> = request
        .world
        .iam
        .policies
        .values()
        .filter(|policy| policy.path.starts_with(&prefix) && request.sees(policy.created))
        .filter(|policy| match scope.as_str() {
            "AWS" => policy.is_aws_managed(),
            "Local" => !policy.is_aws_managed(),
            _ => true,
        })
        .filter(|policy| !only_attached || attachments(request, &policy.arn) > 0)
        .collect();
    let show = |policy: &&Policy| show(request, policy, false);
    Ok(listed(request, "Policies", policies, |policy| policy.arn.clone(), show))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let policy = asked(request)?;
    own(policy)?;
    let (arn, versions) = (policy.arn.clone(), policy.versions.len());
    let bounds = request.world.iam.roles.values().any(|role| role.boundary.as_ref() == Some(&arn));
    if attachments(request, &arn) > 0 || bounds {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    if versions > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's \
             versions. The default version is deleted with the policy.",
        ));
    }
    request.world.iam.policies.remove(&arn);
    Ok(Value::Null)
}

fn tag(request: &mut Request<'_>) -> Answer {
    let tags = tags(request.input)?;
    let policy = asked(request)?;
    own(policy)?;
    add_tags(&mut policy.tags, tags)?;
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

fn entities(request: &mut Request<'_>) -> Answer {
    let arn = seen(request)?.arn;
    // Without a filter, every use counts.
    let usage = request.input.text("PolicyUsageFilter");
    let (permissions, boundaries) = (usage != Some("PermissionsBoundary"), usage != Some("PermissionsPolicy"));
    let iam = &request.world.iam;
    let uses = |attached: &Vec<String>| permissions && attached.contains(&arn);
    let roles = iam.roles.values();
    let roles: Vec<_> =
        roles.filter(|role| uses(&role.attached) || boundaries && role.boundary.as_ref() == Some(&arn)).collect();
    let users = iam.users.values().filter(|user| iam.user_policies.get(&user.name).is_some_and(uses));
    let users = users.map(|user| json!({"UserName": user.name, "UserId": user.id}));
    let groups = iam.groups.values().filter(|group| uses(&group.attached));
    let groups = groups.map(|group| json!({"GroupName": group.name, "GroupId": group.id}));
    let (users, groups) = (users.collect(), groups.collect());
    let show = |role: &&crate::world::Role| json!({"RoleName": role.name, "RoleId": role.id});
    let mut result = listed(request, "PolicyRoles", roles, |role| role.name.clone(), show);
    result["PolicyUsers"] = users;
    result["PolicyGroups"] = groups;
    Ok(result)
}
