//! The process of a Lambda function: `bootstrap` on `provided.al2023`, or the command in its place.
//!
//! Owns the clients, the environment and the Runtime API. What a run does is [`Function`]'s. Settings that cannot be used do not stop the process: each
//! invocation then fails with the reason, so that the log and the on-failure destination have it in words.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::{Builder, tls};
use jiff::Timestamp;
use keyminder_keyage::environment::{DEFAULT_INSTALL, SETTINGS_FILE};
use keyminder_keyage::{Deployment, Settings};
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;

use crate::{Event, FinishedRun, Function, Mode, RunSummary, SummaryLine, publish_failure};

/// Serves invocations from the Runtime API that the environment names, until the process is ended.
///
/// # Errors
/// What keeps it from serving, after it was logged.
pub fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = match runtime {
        Ok(runtime) => runtime.block_on(serve()),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = &served {
        log(&serde_json::json!({ "level": "ERROR", "message": error.to_string() }).to_string());
    }
    served
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let function = function();
    let function = &function;
    Runtime::new(service_fn(async |event: LambdaEvent<Value>| handle(function, event).await)).run().await
}

async fn handle(function: &Result<Function, String>, event: LambdaEvent<Value>) -> Result<RunSummary, Diagnostic> {
    let (event, context) = (Event::new(&event.payload), event.context);
    let now = Timestamp::now();
    let (outcome, error_type) = match function {
        Ok(function) => {
            let remaining = context.deadline.checked_sub(u64::try_from(now.as_millisecond()).unwrap_or(0));
            let remaining = Duration::from_millis(remaining.unwrap_or(0));
            (function.handle(&event, now, Some(remaining)).await, "CheckFailed")
        }
        Err(reason) => {
            let install = variable("INSTALL").unwrap_or_else(|| DEFAULT_INSTALL.to_owned());
            // The settings can be wrong and the topic still known.
            if let (Some(deployment), true) = (Deployment::known(variable), event.mode != Mode::DryRun)
                && let Ok(Clients { sns, .. }) = clients(&http())
            {
                publish_failure(sns, &deployment, reason, now).await;
            }
            (FinishedRun::unusable(&event, &install, now, reason), "SettingsError")
        }
    };
    let line = SummaryLine {
        timestamp: Timestamp::now(),
        request_id: context.request_id,
        event_id: event.id,
        answer: outcome.answer,
        error: outcome.error,
    };
    log(&line.to_json());
    match line.error {
        None => Ok(line.answer),
        Some(error) => Err(diagnostic(error_type, error)),
    }
}

fn diagnostic(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// The function, or why there is none.
fn function() -> Result<Function, String> {
    let settings_file = variable("LAMBDA_TASK_ROOT")
        .and_then(|root| std::fs::read_to_string(std::path::Path::new(&root).join(SETTINGS_FILE)).ok());
    let (settings, deployment) = Settings::from_environment(variable, settings_file.as_deref()).map_err(|error| {
        format!("The notifier's settings cannot be used: {error}. To fix this, run: keyminder setup")
    })?;
    let Clients { iam, sns, ses, account } = clients(&http())?;
    Ok(Function::new(&iam, sns, settings, deployment).with_owners(&ses, &account))
}

fn http() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
}

struct Clients {
    iam: aws_sdk_iam::Client,
    sns: aws_sdk_sns::Client,
    ses: aws_sdk_sesv2::Client,
    account: aws_sdk_account::Client,
}

/// Lambda hands credentials and region over in the environment and starts a new process before they
/// lapse ("Defined runtime environment variables"), so the SDK's whole chain of providers is not needed.
fn clients(http: &SharedHttpClient) -> Result<Clients, String> {
    let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not in the environment"));
    let region = Region::new(variable("AWS_REGION").map_or_else(|| needed("AWS_DEFAULT_REGION"), Ok)?);
    let credentials = Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(5));
    // A check repeats its own calls: see `Check::new`.
    let reading = timeouts.clone().operation_attempt_timeout(Duration::from_secs(15)).build();
    // SNS has to get through: a few more attempts than usual, but no notice may hold up the others for long.
    let sending =
        timeouts.operation_attempt_timeout(Duration::from_secs(5)).operation_timeout(Duration::from_secs(15)).build();
    let retries = RetryConfig::standard().with_max_attempts(5);
    let fips = variable("AWS_USE_FIPS_ENDPOINT").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let dual_stack = variable("AWS_USE_DUALSTACK_ENDPOINT").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let endpoint = |service: &str| variable(service).or_else(|| variable("AWS_ENDPOINT_URL"));
    macro_rules! client {
        ($sdk:ident, $endpoint:literal, $timeouts:expr) => {{
            let mut config = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(region.clone())
                .credentials_provider(credentials.clone())
                .http_client(http.clone())
                .retry_config(retries.clone())
                .timeout_config($timeouts);
            if fips {
                config = config.use_fips(true);
            }
            if dual_stack {
                config = config.use_dual_stack(true);
            }
            if let Some(url) = endpoint($endpoint) {
                config = config.endpoint_url(url);
            }
            $sdk::Client::from_conf(config.build())
        }};
    }
    Ok(Clients {
        iam: client!(aws_sdk_iam, "AWS_ENDPOINT_URL_IAM", reading),
        sns: client!(aws_sdk_sns, "AWS_ENDPOINT_URL_SNS", sending.clone()),
        ses: client!(aws_sdk_sesv2, "AWS_ENDPOINT_URL_SESV2", sending.clone()),
        account: client!(aws_sdk_account, "AWS_ENDPOINT_URL_ACCOUNT", sending),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes one line to standard output, which Lambda takes to the log.
fn log(line: &str) {
    let mut out = io::stdout().lock();
    // Without a log there is nobody left to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
