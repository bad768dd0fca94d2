//! Who would be told about an old key, and how to make sure of it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::access;
use crate::actions::{Actions, On};
use crate::error::{Cause, Error, Kind, failed};
use crate::installation::Installation;
use crate::order::Observation;
use crate::ownership::{self, Tags};
use crate::resource::shared::Seen;
use crate::resource::{Shared, records, subscriptions, topic_tags};
use crate::subscription::{Subscription, without_password};

/// What these calls need to be allowed.
pub(super) const ACTIONS: Actions = &[(On::Topic, &["sns:ConfirmSubscription"])];

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
    /// It gets only what its filter policy lets through, which may leave out that a run failed.
    pub filtered: bool,
    /// It is in the configuration.
    pub declared: bool,
    /// We made it.
    pub managed: bool,
    /// It is to be there: it is in the configuration, or that names nobody and we made it in this account.
    pub wanted: bool,
    /// It shows that the right people are notified: it is in the configuration, or we made it in this account.
    pub vouched_for: bool,
    /// Its ARN, once it is confirmed.
    pub arn: Option<String>,
}

impl SubscriptionStatus {
    /// It is wanted, and somebody has yet to confirm it.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.state == SubscriptionState::Pending && self.wanted
    }
}

impl Installation {
    /// Every subscription that is wanted or there; asks SNS. Empty if there is no topic and none is wanted.
    ///
    /// # Errors
    /// What SNS answers.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, Error> {
        let seen = subscriptions::look(self, &Shared::default()).await?.unwrap_or_default();
        Ok(self.statuses(&seen))
    }

    /// Every subscription that is wanted or was there when the observation was made.
    #[must_use]
    pub fn subscriptions_in(&self, observation: &Observation) -> Vec<SubscriptionStatus> {
        let seen = observation.shared().find_map(|shared| shared.subscriptions.get());
        seen.map_or_else(|| self.statuses(&Seen::default()), |seen| self.statuses(seen))
    }

    fn statuses(&self, seen: &Seen) -> Vec<SubscriptionStatus> {
        let recipients = self.spec.notify.recipients().unwrap_or_default();
        let status = |subscription: &aws_sdk_sns::types::Subscription| {
            let protocol = subscription.protocol().unwrap_or_default();
            let endpoint = without_password(subscription.endpoint().unwrap_or_default());
            let key = records::key(protocol, &endpoint);
            let arn = subscriptions::arn_of(subscription);
            let made = records::made_at(&seen.tags, &key);
            let attributes = arn.and_then(|arn| seen.attributes.get(arn));
            let declared =
                recipients.iter().find(|one| one.protocol.as_str() == protocol && one.shown_endpoint() == endpoint);
            let managed = records::has(&seen.tags, &key);
            let here = subscriptions::account_of(subscription).is_none_or(|account| account == self.names.account);
            let vouched_for = declared.is_some() || managed && here;
            let filtered = match attributes {
                Some(attributes) => {
                    attributes.get("FilterPolicy").is_some_and(|policy| !["", "{}"].contains(&policy.trim()))
                }
                None => declared.is_some_and(|declared| declared.filter_policy.is_some()),
            };
            SubscriptionStatus {
                protocol: protocol.to_owned(),
                endpoint,
                state: if arn.is_some() { SubscriptionState::Confirmed } else { SubscriptionState::Pending },
                lapses_at: made.filter(|_| arn.is_none()).and_then(|made| made.checked_add(PENDING_FOR).ok()),
                safe_from_one_click_unsubscribing: attributes
                    .and_then(|attributes| attributes.get("ConfirmationWasAuthenticated"))
                    .map(|authenticated| authenticated == "true"),
                filtered,
                declared: declared.is_some(),
                managed,
                wanted: self.wants(declared, vouched_for),
                vouched_for,
                arn: arn.map(str::to_owned),
            }
        };
        let mut statuses: Vec<_> = seen.live.iter().map(status).collect();
        for wanted in &recipients {
            let protocol = wanted.protocol.as_str();
            if statuses.iter().any(|s| s.protocol == protocol && s.endpoint == wanted.shown_endpoint()) {
                continue;
            }
            let managed = records::has(&seen.tags, &records::key(protocol, &wanted.endpoint));
            statuses.push(SubscriptionStatus {
                protocol: protocol.to_owned(),
                endpoint: wanted.shown_endpoint(),
                state: if managed { lost(seen) } else { SubscriptionState::Missing },
                lapses_at: None,
                safe_from_one_click_unsubscribing: None,
                filtered: wanted.filter_policy.is_some(),
                declared: true,
                managed,
                wanted: true,
                vouched_for: true,
                arn: None,
            });
        }
        if !self.spec.notify.is_declared() {
            statuses.extend(gone(seen, &self.names.account));
        }
        statuses.sort_by(|a, b| (&a.protocol, &a.endpoint).cmp(&(&b.protocol, &b.endpoint)));
        statuses
    }

    /// If the configuration names nobody, those that we made in this account are to stay. A record is a tag, which others
    /// can set: one in another account has to be declared.
    fn wants(&self, declared: Option<&Subscription>, vouched_for: bool) -> bool {
        declared.is_some() || (vouched_for && !self.spec.notify.is_declared())
    }

    /// Confirms a subscription with the link from the mail, or the token in it, so that a stray click in a forwarded
    /// mail cannot end it (API reference, ConfirmSubscription, `AuthenticateOnUnsubscribe`).
    ///
    /// # Errors
    /// `BadToken` where the text is neither, or the link is for another topic; `AlreadyConfirmed` where somebody opened
    /// the link; what SNS answers.
    pub async fn confirm(&self, link_or_token: &str) -> Result<Confirmed, Error> {
        let topic = self.names.topic_arn();
        let token = token(link_or_token, &topic)?;
        let sns = &self.clients.sns;
        let call = sns.confirm_subscription().topic_arn(&topic).token(token).authenticate_on_unsubscribe("true");
        let answer = match call.send().await.map_err(failed("sns:ConfirmSubscription", &topic)) {
            Ok(answer) => answer,
            Err(error) => return Err(self.unconfirmed(error).await),
        };
        let arn = answer.subscription_arn.unwrap_or_default();
        let attributes = subscriptions::attributes(self, &arn).await?.unwrap_or_default();
        let is = |name: &str| attributes.get(name).is_some_and(|value| value == "true");
        Ok(Confirmed {
            endpoint: attributes.get("Endpoint").cloned().unwrap_or_else(|| arn.clone()),
            safe_from_one_click_unsubscribing: is("ConfirmationWasAuthenticated"),
            arn,
        })
    }

    /// Why a confirmation failed, where AWS's words do not say what to do.
    ///
    /// What SNS says of a token that it does not know is from LocalStack's recordings of AWS: the same words whether the
    /// token is old or the topic is not there, so the topic is looked at. "Already confirmed" is from practice; the API
    /// reference (ConfirmSubscription) names only the code, AuthorizationError.
    async fn unconfirmed(&self, error: Error) -> Error {
        if error.message.to_ascii_lowercase().contains("already confirmed") {
            return Error {
                kind: Kind::AlreadyExists,
                code: "AlreadyConfirmed".to_owned(),
                message: "the subscription is already confirmed: someone opened the link, so one click can cancel it"
                    .to_owned(),
                cause: Cause::ConfirmedByLink,
                ..error
            };
        }
        if error.kind != Kind::Invalid {
            return error.of_install();
        }
        match topic_tags::read(self).await {
            Err(missing) if missing.kind == Kind::NotFound => missing.of_install(),
            _ => error.because(Cause::TokenRefused),
        }
    }

    /// Has SNS send the confirmation again for every pending subscription of ours, or for the one with this endpoint,
    /// whoever made it. Returns the endpoints.
    ///
    /// # Errors
    /// `NotOurs` where the topic is somebody else's; what SNS answers.
    pub async fn resend(&self, endpoint: Option<&str>) -> Result<Vec<String>, Error> {
        let topic = self.names.topic_arn();
        let live = subscriptions::live(self).await.map_err(Error::of_install)?;
        let tags = topic_tags::read(self).await.map_err(Error::of_install)?;
        if let Some(reason) = ownership::objection(&tags, &self.names) {
            let message = format!("the topic {} was not created by this installation: {reason}", self.names.topic);
            return Err(Error::usage("NotOurs", message).because(Cause::NotOurs));
        }
        let recipients = self.spec.notify.recipients().unwrap_or_default();
        let mut sent = Vec::new();
        for subscription in &live {
            let to = &without_password(subscription.endpoint().unwrap_or_default());
            let protocol = subscription.protocol().unwrap_or_default();
            let key = records::key(protocol, to);
            let declared =
                recipients.iter().find(|one| one.protocol.as_str() == protocol && one.shown_endpoint() == *to);
            let managed = records::has(&tags, &key);
            let here = subscriptions::account_of(subscription).is_none_or(|account| account == self.names.account);
            let asked = endpoint
                .map_or_else(|| self.wants(declared, managed && here), |endpoint| without_password(endpoint) == *to);
            if !asked || subscriptions::arn_of(subscription).is_some() {
                continue;
            }
            // The 48 hours begin anew, and so does the record: before the call, as everywhere.
            if managed {
                topic_tags::set(self, &Tags::from([records::record(&key)])).await?;
            }
            // SNS lists the endpoint without its password, and would take what it lists for another endpoint.
            let whole = declared.map(|declared| declared.endpoint.as_str()).or(endpoint).unwrap_or(to);
            if whole == to && to.contains(":****@") {
                let message = format!("the request to confirm {to} cannot be sent again without its password");
                return Err(Error::usage("NoPassword", message)
                    .hint("give the whole URL: keyminder confirm --resend 'https://USER:PASSWORD@HOST/PATH'"));
            }
            let mut request = self.clients.sns.subscribe().topic_arn(&topic).protocol(protocol).endpoint(whole);
            for (name, value) in declared.map(subscriptions::asked_for).into_iter().flatten() {
                request = request.attributes(name, value);
            }
            request.send().await.map_err(failed("sns:Subscribe", to))?;
            if managed {
                subscriptions::keep_records(self, std::slice::from_ref(&key)).await?;
            }
            sent.push(to.clone());
        }
        Ok(sent)
    }
}

