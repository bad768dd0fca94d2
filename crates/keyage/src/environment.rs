//! Settings on their way into a Lambda function and back.
//!
//! Owns which variables there are besides the settings', and where lists go that outgrow the environment. It is handed
//! the variables and the file, and must not read the process's environment or files itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::arn::Arn;
use crate::owners::Owners;
use crate::schedule::{DEFAULT_SCHEDULE, Schedule};
use crate::settings::{Settings, variable};

/// The file next to `bootstrap` in the function's package that holds the lists if the environment is too small for
/// them.
pub const SETTINGS_FILE: &str = "settings.json";

/// The variable that says where the lists are, if they are not in the environment: [`SETTINGS_FILE`].
pub const SETTINGS_PLACE: &str = "LISTS";

/// The name of the installation unless another is given.
pub const DEFAULT_INSTALL: &str = "default";

/// Lambda allows 4 KB for all variables of a function together ("Lambda quotas"), and users can add their own. From
/// this size on the lists go into the package.
const BUDGET: usize = 3 * 1024;

/// What the function has to know about its own installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The topic that notices are published to.
    pub topic_arn: String,
    /// The name of the installation, for the commands in notices.
    pub install: String,
    /// The schedule of its rule, from which the interval between runs follows.
    pub schedule: Schedule,
    /// Whether owners of keys are emailed, and how.
    pub owners: Owners,
}

/// What `setup` gives the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// The text of `settings.json` to put into the package, if the lists need it.
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

/// Written even with their default value, so that a person who looks at the function sees the main ones.
const ALWAYS_WRITTEN: [&str; 1] = ["max_age_days"];

impl Settings {
    /// Writes the settings as a function's environment, each to the variable that has its name in capitals. Settings
    /// that have their default are left out, except for the limit.
    #[must_use]
    pub fn to_environment(&self, deployment: &Deployment) -> Environment {
        let mut variables = BTreeMap::from([
            ("TOPIC_ARN".to_owned(), deployment.topic_arn.clone()),
            ("INSTALL".to_owned(), deployment.install.clone()),
            ("SCHEDULE".to_owned(), deployment.schedule.to_string()),
        ]);
        variables.extend(deployment.owners.to_environment().into_iter().map(|(name, text)| (name.to_owned(), text)));
        let (mut lists, mut lists_size) = (Map::new(), 0);
        let settings = deployment.owners.with_tag(self.clone());
        for ((name, value), (_, default)) in settings.values().into_iter().zip(Self::default().values()) {
            if value == default && !ALWAYS_WRITTEN.contains(&name) {
                continue;
            }
            let Some(text) = variable::write(&value) else { continue };
            if is_list_of_tables(&value) {
                lists_size += name.len() + text.len() + 8;
                lists.insert(name.to_owned(), value);
            } else {
                variables.insert(variable_of(name), text);
            }
        }
        let size: usize = variables.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        if size + lists_size > BUDGET {
            variables.insert(SETTINGS_PLACE.to_owned(), SETTINGS_FILE.to_owned());
            return Environment { variables, package: Some(Value::Object(lists).to_string()) };
        }
        variables.extend(lists.iter().filter_map(|(name, list)| Some((variable_of(name), variable::write(list)?))));
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
        let mut settings = Self::default();
        for name in Self::NAMES {
            let variable_name = variable_of(name);
            if let Some(text) = variable(&variable_name) {
                settings.set(name, &text).map_err(|message| refuse(&variable_name, message))?;
            }
        }
        if let Some(place) = variable(SETTINGS_PLACE) {
            if place != SETTINGS_FILE {
                return Err(refuse(
                    SETTINGS_PLACE,
                    format!("{place:?} is not supported: the only value is {SETTINGS_FILE}"),
                ));
            }
            let text = package.ok_or_else(|| {
                refuse(
                    SETTINGS_PLACE,
                    format!("{SETTINGS_FILE} is not in the function's package: run keyminder setup again"),
                )
            })?;
            settings.read_lists(text).map_err(|message| refuse(SETTINGS_FILE, message))?;
        }
        if let Err(problems) = settings.validate()
            && let Some(problem) = problems.into_iter().next()
        {
            let setting = problem.path.split(['[', '.']).next().unwrap_or_default();
            return Err(refuse(&variable_of(setting), problem.message));
        }
        let owners = Owners::from_environment(&variable, &settings).map_err(|(name, message)| refuse(name, message))?;
        let schedule = variable("SCHEDULE").unwrap_or_else(|| DEFAULT_SCHEDULE.to_owned());
        let topic_arn = variable("TOPIC_ARN").ok_or_else(|| refuse("TOPIC_ARN", "it is not set".to_owned()))?;
        if !is_topic_arn(&topic_arn) {
            return Err(refuse("TOPIC_ARN", format!("{topic_arn:?} is not the ARN of an SNS topic")));
        }
        Ok((
            settings,
            Deployment {
                topic_arn,
                install: variable("INSTALL").unwrap_or_else(|| DEFAULT_INSTALL.to_owned()),
                schedule: Schedule::parse(&schedule).map_err(|error| refuse("SCHEDULE", error.to_string()))?,
                owners,
            },
        ))
    }

    /// Reads the lists from the text of `settings.json`.
    fn read_lists(&mut self, text: &str) -> Result<(), String> {
        let lists: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (name, list) in &lists {
            self.set(name, &list.to_string()).map_err(|message| format!("{name}: {message}"))?;
        }
        Ok(())
    }
}

/// The environment variable of a setting.
fn variable_of(setting: &str) -> String {
    setting.to_ascii_uppercase()
}

/// A list without a bound on its size: it goes into the package if the environment is too small for it.
fn is_list_of_tables(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_object))
}

impl Deployment {
    /// What is known of the installation even if its settings cannot be used: `None` without a usable topic.
    #[must_use]
    pub fn known(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let topic_arn = variable("TOPIC_ARN").filter(|arn| is_topic_arn(arn))?;
        let schedule = variable("SCHEDULE").and_then(|text| Schedule::parse(&text).ok());
        Some(Self {
            topic_arn,
            install: variable("INSTALL").unwrap_or_else(|| DEFAULT_INSTALL.to_owned()),
            schedule: schedule.or_else(|| Schedule::parse(DEFAULT_SCHEDULE).ok())?,
            owners: Owners::default(),
        })
    }

    /// The account that the topic is in.
    #[must_use]
    pub fn account(&self) -> &str {
        Arn::parse(&self.topic_arn).map_or("", |arn| arn.account)
    }

    /// The region that the topic is in.
    #[must_use]
    pub fn region(&self) -> &str {
        Arn::parse(&self.topic_arn).map_or("", |arn| arn.region)
    }
}

fn is_topic_arn(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == "sns" && !arn.resource.contains(':'))
}

fn refuse(name: &str, message: String) -> EnvironmentError {
    EnvironmentError { name: name.to_owned(), message }
}
