//! Lambda's state. Knows nothing of requests, nor of how a function is run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Tags, World};

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `provided.al2023`, …
    pub runtime: String,
    /// The ARN of its role.
    pub role: String,
    /// The id the role had when the function was last given it. Lambda's grant on the key that encrypts the
    /// environment is made out to that id.
    pub role_id: String,
    /// `bootstrap`, `index.handler`, …
    pub handler: String,
    /// Its description, empty for none.
    pub description: String,
    /// Seconds.
    pub timeout: u64,
    /// Megabytes.
    pub memory: u64,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The settings that are kept and answered but mean nothing here, as the API shapes them: `KMSKeyArn`,
    /// `TracingConfig`, `Layers` (a list of `{"Arn": …}`), `DeadLetterConfig`, `VpcConfig`, `FileSystemConfigs`,
    /// `EphemeralStorage`, `LoggingConfig`, `TenancyConfig`, `PackageType`.
    pub settings: BTreeMap<String, Value>,
    /// Its tags.
    pub tags: Tags,
    /// The deployment package.
    pub code: Arc<Vec<u8>>,
    /// The package's SHA-256 in base64.
    pub code_sha256: String,
    /// Changes with every change.
    pub revision: String,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When it is, or became, `Active`.
    pub active_at: Timestamp,
    /// When its last update is, or was, done.
    pub updated_at: Timestamp,
    /// Why it is in the state `Failed`, if it is.
    pub failed: Option<String>,
    /// Why its last update failed, if it did.
    pub update_failed: Option<String>,
    /// The statements of its resource policy.
    pub statements: Vec<Value>,
    /// Its reserved concurrency.
    pub concurrency: Option<u64>,
    /// How it treats asynchronous invocations.
    pub invoke_settings: Option<InvokeSettings>,
}

/// How asynchronous invocations are treated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvokeSettings {
    /// How often a failed one is repeated; 2 where not set.
    pub retries: Option<u64>,
    /// How old one may get, in seconds; six hours where not set.
    pub max_age: Option<u64>,
    /// The ARN told of failures.
    pub on_failure: Option<String>,
    /// The ARN told of successes.
    pub on_success: Option<String>,
    /// When this was last changed.
    pub modified: Timestamp,
}

impl Function {
    /// Puts other code into it.
    pub(crate) fn replace_code(&mut self, code: Vec<u8>) {
        self.code_sha256 = crate::names::sha256_base64(&code);
        self.code = Arc::new(code);
    }

    /// `Pending`, `Active` or `Failed`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match self {
            _ if self.failed.is_some() => "Failed",
            _ if now < self.active_at => "Pending",
            _ => "Active",
        }
    }

    /// `InProgress`, `Successful` or `Failed`.
    #[must_use]
    pub fn update_status(&self, now: Timestamp) -> &'static str {
        match self {
            _ if self.update_failed.is_some() => "Failed",
            _ if now < self.updated_at => "InProgress",
            _ => "Successful",
        }
    }
}

/// A function put in place by hand, past every check: on a runtime that cannot be created any more, say.
#[derive(Clone, Debug)]
pub struct Plant {
    /// The region.
    pub region: String,
    /// The function's name.
    pub name: String,
    /// The runtime: `nodejs6.10`.
    pub runtime: String,
    /// The handler: `index.handler`.
    pub handler: String,
    /// The role's ARN; the role need not exist.
    pub role: String,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// Any bytes.
    pub code: Vec<u8>,
}

impl World {
    /// Puts a function in place that no `CreateFunction` would make, active at once, and gives it back for changes.
    pub fn plant_function(&mut self, plant: Plant, now: Timestamp) -> &mut Function {
        let arn = self.arn("lambda", &plant.region, &format!("function:{}", plant.name));
        let role = self.iam.role_by_arn(&plant.role);
        let function = Function {
            name: plant.name.clone(),
            arn,
            runtime: plant.runtime,
            role_id: role.map(|role| role.id.clone()).unwrap_or_default(),
            role: plant.role,
            handler: plant.handler,
            description: String::new(),
            timeout: 3,
            memory: 128,
            architecture: "x86_64".into(),
            environment: plant.environment,
            settings: BTreeMap::new(),
            tags: plant.tags,
            code_sha256: crate::names::sha256_base64(&plant.code),
            code: Arc::new(plant.code),
            revision: self.ids.uuid(),
            modified: now,
            active_at: now - Duration::from_secs(1),
            updated_at: now - Duration::from_secs(1),
            failed: None,
            update_failed: None,
            statements: Vec::new(),
            concurrency: None,
            invoke_settings: None,
        };
        let functions = &mut self.regions.entry(plant.region).or_default().functions;
        functions.remove(&plant.name);
        functions.entry(plant.name).or_insert(function)
    }
}
