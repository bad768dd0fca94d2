//! What an SDK error means: the one place that knows AWS's error codes.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};

use super::way::TooLong;
use super::{Cause, Kind};

/// The code of an answer that did not come from AWS.
pub(super) const NOT_AWS: &str = "NotAws";
const NOT_AWS_ANSWERED: &str = "something other than AWS answered";

/// Its kind, its code and its message.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> (Kind, String, String)
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let text = |kind, code: &str, message: String| (kind, code.to_owned(), message);
    if let Some(words) = error.raw_response().and_then(stranger) {
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        // What fails on the way may pass, as what fails at AWS does.
        let kind = if status >= 500 { Kind::Service } else { Kind::Unreachable };
        return (kind, NOT_AWS.to_owned(), words);
    }
    if let SdkError::ServiceError(service) = error {
        let status = service.raw().status().as_u16();
        let message = service.err().message();
        let Some(code) = service.err().code() else {
            let said = message.map(|message| format!(": {message}")).unwrap_or_default();
            return match status {
                429 => text(Kind::Throttled, "HTTP 429", message.unwrap_or("too many requests").to_owned()),
                500.. => (
                    Kind::Service,
                    format!("HTTP {status}"),
                    message.unwrap_or("the answer gives no reason").to_owned(),
                ),
                // AWS never refuses without an error code.
                _ => text(
                    Kind::Unreachable,
                    NOT_AWS,
                    format!("{NOT_AWS_ANSWERED}: HTTP {status}, without one of AWS's error codes{said}"),
                ),
            };
        };
        let message = message.unwrap_or("the answer gives no reason").to_owned();
        return (kind_of(code, &message), code.to_owned(), message);
    }
    if let Some(credentials) = source_of::<CredentialsError>(error) {
        return text(Kind::Credentials, "NoCredentials", credentials_message(credentials));
    }
    if let Some(long) = source_of::<TooLong>(error) {
        return text(Kind::Unreachable, NOT_AWS, long.to_string());
    }
    match error {
        SdkError::TimeoutError(_) => text(Kind::Unreachable, "Timeout", "no answer within the deadline".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            text(Kind::Unreachable, "Timeout", format!("no connection within the deadline ({})", root_cause(error)))
        }
        SdkError::DispatchFailure(_) => text(Kind::Unreachable, "Unreachable", root_cause(error)),
        SdkError::ResponseError(_) => {
            text(Kind::Service, "UnreadableAnswer", format!("the answer is not one of AWS's: {}", root_cause(error)))
        }
        _ => text(Kind::Invalid, "NotSent", root_cause(error)),
    }
}

/// What is behind an error, as far as its operation and words tell.
pub(super) fn cause_of(kind: Kind, operation: &str, code: &str, message: &str) -> Cause {
    match kind {
        _ if code.starts_with("KMS") && operation == "lambda:Invoke" => Cause::SettingsUnreadable,
        Kind::AccessDenied if message.contains("cannot be assumed by Lambda") => Cause::RoleNotReady,
        Kind::AccessDenied if let Some(policy) = denying_policy(message) => Cause::DeniedAbove(policy),
        Kind::AccessDenied => Cause::Denied(denied_action(message).unwrap_or_else(|| action_of(operation).to_owned())),
        _ => Cause::Unspecified,
    }
}

/// The policy that denies it, if it is none that a deployer's own permissions could make up for (IAM User Guide,
/// "Troubleshoot access denied error messages").
fn denying_policy(message: &str) -> Option<&'static str> {
    [
        ("service control policy", "a service control policy of the organization"),
        ("resource control policy", "a resource control policy of the organization"),
        ("VPC endpoint policy", "the policy of the VPC endpoint"),
        ("permissions boundary", "the permissions boundary of the caller"),
        ("session policy", "the policy of the caller's session"),
        ("explicit deny in an identity-based policy", "one of the caller's own policies"),
        ("explicit deny in a resource-based policy", "the policy of the resource"),
    ]
    .into_iter()
    .find_map(|(words, policy)| message.contains(words).then_some(policy))
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

