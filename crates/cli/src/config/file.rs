//! The configuration file: which keys there are.
//!
//! Owns the layout of `keyminder.toml`. It must not know flags, nor whether a value makes sense.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyminder_keyage::Settings;
use keyminder_stack::{ChosenNames, Subscription};

use super::document::{Document, Place};
use crate::error::{Error, Exit};

/// The file that is read where none is named.
pub(crate) const DEFAULT_FILE: &str = "keyminder.toml";

/// What a configuration file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct File {
    /// Where it was read from; `None` where there is none.
    pub(crate) path: Option<PathBuf>,
    /// Where in it each value stands.
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) name: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) dead_letter_queue: Option<String>,
    /// Subscriptions with their paths in the file; `None` where the file names none at all.
    pub(crate) subscriptions: Option<Vec<(String, Subscription)>>,
    pub(crate) check: Settings,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) memory_mb: Option<i64>,
    pub(crate) architecture: Option<String>,
    pub(crate) log_retention_days: Option<i64>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) display_name: Option<String>,
    pub(crate) kms_key: Option<String>,
    pub(crate) iam_path: Option<String>,
    pub(crate) permissions_boundary: Option<String>,
    pub(crate) names: ChosenNames,
    pub(crate) tags: BTreeMap<String, String>,
}

