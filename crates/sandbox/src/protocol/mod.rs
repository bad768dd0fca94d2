//! The shapes every service's operations work with: one input, one error, whatever the wire protocol.
//!
//! `query` and `json` turn HTTP into these and back; operations know neither.

pub(crate) mod query;
pub(crate) mod render;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::Tags;

/// The services, by the name in the credential scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Account,
    Iam,
    Sts,
    Sns,
    Lambda,
    Events,
    Logs,
    Organizations,
    Ses,
    Sqs,
}

impl Service {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "account" => Self::Account,
            "iam" => Self::Iam,
            "sts" => Self::Sts,
            "sns" => Self::Sns,
            "lambda" => Self::Lambda,
            "events" => Self::Events,
            "logs" => Self::Logs,
            "organizations" => Self::Organizations,
            "ses" => Self::Ses,
            "sqs" => Self::Sqs,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Sns => "sns",
            Self::Lambda => "lambda",
            Self::Events => "events",
            Self::Logs => "logs",
            Self::Account => "account",
            Self::Organizations => "organizations",
            Self::Ses => "ses",
            Self::Sqs => "sqs",
        }
    }

    /// Whether it speaks the XML query protocol.
    pub(crate) fn is_query(self) -> bool {
        matches!(self, Self::Iam | Self::Sts | Self::Sns)
    }

    fn invalid(self) -> &'static str {
        match self {
            Self::Iam | Self::Sts => "ValidationError",
            Self::Sns => "InvalidParameter",
            Self::Lambda => "InvalidParameterValueException",
            Self::Account | Self::Events => "ValidationException",
            Self::Logs => "InvalidParameterException",
            Self::Organizations => "InvalidInputException",
            Self::Ses => "BadRequestException",
            Self::Sqs => "InvalidParameterValue",
        }
    }

    pub(crate) fn throttled(self) -> AwsError {
        match self {
            Self::Account | Self::Lambda => AwsError::new("TooManyRequestsException", "Rate exceeded").status(429),
            Self::Ses => AwsError::new("TooManyRequestsException", "Maximum sending rate exceeded.").status(429),
            Self::Events | Self::Logs | Self::Sqs => AwsError::new("ThrottlingException", "Rate exceeded"),
            Self::Organizations => AwsError::new(
                "TooManyRequestsException",
                "AWS Organizations can't complete the request because another request is already in progress. Try again later.",
            ),
            Self::Iam | Self::Sts | Self::Sns => AwsError::new("Throttling", "Rate exceeded"),
        }
    }

    pub(crate) fn server_error(self) -> AwsError {
        let code = match self {
            Self::Iam => "ServiceFailure",
            Self::Ses | Self::Sts | Self::Sqs => "InternalFailure",
            Self::Account => "InternalServerException",
            Self::Sns => "InternalError",
            Self::Lambda | Self::Organizations => "ServiceException",
            Self::Events => "InternalException",
            Self::Logs => "ServiceUnavailableException",
        };
        AwsError::new(code, "The request processing has failed because of an unknown error, exception or failure.")
            .status(500)
    }

    pub(crate) fn access_denied(self, message: impl Into<String>) -> AwsError {
        match self {
            Self::Iam | Self::Sts => AwsError::new("AccessDenied", message).status(403),
            Self::Sns => AwsError::new("AuthorizationError", message).status(403),
            Self::Account | Self::Lambda | Self::Ses => AwsError::new("AccessDeniedException", message).status(403),
            Self::Events | Self::Logs | Self::Organizations | Self::Sqs => {
                AwsError::new("AccessDeniedException", message)
            }
        }
    }

    pub(crate) fn expired_token(self) -> AwsError {
        let code = if self.is_query() { "ExpiredToken" } else { "ExpiredTokenException" };
        AwsError::new(code, "The security token included in the request is expired").status(403)
    }

    pub(crate) fn invalid_token(self) -> AwsError {
        let code = if self.is_query() { "InvalidClientTokenId" } else { "UnrecognizedClientException" };
        AwsError::new(code, "The security token included in the request is invalid.").status(403)
    }

    pub(crate) fn bad_signature(self, message: impl Into<String>) -> AwsError {
        let code = if self.is_query() { "SignatureDoesNotMatch" } else { "InvalidSignatureException" };
        AwsError::new(code, message).status(403)
    }

    pub(crate) fn clock_skew(self) -> AwsError {
        self.bad_signature(
            "Signature expired: 20170101T000000Z is now earlier than 20170101T001500Z (20170101T003000Z - 15 min.)",
        )
    }
}

