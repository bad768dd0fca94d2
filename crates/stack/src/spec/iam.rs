//! `[iam]`: where the role and the policy are created, and what limits the role.

use keyminder_keyage::arn::Arn;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The settings of the role and its policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Iam {
    /// The path of role and policy.
    pub path: String,
    /// The ARN of the role's permissions boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
}

impl Default for Iam {
    fn default() -> Self {
        Self { path: "/".to_owned(), permissions_boundary: None }
    }
}

impl Iam {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let path = &self.path;
        if !(path.starts_with('/') && path.ends_with('/'))
            || path.len() > 512
            || path.contains("//")
            || !path.bytes().all(|b| b.is_ascii_graphic())
        {
            let message = format!("'{path}' is not an IAM path: it begins and ends with a slash, as in /security/");
            problems.push(Problem::new("iam.path", message));
        }
        let is_policy =
            |arn: &str| Arn::parse(arn).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"));
        if let Some(arn) = self.permissions_boundary.as_ref().filter(|arn| !is_policy(arn)) {
            let message = format!("'{arn}' is not the ARN of an IAM policy");
            problems.push(Problem::new("iam.permissions_boundary", message));
        }
        problems
    }
}
