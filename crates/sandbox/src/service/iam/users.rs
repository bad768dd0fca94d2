//! IAM users and their tags.

use serde_json::{Value, json};

use super::{add_tags, all_users, conflict, exists, limit, listed, missing, name, path, tag_keys, tags, user_arn};
use crate::clock::to_the_second;
use crate::protocol::{Answer, AwsError, tag_list};
use crate::service::{Operation, Request, read, sts, write};
use crate::world::{Tags, User, World};

/// The quota of users in an account.
const MOST_USERS: usize = 5000;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateUser", user_arn, create),
    read("GetUser", user_arn, get),
    read("ListUsers", all_users, list),
    write("DeleteUser", user_arn, delete),
    write("TagUser", user_arn, tag),
    write("UntagUser", user_arn, untag),
    read("ListUserTags", user_arn, list_tags),
];

pub(super) fn user<'a>(request: &'a mut Request<'_>, name: &str) -> Result<&'a mut User, AwsError> {
    let user = request.world.iam.users.get_mut(name);
    user.ok_or_else(|| missing(format!("The user with name {name} cannot be found.")))
}

/// The user named in the request; the caller where none is.
pub(super) fn asked<'a>(request: &'a mut Request<'_>) -> Result<&'a mut User, AwsError> {
    if let Some(name) = request.input.text("UserName").map(str::to_owned) {
        return user(request, &name);
    }
    let caller = caller(request)?;
    Ok(request.world.iam.users.entry(caller.name.clone()).or_insert(caller))
}

/// The same to be looked at only.
pub(super) fn seen(request: &mut Request<'_>) -> Result<User, AwsError> {
    if let Some(name) = request.input.text("UserName").map(str::to_owned) {
        return user(request, &name).cloned();
    }
    let caller = caller(request)?;
    Ok(request.world.iam.users.get(&caller.name).cloned().unwrap_or(caller))
}

/// The caller as a user. It is none of the account's users until something is changed about it.
fn caller(request: &Request<'_>) -> Result<User, AwsError> {
    if request.caller.is_function() {
        return Err(request.input.invalid("Must specify userName when calling with non-User credentials"));
    }
    let name = request.caller.arn().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(User {
        id: sts::DEPLOYER_ID.into(),
        name,
        path: "/".into(),
        created: request.now,
        tags: Tags::new(),
        access_keys: Vec::new(),
        service_specific_credentials: Vec::new(),
        ssh_public_keys: Vec::new(),
        signing_certificates: Vec::new(),
    })
}

fn show(world: &World, user: &User, with_tags: bool) -> Value {
    let mut shown = json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": world.arn("iam", "", &format!("user{}{}", user.path, user.name)),
        "CreateDate": to_the_second(user.created),
    });
    if let Some(at) = world.iam.signed_in.get(&user.name) {
        shown["PasswordLastUsed"] = to_the_second(*at).into();
    }
    if with_tags && !user.tags.is_empty() {
        shown["Tags"] = tag_list(&user.tags);
    }
    shown
}

fn create(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (name, path, tags) = (name(input, "UserName", 64)?, path(input)?, tags(input)?);
    let users = &mut request.world.iam.users;
    if users.keys().any(|known| known.eq_ignore_ascii_case(&name)) {
        return Err(exists(format!("User with name {name} already exists.")));
    }
    if users.len() >= MOST_USERS {
        return Err(limit(format!("Cannot exceed quota for UsersPerAccount: {MOST_USERS}")));
    }
    let user = User {
        id: request.world.ids.iam("AIDA"),
        name: name.clone(),
        path,
        created: request.now,
        tags,
        access_keys: Vec::new(),
        service_specific_credentials: Vec::new(),
        ssh_public_keys: Vec::new(),
        signing_certificates: Vec::new(),
    };
    let shown = show(request.world, &user, true);
    request.world.iam.users.insert(name, user);
    Ok(json!({ "User": shown }))
}

fn get(request: &mut Request<'_>) -> Answer {
    let user = seen(request)?;
    Ok(json!({ "User": show(request.world, &user, true) }))
}

fn list(request: &mut Request<'_>) -> Answer {
    let prefix = request.input.text_or("PathPrefix", "/");
    let users: Vec<&User> = request
        .world
        .iam
        .users
        .values()
        .filter(|user| user.path.starts_with(&prefix) && request.sees(user.created))
        .collect();
    let show = |user: &&User| show(request.world, user, false);
    Ok(listed(request, "Users", users, |user| user.name.clone(), show))
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("UserName")?;
    if !user(request, &name)?.access_keys.is_empty() {
        return Err(conflict("Cannot delete entity, must delete access keys first."));
    }
    if request.world.iam.user_policies.get(&name).is_some_and(|attached| !attached.is_empty()) {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    request.world.iam.user_policies.remove(&name);
    request.world.iam.users.remove(&name);
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
    let tags = seen(request)?.tags;
    let tags: Vec<_> = tags.into_iter().collect();
    let show = |(key, value): &(String, String)| json!({"Key": key, "Value": value});
    Ok(listed(request, "Tags", tags, |(key, _)| key.clone(), show))
}
