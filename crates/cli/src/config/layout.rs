//! The layout of `keyminder.toml`: one struct, read from the file and written into it.
//!
//! Its tables are the settings of `keyminder-stack` and `keyminder-keyage`, so a new setting in one of them needs nothing
//! here. Everything in it is optional, as a setting that is left out has its default.

use std::collections::BTreeMap;

use keyminder_keyage::Settings;
use keyminder_stack::{
    Allow, ChosenNames, DEFAULT_INSTALL, DEFAULT_SCHEDULE, Function, Iam, Notify, Package, Rule, Spec, Topic,
};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::document;

/// Everything that a configuration file can say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Layout {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    pub(crate) schedule: String,
    pub(crate) notify: Notify,
    pub(crate) check: Settings,
    pub(crate) function: Function,
    pub(crate) rule: Rule,
    pub(crate) topic: Topic,
    pub(crate) iam: Iam,
    pub(crate) names: ChosenNames,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) allow: Allow,
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
    /// What the user wants installed, with the package to upload.
    pub(crate) fn into_spec(self, package: Package) -> Spec {
        Spec {
            install: self.name,
            schedule: self.schedule.trim().to_owned(),
            notify: self.notify,
            settings: self.check,
            function: self.function,
            rule: self.rule,
            topic: self.topic,
            iam: self.iam,
            names: self.names,
            tags: self.tags,
            allow: self.allow,
            package,
            keep_code: false,
        }
    }

    /// The values that differ from the defaults, and the two that people expect to see.
    pub(crate) fn values(&self) -> Table {
        let usual = table(&Self::default());
        let mut values = changed(table(self), &usual);
        let check = values.entry("check").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(check) = check {
            check.insert("max_age_days".to_owned(), i64::from(self.check.max_age_days).into());
        }
        values.insert("schedule".to_owned(), self.schedule.clone().into());
        values
    }
}

impl From<&Spec> for Layout {
    fn from(spec: &Spec) -> Self {
        Self {
            name: spec.install.clone(),
            schedule: spec.schedule.clone(),
            notify: spec.notify.clone(),
            check: spec.settings.clone(),
            function: spec.function.clone(),
            rule: spec.rule.clone(),
            topic: spec.topic.clone(),
            iam: spec.iam.clone(),
            names: spec.names.clone(),
            tags: spec.tags.clone(),
            allow: spec.allow.clone(),
            ..Self::default()
        }
    }
}

fn table(layout: &Layout) -> Table {
    // A layout has text, numbers, lists and tables, all of which TOML can hold.
    Table::try_from(layout).unwrap_or_default()
}

/// What of a table differs from another, table by table.
fn changed(values: Table, usual: &Table) -> Table {
    let differs = |(key, value): (String, Value)| match (value, usual.get(&key)) {
        (Value::Table(inner), Some(Value::Table(usual))) => {
            Some(changed(inner, usual)).filter(|inner| !inner.is_empty()).map(|inner| (key, Value::Table(inner)))
        }
        (value, Some(usual)) if value == *usual => None,
        (value, _) => Some((key, value)),
    };
    values.into_iter().filter_map(differs).collect()
}

/// The value at a path such as `check.max_age_days`.
fn at<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    match path.split_once('.') {
        Some((key, rest)) => at(table.get(key)?.as_table()?, rest),
        None => table.get(path),
    }
}

/// A setting's default as the help shows it, if it has one that says something.
pub(crate) fn default_of(setting: &str) -> Option<String> {
    match at(&table(&Layout::default()), setting)? {
        Value::String(text) if text.contains(char::is_whitespace) => Some(format!("\"{text}\"")),
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a file can have a setting at this path.
#[cfg(test)]
pub(crate) fn is_setting(path: &str) -> bool {
    document::problem_at::<Layout>(path, &Value::Array(Vec::new()))
        .is_none_or(|problem| !problem.contains("unknown key"))
}

/// What is wrong with a value at that path, if anything.
pub(crate) fn problem_at(path: &str, value: &Value) -> Option<String> {
    document::problem_at::<Layout>(path, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_layout_has_no_values_but_the_two_that_people_expect() {
        let values = Layout::default().values();
        assert_eq!(values.to_string(), "schedule = \"rate(1 day)\"\n\n[check]\nmax_age_days = 90\n");
    }

    #[test]
    fn a_default_is_shown_as_the_settings_have_it() {
        assert_eq!(default_of("function.memory_mb").as_deref(), Some("256"));
        assert_eq!(default_of("check.notice").as_deref(), Some("digest"));
        assert_eq!(default_of("topic.display_name").as_deref(), Some("\"IAM access keys\""));
        assert_eq!(default_of("topic.kms_key"), None);
    }

    #[test]
    fn a_path_that_the_layout_does_not_have_is_no_setting() {
        assert!(is_setting("check.max_age_days") && is_setting("tags") && is_setting("name"));
        assert!(!is_setting("check.max_age") && !is_setting("nam") && !is_setting("checks.max_age_days"));
    }
}
