//! One call to AWS that is tried until it is answered.
//!
//! Owns what counts as throttled, as passing and as final, and the retries. It must not know what is
//! asked. The SDK's own retries are off for these calls: its adaptive mode gives up after three
//! attempts by default and slows down far below what a limit allows.

use std::collections::HashSet;
use std::error::Error;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use keyminder_keyage::ReadError;

use tokio::time::Instant;

use crate::bounded::TOO_LARGE;
use crate::call_rate::CallRate;

/// How often a call is tried whose failure may pass.
const ATTEMPTS: u32 = 6;

/// The codes of a call that nobody answered.
const TIMEOUT: &str = "Timeout";
const CONNECTION_FAILED: &str = "ConnectionFailed";

/// Why a call was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Too many calls: try again, more slowly.
    Throttled,
    /// A fault that may pass: try again.
    Passing,
    /// What was asked for does not exist.
    Missing,
    /// Anything else: trying again would not help.
    Final,
}

impl Failure {
    /// An answer that cannot be used.
    pub(crate) fn of_answer(code: &str, message: &str) -> Self {
        Self { kind: FailureKind::Final, code: code.to_owned(), message: message.to_owned() }
    }

    /// Whether somebody answered.
    fn is_answer(&self) -> bool {
        ![TIMEOUT, CONNECTION_FAILED].contains(&self.code.as_str())
    }

    pub(crate) fn into_error(self, operation: &'static str, user: Option<&str>) -> ReadError {
        ReadError {
            user: user.map(str::to_owned),
            operation: operation.to_owned(),
            code: self.code,
            message: self.message,
        }
    }
}

impl<E: ProvideErrorMetadata + Error + 'static> From<SdkError<E, HttpResponse>> for Failure {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match &error {
            SdkError::ServiceError(service) => {
                let (code, message) = (service.err().code(), service.err().message());
                answered(code, message, service.raw().status().as_u16())
            }
            SdkError::ResponseError(_) if chain(&error).contains(TOO_LARGE) => Self {
                kind: FailureKind::Final,
                code: "AnswerTooLarge".to_owned(),
                message: "the answer is larger than any that this call can have".to_owned(),
            },
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                answered(Some("UnreadableAnswer"), Some("the answer could not be understood"), status)
            }
            SdkError::TimeoutError(_) => passing(TIMEOUT, "no answer in time".to_owned()),
            SdkError::DispatchFailure(failure) => {
                let message = failure.as_connector_error().map(|error| chain(error)).unwrap_or_default();
                // No credentials and no endpoint are found out here too, and do not mend themselves.
                if failure.is_user() || failure.is_other() && failure.as_other().is_none() {
                    Self { kind: FailureKind::Final, code: "NotSent".to_owned(), message }
                } else {
                    passing(CONNECTION_FAILED, message)
                }
            }
            _ => Self {
                kind: FailureKind::Final,
                code: "NotSent".to_owned(),
                message: error.source().map(chain).unwrap_or_default(),
            },
        }
    }
}

fn passing(code: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Passing, code: code.to_owned(), message }
}

fn answered(code: Option<&str>, message: Option<&str>, status: u16) -> Failure {
    let code = code.map_or_else(|| format!("HTTP{status}"), str::to_owned);
    let kind = match code.as_str() {
        "NoSuchEntity" | "NoSuchEntityException" => FailureKind::Missing,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => FailureKind::Throttled,
        _ if status == 429 => FailureKind::Throttled,
        // The SDK corrects its clock by each answer, so that the next try may be right.
        "RequestTimeout" | "RequestTimeTooSkewed" | "RequestInTheFuture" | "UnreadableAnswer" => FailureKind::Passing,
        _ if status >= 500 => FailureKind::Passing,
        _ => FailureKind::Final,
    };
    Failure { kind, code, message: message.unwrap_or_default().to_owned() }
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The pages of one listing so far. A listing that does not end is a failure: what is not read may be old.
#[derive(Debug)]
pub(crate) struct Pages {
    most: usize,
    markers: HashSet<u64>,
}

impl Pages {
    /// A listing of at most so many pages.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, markers: HashSet::new() }
    }

    /// Where the next page begins; `None` after the last one. A marker that was there before would begin the listing
    /// again, for ever.
    pub(crate) fn next(&mut self, is_truncated: bool, marker: Option<&str>) -> Result<Option<String>, Failure> {
        let failure = |code: &str, message: &str| Err(Failure::of_answer(code, message));
        if !is_truncated {
            return Ok(None);
        }
        let Some(marker) = marker else {
            return failure("NoMarker", "there are more pages, but the answer does not say where the next one begins");
        };
        // A digest, so that memory does not grow with the length of markers.
        if !self.markers.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(marker)) {
            return failure("RepeatedMarker", "the answers repeat a page marker, so the listing would never end");
        }
        if self.markers.len() >= self.most {
            return failure("TooManyPages", "the listing has more pages than it can have");
        }
        Ok(Some(marker.to_owned()))
    }
}

/// A call under way. Boxed, so that there is one loop of retries for all operations and the Lambda
/// function's package stays small.
pub(crate) type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Tries a call until it is answered, or is known not to be.
pub(crate) async fn retried<T>(
    rate: &CallRate,
    mut attempt: impl FnMut() -> Attempt<'static, T>,
) -> Result<T, Failure> {
    let (mut failures, started) = (0, Instant::now());
    loop {
        let turn = rate.turn().await;
        let outcome = attempt().await;
        if outcome.as_ref().err().is_none_or(Failure::is_answer) {
            rate.answered();
        }
        drop(turn);
        let failure = match outcome {
            Ok(answer) => {
                rate.accepted();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        match failure.kind {
            FailureKind::Throttled if rate.refused() => {}
            FailureKind::Passing if failures + 1 < ATTEMPTS && started.elapsed() < rate.retrying() => {
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(failures)).await;
                failures += 1;
            }
            FailureKind::Throttled | FailureKind::Passing => return Err(failure),
            FailureKind::Missing | FailureKind::Final => {
                rate.accepted();
                return Err(failure);
            }
        }
    }
}

/// Makes an attempt of an SDK call.
macro_rules! attempt {
    ($call:expr) => {
        || -> $crate::call::Attempt<'static, _> {
            let call = $call.send();
            Box::pin(async move { call.await.map_err($crate::call::Failure::from) })
        }
    };
}

pub(crate) use attempt;
