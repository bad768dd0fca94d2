//! Account Management: an account's alternate contacts.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Operation, Request, Site, read, write};
use crate::protocol::{Answer, AwsError, json_body};
use crate::world::{AlternateContact, World};

pub(crate) const OPERATIONS: &[Operation] =
    &[read("GetAlternateContact", account_arn, get), write("PutAlternateContact", account_arn, put)];

const TYPES: [&str; 3] = ["BILLING", "OPERATIONS", "SECURITY"];

/// The operation that a method and a path are, and its parameters.
pub(crate) fn route(method: &Method, path: &str, body: &[u8]) -> Result<(String, Value), serde_json::Error> {
    let value = json_body(body)?;
    let name = match (method.as_str(), path.trim_matches('/')) {
        ("POST", "getAlternateContact") => "GetAlternateContact".to_owned(),
        ("POST", "putAlternateContact") => "PutAlternateContact".to_owned(),
        (method, _) => format!("{method} {path}"),
    };
    Ok((name, value))
}

/// The account itself, or a member of the caller's organization (Service Authorization Reference, "Resource types
/// defined by AWS Account Management").
fn account_arn(site: &Site<'_>) -> Vec<String> {
    match (site.input.text("AccountId"), &site.world.organization) {
        (Some(member), Some(organization)) => {
            vec![site.world.arn("account", "", &format!("account/{}/{member}", organization.id))]
        }
        _ => vec![site.world.arn("account", "", "account")],
    }
}

/// The condition key of contacts (Account Management Reference Guide, "account:AlternateContactTypes context key").
pub(crate) fn conditions(site: &Site<'_>) -> Vec<(&'static str, Vec<String>)> {
    vec![("account:AlternateContactTypes", vec![site.text("AlternateContactType").to_owned()])]
}

fn denied(message: &str) -> AwsError {
    AwsError::new("AccessDeniedException", message).status(403)
}

/// The account that is meant, which an account other than the management account and the delegated administrators can
/// say of itself alone.
fn asked<'a>(request: &'a mut Request<'_>) -> Result<&'a mut World, AwsError> {
    let (own, input) = (request.world.account.clone(), request.input);
    let Some(member) = input.text("AccountId") else { return Ok(request.world) };
    let organization = request.home().organization.as_ref();
    let Some(organization) = organization.filter(|organization| organization.accounts.contains_key(member)) else {
        return Err(denied("The account is not a member of your organization."));
    };
    let is_delegated =
        organization.delegated.get("account.amazonaws.com").is_some_and(|accounts| accounts.contains(&own));
    if member == organization.management_account {
        let message =
            "The management account can only be managed using the standalone context from the management account.";
        return Err(denied(message));
    }
    if own != organization.management_account && !is_delegated {
        return Err(denied("Only the management account and delegated administrators can name another account."));
    }
    if !organization.trusted_services.contains("account.amazonaws.com") {
        return Err(denied("Trusted access for AWS Account Management is not enabled in your organization."));
    }
    request.home_mut().account(member).ok_or_else(|| denied("No such account."))
}

fn kind(request: &Request<'_>) -> Result<String, AwsError> {
    let kind = request.input.required("AlternateContactType")?;
    if TYPES.contains(&kind.as_str()) {
        return Ok(kind);
    }
    Err(request.input.invalid(format!("Value '{kind}' at 'alternateContactType' must be one of {}", TYPES.join(", "))))
}

fn get(request: &mut Request<'_>) -> Answer {
    let kind = kind(request)?;
    let contact = asked(request)?.contacts.get(&kind).cloned();
    let Some(AlternateContact { email, name, phone, title }) = contact else {
        let message = "No contact of the inputted alternate contact type found.";
        return Err(AwsError::new("ResourceNotFoundException", message).status(404));
    };
    Ok(json!({ "AlternateContact": {
        "AlternateContactType": kind, "EmailAddress": email, "Name": name, "PhoneNumber": phone, "Title": title,
    }}))
}

fn put(request: &mut Request<'_>) -> Answer {
    let kind = kind(request)?;
    let contact = AlternateContact {
        email: request.input.required("EmailAddress")?,
        name: request.input.required("Name")?,
        phone: request.input.required("PhoneNumber")?,
        title: request.input.required("Title")?,
    };
    asked(request)?.contacts.insert(kind, contact);
    Ok(Value::Null)
}
