//! The least that a deployer needs to be allowed, worked out from the operations that this crate calls.
//!
//! A test counts every call of the suite against this list: each is in it, and nothing in it is unused.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::names::Names;
use crate::resource::policy::reading;

/// What a statement's resources are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Anything,
    Topic,
    Policy,
    Role,
    Passing,
    Attaching,
    Detaching,
    Function,
    LogGroup,
    Rule,
}

/// Every IAM action that a run of the command may need, in the order of the statements.
pub const OPERATIONS: &[&str] = &[
    "sns:ConfirmSubscription",
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:TagResource",
    "sns:UntagResource",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
    "iam:TagPolicy",
    "iam:UntagPolicy",
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePermissionsBoundary",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:DetachGroupPolicy",
    "iam:DetachUserPolicy",
    "iam:PassRole",
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:GetFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:RemovePermission",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:FilterLogEvents",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
    "logs:DescribeLogGroups",
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
];

/// What an action is allowed on: as little as IAM lets one say (Service Authorization Reference).
fn on(action: &str) -> On {
    match action {
        "iam:PassRole" => On::Passing,
        "iam:AttachRolePolicy" => On::Attaching,
        // Our policy, wherever others attached it.
        "iam:DetachGroupPolicy" | "iam:DetachUserPolicy" => On::Detaching,
        // Neither listing log groups nor a subscription's own operations can be allowed on less.
        "logs:DescribeLogGroups"
        | "sns:GetSubscriptionAttributes"
        | "sns:SetSubscriptionAttributes"
        | "sns:Unsubscribe" => On::Anything,
        action if action.starts_with("sns:") => On::Topic,
        action if action.starts_with("iam:") && action.contains("RolePolic") => On::Role,
        action if action.starts_with("iam:") && action.contains("Polic") && !action.contains("Assume") => On::Policy,
        action if action.starts_with("iam:") => On::Role,
        action if action.starts_with("lambda:") => On::Function,
        action if action.starts_with("logs:") => On::LogGroup,
        _ => On::Rule,
    }
}

/// The least IAM policy that lets somebody run every command on this install, `check` aside, which reads users and
/// keys as the installed function does.
#[must_use]
pub fn deployer_policy(installation: &Installation) -> Value {
    policy(OPERATIONS.iter().copied(), &installation.names)
}

/// The least IAM policy for `plan`, `status` and `check`, which change nothing.
#[must_use]
pub fn auditor_policy(installation: &Installation) -> Value {
    let mut policy = policy(OPERATIONS.iter().copied().filter(|action| is_reading(action)), &installation.names);
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.extend(reading(&installation.spec.settings, &installation.names));
    }
    policy
}

fn is_reading(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    ["Get", "List", "Describe", "Filter"].iter().any(|verb| name.starts_with(verb))
}

fn policy<'a>(actions: impl Iterator<Item = &'a str>, names: &Names) -> Value {
    let actions: Vec<&str> = actions.collect();
    let mut kinds: Vec<On> = actions.iter().map(|action| on(action)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let statements: Vec<Value> = kinds.into_iter().map(|kind| statement(kind, &actions, names)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(kind: On, all: &[&str], names: &Names) -> Value {
    let actions: Vec<_> = all.iter().filter(|action| on(action) == kind).collect();
    // A second region's install appends the region to its IAM names.
    let base = |arn: String| arn.trim_end_matches(&format!("-{}", names.region)).to_owned() + "*";
    let (sid, resources) = match kind {
        On::Anything => ("Anything", json!("*")),
        On::Topic => ("Topic", json!(names.topic_arn())),
        On::Policy => ("Policy", json!(base(names.policy_arn()))),
        On::Role => ("Role", json!(base(names.role_arn()))),
        On::Passing => ("PassRole", json!(base(names.role_arn()))),
        On::Attaching => ("AttachPolicy", json!(base(names.role_arn()))),
        On::Detaching => ("DetachPolicy", json!("*")),
        On::Function => ("Function", json!(names.function_arn())),
        On::LogGroup => ("LogGroup", json!([names.log_group_arn(), format!("{}:*", names.log_group_arn())])),
        On::Rule => ("Rule", json!(names.rule_arn())),
    };
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources });
    match kind {
        On::Passing => {
            statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } });
        }
        // No other policy may be given to the role, nor taken from anybody.
        On::Attaching | On::Detaching => {
            statement["Condition"] = json!({ "ArnLike": { "iam:PolicyARN": base(names.policy_arn()) } });
        }
        _ => {}
    }
    statement
}
