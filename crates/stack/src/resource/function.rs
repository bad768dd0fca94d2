//! `lambda_function`: the checker.
//!
//! Asks Lambda: GetFunction (configuration, tags, reserved concurrency); CreateFunction, tried again while the new role
//! cannot be assumed; GetFunctionConfiguration until it is active; for drift UpdateFunctionConfiguration, then
//! UpdateFunctionCode, each waited for, DeleteFunctionConcurrency, TagResource, UntagResource; DeleteFunction. Asks
//! IAM: GetRole, for the role's id.

use std::collections::BTreeMap;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, LoggingConfig,
    Runtime, State as SdkState, TracingConfig, TracingMode, VpcConfig,
};
use keyminder_reconcile::retry::Pace;
use keyminder_reconcile::{Address, Observed, Removal, Resource};
use serde::Serialize;

use super::{by_tags, found, gone, role};
use crate::error::{Error, Kind, failed};
use crate::installation::{Installation, PROPAGATION};
use crate::marks::{self, Tags};

pub(crate) const ADDRESS: Address = Address("lambda_function");

/// Records which role the function's access to its encrypted environment was granted to. The grant is for the role's
/// id, and a role made again under its name has another one: the function then fails with KMSAccessDeniedException
/// until its role is set again (Lambda Developer Guide, "Troubleshoot configuration issues").
const ROLE_ID: &str = "keyminder:role-id";

/// A function is pending, or an update in progress, for seconds as a rule and minutes at most.
const SETTLED: Pace = Pace::within(std::time::Duration::from_secs(300));

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    state: String,
    last_update: String,
    description: String,
    runtime: String,
    handler: String,
    architecture: String,
    code_sha256: String,
    timeout_seconds: i32,
    memory_mb: i32,
    environment: BTreeMap<String, String>,
    role: String,
    role_grant: String,
    layers: Vec<String>,
    tracing: String,
    subnets: Vec<String>,
    dead_letter_target: Option<String>,
    log_group: String,
    reserved_concurrency: Option<i32>,
    tags: Tags,
}

