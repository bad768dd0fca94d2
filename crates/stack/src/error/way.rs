//! The way that a request went: what a failed connection has to be told with.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::Kind;
use super::classify::{NOT_AWS, source_of};

/// The host, the proxy in between, and the roots that the server's certificate must lead to.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) host: String,
    /// The proxy and the variable that names it, without user name and password.
    pub(crate) proxy: Option<String>,
    /// The roots, in words.
    pub(crate) roots: String,
}

/// A failure to get there or back.
#[derive(Debug)]
pub(crate) struct Lost {
    way: Way,
    source: Box<dyn StdError + Send + Sync>,
}

impl Way {
    /// The failure of a request that went this way.
    pub(crate) fn failed(self, source: Box<dyn StdError + Send + Sync>) -> Lost {
        Lost { way: self, source }
    }

    /// What to do about a failure on the way, as far as its kind and words tell.
    fn hints(&self, kind: Kind, code: &str, message: &str) -> Vec<String> {
        let mut hints = Vec::new();
        if kind != Kind::Unreachable && code != NOT_AWS {
            return hints;
        }
        if message.contains("invalid peer certificate") {
            hints.push(format!("the certificate of {} does not lead to any of {}", self.host, self.roots));
            hints.push("if your network inspects TLS, name a file with its root certificate: AWS_CA_BUNDLE, ca_bundle in the AWS profile, or SSL_CERT_FILE".to_owned());
        }
        match &self.proxy {
            Some(proxy) => {
                hints.push(format!("requests to {} go through the proxy {proxy}", self.host));
                if message.contains("proxy authorization required") || message.contains("wants a user name") {
                    hints.push("give it a user name and a password: http://USER:PASSWORD@HOST:PORT".to_owned());
                }
                hints.push("NO_PROXY lists the hosts that are reached without the proxy".to_owned());
            }
            None if code == NOT_AWS => {
                hints.push("is there a login page to pass first, or a proxy to use? HTTPS_PROXY names one".to_owned());
                hints.push("check --endpoint-url and AWS_ENDPOINT_URL, if one of them is set".to_owned());
            }
            None => {}
        }
        hints
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on the way to {}", self.way.host)
    }
}

impl StdError for Lost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// An answer that goes on for longer than any of AWS's.
#[derive(Debug)]
pub(crate) struct TooLong {
    pub(crate) host: String,
    pub(crate) bytes: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer of {} is longer than {} MiB, and none of AWS's is", self.host, self.bytes >> 20)
    }
}

impl StdError for TooLong {}

/// What the way has to do with an error.
pub(super) fn hints<E: StdError + 'static>(
    error: &SdkError<E, HttpResponse>,
    kind: Kind,
    code: &str,
    message: &str,
) -> Vec<String> {
    let way = match error.raw_response() {
        Some(answer) => answer.extension::<Way>(),
        None => source_of::<Lost>(error).map(|lost| &lost.way),
    };
    way.map(|way| way.hints(kind, code, message)).unwrap_or_default()
}
