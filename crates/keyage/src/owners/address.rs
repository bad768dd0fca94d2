//! Email addresses of owners, as text that others chose.
//!
//! Owns which addresses keyminder writes to: plain ones in ASCII, without comments, quotes and names, because each of
//! these is a way to make an address look like another one. It must not know who owns what.

use std::fmt;

use email_address::EmailAddress;

/// The longest address that mail servers accept (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST: usize = 254;

/// An address.
#[derive(Debug, Clone)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Why it is none, as a clause.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_ascii() {
            return Err("it has characters that are not ASCII");
        }
        if text.len() > LONGEST {
            return Err("it is longer than 254 characters");
        }
        // What these could mean in an address, comments, lists and names among it, keyminder does not write to.
        if text.contains(['"', '[', ']', '(', ')', '<', '>', ',', ';', ':', '\\', ' ']) || !EmailAddress::is_valid(text)
        {
            return Err("it is not a plain email address");
        }
        let Some((local, domain)) = text.rsplit_once('@') else { return Err("it is not a plain email address") };
        match domain_problem(domain) {
            Some(reason) => Err(reason),
            None => Ok(Self { text: format!("{local}@{}", domain.to_ascii_lowercase()), at: local.len() }),
        }
    }

    /// The address, its domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part after the `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// What is the same for the same mailbox. Some servers tell `Anna@` from `anna@`, but nobody means two people.
    fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a domain that mail can be sent to.
#[must_use]
pub fn domain_problem(domain: &str) -> Option<&'static str> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match domain {
        _ if domain.contains('@') => Some("it has an @"),
        _ if domain.contains('*') => Some("wildcards are not allowed, so list each subdomain"),
        _ if !domain.is_ascii() => Some("it has characters that are not ASCII (use its form that begins with xn--)"),
        _ if !domain.contains('.') => Some("it has no dot"),
        _ if domain.len() > 253 || !domain.split('.').all(is_label) => {
            Some("its parts are not letters, digits and hyphens")
        }
        _ if domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) => {
            Some("it is a number")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_addresses() {
        for good in ["anna@example.com", "a.b+keys@mail.Example.COM", "o'brien@example.com", "a/b@example.com"] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "team-payments",
            "@example.com",
            "anna@",
            "anna@example",
            "anna@example..com",
            "anna@evil.com@example.com",
            "anna@evil.com,ben@example.com",
            "anna@example.com;ben@example.com",
            "\"anna@evil.com\"@example.com",
            "anna(evil.com)@example.com",
            "Anna <anna@example.com>",
            "<anna@example.com>",
            "mailto:anna@example.com",
            "anna@[192.0.2.1]",
            "anna@192.0.2.1",
            "änna@example.com",
            "anna@exämple.com",
            "anna@example.com\u{200B}",
            "anna @example.com",
            "anna@example.com\r\nBcc: eve@evil.com",
            "anna@-example.com",
            ".anna@example.com",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
        assert!(Address::parse(&format!("{}@{}.com", "a".repeat(60), "b".repeat(60))).is_ok());
        assert!(Address::parse(&format!("a@{}com", "b.".repeat(126))).is_err());
    }

    #[test]
    fn the_same_mailbox_is_the_same_address_in_any_case() {
        let (one, other) = (Address::parse("Anna@Example.com").unwrap(), Address::parse("anna@example.COM").unwrap());
        assert_eq!(one, other);
        // What is sent to has the case of the tag before the @, which some servers tell apart.
        assert_eq!((one.as_str(), one.domain()), ("Anna@example.com", "example.com"));
    }
}
