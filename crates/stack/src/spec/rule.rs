//! `[rule]`: what EventBridge does with events that it cannot deliver to the function.

use keyminder_keyage::arn::Arn;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::names::Names;

/// The settings of the rule, apart from its schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The ARN of the SQS queue that receives the events that EventBridge could not deliver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_queue: Option<String>,
}

const QUEUE: &str = "rule.dead_letter_queue";

impl Rule {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let message = self.dead_letter_queue.as_deref().and_then(queue_problem);
        message.map(|message| Problem::new(QUEUE, message)).into_iter().collect()
    }

    /// What is wrong with it in one account and region.
    pub(super) fn problems_in(&self, names: &Names) -> Vec<Problem> {
        let Some(arn) = &self.dead_letter_queue else { return Vec::new() };
        let Some(Arn { partition, region, .. }) = Arn::parse(arn) else { return Vec::new() };
        if (partition, region) == (names.partition.as_str(), names.region.as_str()) {
            return Vec::new();
        }
        let message = format!(
            "the queue is in {region} ({partition}), but EventBridge needs one in the rule's region, {} ({})",
            names.region, names.partition
        );
        vec![Problem::new(QUEUE, message)]
    }
}

/// EventBridge accepts a standard queue only (EventBridge User Guide, "Using dead-letter queues").
fn queue_problem(arn: &str) -> Option<String> {
    let not_one = || format!("'{arn}' is not the ARN of an SQS queue, such as arn:aws:sqs:eu-west-1:123456789012:name");
    let queue = Arn::parse(arn).filter(|arn| arn.service == "sqs" && !arn.region.is_empty());
    let Some(name) = queue.filter(|arn| arn.account_id().is_some()).map(|arn| arn.resource) else {
        return Some(not_one());
    };
    let name_is_one = (1..=80).contains(&name.len())
        && name.trim_end_matches(".fifo").bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !name_is_one {
        return Some(not_one());
    }
    name.ends_with(".fifo")
        .then(|| format!("'{arn}' is a FIFO queue, but EventBridge needs a standard queue for undelivered events"))
}
