//! The calls that change the function, each with what it waits for: before it the role, after it Lambda's own work.
//!
//! Owns how one change is asked for. Which changes are needed, and in which order, is decided in `mod.rs`.

use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, LogFormat,
    LoggingConfig, Runtime, State as SdkState, TracingConfig, TracingMode, VpcConfig,
};
use keyminder_reconcile::retry::Backoff;

use super::package::Upload;
use super::state::{CODE_SOURCE, Configuration, Logging, ROLE_ID, State};
use super::{ADDRESS, Function};
use crate::connection;
use crate::error::{Error, Kind, failed};
use crate::installation::PROPAGATION;
use crate::ownership::Tags;
use crate::resource::tags::Tagged;
use crate::resource::{Shared, ignore_missing};

/// A function is pending, or an update in progress, for seconds as a rule and minutes at most.
const SETTLED: Backoff = Backoff::within(Duration::from_secs(300));

const NOT_SETTLED: &str = "NotSettled";

impl Tagged for Function<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        let call = self.lambda().tag_resource().resource(&self.arn).set_tags(Some(tags.into_iter().collect()));
        call.send().await.map_err(failed("lambda:TagResource", &self.arn)).map(drop)
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        let call = self.lambda().untag_resource().resource(&self.arn).set_tag_keys(Some(keys));
        call.send().await.map_err(failed("lambda:UntagResource", &self.arn)).map(drop)
    }
}

impl Function<'_> {
    fn lambda(&self) -> &aws_sdk_lambda::Client {
        &self.install.clients.lambda
    }

    fn architectures(&self) -> Vec<Architecture> {
        vec![Architecture::from(self.desired.code.architecture.as_str())]
    }

    pub(super) async fn create(&self, upload: &Upload, shared: &Shared) -> Result<(), Error> {
        let desired = &self.desired.configuration;
        let mut tags = self.desired.tags.clone();
        tags.extend(shared.role_id(self.install).await?.map(|id| (ROLE_ID.to_owned(), id)));
        tags.extend(upload.source.clone().map(|source| (CODE_SOURCE.to_owned(), source)));
        let answer = self
            .install
            .wait(ADDRESS, PROPAGATION, not_yet, async || {
                self.lambda()
                    .create_function()
                    .function_name(self.name())
                    .description(&desired.description)
                    .runtime(Runtime::from(desired.runtime.as_str()))
                    .handler(&desired.handler)
                    .set_architectures(Some(self.architectures()))
                    .code(FunctionCode::builder().zip_file(Blob::new(upload.zip.clone())).build())
                    .timeout(desired.timeout_seconds)
                    .memory_size(desired.memory_mb)
                    .environment(variables(desired))
                    .role(&desired.role)
                    .set_tags(Some(tags.clone().into_iter().collect()))
                    .customize()
                    .config_override(connection::uploading())
                    .send()
                    .await
                    .map_err(failed("lambda:CreateFunction", self.name()))
            })
            .await?;
        if answer.state() == Some(&SdkState::Active) {
            return Ok(());
        }
        // A read may not see the new function yet.
        self.install.wait(ADDRESS, PROPAGATION, Error::is_not_found, async || self.progress().await).await?;
        self.done().await
    }

    /// What setups give a value, always; what nobody should have set, only where somebody did, and then cleared: what is
    /// not sent stays as it is.
    pub(super) async fn configure(&self, observed: &Configuration) -> Result<(), Error> {
        let desired = &self.desired.configuration;
        let mut update = self
            .lambda()
            .update_function_configuration()
            .function_name(self.name())
            .description(&desired.description)
            .runtime(Runtime::from(desired.runtime.as_str()))
            .handler(&desired.handler)
            .timeout(desired.timeout_seconds)
            .memory_size(desired.memory_mb)
            .environment(variables(desired))
            .role(&desired.role);
        if observed.kms_key != desired.kms_key {
            update = update.kms_key_arn("");
        }
        if observed.layers != desired.layers {
            update = update.set_layers(Some(Vec::new()));
        }
        if observed.tracing != desired.tracing {
            update = update
                .tracing_config(TracingConfig::builder().mode(TracingMode::from(desired.tracing.as_str())).build());
        }
        if observed.subnets != desired.subnets {
            let none = VpcConfig::builder().set_subnet_ids(Some(Vec::new())).set_security_group_ids(Some(Vec::new()));
            update = update.vpc_config(none.build());
        }
        if observed.file_systems != desired.file_systems {
            update = update.set_file_system_configs(Some(Vec::new()));
        }
        if observed.dead_letter_target != desired.dead_letter_target {
            update = update.dead_letter_config(DeadLetterConfig::builder().target_arn("").build());
        }
        if observed.logging != desired.logging {
            update = update.logging_config(logging(&desired.logging));
        }
        self.install
            .wait(ADDRESS, PROPAGATION, not_yet, async || {
                update
                    .clone()
                    .send()
                    .await
                    .map_err(failed("lambda:UpdateFunctionConfiguration", self.name()))
                    .map(|_| ())
            })
            .await?;
        self.done().await
    }

    pub(super) async fn upload(&self, upload: &Upload) -> Result<(), Error> {
        self.install
            .wait(ADDRESS, PROPAGATION, is_busy, async || {
                self.lambda()
                    .update_function_code()
                    .function_name(self.name())
                    .set_architectures(Some(self.architectures()))
                    .zip_file(Blob::new(upload.zip.clone()))
                    .customize()
                    .config_override(connection::uploading())
                    .send()
                    .await
                    .map_err(failed("lambda:UpdateFunctionCode", self.name()))
                    .map(drop)
            })
            .await?;
        self.done().await
    }

    /// Writes down which role the grant was made to: the one that was observed. If it was made again since, the next
    /// observation finds another id and says so.
    pub(super) async fn record_role(&self, observed: Option<String>, shared: &Shared) -> Result<(), Error> {
        let id = match observed {
            Some(id) => Some(id),
            None => shared.role_id(self.install).await?,
        };
        match id {
            Some(id) => self.set_tags(Tags::from([(ROLE_ID.to_owned(), id)])).await,
            None => Ok(()),
        }
    }

    /// Writes down what the code that is about to be uploaded was compiled from.
    pub(super) async fn record_source(&self, observed: &State, upload: &Upload) -> Result<(), Error> {
        match &upload.source {
            source if *source == observed.claims => Ok(()),
            Some(source) => self.set_tags(Tags::from([(CODE_SOURCE.to_owned(), source.clone())])).await,
            None => self.remove_tags(vec![CODE_SOURCE.to_owned()]).await,
        }
    }

    pub(super) async fn clear_concurrency(&self) -> Result<(), Error> {
        let answer = self.lambda().delete_function_concurrency().function_name(self.name()).send().await;
        ignore_missing(answer.map_err(failed("lambda:DeleteFunctionConcurrency", self.name())))
    }

    pub(super) async fn delete(&self) -> Result<(), Error> {
        let answer = self.lambda().delete_function().function_name(self.name()).send().await;
        ignore_missing(answer.map_err(failed("lambda:DeleteFunction", self.name())))
    }

    /// Waits until the function is neither pending nor being updated.
    pub(super) async fn settled(&self) -> Result<FunctionConfiguration, Error> {
        self.install
            .wait(
                ADDRESS,
                SETTLED,
                |error| error.code == NOT_SETTLED,
                async || {
                    let progress = self.progress().await?;
                    match unsettled(&progress) {
                        Some(what) => Err(self.trouble(NOT_SETTLED, Kind::Conflict, what.to_owned())),
                        None => Ok(progress),
                    }
                },
            )
            .await
    }

    /// Waits for what was just asked for, and says why where it failed.
    async fn done(&self) -> Result<(), Error> {
        let live = self.settled().await?;
        if live.state() == Some(&SdkState::Failed) {
            let reason = live.state_reason().unwrap_or("no reason given");
            return Err(self.trouble("Failed", Kind::Service, format!("the function failed to start: {reason}")));
        }
        if live.last_update_status() == Some(&LastUpdateStatus::Failed) {
            let reason = live.last_update_status_reason().unwrap_or("no reason given");
            return Err(self.trouble("UpdateFailed", Kind::Service, format!("the update failed: {reason}")));
        }
        Ok(())
    }

    async fn progress(&self) -> Result<FunctionConfiguration, Error> {
        let answer = self.lambda().get_function_configuration().function_name(self.name()).send().await;
        let answer = answer.map_err(failed("lambda:GetFunctionConfiguration", self.name()))?;
        Ok(FunctionConfiguration::builder()
            .set_state(answer.state)
            .set_state_reason(answer.state_reason)
            .set_last_update_status(answer.last_update_status)
            .set_last_update_status_reason(answer.last_update_status_reason)
            .build())
    }

    fn trouble(&self, code: &str, kind: Kind, message: String) -> Error {
        Error::of_call(kind, "lambda:GetFunctionConfiguration", self.name(), code, message)
    }
}

