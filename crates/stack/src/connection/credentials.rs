//! Whose credentials are used, where they come from, and whether they can be sent at all.
//!
//! The order is that of the AWS CLI: a profile named by a flag, the variables, the profile, a web identity token, the
//! container, the instance. Roles are assumed here rather than in the SDK's chain, which does not know multi-factor
//! authentication, passes over what it cannot find, and asks STS at another endpoint than the one that was given.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use super::files::{Files, expand, variable};
use crate::error::{Cause, Error, Kind};

/// Credentials that are not there by then (a program that waits for a person, an endpoint that says nothing) do not
/// come. Together with the first call that is less than 90 seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// A role session lasts an hour unless the profile says otherwise.
const SESSION_NAME: &str = "keyminder";

/// What a provider needs.
pub(super) struct Means<'a> {
    pub(super) files: &'a Files,
    /// For the providers of the SDK.
    pub(super) provider: ProviderConfig,
    /// For STS, at the endpoint that STS has for all else.
    pub(super) sts: SdkConfig,
}

/// Credentials and where they come from, in words: "the profile 'prod'".
#[derive(Debug)]
pub(super) struct Source {
    provider: SharedCredentialsProvider,
    words: String,
    hint: Option<String>,
    /// What the machine gives, if it gives anything: nothing was configured.
    is_last: bool,
}

impl Source {
    fn new(provider: impl ProvideCredentials + 'static, words: impl Into<String>) -> Self {
        let provider = SharedCredentialsProvider::new(provider);
        Self { provider, words: words.into(), hint: None, is_last: false }
    }

    fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The source that the surroundings name.
    ///
    /// # Errors
    /// What is wrong with the profile or the variables.
    pub(super) async fn find(means: &Means<'_>) -> Result<Self, Error> {
        let files = means.files;
        if files.named_by == Some("--profile") {
            return match of_profile(means, &files.profile).await? {
                Some(source) => Ok(source),
                None => Ok(machine(means)),
            };
        }
        if variable("AWS_ACCESS_KEY_ID").is_some() {
            if variable("AWS_SECRET_ACCESS_KEY").is_none() {
                return Err(Error::usage(
                    "BadCredentials",
                    "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
                ));
            }
            return Ok(Self::variables());
        }
        if let Some(source) = of_profile(means, &files.profile).await? {
            return Ok(source);
        }
        if let (Some(file), Some(role)) = (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), variable("AWS_ROLE_ARN")) {
            let session = variable("AWS_ROLE_SESSION_NAME");
            let words = format!("the web identity token in {file} (AWS_WEB_IDENTITY_TOKEN_FILE)");
            return web_identity(means, &file, role, session, words);
        }
        Ok(machine(means))
    }

    fn variables() -> Self {
        let words = "the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";
        Self::new(EnvironmentVariableCredentialsProvider::new(), words)
    }

    /// Asks the source for credentials and looks at what it gives. They are kept for the first call.
    ///
    /// # Errors
    /// What the source answers; credentials that no request can carry.
    pub(super) async fn first(self) -> Result<SharedCredentialsProvider, Error> {
        let answer = tokio::time::timeout(DEADLINE, self.provider.provide_credentials()).await;
        let credentials = match answer {
            Err(_) => Err(Error {
                kind: Kind::Unreachable,
                ..Error::usage(
                    "Timeout",
                    format!("{} gave no credentials within {} seconds", self.words, DEADLINE.as_secs()),
                )
            }),
            Ok(Err(error)) => Err(self.failure(&error)),
            Ok(Ok(credentials)) => check(&credentials, &self.words).map(|()| credentials),
        }?;
        let Self { provider, words, .. } = self;
        Ok(SharedCredentialsProvider::new(Checked { provider, words, first: Mutex::new(Some(credentials)) }))
    }

    /// Why the source gave nothing.
    fn failure(&self, error: &CredentialsError) -> Error {
        if self.is_last && matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
            return Error { kind: Kind::Credentials, ..Error::usage("NoCredentials", "no AWS credentials were found") }
                .hint("set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
                .hint("'aws configure list' shows what the AWS CLI finds");
        }
        let mut failure = crate::error::of_credentials(error);
        failure.message = format!("{} gave no credentials: {}", self.words, failure.message);
        if let (Some(hint), Kind::Credentials) = (&self.hint, failure.kind) {
            failure.cause = Cause::Surroundings(vec![hint.clone()]);
        }
        failure
    }
}

