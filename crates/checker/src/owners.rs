//! Who is emailed about the keys of a report.
//!
//! Owns the question to Account Management for an account's security contact, which is asked only if there are keys that
//! would go to it. Which key has which owner, and the words, are `keyage`'s.

use aws_sdk_account::config::retry::RetryConfig;
use aws_sdk_account::types::AlternateContactType;
use futures::StreamExt;
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

/// Contacts that are asked for at once.
const CONTACTS: usize = 4;

/// The emails to owners that a run with these reports sends, and the record of them as if all were sent. `client` is asked
/// for the security contacts of accounts if the settings say that keys without an owner go there; `own` is the account
/// that its credentials belong to.
pub async fn emails_to_owners(
    client: &aws_sdk_account::Client,
    own: &str,
    reports: &[&Report],
    owners: &Owners,
    settings: &Settings,
    context: &Context,
    deadline: Option<Instant>,
) -> (Vec<OwnerEmail>, OwnersInformed) {
    let sort_by = |contacts: &Contacts| sort(reports.iter().copied(), owners, settings, context.window, contacts);
    let mut contacts = Contacts::new();
    let mut sorted = sort_by(&contacts);
    if owners.fallback == Fallback::Account && !sorted.accounts_without_owner.is_empty() {
        let ask = |account: &&str| {
            let (account, other) = ((*account).to_owned(), (**account != *own).then(|| (*account).to_owned()));
            async move { (account, security_contact(client, other, owners, deadline).await) }
        };
        let asked: Vec<_> = sorted.accounts_without_owner.iter().map(ask).collect();
        contacts = futures::stream::iter(asked).buffer_unordered(CONTACTS).collect().await;
        sorted = sort_by(&contacts);
    }
    let emails = owner_emails(&sorted.letters, settings, context);
    let informed = OwnersInformed::new(&emails, &sorted, &contacts, &settings.owner_tag);
    (emails, informed)
}

/// The security contact of an account: the caller's own, unless another is named. Account Management refuses the
/// management account of an organization if it names itself, so the own account is never named (API reference,
/// GetAlternateContact).
async fn security_contact(
    client: &aws_sdk_account::Client,
    other: Option<String>,
    owners: &Owners,
    deadline: Option<Instant>,
) -> Contact {
    let config = client.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
    let client = aws_sdk_account::Client::from_conf(config.build());
    let rate = CallRate::new();
    let call =
        client.get_alternate_contact().alternate_contact_type(AlternateContactType::Security).set_account_id(other);
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
