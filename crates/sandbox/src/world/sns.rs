//! SNS's state, and what it has sent. Knows nothing of requests.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Tags;
use crate::clock::later;

/// How long an unconfirmed subscription lives (SNS developer guide, "Confirming a subscription").
const CONFIRMATION_WINDOW: Duration = Duration::from_secs(48 * 3600);

/// An SNS topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The attributes that were set: `DisplayName`, `Policy`, `KmsMasterKeyId`, …
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// When it was created.
    pub created: Timestamp,
    /// How many of its subscriptions were deleted.
    pub subscriptions_deleted: u64,
}

/// An SNS subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its ARN, which lists hide while it is pending.
    pub arn: String,
    /// The topic's ARN.
    pub topic_arn: String,
    /// `email`, `sqs`, `https`, …
    pub protocol: String,
    /// The address, URL, number or ARN.
    pub endpoint: String,
    /// The account that asked for it.
    pub owner: String,
    /// The attributes that were set: `FilterPolicy`, `RawMessageDelivery`, …
    pub attributes: BTreeMap<String, String>,
    /// Whether its owner has confirmed it.
    pub confirmed: bool,
    /// Whether it was confirmed by an authenticated call that asked for `AuthenticateOnUnsubscribe`.
    pub authenticated: bool,
    /// What confirms it.
    pub token: String,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it goes because its topic is gone.
    pub ends: Option<Timestamp>,
}

impl Subscription {
    /// Whether it was never confirmed and its time is up, or its topic went some time ago.
    #[must_use]
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        let gone = self.ends.is_some_and(|end| end <= now);
        gone || !self.confirmed && later(self.requested, CONFIRMATION_WINDOW) <= now
    }
}

/// What a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Asks whether the address wants the subscription.
    Confirmation,
    /// A published message.
    Notification,
}

/// An e-mail as SNS sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What it is for.
    pub kind: MailKind,
    /// The sender as a mail program shows it.
    pub from: String,
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text, with SNS's footer.
    pub body: String,
    /// When it was sent.
    pub at: Timestamp,
    /// The topic it comes from.
    pub topic_arn: String,
    /// The message as it was published to this protocol, without the footer; empty in a confirmation mail.
    pub message: String,
    /// The link that confirms the subscription, in a confirmation mail.
    pub confirm_link: Option<String>,
    /// The link that ends the subscription, in a notification.
    pub unsubscribe_link: Option<String>,
}

/// A message as it reached an endpoint that is not an e-mail address.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// `sqs`, `lambda`, `https`, `sms`, …
    pub protocol: String,
    /// The ARN, URL or number.
    pub endpoint: String,
    /// What arrived: SNS's JSON envelope, or the bare message.
    pub body: String,
    /// The message attributes: `{name: {"Type": …, "Value": …}}`.
    pub attributes: Value,
    /// The topic it comes from.
    pub topic_arn: String,
    /// When it arrived.
    pub at: Timestamp,
}
