//! What SES holds in a region, the emails it has sent, and an account's alternate contacts. Knows nothing of requests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// SES in one region: in its own sandbox until it is moved out.
#[derive(Clone, Debug, Default)]
pub struct Ses {
    /// Addresses and domains that can send once they are verified, by name.
    pub identities: BTreeMap<String, EmailIdentity>,
    /// The configuration sets that exist.
    pub configuration_sets: BTreeSet<String>,
    /// Whether the account is out of SES's sandbox here, and so can write to addresses that are not verified.
    pub production: bool,
    /// Whether sending is paused.
    pub paused: bool,
    /// Addresses that SES accepts and does not deliver to, because they bounced or complained.
    pub suppressed: BTreeSet<String>,
    /// When recipients were written to in the last 24 hours.
    pub sent: Vec<Timestamp>,
}

/// An address or a domain that SES can send from.
#[derive(Clone, Debug, Default)]
pub struct EmailIdentity {
    /// Whether its owner has proved to have it.
    pub verified: bool,
    /// The configuration set for emails that name none.
    pub configuration_set: Option<String>,
}

impl Ses {
    /// The identity that is used for an address: the address itself, its domain, or the nearest domain above that
    /// (SES Developer Guide, "Verified identities").
    #[must_use]
    pub fn identity_of(&self, address: &str) -> Option<(&str, &EmailIdentity)> {
        let mut name = address.to_ascii_lowercase();
        loop {
            let known = |(known, _): &(&String, &EmailIdentity)| known.eq_ignore_ascii_case(&name);
            if let Some((known, identity)) = self.identities.iter().find(known) {
                return Some((known, identity));
            }
            let (_, rest) = name.split_once('@').or_else(|| name.split_once('.'))?;
            name = rest.to_owned();
        }
    }

    /// Whether an address, or a domain that it is in, is verified.
    #[must_use]
    pub fn is_verified(&self, address: &str) -> bool {
        self.identity_of(address).is_some_and(|(_, identity)| identity.verified)
    }
}

/// An email that SES accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Its id.
    pub id: String,
    /// The region it was sent from.
    pub region: String,
    /// The sender.
    pub from: String,
    /// The recipients, in all of To, Cc and Bcc.
    pub to: Vec<String>,
    /// Those whom it did not reach, because SES suppresses their address.
    pub suppressed: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text part; empty if there is none.
    pub text: String,
    /// The HTML part; empty if there is none.
    pub html: String,
    /// The configuration set that it was sent with.
    pub configuration_set: Option<String>,
    /// When it was sent.
    pub at: Timestamp,
}

/// Whom AWS writes to about an account, besides its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlternateContact {
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The telephone number.
    pub phone: String,
    /// The title.
    pub title: String,
}
