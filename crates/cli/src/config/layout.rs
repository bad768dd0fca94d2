//! The layout of the configuration file as TOML: the values to write, a setting's default, and what is wrong with a
//! value. The layout itself is `keyminder_stack::Layout`.

use keyminder_stack::Layout;
use toml::{Table, Value};

use super::document;

/// The values that differ from the defaults, and the two that people expect to see.
pub(crate) fn values(layout: &Layout) -> Table {
    // A layout has text, numbers, lists and tables, all of which TOML can hold.
    let mut values = Table::try_from(layout.changed()).unwrap_or_default();
    let check = values.entry("check").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(check) = check {
        check.insert("max_age_days".to_owned(), i64::from(layout.check.max_age_days).into());
    }
    values.insert("schedule".to_owned(), layout.schedule.clone().into());
    values
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
    let defaults = Table::try_from(Layout::default()).unwrap_or_default();
    match at(&defaults, setting)? {
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
        let values = values(&Layout::default());
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
