//! `lambda_function`: the checker.
//!
//! What is asked of Lambda, in this order:
//!
//! - to look: GetFunction (configuration, tags, reserved concurrency), and of IAM GetRole, for the role's id; the
//!   package itself, by the link that GetFunction gives, only where its hash does not tell whether the executable or the
//!   settings beside it differ;
//! - where it is not there: CreateFunction, tried again while the new role is not known everywhere;
//! - where no update mends it: DeleteFunction, CreateFunction;
//! - where it differs, each only if needed: UpdateFunctionConfiguration, TagResource with the role's id,
//!   TagResource or UntagResource with the code's source, UpdateFunctionCode, DeleteFunctionConcurrency, UntagResource, TagResource;
//! - after each creation and update: GetFunctionConfiguration, until Lambda has done its part;
//! - to take it away: DeleteFunction.
//!
//! This file owns that order; `state.rs` what the function is, `package.rs` what its package holds, `calls.rs` how each
//! change is asked for.

mod calls;
mod package;
mod state;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{LastUpdateStatus, State as SdkState};
use futures::future::try_join;
use keyminder_keyage::arn::account_of;
use keyminder_reconcile::{Address, FieldChange, Meaning, Observed, Removal, Resource};

use self::package::Upload;
use self::state::Grant;
pub(crate) use self::state::State;
use super::tags::settle as settle_tags;
use super::{Shared, by_tags, found, role, topic};
use crate::actions::{Actions, On};
use crate::connection::proof::account_in_words;
use crate::error::{Error, failed};
use crate::installation::Installation;

pub(crate) const ADDRESS: Address = Address("lambda_function");

pub(crate) struct Function<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> Function<'a> {
    pub(crate) const ACTIONS: Actions = &[
        (
            On::Function,
            &[
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:DeleteFunctionConcurrency",
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                // GetFunction hands out tags only to those who may list them (API reference, GetFunction).
                "lambda:ListTags",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ],
        ),
        (On::Passing, &["iam:PassRole"]),
    ];

    pub(crate) fn new(install: &'a Installation) -> Self {
        Self { install, arn: install.names.function_arn(), desired: State::wanted(install) }
    }

    fn name(&self) -> &str {
        &self.install.names.function
    }

    /// Asked for by its name, so that the ARN in the answer, even in the words for a function that does not exist, is
    /// Lambda's own.
    async fn live(&self) -> Result<Option<GetFunctionOutput>, Error> {
        let answer = self.install.clients.lambda.get_function().function_name(self.name()).send().await;
        let answer = answer.map_err(failed("lambda:GetFunction", self.name()));
        let account = match &answer {
            Ok(answer) => answer.configuration().and_then(|function| account_of(function.function_arn()?)),
            Err(error) => account_in_words(&error.message).filter(|_| error.is_not_found()),
        };
        self.install.must_be_here("Lambda", account)?;
        found(answer)
    }
}

/// Whether a function in this state cannot start, and no update repairs it.
pub(crate) fn is_broken(install: &Installation, state: &State) -> bool {
    Function::new(install).must_be_replaced(state)
}

impl Resource for Function<'_> {
    const ADDRESS: Address = ADDRESS;
    const AFTER: &'static [Address] = &[topic::ADDRESS, role::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.function.clone()
    }

    const DECIDED: &'static [&'static str] = State::DECIDED;

    fn meaning(&self, change: &FieldChange) -> Meaning {
        State::meaning(change)
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    /// A function that failed to start never recovers (Lambda Developer Guide, "Lambda function states"), what only a
    /// creation sets stays, and a grant to a role that is gone is not renewed by any one update.
    fn must_be_replaced(&self, observed: &State) -> bool {
        observed.lifecycle.state == SdkState::Failed.as_str()
            || observed.fixed != self.desired.fixed
            || observed.role_grant == Grant::Stale
    }

    async fn observe(&self, shared: &Shared) -> Result<Observed<State>, Error> {
        let (answer, role_id) = try_join(self.live(), shared.role_id(self.install)).await?;
        let Some(answer) = answer else { return Ok(Observed::Absent) };
        let installed = self.installed(&answer).await;
        Ok(match State::seen(answer, installed, role_id, &self.desired) {
            Some((state, tags)) => by_tags(&tags, &self.install.names, state),
            None => Observed::Absent,
        })
    }

    async fn converge(&self, observed: Option<&State>, shared: &Shared) -> Result<(), Error> {
        let desired = &self.desired;
        let Some(observed) = observed else { return self.create(&Upload::own(self), shared).await };
        if self.must_be_replaced(observed) {
            let upload = self.upload_for(observed).await?;
            self.delete().await?;
            return self.create(&upload, shared).await;
        }
        let live = self.settled().await?;
        let failed_update = live.last_update_status() == Some(&LastUpdateStatus::Failed);
        let grant_differs = observed.role_grant != desired.role_grant;
        // The configuration goes first: Lambda takes no code for a runtime that it has retired, and this is what moves
        // an adopted function off it.
        if failed_update || grant_differs || observed.configuration != desired.configuration {
            self.configure(&observed.configuration).await?;
        }
        if grant_differs {
            self.record_role(observed.role_id.clone(), shared).await?;
        }
        if failed_update || observed.code != desired.code {
            let upload = self.upload_for(observed).await?;
            // First the record: if the run ends in between, the hash still differs, and the next run repeats both.
            self.record_source(observed, &upload).await?;
            self.upload(&upload).await?;
        }
        if observed.reserved_concurrency != desired.reserved_concurrency {
            self.clear_concurrency().await?;
        }
        settle_tags(self, &observed.tags, &desired.tags).await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        self.delete().await
    }
}
