//! The configuration file that `init` writes and `setup` offers to save.
//!
//! Owns how values get into the commented text, which must stay in step with [`super::File`]: the tests parse it with
//! every comment taken away. It must not know where it is written.

use toml::{Table, Value};

/// A commented configuration file with these values. A setting without a value is there as a comment, with its default
/// or an example.
pub(crate) fn commented(values: &Table) -> String {
    let mut left = values.clone();
    let mut text = String::new();
    let mut table = None;
    for line in TEMPLATE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            rest_of(table, &mut left, &mut text);
            table = Some(name);
        }
        let key = line.strip_prefix("# ").unwrap_or(line).split_once(" = ").map(|(key, _)| key);
        let value =
            key.filter(|key| !key.contains(' ')).and_then(|key| Some((key, inside(table, &mut left)?.remove(key)?)));
        match value {
            Some((key, value)) => text.push_str(&setting(key, &value)),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    rest_of(table, &mut left, &mut text);
    text
}

/// The values of a table, or those at the top.
fn inside<'v>(table: Option<&str>, values: &'v mut Table) -> Option<&'v mut Table> {
    match table {
        Some(name) => values.get_mut(name)?.as_table_mut(),
        None => Some(values),
    }
}

/// The values of a table that have no line in the template, at the table's end.
fn rest_of(table: Option<&str>, left: &mut Table, text: &mut String) {
    let Some(values) = inside(table, left) else { return };
    // At the top, tables have their own places.
    let rest: Vec<String> =
        values.iter().filter(|(_, value)| table.is_some() || !value.is_table()).map(|(key, _)| key.clone()).collect();
    if rest.is_empty() {
        return;
    }
    let end = text.trim_end().len();
    text.truncate(end);
    text.push('\n');
    for key in rest {
        if let Some(value) = values.remove(&key) {
            text.push_str(&setting(&key, &value));
            text.push('\n');
        }
    }
    text.push('\n');
}

fn setting(key: &str, value: &Value) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { key.to_owned() } else { Value::from(key).to_string() };
    format!("{key} = {value}")
}

const TEMPLATE: &str = include_str!("../../../../assets/keyminder.toml");

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyminder_keyage::{Architecture, Fallback, Owners, Settings};
    use keyminder_stack::{Allow, Function, Iam, Layout, Notify, Rule, Subscription, Topic};
    use serde::Deserialize;

    use super::*;
    use crate::config::file::File;
    use crate::config::layout::values;

    fn read(text: &str) -> Layout {
        let file = File::parse(Path::new("keyminder.toml"), text).unwrap_or_else(|error| panic!("{error:?} in {text}"));
        Layout::deserialize(file.document.values).unwrap()
    }

    #[test]
    fn the_template_is_a_configuration_file_that_changes_nothing() {
        assert_eq!(read(&commented(&Table::new())), Layout::default());
    }

    #[test]
    fn every_commented_setting_in_the_template_is_one() {
        let text: String = commented(&Table::new())
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => setting,
                _ => line,
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let layout = read(&text);
        assert_eq!(layout.check.limits.len(), 1);
        assert_eq!(layout.check.exemptions.len(), 1);
        assert!(layout.rule.dead_letter_queue.is_some());
    }

    #[test]
    fn everything_that_an_installation_was_given_comes_back_from_its_file() {
        let text = |text: &str| text.to_owned();
        let layout = Layout {
            name: text("audit"),
            region: Some(text("eu-west-1")),
            profile: Some(text("p")),
            endpoint_url: Some(text("http://127.0.0.1:1")),
            account: Some(text("123456789012")),
            schedule: text("cron(0 7 ? * MON-FRI *)"),
            notify: Notify {
                subscriptions: Some(vec![
                    "sqs=arn:aws:sqs:eu-west-1:123456789012:keys".parse().unwrap(),
                    Subscription {
                        filter_policy: Some(serde_json::json!({"verdict": ["old", {"numeric": [">", 1]}]})),
                        ..Subscription::email("a@example.com")
                    },
                ]),
                ..Notify::emails(["ops@example.com"])
            },
            check: Settings {
                max_age_days: 45,
                repeat_days: 7,
                warn_days: vec![14, 7],
                other_credentials: true,
                ..Settings::default()
            },
            owners: Owners {
                from: Some(text("keys@example.com")),
                domains: vec![text("example.com"), text("example.org")],
                tag: Some(text("contact")),
                fallback: Fallback::Account,
                configuration_set: Some(text("keys")),
            },
            function: Function {
                timeout_seconds: 60,
                memory_mb: 512,
                architecture: Some(Architecture::Arm64),
                log_retention_days: 30,
                environment: [(text("LEVEL"), text("debug"))].into(),
                trusted_code: vec![text("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=")],
            },
            rule: Rule { dead_letter_queue: Some(text("arn:aws:sqs:eu-west-1:123456789012:q")) },
            topic: Topic { display_name: text("Keys \"of\" ours"), kms_key: Some(text("alias/k")) },
            iam: Iam {
                path: text("/security/"),
                permissions_boundary: Some(text("arn:aws:iam::123456789012:policy/b")),
            },
            names: keyminder_stack::ChosenNames { topic: Some(text("t")), ..Default::default() },
            tags: [(text("team"), text("x")), (text("cost.centre 1"), text("4711"))].into(),
            allow: Allow(
                [(text("sns_subscriptions"), vec![text("subscription arn:aws:sqs:eu-west-1:123456789012:q")])].into(),
            ),
        };
        assert_eq!(read(&commented(&values(&layout))), layout);
    }
}
