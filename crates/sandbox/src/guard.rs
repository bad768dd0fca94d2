//! Who may speak to a port on loopback at all: programs of this machine, but no page in a browser.
//!
//! A page that resolves its own name to 127.0.0.1 (DNS rebinding) sends its name as `Host`; one that sends requests
//! across sites is marked by the browser with `Origin` or `Sec-Fetch-Site`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, Uri, header};
use axum::middleware::Next;

use crate::protocol::render;

/// Why a request is refused before anything else is read of it.
pub(crate) fn refusal(uri: &Uri, headers: &HeaderMap, port: u16) -> Option<&'static str> {
    let ours = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
    let is_ours = |host: &str| ours.iter().any(|ours| ours.eq_ignore_ascii_case(host));
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_ours) || hosts.next().is_some() || !uri.authority().is_none_or(|it| is_ours(it.as_str())) {
        return Some("The sandbox answers only to its own address on loopback.");
    }
    if headers.contains_key(header::ORIGIN) {
        return Some("The sandbox does not answer requests from web pages.");
    }
    let site = headers.get("sec-fetch-site").map(axum::http::HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"none" | b"same-origin")) {
        return Some("The sandbox does not answer requests from other sites.");
    }
    None
}

/// The answer to a refused request.
pub(crate) fn refuse(reason: &'static str) -> Response<Body> {
    render::response(403, "text/plain", reason)
}

/// The guard before a whole router.
pub(crate) async fn before(State(port): State<u16>, request: Request, next: Next) -> Response<Body> {
    match refusal(request.uri(), request.headers(), port) {
        Some(reason) => refuse(reason),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn refused(uri: &str, headers: &[(&str, &str)]) -> bool {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).expect("a request").into_parts();
        refusal(&head.uri, &head.headers, 4580).is_some()
    }

    #[test]
    fn programs_on_this_machine_are_let_in() {
        for host in ["127.0.0.1:4580", "localhost:4580", "LOCALHOST:4580", "[::1]:4580"] {
            assert!(!refused("/", &[("Host", host)]), "{host}");
        }
        assert!(!refused("/", &[("Host", "127.0.0.1:4580"), ("Sec-Fetch-Site", "none")]), "a link that is opened");
        assert!(!refused("http://127.0.0.1:4580/", &[("Host", "127.0.0.1:4580")]));
    }

    #[test]
    fn another_name_port_or_origin_is_refused() {
        let host = ("Host", "127.0.0.1:4580");
        for headers in [
            &[][..],
            &[("Host", "evil.example:4580")],
            &[("Host", "127.0.0.1")],
            &[("Host", "127.0.0.1:4581")],
            &[("Host", "127.0.0.1.evil.example:4580")],
            &[host, ("Host", "evil.example")],
            &[host, ("Origin", "https://evil.example")],
            &[host, ("Origin", "null")],
            &[host, ("Sec-Fetch-Site", "cross-site")],
            &[host, ("Sec-Fetch-Site", "same-site")],
        ] {
            assert!(refused("/", headers), "{headers:?}");
        }
        assert!(refused("http://evil.example/", &[host]));
    }
}
