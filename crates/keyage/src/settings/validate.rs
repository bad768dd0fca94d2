//! What makes settings unusable, said so that a person can mend it.
//!
//! Owns the bounds and their messages. It must not know files or environment variables: a problem
//! carries the setting's path and its reader says where that came from.

use std::fmt;

use super::Settings;
use crate::exemption::Exemption;

/// The largest limit: ten years.
const MAX_DAYS: u32 = 3650;

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which setting, such as `max_age_days` or `exemptions[2].until`.
    pub path: String,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Settings {
    /// Looks whether the settings can be used.
    ///
    /// # Errors
    /// Every problem at once, in the order of the settings.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Problems::default();
        problems.days("max_age_days", self.max_age_days, 1, MAX_DAYS);
        for (index, &days) in self.warn_days.iter().enumerate() {
            let path = format!("warn_days[{index}]");
            if days >= self.smallest_limit() {
                let limit = self.smallest_limit();
                problems.add(
                    &path,
                    format!(
                        "{path} is {days}: a warning comes before the limit of {limit} days, so give less than {limit}"
                    ),
                );
            }
        }
        if self.warn_days.len() > 20 {
            problems
                .add("warn_days", "warn_days has more than 20 entries: give the few days on which to warn".to_owned());
        }
        problems.days("repeat_days", self.repeat_days, 1, 365);
        if let Some(days) = self.unused_days {
            problems.days("unused_days", days, 1, MAX_DAYS);
        }
        problems.days("unused_grace_days", self.unused_grace_days, 0, MAX_DAYS);
        for (index, exemption) in self.exemptions.iter().enumerate() {
            problems.exemption(&format!("exemptions[{index}]"), exemption);
        }
        for (index, limit) in self.limits.iter().enumerate() {
            let path = format!("limits[{index}]");
            problems.days(&format!("{path}.max_age_days"), limit.max_age_days, 1, MAX_DAYS);
            let named = [&limit.user, &limit.path, &limit.tag].into_iter().flatten().count();
            if named != 1 {
                problems.add(
                    &path,
                    format!("{path} names {named} of user, path and tag: give exactly one, so that it is clear whose limit it is"),
                );
            }
            if let Some(user) = &limit.user {
                problems.user(&format!("{path}.user"), user);
            }
            if let Some(start) = limit.path.as_deref().filter(|path| !path.starts_with('/')) {
                problems.add(
                    &format!("{path}.path"),
                    format!("{path}.path is {start:?}: an IAM path begins with a slash, such as \"/service/\""),
                );
            }
            if let Some(tag) = &limit.tag {
                if tag.split_once('=').is_none_or(|(key, _)| key.is_empty()) {
                    problems.add(
                        &format!("{path}.tag"),
                        format!("{path}.tag is {tag:?}: give key=value, such as \"team=data*\""),
                    );
                }
                if !self.read_user_tags {
                    problems.add(
                        &format!("{path}.tag"),
                        format!("{path} goes by tag, but read_user_tags is false: set read_user_tags = true or use user or path"),
                    );
                }
            }
        }
        if self.owner_tag.is_empty() || self.owner_tag.chars().count() > 128 {
            problems.add(
                "owner_tag",
                "owner_tag is empty or longer than 128 characters: give the key of a user tag, such as \"owner\""
                    .to_owned(),
            );
        }
        if problems.0.is_empty() { Ok(()) } else { Err(problems.0) }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: &str, message: String) {
        self.0.push(Problem { path: path.to_owned(), message });
    }

    fn days(&mut self, path: &str, days: u32, least: u32, most: u32) {
        if !(least..=most).contains(&days) {
            self.add(path, format!("{path} is {days}: give a whole number of days from {least} to {most}"));
        }
    }

    fn user(&mut self, path: &str, name: &str) {
        if name.is_empty() || name.chars().count() > 64 {
            self.add(
                path,
                format!("{path} is {name:?}: give a user name of 1 to 64 characters; * and ? stand for any"),
            );
        }
    }

    fn exemption(&mut self, path: &str, exemption: &Exemption) {
        self.user(&format!("{path}.user"), &exemption.user);
        if exemption.reason.trim().is_empty() {
            self.add(
                &format!("{path}.reason"),
                format!("{path}.reason is empty: say why this key may stay old, for whoever reads the notice"),
            );
        }
        if exemption.reason.chars().count() > 256 {
            self.add(&format!("{path}.reason"), format!("{path}.reason is longer than 256 characters: shorten it"));
        }
        if let Some(id) = exemption.access_key_id.as_deref()
            && (id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            self.add(
                &format!("{path}.access_key_id"),
                format!("{path}.access_key_id is {id:?}: give the id of an access key, such as AKIAIOSFODNN7EXAMPLE"),
            );
        }
    }
}
