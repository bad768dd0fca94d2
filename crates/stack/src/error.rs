//! The one error of this crate: an AWS call that failed, told as "creating SNS topic (NAME): CODE: MESSAGE".
//!
//! Every SDK error becomes an [`Error`] through [`failed`]; what it means for a run is its [`Kind`], worked out here
//! and nowhere else. No other file matches on error codes, unless a code means something special in one place.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use keyminder_reconcile::Failure;

/// What an error means for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The object, or one it refers to, is not there.
    NotFound,
    /// The object is there already.
    AlreadyExists,
    /// Another change is under way, or the object is not as it was a moment ago.
    Conflict,
    /// It cannot be deleted while something is attached to it.
    InUse,
    /// The caller may not do this.
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
    /// Something to be put right before AWS is asked at all.
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
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Error {
    /// Something to be put right before AWS is asked at all.
    pub fn usage(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            operation: "",
            resource: String::new(),
            code: code.to_owned(),
            message: message.into(),
            request_id: None,
            hints: Vec::new(),
        }
    }

    /// A request that lacks what the API requires. Every request here is built from complete values.
    pub(crate) fn unbuildable(error: aws_smithy_types::error::operation::BuildError) -> Self {
        Self::usage("IncompleteRequest", error.to_string())
    }

    /// The same error with one more thing to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same error where what is missing is the install itself.
    #[must_use]
    pub(crate) fn of_install(mut self) -> Self {
        if self.is_not_found() {
            self.hints = vec![
                "nothing is installed here: run keyminder setup, or say where it is with --region and --name"
                    .to_owned(),
            ];
        }
        self
    }

    /// The object is not there.
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
    move |error| {
        let request_id = error.request_id().map(str::to_owned);
        let (kind, code, message) = classify(&error);
        let hints = hints(kind, operation, &code, &message);
        Error { kind, operation, resource, code, message, request_id, hints }
    }
}

fn classify<E>(error: &SdkError<E, HttpResponse>) -> (Kind, String, String)
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let text = |kind, code: &str, message: String| (kind, code.to_owned(), message);
    if let SdkError::ServiceError(service) = error {
        let status = service.raw().status().as_u16();
        let message = service.err().message().unwrap_or("the answer says nothing more").to_owned();
        // A proxy or a firewall answers with a status and nothing else.
        let Some(code) = service.err().code() else {
            return (kind_of_status(status), format!("HTTP {status}"), message);
        };
        return (kind_of(code, &message), code.to_owned(), message);
    }
    if let Some(credentials) = source_of::<CredentialsError>(error) {
        return text(Kind::Credentials, "NoCredentials", credentials_message(credentials));
    }
    match error {
        SdkError::TimeoutError(_) => text(Kind::Unreachable, "Timeout", "no answer within the deadline".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            text(Kind::Unreachable, "Timeout", format!("no connection within the deadline ({})", root_cause(error)))
        }
        SdkError::DispatchFailure(_) => text(Kind::Unreachable, "Unreachable", root_cause(error)),
        SdkError::ResponseError(_) => text(Kind::Service, "UnreadableAnswer", root_cause(error)),
        _ => text(Kind::Invalid, "NotSent", root_cause(error)),
    }
}

fn credentials_message(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => "no AWS credentials were found".to_owned(),
        other => format!("the AWS credentials could not be loaded: {}", root_cause(other)),
    }
}

fn source_of<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}

/// The innermost error has the words a person can use ("Connection refused"); the outer ones only wrap it.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn kind_of_status(status: u16) -> Kind {
    match status {
        401 | 403 => Kind::AccessDenied,
        404 => Kind::NotFound,
        429 => Kind::Throttled,
        500.. => Kind::Service,
        _ => Kind::Invalid,
    }
}

/// What an AWS error code means. `ResourceConflictException` stands for two things in Lambda, told apart by message.
fn kind_of(code: &str, message: &str) -> Kind {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "NotFound" | "NoSuchEntity" | "ResourceNotFound" => Kind::NotFound,
        "EntityAlreadyExists" | "ResourceAlreadyExists" => Kind::AlreadyExists,
        "ResourceConflict" if message.contains("already exist") => Kind::AlreadyExists,
        "ResourceConflict"
        | "ConcurrentModification"
        | "ConcurrentAccess"
        | "OperationAborted"
        | "EntityTemporarilyUnmodifiable"
        | "PreconditionFailed" => Kind::Conflict,
        "DeleteConflict" => Kind::InUse,
        "Validation" if message.contains("targets") => Kind::InUse,
        "AccessDenied" | "AuthorizationError" | "UnauthorizedOperation" | "NotAuthorized" => Kind::AccessDenied,
        "ExpiredToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "RequestExpired"
        | "OptInRequired" => {
            if message.contains("Signature not yet current") || message.contains("Signature expired") {
                Kind::ClockSkew
            } else {
                Kind::Credentials
            }
        }
        "RequestTimeTooSkewed" => Kind::ClockSkew,
        "Throttling"
        | "Throttled"
        | "ThrottledError"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "LimitExceededRate" => Kind::Throttled,
        "LimitExceeded"
        | "TopicLimitExceeded"
        | "SubscriptionLimitExceeded"
        | "CodeStorageExceeded"
        | "TagLimitExceeded"
        | "FilterPolicyLimitExceeded" => Kind::Quota,
        "InternalFailure" | "InternalError" | "Internal" | "ServiceFailure" | "ServiceUnavailable" | "Service" => {
            Kind::Service
        }
        _ => Kind::Invalid,
    }
}

