//! Who is emailed about the keys of a report.
//!
//! Owns the question to Account Management for an account's security contact, which is asked only if there are keys that
//! would go to it. Which key has which owner, and the words, are `keyage`'s.

use aws_sdk_account::config::retry::RetryConfig;
use aws_sdk_account::types::AlternateContactType;
use keyminder_keyage::notice::{Context, OwnersInformed, owner_emails};
use keyminder_keyage::owners::sort::sort;
use keyminder_keyage::owners::{Address, Contact, Contacts};
use keyminder_keyage::{Fallback, OwnerEmail, Owners, Report, Settings, Untrusted};
use tokio::time::Instant;

use crate::bounded::BoundedAnswers;
use crate::call::{attempt, retried};
use crate::call_rate::CallRate;
use crate::mailer::{TIME_IS_UP, in_words};
use crate::publisher::by;

/// The emails to owners that a run with this report sends, and the record of them as if all were sent. `client` is asked
/// for the account's security contact if the settings say that keys without an owner go there.
pub async fn emails_to_owners(
    client: &aws_sdk_account::Client,
    report: &Report,
    owners: &Owners,
    settings: &Settings,
    context: &Context,
    deadline: Option<Instant>,
) -> (Vec<OwnerEmail>, OwnersInformed) {
    let reports = std::slice::from_ref(report);
    let sort_by = |contacts: &Contacts| sort(reports, owners, settings, context.window, contacts);
    let mut contacts = Contacts::new();
    let mut sorted = sort_by(&contacts);
    if owners.fallback == Fallback::Account && !sorted.accounts_without_owner.is_empty() {
        contacts.insert(report.account.clone(), security_contact(client, owners, deadline).await);
        sorted = sort_by(&contacts);
    }
    let emails = owner_emails(&sorted.letters, settings, context);
    let informed = OwnersInformed::new(&emails, &sorted, &contacts, &settings.owner_tag);
    (emails, informed)
}

/// The security contact of the account that the function runs in. Account Management refuses the management account
/// of an organization if it names itself, so no account is named (API reference, GetAlternateContact).
async fn security_contact(client: &aws_sdk_account::Client, owners: &Owners, deadline: Option<Instant>) -> Contact {
    let config = client.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
    let client = aws_sdk_account::Client::from_conf(config.build());
    let rate = CallRate::new();
    let call = client.get_alternate_contact().alternate_contact_type(AlternateContactType::Security);
    let answer = match by(deadline, retried(&rate, attempt!(call.clone()))).await {
        None => return Contact::Unknown(TIME_IS_UP.to_owned()),
        Some(Err(failure)) if failure.code == "ResourceNotFoundException" => {
            return Contact::Unknown("the account has none".to_owned());
        }
        Some(Err(failure)) => return Contact::Unknown(in_words(&failure)),
        Some(Ok(answer)) => answer,
    };
    let text = answer.alternate_contact.and_then(|contact| contact.email_address).unwrap_or_default();
    let shown = || Untrusted::without_links(&text).cut(254);
    match Address::parse(&text) {
        Err(reason) => Contact::Unknown(format!("{} cannot be emailed: {reason}", shown())),
        Ok(address) if !owners.includes(&address) => {
            Contact::Unknown(format!("the address {} is not in owners.domains", shown()))
        }
        Ok(address) => Contact::Known(address),
    }
}
