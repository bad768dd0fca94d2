//! Where each service is: AWS's own endpoint, or one that a flag, a variable or a profile names.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use crate::error::Error;

/// The services that are called: as errors name them, and as the SDK looks up their settings.
const SERVICES: [(&str, &str); 6] = [
    ("STS", "STS"),
    ("IAM", "IAM"),
    ("SNS", "SNS"),
    ("Lambda", "Lambda"),
    ("EventBridge", "EventBridge"),
    ("CloudWatch Logs", "CloudWatch Logs"),
];

/// The services that are only read, so they are of no matter for the account that is written to.
const ONLY_READ: [(&str, &str); 3] =
    [("Organizations", "Organizations"), ("SES", "SESv2"), ("Account Management", "Account")];

/// AWS's own domains, of all partitions (endpoints.json of the SDKs).
const AWS_DOMAINS: [&str; 11] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "aws.ic.gov",
];

/// The endpoint of each service; `None` is AWS's own.
#[derive(Debug, Clone)]
pub(super) struct Endpoints(Vec<(&'static str, Option<String>)>);

impl Endpoints {
    /// The endpoints that the configuration leads to, as the SDK's clients work them out.
    ///
    /// # Errors
    /// `BadEndpoint`.
    pub(super) fn find(asked: Option<&str>, sdk: &SdkConfig) -> Result<Self, Error> {
        let of = |(name, id): (&'static str, &'static str)| {
            let key =
                ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
            let own = || sdk.service_config()?.load_config(key.ok()?);
            let url = asked.map(str::to_owned).or_else(own).or_else(|| sdk.endpoint_url().map(str::to_owned));
            if let Some(url) = &url {
                check_endpoint(url, name)?;
            }
            Ok((name, url))
        };
        SERVICES.into_iter().chain(ONLY_READ).map(of).collect::<Result<_, _>>().map(Self)
    }

    fn written(&self) -> impl Iterator<Item = &(&'static str, Option<String>)> {
        self.0.iter().filter(|(name, _)| !ONLY_READ.iter().any(|(one, _)| one == name))
    }

    /// A service's endpoint, unless it is AWS's own.
    pub(super) fn of(&self, service: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == service)?.1.as_deref()
    }

    /// What is used in place of AWS's own endpoints, in words and without user names and passwords; `None` if nothing is.
    pub(super) fn describe(&self) -> Option<String> {
        let shown = |url: &Option<String>| url.as_deref().map_or_else(|| "AWS".to_owned(), masked);
        let (_, first) = self.0.first()?;
        if self.0.iter().all(|(_, url)| url == first) {
            return first.as_deref().map(masked);
        }
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for (service, url) in &self.0 {
            let url = shown(url);
            match groups.iter_mut().find(|(known, _)| *known == url) {
                Some((_, services)) => services.push(service),
                None => groups.push((url, vec![service])),
            }
        }
        let groups: Vec<_> =
            groups.iter().map(|(url, services)| format!("{url} for {}", services.join(", "))).collect();
        Some(groups.join("; "))
    }

    /// The services for which another party answers than for STS, each with its endpoint as it may be shown.
    pub(super) fn of_other_parties(&self) -> Vec<(&'static str, String)> {
        let sts = party(self.of("STS"));
        let others = self.written().filter(|(_, url)| party(url.as_deref()) != sts);
        others.map(|(service, url)| (*service, url.as_deref().map_or_else(|| "AWS".to_owned(), masked))).collect()
    }

    /// Refuses services that different parties answer for. Within AWS, the credentials decide whose account it is.
    ///
    /// # Errors
    /// `MixedEndpoints`.
    pub(super) fn must_be_one(&self, account: &str) -> Result<(), Error> {
        let parties: BTreeSet<_> = self.written().map(|(_, url)| party(url.as_deref())).collect();
        if parties.len() <= 1 {
            return Ok(());
        }
        let shown = self.describe().unwrap_or_default();
        Err(Error::usage(
            "MixedEndpoints",
            format!("the services have different endpoints ({shown}), so STS cannot vouch that all of them work in account {account}"),
        )
        .hint("set one endpoint for all services (--endpoint-url or AWS_ENDPOINT_URL), or unset AWS_ENDPOINT_URL_* and 'services' in the profile")
        .hint("endpoints in AWS's own domains can differ, such as those of interface VPC endpoints"))
    }
}

/// Who answers at an endpoint: `None` is AWS, anyone else is known by scheme, host, port and path, as a gateway can send
/// each path to another account.
fn party(url: Option<&str>) -> Option<String> {
    let uri = url.filter(|url| !is_aws(url))?.parse::<Uri>().unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    Some(format!("{scheme}://{host}:{port}{}", uri.path().trim_end_matches('/')))
}

/// A host in one of AWS's own domains that proves by its certificate that it is.
fn is_aws(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let in_domain = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    uri.scheme_str() == Some("https") && AWS_DOMAINS.into_iter().any(in_domain)
}

/// An HTTP URL with a host, and with nothing in it that a request cannot carry.
pub(super) fn check_endpoint(url: &str, service: &str) -> Result<(), Error> {
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    let uri = url.parse::<Uri>().ok().filter(|uri| is_http && uri.host().is_some_and(|host| !host.is_empty()));
    let port = |uri: &Uri| {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let place = authority.rsplit('@').next().unwrap_or_default();
        uri.port_u16().is_some() || uri.host() == Some(place)
    };
    match uri {
        Some(uri) if port(&uri) && uri.query().is_none() => Ok(()),
        _ => {
            let of = if service.is_empty() { String::new() } else { format!(" (for {service})") };
            Err(Error::usage("BadEndpoint", format!("'{}'{of} is not an endpoint URL", masked(url)))
                .hint("an endpoint looks like http://127.0.0.1:4566")
                .hint("it comes from --endpoint-url, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SERVICE, or endpoint_url in the AWS profile"))
        }
    }
}

/// A URL without the user name and the password before its host.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}://***@{rest}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(urls: [Option<&str>; 6]) -> Endpoints {
        Endpoints(SERVICES.into_iter().zip(urls).map(|((name, _), url)| (name, url.map(str::to_owned))).collect())
    }

    #[test]
    fn an_endpoint_needs_a_scheme_and_a_host() {
        for good in ["http://127.0.0.1:4566", "https://[::1]:1/", "https://h/path"] {
            assert!(check_endpoint(good, "").is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:4566",
            "http://",
            "ftp://x",
            "http:///x",
            "",
            "http://a b",
            "http://x:99999",
            "http://x:",
            "http://x?a",
        ] {
            assert!(check_endpoint(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_shown_without_user_and_password() {
        assert_eq!(masked("http://u:p@h:1/x"), "http://***@h:1/x");
        assert_eq!(masked("http://u:p@x@h:1"), "http://***@h:1");
        assert_eq!(masked("http://h:1"), "http://h:1");
        let error = check_endpoint("ftp://u:pa55@h", "SNS").unwrap_err();
        assert!(!error.to_string().contains("pa55"), "{error}");
    }

    #[test]
    fn only_endpoints_of_one_party_are_taken_for_one_account() {
        let (vpce, other) = ("https://vpce-1.sts.eu-west-1.vpce.amazonaws.com", "http://127.0.0.1:1");
        for (urls, fine) in [
            ([None; 6], true),
            ([Some(vpce), None, None, None, None, None], true),
            ([Some(other); 6], true),
            ([Some("http://127.0.0.1:1/"), Some(other), Some(other), Some(other), Some(other), Some(other)], true),
            ([None, Some(other), Some(other), Some(other), Some(other), Some(other)], false),
            ([Some(other), None, None, None, None, None], false),
            ([Some(vpce), Some(other), Some(other), Some(other), Some(other), Some(other)], false),
            ([Some("https://sts.amazonaws.com.evil.example"), None, None, None, None, None], false),
            ([Some("https://sts.amazonaws.com@evil.example"), None, None, None, None, None], false),
            ([Some("https://evilamazonaws.com"), None, None, None, None, None], false),
            ([Some("http://sts.amazonaws.com"), None, None, None, None, None], false),
            (
                [
                    Some("http://127.0.0.1:1/a"),
                    Some("http://127.0.0.1:1/b"),
                    Some("http://127.0.0.1:1/b"),
                    Some("http://127.0.0.1:1/b"),
                    Some("http://127.0.0.1:1/b"),
                    Some("http://127.0.0.1:1/b"),
                ],
                false,
            ),
        ] {
            assert_eq!(endpoints(urls).must_be_one("1").is_ok(), fine, "{urls:?}");
        }
    }

    #[test]
    fn sts_vouches_for_its_own_party_only() {
        let (vpce, other) = ("https://vpce-1.sns.eu-west-1.vpce.amazonaws.com", "http://u:p@127.0.0.1:1");
        let shown = |urls| endpoints(urls).of_other_parties();
        assert_eq!(shown([None; 6]), []);
        assert_eq!(shown([Some(other); 6]), []);
        assert_eq!(shown([None, None, Some(vpce), None, None, None]), []);
        assert_eq!(shown([None, None, Some(other), None, None, None]), [("SNS", "http://***@127.0.0.1:1".to_owned())]);
        assert_eq!(
            shown([Some(other), None, None, None, None, None]).len(),
            5,
            "a stranger vouches for nothing of AWS's"
        );
    }

    #[test]
    fn a_service_that_is_only_read_can_be_anywhere() {
        let mut elsewhere = endpoints([None; 6]);
        elsewhere.0.push((ONLY_READ[0].0, Some("http://127.0.0.1:1".to_owned())));
        assert!(elsewhere.must_be_one("1").is_ok());
        assert_eq!(elsewhere.of_other_parties(), []);
        assert!(elsewhere.describe().unwrap().contains("http://127.0.0.1:1 for Organizations"));
    }

    #[test]
    fn endpoints_that_differ_are_all_named() {
        let mixed = endpoints([Some("http://u:p@a"), None, None, Some("http://b"), None, None]);
        assert_eq!(
            mixed.describe().unwrap(),
            "http://***@a for STS; AWS for IAM, SNS, EventBridge, CloudWatch Logs; http://b for Lambda"
        );
        assert_eq!(endpoints([None; 6]).describe(), None);
        assert_eq!(endpoints([Some("http://a"); 6]).describe().unwrap(), "http://a");
    }
}
