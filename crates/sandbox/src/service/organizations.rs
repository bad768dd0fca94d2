//! Organizations: what is asked about accounts and units. Nothing can be changed here; tests and the sandbox's owner do
//! that by hand.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Operation, Request, anything, read};
use crate::protocol::{Answer, AwsError, is_marker, marker, page, tag_list};
use crate::world::{Member, Organization};

pub(crate) const OPERATIONS: &[Operation] = &[
    read("DescribeOrganization", anything, describe_organization),
    read("ListRoots", anything, list_roots),
    read("ListAccounts", anything, list_accounts),
    read("DescribeAccount", anything, describe_account),
    read("ListAccountsForParent", anything, list_accounts_for_parent),
    read("ListOrganizationalUnitsForParent", anything, list_units_for_parent),
    read("ListTagsForResource", anything, list_tags),
    read("ListDelegatedAdministrators", anything, list_delegated_administrators),
    read("ListAWSServiceAccessForOrganization", anything, list_service_access),
];

/// What a page holds at most ("ListAccounts" in the AWS Organizations API reference).
const PAGE: usize = 20;

/// The token of a page before all others.
const BEFORE_ALL: &str = "!";

/// The organization that the caller's account is in.
fn of_caller<'a>(request: &'a Request<'_>) -> Result<&'a Organization, AwsError> {
    let organization = request.home().organization.as_ref();
    organization.filter(|known| known.accounts.contains_key(request.caller.account())).ok_or_else(|| {
        AwsError::new("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    })
}

/// The same for an operation that only the management account and delegated administrators may use.
fn administered<'a>(request: &'a Request<'_>) -> Result<&'a Organization, AwsError> {
    let organization = of_caller(request)?;
    if organization.is_administered_by(request.caller.account()) {
        return Ok(organization);
    }
    Err(denied())
}

/// The same for an operation that only the management account may use.
fn managed<'a>(request: &'a Request<'_>) -> Result<&'a Organization, AwsError> {
    let organization = of_caller(request)?;
    if organization.management_account == request.caller.account() {
        return Ok(organization);
    }
    Err(denied())
}

fn denied() -> AwsError {
    AwsError::new("AccessDeniedException", "You don't have permissions to access this resource.")
}

fn arn(request: &Request<'_>, organization: &Organization, kind: &str, id: &str) -> String {
    let partition = &request.home().partition;
    format!("arn:{partition}:organizations::{}:{kind}/{}{id}", organization.management_account, organization.id)
}

/// Seconds since 1970, as JSON protocols tell times.
fn time(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1000.0)
}

fn account(request: &Request<'_>, organization: &Organization, id: &str, member: &Member) -> Value {
    let mut shown = json!({
        "Id": id,
        "Arn": arn(request, organization, "account", &format!("/{id}")),
        "Email": member.email,
        "Name": member.name,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": time(member.joined),
    });
    let state = match member.state.as_str() {
        "CLOSED" if organization.status_only => "SUSPENDED",
        state => state,
    };
    shown[if organization.status_only { "Status" } else { "State" }] = state.into();
    shown
}

/// A page of a listing under its name, and the token of the next one.
fn listed(request: &Request<'_>, organization: &Organization, name: &str, items: Vec<(String, Value)>) -> Answer {
    let most = request.input.number("MaxResults").and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE);
    if !(1..=PAGE).contains(&most) {
        return Err(request.input.invalid("You provided a value that does not match the required pattern."));
    }
    let token = request.input.text("NextToken");
    if let Some(token) = token
        && !is_marker(token)
    {
        return Err(request.input.invalid("You specified an invalid pagination token."));
    }
    if organization.empty_pages && token.is_none() {
        return Ok(json!({name: [], "NextToken": marker(BEFORE_ALL)}));
    }
    let (items, next) = page(items, |(key, _)| key.clone(), token, most);
    let mut result = json!({});
    result[name] = items.into_iter().map(|(_, item)| item).collect();
    if let Some(next) = next {
        result["NextToken"] = next.into();
    }
    Ok(result)
}

fn listed_accounts(request: &Request<'_>, organization: &Organization, wanted: impl Fn(&Member) -> bool) -> Answer {
    let accounts = organization.accounts.iter().filter(|(_, member)| wanted(member));
    let shown = accounts.map(|(id, member)| (id.clone(), account(request, organization, id, member)));
    listed(request, organization, "Accounts", shown.collect())
}

/// An account of the organization that a request names, or the error with this code.
fn named<'a>(
    request: &Request<'_>,
    organization: &'a Organization,
    parameter: &str,
    code: &str,
    what: &str,
) -> Result<(&'a String, &'a Member), AwsError> {
    let id = request.input.required(parameter)?;
    let message = format!("You specified {what} that doesn't exist.");
    organization.accounts.get_key_value(&id).ok_or_else(|| AwsError::new(code, message))
}

