//! What an SDK error means: the one place that knows AWS's error codes.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};

use super::{Cause, Kind};

/// Its kind, its code and its message.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> (Kind, String, String)
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

/// What is behind an error, as far as its operation and words tell.
pub(super) fn cause_of(kind: Kind, operation: &str, code: &str, message: &str) -> Cause {
    match kind {
        _ if code.starts_with("KMS") && operation == "lambda:Invoke" => Cause::SettingsUnreadable,
        Kind::AccessDenied if message.contains("cannot be assumed by Lambda") => Cause::RoleNotReady,
        Kind::AccessDenied => Cause::Denied(denied_action(message).unwrap_or_else(|| action_of(operation).to_owned())),
        _ => Cause::Unspecified,
    }
}

/// "… is not authorized to perform: sns:CreateTopic on resource: …" names the action better than the operation does.
fn denied_action(message: &str) -> Option<String> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    let action = rest.split_whitespace().next()?;
    action.contains(':').then(|| action.trim_end_matches('.').to_owned())
}

/// The IAM action of an operation, where the two differ in name.
fn action_of(operation: &str) -> &str {
    match operation {
        "lambda:Invoke" => "lambda:InvokeFunction",
        other => other,
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
    // A service's answer within another error, as where a role could not be assumed.
    match innermost.downcast_ref::<ErrorMetadata>() {
        Some(answer) => {
            let code = answer.code().unwrap_or("an error without a code");
            answer.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
        }
        None => innermost.to_string(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_of_lambda_is_told_apart_by_its_message() {
        assert_eq!(kind_of("ResourceConflictException", "Function already exist: f"), Kind::AlreadyExists);
        assert_eq!(kind_of("ResourceConflictException", "An update is in progress for resource"), Kind::Conflict);
    }

    #[test]
    fn a_denial_names_the_action_that_aws_names() {
        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:PassRole on resource: r";
        let denied = cause_of(Kind::AccessDenied, "lambda:CreateFunction", "AccessDenied", message);
        assert_eq!(denied, Cause::Denied("iam:PassRole".to_owned()));
        let wordless = cause_of(Kind::AccessDenied, "lambda:Invoke", "AccessDenied", "");
        assert_eq!(wordless, Cause::Denied("lambda:InvokeFunction".to_owned()));
    }
}
