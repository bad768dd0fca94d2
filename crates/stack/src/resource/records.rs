//! The records of our subscriptions: tags on the topic, as a subscription cannot be tagged.
//!
//! Owns how a record is written and read. It asks AWS nothing.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::installation::Installation;
use crate::ownership::{SUBSCRIPTION, Tags};
use crate::subscription::without_password;

/// `email ops@example.com`: what a subscription is known by, in plans and here.
pub(crate) fn key(protocol: &str, endpoint: &str) -> String {
    format!("{protocol} {}", without_password(endpoint))
}

/// The topic's tag that records a subscription as ours, with the time it was made as value: a pending one lapses 48
/// hours after. The key follows where it can be part of a tag, so that one that is gone can be named.
pub(crate) fn record(key: &str) -> (String, String) {
    // The second that has begun: a moment to come would promise more than 48 hours.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let with_key = format!("{now} {key}");
    // A URL's path or query can be a secret as well as its password can, and anyone who reads tags would read it.
    let is_url = key.contains("://");
    let fits = !is_url
        && with_key.len() <= 256
        && with_key.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c));
    (record_key(key), if fits { with_key } else { now.to_string() })
}

/// The records of everything that is declared, for a topic that is only now being made.
pub(crate) fn of_declared(install: &Installation) -> Tags {
    let declared = install.spec.notify.recipients().unwrap_or_default();
    declared.iter().map(|subscription| record(&key(subscription.protocol.as_str(), &subscription.endpoint))).collect()
}

/// Endpoints are longer than tag keys and hold characters that those may not.
pub(crate) fn record_key(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    hash.iter().take(8).fold(SUBSCRIPTION.to_owned(), |tag, byte| format!("{tag}{byte:02x}"))
}

/// Whether the topic's tags record a subscription as ours.
pub(crate) fn has(tags: &Tags, key: &str) -> bool {
    tags.contains_key(&record_key(key))
}

/// When a recorded subscription was made.
pub(crate) fn made_at(tags: &Tags, key: &str) -> Option<Timestamp> {
    tags.get(&record_key(key))?.split(' ').next()?.parse().ok()
}

/// The protocol and endpoint of each recorded subscription, where they could be told: `("", "")` where not.
pub(crate) fn all(tags: &Tags) -> impl Iterator<Item = (&str, (&str, &str))> {
    tags.iter().filter(|(tag, _)| tag.starts_with(SUBSCRIPTION)).map(|(tag, value)| {
        let (_, key) = value.split_once(' ').unwrap_or_default();
        (tag.as_str(), key.split_once(' ').unwrap_or_default())
    })
}
