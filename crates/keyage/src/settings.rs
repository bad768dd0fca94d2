//! What a check is told to do: the `[check]` table of the configuration file and, through
//! [`crate::environment`], the environment of the Lambda function.
//!
//! Owns the names, the defaults and the sense of each setting. It must not know where the values came
//! from, nor which topic, install or schedule the function runs under.

use serde::{Deserialize, Deserializer, Serialize};

use crate::exemption::Exemption;
use crate::glob::Glob;
use crate::key::User;

mod validate;
mod words;

pub use validate::Problem;
pub(crate) use words::words;

/// The user tag that excuses a user's keys: `until=2027-03-31 reason` (see [`crate::exemption`]).
pub const EXEMPT_TAG: &str = "keyminder:exempt";

/// What to look for, what to excuse and how to tell.
///
/// `Settings::default()` is the original procedure's behaviour, made safe: 90 days, one digest each
/// run, inactive keys left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The limit in days, 1 to 3650. A key is old once it is older than this, to the second: at 90, from the
    /// second after it is exactly 90 days old.
    #[serde(deserialize_with = "days")]
    pub max_age_days: u32,
    /// Days before the limit on which to warn, such as `[14, 7, 1]`. Empty: no warnings.
    #[serde(deserialize_with = "list_of_days")]
    pub warn_days: Vec<u32>,
    /// Days from one reminder of an old key to the next, counted from the day it turned old. 1 to 365.
    #[serde(deserialize_with = "days")]
    pub repeat_days: u32,
    /// Report active keys not used for more than this many days. `None`: do not look.
    #[serde(deserialize_with = "optional_days", skip_serializing_if = "Option::is_none")]
    pub unused_days: Option<u32>,
    /// A key that was never used is not called unused before it is older than this many days.
    #[serde(deserialize_with = "days")]
    pub unused_grace_days: u32,
    /// What to make of keys that are switched off.
    pub inactive: Inactive,
    /// One notice for everything, for each user or for each key.
    pub notice: NoticeKind,
    /// Text and JSON by protocol, or the custom notification of Amazon Q Developer in chat applications.
    pub format: Format,
    /// Whether to write when there is nothing to report.
    pub all_clear: AllClear,
    /// Keys that may stay old for now: always with an end and a reason.
    pub exemptions: Vec<Exemption>,
    /// Limits other than `max_age_days`. The first that matches a user counts, in the order given.
    pub limits: Vec<Limit>,
    /// Look at service-specific credentials, SSH public keys and signing certificates too. Three more
    /// calls for each user.
    pub other_credentials: bool,
    /// The user tag that names who is responsible, shown in notices.
    pub owner_tag: String,
    /// Read users' tags: the owner, the exemption tag and limits by tag. One more call for each user
    /// who has something to report, or for each user with keys where a limit goes by tag.
    pub read_user_tags: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_age_days: 90,
            warn_days: Vec::new(),
            repeat_days: 1,
            unused_days: None,
            unused_grace_days: 30,
            inactive: Inactive::default(),
            notice: NoticeKind::default(),
            format: Format::default(),
            all_clear: AllClear::default(),
            exemptions: Vec::new(),
            limits: Vec::new(),
            other_credentials: false,
            owner_tag: "owner".to_owned(),
            read_user_tags: true,
        }
    }
}

impl Settings {
    /// The limit in days that holds for a user: that of the first matching entry of `limits`, else
    /// `max_age_days`. A limit by tag never matches a user whose tags were not read.
    #[must_use]
    pub fn limit_for(&self, user: &User) -> u32 {
        self.limits.iter().find(|limit| limit.matches(user)).map_or(self.max_age_days, |limit| limit.max_age_days)
    }

    /// The smallest limit any user could have: below it no key can be old, whoever has it.
    #[must_use]
    pub fn smallest_limit(&self) -> u32 {
        self.limits.iter().map(|limit| limit.max_age_days).fold(self.max_age_days, u32::min)
    }

    /// Whether a limit goes by tag, so that tags must be read before a key can be judged.
    #[must_use]
    pub fn limits_go_by_tag(&self) -> bool {
        self.limits.iter().any(|limit| limit.tag.is_some())
    }

    /// The largest of `warn_days`, 0 where there are none.
    #[must_use]
    pub fn first_warning(&self) -> u32 {
        self.warn_days.iter().copied().max().unwrap_or(0)
    }
}

/// A limit for some users: exactly one of `user`, `path` and `tag` says whose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// A user name, with `*` and `?` as wildcards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The start of an IAM path, such as `/service/`, with `*` and `?` as wildcards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `key=value` of a user tag; the value may have `*` and `?` as wildcards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The limit in whole days, 1 to 3650.
    #[serde(deserialize_with = "days")]
    pub max_age_days: u32,
}

impl Limit {
    /// Whether this limit is for that user.
    #[must_use]
    pub fn matches(&self, user: &User) -> bool {
        if let Some(name) = &self.user {
            return Glob::new(name).matches(&user.name);
        }
        if let Some(path) = &self.path {
            return Glob::new(path).matches_start(&user.path);
        }
        let Some((key, value)) = self.tag.as_deref().and_then(|tag| tag.split_once('=')) else {
            return false;
        };
        user.tag(key).is_some_and(|found| Glob::new(value).matches(found))
    }
}

words! {
    /// What to make of keys that are switched off.
    pub enum Inactive {
        /// Leave them out of notices; a check lists them as `inactive`.
        #[default]
        Ignore = "ignore",
        /// Mention those over the limit in a section of their own; they do not count as old.
        Report = "report",
        /// Treat them like active keys.
        Old = "old",
    }
}

words! {
    /// How many notices a run sends.
    pub enum NoticeKind {
        /// One for the account.
        #[default]
        Digest = "digest",
        /// One for each user with a key to report.
        PerUser = "per-user",
        /// One for each key, in the original procedure's words.
        PerKey = "per-key",
    }
}

words! {
    /// The form of a notice.
    pub enum Format {
        /// Text for people and JSON for machines, by subscription protocol.
        #[default]
        Text = "text",
        /// The custom notification that Amazon Q Developer in chat applications shows in Slack and
        /// Microsoft Teams, to every subscriber of the topic.
        Chat = "chat",
    }
}

words! {
    /// Whether to write when there is nothing to report.
    pub enum AllClear {
        /// Say nothing.
        #[default]
        Off = "off",
        /// On each run.
        Always = "always",
        /// On the first run of each week, which begins on Monday at 00:00 UTC.
        Weekly = "weekly",
    }
}

/// A number of days, told from a negative or absurd one in words.
fn number_of_days<E: serde::de::Error>(number: i64) -> Result<u32, E> {
    u32::try_from(number)
        .map_err(|_| E::custom(format_args!("{number} is not a number of days: give a whole number from 0 up")))
}

fn days<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    number_of_days(i64::deserialize(from)?)
}

fn optional_days<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Option::<i64>::deserialize(from)?.map(number_of_days).transpose()
}

fn list_of_days<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
    Vec::<i64>::deserialize(from)?.into_iter().map(number_of_days).collect()
}
