//! IAM: users, access keys, roles and policies. Owns the errors and checks they share.

mod account;
mod attachments;
mod keys;
mod policies;
mod role_policies;
mod roles;
mod users;
mod versions;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Operation, Request, Site};
use crate::names::is_name;
use crate::protocol::{AwsError, Input, page};
use crate::world::Tags;

pub(crate) const OPERATIONS: &[&[Operation]] = &[
    users::OPERATIONS,
    keys::OPERATIONS,
    account::OPERATIONS,
    attachments::OPERATIONS,
    roles::OPERATIONS,
    role_policies::OPERATIONS,
    policies::OPERATIONS,
    versions::OPERATIONS,
];

/// The quota of tags on an object.
const MOST_TAGS: usize = 50;

fn missing(message: impl Into<String>) -> AwsError {
    AwsError::new("NoSuchEntity", message).status(404)
}

fn exists(message: impl Into<String>) -> AwsError {
    AwsError::new("EntityAlreadyExists", message).status(409)
}

fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new("DeleteConflict", message).status(409)
}

fn limit(message: impl Into<String>) -> AwsError {
    AwsError::new("LimitExceeded", message).status(409)
}

/// A name of IAM's: letters, digits and `_+=,.@-`.
fn name(input: &Input, parameter: &str, most: usize) -> Result<String, AwsError> {
    let name = input.required(parameter)?;
    if is_name(&name, most, "_+=,.@-") {
        return Ok(name);
    }
    let mut field = parameter.to_owned();
    field.get_mut(..1).map(str::make_ascii_lowercase);
    Err(input.invalid(if name.len() > most {
        format!(
            "1 validation error detected: Value at '{field}' failed to satisfy constraint: Member must have length \
             less than or equal to {most}"
        )
    } else {
        format!(
            "The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        )
    }))
}

fn path(input: &Input) -> Result<String, AwsError> {
    let path = input.text_or("Path", "/");
    if path.starts_with('/') && path.ends_with('/') && path.len() <= 512 {
        return Ok(path);
    }
    Err(input.invalid(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters.",
    ))
}

/// The tags sent, within IAM's limits. Their keys ignore case (IAM User Guide, "Rules for tagging in IAM and AWS STS").
fn tags(input: &Input) -> Result<Tags, AwsError> {
    let tags = input.tags("Tags");
    let lower: BTreeSet<String> = tags.keys().map(|key| key.to_lowercase()).collect();
    if lower.len() < tags.len() {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(AwsError::new("InvalidInput", message));
    }
    if tags.len() > MOST_TAGS {
        return Err(limit(format!("Cannot exceed quota for TagsPerResource: {MOST_TAGS}")));
    }
    let bad =
        |(key, value): (&String, &String)| key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256;
    if tags.iter().any(bad) {
        return Err(AwsError::new("InvalidInput", "The tag key or value is not within its limits."));
    }
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(AwsError::new("InvalidInput", "Tag keys starting with 'aws:' are reserved for system use"));
    }
    Ok(tags)
}

/// Adds tags to those of an object: one that differs in case only takes the other's place.
fn add_tags(known: &mut Tags, tags: Tags) -> Result<(), AwsError> {
    let mut all = known.clone();
    all.retain(|key, _| !tags.keys().any(|new| new.to_lowercase() == key.to_lowercase()));
    all.extend(tags);
    if all.len() > MOST_TAGS {
        return Err(limit(format!("Cannot exceed quota for TagsPerResource: {MOST_TAGS}")));
    }
    *known = all;
    Ok(())
}

fn tag_keys(input: &Input) -> Vec<String> {
    input.texts("TagKeys")
}

/// A page of a result: the list under its name, `IsTruncated` and `Marker`.
fn listed<T>(
    request: &Request<'_>,
    name: &str,
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    show: impl Fn(&T) -> Value,
) -> Value {
    let asked = request.input.number("MaxItems").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let most = asked.min(request.options.users_page);
    let (items, marker) = page(items, key, request.input.text("Marker"), most);
    let mut result = json!({ "IsTruncated": marker.is_some() });
    result[name] = items.iter().map(show).collect();
    if let Some(marker) = marker {
        result["Marker"] = marker.into();
    }
    result
}

fn user_arn(site: &Site<'_>) -> Vec<String> {
    let name = site.text("UserName");
    let path = site.world.iam.users.get(name).map_or("/", |user| &user.path);
    let path = if site.world.iam.users.contains_key(name) { path } else { site.input.text("Path").unwrap_or("/") };
    vec![site.world.arn("iam", "", &format!("user{path}{name}"))]
}

fn group_arn(site: &Site<'_>) -> Vec<String> {
    let name = site.text("GroupName");
    let path = site.world.iam.groups.get(name).map(|group| group.path.as_str());
    let path = path.or(site.input.text("Path")).unwrap_or("/");
    vec![site.world.arn("iam", "", &format!("group{path}{name}"))]
}

fn all_users(site: &Site<'_>) -> Vec<String> {
    vec![site.world.arn("iam", "", "user/")]
}

fn role_arn(site: &Site<'_>) -> Vec<String> {
    let name = site.text("RoleName");
    let known = site.world.iam.roles.get(name).map(|role| role.arn.clone());
    let path = site.input.text("Path").unwrap_or("/");
    vec![known.unwrap_or_else(|| site.world.arn("iam", "", &format!("role{path}{name}")))]
}

fn all_roles(site: &Site<'_>) -> Vec<String> {
    vec![site.world.arn("iam", "", "role/")]
}

fn policy_arn(site: &Site<'_>) -> Vec<String> {
    let path = site.input.text("Path").unwrap_or("/");
    let arn = site.input.text("PolicyArn").map(str::to_owned);
    vec![arn.unwrap_or_else(|| site.world.arn("iam", "", &format!("policy{path}{}", site.text("PolicyName"))))]
}

fn all_policies(site: &Site<'_>) -> Vec<String> {
    vec![site.world.arn("iam", "", "policy/")]
}