fn describe_organization(request: &mut Request<'_>) -> Answer {
    let organization = of_caller(request)?;
    let management = &organization.management_account;
    let email = organization.accounts.get(management).map(|member| member.email.clone());
    Ok(json!({"Organization": {
        "Id": organization.id,
        "Arn": arn(request, organization, "organization", ""),
        "FeatureSet": "ALL",
        "MasterAccountId": management,
        "MasterAccountArn": arn(request, organization, "account", &format!("/{management}")),
        "MasterAccountEmail": email,
    }}))
}

fn list_roots(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let id = &organization.root;
    let arn = arn(request, organization, "root", &format!("/{id}"));
    let root = json!({"Id": id, "Arn": arn, "Name": "Root", "PolicyTypes": []});
    listed(request, organization, "Roots", vec![(id.clone(), root)])
}

fn list_accounts(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    listed_accounts(request, organization, |_| true)
}

fn describe_account(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let (id, member) = named(request, organization, "AccountId", "AccountNotFoundException", "an account")?;
    Ok(json!({"Account": account(request, organization, id, member)}))
}

/// The unit or the root that is asked about.
fn parent(request: &Request<'_>, organization: &Organization) -> Result<String, AwsError> {
    let parent = request.input.required("ParentId")?;
    if parent == organization.root || organization.units.contains_key(&parent) {
        return Ok(parent);
    }
    Err(AwsError::new("ParentNotFoundException", "You specified a parent that doesn't exist."))
}

fn list_accounts_for_parent(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let parent = parent(request, organization)?;
    listed_accounts(request, organization, |member| member.parent == parent)
}

fn list_units_for_parent(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let parent = parent(request, organization)?;
    let within = organization.units.iter().filter(|(_, unit)| unit.parent == parent).map(|(id, unit)| {
        let arn = arn(request, organization, "ou", &format!("/{id}"));
        (id.clone(), json!({"Id": id, "Arn": arn, "Name": unit.name}))
    });
    listed(request, organization, "OrganizationalUnits", within.collect())
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let (_, member) = named(request, organization, "ResourceId", "TargetNotFoundException", "a target")?;
    Ok(json!({"Tags": tag_list(&member.tags)}))
}

fn list_delegated_administrators(request: &mut Request<'_>) -> Answer {
    let organization = administered(request)?;
    let service = request.input.text("ServicePrincipal");
    let administers = |services: &BTreeSet<String>| service.is_none_or(|one| services.contains(one));
    let found = organization.delegated.iter().filter(|(_, services)| administers(services)).filter_map(|(id, _)| {
        let mut shown = account(request, organization, id, organization.accounts.get(id)?);
        shown["DelegationEnabledDate"] = shown["JoinedTimestamp"].clone();
        Some((id.clone(), shown))
    });
    listed(request, organization, "DelegatedAdministrators", found.collect())
}

fn list_service_access(request: &mut Request<'_>) -> Answer {
    let organization = managed(request)?;
    let enabled = time(request.now);
    let shown = |name: &String| (name.clone(), json!({"ServicePrincipal": name, "DateEnabled": enabled}));
    let services = organization.trusted_services.iter().map(shown).collect();
    listed(request, organization, "EnabledServicePrincipals", services)
}
