//! What a notice says about the emails to owners.
//!
//! Owns the record of who was emailed, and its section of the text. Who is emailed is in [`crate::owners::sort`].

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::draft::Draft;
use super::owner::OwnerEmail;
use super::text::{count, wrap};
use crate::owners::{Contact, Contacts, KeyId, Sorted};
use crate::untrusted::Untrusted;

/// Lines of each kind that are listed; the rest is counted.
const LISTED: usize = 20;

/// What became of the emails to owners in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnersInformed {
    /// The emails, in the order in which they were sent.
    pub emails: Vec<Emailed>,
    /// The keys that have no owner who can be emailed.
    pub without_owner: Vec<WithoutOwner>,
    /// Accounts whose security contact was to be emailed and could not be, each with the reason.
    pub contacts: Vec<(String, String)>,
}

/// One person and what became of their email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emailed {
    /// The address.
    pub to: String,
    /// Whether a tag names the address; otherwise it is an account's security contact.
    pub as_owner: bool,
    /// The keys that the email is about.
    pub keys: Vec<KeyId>,
    /// Why it was not sent; `None` if it was.
    pub failure: Option<String>,
}

/// A key that has no owner who can be emailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithoutOwner {
    /// The key.
    #[serde(flatten)]
    pub key: KeyId,
    /// Why, as a clause in which what others chose is made safe.
    pub reason: String,
}

impl OwnersInformed {
    /// The record of a run in which every email is sent. `tag` is the key of the owner tag.
    #[must_use]
    pub fn new(emails: &[OwnerEmail], sorted: &Sorted<'_>, contacts: &Contacts, tag: &str) -> Self {
        let emailed = |email: &OwnerEmail| Emailed {
            to: email.to.clone(),
            as_owner: email.as_owner,
            keys: email.keys.clone(),
            failure: None,
        };
        let without_owner = sorted.ownerless.iter();
        let unknown = contacts.iter().filter_map(|(account, contact)| match contact {
            Contact::Unknown(why) => Some((account.clone(), why.clone())),
            Contact::Known(_) => None,
        });
        Self {
            emails: emails.iter().map(emailed).collect(),
            without_owner: without_owner
                .map(|one| WithoutOwner { key: one.key.clone(), reason: one.why.reason(tag) })
                .collect(),
            contacts: unknown.collect(),
        }
    }

    /// The same record with a reason for each email that was not sent, in the order of the emails.
    #[must_use]
    pub fn with_outcomes(mut self, outcomes: &[Option<String>]) -> Self {
        for (email, outcome) in self.emails.iter_mut().zip(outcomes) {
            email.failure = outcome.as_deref().map(|text| Untrusted::new(text).cut(300));
        }
        self
    }
}

/// The part of a record that one notice is about.
struct Part<'a> {
    emails: Vec<(&'a Emailed, u32)>,
    without_owner: Vec<&'a WithoutOwner>,
    contact: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn of(draft: &Draft<'a>) -> Option<Self> {
        let informed = draft.context.owners.as_ref()?;
        let ids = draft.findings.iter().filter_map(|finding| finding.access_key_id.as_deref());
        let ids: BTreeSet<&str> = ids.collect();
        let is_in_it = |key: &KeyId| key.account == draft.report.account && ids.contains(key.access_key_id.as_str());
        let emails = informed.emails.iter().filter_map(|email| {
            let keys = email.keys.iter().filter(|key| is_in_it(key)).count();
            (keys > 0).then(|| (email, u32::try_from(keys).unwrap_or(u32::MAX)))
        });
        let without_owner: Vec<_> = informed.without_owner.iter().filter(|one| is_in_it(&one.key)).collect();
        let of_account = |(account, _): &&(String, String)| *account == draft.report.account;
        let contact = informed.contacts.iter().find(of_account).map(|(_, why)| why.as_str());
        let contact = contact.filter(|_| !without_owner.is_empty());
        let part = Self { emails: emails.collect(), without_owner, contact };
        (!part.emails.is_empty() || !part.without_owner.is_empty()).then_some(part)
    }
}

/// Adds who was emailed, who was not and why, and which keys have no owner.
pub(super) fn push(text: &mut String, draft: &Draft<'_>) {
    let Some(part) = Part::of(draft) else { return };
    text.push_str("\nOWNERS\n\n");
    let name = |email: &Emailed, keys: u32| {
        let whose = if email.as_owner { "" } else { ", the account's security contact" };
        format!("{}{whose} ({})", email.to, count(keys, "key"))
    };
    let sent: Vec<_> = part.emails.iter().filter(|(email, _)| email.failure.is_none()).collect();
    if !sent.is_empty() {
        let names: Vec<String> = sent.iter().take(LISTED).map(|(email, keys)| name(email, *keys)).collect();
        let more = rest(sent.len()).map(|more| format!(" and {more} more")).unwrap_or_default();
        text.push_str(&wrap(&format!("Emailed: {}{more}.", names.join(", ")), 0));
    }
    let failed: Vec<_> = part.emails.iter().filter(|(email, _)| email.failure.is_some()).collect();
    for (email, keys) in failed.iter().take(LISTED) {
        let why = email.failure.as_deref().unwrap_or_default();
        text.push_str(&wrap(&format!("NOT emailed: {}: {}.", name(email, *keys), why.trim_end_matches('.')), 0));
    }
    if let Some(more) = rest(failed.len()) {
        text.push_str(&format!("and {more} more who were not emailed\n"));
    }
    if let Some(why) = part.contact {
        text.push_str(&wrap(&format!("NOT emailed: the account's security contact: {why}."), 0));
    }
    for one in part.without_owner.iter().take(LISTED) {
        let (user, key) = (Untrusted::new(&one.key.user), &one.key.access_key_id);
        text.push_str(&wrap(&format!("No owner: user {user}, key {key}: {}.", one.reason), 0));
    }
    if let Some(more) = rest(part.without_owner.len()) {
        text.push_str(&format!("and {more} more without an owner\n"));
    }
}

fn rest(number: usize) -> Option<usize> {
    number.checked_sub(LISTED).filter(|more| *more > 0)
}

/// The lists of the document for programs, if owners are emailed.
pub(super) fn items(draft: &Draft<'_>) -> Vec<(&'static str, Value)> {
    let Some(part) = Part::of(draft) else { return Vec::new() };
    let emails = part.emails.into_iter().map(|(email, keys)| {
        let Emailed { to, as_owner, failure, .. } = email;
        ("owner_emails", json!({ "address": to, "as_owner": as_owner, "keys": keys, "failure": failure }))
    });
    let without = part.without_owner.into_iter().map(|one| {
        let KeyId { user, access_key_id, .. } = &one.key;
        ("without_owner", json!({ "user": user, "access_key_id": access_key_id, "reason": one.reason }))
    });
    emails.chain(without).collect()
}
