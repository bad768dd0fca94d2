//! Versions of managed policies.

use serde_json::{Value, json};

use super::policies::{asked, check_document, own, seen};
use super::{conflict, limit, listed, missing, policy_arn};
use crate::clock::to_the_second;
use crate::document;
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, read, write};
use crate::world::{Policy, PolicyVersion};

/// The quota of versions of a policy.
const MOST_VERSIONS: usize = 5;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreatePolicyVersion", policy_arn, create),
    read("GetPolicyVersion", policy_arn, get),
    read("ListPolicyVersions", policy_arn, list),
    write("SetDefaultPolicyVersion", policy_arn, set_default),
    write("DeletePolicyVersion", policy_arn, delete),
];

fn show(policy: &Policy, version: &PolicyVersion, with_document: bool) -> Value {
    let mut shown = json!({
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default_version,
        "CreateDate": to_the_second(version.created),
    });
    if with_document {
        shown["Document"] = document::encoded(&version.document).into();
    }
    shown
}

fn version<'a>(policy: &'a Policy, id: &str) -> Result<&'a PolicyVersion, AwsError> {
    let version = policy.versions.iter().find(|version| version.id == id);
    version.ok_or_else(|| missing(format!("Policy {} version {id} does not exist or is not attachable.", policy.arn)))
}

fn create(request: &mut Request<'_>) -> Answer {
    let (document, default) = (request.input.required("PolicyDocument")?, request.input.flag("SetAsDefault"));
    check_document(&document)?;
    let now = request.now;
    let policy = asked(request)?;
    own(policy)?;
    if policy.versions.len() >= MOST_VERSIONS {
        return Err(limit(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
             version.",
        ));
    }
    let version = PolicyVersion { id: format!("v{}", policy.next_version), document, created: now };
    policy.next_version += 1;
    policy.updated = now;
    if default {
        policy.default_version = version.id.clone();
    }
    let shown = show(policy, &version, false);
    policy.versions.push(version);
    Ok(json!({ "PolicyVersion": shown }))
}

fn get(request: &mut Request<'_>) -> Answer {
    let id = request.input.required("VersionId")?;
    let policy = seen(request)?;
    Ok(json!({ "PolicyVersion": show(&policy, version(&policy, &id)?, true) }))
}

fn list(request: &mut Request<'_>) -> Answer {
    let policy = seen(request)?;
    // Newest first, as AWS lists them.
    let versions: Vec<(usize, &PolicyVersion)> = policy.versions.iter().rev().enumerate().collect();
    let show = |(_, version): &(usize, &PolicyVersion)| show(&policy, version, false);
    Ok(listed(request, "Versions", versions, |(index, _)| format!("{index:04}"), show))
}

fn set_default(request: &mut Request<'_>) -> Answer {
    let id = request.input.required("VersionId")?;
    let now = request.now;
    let policy = asked(request)?;
    own(policy)?;
    version(policy, &id)?;
    (policy.default_version, policy.updated) = (id, now);
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let id = request.input.required("VersionId")?;
    let policy = asked(request)?;
    own(policy)?;
    version(policy, &id)?;
    if policy.default_version == id {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    policy.versions.retain(|version| version.id != id);
    Ok(Value::Null)
}
