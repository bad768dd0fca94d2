//! The one error of this crate: an AWS call that failed, shown as "creating SNS topic (NAME): CODE: MESSAGE".
//!
//! Every SDK error becomes an [`Error`] through [`failed`]. Its [`Kind`] says what it means for a run and its [`Cause`]
//! what is behind it, both worked out in `classify.rs` and nowhere else: no other file matches on error codes, unless a
//! code means something special in one place. What to do about an error is the command's to say, not this crate's.

mod cause;
mod classify;
mod way;
mod words;

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use keyminder_reconcile::Failure;

pub use self::cause::Cause;
pub(crate) use self::classify::root_cause;
use self::classify::{cause_of, classify, source_of};
use self::way::Lost;
pub(crate) use self::way::{TooLong, Way};
use self::words::doing;

/// What an error means for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The resource, or one that it refers to, does not exist.
    NotFound,
    /// The resource already exists.
    AlreadyExists,
    /// Another change is in progress, or the resource has changed a moment ago.
    Conflict,
    /// It cannot be deleted while something is attached to it.
    InUse,
    /// The caller is not allowed to do this.
    AccessDenied,
    /// There are no credentials, or AWS does not accept them.
    Credentials,
    /// This machine's clock is off.
    ClockSkew,
    /// Too many calls.
    Throttled,
    /// An account quota is used up.
    Quota,
    /// The endpoint did not answer, or not in time.
    Unreachable,
    /// AWS refuses what was asked for.
    Invalid,
    /// AWS failed.
    Service,
    /// A wait came to its deadline.
    TimedOut,
    /// The user asked to stop.
    Interrupted,
    /// Something to correct before AWS is asked at all.
    Usage,
}

/// Why something could not be done in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What it means for a run.
    pub kind: Kind,
    /// The API operation with its service prefix, such as `sns:CreateTopic`; empty where no call was made.
    pub operation: &'static str,
    /// The name or ARN of what it was about; empty where there is none.
    pub resource: String,
    /// AWS's error code, or ours.
    pub code: String,
    /// AWS's words, or ours.
    pub message: String,
    /// What AWS support would ask for.
    pub request_id: Option<String>,
    /// What is behind it.
    pub cause: Cause,
}

impl Error {
    /// Something to correct before AWS is asked at all.
    pub fn usage(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            operation: "",
            resource: String::new(),
            code: code.to_owned(),
            message: message.into(),
            request_id: None,
            cause: Cause::Unspecified,
        }
    }

    /// A call that failed in a way that the API does not report as an error.
    pub(crate) fn of_call(
        kind: Kind,
        operation: &'static str,
        resource: &str,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, operation, resource: resource.to_owned(), ..Self::usage(code, message) }
    }

    /// A request that lacks what the API requires. Every request here is built from complete values.
    pub(crate) fn unbuildable(error: aws_smithy_types::error::operation::BuildError) -> Self {
        Self::usage("IncompleteRequest", error.to_string())
    }

    /// The same error with what is behind it.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The same error with one more thing that helps against what is wrong on this machine.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        match &mut self.cause {
            Cause::Surroundings(hints) => hints.push(hint.into()),
            _ => self.cause = Cause::Surroundings(vec![hint.into()]),
        }
        self
    }

    /// The same error. If something does not exist, it is the installation itself.
    #[must_use]
    pub(crate) fn of_install(self) -> Self {
        if self.is_not_found() { self.because(Cause::NotInstalled) } else { self }
    }

    /// The resource does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.operation.is_empty() {
            f.write_str(&doing(self.operation))?;
            if !self.resource.is_empty() {
                write!(f, " ({})", self.resource)?;
            }
            f.write_str(": ")?;
        }
        if self.kind != Kind::Usage && !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(self.message.trim_end_matches('.'))?;
        if let Some(request_id) = &self.request_id {
            write!(f, " (request {request_id})")?;
        }
        Ok(())
    }
}

impl StdError for Error {}

impl Failure for Error {
    fn is_stale(&self) -> bool {
        matches!(self.kind, Kind::NotFound | Kind::AlreadyExists | Kind::Conflict)
    }

    fn is_interrupted(&self) -> bool {
        self.kind == Kind::Interrupted
    }
}

/// Turns an SDK error of `operation` (`sns:CreateTopic`) about `resource` into an [`Error`].
pub(crate) fn failed<E>(
    operation: &'static str,
    resource: &(impl AsRef<str> + ?Sized),
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    let resource = resource.as_ref().to_owned();
    move |error| describe(operation, resource, &error)
}

fn describe<E>(operation: &'static str, resource: String, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    let request_id = error.request_id().map(str::to_owned);
    let (kind, code, message) = classify(error);
    let of_way = way::hints(error, kind, &code, &message);
    let cause = match of_way.is_empty() {
        true => cause_of(kind, operation, &code, &message),
        false => Cause::Surroundings(of_way),
    };
    Error { kind, operation, resource, code, message, request_id, cause }
}

/// What a source of credentials failed with: the answer of the service that it asked, or its own words.
pub(crate) fn of_credentials(error: &CredentialsError) -> Error {
    if let Some(error) = source_of::<SdkError<AssumeRoleError, HttpResponse>>(error) {
        return describe("sts:AssumeRole", String::new(), error);
    }
    if let Some(error) = source_of::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>(error) {
        return describe("sts:AssumeRoleWithWebIdentity", String::new(), error);
    }
    let kind = if source_of::<Lost>(error).is_some() { Kind::Unreachable } else { Kind::Credentials };
    let words = match error {
        CredentialsError::CredentialsNotLoaded(_) => StdError::source(error).map_or_else(String::new, root_cause),
        other => root_cause(other),
    };
    Error { kind, ..Error::usage("NoCredentials", words) }
}