pub(crate) struct Function<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> Function<'a> {
    pub(crate) fn new(install: &'a Installation) -> Self {
        let spec = &install.spec;
        let desired = State {
            state: "Active".to_owned(),
            last_update: "Successful".to_owned(),
            description: "Notifies about old IAM access keys".to_owned(),
            runtime: Runtime::Providedal2023.as_str().to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: spec.package.architecture().as_str().to_owned(),
            code_sha256: install.code.sha256.clone(),
            timeout_seconds: i32::try_from(spec.timeout_seconds).unwrap_or(i32::MAX),
            memory_mb: i32::try_from(spec.memory_mb).unwrap_or(i32::MAX),
            environment: install.environment.clone(),
            role: install.names.role_arn(),
            role_grant: "current".to_owned(),
            layers: Vec::new(),
            tracing: TracingMode::PassThrough.as_str().to_owned(),
            subnets: Vec::new(),
            dead_letter_target: None,
            log_group: install.names.log_group.clone(),
            reserved_concurrency: None,
            tags: install.tags(),
        };
        Self { install, arn: install.names.function_arn(), desired }
    }

    fn name(&self) -> &str {
        &self.install.names.function
    }

    fn lambda(&self) -> &aws_sdk_lambda::Client {
        &self.install.clients.lambda
    }

    fn zip(&self) -> Blob {
        Blob::new(self.install.code.zip.clone())
    }

    fn architectures(&self) -> Vec<Architecture> {
        vec![Architecture::from(self.desired.architecture.as_str())]
    }

    fn variables(&self) -> Environment {
        let variables = self.desired.environment.clone().into_iter().collect();
        Environment::builder().set_variables(Some(variables)).build()
    }

    async fn role_id(&self) -> Result<String, Error> {
        Ok(role::id(&self.install.clients, &self.install.names.role).await?.unwrap_or_default())
    }

    async fn configuration(&self) -> Result<FunctionConfiguration, Error> {
        let answer = self.lambda().get_function_configuration().function_name(self.name()).send().await;
        let answer = answer.map_err(failed("lambda:GetFunctionConfiguration", self.name()))?;
        Ok(FunctionConfiguration::builder()
            .set_state(answer.state)
            .set_state_reason(answer.state_reason)
            .set_last_update_status(answer.last_update_status)
            .set_last_update_status_reason(answer.last_update_status_reason)
            .build())
    }

    /// Waits until the function is neither pending nor being updated.
    async fn settled(&self) -> Result<FunctionConfiguration, Error> {
        self.install
            .wait(
                ADDRESS,
                SETTLED,
                |error| error.code == NOT_SETTLED,
                async || {
                    let configuration = self.configuration().await?;
                    match unsettled(&configuration) {
                        Some(what) => Err(self.trouble(NOT_SETTLED, Kind::Conflict, what.to_owned())),
                        None => Ok(configuration),
                    }
                },
            )
            .await
    }

    /// Waits for what was just asked for, and says why where it failed.
    async fn done(&self) -> Result<(), Error> {
        let configuration = self.settled().await?;
        if configuration.state() == Some(&SdkState::Failed) {
            let reason = configuration.state_reason().unwrap_or("no reason given");
            return Err(self.trouble("Failed", Kind::Service, format!("the function failed to start: {reason}")));
        }
        if configuration.last_update_status() == Some(&LastUpdateStatus::Failed) {
            let reason = configuration.last_update_status_reason().unwrap_or("no reason given");
            return Err(self.trouble("UpdateFailed", Kind::Service, format!("the update failed: {reason}")));
        }
        Ok(())
    }

    fn trouble(&self, code: &str, kind: Kind, message: String) -> Error {
        Error {
            kind,
            operation: "lambda:GetFunctionConfiguration",
            resource: self.name().to_owned(),
            code: code.to_owned(),
            message,
            request_id: None,
            hints: Vec::new(),
        }
    }

    async fn create(&self) -> Result<(), Error> {
        let desired = &self.desired;
        let mut tags = desired.tags.clone();
        let role_id = match self.install.new_role_id() {
            Some(id) => id,
            None => self.role_id().await?,
        };
        tags.insert(ROLE_ID.to_owned(), role_id);
        let answer = self
            .install
            .wait(ADDRESS, PROPAGATION, role_not_assumable_yet, async || {
                self.lambda()
                    .create_function()
                    .function_name(self.name())
                    .description(&desired.description)
                    .runtime(Runtime::from(desired.runtime.as_str()))
                    .handler(&desired.handler)
                    .set_architectures(Some(self.architectures()))
                    .code(FunctionCode::builder().zip_file(self.zip()).build())
                    .timeout(desired.timeout_seconds)
                    .memory_size(desired.memory_mb)
                    .environment(self.variables())
                    .role(&desired.role)
                    .set_tags(Some(tags.clone().into_iter().collect()))
                    .send()
                    .await
                    .map_err(failed("lambda:CreateFunction", self.name()))
            })
            .await?;
        if answer.state() == Some(&SdkState::Active) {
            return Ok(());
        }
        self.done().await
    }

    /// The configuration goes first: Lambda takes no code for a runtime that it has retired, and this is what moves
    /// an adopted function off it.
    async fn configure(&self, observed: &State) -> Result<(), Error> {
        let desired = &self.desired;
        let mut update = self
            .lambda()
            .update_function_configuration()
            .function_name(self.name())
            .description(&desired.description)
            .runtime(Runtime::from(desired.runtime.as_str()))
            .handler(&desired.handler)
            .timeout(desired.timeout_seconds)
            .memory_size(desired.memory_mb)
            .environment(self.variables())
            .role(&desired.role);
        if observed.layers != desired.layers {
            update = update.set_layers(Some(Vec::new()));
        }
        if observed.tracing != desired.tracing {
            update = update.tracing_config(TracingConfig::builder().mode(TracingMode::PassThrough).build());
        }
        if observed.subnets != desired.subnets {
            let none = VpcConfig::builder().set_subnet_ids(Some(Vec::new())).set_security_group_ids(Some(Vec::new()));
            update = update.vpc_config(none.build());
        }
        if observed.dead_letter_target != desired.dead_letter_target {
            update = update.dead_letter_config(DeadLetterConfig::builder().target_arn("").build());
        }
        if observed.log_group != desired.log_group {
            update = update.logging_config(LoggingConfig::builder().log_group(&desired.log_group).build());
        }
        let role_id = if observed.role_grant == desired.role_grant { None } else { Some(self.role_id().await?) };
        self.install
            .wait(ADDRESS, PROPAGATION, role_not_assumable_yet, async || {
                update
                    .clone()
                    .send()
                    .await
                    .map_err(failed("lambda:UpdateFunctionConfiguration", self.name()))
                    .map(|_| ())
            })
            .await?;
        self.done().await?;
        match role_id {
            Some(id) => self.tag(Tags::from([(ROLE_ID.to_owned(), id)])).await,
            None => Ok(()),
        }
    }

    async fn upload(&self) -> Result<(), Error> {
        self.lambda()
            .update_function_code()
            .function_name(self.name())
            .set_architectures(Some(self.architectures()))
            .zip_file(self.zip())
            .send()
            .await
            .map_err(failed("lambda:UpdateFunctionCode", self.name()))?;
        self.done().await
    }

    async fn tag(&self, tags: Tags) -> Result<(), Error> {
        if tags.is_empty() {
            return Ok(());
        }
        self.lambda()
            .tag_resource()
            .resource(&self.arn)
            .set_tags(Some(tags.into_iter().collect()))
            .send()
            .await
            .map_err(failed("lambda:TagResource", &self.arn))?;
        Ok(())
    }

    async fn delete(&self) -> Result<(), Error> {
        let answer = self.lambda().delete_function().function_name(self.name()).send().await;
        gone(answer.map_err(failed("lambda:DeleteFunction", self.name())))
    }
}

