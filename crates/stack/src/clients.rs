//! Where every AWS client of the command comes from: one HTTP client, one way to find credentials and region (that
//! of the AWS CLI), one set of deadlines and retries.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
pub use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::error::{Cause, Error, failed};

/// Which account and region to talk to. What is `None` is found as the AWS CLI finds it: environment, shared
/// configuration files, SSO, container and instance roles.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// A region such as `eu-west-1`.
    pub region: Option<String>,
    /// Another endpoint than AWS's, for every service: an emulator, a proxy.
    pub endpoint_url: Option<String>,
    /// The first pause before a failed call is tried again; the SDK's own (one second) when `None`.
    pub retry_pause: Option<Duration>,
    /// No attempt of a call is longer than this, of those that upload or run something aside; 30 seconds when `None`.
    pub attempt_timeout: Option<Duration>,
    /// No wait for AWS to catch up is longer than this; each wait's own deadline when `None`.
    pub longest_wait: Option<Duration>,
    /// These credentials and no others, as for a sandbox in the same process.
    pub credentials: Option<Credentials>,
}

/// A client for each service that is used, all with the same configuration.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) longest_wait: Option<Duration>,
    /// The profile that was named, if one was.
    profile: Option<String>,
    region: String,
    sdk: SdkConfig,
}

/// Who the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The twelve digits of the account.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov` and so on: the second part of every ARN.
    pub partition: String,
    /// The caller's own ARN.
    pub arn: String,
}

/// No single attempt may take longer: a dead endpoint is an error, not a hang.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(90);

/// A call that uploads the package is one request of 2.6 MB: five minutes carry it over 70 kbit/s.
const UPLOAD_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The deadlines of a call that uploads the package.
pub(crate) fn uploading() -> aws_sdk_lambda::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(UPLOAD_ATTEMPT_TIMEOUT)
        .operation_timeout(UPLOAD_TIMEOUT)
        .build();
    aws_sdk_lambda::Config::builder().timeout_config(timeouts)
}

impl Clients {
    /// Finds region and credentials and makes the clients. Calls nobody, unless the region or the credentials come
    /// from a service.
    ///
    /// # Errors
    /// `NoRegion` where no region is configured anywhere, `BadRegion` where it cannot be one, `BadEndpoint` where
    /// the endpoint is not an HTTP URL.
    pub async fn connect(connection: &Connection) -> Result<Self, Error> {
        if let Some(url) = &connection.endpoint_url {
            check_endpoint(url)?;
        }
        let plain = connection.endpoint_url.as_ref().is_some_and(|url| url.starts_with("http:"));
        let http = aws_smithy_http_client::Builder::new();
        // Reading the machine's root certificates takes a while and is for nothing where nobody speaks TLS.
        let http_client = match plain && connection.credentials.is_some() {
            true => http.build_http(),
            false => http.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
        };
        let mut retry = RetryConfig::standard().with_max_attempts(4);
        if let Some(pause) = connection.retry_pause {
            retry = retry.with_initial_backoff(pause);
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(connection.attempt_timeout.unwrap_or(ATTEMPT_TIMEOUT))
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client.clone())
            .retry_config(retry)
            .timeout_config(timeouts);
        if let Ok(name) = AppName::new(concat!("keyminder-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &connection.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &connection.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &connection.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(credentials) = &connection.credentials {
            loader = loader.credentials_provider(credentials.clone());
        }
        let mut sdk = loader.load().await;
        // A profile that was asked for is meant, whatever keys are in the environment: as in the AWS CLI, and unlike in
        // the SDK's chain (AWS CLI User Guide, "Configuration settings and precedence").
        if let (Some(profile), None) = (&connection.profile, &connection.credentials) {
            let config =
                ProviderConfig::without_region().with_region(sdk.region().cloned()).with_http_client(http_client);
            let provider = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
            sdk = sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
        }
        let Some(region) = sdk.region().map(|region| region.as_ref().to_owned()) else {
            return Err(Error::usage("NoRegion", "no AWS region is configured").because(Cause::NoRegion));
        };
        if !is_region(&region) {
            return Err(Error::usage("BadRegion", format!("'{region}' is not an AWS region")).because(Cause::BadRegion));
        }
        if let Some(url) = sdk.endpoint_url() {
            check_endpoint(url)?;
        }
        Ok(Self {
            events: aws_sdk_eventbridge::Client::new(&sdk),
            iam: aws_sdk_iam::Client::new(&sdk),
            lambda: aws_sdk_lambda::Client::new(&sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(&sdk),
            sns: aws_sdk_sns::Client::new(&sdk),
            sts: aws_sdk_sts::Client::new(&sdk),
            longest_wait: connection.longest_wait,
            profile: connection.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok()),
            region,
            sdk,
        })
    }

    /// The region that everything but IAM is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint that takes the place of AWS's, if one is set.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.sdk.endpoint_url()
    }

    /// The configuration that all clients share, for making another one.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.sdk
    }

    /// A client for reading users and keys, with adaptive retries: a check makes thousands of calls.
    #[must_use]
    pub fn iam_for_checking(&self) -> aws_sdk_iam::Client {
        let config = aws_sdk_iam::config::Builder::from(&self.sdk)
            .retry_config(RetryConfig::adaptive().with_max_attempts(10))
            .build();
        aws_sdk_iam::Client::from_conf(config)
    }

    /// Asks AWS who the credentials belong to.
    ///
    /// # Errors
    /// Missing or refused credentials, an endpoint that does not answer.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let answer = self.sts.get_caller_identity().send().await.map_err(failed("sts:GetCallerIdentity", ""));
        let answer = answer.map_err(|error| self.of_profile(error))?;
        let arn = answer.arn().unwrap_or_default().to_owned();
        let partition = arn.split(':').nth(1).filter(|p| p.starts_with("aws")).unwrap_or("aws").to_owned();
        Ok(Identity { account: answer.account().unwrap_or_default().to_owned(), partition, arn })
    }

    /// Where a profile was named and nothing found, it is most likely the name that is wrong.
    fn of_profile(&self, mut error: Error) -> Error {
        if let (Some(profile), "NoCredentials") = (&self.profile, error.code.as_str()) {
            error.message = format!("{} for the profile '{profile}'", error.message);
            error.cause = Cause::NoCredentialsForProfile(profile.clone());
        }
        error
    }
}

fn check_endpoint(url: &str) -> Result<(), Error> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err(Error::usage("BadEndpoint", format!("'{url}' is not an endpoint URL")).because(Cause::BadEndpoint)),
    }
}

/// `eu-west-1`, `us-gov-east-1`, `us-iso-west-1`: letters and digits in at least three groups, the last a number.
fn is_region(region: &str) -> bool {
    let groups: Vec<_> = region.split('-').collect();
    groups.len() >= 3
        && groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
        && groups.last().is_some_and(|g| g.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_every_partition_are_regions() {
        for region in ["eu-west-1", "us-gov-east-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1", "il-central-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "eu", "eu-west", "eu-west-1a", "EU-WEST-1", "eu west 1", "eu--1"] {
            assert!(!is_region(other), "{other}");
        }
    }

    #[test]
    fn an_endpoint_needs_a_scheme_and_a_host() {
        assert!(check_endpoint("http://127.0.0.1:4566").is_ok());
        for bad in ["127.0.0.1:4566", "http://", "ftp://x", "http:///x"] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}
