//! Where every AWS client of the command comes from: one HTTP client, one way to find credentials and region (that of
//! the AWS CLI), one set of deadlines and retries.
//!
//! The parts: `files.rs` reads the AWS CLI's variables and files, `credentials.rs` finds and checks credentials,
//! `endpoints.rs` says where each service is, `proof.rs` finds out whether it works in the right account, `proxy.rs` and
//! `roots.rs` say how to get there, and `http.rs` goes; `download.rs` fetches what AWS hands out a link to.

mod credentials;
mod download;
mod endpoints;
mod files;
mod http;
mod partition;
pub(crate) mod proof;
mod proxy;
mod roots;

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
pub use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use keyminder_keyage::arn::{Arn, is_account_id};

use self::credentials::{Means, Source};
use self::endpoints::{Endpoints, check_endpoint};
use self::files::Files;
pub use self::proof::Unproven;
use self::proxy::Proxies;
use self::roots::Roots;
use crate::error::{Cause, Error, Kind, failed};

/// Which account and region to talk to. What is `None` is found as the AWS CLI finds it: environment, shared
/// configuration files, SSO, container and instance roles.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// A region such as `eu-west-1`.
    pub region: Option<String>,
    /// If no region is configured, use one of the partition that the credentials point to: for IAM, which is global.
    pub region_is_optional: bool,
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
    pub(crate) account: aws_sdk_account::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) ses: aws_sdk_sesv2::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) longest_wait: Option<Duration>,
    endpoints: Endpoints,
    region: String,
    region_is_assumed: bool,
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

/// How often a call is tried, unless the AWS configuration says otherwise.
const ATTEMPTS: u32 = 4;

/// No single attempt takes longer: a dead endpoint is an error, not a hang.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// With the call that asks whose account it is, and before it the credentials, a silent endpoint takes 85 seconds at most.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Asking whose account it is takes a moment or does not work.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(25);

/// A check tries each of its calls several times, and gives up on two of them before it gives up on the account.
const CHECK_TIMEOUT: Duration = Duration::from_secs(6);

