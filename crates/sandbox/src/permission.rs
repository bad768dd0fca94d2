//! Whether a caller may do what it asks: a function by its role's policies, the deployer by the policy under test.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::calls::Caller;
use crate::policy::{Question, Verdict, evaluate};
use crate::world::{Role, World};

/// An IAM action on a resource, in all the forms its ARN is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resources: Vec<String>,
}

impl Need {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resources: vec![resource.into()] }
    }
}

/// Whether the caller may; the reason in AWS's words where not.
pub(crate) fn check(world: &World, caller: &Caller, region: &str, need: &Need) -> Result<(), String> {
    let verdict = match caller {
        Caller::Deployer(_) => match &world.deployer {
            None => return Ok(()),
            Some(policy) => evaluate([policy], &question(world, region, need)),
        },
        Caller::Function { role, .. } => match world.iam.roles.get(role) {
            Some(role) => return role_may(world, role, caller.arn(), region, need),
            None => Verdict::Unmentioned,
        },
    };
    explain(verdict, caller.arn(), need, "identity-based policy")
}

/// Whether a role's policies and boundary let it.
pub(crate) fn role_may(world: &World, role: &Role, arn: &str, region: &str, need: &Need) -> Result<(), String> {
    let question = question(world, region, need);
    let parse = |document: String| serde_json::from_str::<Value>(&document).unwrap_or_default();
    let documents: Vec<Value> = world.iam.documents_of(role).into_iter().map(parse).collect();
    explain(evaluate(&documents, &question), arn, need, "identity-based policy")?;
    if let Some(boundary) = &role.boundary {
        let document = world.iam.policies.get(boundary).map(|policy| parse(policy.document().to_owned()));
        explain(evaluate(&document, &question), arn, need, "permissions boundary")?;
    }
    Ok(())
}

fn question<'a>(world: &World, region: &str, need: &'a Need) -> Question<'a> {
    let context = BTreeMap::from([
        ("aws:PrincipalAccount".to_owned(), world.account.clone()),
        ("aws:RequestedRegion".to_owned(), region.to_owned()),
        ("iam:PassedToService".to_owned(), "lambda.amazonaws.com".to_owned()),
    ]);
    Question { action: &need.action, resources: &need.resources, context }
}

fn explain(verdict: Verdict, arn: &str, need: &Need, kind: &str) -> Result<(), String> {
    let action = shown(&need.action);
    let because = match verdict {
        Verdict::Allowed => return Ok(()),
        Verdict::Unmentioned => format!("because no {kind} allows the {action} action"),
        Verdict::Denied => format!("with an explicit deny in a {kind}"),
    };
    Err(format!("{} {because}", not_authorized(arn, need)))
}

/// The sentence with which AWS refuses a fault's victim: as if no policy allowed it.
pub(crate) fn unmentioned(arn: &str, need: &Need) -> String {
    let action = shown(&need.action);
    format!("{} because no identity-based policy allows the {action} action", not_authorized(arn, need))
}

fn not_authorized(arn: &str, need: &Need) -> String {
    let resource = need.resources.first().map_or("*", String::as_str);
    format!("User: {arn} is not authorized to perform: {} on resource: {resource}", shown(&need.action))
}

/// SNS writes its own name in capitals.
fn shown(action: &str) -> String {
    action.strip_prefix("sns:").map_or_else(|| action.to_owned(), |rest| format!("SNS:{rest}"))
}
