//! Who is emailed about which keys, over all accounts.
//!
//! Owns how a tag becomes addresses, which keys an email is about, and which keys have no owner. It must not know the
//! words of an email, nor send any.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Address, Owners};
use crate::reminder::{self, Window};
use crate::report::{Finding, Report};
use crate::settings::{Inactive, Settings};
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// A tag that names more people than this names nobody: a key that everybody owns has no owner, and one tag must not be
/// able to send fifty emails.
const MOST_NAMED: usize = 5;

/// A key, by the account that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeyId {
    /// The account's id.
    pub account: String,
    /// The name of its user.
    pub user: String,
    /// Its own id.
    pub access_key_id: String,
}

/// Why nobody is emailed about a key as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoOwner {
    /// The user does not have the tag.
    Untagged,
    /// The user's tags could not be read, or are not to be.
    Unread,
    /// The tag has no address.
    NotAnAddress(String),
    /// The address in the tag is outside the domains.
    Outside(String),
    /// The tag names too many.
    TooMany(usize),
}

impl NoOwner {
    /// The reason as a clause, with what others chose made safe. `tag` is the key of the tag.
    #[must_use]
    pub fn reason(&self, tag: &str) -> String {
        let shown = |text: &str| Untrusted::without_links(text).cut(80);
        match self {
            Self::Untagged => format!("the user has no tag \"{tag}\""),
            Self::Unread => "the user's tags were not read".to_owned(),
            Self::NotAnAddress(text) => format!("the tag \"{tag}\" is not an email address: {}", shown(text)),
            Self::Outside(text) => {
                format!("the address in the tag \"{tag}\" is not in owners.domains: {}", shown(text))
            }
            Self::TooMany(number) => {
                format!("the tag \"{tag}\" names {number} people, and at most {MOST_NAMED} are emailed")
            }
        }
    }
}

/// A key that nobody is emailed about as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownerless {
    /// The key.
    pub key: KeyId,
    /// Why.
    pub why: NoOwner,
}

/// The security contact of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// Its address.
    Known(Address),
    /// The account has none that can be emailed, or it could not be read; why.
    Unknown(String),
}

/// The security contacts, by account.
pub type Contacts = BTreeMap<String, Contact>;

/// What one person is emailed: their keys, by account.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Who.
    pub to: Address,
    /// Whether tags of users name them.
    pub as_owner: bool,
    /// Whether they are the security contact of an account that has keys without an owner.
    pub as_contact: bool,
    /// The accounts with the keys in each, worst first.
    pub accounts: Vec<(&'a Report, Vec<&'a Finding>)>,
    /// Others who are named as owners of some of these keys.
    pub others: Vec<Address>,
}

impl<'a> Letter<'a> {
    /// All keys.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> {
        self.accounts.iter().flat_map(|(_, findings)| findings.iter().copied())
    }

    /// The keys by their ids.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyId> {
        let of = |(report, findings): &(&Report, Vec<&Finding>)| -> Vec<KeyId> {
            findings.iter().filter_map(|finding| key_id(report, finding)).collect()
        };
        self.accounts.iter().flat_map(of).collect()
    }
}

/// Who is emailed in a run, and which keys have no owner.
#[derive(Debug, Clone, Default)]
pub struct Sorted<'a> {
    /// The letters, the one with the key that is over its limit for longest first.
    pub letters: Vec<Letter<'a>>,
    /// The keys without an owner, account by account.
    pub ownerless: Vec<Ownerless>,
    /// The accounts in which some of these are to be reported by this run.
    pub accounts_without_owner: Vec<&'a str>,
}

