//! SES (API version 2): sending one email, the identities that can send, and the account's own state.
//!
//! Templates and raw messages are not done, nor is the sending rate: throttling is a fault or the sandbox's rate limit.

use axum::http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Operation, Request, Site, read, write};
use crate::permission::Need;
use crate::protocol::{Answer, AwsError, json_body, texts};
use crate::world::{Email, EmailIdentity, Ses};

pub(crate) const OPERATIONS: &[Operation] = &[
    write("SendEmail", sender_arns, send),
    read("GetEmailIdentity", identity_arn, get_identity),
    write("CreateEmailIdentity", identity_arn, create_identity),
    write("DeleteEmailIdentity", identity_arn, delete_identity),
    read("GetAccount", super::anything, account),
    write("PutSuppressedDestination", super::anything, suppress),
];

/// An email has at most so many recipients (SES Developer Guide, "Service quotas").
const MOST_RECIPIENTS: usize = 50;
/// Recipients in 24 hours and emails in a second: in SES's sandbox, and where an account usually starts out of it.
const SANDBOX_QUOTA: (usize, u32) = (200, 1);
const PRODUCTION_QUOTA: (usize, u32) = (50_000, 14);

/// The operation that a method and a path are, and its parameters.
pub(crate) fn route(method: &Method, path: &str, body: &[u8]) -> Result<(String, Value), serde_json::Error> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut value = json_body(body)?;
    let name = match (method.as_str(), &parts[..]) {
        ("POST", ["v2", "email", "outbound-emails"]) => "SendEmail",
        ("GET", ["v2", "email", "account"]) => "GetAccount",
        ("POST", ["v2", "email", "identities"]) => "CreateEmailIdentity",
        ("PUT", ["v2", "email", "suppression", "addresses"]) => "PutSuppressedDestination",
        (verb @ ("GET" | "DELETE"), ["v2", "email", "identities", identity]) => {
            value["EmailIdentity"] = (*identity).into();
            if verb == "GET" { "GetEmailIdentity" } else { "DeleteEmailIdentity" }
        }
        (method, _) => return Ok((format!("{method} {path}"), value)),
    };
    Ok((name.to_owned(), value))
}

/// The address in what may be `Name <address>`.
fn bare(address: &str) -> &str {
    address.rsplit_once('<').map_or(address, |(_, rest)| rest.trim_end_matches('>')).trim()
}

fn recipients(destination: &Value) -> Vec<String> {
    let lists = ["ToAddresses", "CcAddresses", "BccAddresses"];
    let all = lists.iter().flat_map(|list| texts(destination[list].as_array().map_or(&[], Vec::as_slice)));
    all.map(|address| bare(&address).to_owned()).collect()
}

fn identity_arn(site: &Site<'_>) -> Vec<String> {
    vec![site.arn("ses", &format!("identity/{}", site.text("EmailIdentity")))]
}

/// The sender's identity; the address itself where there is none.
fn sender_arns(site: &Site<'_>) -> Vec<String> {
    let from = bare(site.text("FromEmailAddress"));
    let identity = ses_of(site).and_then(|ses| ses.identity_of(from)).map_or(from, |(identity, _)| identity);
    vec![site.arn("ses", &format!("identity/{identity}"))]
}

fn ses_of<'a>(site: &'a Site<'_>) -> Option<&'a Ses> {
    site.world.regions.get(site.region).map(|region| &region.ses)
}

/// The configuration set that an email is sent with: the one that it names, or that of the sender's identity.
fn configuration_set(ses: Option<&Ses>, from: &str, named: Option<&str>) -> Option<String> {
    let default = || ses?.identity_of(from)?.1.configuration_set.clone();
    named.map(str::to_owned).or_else(default)
}

/// What else sending an email needs: the configuration set, and the identities of recipients that are verified here
/// too. With the same conditions as the sender's identity.
pub(crate) fn further_needs(site: &Site<'_>, first: &Need) -> Vec<Need> {
    let (ses, from) = (ses_of(site), bare(site.text("FromEmailAddress")));
    let set = configuration_set(ses, from, site.input.text("ConfigurationSetName"));
    let sets = set.into_iter().map(|set| format!("configuration-set/{set}"));
    let recipients = recipients(site.input.at("Destination"));
    let verified = recipients.iter().filter_map(|address| ses?.identity_of(address));
    let identities = verified.filter(|(_, identity)| identity.verified).map(|(name, _)| format!("identity/{name}"));
    let on = |resource: String| Need { resources: vec![site.arn("ses", &resource)], ..first.clone() };
    sets.chain(identities).map(on).collect()
}

/// The condition keys of an email (Service Authorization Reference, "Condition keys for Amazon Simple Email Service
/// v2").
pub(crate) fn conditions(site: &Site<'_>) -> Vec<(&'static str, Vec<String>)> {
    let sender = site.text("FromEmailAddress");
    let name = sender.rsplit_once('<').map(|(name, _)| name.trim().trim_matches('"').to_owned());
    vec![
        ("ses:FromAddress", vec![bare(sender).to_owned()]),
        ("ses:FromDisplayName", name.into_iter().collect()),
        ("ses:Recipients", recipients(site.input.at("Destination"))),
    ]
}

fn missing(identity: &str) -> AwsError {
    AwsError::new("NotFoundException", format!("Email identity {identity} does not exist.")).status(404)
}