/// Gives what was asked for already, and afterwards only what can be sent.
#[derive(Debug)]
struct Checked {
    provider: SharedCredentialsProvider,
    words: String,
    first: Mutex<Option<Credentials>>,
}

impl ProvideCredentials for Checked {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        if let Some(first) = self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return future::ProvideCredentials::ready(Ok(first));
        }
        future::ProvideCredentials::new(async {
            let credentials = self.provider.provide_credentials().await?;
            check(&credentials, &self.words).map_err(CredentialsError::invalid_configuration)?;
            Ok(credentials)
        })
    }
}

/// The first profile's own credentials, and the roles that are assumed with them one after the other. `None` if a
/// profile says nothing about credentials.
async fn of_profile(means: &Means<'_>, first: &str) -> Result<Option<Source>, Error> {
    let files = means.files;
    let mut roles = Vec::new();
    let mut visited: Vec<String> = Vec::new();
    let mut name = first.to_owned();
    let base = loop {
        if let Some(from) = visited.last()
            && !files.has(&name)
        {
            let place = files.place(from, "source_profile");
            return Err(files.missing(&name, &format!("source_profile of {place}")));
        }
        if visited.contains(&name) {
            let place = files.place(visited.last().unwrap_or(&name), "source_profile");
            return Err(bad(format!("source_profile of {place} leads back to the profile '{name}'")));
        }
        let get = |setting| files.get(&name, setting);
        let is_source = !visited.is_empty();
        visited.push(name.clone());
        if is_source && get("aws_access_key_id").is_some() {
            break Some(keys(files, &name)?);
        }
        match (get("role_arn"), get("web_identity_token_file")) {
            (Some(role), Some(file)) => {
                let words =
                    format!("the web identity token in {file} ({})", files.place(&name, "web_identity_token_file"));
                let session = get("role_session_name").map(str::to_owned);
                break Some(web_identity(means, file, role.to_owned(), session, words)?);
            }
            (Some(role), None) => {
                if get("mfa_serial").is_some() {
                    return Err(needs_code(files, first, &name));
                }
                roles.push(Role::of(files, &name, role));
                match (get("source_profile"), get("credential_source")) {
                    (Some(source), None) if source == name => break Some(keys(files, &name)?),
                    (Some(source), None) => source.clone_into(&mut name),
                    (None, Some(source)) => break Some(named(means, &name, source)?),
                    (Some(_), Some(_)) => {
                        let place = files.place(&name, "role_arn");
                        return Err(bad(format!("{place} has both source_profile and credential_source")));
                    }
                    (None, None) => {
                        let place = files.place(&name, "role_arn");
                        return Err(bad(format!(
                            "{place} has role_arn, but neither source_profile nor credential_source"
                        )));
                    }
                }
            }
            (None, _) => break plain(means, &name)?,
        }
    };
    let Some(base) = base else {
        let Some(role) = roles.last() else { return Ok(None) };
        let why = format!("the profile '{name}', which is source_profile of {}, has no credentials", role.place);
        return Err(bad(why));
    };
    if roles.is_empty() {
        return Ok(Some(base));
    }
    let mut provider = base.provider;
    for role in roles.into_iter().rev() {
        provider = SharedCredentialsProvider::new(role.assumed_with(provider, &means.sts).await);
    }
    Ok(Some(Source::new(provider, format!("the profile '{first}'"))))
}

/// A role of a profile.
struct Role {
    arn: String,
    external_id: Option<String>,
    session_name: String,
    length: Option<Duration>,
    place: String,
}

impl Role {
    fn of(files: &Files, profile: &str, arn: &str) -> Self {
        let get = |setting| files.get(profile, setting).map(str::to_owned);
        Self {
            arn: arn.to_owned(),
            external_id: get("external_id"),
            session_name: get("role_session_name").unwrap_or_else(|| SESSION_NAME.to_owned()),
            length: get("duration_seconds").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
            place: files.place(profile, "source_profile"),
        }
    }

