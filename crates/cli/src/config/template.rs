//! The configuration file that `init` writes and `setup` offers to save.
//!
//! Owns the commented text, which must stay in step with [`super::File`]: the tests parse it with every comment taken
//! away. It must not know where it is written.

/// What is filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) install: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) emails: Vec<String>,
    pub(crate) max_age_days: Option<u32>,
}

/// A commented configuration file with these answers; what was not answered stands there as a comment with its default.
pub(crate) fn commented(answers: &Answers) -> String {
    let line = |key: &str, value: Option<String>, example: &str| match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("# {key} = {example}"),
    };
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let emails = (!answers.emails.is_empty())
        .then(|| format!("[{}]", answers.emails.iter().map(|e| quoted(e)).collect::<Vec<_>>().join(", ")));
    TEMPLATE
        .replace("@name@", &line("name", text(&answers.install), "\"default\""))
        .replace("@region@", &line("region", text(&answers.region), "\"eu-west-1\""))
        .replace("@profile@", &line("profile", text(&answers.profile), "\"audit\""))
        .replace("@account@", &line("account", text(&answers.account), "\"123456789012\""))
        .replace("@schedule@", &line("schedule", text(&answers.schedule), "\"rate(1 day)\""))
        .replace("@emails@", &line("emails", emails, "[\"ops@example.com\"]"))
        .replace("@max_age_days@", &line("max_age_days", answers.max_age_days.map(|d| d.to_string()), "90"))
}

/// A TOML string. JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const TEMPLATE: &str = include_str!("../../../../assets/keyminder.toml");

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::File;

    #[test]
    fn the_template_is_a_configuration_file() {
        let file = File::parse(Path::new("keyminder.toml"), &commented(&Answers::default())).unwrap();
        assert_eq!(file.subscriptions, None);
        assert_eq!(file.check, keyminder_keyage::Settings::default());
    }

    #[test]
    fn every_commented_setting_in_the_template_is_one() {
        let text: String = commented(&Answers::default())
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
    }

    #[test]
    fn answers_come_back_from_the_file() {
        let answers = Answers {
            region: Some("eu-west-1".into()),
            emails: vec!["ops@example.com".into()],
            max_age_days: Some(45),
            schedule: Some("cron(0 7 ? * MON-FRI *)".into()),
            ..Answers::default()
        };
        let file = File::parse(Path::new("keyminder.toml"), &commented(&answers)).unwrap();
        assert_eq!(file.region, answers.region);
        assert_eq!(file.schedule, answers.schedule);
        assert_eq!(file.check.max_age_days, 45);
        assert_eq!(file.subscriptions.unwrap()[0].1.endpoint, "ops@example.com");
    }
}
