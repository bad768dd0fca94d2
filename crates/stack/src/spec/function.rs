//! `[function]`: how the Lambda function runs, and what its environment and its log may be.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyminder_keyage::Architecture;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The settings of the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Function {
    /// The timeout in seconds, 1 to 900.
    pub timeout_seconds: u32,
    /// The memory in MB, 128 to 10240.
    pub memory_mb: u32,
    /// The processor architecture. `None`: the one that this build of keyminder carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// How many days CloudWatch Logs keeps the log: one of the values that it accepts.
    pub log_retention_days: u32,
    /// Additional environment variables.
    pub environment: BTreeMap<String, String>,
    /// The `CodeSha256` of other builds' packages that may stay installed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_code: Vec<String>,
}

impl Default for Function {
    fn default() -> Self {
        Self {
            // A run is billed for the time it takes, and a throttled account at the user quota needs most of this.
            timeout_seconds: 900,
            memory_mb: 256,
            architecture: None,
            log_retention_days: 90,
            environment: BTreeMap::new(),
            trusted_code: Vec::new(),
        }
    }
}

/// The retention periods that CloudWatch Logs accepts, in days (API reference, PutRetentionPolicy).
const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The variables that Lambda sets itself (Lambda Developer Guide, "Defined runtime environment variables").
const RESERVED_VARIABLES: [&str; 15] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
];

impl Function {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |setting: &str, message: String| {
            problems.push(Problem::new(format!("function.{setting}"), message));
        };
        if !(1..=900).contains(&self.timeout_seconds) {
            add("timeout_seconds", format!("{} is not between 1 and 900 seconds", self.timeout_seconds));
        }
        if !(128..=10_240).contains(&self.memory_mb) {
            add("memory_mb", format!("{} is not between 128 and 10240 MB", self.memory_mb));
        }
        if !RETENTION_DAYS.contains(&self.log_retention_days) {
            let known: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
            let message = format!(
                "CloudWatch Logs cannot keep logs for {} days. Use one of {}",
                self.log_retention_days,
                known.join(", ")
            );
            add("log_retention_days", message);
        }
        for hash in &self.trusted_code {
            if BASE64_STANDARD.decode(hash).is_ok_and(|bytes| bytes.len() == 32) {
                continue;
            }
            add("trusted_code", format!("'{hash}' is not a CodeSha256: 32 bytes in base64, as Lambda shows it"));
        }
        for (name, value) in &self.environment {
            if RESERVED_VARIABLES.contains(&name.as_str()) {
                add("environment", format!("'{name}' is reserved: Lambda sets it itself"));
            } else if !is_variable(name) {
                let form = "use letters, digits and underscores, at least two characters, beginning with a letter";
                add("environment", format!("'{name}' is not a valid name for a Lambda environment variable: {form}"));
            }
            if value.len() > 1024 {
                add("environment", format!("the value of {name} is longer than 1024 bytes"));
            }
        }
        problems
    }

    /// What has no effect.
    pub(super) fn warnings(&self) -> Vec<Problem> {
        let proxies = self
            .environment
            .keys()
            .filter(|name| PROXY_VARIABLES.iter().any(|variable| variable.eq_ignore_ascii_case(name)));
        let message = |name| {
            format!(
                "{name} has no effect: the function reaches AWS directly from Lambda's network and reads no proxy variables"
            )
        };
        proxies.map(|name| Problem::new("function.environment", message(name))).collect()
    }
}

/// Variables that send other programs through a proxy.
const PROXY_VARIABLES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Lambda API reference, Environment.
fn is_variable(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