fn send(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (from, to) = (bare(&input.required("FromEmailAddress")?).to_owned(), recipients(input.at("Destination")));
    let simple = &input.at("Content")["Simple"];
    if simple.is_null() {
        let message = "The sandbox does not send templates and raw messages.";
        return Err(AwsError::new("NotImplemented", message).status(501));
    }
    let part = |value: &Value| value["Data"].as_str().unwrap_or_default().to_owned();
    let (subject, text, html) =
        (part(&simple["Subject"]), part(&simple["Body"]["Text"]), part(&simple["Body"]["Html"]));
    if text.is_empty() && html.is_empty() {
        return Err(input.invalid("Missing required message body."));
    }
    if to.is_empty() {
        return Err(input.invalid("Missing required recipient."));
    }
    if to.len() > MOST_RECIPIENTS {
        return Err(input.invalid(format!("Recipient count exceeds {MOST_RECIPIENTS}.")));
    }
    if let Some(bad) = to.iter().chain([&from]).find(|address| !is_address(address)) {
        return Err(input.invalid(format!("Local address contains control or whitespace, or lacks a domain: {bad}")));
    }
    let named = input.text("ConfigurationSetName").map(str::to_owned);
    let (now, region) = (request.now, request.region.to_owned());
    let ses = &mut request.here().ses;
    let set = configuration_set(Some(ses), &from, named.as_deref());
    check_set(ses, set.as_deref())?;
    if ses.paused {
        let message = "Email sending is paused for this account.";
        return Err(AwsError::new("SendingPausedException", message));
    }
    let checked = [&from].into_iter().chain(to.iter().filter(|_| !ses.production));
    let unverified: Vec<&str> = checked.filter(|address| !ses.is_verified(address)).map(String::as_str).collect();
    if !unverified.is_empty() {
        let message = format!(
            "Email address is not verified. The following identities failed the check in region {}: {}",
            region.to_uppercase(),
            unverified.join(", ")
        );
        return Err(AwsError::new("MessageRejected", message));
    }
    ses.sent.retain(|at| is_of_last_day(*at, now));
    if ses.sent.len() + to.len() > quota(ses).0 {
        return Err(AwsError::new("TooManyRequestsException", "Daily message quota exceeded.").status(429));
    }
    ses.sent.extend(std::iter::repeat_n(now, to.len()));
    let suppressed =
        to.iter().filter(|address| ses.suppressed.contains(&address.to_ascii_lowercase())).cloned().collect();
    let id = request.world.ids.uuid();
    let answer = json!({ "MessageId": id });
    let email = Email { id, region, from, to, suppressed, subject, text, html, configuration_set: set, at: now };
    request.world.emails.push(email);
    Ok(answer)
}

fn check_set(ses: &Ses, set: Option<&str>) -> Result<(), AwsError> {
    match set.filter(|set| !ses.configuration_sets.contains(*set)) {
        None => Ok(()),
        Some(set) => {
            Err(AwsError::new("NotFoundException", format!("Configuration set <{set}> does not exist.")).status(404))
        }
    }
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether a recipient who was written to then counts towards the quota.
fn is_of_last_day(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).as_hours() < 24
}

fn quota(ses: &Ses) -> (usize, u32) {
    if ses.production { PRODUCTION_QUOTA } else { SANDBOX_QUOTA }
}

fn shown(name: &str, identity: &EmailIdentity) -> Value {
    let status = if identity.verified { "SUCCESS" } else { "PENDING" };
    let mut shown = json!({
        "IdentityType": if name.contains('@') { "EMAIL_ADDRESS" } else { "DOMAIN" },
        "FeedbackForwardingStatus": true,
        "VerifiedForSendingStatus": identity.verified,
        "VerificationStatus": status,
        "DkimAttributes": { "SigningEnabled": !name.contains('@'), "Status": status, "Tokens": [] },
        "MailFromAttributes": { "BehaviorOnMxFailure": "USE_DEFAULT_VALUE" },
        "Policies": {},
        "Tags": [],
    });
    if let Some(set) = &identity.configuration_set {
        shown["ConfigurationSetName"] = set.clone().into();
    }
    shown
}

fn get_identity(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("EmailIdentity")?;
    let found = request.here().ses.identities.get(&name);
    found.map(|identity| shown(&name, identity)).ok_or_else(|| missing(&name))
}

fn create_identity(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("EmailIdentity")?;
    let set = request.input.text("ConfigurationSetName").map(str::to_owned);
    let ses = &mut request.here().ses;
    if ses.identities.contains_key(&name) {
        return Err(AwsError::new("AlreadyExistsException", format!("Email identity {name} already exist.")));
    }
    check_set(ses, set.as_deref())?;
    let identity = EmailIdentity { verified: false, configuration_set: set };
    let whole = shown(&name, &identity);
    ses.identities.insert(name, identity);
    Ok(json!({
        "IdentityType": whole["IdentityType"],
        "VerifiedForSendingStatus": false,
        "DkimAttributes": whole["DkimAttributes"],
    }))
}

fn delete_identity(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("EmailIdentity")?;
    request.here().ses.identities.remove(&name).map(|_| json!({})).ok_or_else(|| missing(&name))
}

fn account(request: &mut Request<'_>) -> Answer {
    let now = request.now;
    let ses = &mut request.here().ses;
    let sent = ses.sent.iter().filter(|at| is_of_last_day(**at, now)).count();
    let (most, rate) = quota(ses);
    Ok(json!({
        "DedicatedIpAutoWarmupEnabled": false,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": ses.production,
        "SendQuota": { "Max24HourSend": most, "MaxSendRate": rate, "SentLast24Hours": sent },
        "SendingEnabled": !ses.paused,
        "SuppressionAttributes": { "SuppressedReasons": ["BOUNCE", "COMPLAINT"] },
    }))
}

fn suppress(request: &mut Request<'_>) -> Answer {
    let address = request.input.required("EmailAddress")?.to_ascii_lowercase();
    request.input.required("Reason")?;
    request.here().ses.suppressed.insert(address);
    Ok(json!({}))
}