/// The deadlines of the calls of a check.
fn checking() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(CHECK_TIMEOUT).build()
}

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
    /// What is wrong with the surroundings (`BadAwsFile`, `NoProfile`, `BadEndpoint`, `BadProxy`, `BadCaBundle`,
    /// `BadMaxAttempts`), with the region (`NoRegion`, `BadRegion`) or with the credentials.
    pub async fn connect(connection: &Connection) -> Result<Self, Error> {
        if let Some(url) = &connection.endpoint_url {
            check_endpoint(url, "")?;
        }
        // A sandbox in the same process is reached without anything from outside.
        let files = match connection.credentials {
            Some(_) => None,
            None => Some(Files::load(connection.profile.as_deref()).await?),
        };
        let proxies = if files.is_some() { Proxies::from_variables()? } else { Proxies::default() };
        let http = self::http::client(proxies, Roots::find(files.as_ref()).await?);
        let attempts = files.as_ref().map(Files::max_attempts).transpose()?.flatten();
        let mut retry = RetryConfig::standard().with_max_attempts(attempts.unwrap_or(ATTEMPTS));
        if let Some(pause) = connection.retry_pause {
            retry = retry.with_initial_backoff(pause);
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(connection.attempt_timeout.unwrap_or(ATTEMPT_TIMEOUT))
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .retry_config(retry.clone())
            .timeout_config(timeouts.clone())
            .identity_cache(IdentityCache::lazy().load_timeout(ATTEMPT_TIMEOUT).build());
        if let Ok(name) = AppName::new(concat!("keyminder-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(files) = &files {
            loader = loader.profile_files(files.contents.clone()).profile_name(&files.profile);
        }
        if let Some(region) = &connection.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &connection.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        loader = match &connection.credentials {
            Some(credentials) => loader.credentials_provider(credentials.clone()),
            None => loader.no_credentials(),
        };
        let mut sdk = loader.load().await;
        let region_is_assumed = sdk.region().is_none();
        if region_is_assumed && connection.region_is_optional {
            let region = Region::from_static(self::partition::some_region(files.as_ref()));
            sdk = sdk.into_builder().region(region).build();
        }
        let Some(region) = sdk.region().map(|region| region.as_ref().to_owned()) else {
            return Err(Error::usage("NoRegion", "no AWS region is configured").because(Cause::NoRegion));
        };
        if !is_region(&region) {
            return Err(Error::usage("BadRegion", format!("'{region}' is not an AWS region")).because(Cause::BadRegion));
        }
        let endpoints = Endpoints::find(connection.endpoint_url.as_deref(), &sdk)?;
        if let Some(files) = &files {
            let provider = ProviderConfig::without_region()
                .with_region(sdk.region().cloned())
                .with_http_client(http)
                .with_retry_config(retry)
                .with_timeout_config(timeouts)
                .with_use_fips(sdk.use_fips())
                .with_use_dual_stack(sdk.use_dual_stack());
            let provider = match default_async_sleep() {
                Some(sleep) => provider.with_sleep_impl(sleep),
                None => provider,
            };
            let sts = at(&sdk, endpoints.of("STS"));
            let source = Source::find(&Means { files, provider, sts }).await?;
            let provider: SharedCredentialsProvider = source.first().await?;
            sdk = sdk.into_builder().credentials_provider(provider).build();
        }
        let at = |service| at(&sdk, endpoints.of(service));
        Ok(Self {
            account: aws_sdk_account::Client::new(&at("Account Management")),
            events: aws_sdk_eventbridge::Client::new(&at("EventBridge")),
            iam: aws_sdk_iam::Client::new(&at("IAM")),
            lambda: aws_sdk_lambda::Client::new(&at("Lambda")),
            logs: aws_sdk_cloudwatchlogs::Client::new(&at("CloudWatch Logs")),
            ses: aws_sdk_sesv2::Client::new(&at("SES")),
            sns: aws_sdk_sns::Client::new(&at("SNS")),
            sts: aws_sdk_sts::Client::new(&at("STS")),
            longest_wait: connection.longest_wait,
            endpoints,
            region,
            region_is_assumed,
            sdk,
        })
    }

    /// The region that everything but IAM is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// No region is configured: [`Clients::region`] is one of the partition that the credentials seem to belong to.
    #[must_use]
    pub fn region_is_assumed(&self) -> bool {
        self.region_is_assumed
    }

    /// The endpoints that take the place of AWS's, in words and without passwords; `None` if there are none.
    #[must_use]
    pub fn endpoints(&self) -> Option<String> {
        self.endpoints.describe()
    }

    /// The configuration that all clients share, for making another one.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Fetches what AWS handed out a link to.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    pub(crate) async fn download(&self, link: &str) -> Result<Vec<u8>, String> {
        self::download::download(&self.sdk, link).await
    }

    /// A client for reading users and keys, with adaptive retries: a check makes thousands of calls.
    #[must_use]
    pub fn iam_for_checking(&self) -> aws_sdk_iam::Client {
        let config = aws_sdk_iam::config::Builder::from(&at(&self.sdk, self.endpoints.of("IAM")))
            .retry_config(RetryConfig::adaptive().with_max_attempts(10))
            .timeout_config(checking())
            .build();
        aws_sdk_iam::Client::from_conf(config)
    }

    /// A client for listing the accounts of the organization.
    #[must_use]
    pub fn organizations_for_checking(&self) -> aws_sdk_organizations::Client {
        let config = &at(&self.sdk, self.endpoints.of("Organizations"));
        let config = aws_sdk_organizations::config::Builder::from(config).timeout_config(checking());
        aws_sdk_organizations::Client::from_conf(config.build())
    }

    /// A client for assuming a role in each account that is checked.
    #[must_use]
    pub fn sts_for_checking(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::from_conf(self.sts.config().to_builder().timeout_config(checking()).build())
    }

    /// A client for reading an account's security contact, as the function does.
    #[must_use]
    pub fn account_for_checking(&self) -> aws_sdk_account::Client {
        self.account.clone()
    }

    /// Asks AWS who the credentials belong to.
    ///
    /// # Errors
    /// Refused credentials, an endpoint that does not answer or that does not name an account.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let timeouts = TimeoutConfig::builder().operation_timeout(IDENTITY_TIMEOUT).build();
        let request = self.sts.get_caller_identity().customize();
        let request = request.config_override(aws_sdk_sts::Config::builder().timeout_config(timeouts));
        let answer = request.send().await.map_err(failed("sts:GetCallerIdentity", ""))?;
        let arn = answer.arn().unwrap_or_default().to_owned();
        let account = answer.account().unwrap_or_default().to_owned();
        if !is_account_id(&account) {
            let message = format!("STS named the account '{account}', and an account id has twelve digits");
            return Err(Error { kind: Kind::Service, ..Error::usage("NotAws", message) }
                .hint("something other than AWS answered: check --endpoint-url, AWS_ENDPOINT_URL and HTTPS_PROXY"));
        }
        let partition = Arn::parse(&arn).map_or("aws", |arn| arn.partition).to_owned();
        Ok(Identity { account, partition, arn })
    }

    /// Refuses endpoints of which one could work in another account than the one that STS names.
    ///
    /// # Errors
    /// `MixedEndpoints`.
    pub fn must_all_be_of(&self, account: &str) -> Result<(), Error> {
        self.endpoints.must_be_one(account)
    }
}

/// The configuration of a service that is at an endpoint.
fn at(sdk: &SdkConfig, endpoint: Option<&str>) -> SdkConfig {
    let mut builder = sdk.to_builder().service_config(LookedUp);
    builder.set_endpoint_url(endpoint.map(str::to_owned));
    builder.build()
}

/// What clients look up by themselves: nothing, as their endpoints were looked up already.
#[derive(Debug)]
struct LookedUp;

impl LoadServiceConfig for LookedUp {
    fn load_config(&self, _: ServiceConfigKey<'_>) -> Option<String> {
        None
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
}
