//! The function as a state: what is wanted of it, and GetFunction's answer in the same form.
//!
//! Owns which settings are ours, how they are grouped by the call that can change them, and what Lambda means by
//! leaving one out. It makes no call and knows no order of calls.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{
    Architecture, FunctionConfiguration, LastUpdateStatus, LogFormat, PackageType, Runtime, State as SdkState,
    TracingMode,
};
use keyminder_reconcile::{FieldChange, Meaning, PathPart};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::installation::Installation;
use crate::operate::InstalledCode;
use crate::ownership::{self, Tags};

/// Records which role the function's access to its encrypted environment was granted to.
pub(super) const ROLE_ID: &str = "keyminder:role-id";

/// Records what the code was compiled from. It explains a hash to people and proves nothing: anyone who may change the
/// code can usually change tags too.
pub(super) const CODE_SOURCE: &str = "keyminder:code";

/// Variables that repeat what other resources in the plan say.
const REPEATED: [&str; 3] = ["INSTALL", "SCHEDULE", "TOPIC_ARN"];

/// The tag that records which settings keyminder last wrote.
const SETTINGS: &str = "keyminder:settings";

/// All that we own of the function. The groups are flattened, so that paths in plans are the fields' own names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    #[serde(flatten)]
    pub(super) lifecycle: Lifecycle,
    #[serde(flatten)]
    pub(super) fixed: Fixed,
    #[serde(flatten)]
    pub(super) configuration: Configuration,
    #[serde(flatten)]
    pub(super) code: Code,
    pub(super) role_grant: Grant,
    /// The role that it should have, as it was when the function was looked at. Nothing to compare.
    #[serde(skip)]
    pub(super) role_id: Option<String>,
    /// Its code is another build's, and stays. Nothing to compare.
    #[serde(skip)]
    pub(super) keeps_code: bool,
    /// What its code claims to be compiled from. Nothing to compare.
    #[serde(skip)]
    pub(super) claims: Option<String>,
    /// Zero of them stops the function without a word.
    pub(super) reserved_concurrency: Option<i32>,
    pub(super) tags: Tags,
}

/// What became of the creation and of the last update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Lifecycle {
    pub(super) state: String,
    pub(super) last_update: String,
}

/// What only a creation can set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Fixed {
    pub(super) package_type: String,
    /// A function that isolates tenants is not invoked without a tenant's id, which a rule cannot give (Lambda
    /// Developer Guide, "Tenant isolation").
    pub(super) tenancy: Option<String>,
}

/// What UpdateFunctionConfiguration sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Configuration {
    pub(super) description: String,
    pub(super) runtime: String,
    pub(super) handler: String,
    pub(super) timeout_seconds: i32,
    pub(super) memory_mb: i32,
    pub(super) environment: BTreeMap<String, String>,
    /// The key that encrypts the environment; none: Lambda's own. A key that the role cannot use keeps the function
    /// from starting.
    pub(super) kms_key: Option<String>,
    pub(super) role: String,
    pub(super) layers: Vec<String>,
    pub(super) tracing: String,
    pub(super) subnets: Vec<String>,
    pub(super) file_systems: Vec<String>,
    pub(super) dead_letter_target: Option<String>,
    #[serde(flatten)]
    pub(super) logging: Logging,
}

/// Where the log goes and what of it: as JSON, lines below a level are dropped, the one that sums up a run among them
/// (Lambda Developer Guide, "Configuring advanced logging controls").
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Logging {
    pub(super) log_group: String,
    pub(super) log_format: String,
    pub(super) application_log_level: Option<String>,
    pub(super) system_log_level: Option<String>,
}

/// What UpdateFunctionCode sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Code {
    /// Of the package without the settings beside the executable.
    pub(super) code_sha256: String,
    /// A digest of the settings beside the executable, if they do not fit into the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packaged_settings: Option<String>,
    /// What the code claims to be compiled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code_source: Option<String>,
    pub(super) architecture: String,
}

impl Code {
    /// What is installed, as far as it matters to what is wanted. Equal hashes are equal code, whatever the record
    /// says; and code that may stay counts as the code that is wanted.
    fn seen(live: &FunctionConfiguration, installed: Installed, source: Option<String>, wanted: &Self) -> Self {
        let Installed { code_sha256, packaged_settings, is_kept } = installed;
        let architecture = live.architectures().first().map_or("x86_64", Architecture::as_str).to_owned();
        if code_sha256 == wanted.code_sha256 || is_kept {
            return Self { architecture, packaged_settings, ..wanted.clone() };
        }
        Self { code_sha256, packaged_settings, code_source: source, architecture }
    }

    fn is_executable_of(&self, other: &Self) -> bool {
        (&self.code_sha256, &self.architecture) == (&other.code_sha256, &other.architecture)
    }
}

/// The installed package, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Installed {
    /// The hash of the package without the settings beside the executable; of the whole package, where it could not be
    /// taken apart.
    pub(super) code_sha256: String,
    /// A digest of the settings beside the executable, or [`UNREAD`].
    pub(super) packaged_settings: Option<String>,
    /// It is another build's code that may stay.
    pub(super) is_kept: bool,
}

