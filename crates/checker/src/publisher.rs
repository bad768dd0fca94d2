//! Sending notices.
//!
//! Owns the calls to SNS, their pace and their end. It must not know what is in a notice.

use std::time::Duration;

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use futures::StreamExt;
use futures::stream;
use keyminder_keyage::Notice;
use keyminder_keyage::notice::{Attribute, AttributeValue};
use tokio::time::{Instant, MissedTickBehavior};

use crate::bounded::BoundedAnswers;

/// From one notice to the next. SNS delivers ten messages a second to an e-mail subscription and
/// deactivates one that gets more, so that it waits for confirmation again ("Amazon SNS endpoints and
/// quotas"; AWS re:Post, "SNS email subscription was manually deactivated").
pub(crate) const INTERVAL: Duration = Duration::from_millis(125);

/// Calls under way at once, so that a slow answer holds nobody up.
const CONCURRENCY: usize = 4;

/// Publishes to one topic. The client's own retries hold: an answer that is lost may mean a message
/// sent twice, which is better than none.
#[derive(Debug, Clone)]
pub struct Publisher {
    sns: aws_sdk_sns::Client,
    topic_arn: String,
}

/// What became of a set of notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// The message ids, in the order of the notices that were sent.
    pub message_ids: Vec<String>,
    /// The notices that were tried and failed, in their order.
    pub errors: Vec<PublishError>,
    /// How many notices were not tried, because the time was up.
    pub untried: usize,
}

/// A notice that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("publishing {subject:?}: {code}: {message}")]
pub struct PublishError {
    /// Its subject.
    pub subject: String,
    /// AWS's error code, or a word for what happened before an answer came.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's request id, where there was an answer.
    pub request_id: Option<String>,
}

impl PublishError {
    fn new(notice: &Notice, code: &str, message: &str) -> Self {
        let (subject, code, message) = (notice.subject.clone(), code.to_owned(), message.to_owned());
        Self { subject, code, message, request_id: None }
    }
}

impl Published {
    /// Whether every notice was sent.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty() && self.untried == 0
    }
}

impl Publisher {
    /// A publisher to a topic.
    #[must_use]
    pub fn new(sns: aws_sdk_sns::Client, topic_arn: impl Into<String>) -> Self {
        let config = sns.config().to_builder().interceptor(BoundedAnswers);
        Self { sns: aws_sdk_sns::Client::from_conf(config.build()), topic_arn: topic_arn.into() }
    }

    /// Sends each notice once, at most eight a second. They are begun in the order given; one that fails
    /// or is slow does not keep the others. At the deadline, if there is one, no further notice is begun
    /// and nothing more is waited for.
    pub async fn publish(&self, notices: &[Notice], deadline: Option<Instant>) -> Published {
        let mut pace = tokio::time::interval(INTERVAL);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let turns = stream::unfold((notices.iter().enumerate(), pace), |(mut left, mut pace)| async move {
            let next = left.next()?;
            by(deadline, pace.tick()).await?;
            Some((next, (left, pace)))
        });
        let mut ends: Vec<_> = turns
            .map(|(place, notice)| async move { (place, self.send(notice, deadline).await) })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        ends.sort_unstable_by_key(|(place, _)| *place);
        let mut published = Published { untried: notices.len() - ends.len(), ..Published::default() };
        for (_, end) in ends {
            match end {
                Ok(id) => published.message_ids.push(id),
                Err(error) => published.errors.push(error),
            }
        }
        published
    }

    async fn send(&self, notice: &Notice, deadline: Option<Instant>) -> Result<String, PublishError> {
        let refuse = |code: &str, message: &str| PublishError::new(notice, code, message);
        let mut call = self.sns.publish().topic_arn(&self.topic_arn).subject(&notice.subject).message(&notice.message);
        if notice.structured {
            call = call.message_structure("json");
        }
        for Attribute { name, value } in &notice.attributes {
            let (data_type, text) = match value {
                AttributeValue::Text(text) => ("String", text.clone()),
                AttributeValue::Number(number) => ("Number", number.to_string()),
            };
            let value = MessageAttributeValue::builder()
                .data_type(data_type)
                .string_value(text)
                .build()
                .map_err(|error| refuse("NotSent", &error.to_string()))?;
            call = call.message_attributes(*name, value);
        }
        let Some(answer) = by(deadline, call.send()).await else {
            return Err(refuse("TimeIsUp", "no answer before the function's time was up, so it may have been sent"));
        };
        match answer {
            Ok(answer) => Ok(answer.message_id.unwrap_or_default()),
            Err(error) => Err(match &error {
                SdkError::ServiceError(service) => PublishError {
                    request_id: service.err().meta().extra("aws_request_id").map(str::to_owned),
                    ..refuse(
                        service.err().code().unwrap_or("UnknownError"),
                        service.err().message().unwrap_or_default(),
                    )
                },
                SdkError::TimeoutError(_) => refuse("Timeout", "no answer in time"),
                SdkError::DispatchFailure(_) => refuse("ConnectionFailed", "SNS could not be reached"),
                _ => refuse("NotSent", "the call could not be made, or its answer not be understood"),
            }),
        }
    }
}

/// What comes of some work by the deadline, if there is one; `None` where it was not done by then.
pub(crate) async fn by<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) if deadline <= Instant::now() => None,
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}