fn variables(configuration: &Configuration) -> Environment {
    let variables = configuration.environment.clone().into_iter().collect();
    Environment::builder().set_variables(Some(variables)).build()
}

/// The levels are left out: as text there are none, and Lambda takes none.
fn logging(wanted: &Logging) -> LoggingConfig {
    LoggingConfig::builder()
        .log_format(LogFormat::from(wanted.log_format.as_str()))
        .log_group(&wanted.log_group)
        .build()
}

fn unsettled(live: &FunctionConfiguration) -> Option<&'static str> {
    if live.state() == Some(&SdkState::Pending) {
        return Some("the function is being made ready (Pending)");
    }
    (live.last_update_status() == Some(&LastUpdateStatus::InProgress))
        .then_some("an update of the function is in progress")
}

/// A new role is not assumable before IAM has told everybody (IAM User Guide, "Troubleshoot IAM", eventual
/// consistency), and KMS, which grants the role the key of the variables, may be told last.
fn role_not_known_yet(error: &Error) -> bool {
    let grant_refused = error.message.contains("KMS key is invalid for CreateGrant");
    error.kind == Kind::Invalid && (error.message.contains("cannot be assumed") || grant_refused)
}

/// Lambda is not through with another change of the function, such as its deletion under the same name.
fn is_busy(error: &Error) -> bool {
    error.kind == Kind::Conflict
}

fn not_yet(error: &Error) -> bool {
    role_not_known_yet(error) || is_busy(error)
}
