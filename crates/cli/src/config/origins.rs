//! Where each setting was given: a flag, a variable or a place in the file, so that a complaint can name it.

use std::collections::BTreeMap;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::file::File;

/// Each setting that a flag can give: the flag's id, the setting's path in the file, the flag and the variable.
const FLAGS: &[(&str, &str, &str, &str)] = &[
    ("account", "account", "--account", "KEYMINDER_ACCOUNT"),
    ("name", "name", "--name", "KEYMINDER_NAME"),
    ("schedule", "schedule", "--schedule", "KEYMINDER_SCHEDULE"),
    ("dead_letter_queue", "rule.dead_letter_queue", "--dead-letter-queue", "KEYMINDER_DEAD_LETTER_QUEUE"),
    ("emails", "notify.emails", "--email", "KEYMINDER_EMAIL"),
    ("subscriptions", "notify.subscriptions", "--subscribe", "KEYMINDER_SUBSCRIBE"),
    ("notice_kind", "check.notice", "--notice", "KEYMINDER_NOTICE"),
    ("all_clear", "check.all_clear", "--all-clear", "KEYMINDER_ALL_CLEAR"),
    ("max_age_days", "check.max_age_days", "--max-age-days", "KEYMINDER_MAX_AGE_DAYS"),
    ("warn_days", "check.warn_days", "--warn-days", "KEYMINDER_WARN_DAYS"),
    ("repeat_days", "check.repeat_days", "--repeat-days", "KEYMINDER_REPEAT_DAYS"),
    ("unused_days", "check.unused_days", "--unused-days", "KEYMINDER_UNUSED_DAYS"),
    ("timeout", "function.timeout_seconds", "--timeout", "KEYMINDER_TIMEOUT"),
    ("memory", "function.memory_mb", "--memory", "KEYMINDER_MEMORY"),
    ("architecture", "function.architecture", "--architecture", "KEYMINDER_ARCHITECTURE"),
    ("log_retention_days", "function.log_retention_days", "--log-retention-days", "KEYMINDER_LOG_RETENTION_DAYS"),
    ("environment", "function.environment", "--environment", "KEYMINDER_ENVIRONMENT"),
    ("display_name", "topic.display_name", "--display-name", "KEYMINDER_DISPLAY_NAME"),
    ("kms_key", "topic.kms_key", "--kms-key", "KEYMINDER_KMS_KEY"),
    ("iam_path", "iam.path", "--iam-path", "KEYMINDER_IAM_PATH"),
    ("permissions_boundary", "iam.permissions_boundary", "--permissions-boundary", "KEYMINDER_PERMISSIONS_BOUNDARY"),
    ("tags", "tags", "--tag", "KEYMINDER_TAG"),
];

/// Where values come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(BTreeMap<String, String>);

impl Origins {
    pub(super) fn new(file: &File, matches: &ArgMatches) -> Self {
        let mut origins = BTreeMap::new();
        if let Some(path) = &file.path {
            origins.extend(file.places.iter().map(|(key, place)| (key.clone(), format!("{}:{place}", path.display()))));
        }
        for &(id, path, flag, variable) in FLAGS {
            if !matches!(matches.try_contains_id(id), Ok(true)) {
                continue;
            }
            let origin = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => flag,
                Some(ValueSource::EnvVariable) => variable,
                _ => continue,
            };
            let inside = |key: &String| key.starts_with(path) && key[path.len()..].starts_with(['.', '[']);
            origins.retain(|key, _| !inside(key));
            origins.insert(path.to_owned(), origin.to_owned());
        }
        Self(origins)
    }

    /// Where the setting, or what it is part of, was given.
    fn of(&self, path: &str) -> Option<&str> {
        let mut path = path;
        loop {
            if let Some(origin) = self.0.get(path) {
                return Some(origin);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// What is wrong with a setting, with its place.
    pub(super) fn complaint(&self, path: &str, message: &str) -> String {
        let setting = path.rsplit('.').next().unwrap_or(path);
        match self.of(path) {
            Some(origin) if origin.starts_with('-') || origin.starts_with("KEYMINDER") || message.contains(setting) => {
                format!("{origin}: {message}")
            }
            Some(origin) => format!("{origin}: {path}: {message}"),
            None => format!("{path}: {message}"),
        }
    }
}
