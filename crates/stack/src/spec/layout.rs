//! The layout of `keyminder.toml`: one struct, from which a file is read and into which it is written.
//!
//! Each table is a field here, and the table's own file has its settings. Reading, merging, `init`'s template, saved
//! answers and the record of the settings follow from this struct, so a new setting is one field in its table.

use std::collections::BTreeMap;

use keyminder_keyage::{DEFAULT_INSTALL, DEFAULT_SCHEDULE, Owners, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Allow, Function, Iam, Notify, Rule, Topic};
use crate::names::ChosenNames;

/// Everything that a configuration file can say. A setting that is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// The installation's name; several can exist side by side in one account.
    pub name: String,
    /// The AWS region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The profile of the AWS configuration files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where requests go in place of AWS's endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The only account to work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When keys are checked: `rate(…)` or `cron(…)`.
    pub schedule: String,
    /// Who is notified.
    pub notify: Notify,
    /// What the checker looks for and what it reports.
    pub check: Settings,
    /// Whether the owners of keys are emailed, and how.
    pub owners: Owners,
    /// How the function runs.
    pub function: Function,
    /// What happens to undelivered events.
    pub rule: Rule,
    /// How the topic looks and is encrypted.
    pub topic: Topic,
    /// Where role and policy are, and what limits the role.
    pub iam: Iam,
    /// Names in place of the defaults.
    pub names: ChosenNames,
    /// Tags on everything that can be tagged, in addition to keyminder's own.
    pub tags: BTreeMap<String, String>,
    /// What others are allowed to attach to the installation's resources.
    pub allow: Allow,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            name: DEFAULT_INSTALL.to_owned(),
            region: None,
            profile: None,
            endpoint_url: None,
            account: None,
            schedule: DEFAULT_SCHEDULE.to_owned(),
            notify: Notify::default(),
            check: Settings::default(),
            owners: Owners::default(),
            function: Function::default(),
            rule: Rule::default(),
            topic: Topic::default(),
            iam: Iam::default(),
            names: ChosenNames::default(),
            tags: BTreeMap::new(),
            allow: Allow::default(),
        }
    }
}

impl Layout {
    /// The settings that differ from the defaults, table by table. Defaults are not part of it, so a version with more
    /// settings gives the same.
    #[must_use]
    pub fn changed(&self) -> Map<String, Value> {
        changed(values(self), &values(&Self::default()))
    }
}

fn values(layout: &Layout) -> Map<String, Value> {
    match serde_json::to_value(layout) {
        Ok(Value::Object(values)) => values,
        // A layout has text, numbers, lists and tables, all of which JSON can hold.
        _ => Map::new(),
    }
}

fn changed(values: Map<String, Value>, usual: &Map<String, Value>) -> Map<String, Value> {
    let differs = |(key, value): (String, Value)| match (value, usual.get(&key)) {
        (Value::Object(inner), Some(Value::Object(usual))) => {
            Some(changed(inner, usual)).filter(|inner| !inner.is_empty()).map(|inner| (key, Value::Object(inner)))
        }
        (value, Some(usual)) if value == *usual => None,
        (value, _) => Some((key, value)),
    };
    values.into_iter().filter_map(differs).collect()
}
