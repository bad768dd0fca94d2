//! Emails to the owners of keys.
//!
//! Owns the calls to SES, their pace, and which refusals apply to all emails. It must not know what is in an email, nor
//! who owns what.

use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use keyminder_keyage::{OwnerEmail, Owners};
use tokio::time::Instant;

use crate::bounded::BoundedAnswers;
use crate::call::{Attempt, Failure, FailureKind, retried};
use crate::call_rate::CallRate;
use crate::publisher::by;

/// Sends emails from one address.
#[derive(Debug, Clone)]
pub(crate) struct Mailer {
    ses: aws_sdk_sesv2::Client,
    owners: Owners,
}

/// What became of a set of emails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mailed {
    /// The ids of those that SES accepted.
    pub(crate) message_ids: Vec<String>,
    /// For each email, in their order, why it was not sent; `None` if it was.
    pub(crate) outcomes: Vec<Option<String>>,
}

pub(crate) const TIME_IS_UP: &str = "TimeIsUp: the function's time was up";

impl Mailer {
    /// A mailer for these settings. The client's own retries are set aside, as those of [`retried`] find out the pace.
    pub(crate) fn new(ses: &aws_sdk_sesv2::Client, owners: Owners) -> Self {
        let ses = ses.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
        Self { ses: aws_sdk_sesv2::Client::from_conf(ses.build()), owners }
    }

    /// Sends each email once, one after the other: an account starts with one email a second, and SES tells when that is
    /// exceeded. An email that is refused does not keep the others, unless the reason applies to all of them. At the
    /// deadline, if there is one, no further email is begun and nothing more is waited for.
    pub(crate) async fn send(&self, emails: &[OwnerEmail], deadline: Option<Instant>) -> Mailed {
        let rate = CallRate::new();
        let mut mailed = Mailed::default();
        let mut refused_for_all: Option<String> = None;
        for email in emails {
            if let Some(reason) = &refused_for_all {
                mailed.outcomes.push(Some(reason.clone()));
                continue;
            }
            match by(deadline, self.send_one(email, &rate)).await {
                None => {
                    mailed.outcomes.push(Some(TIME_IS_UP.to_owned()));
                    refused_for_all = Some(TIME_IS_UP.to_owned());
                }
                Some(Ok(id)) => {
                    mailed.message_ids.push(id);
                    mailed.outcomes.push(None);
                }
                Some(Err(failure)) => {
                    let reason = in_words(&failure);
                    refused_for_all = applies_to_all(&failure).then(|| reason.clone());
                    mailed.outcomes.push(Some(reason));
                }
            }
        }
        mailed
    }

    async fn send_one(&self, email: &OwnerEmail, rate: &CallRate) -> Result<String, Failure> {
        let content = content(email).map_err(|error| Failure {
            kind: FailureKind::Final,
            code: "NotSent".to_owned(),
            message: error.to_string(),
        })?;
        let call = self
            .ses
            .send_email()
            .set_from_email_address(self.owners.from.clone())
            .destination(Destination::builder().to_addresses(&email.to).build())
            .set_configuration_set_name(self.owners.configuration_set.clone())
            .content(content);
        let attempt = || -> Attempt<'static, _> {
            let call = call.clone().send();
            Box::pin(async move { call.await.map_err(|error| final_at_daily_quota(error.into())) })
        };
        let answer = retried(rate, attempt).await?;
        Ok(answer.message_id.unwrap_or_default())
    }

    /// The settings that it goes by.
    pub(crate) fn owners(&self) -> &Owners {
        &self.owners
    }
}

fn content(email: &OwnerEmail) -> Result<EmailContent, BuildError> {
    let part = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(part(&email.text)?).html(part(&email.html)?).build();
    let message = Message::builder().subject(part(&email.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

pub(crate) fn in_words(failure: &Failure) -> String {
    let Failure { code, message, .. } = failure;
    if message.is_empty() { code.clone() } else { format!("{code}: {message}") }
}

/// The quota of a day, which SES refuses with the same code as the pace, and which no waiting in a run changes (SES
/// Developer Guide, "Errors related to the sending quotas").
fn is_daily_quota(failure: &Failure) -> bool {
    failure.message.to_ascii_lowercase().contains("daily")
}

fn final_at_daily_quota(failure: Failure) -> Failure {
    let kind = if is_daily_quota(&failure) { FailureKind::Final } else { failure.kind };
    Failure { kind, ..failure }
}

/// Whether every other email would be refused for the same reason (API reference, SendEmail).
fn applies_to_all(failure: &Failure) -> bool {
    let codes = [
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "LimitExceededException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ];
    codes.contains(&failure.code.as_str()) || is_daily_quota(failure)
}
