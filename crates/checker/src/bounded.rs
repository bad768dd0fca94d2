//! A bound on the size of answers.
//!
//! Owns how much of an answer is taken, so that one without an end does not take the memory. It must not know what is
//! asked.

use aws_sdk_iam::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_iam::error::BoxError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// The largest answer: ten times that of ListUsers with a thousand users.
const LARGEST: usize = 4 * 1024 * 1024;

/// What the error says about an answer that is larger.
pub(crate) const TOO_LARGE: &str = "length limit exceeded";

/// Ends an answer that is too large with an error.
#[derive(Debug)]
pub(crate) struct BoundedAnswers;

impl Intercept for BoundedAnswers {
    fn name(&self) -> &'static str {
        "BoundedAnswers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, LARGEST));
        Ok(())
    }
}
