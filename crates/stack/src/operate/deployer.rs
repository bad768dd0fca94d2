//! The least that a deployer needs to be allowed, gathered from what each file declares beside its calls.
//!
//! A test counts every call of the suite against it: each is in it, and nothing in it is unused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{email, invocation, log, subscription_status};
use crate::actions::On;
use crate::installation::Installation;
use crate::names::Names;
use crate::order;
use crate::resource::policy::reading;

/// Every action, by what it acts on.
fn declared() -> BTreeMap<On, BTreeSet<&'static str>> {
    let mut found: BTreeMap<On, BTreeSet<&'static str>> = BTreeMap::new();
    let all =
        order::ACTIONS.iter().chain(&[email::ACTIONS, invocation::ACTIONS, log::ACTIONS, subscription_status::ACTIONS]);
    for (on, actions) in all.copied().flatten() {
        found.entry(*on).or_default().extend(*actions);
    }
    found
}

/// Every IAM action that a run of the command may need.
#[must_use]
pub fn deployer_actions() -> BTreeSet<&'static str> {
    declared().into_values().flatten().collect()
}

/// The least IAM policy that lets somebody run every command on this install, `check` aside, which reads users and
/// keys as the installed function does.
#[must_use]
pub fn deployer_policy(installation: &Installation) -> Value {
    policy(&installation.names, |action| is_needed(installation, action))
}

/// The least IAM policy for `plan`, `status` and `check`, which change nothing.
#[must_use]
pub fn auditor_policy(installation: &Installation) -> Value {
    let mut policy = policy(&installation.names, |action| is_needed(installation, action) && is_reading(action));
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.extend(reading(&installation.spec.check, &installation.names));
    }
    policy
}

/// SES is asked only if owners are emailed.
fn is_needed(installation: &Installation, action: &str) -> bool {
    installation.spec.owners.is_configured() || !action.starts_with("ses:")
}

fn is_reading(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    ["Get", "List", "Describe", "Filter"].iter().any(|verb| name.starts_with(verb))
}

fn policy(names: &Names, includes: impl Fn(&str) -> bool) -> Value {
    let statements: Vec<Value> = declared()
        .into_iter()
        .filter_map(|(on, mut actions)| {
            actions.retain(|action| includes(action));
            (!actions.is_empty()).then(|| statement(on, &actions, names))
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(kind: On, actions: &BTreeSet<&str>, names: &Names) -> Value {
    // A second region's install appends the region to its IAM names.
    let suffix = format!("-{}", names.region);
    let both = |arn: String| {
        let plain = arn.strip_suffix(&suffix).unwrap_or(&arn);
        json!([plain, format!("{plain}{suffix}")])
    };
    let (sid, resources) = match kind {
        On::Anything => ("Anything", json!("*")),
        On::Topic => ("Topic", json!(names.topic_arn())),
        On::Policy => ("Policy", both(names.policy_arn())),
        On::Role => ("Role", both(names.role_arn())),
        On::Passing => ("PassRole", both(names.role_arn())),
        On::Attaching => ("AttachPolicy", both(names.role_arn())),
        On::Detaching => ("DetachPolicy", json!("*")),
        On::Function => ("Function", json!(names.function_arn())),
        On::LogGroup => ("LogGroup", json!([names.log_group_arn(), format!("{}:*", names.log_group_arn())])),
        On::Rule => ("Rule", json!(names.rule_arn())),
        On::Identities => {
            let place = format!("{}:{}", names.region, names.account);
            ("EmailIdentities", json!(format!("arn:{}:ses:{place}:identity/*", names.partition)))
        }
    };
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources });
    match kind {
        On::Passing => {
            statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } });
        }
        // No other policy may be given to the role, nor taken from anybody.
        On::Attaching | On::Detaching => {
            statement["Condition"] = json!({ "ArnEquals": { "iam:PolicyARN": both(names.policy_arn()) } });
        }
        _ => {}
    }
    statement
}
