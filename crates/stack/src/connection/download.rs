//! Fetches what AWS hands out a link to, such as a function's package. The link is its own credential: nothing is
//! signed, and the link is shown to nobody.

use std::error::Error as StdError;
use std::fmt;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use http::Uri;

use super::http::PACKAGE;
use super::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT};
use crate::error::root_cause;

/// The file behind `link`.
///
/// # Errors
/// Why it cannot be had, in words.
pub(super) async fn download(sdk: &SdkConfig, link: &str) -> Result<Vec<u8>, String> {
    let uri: Uri = link.parse().map_err(|_| "the link to it is not a URL".to_owned())?;
    let (Some(scheme), Some(authority), Some(path)) = (uri.scheme_str(), uri.authority(), uri.path_and_query()) else {
        return Err("the link to it is not a URL".to_owned());
    };
    let (Some(http), Some(sleep), Some(time)) = (sdk.http_client(), sdk.sleep_impl(), sdk.time_source()) else {
        return Err("there is no HTTP client".to_owned());
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(ATTEMPT_TIMEOUT)
        .build();
    let operation = Operation::builder()
        .service_name("packages")
        .operation_name("Download")
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(&format!("{scheme}://{authority}"))
        .no_auth()
        .sleep_impl(sleep)
        .time_source(time)
        .timeout_config(timeouts)
        .standard_retry(sdk.retry_config().unwrap_or(&RetryConfig::standard()))
        .retry_classifier(HttpStatusCodeClassifier::default())
        .retry_classifier(TransientErrorClassifier::<Refused>::new())
        .serializer(|path: String| {
            let mut request = HttpRequest::new(SdkBody::empty());
            request.set_uri(path)?;
            request.headers_mut().insert("accept", PACKAGE);
            Ok(request)
        })
        .deserializer(|answer| match (answer.status().as_u16(), answer.body().bytes()) {
            (200, Some(bytes)) => Ok(bytes.to_vec()),
            (status, _) => Err(OrchestratorError::operation(Refused(status))),
        })
        .build();
    operation.invoke(path.to_string()).await.map_err(|error| format!("{}: {}", authority.host(), in_words(&error)))
}

fn in_words<R: fmt::Debug>(error: &SdkError<Refused, R>) -> String {
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        other => root_cause(other.source().unwrap_or(&Refused(0))),
    }
}

/// The server's refusal.
#[derive(Debug)]
struct Refused(u16);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered with status {}", self.0)
    }
}

impl StdError for Refused {}