/// An error as AWS answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: u16,
    /// What Lambda adds to a refusal for want of capacity.
    pub(crate) reason: Option<&'static str>,
}

impl AwsError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400, reason: None }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

pub(crate) type Answer = Result<Value, AwsError>;

/// An operation's parameters: a JSON object whatever came over the wire. Values from the query protocol are strings.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    service: Service,
    value: Value,
    /// The raw body, where it is not the parameters (`Invoke`).
    pub(crate) payload: Vec<u8>,
    /// The request's headers, by lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Input {
    pub(crate) fn new(service: Service, value: Value) -> Self {
        Self { service, value, payload: Vec::new(), headers: BTreeMap::new() }
    }

    pub(crate) fn at(&self, name: &str) -> &Value {
        &self.value[name]
    }

    /// Whether the parameter was sent at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.value[name].is_null()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value[name].as_str()
    }

    pub(crate) fn text_or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or(default).to_owned()
    }

    /// The text, or the error that it is missing.
    pub(crate) fn required(&self, name: &str) -> Result<String, AwsError> {
        match self.text(name) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(self.invalid(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                lower_first(name)
            ))),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let value = &self.value[name];
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        let value = &self.value[name];
        value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
    }

    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.value[name].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        texts(self.list(name))
    }

    /// A map of texts.
    pub(crate) fn map(&self, name: &str) -> BTreeMap<String, String> {
        map(&self.value[name])
    }

    /// Tags, whether sent as a list of keys and values or as a map.
    pub(crate) fn tags(&self, name: &str) -> Tags {
        match &self.value[name] {
            Value::Array(list) => list
                .iter()
                .filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned())))
                .collect(),
            other => map(other),
        }
    }

    /// The service's error for parameters that are not as they should be.
    pub(crate) fn invalid(&self, message: impl Into<String>) -> AwsError {
        AwsError::new(self.service.invalid(), message)
    }
}

pub(crate) fn texts(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn map(value: &Value) -> BTreeMap<String, String> {
    let Some(object) = value.as_object() else {
        return BTreeMap::new();
    };
    object.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The parameters in a body of JSON; none if it is empty.
pub(crate) fn json_body(body: &[u8]) -> Result<Value, serde_json::Error> {
    if body.is_empty() { Ok(serde_json::json!({})) } else { serde_json::from_slice(body) }
}

/// Tags as most services answer them.
pub(crate) fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect()
}

/// Whether a text is one of the markers that `page` makes.
pub(crate) fn is_marker(text: &str) -> bool {
    marked(text).is_some()
}

/// The marker of what follows a key.
pub(crate) fn marker(key: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(key)
}

/// The key in a marker.
fn marked(marker: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(marker).ok()?).ok()
}

/// One page of a list that is sorted by `key`, and the marker of the next page.
pub(crate) fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    from: Option<&str>,
    most: usize,
) -> (Vec<T>, Option<String>) {
    let after = from.and_then(marked);
    let mut rest = items.into_iter().skip_while(|item| after.as_ref().is_some_and(|after| key(item) <= *after));
    let page: Vec<T> = rest.by_ref().take(most.max(1)).collect();
    let next = rest.next().and(page.last()).map(|last| marker(&key(last)));
    (page, next)
}
