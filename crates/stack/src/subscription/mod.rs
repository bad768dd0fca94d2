//! Who is notified: one SNS subscription as the user writes it, checked by protocol.

mod endpoint;
mod filter_policy;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::endpoint::is_arn;

/// The protocols of SNS (API reference, Subscribe).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// An email for people; a person has to confirm it.
    Email,
    /// An email with the JSON envelope.
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

    /// An email subscription.
    pub fn email(address: impl Into<String>) -> Self {
        Self::new(Protocol::Email, address)
    }

    /// The endpoint without a password: what is shown, recorded and compared.
    pub(crate) fn shown_endpoint(&self) -> String {
        without_password(&self.endpoint)
    }

    /// Both mean the same subscription: SNS has one for each protocol and endpoint of a topic.
    pub(crate) fn is_same_endpoint(&self, other: &Self) -> bool {
        (self.protocol, self.shown_endpoint()) == (other.protocol, other.shown_endpoint())
    }

    /// What SNS would refuse, or can never deliver to.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(endpoint::problem(self.protocol, &self.endpoint));
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
        let refused = self.filter_policy.iter().flat_map(|policy| filter_policy::judge(policy).errors);
        problems.extend(refused.map(|reason| format!("SNS would refuse the filter policy: {reason}")));
        problems
    }

    /// What SNS might refuse, or be unable to deliver to.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let doubtful = self.filter_policy.iter().flat_map(|policy| filter_policy::judge(policy).warnings);
        let doubtful = doubtful.map(|reason| format!("SNS may refuse the filter policy: {reason}"));
        endpoint::warning(self.protocol, &self.endpoint).into_iter().chain(doubtful).collect()
    }
}

/// A URL with `****` in place of the password before its host, as SNS lists it; anything else as it is.
pub(crate) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    // A password that holds a slash is not valid, and not shown either.
    let is_broken = authority.split_once(':').is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()));
    let at = authority.rfind('@').or_else(|| rest.rfind('@').filter(|_| is_broken));
    let Some((userinfo, host)) = at.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) else {
        return text.to_owned();
    };
    match userinfo.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:****@{host}"),
        None => text.to_owned(),
    }
}

/// `PROTOCOL=ENDPOINT`, as on the command line.
impl FromStr for Subscription {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, endpoint) = text.split_once('=').ok_or_else(|| {
            let shown = without_password(text);
            format!("'{shown}' is not PROTOCOL=ENDPOINT, as in sqs=arn:aws:sqs:eu-west-1:123456789012:queue")
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
    fn a_password_in_a_url_is_not_shown_and_makes_no_difference() {
        assert_eq!(without_password("https://user:pa55word@example.com/x"), "https://user:****@example.com/x");
        assert_eq!(without_password("https=https://u:p/a@ss@h"), "https=https://u:****@h");
        assert_eq!(without_password("https://user@example.com"), "https://user@example.com");
        assert_eq!(without_password("ops@example.com"), "ops@example.com");
        assert_eq!(without_password("https://h:1/a:b@c"), "https://h:1/a:b@c");
        let error = "https=http://u:pa55word@h".parse::<Subscription>().unwrap_err();
        assert!(!error.contains("pa55word"), "{error}");
        assert!(!"nonsense://u:pa55word@h".parse::<Subscription>().unwrap_err().contains("pa55word"));
    }

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