    async fn assumed_with(self, base: SharedCredentialsProvider, sts: &SdkConfig) -> AssumeRoleProvider {
        let mut builder = AssumeRoleProvider::builder(self.arn).session_name(self.session_name).configure(sts);
        if let Some(id) = self.external_id {
            builder = builder.external_id(id);
        }
        if let Some(length) = self.length {
            builder = builder.session_length(length);
        }
        builder.build_from_provider(base).await
    }
}

/// The access keys of a profile.
fn keys(files: &Files, profile: &str) -> Result<Source, Error> {
    let get = |setting| files.get(profile, setting).map(str::to_owned);
    let place = files.place(profile, "aws_access_key_id");
    let Some(id) = get("aws_access_key_id") else {
        return Err(bad(format!("{place} has no aws_access_key_id")));
    };
    let Some(secret) = get("aws_secret_access_key") else {
        return Err(bad(format!("{place} has aws_access_key_id, but no aws_secret_access_key")));
    };
    let credentials = Credentials::new(id, secret, get("aws_session_token"), None, "ProfileFile");
    Ok(Source::new(credentials, format!("the {place}")))
}

/// A profile without a role.
fn plain(means: &Means<'_>, profile: &str) -> Result<Option<Source>, Error> {
    let files = means.files;
    let get = |setting| files.get(profile, setting);
    let by_sdk = || {
        ProfileFileCredentialsProvider::builder()
            .configure(&means.provider)
            .profile_files(files.contents.clone())
            .profile_name(profile)
            .build()
    };
    if let Some(source) = get("credential_source") {
        return named(means, profile, source).map(Some);
    }
    if get("sso_session").is_some() || get("sso_start_url").is_some() {
        let login = format!("begin or renew the session: aws sso login --profile {}", quoted(profile));
        return Ok(Some(Source::new(by_sdk(), format!("the profile '{profile}'")).hint(login)));
    }
    if get("login_session").is_some() {
        let login = format!("begin or renew the session: aws login --profile {}", quoted(profile));
        return Ok(Some(Source::new(by_sdk(), format!("the profile '{profile}'")).hint(login)));
    }
    if get("aws_access_key_id").is_some() {
        return keys(files, profile).map(Some);
    }
    if get("credential_process").is_some() {
        let words = format!("credential_process of {}", files.place(profile, "credential_process"));
        let by_hand = "run the program by hand to see what it answers".to_owned();
        return Ok(Some(Source::new(by_sdk(), words).hint(by_hand)));
    }
    Ok(None)
}

/// What `credential_source` names.
fn named(means: &Means<'_>, profile: &str, source: &str) -> Result<Source, Error> {
    Ok(match source {
        "Environment" => Source::variables(),
        "Ec2InstanceMetadata" => {
            let provider = ImdsCredentialsProvider::builder().configure(&means.provider).build();
            Source::new(provider, "the instance's metadata")
        }
        "EcsContainer" => {
            let provider = EcsCredentialsProvider::builder().configure(&means.provider).build();
            Source::new(provider, "the container's credentials")
        }
        other => {
            let place = means.files.place(profile, "credential_source");
            return Err(bad(format!("{place}: credential_source is '{other}'"))
                .hint("it must be Environment, Ec2InstanceMetadata or EcsContainer"));
        }
    })
}

/// What a machine gives whatever runs on it: the container's role, else the instance's.
fn machine(means: &Means<'_>) -> Source {
    let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    if let Some(name) = container.into_iter().find(|name| variable(name).is_some()) {
        let provider = EcsCredentialsProvider::builder().configure(&means.provider).build();
        return Source::new(provider, format!("the container's credentials ({name})"));
    }
    let provider = ImdsCredentialsProvider::builder().configure(&means.provider).build();
    Source { is_last: true, ..Source::new(provider, "the instance's metadata") }
}

/// A role that is assumed with a token in a file, which is read anew each time.
#[derive(Debug)]
struct WebIdentity {
    sts: SdkConfig,
    file: std::path::PathBuf,
    role: String,
    session: String,
}

/// Tokens are a few kilobytes.
const LARGEST_TOKEN: usize = 64 << 10;

