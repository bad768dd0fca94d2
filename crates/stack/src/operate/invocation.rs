//! Running the installed function for real.

use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use crate::actions::{Actions, On};
use crate::error::{Cause, Error, failed};
use crate::installation::Installation;
use crate::ownership;

/// What these calls need to be allowed.
pub(super) const ACTIONS: Actions = &[(On::Function, &["lambda:InvokeFunction"])];

/// What a run of the function came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The function answered and reported no error.
    pub ok: bool,
    /// Its answer, or the error it reported.
    pub payload: Value,
    /// The last lines of its log, as far as Lambda hands them out.
    pub log_tail: String,
    /// The kind of error, `Unhandled` mostly.
    pub function_error: Option<String>,
}

impl Installation {
    /// Invokes the installed function and waits for its answer.
    ///
    /// # Errors
    /// `NotOurs` where the function is somebody else's; what Lambda answers; not the function's own errors, which are in the [`Invocation`].
    pub async fn invoke(&self, payload: &Value) -> Result<Invocation, Error> {
        self.must_be_ours().await?;
        // The call lasts as long as the function runs, which may be longer than any other call.
        let patience = Duration::from_secs(u64::from(self.spec.function.timeout_seconds) + 30);
        let timeouts = aws_sdk_lambda::config::timeout::TimeoutConfig::builder()
            .operation_attempt_timeout(patience)
            .operation_timeout(patience)
            .read_timeout(patience)
            .build();
        // A second attempt after a lost answer would send the notices twice.
        let once = aws_sdk_lambda::config::retry::RetryConfig::disabled();
        let answer = self
            .clients
            .lambda
            .invoke()
            .function_name(&self.names.function)
            .invocation_type(InvocationType::RequestResponse)
            .log_type(LogType::Tail)
            .payload(Blob::new(payload.to_string()))
            .customize()
            .config_override(aws_sdk_lambda::Config::builder().timeout_config(timeouts).retry_config(once))
            .send()
            .await
            .map_err(failed("lambda:Invoke", &self.names.function))?;
        let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
        let payload = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        let log = answer.log_result.and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
        Ok(Invocation {
            ok: answer.function_error.is_none(),
            payload,
            log_tail: String::from_utf8_lossy(&log).into_owned(),
            function_error: answer.function_error,
        })
    }

    /// A function of another install, or one that was made by hand, does not know our events: asked to send nothing, it
    /// would send what it always does.
    async fn must_be_ours(&self) -> Result<(), Error> {
        let name = &self.names.function;
        let answer = self.clients.lambda.get_function().function_name(name).send().await;
        let answer = answer.map_err(failed("lambda:GetFunction", name)).map_err(Error::of_install)?;
        let tags = answer.tags.unwrap_or_default().into_iter().collect();
        match ownership::objection(&tags, &self.names) {
            None => Ok(()),
            Some(reason) => Err(Error::usage(
                "NotOurs",
                format!("the function {name} was not created by this installation: {reason}"),
            )
            .because(Cause::NotOurs)),
        }
    }
}