/// Sorts the keys of a run by owner. An owner is emailed if this run reports one of their keys (see [`reminder`]), and
/// then about all of them. `contacts` are the contacts of accounts whose keys without an owner go to them.
#[must_use]
pub fn sort<'a>(
    reports: impl IntoIterator<Item = &'a Report>,
    owners: &Owners,
    settings: &Settings,
    window: Window,
    contacts: &Contacts,
) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    let mut letters: BTreeMap<Address, Draft<'a>> = BTreeMap::new();
    for report in reports {
        let mut is_due_without_owner = false;
        for finding in report.keys.iter().filter(|finding| is_for_its_owner(finding, settings)) {
            let due = reminder::reports(finding, settings, window);
            let why = match owners_of(report, finding, owners, settings) {
                Ok(addresses) => {
                    for address in &addresses {
                        let draft = letters.entry(address.clone()).or_default();
                        draft.add(report, finding, due);
                        draft.as_owner = true;
                        draft.others.extend(addresses.iter().filter(|other| *other != address).cloned());
                    }
                    continue;
                }
                Err(why) => why,
            };
            is_due_without_owner |= due;
            sorted.ownerless.extend(key_id(report, finding).map(|key| Ownerless { key, why }));
            if let Some(Contact::Known(address)) = contacts.get(&report.account) {
                let draft = letters.entry(address.clone()).or_default();
                draft.add(report, finding, due);
                draft.as_contact = true;
            }
        }
        if is_due_without_owner {
            sorted.accounts_without_owner.push(&report.account);
        }
    }
    let due = letters.into_iter().filter(|(_, draft)| draft.due);
    sorted.letters = due.map(|(to, draft)| draft.into_letter(to)).collect();
    let longest = |letter: &Letter<'_>| letter.findings().filter_map(|finding| finding.over_by_seconds).max();
    sorted.letters.sort_by_key(|letter| std::cmp::Reverse(longest(letter)));
    sorted
}

/// A letter that is being put together.
#[derive(Default)]
struct Draft<'a> {
    due: bool,
    as_owner: bool,
    as_contact: bool,
    accounts: Vec<(&'a Report, Vec<&'a Finding>)>,
    others: Vec<Address>,
}

impl<'a> Draft<'a> {
    fn add(&mut self, report: &'a Report, finding: &'a Finding, due: bool) {
        self.due |= due;
        match self.accounts.last_mut() {
            Some((known, findings)) if known.account == report.account => findings.push(finding),
            _ => self.accounts.push((report, vec![finding])),
        }
    }

    fn into_letter(mut self, to: Address) -> Letter<'a> {
        self.others.sort();
        self.others.dedup();
        let Self { as_owner, as_contact, accounts, others, .. } = self;
        Letter { to, as_owner, as_contact, accounts, others }
    }
}

/// Whether the owner can do something about it.
fn is_for_its_owner(finding: &Finding, settings: &Settings) -> bool {
    match finding.verdict {
        Verdict::Old | Verdict::Due => true,
        Verdict::Fresh => finding.unused_since.is_some(),
        Verdict::Inactive => settings.inactive == Inactive::Report && finding.over_limit,
        Verdict::Exempt | Verdict::Unknown => false,
    }
}

fn key_id(report: &Report, finding: &Finding) -> Option<KeyId> {
    let access_key_id = finding.access_key_id.clone()?;
    Some(KeyId { account: report.account.clone(), user: finding.user.clone(), access_key_id })
}

/// The people whom the tag names and who can be emailed: the words of the tag that are addresses in the domains.
fn owners_of(
    report: &Report,
    finding: &Finding,
    owners: &Owners,
    settings: &Settings,
) -> Result<Vec<Address>, NoOwner> {
    let Some(tag) = finding.owner.as_deref().map(str::trim).filter(|tag| !tag.is_empty()) else {
        let is_it = |error: &crate::ReadError| {
            error.operation == "iam:ListUserTags" && error.user.as_deref() == Some(finding.user.as_str())
        };
        let unread = !settings.read_user_tags || report.errors.iter().any(is_it);
        return Err(if unread { NoOwner::Unread } else { NoOwner::Untagged });
    };
    let words = tag.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|word| word.contains('@'));
    let mut addresses: Vec<Address> = words.filter_map(|word| Address::parse(word).ok()).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.len() > MOST_NAMED {
        return Err(NoOwner::TooMany(addresses.len()));
    }
    if addresses.is_empty() {
        return Err(NoOwner::NotAnAddress(tag.to_owned()));
    }
    addresses.retain(|address| owners.includes(address));
    if addresses.is_empty() { Err(NoOwner::Outside(tag.to_owned())) } else { Ok(addresses) }
}
