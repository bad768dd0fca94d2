//! Who would be told about an old key, and how to make sure of it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::error::{Error, Kind, failed};
use crate::installation::Installation;
use crate::marks::Tags;
use crate::resource::{subscriptions, topic};

/// How long SNS keeps a subscription that nobody confirms (SNS Developer Guide, "Confirm the subscription").
const PENDING_FOR: SignedDuration = SignedDuration::from_hours(48);

/// Whether a subscription delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubscriptionState {
    /// It delivers.
    Confirmed,
    /// Somebody has yet to confirm it.
    Pending,
    /// It was ours and is no longer there: nobody confirmed it in time, or somebody unsubscribed.
    Gone,
    /// It is wanted and was never there.
    Missing,
}

/// One subscription, wanted or there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionStatus {
    /// `email`, `sqs` and so on.
    pub protocol: String,
    /// Where to.
    pub endpoint: String,
    /// Whether it delivers.
    pub state: SubscriptionState,
    /// When a pending one lapses, as far as we know when it was made.
    pub lapses_at: Option<Timestamp>,
    /// A click on a link in a forwarded mail cannot end it. `None`: not known, as for others' subscriptions.
    pub safe_from_one_click_unsubscribing: Option<bool>,
    /// It is in the configuration.
    pub declared: bool,
    /// We made it.
    pub managed: bool,
    /// Its ARN, once it is confirmed.
    pub arn: Option<String>,
}

impl Installation {
    /// Every subscription that is wanted or there, as the last observation saw them; asks again where there was none
    /// since the last call. Empty where there is no topic and none is wanted.
    ///
    /// # Errors
    /// What SNS answers.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, Error> {
        let seen = match self.last_seen_subscriptions() {
            Some(seen) => seen,
            None => subscriptions::look(self).await?.unwrap_or_default(),
        };
        let declared = |protocol: &str, endpoint: &str| {
            self.spec.subscriptions.iter().flatten().any(|s| s.protocol.as_str() == protocol && s.endpoint == endpoint)
        };
        let status = |subscription: &aws_sdk_sns::types::Subscription| {
            let protocol = subscription.protocol().unwrap_or_default();
            let endpoint = subscription.endpoint().unwrap_or_default();
            let key = subscriptions::key(protocol, endpoint);
            let arn = subscriptions::arn_of(subscription);
            let made = subscriptions::recorded_at(&seen.tags, &key);
            let attributes = arn.and_then(|arn| seen.attributes.get(arn));
            SubscriptionStatus {
                protocol: protocol.to_owned(),
                endpoint: endpoint.to_owned(),
                state: if arn.is_some() { SubscriptionState::Confirmed } else { SubscriptionState::Pending },
                lapses_at: made.filter(|_| arn.is_none()).and_then(|made| made.checked_add(PENDING_FOR).ok()),
                safe_from_one_click_unsubscribing: attributes
                    .and_then(|attributes| attributes.get("ConfirmationWasAuthenticated"))
                    .map(|authenticated| authenticated == "true"),
                declared: declared(protocol, endpoint),
                managed: subscriptions::is_recorded(&seen.tags, &key),
                arn: arn.map(str::to_owned),
            }
        };
        let mut statuses: Vec<_> = seen.live.iter().map(status).collect();
        for wanted in self.spec.subscriptions.iter().flatten() {
            let protocol = wanted.protocol.as_str();
            if statuses.iter().any(|s| s.protocol == protocol && s.endpoint == wanted.endpoint) {
                continue;
            }
            let managed = subscriptions::is_recorded(&seen.tags, &subscriptions::key(protocol, &wanted.endpoint));
            statuses.push(SubscriptionStatus {
                protocol: protocol.to_owned(),
                endpoint: wanted.endpoint.clone(),
                state: if managed { SubscriptionState::Gone } else { SubscriptionState::Missing },
                lapses_at: None,
                safe_from_one_click_unsubscribing: None,
                declared: true,
                managed,
                arn: None,
            });
        }
        statuses.sort_by(|a, b| (&a.protocol, &a.endpoint).cmp(&(&b.protocol, &b.endpoint)));
        Ok(statuses)
    }

    /// Confirms a subscription with the link from the mail, or the token in it, so that a stray click in a forwarded
    /// mail cannot end it (API reference, ConfirmSubscription, `AuthenticateOnUnsubscribe`). Returns its ARN.
    ///
    /// # Errors
    /// `BadToken` where the text is neither, or the link is for another topic; what SNS answers.
    pub async fn confirm(&self, link_or_token: &str) -> Result<String, Error> {
        let topic = self.names.topic_arn();
        let token = token(link_or_token, &topic)?;
        let answer = self
            .clients
            .sns
            .confirm_subscription()
            .topic_arn(&topic)
            .token(token)
            .authenticate_on_unsubscribe("true")
            .send()
            .await
            .map_err(failed("sns:ConfirmSubscription", &topic))
            .map_err(|error| match error.kind {
                Kind::Invalid => {
                    error.hint("a token is good for two days: 'keyminder confirm --resend' has a new mail sent")
                }
                _ => error,
            })?;
        Ok(answer.subscription_arn.unwrap_or_default())
    }

    /// Has SNS send the confirmation again for every subscription that is pending, or only for this endpoint. Returns
    /// the endpoints.
    ///
    /// # Errors
    /// What SNS answers.
    pub async fn resend(&self, endpoint: Option<&str>) -> Result<Vec<String>, Error> {
        let topic = self.names.topic_arn();
        let mut sent = Vec::new();
        for subscription in subscriptions::live(self).await? {
            let to = subscription.endpoint().unwrap_or_default();
            let pending = subscription.subscription_arn() == Some(subscriptions::PENDING);
            if !pending || endpoint.is_some_and(|endpoint| endpoint != to) {
                continue;
            }
            let protocol = subscription.protocol().unwrap_or_default();
            self.clients
                .sns
                .subscribe()
                .topic_arn(&topic)
                .protocol(protocol)
                .endpoint(to)
                .send()
                .await
                .map_err(failed("sns:Subscribe", to))?;
            let key = subscriptions::key(protocol, to);
            topic::tag(self, &Tags::from([subscriptions::record(&key)])).await?;
            sent.push(to.to_owned());
        }
        Ok(sent)
    }
}