fn web_identity(
    means: &Means<'_>,
    file: &str,
    role: String,
    session: Option<String>,
    words: String,
) -> Result<Source, Error> {
    let path = expand(file);
    if let Err(error) = std::fs::metadata(&path) {
        return Err(Error::usage("NoTokenFile", format!("{words} cannot be read: {error}"))
            .hint("the token file is written by what runs this job (EKS, a CI system): is its identity set up?"));
    }
    let session = session.unwrap_or_else(|| SESSION_NAME.to_owned());
    Ok(Source::new(WebIdentity { sts: means.sts.clone(), file: path, role, session }, words))
}

impl WebIdentity {
    async fn assume(&self) -> provider::Result {
        let path = self.file.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
        let token = read.map_err(CredentialsError::provider_error)?.map_err(CredentialsError::provider_error)?;
        let token = token.trim();
        if token.is_empty() || token.len() > LARGEST_TOKEN {
            return Err(CredentialsError::invalid_configuration("the token file holds no token"));
        }
        let client = aws_sdk_sts::Client::new(&self.sts);
        let request = client.assume_role_with_web_identity().role_arn(&self.role).role_session_name(&self.session);
        let answer = request.web_identity_token(token).send().await.map_err(CredentialsError::provider_error)?;
        let Some(given) = answer.credentials else {
            return Err(CredentialsError::unhandled("STS answered without credentials"));
        };
        let expiry = std::time::SystemTime::try_from(given.expiration).ok();
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            expiry,
            "WebIdentityToken",
        ))
    }
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

fn bad(message: String) -> Error {
    Error::usage("BadProfile", message)
}

/// The role wants a code from a device, which only the AWS CLI asks for.
fn needs_code(files: &Files, first: &str, profile: &str) -> Error {
    let place = files.place(profile, "mfa_serial");
    Error::usage(
        "NeedsMfa",
        format!("{place} has mfa_serial: its role needs a code from a device, and keyminder cannot ask for one"),
    )
    .hint("let the AWS CLI ask for it, and use the session that it opens (in bash):")
    .hint(format!("eval \"$(aws configure export-credentials --profile {} --format env)\"", quoted(first)))
    .hint(match files.named_by {
        Some(by) if by != "--profile" => format!("then run this command again, without {by}"),
        _ => "then run this command again, without --profile".to_owned(),
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/@:+".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// What a request can carry in its headers, which is all that AWS ever gives.
fn check(credentials: &Credentials, words: &str) -> Result<(), Error> {
    let parts = [
        ("access key id", Some(credentials.access_key_id())),
        ("secret access key", Some(credentials.secret_access_key())),
        ("session token", credentials.session_token()),
    ];
    for (what, value) in parts {
        let Some(value) = value else { continue };
        let Some(bad) = value.bytes().position(|byte| !byte.is_ascii_graphic()) else {
            if value.is_empty() {
                return Err(Error::usage("BadCredentials", format!("the {what} in {words} is empty")));
            }
            continue;
        };
        let rest = &value.as_bytes()[bad..];
        let how = if rest.iter().all(|byte| b"\r\n".contains(byte)) {
            "ends with a line break"
        } else if rest.iter().all(u8::is_ascii_whitespace) {
            "ends with a space"
        } else if bad == 0 && rest[0].is_ascii_whitespace() {
            "begins with a space"
        } else {
            "contains a character that no AWS credential has"
        };
        return Err(Error::usage("BadCredentials", format!("the {what} in {words} {how}"))
            .hint("copy it again, without anything before or after it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_no_header_can_carry_are_named_by_their_place() {
        for (id, secret, token, says) in [
            ("AKIA\n", "s", None, "access key id in V ends with a line break"),
            ("AKIA", "s\r\n", None, "secret access key in V ends with a line break"),
            ("AKIA", "s ", None, "secret access key in V ends with a space"),
            ("AKIA", "s", Some("a\u{1}b"), "session token in V contains"),
            (" AKIA", "s", None, "access key id in V begins with a space"),
            ("", "s", None, "access key id in V is empty"),
        ] {
            let credentials = Credentials::new(id, secret, token.map(str::to_owned), None, "test");
            let error = check(&credentials, "V").unwrap_err();
            assert!(error.message.contains(says), "{error}");
        }
        assert_eq!(check(&Credentials::new("AKIA", "s/+=", Some("t".to_owned()), None, "test"), "V"), Ok(()));
    }

    #[test]
    fn a_profile_is_quoted_for_the_shell() {
        assert_eq!(quoted("prod"), "prod");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
    }
}