/// In place of the digest of settings that could not be read.
pub(super) const UNREAD: &str = "could not be read";

/// A short digest of the settings beside the executable.
pub(super) fn digest_of(settings: &str) -> String {
    Sha256::digest(settings).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the function can decrypt its environment. Lambda grants the use of the key to the role's id, and a role made
/// again under its name has another one: every invocation then fails with KMSAccessDeniedException. Setting the same
/// role ARN again does not renew the grant reliably; setting another role, or making the function again, does (AWS
/// re:Post, "KMS Exception permission errors of my Lambda function").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grant {
    /// It was made to the role as it is now.
    Current,
    /// It was made to a role that is gone.
    Stale,
    /// Nobody wrote down to which role it was made, or it is made anew because the function gets another role.
    Unknown,
}

impl Grant {
    fn seen(recorded: Option<&str>, live_role: Option<&str>, runs_as_it: bool) -> Self {
        match (recorded, live_role) {
            (Some(recorded), Some(live)) if recorded == live => Self::Current,
            _ if !runs_as_it => Self::Unknown,
            (None, Some(_)) => Self::Unknown,
            _ => Self::Stale,
        }
    }
}

impl State {
    /// What a person decides; and of the environment everything that is not [repeated](REPEATED).
    pub(super) const DECIDED: &'static [&'static str] = &["architecture", "memory_mb", "timeout_seconds"];

    /// What a field that differs says to a person.
    pub(super) fn meaning(change: &FieldChange) -> Meaning {
        let is_decided = match change.path.parts() {
            [PathPart::Key(environment), PathPart::Key(variable)] if environment == "environment" => {
                !REPEATED.contains(&variable.as_str())
            }
            _ => change.path.first_key().is_some_and(|key| Self::DECIDED.contains(&key)),
        };
        if is_decided { Meaning::Decided } else { Meaning::Derived }
    }

    /// The digest of the settings that keyminder last wrote, if it recorded one.
    pub(crate) fn recorded_settings(&self) -> Option<&str> {
        self.tags.get(SETTINGS).map(String::as_str)
    }

    /// It has the settings that `desired` has.
    pub(crate) fn has_settings_of(&self, desired: &Self) -> bool {
        self.configuration.environment == desired.configuration.environment
            && self.code.packaged_settings == desired.code.packaged_settings
    }

    /// It has the code that `desired` has, whatever the settings beside it.
    pub(crate) fn has_code_of(&self, desired: &Self) -> bool {
        self.code.is_executable_of(&desired.code)
    }

    /// Its code, if it is not the code that `desired` has.
    pub(crate) fn other_code_than(&self, desired: &Self) -> Option<InstalledCode> {
        let (own, wanted) = (&self.code, &desired.code);
        (own.code_sha256 != wanted.code_sha256).then(|| InstalledCode {
            code_sha256: own.code_sha256.clone(),
            claims: own.code_source.clone(),
            is_unread: own.packaged_settings.as_deref() == Some(UNREAD),
        })
    }

    /// Its reserved concurrency does not let it run at all.
    pub(crate) fn is_throttled(&self) -> bool {
        self.reserved_concurrency == Some(0)
    }

    /// Its environment variables.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.configuration.environment
    }

    /// The function as it should be.
    pub(crate) fn wanted(install: &Installation) -> Self {
        let spec = &install.spec;
        Self {
            lifecycle: Lifecycle {
                state: SdkState::Active.as_str().to_owned(),
                last_update: LastUpdateStatus::Successful.as_str().to_owned(),
            },
            fixed: Fixed { package_type: PackageType::Zip.as_str().to_owned(), tenancy: None },
            configuration: Configuration {
                description: "Notifies about old IAM access keys".to_owned(),
                runtime: Runtime::Providedal2023.as_str().to_owned(),
                handler: "bootstrap".to_owned(),
                timeout_seconds: i32::try_from(spec.function.timeout_seconds).unwrap_or(i32::MAX),
                memory_mb: i32::try_from(spec.function.memory_mb).unwrap_or(i32::MAX),
                environment: install.environment.clone(),
                kms_key: None,
                role: install.names.role_arn(),
                layers: Vec::new(),
                tracing: TracingMode::PassThrough.as_str().to_owned(),
                subnets: Vec::new(),
                file_systems: Vec::new(),
                dead_letter_target: None,
                logging: Logging {
                    log_group: install.names.log_group.clone(),
                    log_format: LogFormat::Text.as_str().to_owned(),
                    application_log_level: None,
                    system_log_level: None,
                },
            },
            code: Code {
                code_sha256: install.code.executable_sha256.clone(),
                packaged_settings: install.code.settings.as_deref().map(digest_of),
                code_source: spec.package.source().map(str::to_owned),
                architecture: spec.package.architecture().as_str().to_owned(),
            },
            role_grant: Grant::Current,
            role_id: None,
            keeps_code: false,
            claims: None,
            reserved_concurrency: None,
            tags: install.tags().into_iter().chain([(SETTINGS.to_owned(), spec.digest())]).collect(),
        }
    }

    /// The function as it is, and all its tags. `role_id` is that of the role it should have. `None` where the answer
    /// has no configuration.
    pub(super) fn seen(
        answer: GetFunctionOutput,
        installed: Installed,
        role_id: Option<String>,
        wanted: &Self,
    ) -> Option<(Self, Tags)> {
        let reserved_concurrency = answer.concurrency().and_then(|limit| limit.reserved_concurrent_executions());
        let tags: Tags = answer.tags.unwrap_or_default().into_iter().collect();
        let live = answer.configuration?;
        let configuration = Configuration::seen(&live, &wanted.configuration);
        let (claims, keeps_code) = (tags.get(CODE_SOURCE).cloned(), installed.is_kept);
        let runs_as_it = configuration.role == wanted.configuration.role;
        let state = Self {
            lifecycle: Lifecycle::seen(&live),
            fixed: Fixed {
                package_type: live.package_type().map_or("Zip", PackageType::as_str).to_owned(),
                tenancy: live.tenancy_config().map(|tenancy| tenancy.tenant_isolation_mode().as_str().to_owned()),
            },
            configuration,
            code: Code::seen(&live, installed, claims.clone(), &wanted.code),
            role_grant: Grant::seen(tags.get(ROLE_ID).map(String::as_str), role_id.as_deref(), runs_as_it),
            role_id,
            keeps_code,
            claims,
            reserved_concurrency,
            tags: ownership::owned(&tags, &wanted.tags),
        };
        Some((state, tags))
    }
}

