//! What is read from IAM: an account, a user, a key.
//!
//! Owns the plain facts. It must not judge them, nor know how they were read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// The AWS account that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its twelve digits.
    pub id: String,
    /// Its alias, where it has one and it could be read.
    pub alias: Option<String>,
}

/// An IAM user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The user name.
    pub name: String,
    /// The IAM path, `/` by default.
    pub path: String,
    /// The tags as key and value; `None` where they were not read.
    pub tags: Option<Vec<(String, String)>>,
    /// When the user last signed in to the console with a password; `None` if never, or if that is not known.
    pub password_last_used: Option<Timestamp>,
}

impl User {
    /// The value of a tag, where the tags were read and have it. IAM's tag keys do not differ by case alone.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().flatten().find(|(found, _)| found.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }
}

/// An access key, or another long-lived credential of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The id: that of an access key, a service-specific credential, an SSH public key or a certificate.
    pub id: String,
    /// Which sort of credential it is.
    pub kind: CredentialKind,
    /// Whether it is switched on.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: LastUsed,
}

impl Key {
    /// The age in whole days, for display. 0 if the key is from the future (a clock is wrong).
    #[must_use]
    pub fn age_days(&self, now: Timestamp) -> u32 {
        whole_days(self.created, now)
    }

    /// Whether the key is older than this many days, to the second.
    #[must_use]
    pub fn is_older_than(&self, days: u32, now: Timestamp) -> bool {
        seconds_beyond(self.created, days, now) > 0
    }
}

/// How many seconds `now` is past the moment this many days after `from`; 0 up to and including that moment.
#[must_use]
pub fn seconds_beyond(from: Timestamp, days: u32, now: Timestamp) -> u64 {
    let seconds = now.as_second().saturating_sub(days_after(from, days).as_second());
    u64::try_from(seconds).unwrap_or(0)
}

/// Whole days from one moment to a later one; 0 if it is not later.
#[must_use]
pub fn whole_days(from: Timestamp, to: Timestamp) -> u32 {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    u32::try_from(seconds / SECONDS_A_DAY).unwrap_or(u32::MAX)
}

/// The moment this many days after another, in whole seconds; the end of time if that is beyond it.
#[must_use]
pub fn days_after(from: Timestamp, days: u32) -> Timestamp {
    let seconds = from.as_second().saturating_add(i64::from(days).saturating_mul(SECONDS_A_DAY));
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// The first whole second after a moment.
#[must_use]
pub fn next_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second().saturating_add(1)).unwrap_or(Timestamp::MAX)
}

const SECONDS_A_DAY: i64 = 86_400;

/// A sort of long-lived credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// An access key.
    #[default]
    AccessKey,
    /// A service-specific credential (CodeCommit, Keyspaces, Bedrock).
    ServiceSpecificCredential,
    /// An SSH public key for CodeCommit.
    SshPublicKey,
    /// An X.509 signing certificate.
    SigningCertificate,
}

impl CredentialKind {
    /// The sort in words, for one.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::AccessKey => "access key",
            Self::ServiceSpecificCredential => "service-specific credential",
            Self::SshPublicKey => "SSH public key",
            Self::SigningCertificate => "signing certificate",
        }
    }
}

/// Whether a key is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It is switched off (or expired), and could be switched on again.
    Inactive,
}

impl KeyStatus {
    /// AWS's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

/// When a key was last used, and how much of that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LastUsed {
    /// Nobody asked: the key has nothing to report, or IAM keeps no such record of its sort.
    #[default]
    NotRead,
    /// It was asked and could not be read: not the same as never.
    Unknown,
    /// Never, as far as IAM's records go (they begin in April 2015).
    Never,
    /// Then.
    At {
        /// The moment, which IAM keeps to within 15 minutes or so.
        at: Timestamp,
        /// The service, such as `s3`.
        service: Option<String>,
        /// The region, such as `eu-west-1`.
        region: Option<String>,
    },
}

impl Serialize for LastUsed {
    /// A moment, `"never"`, `"unknown"`, or null where it was not read.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotRead => to.serialize_none(),
            Self::Unknown => to.serialize_str("unknown"),
            Self::Never => to.serialize_str("never"),
            Self::At { at, .. } => at.serialize(to),
        }
    }
}
