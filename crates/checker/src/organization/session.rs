//! The credentials of the role in each account.
//!
//! Owns the calls to STS: their pace, which is one for all accounts because the limit is the caller's, and what a session
//! may do. It must not know what is read with the credentials.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvidedCredentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use keyminder_keyage::Settings;
use serde_json::json;

use super::Selection;
use crate::bounded::BoundedAnswers;
use crate::call::{Failure, attempt, retried};
use crate::call_rate::CallRate;
use crate::{ACTIONS, OTHER_CREDENTIALS_ACTIONS};

/// How long a session lasts: the shortest that STS gives. Reading an account takes longer only if it is large.
const SESSION: Duration = Duration::from_secs(900);
/// Sessions a second to begin with. The limit is the caller's, and all it does with STS counts.
const PER_SECOND: f64 = 150.0;
/// For how long a call that fails is tried again.
const RETRYING: Duration = Duration::from_secs(10);
/// How long one attempt can take, unless the client says otherwise.
const ATTEMPT: Duration = Duration::from_secs(6);
/// What a session is called in the trails of the accounts.
const NAME: &str = "keyminder-check";

/// Assumes the role in one account after the other.
#[derive(Debug)]
pub(super) struct Sessions {
    sts: Client,
    rate: CallRate,
    partition: String,
    role: String,
    external_id: Option<String>,
    policy: String,
}

impl Sessions {
    pub(super) fn new(sts: &Client, selection: &Selection, partition: &str, settings: &Settings) -> Self {
        let mut config = sts.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
        let timeouts = sts.config().timeout_config();
        if timeouts.is_none_or(|timeouts| timeouts.operation_attempt_timeout().is_none()) {
            let timeouts = timeouts.map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
            config = config.timeout_config(timeouts.operation_attempt_timeout(ATTEMPT).build());
        }
        Self {
            sts: Client::from_conf(config.build()),
            rate: CallRate::from(PER_SECOND, RETRYING),
            partition: partition.to_owned(),
            role: selection.role.trim_start_matches('/').to_owned(),
            external_id: selection.external_id.clone(),
            policy: policy(settings),
        }
    }

    /// Credentials of the role in an account.
    pub(super) async fn assume(&self, account: &str) -> Result<Credentials, Failure> {
        let call = self
            .sts
            .assume_role()
            .role_arn(format!("arn:{}:iam::{account}:role/{}", self.partition, self.role))
            .role_session_name(NAME)
            .duration_seconds(i32::try_from(SESSION.as_secs()).unwrap_or(i32::MAX))
            .set_external_id(self.external_id.clone())
            .policy(&self.policy);
        let asked = SystemTime::now();
        let answer = retried(&self.rate, attempt!(call.clone())).await?;
        let credentials =
            answer.credentials.ok_or_else(|| Failure::of_answer("NoCredentials", "the answer has no credentials"))?;
        // By this machine's clock, which may differ from that of AWS.
        let expires = Some(asked + SESSION);
        let token = Some(credentials.session_token);
        Ok(Credentials::new(credentials.access_key_id, credentials.secret_access_key, token, expires, "keyminder"))
    }
}

/// What a session may do: read what the check reads. A role that somebody widened does not widen it.
fn policy(settings: &Settings) -> String {
    let more = if settings.other_credentials { OTHER_CREDENTIALS_ACTIONS } else { &[] };
    let mut actions: Vec<&str> = ACTIONS.iter().chain(more).copied().collect();
    actions.retain(|action| {
        action.starts_with("iam:")
            && *action != "iam:ListAccountAliases"
            && (*action != "iam:ListUserTags" || settings.read_user_tags)
    });
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
    .to_string()
}

/// Credentials for one account, assumed again before they expire for as long as the account is read.
#[derive(Debug)]
pub(super) struct Renewing {
    sessions: Arc<Sessions>,
    account: String,
    first: Mutex<Option<Credentials>>,
}

impl Renewing {
    pub(super) fn new(sessions: Arc<Sessions>, account: &str, first: Credentials) -> Self {
        Self { sessions, account: account.to_owned(), first: Mutex::new(Some(first)) }
    }
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> ProvidedCredentials<'a>
    where
        Self: 'a,
    {
        ProvidedCredentials::new(async move {
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            match first {
                Some(first) => Ok(first),
                None => self.sessions.assume(&self.account).await.map_err(|failure| {
                    CredentialsError::provider_error(failure.into_error(super::ASSUME_ROLE, None).to_string())
                }),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_may_only_read_what_the_check_reads() {
        let actions = |settings: &Settings| {
            let policy: serde_json::Value = serde_json::from_str(&policy(settings)).unwrap();
            serde_json::from_value::<Vec<String>>(policy["Statement"][0]["Action"].clone()).unwrap()
        };
        let usual = actions(&Settings::default());
        let expected = [
            "iam:GetAccessKeyLastUsed",
            "iam:GetAccountSummary",
            "iam:ListAccessKeys",
            "iam:ListUserTags",
            "iam:ListUsers",
        ];
        assert_eq!(usual, expected);
        let settings = Settings { other_credentials: true, read_user_tags: false, ..Settings::default() };
        let more = actions(&settings);
        assert!(OTHER_CREDENTIALS_ACTIONS.iter().all(|action| more.iter().any(|one| one == action)), "{more:?}");
        assert!(!more.iter().any(|action| action == "iam:ListUserTags"), "{more:?}");
        assert!(policy(&settings).len() < 2_048, "AssumeRole takes no longer policy");
    }
}
