//! Who is notified: one SNS subscription as the user writes it, checked by protocol.

use std::fmt;
use std::str::FromStr;

use email_address::EmailAddress;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The protocols of SNS (API reference, Subscribe).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// An e-mail for people; a person has to confirm it.
    Email,
    /// An e-mail with the JSON envelope.
    EmailJson,
    /// A text message to a telephone number.
    Sms,
    /// A queue.
    Sqs,
    /// A function.
    Lambda,
    /// A delivery stream; needs a role.
    Firehose,
    /// A web endpoint without TLS.
    Http,
    /// A web endpoint.
    Https,
    /// A mobile app's platform endpoint.
    Application,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::EmailJson,
        Self::Sms,
        Self::Sqs,
        Self::Lambda,
        Self::Firehose,
        Self::Http,
        Self::Https,
        Self::Application,
    ];

    /// As the SNS API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sms => "sms",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Firehose => "firehose",
            Self::Http => "http",
            Self::Https => "https",
            Self::Application => "application",
        }
    }

    /// Whether somebody at the endpoint has to confirm the subscription.
    #[must_use]
    pub const fn needs_confirmation(self) -> bool {
        matches!(self, Self::Email | Self::EmailJson | Self::Http | Self::Https)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|p| p.as_str()).collect();
            format!("'{text}' is not a protocol of SNS: use one of {}", known.join(", "))
        })
    }
}

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// How SNS delivers.
    pub protocol: Protocol,
    /// Where to: an address, a number, an ARN, a URL, as the protocol wants it.
    pub endpoint: String,
    /// Which messages: a filter policy on the message attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_policy: Option<Value>,
    /// Deliver the message without SNS's envelope (SQS, Firehose, HTTP, HTTPS).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
    /// The role that lets SNS write to the delivery stream (Firehose only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Subscription {
    /// A subscription without options.
    pub fn new(protocol: Protocol, endpoint: impl Into<String>) -> Self {
        Self { protocol, endpoint: endpoint.into(), filter_policy: None, raw: false, role: None }
    }

    /// An e-mail subscription.
    pub fn email(address: impl Into<String>) -> Self {
        Self::new(Protocol::Email, address)
    }

    /// Both mean the same subscription: SNS has one for each protocol and endpoint of a topic.
    pub(crate) fn is_same_endpoint(&self, other: &Self) -> bool {
        (self.protocol, &self.endpoint) == (other.protocol, &other.endpoint)
    }

    /// What SNS would refuse, or accept and never deliver to.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let endpoint = self.endpoint.as_str();
        if let Some(wanted) = wrong_endpoint(self.protocol, endpoint) {
            problems.push(format!("'{endpoint}' is not {wanted}"));
        }
        if self.raw && !matches!(self.protocol, Protocol::Sqs | Protocol::Firehose | Protocol::Http | Protocol::Https) {
            problems.push(format!("raw delivery is for sqs, firehose, http and https, not for {}", self.protocol));
        }
        match (&self.role, self.protocol) {
            (None, Protocol::Firehose) => {
                problems
                    .push("a firehose subscription needs 'role', the ARN of a role that lets SNS write to it".into());
            }
            (Some(_), protocol) if protocol != Protocol::Firehose => {
                problems.push(format!("'role' is for firehose, not for {protocol}"));
            }
            (Some(role), _) if !is_arn(role, "iam") => problems.push(format!("'{role}' is not the ARN of a role")),
            _ => {}
        }
        if self.filter_policy.as_ref().is_some_and(|policy| !policy.is_object()) {
            problems.push("a filter policy is a JSON object".into());
        }
        problems
    }
}

/// What the endpoint should be, where it is not.
fn wrong_endpoint(protocol: Protocol, endpoint: &str) -> Option<&'static str> {
    let (good, wanted) = match protocol {
        Protocol::Email | Protocol::EmailJson => (is_email(endpoint), "an e-mail address such as ops@example.com"),
        Protocol::Sms => {
            (is_phone_number(endpoint), "a telephone number in international form, such as +4915112345678")
        }
        Protocol::Sqs => (is_arn(endpoint, "sqs"), "the ARN of an SQS queue"),
        Protocol::Lambda => (is_arn(endpoint, "lambda"), "the ARN of a Lambda function"),
        Protocol::Firehose => (is_arn(endpoint, "firehose"), "the ARN of a Firehose delivery stream"),
        Protocol::Application => (is_arn(endpoint, "sns"), "the ARN of a mobile platform endpoint"),
        Protocol::Http => (is_url(endpoint, "http://"), "a URL that begins with http://"),
        Protocol::Https => (is_url(endpoint, "https://"), "a URL that begins with https://"),
    };
    (!good).then_some(wanted)
}

fn is_email(text: &str) -> bool {
    EmailAddress::is_valid(text)
        && text.is_ascii()
        && !text.contains(['"', '[', ' '])
        && text.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
}

fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|n| (6..=15).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

fn is_arn(text: &str, service: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, s, _, account, resource]
        if partition.starts_with("aws") && s == service && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit()) && !resource.is_empty())
}

fn is_url(text: &str, scheme: &str) -> bool {
    text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(char::is_whitespace)
}

/// `PROTOCOL=ENDPOINT`, as on the command line.
impl FromStr for Subscription {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, endpoint) = text.split_once('=').ok_or_else(|| {
            format!("'{text}' is not PROTOCOL=ENDPOINT, as in sqs=arn:aws:sqs:eu-west-1:123456789012:queue")
        })?;
        let subscription = Self::new(protocol.parse()?, endpoint);
        match subscription.problems().into_iter().find(|_| subscription.protocol != Protocol::Firehose) {
            Some(problem) => Err(problem),
            None => Ok(subscription),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:queue";

    #[test]
    fn each_protocol_takes_its_own_kind_of_endpoint() {
        for good in [
            "email=ops@example.com",
            "email-json=a.b+c@sub.example.org",
            "sms=+4915112345678",
            &format!("sqs={QUEUE}"),
            "lambda=arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
            "https://x".replace("https://x", "https=https://example.com/hook?a=b").as_str(),
        ] {
            assert_eq!(good.parse::<Subscription>().map(|s| s.problems()), Ok(vec![]), "{good}");
        }
        for bad in [
            "email=ops",
            "email=ops@localhost",
            "email=a@b@example.com",
            "email=Ops <ops@example.com>",
            "sms=0151",
            "sqs=queue",
            "lambda=arn:aws:sqs:eu-west-1:123456789012:queue",
            "https=http://example.com",
            "pigeon=coop",
            "ops@example.com",
        ] {
            assert!(bad.parse::<Subscription>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_protocol_is_answered_with_the_known_ones() {
        let message = "pigeon=coop".parse::<Subscription>().unwrap_err();
        assert!(message.contains("'pigeon' is not a protocol of SNS") && message.contains("email, email-json"));
    }

    #[test]
    fn a_delivery_stream_needs_a_role_and_nothing_else_does() {
        let mut stream =
            Subscription::new(Protocol::Firehose, "arn:aws:firehose:eu-west-1:123456789012:deliverystream/s");
        assert_eq!(stream.problems().len(), 1);
        stream.role = Some("arn:aws:iam::123456789012:role/r".into());
        assert!(stream.problems().is_empty());
        let mut queue = Subscription::new(Protocol::Sqs, QUEUE);
        queue.role = stream.role;
        assert_eq!(queue.problems().len(), 1);
    }
}