impl File {
    /// Reads the file that the user named, or `keyminder.toml` where there is one.
    ///
    /// # Errors
    /// A named file that cannot be read, and every mistake in the file at once.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Error> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => {
                let hint = match error.kind() {
                    std::io::ErrorKind::NotFound => "keyminder init writes a commented one",
                    std::io::ErrorKind::InvalidData => "a configuration file is text in UTF-8",
                    _ => "name a file that you may read",
                };
                Err(Error::new("NoConfiguration", format!("{} cannot be read: {error}", path.display()), Exit::Usage)
                    .hint(hint))
            }
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Every mistake at once, each with line and column.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let (document, root) = Document::parse(text);
        let mut file = Self::read(&document, root);
        let (mistakes, places) = document.finish();
        file.path = Some(path.to_owned());
        file.places = places;
        if mistakes.is_empty() {
            return Ok(file);
        }
        let lines = mistakes.iter().map(|mistake| format!("{}:{}: {}", path.display(), mistake.place, mistake.message));
        Err(Error::problems(lines.collect()))
    }

    fn read<'i>(document: &Document<'i>, root: toml::de::DeTable<'i>) -> Self {
        let mut fields = document.fields("", root);
        let mut file = Self {
            name: fields.take("name"),
            region: fields.take("region"),
            profile: fields.take("profile"),
            endpoint_url: fields.take("endpoint_url"),
            account: fields.take("account"),
            schedule: fields.take("schedule"),
            ..Self::default()
        };
        let mut notify = fields.table("notify");
        let emails = notify.list::<String>("emails");
        let others = notify.list::<Subscription>("subscriptions");
        notify.finish();
        if emails.is_some() || others.is_some() {
            let emails = emails.into_iter().flatten().map(|(path, address)| (path, Subscription::email(address)));
            file.subscriptions = Some(emails.chain(others.into_iter().flatten()).collect());
        }
        file.check = fields.table("check").whole();
        let mut function = fields.table("function");
        file.timeout_seconds = function.take("timeout_seconds");
        file.memory_mb = function.take("memory_mb");
        file.architecture = function.take("architecture");
        file.log_retention_days = function.take("log_retention_days");
        file.environment = function.take("environment").unwrap_or_default();
        function.finish();
        let mut rule = fields.table("rule");
        file.dead_letter_queue = rule.take("dead_letter_queue");
        rule.finish();
        let mut topic = fields.table("topic");
        file.display_name = topic.take("display_name");
        file.kms_key = topic.take("kms_key");
        topic.finish();
        let mut iam = fields.table("iam");
        file.iam_path = iam.take("path");
        file.permissions_boundary = iam.take("permissions_boundary");
        iam.finish();
        file.names = fields.table("names").whole();
        file.tags = fields.take("tags").unwrap_or_default();
        fields.finish();
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> String {
        File::parse(Path::new("keyminder.toml"), text).unwrap_err().message
    }

    #[test]
    fn every_key_of_the_layout_is_read() {
        let text = r#"
            name = "audit"
            region = "eu-west-1"
            profile = "p"
            endpoint_url = "http://127.0.0.1:1"
            account = "123456789012"
            schedule = "rate(2 days)"
            [notify]
            emails = ["ops@example.com"]
            subscriptions = [{ protocol = "sqs", endpoint = "arn:aws:sqs:eu-west-1:123456789012:q", filter_policy = { verdict = ["old"] }, raw = true }]
            [check]
            max_age_days = 60
            exemptions = [{ user = "ci-*", until = 2027-03-31, reason = "moving to roles" }]
            [function]
            timeout_seconds = 60
            memory_mb = 512
            architecture = "arm64"
            log_retention_days = 30
            environment = { A = "b" }
            [rule]
            dead_letter_queue = "arn:aws:sqs:eu-west-1:123456789012:undelivered"
            [topic]
            display_name = "keys"
            kms_key = "alias/k"
            [iam]
            path = "/security/"
            permissions_boundary = "arn:aws:iam::123456789012:policy/b"
            [names]
            topic = "t"
            [tags]
            team = "security"
        "#;
        let file = File::parse(Path::new("keyminder.toml"), text).unwrap();
        assert_eq!(file.name.as_deref(), Some("audit"));
        assert_eq!(file.check.max_age_days, 60);
        assert_eq!(file.check.exemptions.len(), 1);
        assert_eq!(file.subscriptions.as_ref().map(Vec::len), Some(2));
        assert_eq!(file.environment["A"], "b");
        assert_eq!(file.dead_letter_queue.as_deref(), Some("arn:aws:sqs:eu-west-1:123456789012:undelivered"));
        assert_eq!(file.names.topic.as_deref(), Some("t"));
        assert_eq!(file.tags["team"], "security");
        assert_eq!(file.places["check.max_age_days"], Place { line: 12, column: 28 });
    }

    #[test]
    fn an_unknown_key_is_answered_with_its_place_and_the_likely_one() {
        assert_eq!(
            mistakes("name = \"a\"\n\n[check]\nmax_age_day = 60\n"),
            "keyminder.toml:4:1: unknown key 'max_age_day' in [check]; did you mean 'max_age_days'?"
        );
        assert_eq!(
            mistakes("[notify]\nemail = []\n"),
            "keyminder.toml:2:1: unknown key 'email' in [notify]; did you mean 'emails'?"
        );
    }

    #[test]
    fn an_unknown_key_inside_of_a_list_is_found_too() {
        let said = mistakes("[check]\nlimits = [{ user = \"a\", max_age = 3 }]\n");
        assert!(
            said.contains("keyminder.toml:2:") && said.contains("unknown key 'max_age'; did you mean 'max_age_days'?"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_type_says_what_would_be_right() {
        assert_eq!(
            mistakes("[function]\nmemory_mb = \"256\"\n"),
            "keyminder.toml:2:13: function.memory_mb: the text \"256\" is not right here: give a whole number, without quotes"
        );
        assert!(
            mistakes("[check]\nnotice = \"per_key\"\n")
                .contains("'per_key' is none of digest, per-user, per-key; did you mean 'per-key'?")
        );
        assert!(mistakes("notify = 3\n").contains("write [notify]"));
    }

    #[test]
    fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
        let said = mistakes("nam = 1\nregion = 2\n[check]\nmax_age_days = \"x\"\nwarn = 1\n");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 4, "{said}");
        for (line, at) in lines.iter().zip(["1:1", "2:10", "4:16", "5:1"]) {
            assert!(line.starts_with(&format!("keyminder.toml:{at}: ")), "{line} is not at {at}");
        }
    }

    #[test]
    fn what_is_no_toml_is_reported_with_its_place() {
        assert!(mistakes("name = \n").starts_with("keyminder.toml:1:"), "{}", mistakes("name = \n"));
    }
}
