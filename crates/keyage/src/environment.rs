//! Settings on their way into a Lambda function and back.
//!
//! Owns the names of the environment variables and the place for what outgrows them. It must not read
//! the process's environment or files itself: it is handed them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::exemption::Exemption;
use crate::schedule::{DEFAULT_SCHEDULE, Schedule};
use crate::settings::{Limit, Settings};

/// The file beside `bootstrap` in the function's package that takes the lists when the environment is
/// too small for them.
pub const SETTINGS_FILE: &str = "settings.json";

/// The name of the installation unless another is given.
pub const DEFAULT_INSTALL: &str = "default";

/// Lambda allows 4 KB for all variables of a function together ("Lambda quotas"), and users may add
/// theirs: from this size on the lists go into the package.
const BUDGET: usize = 3 * 1024;

/// What the function must know of its own installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The topic that notices go to.
    pub topic_arn: String,
    /// The name of the install, for the commands that notices give.
    pub install: String,
    /// The schedule of its rule, from which the interval between runs follows.
    pub schedule: Schedule,
}

/// What setup gives the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// The text of `settings.json` to put into the package, where the lists need it.
    pub package: Option<String>,
}

/// A variable, or the file in the package, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct EnvironmentError {
    /// Which variable (or `settings.json`).
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Lists {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exemptions: Vec<Exemption>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Limit>,
}

impl Settings {
    /// Writes the settings as a function's environment. What is at its default is left out, but for
    /// the topic, the install, the schedule and the limit.
    #[must_use]
    pub fn to_environment(&self, deployment: &Deployment) -> Environment {
        let usual = Self::default();
        let mut variables = BTreeMap::from([
            ("TOPIC_ARN".to_owned(), deployment.topic_arn.clone()),
            ("INSTALL".to_owned(), deployment.install.clone()),
            ("SCHEDULE".to_owned(), deployment.schedule.to_string()),
            ("MAX_AGE_DAYS".to_owned(), self.max_age_days.to_string()),
        ]);
        let mut set = |name: &str, differs: bool, value: &dyn Display| {
            if differs {
                variables.insert(name.to_owned(), value.to_string());
            }
        };
        set("WARN_DAYS", self.warn_days != usual.warn_days, &comma_separated(&self.warn_days));
        set("REPEAT_DAYS", self.repeat_days != usual.repeat_days, &self.repeat_days);
        set("UNUSED_DAYS", self.unused_days.is_some(), &self.unused_days.unwrap_or_default());
        set("UNUSED_GRACE_DAYS", self.unused_grace_days != usual.unused_grace_days, &self.unused_grace_days);
        set("INACTIVE", self.inactive != usual.inactive, &self.inactive);
        set("NOTICE", self.notice != usual.notice, &self.notice);
        set("FORMAT", self.format != usual.format, &self.format);
        set("ALL_CLEAR", self.all_clear != usual.all_clear, &self.all_clear);
        set("OTHER_CREDENTIALS", self.other_credentials != usual.other_credentials, &self.other_credentials);
        set("OWNER_TAG", self.owner_tag != usual.owner_tag, &self.owner_tag);
        set("READ_USER_TAGS", self.read_user_tags != usual.read_user_tags, &self.read_user_tags);

        let exemptions = json(&self.exemptions);
        let limits = json(&self.limits);
        let size: usize = variables.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        if size + exemptions.len() + limits.len() + 40 > BUDGET {
            variables.insert("LISTS".to_owned(), SETTINGS_FILE.to_owned());
            let lists = Lists { exemptions: self.exemptions.clone(), limits: self.limits.clone() };
            return Environment { variables, package: Some(json(&lists)) };
        }
        if !self.exemptions.is_empty() {
            variables.insert("EXEMPTIONS".to_owned(), exemptions);
        }
        if !self.limits.is_empty() {
            variables.insert("LIMITS".to_owned(), limits);
        }
        Environment { variables, package: None }
    }