/// A subscription that was confirmed just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Its ARN.
    pub arn: String,
    /// Whom it tells.
    pub endpoint: String,
    /// A click on a link in a forwarded mail cannot end it.
    pub safe_from_one_click_unsubscribing: bool,
}

/// The state of a subscription that has a record and is not listed: a new topic has the records before anyone is
/// subscribed.
fn lost(seen: &Seen) -> SubscriptionState {
    if records::is_new(&seen.tags) { SubscriptionState::Missing } else { SubscriptionState::Gone }
}

/// Those that are recorded as ours and are no longer there.
fn gone(seen: &Seen, own: &str) -> impl Iterator<Item = SubscriptionStatus> {
    let live: Vec<String> = seen.live.iter().map(|one| records::record_key(&subscriptions::key_of(one))).collect();
    let left = records::all(&seen.tags).filter(move |(tag, _)| !live.iter().any(|live| live == tag));
    left.map(move |(_, (protocol, endpoint))| {
        let here = access::account_of(endpoint).is_none_or(|account| account == own);
        SubscriptionStatus {
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            state: lost(seen),
            lapses_at: None,
            safe_from_one_click_unsubscribing: None,
            filtered: false,
            declared: false,
            managed: true,
            wanted: here,
            vouched_for: here,
            arn: None,
        }
    })
}

