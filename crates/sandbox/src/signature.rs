//! Signature Version 4: reads an `Authorization` header and checks the signature against a secret key. Knows no caller.
//!
//! Behaviour: IAM user guide, "Create a signed AWS API request".

use std::collections::BTreeMap;

use axum::http::request::Parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::names::hex;

/// How far a request's time may be from this machine's, in seconds.
const LARGEST_SKEW: i64 = 15 * 60;

/// All that is escaped in a query string.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path is escaped as it is on the wire: a second time (every service but S3).
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// An `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key: String,
    date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

/// Why a signature is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Something is missing that has to be signed.
    Incomplete(&'static str),
    /// Signed too long ago, or in the future.
    Skewed(String),
    /// Not signed with this secret, or not this request.
    Mismatch,
}

impl Authorization {
    /// Reads `AWS4-HMAC-SHA256 Credential=AKID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX`.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let fields: BTreeMap<&str, &str> = header
            .strip_prefix("AWS4-HMAC-SHA256")?
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .collect();
        let mut scope = fields.get("Credential")?.split('/');
        let mut part = || scope.next().filter(|part| !part.is_empty()).map(str::to_owned);
        let (access_key, date, region, service) = (part()?, part()?, part()?, part()?);
        if part()? != "aws4_request" || scope.next().is_some() {
            return None;
        }
        Some(Self {
            access_key,
            date,
            region,
            service,
            signed_headers: fields.get("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: unhex(fields.get("Signature")?)?,
        })
    }

    /// Whether the request was signed with this secret at about `now`.
    pub(crate) fn verify(&self, head: &Parts, body: &[u8], secret: &str, now: Timestamp) -> Result<(), Rejection> {
        if !self.signed_headers.iter().any(|name| name == "host") {
            return Err(Rejection::Incomplete("'Host' must be a signed header."));
        }
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let Some(time) = header("x-amz-date").filter(|time| time.starts_with(&self.date)) else {
            return Err(Rejection::Incomplete("'X-Amz-Date' must have the date of the credential scope."));
        };
        let signed_at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time)
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| Rejection::Incomplete("'X-Amz-Date' must be of the form 20260131T235959Z."))?
            .timestamp();
        if signed_at.duration_since(now).as_secs().abs() > LARGEST_SKEW {
            let now = now.strftime("%Y%m%dT%H%M%SZ");
            return Err(Rejection::Skewed(format!(
                "Signature expired: {time} is more than 15 minutes from the server's time, {now}."
            )));
        }
        let payload = hex(&Sha256::digest(body));
        if header("x-amz-content-sha256").is_some_and(|claimed| claimed != payload) {
            return Err(Rejection::Mismatch);
        }
        let request = Sha256::digest(self.canonical(head, &payload));
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&request));
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&*self.date, &*self.region, &*self.service, "aws4_request"] {
            key = keyed(&key, part.as_bytes()).ok_or(Rejection::Mismatch)?.finalize().into_bytes().to_vec();
        }
        // Takes as long for a near miss as for any other.
        let mac = keyed(&key, to_sign.as_bytes()).ok_or(Rejection::Mismatch)?;
        mac.verify_slice(&self.signature).map_err(|_| Rejection::Mismatch)
    }

    fn canonical(&self, head: &Parts, payload: &str) -> String {
        let mut headers = String::new();
        for name in &self.signed_headers {
            let values: Vec<String> = head
                .headers
                .get_all(name)
                .iter()
                .map(|value| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
                })
                .collect();
            headers += &format!("{name}:{}\n", values.join(","));
        }
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{payload}",
            head.method,
            path(head.uri.path()),
            query(head.uri.query().unwrap_or_default()),
            self.signed_headers.join(";"),
        )
    }
}

/// The HMAC of a message.
pub(crate) fn keyed(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

fn path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", utf8_percent_encode(&parts.join("/"), PATH))
}

fn query(query: &str) -> String {
    let encode = |text: &str| {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&bytes, QUERY).to_string()
    };
    let mut fields: Vec<(String, String)> = query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| field.split_once('=').unwrap_or((field, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    fields.sort();
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The example of AWS's test suite for Signature Version 4 (`get-vanilla-query-order-key-case`).
    fn example() -> (Authorization, Parts) {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        let request = Request::get("/?Param2=value2&Param1=value1")
            .header("Host", "example.amazonaws.com")
            .header("X-Amz-Date", "20150830T123600Z")
            .body(())
            .expect("a request");
        (Authorization::parse(header).expect("a header"), request.into_parts().0)
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    #[test]
    fn the_signature_of_awss_own_example_is_accepted() {
        let (authorization, head) = example();
        assert_eq!((&*authorization.region, &*authorization.service), ("us-east-1", "service"));
        assert_eq!(authorization.verify(&head, b"", SECRET, at("2015-08-30T12:40:00Z")), Ok(()));
    }

    #[test]
    fn another_secret_body_path_query_or_time_is_refused() {
        let (authorization, head) = example();
        let now = at("2015-08-30T12:36:00Z");
        assert_eq!(authorization.verify(&head, b"", "another", now), Err(Rejection::Mismatch));
        assert_eq!(authorization.verify(&head, b"x", SECRET, now), Err(Rejection::Mismatch));
        for uri in ["/x?Param2=value2&Param1=value1", "/?Param2=value2&Param1=value2"] {
            let mut other = head.clone();
            other.uri = uri.parse().expect("a URI");
            assert_eq!(authorization.verify(&other, b"", SECRET, now), Err(Rejection::Mismatch), "{uri}");
        }
        for now in ["2015-08-30T12:52:00Z", "2015-08-30T12:20:00Z"] {
            assert!(matches!(authorization.verify(&head, b"", SECRET, at(now)), Err(Rejection::Skewed(_))), "{now}");
        }
    }

    #[test]
    fn a_path_is_escaped_a_second_time_and_made_plain() {
        assert_eq!(path("/functions/arn%3Aaws/policy"), "/functions/arn%253Aaws/policy");
        assert_eq!(path("//a/./b/../c/"), "/a/c/");
        assert_eq!(path("/"), "/");
    }

    #[test]
    fn anything_else_is_no_authorization() {
        for header in [
            "Bearer x",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/s, SignedHeaders=host, Signature=00",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/s/aws4_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/s/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/s/aws4_request, SignedHeaders=host, Signature=zz",
        ] {
            assert_eq!(Authorization::parse(header), None, "{header}");
        }
    }
}
