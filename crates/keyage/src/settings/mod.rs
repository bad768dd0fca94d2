//! The settings of a check: the `[check]` table of the configuration file and, through [`crate::environment`], the
//! environment of the Lambda function.
//!
//! Owns the name, meaning, default and bounds of each setting, in one place. It must not know where the values came
//! from, nor which topic, installation or schedule the function runs under.

use serde::{Deserialize, Deserializer, Serialize};

use crate::exemption::Exemption;
use crate::glob::Glob;
use crate::key::User;

mod validate;
pub(crate) mod variable;
mod words;

pub use validate::Problem;
use validate::Problems;
pub(crate) use words::words;

/// The user tag that exempts a user's keys: `until=2027-03-31 reason` (see [`crate::exemption`]).
pub const EXEMPT_TAG: &str = "keyminder:exempt";

/// Defines the settings, one entry each: its documentation, name, type, default, and bounds. The struct, its defaults,
/// its environment variable (the name in capitals) and its validation follow from the entry.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr, $bounds:expr; )+
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $name {
            /// The names of all settings, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Each setting's name and value.
            pub(crate) fn values(&self) -> Vec<(&'static str, serde_json::Value)> {
                vec![$( (stringify!($field), serde_json::to_value(&self.$field).unwrap_or_default()) ),+]
            }

            /// Sets the setting of that name from the text of its environment variable.
            pub(crate) fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
                match name {
                    $( stringify!($field) => self.$field = variable::read(text)?, )+
                    other => return Err(format!("there is no setting {other}")),
                }
                Ok(())
            }

            /// Holds each setting against its bounds.
            fn check_each(&self, problems: &mut Problems) {
                $( ($bounds)(&self.$field, stringify!($field), self, problems); )+
            }
        }
    };
}

settings! {
    /// What to check, what to exempt and how to report.
    ///
    /// `Settings::default()` is the original procedure's behaviour, made safe: 90 days, one digest per run, and inactive
    /// keys are left alone.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct Settings {
        /// The limit in days. A key is old once it is older than this, to the second: at 90, from the second after it
        /// is exactly 90 days old.
        #[serde(deserialize_with = "days")]
        max_age_days: u32 = 90, validate::days(1, validate::MAX_DAYS);
        /// Days before the limit on which to warn, such as `[14, 7, 1]`. Empty: no warnings.
        #[serde(deserialize_with = "list_of_days")]
        warn_days: Vec<u32> = Vec::new(), validate::warnings;
        /// Days from one reminder of an old key to the next, counted from the day on which it turned old.
        #[serde(deserialize_with = "days")]
        repeat_days: u32 = 1, validate::days(1, 365);
        /// Report active keys that have not been used for more than this many days. `None`: off.
        #[serde(deserialize_with = "optional_days", skip_serializing_if = "Option::is_none")]
        unused_days: Option<u32> = None, validate::if_set(validate::days(1, validate::MAX_DAYS));
        /// A key that was never used does not count as unused until it is older than this many days.
        #[serde(deserialize_with = "days")]
        unused_grace_days: u32 = 30, validate::days(0, validate::MAX_DAYS);
        /// How to treat inactive keys.
        inactive: Inactive = Inactive::default(), validate::any;
        /// One notice for the account, for each user or for each key.
        notice: NoticeKind = NoticeKind::default(), validate::any;
        /// Whether a notice gives the steps to take in full or in short.
        notice_steps: NoticeSteps = NoticeSteps::default(), validate::any;
        /// The address of your own instructions, which notices then link to.
        #[serde(skip_serializing_if = "Option::is_none")]
        runbook_url: Option<String> = None, validate::if_set(validate::url);
        /// Whom recipients can ask, shown in notices: a team, an address, a channel.
        #[serde(skip_serializing_if = "Option::is_none")]
        contact: Option<String> = None, validate::if_set(validate::line(128));
        /// Text and JSON by protocol, or the custom notification of Amazon Q Developer in chat applications.
        format: Format = Format::default(), validate::any;
        /// Whether to send a notice when there is nothing to report.
        all_clear: AllClear = AllClear::default(), validate::any;
        /// Keys that are allowed to stay old for now: always with an end and a reason.
        exemptions: Vec<Exemption> = Vec::new(), validate::exemptions;
        /// Limits other than `max_age_days`. The first one that matches a user applies.
        limits: Vec<Limit> = Vec::new(), validate::limits;
        /// Also check service-specific credentials, SSH public keys and signing certificates. Takes three more calls
        /// for each user.
        other_credentials: bool = false, validate::any;
        /// The user tag that names the owner of a user's keys, shown in notices.
        owner_tag: String = "owner".to_owned(), validate::tag_key;
        /// Read users' tags: the owner, the exemption tag and limits by tag. Takes one more call for each user who has
        /// something to report, or for each user with keys if a limit goes by tag.
        read_user_tags: bool = true, validate::any;
    }
}

impl Settings {
    /// The limit in days for a user: that of the first matching entry of `limits`, else `max_age_days`. A limit by tag
    /// never matches a user whose tags were not read.
    #[must_use]
    pub fn limit_for(&self, user: &User) -> u32 {
        self.limits.iter().find(|limit| limit.matches(user)).map_or(self.max_age_days, |limit| limit.max_age_days)
    }

    /// The smallest limit of any user: no key that is younger can be old.
    #[must_use]
    pub fn smallest_limit(&self) -> u32 {
        self.limits.iter().map(|limit| limit.max_age_days).fold(self.max_age_days, u32::min)
    }

    /// Whether a limit goes by tag, so that tags must be read before a key can be judged.
    #[must_use]
    pub fn limits_go_by_tag(&self) -> bool {
        self.limits.iter().any(|limit| limit.tag.is_some())
    }

    /// The largest of `warn_days`; 0 if there are none.
    #[must_use]
    pub fn first_warning(&self) -> u32 {
        self.warn_days.iter().copied().max().unwrap_or(0)
    }
}

/// A limit for some users, chosen by exactly one of `user`, `path` and `tag`.
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
    /// How to treat inactive keys.
    pub enum Inactive {
        /// Leave them out of notices; a check lists them as `inactive`.
        #[default]
        Ignore = "ignore",
        /// List those over the limit in a section of their own; they do not count as old.
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
    /// Whether a notice gives the steps to take in full or in short.
    pub enum NoticeSteps {
        /// In full if a key in it has turned old since the last check, and in manual runs; otherwise in short. In short
        /// also if there is a `runbook_url`.
        #[default]
        Auto = "auto",
        /// Always in full, with every command.
        Full = "full",
        /// Always in short.
        Short = "short",
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
    /// Whether to send a notice when there is nothing to report.
    pub enum AllClear {
        /// Never.
        #[default]
        Off = "off",
        /// After each run.
        Always = "always",
        /// After the first run of each week, which begins on Monday at 00:00 UTC.
        Weekly = "weekly",
    }
}

/// A number of days; a negative or absurd one is refused in words.
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
