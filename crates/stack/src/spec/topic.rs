//! `[topic]`: the name that emails come from, and the key that encrypts the topic.

use serde::{Deserialize, Serialize};

use super::kms_key::KmsKey;
use super::problem::Problem;
use crate::names::Names;

/// The settings of the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// The display name: the sender's name in emails.
    pub display_name: String,
    /// The KMS key that encrypts the topic: an id, ARN or alias. `None`: not encrypted at rest with a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
}

impl Default for Topic {
    fn default() -> Self {
        Self { display_name: "IAM access keys".to_owned(), kms_key: None }
    }
}

const KEY: &str = "topic.kms_key";

impl Topic {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.display_name.chars().count() > 100 || self.display_name.chars().any(char::is_control) {
            let message = "a display name has at most 100 characters and no line breaks";
            problems.push(Problem::new("topic.display_name", message));
        }
        if let Some(Err(message)) = self.kms_key.as_deref().map(KmsKey::parse) {
            problems.push(Problem::new(KEY, message));
        }
        problems
    }

    /// What is wrong with it in one account and region.
    pub(super) fn problems_in(&self, names: &Names) -> Vec<Problem> {
        let message = self.kms_key().and_then(|key| key.problem_in(names));
        message.map(|message| Problem::new(KEY, message)).into_iter().collect()
    }

    /// The key, if it is named as KMS names keys.
    pub(crate) fn kms_key(&self) -> Option<KmsKey<'_>> {
        self.kms_key.as_deref().and_then(|text| KmsKey::parse(text).ok())
    }
}
