//! Whether a caller may do what it asks: a function by its role's policies, someone who assumed a role by the session's
//! policy as well, the deployer by the policy under test; and everyone within what the organization's policies allow.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::calls::Caller;
use crate::names::account_of;
use crate::policy::{Absent, Question, Verdict, evaluate, one_or_many};
use crate::world::{Role, World};

/// An IAM action on a resource, in all the forms its ARN is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resources: Vec<String>,
    /// The condition keys that only this call has, with all their values: none where the key is absent.
    pub(crate) conditions: Vec<(&'static str, Vec<String>)>,
}

impl Need {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self::on(action, vec![resource.into()])
    }

    /// An action on a resource whose ARN is written in these forms.
    pub(crate) fn on(action: impl Into<String>, resources: Vec<String>) -> Self {
        Self { action: action.into(), resources, conditions: Vec::new() }
    }
}

/// Whether the caller may; the reason in AWS's words where not. `home` holds all accounts.
pub(crate) fn check(home: &World, caller: &Caller, region: &str, need: &Need) -> Result<(), String> {
    let (account, arn) = (caller.account(), caller.arn());
    let world = home.of(account);
    let question = question(home, account, region, need);
    if let Some(organization) = &home.organization {
        let policies = organization.policies_of(account);
        if evaluate(policies, &question) == Verdict::Denied {
            return explain(Verdict::Denied, arn, need, "service control policy");
        }
    }
    match caller.role() {
        None => match &home.deployer {
            None => Ok(()),
            Some(policy) => explain(evaluate([policy], &question), arn, need, "identity-based policy"),
        },
        Some(role) => match world.iam.roles.get(role) {
            Some(role) => role_allows(world, role, arn, &question, need),
            None => explain(Verdict::Unmentioned, arn, need, "identity-based policy"),
        },
    }?;
    if let Caller::Role { key, .. } = caller
        && let Some(policy) = home.sessions.get(key).and_then(|session| session.policy.as_ref())
    {
        explain(evaluate([policy], &question), arn, need, "session policy")?;
    }
    Ok(())
}

/// Whether a role's policies and boundary let it.
pub(crate) fn role_may(world: &World, role: &Role, arn: &str, region: &str, need: &Need) -> Result<(), String> {
    role_allows(world, role, arn, &question(world, &world.account, region, need), need)
}

fn role_allows(world: &World, role: &Role, arn: &str, question: &Question<'_>, need: &Need) -> Result<(), String> {
    let documents: Vec<Value> = world.iam.documents_of(role).iter().map(|document| parsed(document)).collect();
    explain(evaluate(&documents, question), arn, need, "identity-based policy")?;
    if let Some(boundary) = &role.boundary {
        let document = world.iam.policies.get(boundary).map(|policy| parsed(policy.document()));
        explain(evaluate(&document, question), arn, need, "permissions boundary")?;
    }
    Ok(())
}

fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_default()
}

fn question<'a>(home: &World, account: &str, region: &str, need: &'a Need) -> Question<'a> {
    let mut context = BTreeMap::from([
        ("aws:PrincipalAccount".to_owned(), account.to_owned()),
        ("aws:RequestedRegion".to_owned(), region.to_owned()),
        ("iam:PassedToService".to_owned(), "lambda.amazonaws.com".to_owned()),
    ]);
    let mut absent = Vec::new();
    let mut set = |key: &'static str, value: Option<&str>| match value {
        Some(value) => drop(context.insert(key.to_owned(), value.to_owned())),
        None => absent.push(key),
    };
    set("aws:PrincipalOrgID", home.organization_of(account));
    // Whose the resource is, is known for roles only, which are what is used in another account.
    if need.action == "sts:AssumeRole" {
        let owner = need.resources.first().map_or("", |arn| account_of(arn));
        set("aws:ResourceAccount", Some(owner));
        set("aws:ResourceOrgID", home.organization_of(owner));
    }
    let (action, resources, lists) = (&need.action, &need.resources, &need.conditions);
    Question { action, resources, context, lists, absent: Absent::These(absent) }
}

/// Whether a role's trust policy lets a caller assume it. `world` is the account that the caller is in, `external_id` what
/// the caller sent.
pub(crate) fn trusts(
    world: &World,
    organization: Option<&str>,
    trust: &str,
    caller: &Caller,
    external_id: Option<&str>,
    session: &str,
) -> bool {
    let account = caller.account();
    // A role's ARN, not its session's (IAM user guide, "aws:PrincipalArn").
    let principal = match caller.role().and_then(|role| world.iam.roles.get(role)) {
        Some(role) => role.arn.clone(),
        None => caller.arn().to_owned(),
    };
    let mut context = BTreeMap::from([
        ("aws:PrincipalArn".to_owned(), principal.clone()),
        ("aws:PrincipalAccount".to_owned(), account.to_owned()),
        ("sts:RoleSessionName".to_owned(), session.to_owned()),
    ]);
    if let Some(organization) = organization {
        context.insert("aws:PrincipalOrgID".to_owned(), organization.to_owned());
    }
    if let Some(id) = external_id {
        context.insert("sts:ExternalId".to_owned(), id.to_owned());
    }
    let names = [account.to_owned(), world.arn("iam", "", "root"), principal, caller.arn().to_owned()];
    let mut document = parsed(trust);
    let named = |statement: &Value| {
        let principal = &statement["Principal"];
        let listed = one_or_many(if principal.is_object() { &principal["AWS"] } else { principal });
        listed.iter().filter_map(Value::as_str).any(|known| known == "*" || names.iter().any(|name| name == known))
    };
    let statements: Vec<Value> = one_or_many(&document["Statement"]).iter().filter(|one| named(one)).cloned().collect();
    document["Statement"] = statements.into();
    let question =
        Question { action: "sts:AssumeRole", resources: &[], context, lists: &[], absent: Absent::AllOthers };
    evaluate([&document], &question) == Verdict::Allowed
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

pub(crate) fn not_authorized(arn: &str, need: &Need) -> String {
    let resource = need.resources.first().map_or("*", String::as_str);
    format!("User: {arn} is not authorized to perform: {} on resource: {resource}", shown(&need.action))
}

/// SNS writes its own name in capitals.
fn shown(action: &str) -> String {
    action.strip_prefix("sns:").map_or_else(|| action.to_owned(), |rest| format!("SNS:{rest}"))
}
