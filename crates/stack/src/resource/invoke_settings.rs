//! `lambda_invoke_settings`: what happens to a scheduled run that fails: it is not repeated, so that nobody gets the
//! same notices twice, and it is told to the topic, so that a broken checker is heard.
//!
//! Asks Lambda: GetFunctionEventInvokeConfig; PutFunctionEventInvokeConfig for creation and for drift.

use aws_sdk_lambda::types::{DestinationConfig, OnFailure};
use keyminder_reconcile::{Address, Observed, Removal, Resource};
use serde::Serialize;

use super::{Shared, attachment, found, function, topic};
use crate::actions::{Actions, On};
use crate::error::{Error, Kind, failed};
use crate::installation::{Installation, PROPAGATION};

pub(crate) const ADDRESS: Address = Address("lambda_invoke_settings");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    maximum_retry_attempts: Option<i32>,
    maximum_event_age_seconds: Option<i32>,
    on_failure: Option<String>,
    on_success: Option<String>,
}

pub(crate) struct InvokeSettings<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> InvokeSettings<'a> {
    pub(crate) const ACTIONS: Actions =
        &[(On::Function, &["lambda:GetFunctionEventInvokeConfig", "lambda:PutFunctionEventInvokeConfig"])];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State {
            maximum_retry_attempts: Some(0),
            maximum_event_age_seconds: Some(3600),
            on_failure: Some(install.names.topic_arn()),
            on_success: None,
        };
        Self { install, desired }
    }

    fn function(&self) -> &str {
        &self.install.names.function
    }
}

/// Lambda looks at the topic and tries the role before it accepts the destination. Neither the topic nor the role's
/// policy may be known everywhere yet.
fn not_accepted_yet(error: &Error) -> bool {
    const PASSING: [&str; 3] = ["does not have permissions", "cannot be assumed", "destination ARN"];
    error.kind == Kind::Invalid && PASSING.iter().any(|words| error.message.contains(words))
}

impl Resource for InvokeSettings<'_> {
    const ADDRESS: Address = ADDRESS;
    const PART_OF: Option<Address> = Some(function::ADDRESS);
    const AFTER: &'static [Address] = &[topic::ADDRESS, function::ADDRESS, attachment::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.function.clone()
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let lambda = &self.install.clients.lambda;
        let answer = lambda.get_function_event_invoke_config().function_name(self.function()).send().await;
        let Some(answer) = found(answer.map_err(failed("lambda:GetFunctionEventInvokeConfig", self.function())))?
        else {
            return Ok(Observed::Absent);
        };
        let destinations = answer.destination_config();
        Ok(Observed::Ours(
            State {
                maximum_retry_attempts: answer.maximum_retry_attempts(),
                maximum_event_age_seconds: answer.maximum_event_age_in_seconds(),
                on_failure: destinations.and_then(|d| d.on_failure()).and_then(|d| d.destination()).map(str::to_owned),
                on_success: destinations.and_then(|d| d.on_success()).and_then(|d| d.destination()).map(str::to_owned),
            }
            .into(),
        ))
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        if observed == Some(&self.desired) {
            return Ok(());
        }
        let on_failure = OnFailure::builder().set_destination(self.desired.on_failure.clone()).build();
        let destinations = DestinationConfig::builder().on_failure(on_failure).build();
        self.install
            .wait(ADDRESS, PROPAGATION, not_accepted_yet, async || {
                let lambda = &self.install.clients.lambda;
                lambda
                    .put_function_event_invoke_config()
                    .function_name(self.function())
                    .set_maximum_retry_attempts(self.desired.maximum_retry_attempts)
                    .set_maximum_event_age_in_seconds(self.desired.maximum_event_age_seconds)
                    .destination_config(destinations.clone())
                    .send()
                    .await
                    .map_err(failed("lambda:PutFunctionEventInvokeConfig", self.function()))?;
                Ok(())
            })
            .await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        // They go with the function, which is deleted next.
        Ok(())
    }
}