impl Lifecycle {
    /// Lambda may take back what it had set up for a function that is long idle, which is then Inactive. An invocation
    /// wakes it; an asynchronous one that comes too early goes back to the queue and is tried again meanwhile (Lambda
    /// Developer Guide, "Lambda function states"). There is nothing for a setup to mend.
    fn seen(live: &FunctionConfiguration) -> Self {
        let state = match live.state() {
            None | Some(SdkState::Inactive) => &SdkState::Active,
            Some(state) => state,
        };
        let last_update = live.last_update_status().unwrap_or(&LastUpdateStatus::Successful);
        Self { state: state.as_str().to_owned(), last_update: last_update.as_str().to_owned() }
    }
}

impl Configuration {
    fn seen(live: &FunctionConfiguration, wanted: &Self) -> Self {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        Self {
            description: text(live.description()),
            runtime: text(live.runtime().map(Runtime::as_str)),
            handler: text(live.handler()),
            timeout_seconds: live.timeout().unwrap_or_default(),
            memory_mb: live.memory_size().unwrap_or_default(),
            environment: variables(live),
            kms_key: given(live.kms_key_arn()),
            role: text(live.role()),
            layers: live.layers().iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
            tracing: live
                .tracing_config()
                .and_then(|tracing| tracing.mode())
                .map_or(&*wanted.tracing, TracingMode::as_str)
                .to_owned(),
            subnets: live.vpc_config().map(|vpc| vpc.subnet_ids().to_vec()).unwrap_or_default(),
            file_systems: live.file_system_configs().iter().map(|mount| mount.arn().to_owned()).collect(),
            dead_letter_target: given(live.dead_letter_config().and_then(|dead| dead.target_arn())),
            logging: Logging::seen(live, &wanted.logging),
        }
    }
}

impl Logging {
    /// What is wanted is what Lambda does where nothing is said; emulators answer nothing.
    fn seen(live: &FunctionConfiguration, wanted: &Self) -> Self {
        let Some(logging) = live.logging_config() else { return wanted.clone() };
        Self {
            log_group: given(logging.log_group()).unwrap_or_else(|| wanted.log_group.clone()),
            log_format: logging.log_format().map_or(&*wanted.log_format, LogFormat::as_str).to_owned(),
            application_log_level: given(logging.application_log_level().map(|level| level.as_str())),
            system_log_level: given(logging.system_log_level().map(|level| level.as_str())),
        }
    }
}

/// Not there and empty are the same.
fn given(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Lambda answers an error in place of variables that it cannot decrypt.
fn variables(live: &FunctionConfiguration) -> BTreeMap<String, String> {
    let environment = live.environment();
    let mut variables: BTreeMap<String, String> =
        environment.and_then(|e| e.variables()).cloned().unwrap_or_default().into_iter().collect();
    if let Some(error) = environment.and_then(|environment| environment.error()) {
        variables.insert("unreadable".to_owned(), error.error_code().unwrap_or("error").to_owned());
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_good_only_where_it_was_recorded_for_the_role_that_is_there() {
        let (old, new) = (Some("AROAOLD"), Some("AROANEW"));
        for (recorded, live, runs_as_it, expected) in [
            (new, new, true, Grant::Current),
            (old, new, true, Grant::Stale),
            (old, None, true, Grant::Stale),
            (None, None, true, Grant::Stale),
            (None, new, true, Grant::Unknown),
            (old, new, false, Grant::Unknown),
            (None, None, false, Grant::Unknown),
        ] {
            assert_eq!(Grant::seen(recorded, live, runs_as_it), expected, "{recorded:?} {live:?} {runs_as_it}");
        }
    }
}