/// What answers instead of AWS: a login page, a proxy, a firewall. `None` if it may well be AWS.
fn stranger(answer: &HttpResponse) -> Option<String> {
    let header = |name| answer.headers().get(name);
    // Each answer of AWS carries one.
    if header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).is_some() {
        return None;
    }
    let status = answer.status().as_u16();
    let body = answer.body().bytes().unwrap_or_default();
    let start = String::from_utf8_lossy(&body[..body.len().min(4096)]).trim_start().to_owned();
    let is_page = header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"))
        || ["<!doctype html", "<html"]
            .iter()
            .any(|tag| start.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag)));
    let what = match status {
        300..=399 => {
            let target = header("location").unwrap_or_default();
            let host = target.split_once("://").map_or(target, |(_, rest)| rest);
            let host = host.split(['/', '?', '#']).next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
            if host.is_empty() { "a redirect".to_owned() } else { format!("a redirect to {host}") }
        }
        407 => "a proxy that wants a user name and a password".to_owned(),
        511 => "a network that wants you to log in".to_owned(),
        _ if is_page => match title(&start) {
            Some(title) => format!("a web page, \"{title}\""),
            None => "a web page".to_owned(),
        },
        _ => return None,
    };
    Some(format!("{NOT_AWS_ANSWERED}: {what} (HTTP {status})"))
}

/// The title of a web page, if it has a short one.
fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find('<')?;
    let title = page.get(start..end)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty() && title.chars().count() <= 80).then_some(title)
}

fn credentials_message(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => "no AWS credentials were found".to_owned(),
        other => format!("the AWS credentials could not be loaded: {}", root_cause(other)),
    }
}

pub(super) fn source_of<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
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
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
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

/// What an AWS error code means. `ResourceConflictException` stands for two things in Lambda, told apart by message.
fn kind_of(code: &str, message: &str) -> Kind {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "NotFound" | "NoSuchEntity" | "ResourceNotFound" => Kind::NotFound,
        "EntityAlreadyExists" | "ResourceAlreadyExists" => Kind::AlreadyExists,
        "ResourceConflict" if message.contains("already exist") => Kind::AlreadyExists,
        "ResourceConflict"
        | "ConcurrentModification"
        | "ConcurrentAccess"
        | "StaleTag"
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
    fn a_denial_by_a_policy_above_is_no_missing_permission() {
        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: sns:CreateTopic on resource: r with an explicit deny in a service control policy: arn:aws:organizations::2:policy/o-1/service_control_policy/p-1";
        let cause = cause_of(Kind::AccessDenied, "sns:CreateTopic", "AccessDenied", message);
        assert_eq!(cause, Cause::DeniedAbove("a service control policy of the organization"));
    }

    #[test]
    fn a_page_is_known_by_its_type_or_its_first_tag_and_named_by_its_title() {
        let answer = |status: u16, headers: &[(&'static str, &'static str)], body: &str| {
            let mut answer = HttpResponse::new(status.try_into().unwrap(), body.to_owned().into());
            for (name, value) in headers {
                answer.headers_mut().insert(*name, *value);
            }
            stranger(&answer)
        };
        let page = " <!DOCTYPE HTML><head><TITLE>Guest\n Wi-Fi</TITLE>";
        assert!(answer(200, &[], page).unwrap().ends_with("a web page, \"Guest Wi-Fi\" (HTTP 200)"));
        assert!(
            answer(200, &[("content-type", "text/html; charset=x")], "").unwrap().ends_with("a web page (HTTP 200)")
        );
        let to = [("location", "https://u:p@login.example.com/x?y")];
        assert!(answer(302, &to, "").unwrap().ends_with("a redirect to login.example.com (HTTP 302)"));
        assert!(answer(407, &[], "").unwrap().contains("a proxy that wants a user name"));
        assert_eq!(answer(200, &[("x-amzn-requestid", "1")], page), None, "a function's own answer");
        assert_eq!(answer(200, &[], "<GetCallerIdentityResponse/>"), None);
    }

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