const NOT_SETTLED: &str = "NotSettled";

fn unsettled(configuration: &FunctionConfiguration) -> Option<&'static str> {
    if configuration.state() == Some(&SdkState::Pending) {
        return Some("the function is being made ready (Pending)");
    }
    (configuration.last_update_status() == Some(&LastUpdateStatus::InProgress))
        .then_some("an update of the function is in progress")
}

/// A new role is not assumable before IAM has told everybody (IAM User Guide, "Troubleshoot IAM", eventual
/// consistency).
fn role_not_assumable_yet(error: &Error) -> bool {
    error.kind == Kind::Invalid && error.message.contains("cannot be assumed")
}

impl State {
    /// What UpdateFunctionConfiguration can mend.
    fn configuration_differs(&self, desired: &Self) -> bool {
        let rest = |state: &Self| Self {
            state: String::new(),
            last_update: String::new(),
            architecture: String::new(),
            code_sha256: String::new(),
            reserved_concurrency: None,
            tags: Tags::new(),
            ..state.clone()
        };
        rest(self) != rest(desired)
    }

    fn code_differs(&self, desired: &Self) -> bool {
        (&self.code_sha256, &self.architecture) != (&desired.code_sha256, &desired.architecture)
    }
}

impl Resource for Function<'_> {
    type State = State;
    type Error = Error;

    fn address(&self) -> Address {
        ADDRESS
    }

    fn name(&self) -> String {
        self.install.names.function.clone()
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    /// A function that failed to start never recovers (Lambda Developer Guide, "Lambda function states").
    fn must_be_replaced(&self, observed: &State) -> bool {
        observed.state == SdkState::Failed.as_str()
    }

    async fn observe(&self) -> Result<Observed<State>, Error> {
        let answer = self.lambda().get_function().function_name(self.name()).send().await;
        let Some(answer) = found(answer.map_err(failed("lambda:GetFunction", self.name())))? else {
            return Ok(Observed::Absent);
        };
        let role_id = match self.install.first_role_id() {
            Some(id) => id,
            None => self.role_id().await?,
        };
        let concurrency = answer.concurrency().and_then(|limit| limit.reserved_concurrent_executions());
        let tags: Tags = answer.tags.unwrap_or_default().into_iter().collect();
        let Some(live) = answer.configuration else { return Ok(Observed::Absent) };
        let granted = !role_id.is_empty() && tags.get(ROLE_ID) == Some(&role_id);
        // Idle for weeks is Inactive: the next invocation wakes it, so it is as good as Active.
        let state = match live.state() {
            None | Some(SdkState::Inactive) => "Active".to_owned(),
            Some(state) => state.as_str().to_owned(),
        };
        let environment = live.environment();
        let mut variables: BTreeMap<String, String> =
            environment.and_then(|e| e.variables()).cloned().unwrap_or_default().into_iter().collect();
        if let Some(error) = environment.and_then(|environment| environment.error()) {
            variables.insert("unreadable".to_owned(), error.error_code().unwrap_or("error").to_owned());
        }
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let state = State {
            state,
            last_update: live.last_update_status().map_or("Successful", LastUpdateStatus::as_str).to_owned(),
            description: text(live.description()),
            runtime: text(live.runtime().map(Runtime::as_str)),
            handler: text(live.handler()),
            architecture: live.architectures().first().map_or("x86_64", Architecture::as_str).to_owned(),
            code_sha256: text(live.code_sha256()),
            timeout_seconds: live.timeout().unwrap_or_default(),
            memory_mb: live.memory_size().unwrap_or_default(),
            environment: variables,
            role: text(live.role()),
            role_grant: if granted { "current" } else { "stale" }.to_owned(),
            layers: live.layers().iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
            tracing: live
                .tracing_config()
                .and_then(|tracing| tracing.mode())
                .map_or("PassThrough", TracingMode::as_str)
                .to_owned(),
            subnets: live.vpc_config().map(|vpc| vpc.subnet_ids().to_vec()).unwrap_or_default(),
            dead_letter_target: live
                .dead_letter_config()
                .and_then(|dead| dead.target_arn())
                .filter(|arn| !arn.is_empty())
                .map(str::to_owned),
            log_group: live
                .logging_config()
                .and_then(|logging| logging.log_group())
                .map_or_else(|| format!("/aws/lambda/{}", self.name()), str::to_owned),
            reserved_concurrency: concurrency,
            tags: marks::owned(&tags, &self.desired.tags),
        };
        Ok(by_tags(&tags, &self.install.names, state))
    }

    async fn converge(&self, observed: Option<&State>) -> Result<(), Error> {
        let desired = &self.desired;
        let Some(observed) = observed else { return self.create().await };
        if self.must_be_replaced(observed) {
            self.delete().await?;
            return self.create().await;
        }
        let live = self.settled().await?;
        let failed_update = live.last_update_status() == Some(&LastUpdateStatus::Failed);
        if failed_update || observed.configuration_differs(desired) {
            self.configure(observed).await?;
        }
        if failed_update || observed.code_differs(desired) {
            self.upload().await?;
        }
        if observed.reserved_concurrency.is_some() {
            let answer = self.lambda().delete_function_concurrency().function_name(self.name()).send().await;
            gone(answer.map_err(failed("lambda:DeleteFunctionConcurrency", self.name())))?;
        }
        let changes = marks::changes(&observed.tags, &desired.tags);
        if !changes.remove.is_empty() {
            self.lambda()
                .untag_resource()
                .resource(&self.arn)
                .set_tag_keys(Some(changes.remove))
                .send()
                .await
                .map_err(failed("lambda:UntagResource", &self.arn))?;
        }
        self.tag(changes.set).await?;
        Ok(())
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        self.delete().await
    }
}
