//! The configuration file that `init` writes and `setup` offers to save.
//!
//! Owns how values get into the commented text, which must stay in step with [`super::File`]: the tests parse it with
//! every comment taken away. It must not know where it is written.

use std::collections::BTreeMap;

use keyminder_keyage::Settings;
use keyminder_stack::{Package, Spec};
use serde::Serialize;
use toml::Value;

/// Values by their paths in the file, such as `check.max_age_days`.
pub(crate) type Values = BTreeMap<String, Value>;

/// Everything in which an install differs from the defaults, by its path in the file. Two that are asked for are there
/// even where the answer is the default.
pub(crate) fn values(spec: &Spec) -> Values {
    let mut values = Values::new();
    let plain = Spec::new(Package::new(spec.package.architecture(), |_| Ok(Vec::new())));
    let mut differs = |path: &str, value: Option<Value>, usual: Option<Value>| {
        if let Some(value) = value.filter(|value| Some(value) != usual.as_ref()) {
            values.insert(path.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::from);
    differs("name", Some(spec.install.clone().into()), Some(plain.install.clone().into()));
    differs("schedule", Some(spec.schedule.clone().into()), None);
    let wanted = spec.subscriptions.iter().flatten();
    let (emails, others): (Vec<_>, Vec<_>) = wanted.partition(|one| one.is_plain_email());
    let emails: Vec<Value> = emails.into_iter().map(|one| one.endpoint.clone().into()).collect();
    differs("notify.emails", (!emails.is_empty()).then_some(Value::Array(emails)), None);
    differs("notify.subscriptions", (!others.is_empty()).then(|| toml(&others)).flatten(), None);
    let usual = toml(&Settings::default());
    if let (Some(Value::Table(check)), Some(Value::Table(usual))) = (toml(&spec.settings), usual) {
        for (key, value) in check {
            let path = format!("check.{key}");
            differs(&path, Some(value), usual.get(&key).filter(|_| key != "max_age_days").cloned());
        }
    }
    let number = |number: u32| Some(Value::from(i64::from(number)));
    differs("function.timeout_seconds", number(spec.timeout_seconds), number(plain.timeout_seconds));
    differs("function.memory_mb", number(spec.memory_mb), number(plain.memory_mb));
    differs("function.log_retention_days", number(spec.log_retention_days), number(plain.log_retention_days));
    differs("function.environment", toml(&spec.environment), toml(&plain.environment));
    differs("rule.dead_letter_queue", text(&spec.dead_letter_queue), None);
    differs("topic.display_name", Some(spec.display_name.clone().into()), Some(plain.display_name.clone().into()));
    differs("topic.kms_key", text(&spec.kms_key), None);
    differs("iam.path", Some(spec.iam_path.clone().into()), Some(plain.iam_path.clone().into()));
    differs("iam.permissions_boundary", text(&spec.permissions_boundary), None);
    for (key, value) in &spec.tags {
        differs(&format!("tags.{key}"), Some(value.clone().into()), None);
    }
    values
}

fn toml(value: &impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}

/// A commented configuration file with these values; what has none stands there as a comment with its default or an
/// example.
pub(crate) fn commented(values: &Values) -> String {
    let mut left = values.clone();
    let mut text = String::new();
    let mut table = String::new();
    for line in TEMPLATE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            rest_of(&table, &mut left, &mut text);
            name.clone_into(&mut table);
        }
        let key = line.strip_prefix("# ").unwrap_or(line).split_once(" = ").map(|(key, _)| key);
        let path = key.filter(|key| !key.contains(' ')).map(|key| join(&table, key));
        match path.and_then(|path| Some((path.clone(), left.remove(&path)?))) {
            Some((path, value)) => text.push_str(&setting(&path, &value)),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    rest_of(&table, &mut left, &mut text);
    text
}

/// The values of a table for which the template has no line, at its end.
fn rest_of(table: &str, left: &mut Values, text: &mut String) {
    let here = |path: &String| path.rsplit_once('.').map_or("", |(table, _)| table) == table;
    let rest: Vec<String> = left.keys().filter(|path| here(path)).cloned().collect();
    if rest.is_empty() {
        return;
    }
    let end = text.trim_end().len();
    text.truncate(end);
    text.push('\n');
    for path in rest {
        if let Some(value) = left.remove(&path) {
            text.push_str(&setting(&path, &value));
            text.push('\n');
        }
    }
    text.push('\n');
}

fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

fn setting(path: &str, value: &Value) -> String {
    let key = path.split_once('.').map_or(path, |(_, key)| key);
    let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { key.to_owned() } else { Value::from(key).to_string() };
    format!("{key} = {value}")
}

const TEMPLATE: &str = include_str!("../../../../assets/keyminder.toml");

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyminder_stack::{Architecture, Subscription};

    use super::*;
    use crate::config::file::File;

    fn file(values: &Values) -> File {
        let text = commented(values);
        File::parse(Path::new("keyminder.toml"), &text).unwrap_or_else(|error| panic!("{error:?} in {text}"))
    }

    fn spec() -> Spec {
        Spec::new(Package::new(Architecture::X86_64, |_| Ok(Vec::new())))
    }

    #[test]
    fn the_template_is_a_configuration_file_that_changes_nothing() {
        let file = file(&Values::new());
        assert_eq!(file.subscriptions, None);
        assert_eq!(file.check, Settings::default());
        assert!(file.name.is_none() && file.schedule.is_none() && file.tags.is_empty());
    }

    #[test]
    fn every_commented_setting_in_the_template_is_one() {
        let text: String = commented(&Values::new())
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => setting,
                _ => line,
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let file = File::parse(Path::new("keyminder.toml"), &text).unwrap();
        assert_eq!(file.memory_mb, Some(256));
        assert_eq!(file.check.limits.len(), 1);
        assert_eq!(file.check.exemptions.len(), 1);
        assert!(file.dead_letter_queue.is_some());
    }

    #[test]
    fn whatever_an_install_was_told_comes_back_from_its_file() {
        let mut spec = spec();
        spec.install = "audit".into();
        spec.schedule = "cron(0 7 ? * MON-FRI *)".into();
        spec.dead_letter_queue = Some("arn:aws:sqs:eu-west-1:123456789012:q".into());
        spec.subscriptions = Some(vec![
            Subscription::email("ops@example.com"),
            "sqs=arn:aws:sqs:eu-west-1:123456789012:keys".parse().unwrap(),
        ]);
        spec.settings.max_age_days = 45;
        spec.settings.repeat_days = 7;
        spec.settings.warn_days = vec![14, 7];
        spec.settings.other_credentials = true;
        spec.timeout_seconds = 60;
        spec.memory_mb = 512;
        spec.log_retention_days = 30;
        spec.environment.insert("HTTPS_PROXY".into(), "http://proxy:3128".into());
        spec.display_name = "Keys \"of\" ours".into();
        spec.kms_key = Some("alias/k".into());
        spec.iam_path = "/security/".into();
        spec.permissions_boundary = Some("arn:aws:iam::123456789012:policy/b".into());
        spec.tags.insert("team".into(), "x".into());
        spec.tags.insert("cost centre".into(), "4711".into());
        let file = file(&values(&spec));
        assert_eq!(file.name.as_deref(), Some("audit"));
        assert_eq!(file.schedule, Some(spec.schedule));
        assert_eq!(file.dead_letter_queue, spec.dead_letter_queue);
        let subscriptions: Vec<_> = file.subscriptions.unwrap().into_iter().map(|(_, one)| one).collect();
        assert_eq!(Some(subscriptions), spec.subscriptions);
        assert_eq!(file.check, spec.settings);
        assert_eq!((file.timeout_seconds, file.memory_mb, file.log_retention_days), (Some(60), Some(512), Some(30)));
        assert_eq!(file.environment, spec.environment);
        assert_eq!((file.display_name, file.kms_key), (Some(spec.display_name), spec.kms_key));
        assert_eq!((file.iam_path, file.permissions_boundary), (Some(spec.iam_path), spec.permissions_boundary));
        assert_eq!(file.tags, spec.tags);
    }
}
