//! The kinds of bounds that settings have, and the messages for values outside them.
//!
//! Which setting has which bounds is part of its definition in [`super`]. This must not know files or environment
//! variables: a problem has the setting's path, and the reader of the settings knows where that came from.

use std::fmt;

use super::{Limit, Settings};
use crate::exemption::Exemption;
use crate::untrusted::Untrusted;

/// The largest limit: ten years.
pub(super) const MAX_DAYS: u32 = 3650;

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
    /// Checks whether the settings can be used.
    ///
    /// # Errors
    /// Every problem at once, in the order of the settings.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Problems::default();
        self.check_each(&mut problems);
        if problems.0.is_empty() { Ok(()) } else { Err(problems.0) }
    }
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, message: String) {
        self.0.push(Problem { path: path.into(), message });
    }

    fn user(&mut self, path: &str, name: &str) {
        if name.is_empty() || name.chars().count() > 64 {
            self.add(path, format!("{path} is {name:?}: use a user name of 1 to 64 characters; * and ? are wildcards"));
        }
    }
}

/// Any value will do.
pub(super) fn any<T>(_: &T, _: &str, _: &Settings, _: &mut Problems) {}

/// A number of days within these bounds.
pub(super) fn days(least: u32, most: u32) -> impl Fn(&u32, &str, &Settings, &mut Problems) {
    move |days, path, _, problems| {
        if !(least..=most).contains(days) {
            problems.add(path, format!("{path} is {days}: use a whole number of days from {least} to {most}"));
        }
    }
}

/// Bounds for a value that can be left out.
pub(super) fn if_set<T>(
    bounds: impl Fn(&T, &str, &Settings, &mut Problems),
) -> impl Fn(&Option<T>, &str, &Settings, &mut Problems) {
    move |value, path, settings, problems| {
        if let Some(value) = value {
            bounds(value, path, settings, problems);
        }
    }
}

/// One line of text that is not blank and has at most so many characters.
pub(super) fn line(most: usize) -> impl Fn(&String, &str, &Settings, &mut Problems) {
    move |text, path, _, problems| {
        if text.trim().is_empty() || text.chars().count() > most {
            problems.add(path, format!("{path} is empty or longer than {most} characters: shorten it or leave it out"));
        }
        if Untrusted::has_unsafe_characters(text) {
            problems.add(path, format!("{path} has characters that cannot be shown: use one line of plain text"));
        }
    }
}

/// The address of a page.
// The signature is that of the bounds of a `String`.
#[allow(clippy::ptr_arg)]
pub(super) fn url(url: &String, path: &str, _: &Settings, problems: &mut Problems) {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let printable = url.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\`".contains(c));
    if rest.is_none_or(str::is_empty) || !printable || url.len() > 500 {
        problems.add(
            path,
            format!(
                "{path} is {url:?}: use an address of at most 500 characters, such as https://wiki.example.com/keys"
            ),
        );
    }
}

/// Warnings, each of which comes before the limit.
pub(super) fn warnings(warnings: &[u32], path: &str, settings: &Settings, problems: &mut Problems) {
    let limit = settings.smallest_limit();
    for (index, days) in warnings.iter().enumerate().filter(|(_, days)| **days >= limit) {
        problems.add(
            format!("{path}[{index}]"),
            format!(
                "{path}[{index}] is {days}: a warning comes before the limit of {limit} days, so use less than {limit}"
            ),
        );
    }
    if warnings.len() > 20 {
        problems.add(path, format!("{path} has more than 20 entries: choose the few days on which to warn"));
    }
}

/// The key of a tag.
pub(super) fn tag_key(key: &str, path: &str, _: &Settings, problems: &mut Problems) {
    if key.is_empty() || key.chars().count() > 128 {
        let message = "is empty or longer than 128 characters: use the key of a user tag, such as \"owner\"";
        problems.add(path, format!("{path} {message}"));
    }
}

/// Exemptions, each with a user and a reason.
pub(super) fn exemptions(exemptions: &[Exemption], path: &str, _: &Settings, problems: &mut Problems) {
    for (index, exemption) in exemptions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        problems.user(&format!("{path}.user"), &exemption.user);
        let reason = format!("{path}.reason");
        if exemption.reason.trim().is_empty() {
            let why = "is empty: explain why this key is allowed to stay old; notices show it";
            problems.add(reason.as_str(), format!("{reason} {why}"));
        }
        if exemption.reason.chars().count() > 256 {
            problems.add(reason.as_str(), format!("{reason} is longer than 256 characters: shorten it"));
        }
        if let Some(name) = &exemption.approved_by {
            let path = format!("{path}.approved_by");
            if name.trim().is_empty() {
                problems
                    .add(path.as_str(), format!("{path} is empty: name the person who approved this, or leave it out"));
            } else if name.chars().count() > 128 {
                problems.add(path.as_str(), format!("{path} is longer than 128 characters: shorten it"));
            }
        }
        if let Some(id) = exemption.access_key_id.as_deref()
            && (id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            let path = format!("{path}.access_key_id");
            let message = format!("{path} is {id:?}: use the id of an access key, such as AKIAIOSFODNN7EXAMPLE");
            problems.add(path, message);
        }
    }
}

/// Limits, each for the users that exactly one of its conditions matches.
pub(super) fn limits(limits: &[Limit], path: &str, settings: &Settings, problems: &mut Problems) {
    for (index, limit) in limits.iter().enumerate() {
        let path = format!("{path}[{index}]");
        days(1, MAX_DAYS)(&limit.max_age_days, &format!("{path}.max_age_days"), settings, problems);
        let named = [&limit.user, &limit.path, &limit.tag].into_iter().flatten().count();
        if named != 1 {
            let message = format!("{path} has {named} of user, path and tag: use exactly one, to choose its users");
            problems.add(path.as_str(), message);
        }
        if let Some(user) = &limit.user {
            problems.user(&format!("{path}.user"), user);
        }
        if let Some(start) = limit.path.as_deref().filter(|path| !path.starts_with('/')) {
            let path = format!("{path}.path");
            let message = format!("{path} is {start:?}: an IAM path begins with a slash, such as \"/service/\"");
            problems.add(path, message);
        }
        let Some(tag) = &limit.tag else { continue };
        let path = format!("{path}.tag");
        if tag.split_once('=').is_none_or(|(key, _)| key.is_empty()) {
            problems.add(path.as_str(), format!("{path} is {tag:?}: use key=value, such as \"team=data*\""));
        }
        if !settings.read_user_tags {
            let message = format!(
                "{path} needs tags, but read_user_tags is false: set read_user_tags = true, or use user or path"
            );
            problems.add(path, message);
        }
    }
}
