//! Ids, names and digests as AWS makes and checks them. Knows nothing of any service's operations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Makes ids that look like AWS's and are never the same twice; the same ones in every run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids(u64);

impl Ids {
    fn next(&mut self, salt: &str) -> [u8; 32] {
        self.0 += 1;
        Sha256::digest(format!("{salt} {}", self.0)).into()
    }

    /// An IAM unique id: the prefix (`AROA`) and 17 characters.
    pub(crate) fn iam(&mut self, prefix: &str) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bytes = self.next(prefix);
        let tail = bytes.iter().take(17).map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        prefix.chars().chain(tail).collect()
    }

    /// An access key id: the prefix (`AKIA`, `ASIA`) and 16 characters.
    pub(crate) fn key(&mut self, prefix: &str) -> String {
        let mut id = self.iam(prefix);
        id.truncate(20);
        id
    }

    /// Lower-case hexadecimal digits, at most 64.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text: String = self.next("hex").iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(digits);
        text
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// Forty characters as in a secret key.
    pub(crate) fn secret(&mut self) -> String {
        let mut secret = STANDARD.encode(self.next("secret"));
        secret.truncate(40);
        secret
    }
}

/// The SHA-256 of some bytes, in base64.
pub(crate) fn sha256_base64(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// Whether `name` has 1 to `most` characters, each an ASCII letter or digit or one of `others`.
pub(crate) fn is_name(name: &str, most: usize, others: &str) -> bool {
    (1..=most).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// The part of an ARN after the fifth colon.
pub(crate) fn resource_of(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_default()
}

/// The region in an ARN.
pub(crate) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}
