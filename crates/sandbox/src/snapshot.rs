//! The account in a canonical form: what it is, without what differs from run to run (ids, times, tokens).

use serde_json::{Value, json};

use crate::world::{Function, Iam, Policy, Region, Role, Subscription, World};

/// The whole account. Queues, mails, deliveries and log events are left out: they tell what happened, not what is.
pub(crate) fn take(world: &World) -> Value {
    let regions = world.regions.iter().map(|(name, here)| (name.clone(), region(&world.iam, here)));
    let regions = regions.filter(|(_, here)| !is_empty(here)).collect();
    let mut all = json!({"account": world.account, "iam": iam(&world.iam), "regions": Value::Object(regions)});
    if let Some(organization) = &world.organization {
        all["organization"] = json!({
            "management": organization.management_account,
            "accounts": organization.accounts.iter().map(|(id, member)| json!({"id": id, "state": member.state}))
                .collect::<Value>(),
        });
    }
    if !world.others.is_empty() {
        all["others"] = world.others.values().map(take).collect();
    }
    all
}

fn is_empty(here: &Value) -> bool {
    here.as_object().is_some_and(|kinds| kinds.values().all(|kind| kind == &json!([])))
}

fn region(iam: &Iam, here: &Region) -> Value {
    let mut subscriptions: Vec<Value> = here.subscriptions.iter().map(subscription).collect();
    subscriptions.sort_by_key(Value::to_string);
    json!({
        "topics": here.topics.values().map(|topic| json!({
            "arn": topic.arn,
            "attributes": canonical_attributes(&topic.attributes),
            "tags": topic.tags,
        })).collect::<Value>(),
        "subscriptions": subscriptions,
        "functions": here.functions.values().map(|known| function(iam, known)).collect::<Value>(),
        "rules": here.rules.values().map(|rule| json!({
            "arn": rule.arn,
            "schedule": rule.schedule,
            "pattern": rule.pattern,
            "description": rule.description,
            "role": rule.role,
            "enabled": rule.enabled,
            "tags": rule.tags,
            "targets": rule.targets.values().map(|target| target.settings.clone()).collect::<Value>(),
        })).collect::<Value>(),
        "log_groups": here.log_groups.values().map(|group| json!({
            "name": group.name,
            "retention": group.retention,
            "tags": group.tags,
        })).collect::<Value>(),
        "queues": here.queues.keys().collect::<Vec<_>>(),
    })
}

fn subscription(known: &Subscription) -> Value {
    json!({
        "topic": known.topic_arn,
        "protocol": known.protocol,
        "endpoint": known.endpoint,
        "attributes": canonical_attributes(&known.attributes),
        "confirmed": known.confirmed,
        "authenticated": known.authenticated,
    })
}

fn function(iam: &Iam, function: &Function) -> Value {
    let mut statements = function.statements.clone();
    statements.sort_by_key(Value::to_string);
    json!({
        "arn": function.arn,
        "runtime": function.runtime,
        "role": function.role,
        // Whether the grant on the environment's key is made out to the role as it is now.
        "role_is_the_one_set": iam.role_by_arn(&function.role).is_some_and(|role| role.id == function.role_id),
        "handler": function.handler,
        "description": function.description,
        "timeout": function.timeout,
        "memory": function.memory,
        "architecture": function.architecture,
        "environment": function.environment,
        "settings": function.settings,
        "tags": function.tags,
        "code_sha256": function.code_sha256,
        "failed": function.failed,
        "update_failed": function.update_failed,
        "statements": statements,
        "concurrency": function.concurrency,
        "invoke_settings": function.invoke_settings.as_ref().map(|settings| json!({
            "retries": settings.retries,
            "max_age": settings.max_age,
            "on_failure": settings.on_failure,
            "on_success": settings.on_success,
        })),
    })
}

fn iam(iam: &Iam) -> Value {
    json!({
        "users": iam.users.values().map(|user| json!({
            "name": user.name,
            "path": user.path,
            "tags": user.tags,
            "attached": iam.user_policies.get(&user.name).filter(|attached| !attached.is_empty()),
            "keys": user.access_keys.iter().map(|key| key.active).collect::<Vec<_>>(),
        })).collect::<Value>(),
        "groups": iam.groups.values().map(|group| json!({"name": group.name, "path": group.path, "attached": group.attached}))
            .collect::<Value>(),
        "roles": iam.roles.values().map(role).collect::<Value>(),
        "policies": iam.policies.values().filter(|policy| !policy.is_aws_managed()).map(policy).collect::<Value>(),
        "aliases": iam.aliases,
    })
}

fn role(role: &Role) -> Value {
    let mut attached = role.attached.clone();
    attached.sort();
    json!({
        "arn": role.arn,
        "description": role.description,
        "trust": parsed(&role.trust),
        "max_session": role.max_session,
        "boundary": role.boundary,
        "tags": role.tags,
        "inline": role.inline.iter().map(|(name, text)| (name.clone(), parsed(text))).collect::<serde_json::Map<_, _>>(),
        "attached": attached,
    })
}

/// The default version's document; the others are history.
fn policy(policy: &Policy) -> Value {
    json!({
        "arn": policy.arn,
        "description": policy.description,
        "tags": policy.tags,
        "document": parsed(policy.document()),
    })
}

/// A JSON text as JSON, so that its spacing and order of keys do not matter.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn canonical_attributes(attributes: &std::collections::BTreeMap<String, String>) -> Value {
    let shown = attributes.iter().map(|(name, text)| {
        let value = if text.starts_with('{') { parsed(text) } else { text.as_str().into() };
        (name.clone(), value)
    });
    Value::Object(shown.collect())
}
