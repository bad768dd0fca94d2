//! Sending notices.
//!
//! Owns the calls to SNS. It must not know what is in a notice.

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use keyminder_keyage::Notice;
use keyminder_keyage::notice::{Attribute, AttributeValue};

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
    /// The notices that were not.
    pub errors: Vec<PublishError>,
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

impl Publisher {
    /// A publisher to a topic.
    #[must_use]
    pub fn new(sns: aws_sdk_sns::Client, topic_arn: impl Into<String>) -> Self {
        Self { sns, topic_arn: topic_arn.into() }
    }

    /// Sends each notice once, in order. One that fails does not keep the others.
    pub async fn publish(&self, notices: &[Notice]) -> Published {
        let mut published = Published::default();
        for notice in notices {
            match self.send(notice).await {
                Ok(id) => published.message_ids.push(id),
                Err(error) => published.errors.push(error),
            }
        }
        published
    }

    async fn send(&self, notice: &Notice) -> Result<String, PublishError> {
        let refuse = |code: &str, message: &str, request_id: Option<&str>| PublishError {
            subject: notice.subject.clone(),
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: request_id.map(str::to_owned),
        };
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
                .map_err(|error| refuse("NotSent", &error.to_string(), None))?;
            call = call.message_attributes(*name, value);
        }
        match call.send().await {
            Ok(answer) => Ok(answer.message_id.unwrap_or_default()),
            Err(error) => Err(match &error {
                SdkError::ServiceError(service) => refuse(
                    service.err().code().unwrap_or("UnknownError"),
                    service.err().message().unwrap_or_default(),
                    service.err().meta().extra("aws_request_id"),
                ),
                SdkError::TimeoutError(_) => refuse("Timeout", "no answer in time", None),
                SdkError::DispatchFailure(_) => refuse("ConnectionFailed", "SNS could not be reached", None),
                _ => refuse("NotSent", "the call could not be made, or its answer not be understood", None),
            }),
        }
    }
}
