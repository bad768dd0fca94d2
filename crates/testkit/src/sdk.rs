//! What the sandbox's tests share: SDK clients on a sandbox, documents, and packages.

use std::io::Write as _;

pub use aws_credential_types::Credentials;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_types::{SdkConfig, region::Region};
use keyminder_sandbox::{Clock, Options, Sandbox};

/// A trust policy for Lambda.
pub const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// The configuration of a client with the sandbox's credentials, in this region.
pub fn config(sandbox: &Sandbox, region: &str) -> SdkConfig {
    let keys = sandbox.credentials();
    config_of(sandbox, Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test"), region)
}

/// The configuration of a client with other credentials.
pub fn config_of(sandbox: &Sandbox, credentials: Credentials, region: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(sandbox.url())
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build()
}

/// A sandbox and a client of each service.
pub struct Aws {
    /// The emulated AWS.
    pub sandbox: Sandbox,
    /// The configuration of a client with this access key, in this region.
    pub config: SdkConfig,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// SNS.
    pub sns: aws_sdk_sns::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
}

/// Clients on a new sandbox with these options.
pub async fn aws(options: Options) -> Aws {
    let sandbox = Sandbox::start(options).await.expect("a sandbox");
    let config = config(&sandbox, "us-east-1");
    Aws {
        iam: aws_sdk_iam::Client::new(&config),
        sns: aws_sdk_sns::Client::new(&config),
        lambda: aws_sdk_lambda::Client::new(&config),
        events: aws_sdk_eventbridge::Client::new(&config),
        logs: aws_sdk_cloudwatchlogs::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        config,
        sandbox,
    }
}

/// Clients on a sandbox without delays.
pub async fn instant() -> Aws {
    aws(Options::instant()).await
}

/// A clock that stands still.
pub fn held() -> Clock {
    Clock::held("2026-03-10T08:00:00Z".parse().expect("a time"))
}

/// `CODE: MESSAGE` of a service's error.
pub fn told<E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String {
    match error.as_service_error() {
        Some(error) => format!("{}: {}", error.code().unwrap_or("?"), error.message().unwrap_or("?")),
        None => format!("{error:?}"),
    }
}

/// The error that a call must end with, and its code.
#[macro_export]
macro_rules! refused {
    ($call:expr, $code:literal) => {{
        let told = $crate::sdk::told(&$call.send().await.map(|_| ()).expect_err("the call must be refused"));
        assert!(told.starts_with(concat!($code, ":")), "{told}");
        told
    }};
}

/// Sends a request that must succeed.
#[macro_export]
macro_rules! done {
    ($call:expr) => {{
        match $call.send().await {
            Ok(done) => done,
            Err(error) => panic!("{}", $crate::sdk::told(&error)),
        }
    }};
}

/// A policy that allows actions (a JSON list, or one string with its quotes) on a resource.
pub fn policy(actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}]}}"#
    )
}

/// A package with one executable file, `bootstrap`.
pub fn package(bootstrap: &[u8]) -> Blob {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .unix_permissions(0o755)
        .compression_method(zip::CompressionMethod::Stored);
    zip.start_file("bootstrap", options).expect("an entry");
    zip.write_all(bootstrap).expect("its bytes");
    Blob::new(zip.finish().expect("a zip").into_inner())
}

/// The package of the example `bootstrap`. Cargo builds it with the tests unless told to build one test alone; then
/// `cargo build --example bootstrap` comes first.
pub fn bootstrap() -> Blob {
    let mut path = std::env::current_exe().expect("this test's path");
    path.pop();
    path.pop();
    path.push("examples/bootstrap");
    package(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

impl Aws {
    /// A role trusted by Lambda, and its ARN.
    pub async fn role(&self, name: &str) -> String {
        let created = done!(self.iam.create_role().role_name(name).assume_role_policy_document(TRUST));
        created.role().expect("a role").arn().to_owned()
    }

    /// A function on the package, with a role of the same name.
    pub async fn function(&self, name: &str, package: Blob) -> String {
        let role = match self.iam.get_role().role_name(name).send().await {
            Ok(found) => found.role().expect("a role").arn().to_owned(),
            Err(_) => self.role(name).await,
        };
        let code = aws_sdk_lambda::types::FunctionCode::builder().zip_file(package).build();
        let created = done!(
            self.lambda
                .create_function()
                .function_name(name)
                .runtime(aws_sdk_lambda::types::Runtime::Providedal2023)
                .handler("bootstrap")
                .role(role)
                .code(code)
        );
        created.function_arn().expect("an ARN").to_owned()
    }
}
