//! Ids, names and digests as AWS makes and checks them. Knows nothing of any service's operations.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use crate::signature::keyed;

/// Makes ids and secrets that look like AWS's and are never the same twice. Ids are the same in every run; what opens
/// anything comes from a random seed and cannot be guessed.
#[derive(Clone)]
pub(crate) struct Ids {
    count: u64,
    seed: [u8; 32],
    /// What keeps the ids of one account apart from those of another.
    scope: String,
}

impl fmt::Debug for Ids {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ids").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Ids {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { count: 0, seed, scope: String::new() }
    }

    /// What makes the ids of another account.
    pub(crate) fn for_account(&mut self, account: &str) -> Self {
        Self { count: 0, seed: self.secret_bytes(account), scope: format!("{account} ") }
    }

    fn next(&mut self, salt: &str) -> [u8; 32] {
        self.count += 1;
        Sha256::digest(format!("{}{salt} {}", self.scope, self.count)).into()
    }

    /// Bytes that nobody can guess.
    fn secret_bytes(&mut self, salt: &str) -> [u8; 32] {
        self.count += 1;
        let message = format!("{salt} {}", self.count);
        keyed(&self.seed, message.as_bytes()).map_or_else(Default::default, |mac| mac.finalize().into_bytes().into())
    }

    /// An IAM unique id: the prefix (`AROA`) and 17 characters.
    pub(crate) fn iam(&mut self, prefix: &str) -> String {
        prefix.chars().chain(letters(&self.next(prefix)).take(17)).collect()
    }

    /// An access key id: the prefix (`AKIA`, `ASIA`) and 16 characters.
    pub(crate) fn key(&mut self, prefix: &str) -> String {
        let mut id = self.iam(prefix);
        id.truncate(20);
        id
    }

    /// Lower-case hexadecimal digits, at most 64.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = hex(&self.next("hex"));
        text.truncate(digits);
        text
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self) -> String {
        uuid(&self.hex(32))
    }

    /// A UUID that nobody can guess.
    pub(crate) fn secret_uuid(&mut self) -> String {
        uuid(&hex(&self.secret_bytes("uuid")))
    }

    /// An access key id that nobody can guess.
    pub(crate) fn secret_key_id(&mut self, prefix: &str) -> String {
        prefix.chars().chain(letters(&self.secret_bytes("key")).take(16)).collect()
    }

    /// Forty characters as in a secret key.
    pub(crate) fn secret(&mut self) -> String {
        let mut secret = STANDARD.encode(self.secret_bytes("secret"));
        secret.truncate(40);
        secret
    }

    /// The signature of a link to `path`.
    pub(crate) fn sign(&self, path: &str) -> String {
        keyed(&self.seed, format!("link {path}").as_bytes())
            .map_or_else(String::new, |mac| hex(&mac.finalize().into_bytes()))
    }

    /// Whether this is [`Self::sign`]'s signature of `path`.
    pub(crate) fn is_signature(&self, path: &str, signature: &str) -> bool {
        !signature.is_empty() && Sha256::digest(self.sign(path)) == Sha256::digest(signature)
    }

    /// Lower-case hexadecimal digits that nobody can guess, at most 128.
    pub(crate) fn token(&mut self, digits: usize) -> String {
        let mut text = hex(&self.secret_bytes("token")) + &hex(&self.secret_bytes("token"));
        text.truncate(digits);
        text
    }
}

fn letters(bytes: &[u8]) -> impl Iterator<Item = char> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
}

fn uuid(hex: &str) -> String {
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
