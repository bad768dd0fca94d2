//! Which requests go through a proxy: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as the AWS CLI reads them.
//!
//! The CLI reads them as Python's `urllib` does: in lower case first, and a variable in lower case that is empty
//! switches the one in upper case off. `ALL_PROXY` means nothing to it.

use std::net::IpAddr;

use aws_smithy_http_client::proxy::ProxyConfig;
use http::Uri;

use super::endpoints::{check_endpoint, masked};
use super::files::variable;
use crate::error::Error;

/// Where containers and instances get their credentials: the request must reach this machine's own host.
const MACHINE: [&str; 5] = ["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// A proxy and the variable that names it.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub(super) config: ProxyConfig,
    /// The proxy and its variable, without user name and password.
    pub(super) shown: String,
}

/// The proxies for the two schemes, and the hosts that are reached without.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    pub(super) https: Option<Proxy>,
    pub(super) http: Option<Proxy>,
    exceptions: Vec<String>,
    machine: Vec<String>,
}

impl Proxies {
    /// What the variables say.
    ///
    /// # Errors
    /// `BadProxy` for a value that is no HTTP proxy.
    pub(super) fn from_variables() -> Result<Self, Error> {
        // A web server hands a request header to its scripts in this variable.
        let is_script = std::env::var_os("REQUEST_METHOD").is_some();
        let https = named(["https_proxy", "HTTPS_PROXY"]).map(|named| proxy(named, ProxyConfig::https));
        let http =
            named(["http_proxy", "HTTP_PROXY"]).filter(|_| !is_script).map(|named| proxy(named, ProxyConfig::http));
        let no_proxy = named(["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
        let of_machine = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        let hosts = of_machine.into_iter().filter_map(variable).filter_map(|url| url.parse::<Uri>().ok());
        let hosts = hosts.filter_map(|uri| uri.host().map(|host| host.trim_matches(['[', ']']).to_owned()));
        Ok(Self {
            https: https.transpose()?,
            http: http.transpose()?,
            exceptions: no_proxy.split(',').map(|name| name.trim().to_ascii_lowercase()).collect(),
            machine: MACHINE.into_iter().map(str::to_owned).chain(hosts).collect(),
        })
    }

    /// The proxy for a request.
    pub(super) fn of(&self, uri: &Uri) -> Option<&Proxy> {
        let proxy = match uri.scheme_str() {
            Some("https") => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let with_port = uri.port_u16().map(|port| format!("{host}:{port}"));
        let is_direct = self.machine.contains(&host)
            || self.exceptions.iter().any(|exception| is_exception(exception, &host, with_port.as_deref()));
        (!is_direct).then_some(proxy)
    }
}

/// The first of the variables that is set at all.
fn named(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    let (name, value) = names.into_iter().find_map(|name| std::env::var(name).ok().map(|value| (name, value)))?;
    let value = value.trim().to_owned();
    (!value.is_empty()).then_some((name, value))
}

fn proxy<E>(
    (name, value): (&'static str, String),
    config: impl Fn(String) -> Result<ProxyConfig, E>,
) -> Result<Proxy, Error> {
    let url = match value.strip_prefix("//") {
        Some(rest) => format!("http://{rest}"),
        None if value.contains("://") => value,
        None => format!("http://{value}"),
    };
    let shown = format!("{} ({name})", masked(&url));
    let is_http = check_endpoint(&url, "").is_ok();
    let is_whole = url.parse::<Uri>().is_ok_and(|uri| matches!(uri.path(), "" | "/"));
    match config(url).ok().filter(|_| is_http && is_whole) {
        Some(config) => Ok(Proxy { config, shown }),
        None => Err(Error::usage("BadProxy", format!("{name} does not name an HTTP proxy: {}", masked(&shown)))
            .hint("a proxy looks like http://proxy.example.com:3128 or http://USER:PASSWORD@proxy.example.com:3128")
            .hint("in a user name or password, write @ as %40, : as %3A, / as %2F and # as %23")),
    }
}

/// A name or its suffix with or without a leading dot, an address, a network such as `10.0.0.0/8`, or `*`.
fn is_exception(exception: &str, host: &str, with_port: Option<&str>) -> bool {
    if exception == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>()
        && let Some((network, bits)) = exception.split_once('/')
    {
        return is_in_network(address, network, bits);
    }
    let name = exception.trim_start_matches('.').trim_matches(['[', ']']);
    let matches = |host: &str| host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && (matches(host) || with_port.is_some_and(matches))
}

fn is_in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let ((address, width), (network, other)) = (number(address), number(network));
    if width != other || bits > width {
        return false;
    }
    bits == 0 || address >> (width - bits) == network >> (width - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(no_proxy: &str, url: &str) -> bool {
        let (_, name) = ((), "https_proxy");
        let https = proxy((name, "proxy:3128".to_owned()), ProxyConfig::https).ok();
        let http = proxy((name, "proxy:3128".to_owned()), ProxyConfig::http).ok();
        let exceptions = no_proxy.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        let machine = MACHINE.into_iter().map(str::to_owned).collect();
        Proxies { https, http, exceptions, machine }.of(&url.parse().unwrap()).is_none()
    }

    #[test]
    fn exceptions_are_names_suffixes_addresses_and_networks() {
        for (no_proxy, url) in [
            ("sts.amazonaws.com", "https://sts.amazonaws.com/"),
            ("other, .amazonaws.com", "https://sts.eu-west-1.amazonaws.com/"),
            ("AMAZONAWS.com", "https://sts.eu-west-1.amazonaws.com/"),
            ("127.0.0.1", "http://127.0.0.1:4566/"),
            ("127.0.0.1:4566", "http://127.0.0.1:4566/"),
            ("10.0.0.0/8", "https://10.1.2.3/"),
            ("[::1]", "http://[::1]:80/"),
            ("fd00::/8", "http://[fd12::1]/"),
            ("*", "https://sts.amazonaws.com/"),
            ("", "http://169.254.169.254/latest"),
            ("", "http://[fd00:ec2::254]/latest"),
        ] {
            assert!(direct(no_proxy, url), "{no_proxy} {url}");
        }
        for (no_proxy, url) in [
            ("", "https://sts.amazonaws.com/"),
            ("amazonaws.com", "https://notamazonaws.com/"),
            ("127.0.0.1", "http://127.0.0.10/"),
            ("127.0.0.1:80", "http://127.0.0.1:4566/"),
            ("10.0.0.0/8", "https://11.1.2.3/"),
            ("10.0.0.0/99", "https://10.1.2.3/"),
            (",", "https://sts.amazonaws.com/"),
        ] {
            assert!(!direct(no_proxy, url), "{no_proxy} {url}");
        }
    }

    #[test]
    fn a_proxy_is_shown_without_user_and_password_and_refused_without_them() {
        let known = proxy(("HTTPS_PROXY", "http://u:pa55@p:1".to_owned()), ProxyConfig::https).unwrap();
        assert_eq!(known.shown, "http://***@p:1 (HTTPS_PROXY)");
        for bad in ["socks5://u:pa55@p:1", "http://u:pa55@", "http://u:pa 55@p:1", "http://u:pa/55@p:1"] {
            let error = proxy(("HTTPS_PROXY", bad.to_owned()), ProxyConfig::https).unwrap_err();
            assert!(!error.to_string().contains("55"), "{error}");
        }
    }
}