fn hints(kind: Kind, operation: &str, code: &str, message: &str) -> Vec<String> {
    let hint: &[&str] = match kind {
        _ if code.starts_with("KMS") && operation == "lambda:Invoke" => &[
            "the function cannot read its own settings; 'keyminder plan' shows whether its role was made again, and 'keyminder setup' puts that right",
        ],
        Kind::AccessDenied if message.contains("cannot be assumed by Lambda") => &[
            "it is the function's role that lacks something, not the caller: 'keyminder setup' puts it right, and a new role is known everywhere after a minute or two",
        ],
        Kind::AccessDenied => {
            let action = denied_action(message).unwrap_or_else(|| action_of(operation).to_owned());
            return vec![
                format!("the caller needs the permission {action}"),
                "'keyminder export policy' prints the least IAM policy that a deployer needs".to_owned(),
            ];
        }
        Kind::Credentials => &[
            "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "an expired session is renewed with 'aws sso login' or 'aws login'",
            "a region that is not switched on for the account answers like this too: check --region",
        ],
        Kind::ClockSkew => {
            &["AWS refuses requests whose time is off by more than five minutes: set this machine's clock"]
        }
        Kind::Throttled => &["AWS limits the rate of calls in this account: run the same command again in a minute"],
        Kind::Quota => &["raise the quota in the Service Quotas console, or remove what is no longer needed"],
        Kind::Unreachable => &["check the network, the region and, if one is set, --endpoint-url or AWS_ENDPOINT_URL"],
        Kind::NotFound | Kind::AlreadyExists | Kind::Conflict => {
            &["somebody else may be changing the same objects: run the same command again"]
        }
        Kind::Service => &["AWS failed: run the same command again; it goes on from where it stopped"],
        _ => &[],
    };
    hint.iter().map(|&hint| hint.to_owned()).collect()
}

/// "… is not authorized to perform: sns:CreateTopic on resource: …" names the action better than the operation does.
fn denied_action(message: &str) -> Option<String> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    let action = rest.split_whitespace().next()?;
    action.contains(':').then(|| action.trim_end_matches('.').to_owned())
}

/// The IAM action of an operation, where the two differ in name.
pub(crate) fn action_of(operation: &str) -> &str {
    match operation {
        "lambda:Invoke" => "lambda:InvokeFunction",
        other => other,
    }
}

/// `sns:CreateTopic` in words: "creating SNS topic".
fn doing(operation: &str) -> String {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let service = match service {
        "events" => "EventBridge",
        "iam" => "IAM",
        "lambda" => "Lambda",
        "logs" => "CloudWatch Logs",
        "sns" => "SNS",
        "sts" => "STS",
        other => other,
    };
    let mut words = words(name).into_iter();
    let verb = match words.next().as_deref() {
        Some("get" | "describe") => "reading".to_owned(),
        Some("put" | "set") => "setting".to_owned(),
        Some(verb) if verb.ends_with('e') => format!("{}ing", &verb[..verb.len() - 1]),
        Some("untag") => "untagging".to_owned(),
        Some("tag") => "tagging".to_owned(),
        Some(verb) => format!("{verb}ing"),
        None => String::new(),
    };
    let rest: Vec<_> = words.collect();
    if rest.is_empty() || rest == ["resource"] {
        return format!("{verb} {service} resource");
    }
    format!("{verb} {service} {}", rest.join(" "))
}

fn words(camel: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in camel.chars() {
        if letter.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_as_what_was_being_done() {
        let said: Vec<_> = [
            "sns:CreateTopic",
            "iam:GetPolicyVersion",
            "events:PutTargets",
            "logs:TagResource",
            "lambda:UpdateFunctionCode",
            "sts:GetCallerIdentity",
            "lambda:Invoke",
            "iam:AttachRolePolicy",
        ]
        .map(doing)
        .into();
        assert_eq!(
            said,
            [
                "creating SNS topic",
                "reading IAM policy version",
                "setting EventBridge targets",
                "tagging CloudWatch Logs resource",
                "updating Lambda function code",
                "reading STS caller identity",
                "invoking Lambda resource",
                "attaching IAM role policy",
            ]
        );
    }

    #[test]
    fn a_conflict_of_lambda_is_told_apart_by_its_message() {
        assert_eq!(kind_of("ResourceConflictException", "Function already exist: f"), Kind::AlreadyExists);
        assert_eq!(kind_of("ResourceConflictException", "An update is in progress for resource"), Kind::Conflict);
    }

    #[test]
    fn a_denial_names_the_action_that_aws_names() {
        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:PassRole on resource: r";
        assert!(
            hints(Kind::AccessDenied, "lambda:CreateFunction", "AccessDenied", message)[0].ends_with("iam:PassRole")
        );
    }
}