    /// Reads the settings back, from the variables and the text of `settings.json` in the package.
    ///
    /// # Errors
    /// The first variable that is missing, malformed or out of bounds.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
        package: Option<&str>,
    ) -> Result<(Self, Deployment), EnvironmentError> {
        let variable: &dyn Fn(&str) -> Option<String> = &variable;
        let usual = Self::default();
        let mut settings = Self {
            max_age_days: read(variable, "MAX_AGE_DAYS", "a whole number of days", usual.max_age_days)?,
            warn_days: match variable("WARN_DAYS") {
                Some(text) => numbers("WARN_DAYS", &text)?,
                None => usual.warn_days,
            },
            repeat_days: read(variable, "REPEAT_DAYS", "a whole number of days", usual.repeat_days)?,
            unused_days: match variable("UNUSED_DAYS") {
                Some(_) => Some(read(variable, "UNUSED_DAYS", "a whole number of days", 0)?),
                None => usual.unused_days,
            },
            unused_grace_days: read(variable, "UNUSED_GRACE_DAYS", "a whole number of days", usual.unused_grace_days)?,
            inactive: read(variable, "INACTIVE", "ignore, report or old", usual.inactive)?,
            notice: read(variable, "NOTICE", "digest, per-user or per-key", usual.notice)?,
            format: read(variable, "FORMAT", "text or chat", usual.format)?,
            all_clear: read(variable, "ALL_CLEAR", "off, always or weekly", usual.all_clear)?,
            other_credentials: read(variable, "OTHER_CREDENTIALS", "true or false", usual.other_credentials)?,
            owner_tag: variable("OWNER_TAG").unwrap_or(usual.owner_tag),
            read_user_tags: read(variable, "READ_USER_TAGS", "true or false", usual.read_user_tags)?,
            exemptions: list(variable, "EXEMPTIONS")?,
            limits: list(variable, "LIMITS")?,
        };
        if let Some(place) = variable("LISTS") {
            if place != SETTINGS_FILE {
                return Err(refuse("LISTS", format!("{place:?} is no place for lists: only {SETTINGS_FILE} is")));
            }
            let text = package.ok_or_else(|| {
                refuse("LISTS", format!("{SETTINGS_FILE} is not in the function's package: run keyminder setup again"))
            })?;
            let lists: Lists = serde_json::from_str(text).map_err(|error| refuse(SETTINGS_FILE, error.to_string()))?;
            settings.exemptions = lists.exemptions;
            settings.limits = lists.limits;
        }
        if let Err(problems) = settings.validate()
            && let Some(problem) = problems.into_iter().next()
        {
            let setting = problem.path.split(['[', '.']).next().unwrap_or_default();
            return Err(refuse(&setting.to_ascii_uppercase(), problem.message));
        }
        let schedule = variable("SCHEDULE").unwrap_or_else(|| DEFAULT_SCHEDULE.to_owned());
        let topic_arn = variable("TOPIC_ARN").ok_or_else(|| refuse("TOPIC_ARN", "it is not set".to_owned()))?;
        if !topic_arn.starts_with("arn:") || topic_arn.split(':').count() != 6 {
            return Err(refuse("TOPIC_ARN", format!("{topic_arn:?} is not the ARN of an SNS topic")));
        }
        Ok((
            settings,
            Deployment {
                topic_arn,
                install: variable("INSTALL").unwrap_or_else(|| DEFAULT_INSTALL.to_owned()),
                schedule: Schedule::parse(&schedule).map_err(|error| refuse("SCHEDULE", error.to_string()))?,
            },
        ))
    }
}

impl Deployment {
    /// The account that the topic is in.
    #[must_use]
    pub fn account(&self) -> &str {
        self.topic_arn.split(':').nth(4).unwrap_or_default()
    }

    /// The region that the topic is in.
    #[must_use]
    pub fn region(&self) -> &str {
        self.topic_arn.split(':').nth(3).unwrap_or_default()
    }
}

fn refuse(name: &str, message: String) -> EnvironmentError {
    EnvironmentError { name: name.to_owned(), message }
}

fn read<T: FromStr>(
    variable: &dyn Fn(&str) -> Option<String>,
    name: &str,
    wanted: &str,
    usual: T,
) -> Result<T, EnvironmentError> {
    match variable(name) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| refuse(name, format!("{text:?} is not {wanted}"))),
    }
}

fn numbers(name: &str, text: &str) -> Result<Vec<u32>, EnvironmentError> {
    text.split(',')
        .map(|part| {
            part.trim()
                .parse()
                .map_err(|_| refuse(name, format!("{text:?} is not a list of whole numbers such as 14,7,1")))
        })
        .collect()
}

fn list<T: for<'de> Deserialize<'de>>(
    variable: &dyn Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Vec<T>, EnvironmentError> {
    match variable(name) {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(&text).map_err(|error| refuse(name, error.to_string())),
    }
}

fn comma_separated(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// JSON of something that always has one: strings, numbers and lists of them.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