/// The token in a confirmation link, or the token itself: 64 and more hexadecimal digits.
fn token(text: &str, topic: &str) -> Result<String, Error> {
    let bad = |message: &str| Error::usage("BadToken", message.to_owned()).because(Cause::BadLink);
    // A mail program folds long lines, and a page's source writes & otherwise.
    let text = text.split_whitespace().collect::<String>().replace("&amp;", "&");
    let text = text.as_str();
    if !text.contains("://") {
        let good = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        return if good { Ok(text.to_owned()) } else { Err(bad("this is neither a confirmation link nor a token")) };
    }
    // A mail gateway wraps links: AWS's is then a parameter of its own, encoded once more or twice.
    let mut link = text.to_owned();
    for _ in 0..3 {
        if let Some(token) = parameter(&link, "Token").filter(|token| !token.is_empty()) {
            return match parameter(&link, "TopicArn").filter(|arn| arn != topic) {
                Some(other) => Err(Error::usage(
                    "BadToken",
                    format!("this link belongs to another topic: {other}; this installation uses {topic}"),
                )
                .because(Cause::LinkOfAnotherTopic)),
                None => Ok(token),
            };
        }
        link = decoded(&link);
    }
    Err(bad("this link has no token"))
}

fn parameter(link: &str, name: &str) -> Option<String> {
    link.split(['?', '&']).find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).map(decoded)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
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
    fn a_link_that_was_folded_is_put_together() {
        let link =
            format!("https://sns.example.com/?TopicArn={}\n  {}&amp;Token=23364\n12f37fb", &TOPIC[..20], &TOPIC[20..]);
        assert_eq!(token(&link, TOPIC), Ok("2336412f37fb".to_owned()));
    }

    #[test]
    fn a_link_that_a_mail_gateway_wrapped_is_unwrapped() {
        let link = "https://eur01.safelinks.example.com/?url=https%3A%2F%2Fsns.eu-west-1.amazonaws.com%2F%3FTopicArn%3Darn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At%26Token%3D2336412f37fb&data=x";
        assert_eq!(token(link, TOPIC), Ok("2336412f37fb".to_owned()));
        assert!(token(link, "arn:aws:sns:eu-west-1:123456789012:another").is_err());
    }

    #[test]
    fn a_link_for_another_topic_or_without_a_token_is_refused() {
        for text in [
            "",
            "abc",
            "https://example.com/?TopicArn=arn:x",
            "https://example.com/?TopicArn=arn:x&Token=1",
            "https://example.com/?TopicArn=",
        ] {
            assert!(token(text, TOPIC).is_err(), "{text}");
        }
    }
}
