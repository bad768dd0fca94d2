//! Whether an endpoint is one of its protocol, and whether SNS can deliver to it.

use email_address::EmailAddress;
use keyminder_keyage::arn::Arn;

use super::{Protocol, without_password};

/// What is wrong with an endpoint: it is not one of this protocol, or SNS can never deliver to it. The second says what
/// works instead.
pub(super) fn problem(protocol: Protocol, endpoint: &str) -> Option<String> {
    let (good, wanted) = match protocol {
        Protocol::Email | Protocol::EmailJson => (is_email(endpoint), "an email address such as ops@example.com"),
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
    if !good {
        return Some(format!("'{}' is not {wanted}", without_password(endpoint)));
    }
    match protocol {
        // The words are those of SNS.
        Protocol::Sqs if endpoint.ends_with(".fifo") => Some(format!(
            "'{endpoint}' is a FIFO queue, but FIFO SQS Queues can not be subscribed to standard SNS topics: use a \
             standard queue"
        )),
        Protocol::Http | Protocol::Https => chat_webhook(host(endpoint)).map(|(service, instead)| {
            format!(
                "a {service} webhook cannot receive from SNS, because it never confirms the subscription: {instead}"
            )
        }),
        _ => None,
    }
}

/// Why SNS might not reach an endpoint.
pub(super) fn warning(protocol: Protocol, endpoint: &str) -> Option<String> {
    if !matches!(protocol, Protocol::Http | Protocol::Https) {
        return None;
    }
    let host = host(endpoint);
    let is_private = match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unspecified(),
        Err(_) => host == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| host.ends_with(end)),
    };
    is_private
        .then(|| format!("SNS delivers from the internet and cannot reach {host}: use a public address or a queue"))
}

const CHAT: &str = "set check.format = \"chat\" and connect Amazon Q Developer in chat applications to the topic \
                    (examples/chat)";
const FORWARD: &str = "subscribe a Lambda function that forwards notices to it";

/// Chat services whose webhooks accept their own format only, and what works instead.
fn chat_webhook(host: &str) -> Option<(&'static str, &'static str)> {
    let is = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    match host {
        _ if is("hooks.slack.com") || is("hooks.slack-gov.com") => Some(("Slack", CHAT)),
        _ if is("webhook.office.com") || is("outlook.office.com") => Some(("Microsoft Teams", CHAT)),
        _ if is("discord.com") || is("discordapp.com") => Some(("Discord", FORWARD)),
        _ if is("chat.googleapis.com") => Some(("Google Chat", FORWARD)),
        _ => None,
    }
}

/// The host of a URL, without user, password and port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
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

pub(super) fn is_arn(text: &str, service: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == service && arn.account_id().is_some())
}

fn is_url(text: &str, scheme: &str) -> bool {
    text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_can_never_work_is_refused_with_what_does() {
        for (endpoint, instead) in [
            ("https://hooks.slack.com/services/T0/B0/xyz", "check.format = \"chat\""),
            ("https://user:secret@hooks.slack.com:443/services/T0", "check.format = \"chat\""),
            ("https://example.webhook.office.com/webhookb2/x", "check.format = \"chat\""),
            ("https://discord.com/api/webhooks/1/x", "Lambda function that forwards"),
            ("https://chat.googleapis.com/v1/spaces/x", "Lambda function that forwards"),
        ] {
            let problem = problem(Protocol::Https, endpoint).unwrap();
            assert!(problem.contains("never confirms") && problem.contains(instead), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        for good in ["https://notslack.com/x", "https://hooks.slack.com.example.com/", "https://events.pagerduty.com/x"]
        {
            assert_eq!(problem(Protocol::Https, good), None);
        }
        let queue = "arn:aws:sqs:eu-west-1:123456789012:keys.fifo";
        assert!(problem(Protocol::Sqs, queue).unwrap().contains("FIFO SQS Queues can not be subscribed"));
    }

    #[test]
    fn an_address_that_only_this_network_has_is_a_warning() {
        for endpoint in ["http://127.0.0.1:8080/", "https://10.1.2.3/x", "http://[::1]/", "https://keys.internal/x"] {
            let protocol = if endpoint.starts_with("https") { Protocol::Https } else { Protocol::Http };
            assert!(problem(protocol, endpoint).is_none() && warning(protocol, endpoint).is_some(), "{endpoint}");
        }
        assert_eq!(warning(Protocol::Https, "https://hooks.example.com/keys"), None);
    }

    #[test]
    fn a_password_is_not_repeated_in_a_complaint() {
        let problem = problem(Protocol::Https, "http://user:pa55@example.com/x@y").unwrap();
        assert!(problem.contains("http://user:****@example.com/x@y") && !problem.contains("pa55"), "{problem}");
    }
}
