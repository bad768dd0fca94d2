//! The records of our subscriptions: tags on the topic, as a subscription cannot be tagged.
//!
//! Owns how a record is written and read. It asks AWS nothing.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::installation::Installation;
use crate::ownership::{NEW_TOPIC, SUBSCRIPTION, Tags};
use crate::subscription::without_password;

/// `email ops@example.com`: what a subscription is known by, in plans and here.
pub(crate) fn key(protocol: &str, endpoint: &str) -> String {
    format!("{protocol} {}", without_password(endpoint))
}

/// The topic's tag that records a subscription as ours, with the time it was made as value: a pending one lapses 48
/// hours after. The key follows where it can be part of a tag, so that one that is gone can be named.
pub(crate) fn record(key: &str) -> (String, String) {
    let now = now();
    let with_key = format!("{now} {key}");
    // A URL's path or query can be a secret as well as its password can, and anyone who reads tags would read it.
    let is_url = key.contains("://");
    let fits = !is_url
        && with_key.len() <= 256
        && with_key.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c));
    (record_key(key), if fits { with_key } else { now.to_string() })
}

/// The current second. A time in the future would promise more than 48 hours.
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

/// Subscriptions of a deleted topic are gone within this time. An older topic is no longer new, even if the run that
/// created it ended before it could remove the mark.
const NEW: SignedDuration = SignedDuration::from_hours(1);

/// The tag that marks a topic as just created.
pub(crate) fn new_topic() -> (String, String) {
    (NEW_TOPIC.to_owned(), now().to_string())
}

/// Whether subscriptions that are listed on the topic may belong to a deleted topic of the same name.
pub(crate) fn is_new(tags: &Tags) -> bool {
    let made = tags.get(NEW_TOPIC).and_then(|mark| mark.parse().ok());
    made.is_some_and(|made| now().duration_since(made).abs() < NEW)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_new_for_an_hour_and_only_by_a_mark_that_is_a_time() {
        let marked = |value: String| is_new(&Tags::from([(NEW_TOPIC.to_owned(), value)]));
        let before = |hours| (now() - SignedDuration::from_hours(hours)).to_string();
        assert!(is_new(&Tags::from([new_topic()])));
        assert!(!is_new(&Tags::new()));
        assert!(!marked(before(2)));
        assert!(!marked(before(-2)), "a mark in the future");
        assert!(!marked("yes".to_owned()));
    }
}