/// The token in a confirmation link, or the token itself: 64 and more hexadecimal digits.
fn token(text: &str, topic: &str) -> Result<String, Error> {
    let bad = |message: &str| {
        Error::usage("BadToken", message.to_owned())
            .hint("copy the link behind 'Confirm subscription' in the mail, and quote it: it contains '&'")
    };
    let text = text.trim();
    if !text.contains("://") {
        let good = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        return if good { Ok(text.to_owned()) } else { Err(bad("this is neither a confirmation link nor a token")) };
    }
    let parameter = |name: &str| {
        text.split(['?', '&'])
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .map(|value| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    if let Some(other) = parameter("TopicArn").filter(|arn| arn != topic) {
        return Err(bad(&format!("this link is for the topic {other}, and this install's is {topic}")));
    }
    parameter("Token").filter(|token| !token.is_empty()).ok_or_else(|| bad("this link has no token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:t";

    #[test]
    fn the_token_is_found_in_a_link_and_is_itself() {
        let token_text = "2336412f37fb687f5d51e6e2425929f52bc8d2e1";
        let link = format!(
            "https://sns.eu-west-1.amazonaws.com/confirmation.html?TopicArn={TOPIC}&Token={token_text}&Endpoint=a@b.c"
        );
        assert_eq!(token(&link, TOPIC), Ok(token_text.to_owned()));
        assert_eq!(token(token_text, TOPIC), Ok(token_text.to_owned()));
    }

    #[test]
    fn a_link_for_another_topic_or_without_a_token_is_refused() {
        for text in ["", "abc", "https://example.com/?TopicArn=arn:x&Token=1", "https://example.com/?TopicArn="] {
            assert!(token(text, TOPIC).is_err(), "{text}");
        }
    }
}
