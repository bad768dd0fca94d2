//! The state of EventBridge, CloudWatch Logs and SQS. Knows nothing of requests.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::Value;

use super::Tags;

/// An EventBridge rule of the default bus.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `rate(1 day)`, `cron(0 8 * * ? *)`; empty where it has only a pattern.
    pub schedule: String,
    /// Its event pattern, empty where it has only a schedule.
    pub pattern: String,
    /// Its description, empty for none.
    pub description: String,
    /// The ARN of its role, empty for none.
    pub role: String,
    /// Whether it fires.
    pub enabled: bool,
    /// Its tags.
    pub tags: Tags,
    /// Its targets by id.
    pub targets: BTreeMap<String, Target>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last fired, put or enabled: rates count from there.
    pub last: Timestamp,
    /// How often it fired.
    pub fired: u64,
    /// How often a target could not be invoked, for want of permission say.
    pub failed_invocations: u64,
}

/// A target of a rule.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// The ARN it invokes.
    pub arn: String,
    /// All that was sent for it, as the API shapes it (`Input`, `RetryPolicy`, `DeadLetterConfig`, …).
    pub settings: Value,
}

/// A log group.
#[derive(Clone, Debug)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Days, or for ever.
    pub retention: Option<u64>,
    /// Its tags.
    pub tags: Tags,
    /// The ARN of its KMS key, if any.
    pub kms_key: Option<String>,
    /// `STANDARD` or `INFREQUENT_ACCESS`.
    pub class: String,
    /// When it was created.
    pub created: Timestamp,
    /// Its streams by name.
    pub streams: BTreeMap<String, LogStream>,
}

/// A log stream.
#[derive(Clone, Debug)]
pub struct LogStream {
    /// When it was created.
    pub created: Timestamp,
    /// Its events, in order of arrival.
    pub events: Vec<LogEvent>,
}

/// A log event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened.
    pub at: Timestamp,
    /// Its text.
    pub message: String,
}

/// An SQS queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// What waits in it.
    pub messages: VecDeque<Message>,
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its text.
    pub body: String,
    /// Its attributes, as the API shapes them.
    pub attributes: Value,
    /// When it was sent.
    pub sent: Timestamp,
    /// Until when it is hidden from receivers.
    pub hidden_until: Timestamp,
    /// How often it was received.
    pub received: u64,
}
