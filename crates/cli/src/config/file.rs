//! The configuration file: which one is read, and its text.
//!
//! It must not know flags, nor whether a value makes sense.

use std::fs::File as Handle;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyminder_stack::Layout;

use super::document::{self, Document};
use crate::error::{Error, Exit};

/// The file that is read unless another is named.
pub(crate) const DEFAULT_FILE: &str = "keyminder.toml";

/// The most that is read of a file: a hundred thousand exemptions and more.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A configuration file, or the lack of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct File {
    /// Where it was read from; `None` if there is none.
    pub(crate) path: Option<PathBuf>,
    pub(crate) document: Document,
}

impl File {
    /// Reads the file that the user named, or else the `keyminder.toml` of this folder or of the nearest folder above.
    ///
    /// # Errors
    /// A named file that cannot be read, one above that belongs to somebody else, and every mistake in the file at once.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Error> {
        let found = match named {
            Some(named) => Some(named.to_owned()),
            None => nearest()?,
        };
        let Some(path) = found else { return Ok(Self::default()) };
        let text = text_of(&path).map_err(|error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => "to create a commented file, run: keyminder init",
                ErrorKind::InvalidData | ErrorKind::FileTooLarge | ErrorKind::IsADirectory => {
                    "a configuration file is a text file in UTF-8"
                }
                _ => "name a file that you are allowed to read",
            };
            unreadable(&path, &error.to_string()).hint(hint)
        })?;
        Self::parse(&path, &text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Every mistake at once, each with line and column.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        match document::read::<Layout>(text) {
            Ok(document) => Ok(Self { path: Some(path.to_owned()), document }),
            Err(mistakes) => {
                let name = path.display();
                let lines = mistakes.iter().map(|mistake| format!("{name}:{}: {}", mistake.place, mistake.message));
                Err(Error::problems(lines.collect()))
            }
        }
    }

    /// The path as the user wrote it.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.path.as_deref().unwrap_or(Path::new(DEFAULT_FILE)).display()
    }
}

/// The `keyminder.toml` of this folder, or of the nearest folder above that has one. One above that belongs to another
/// user is refused: anyone could leave it in a shared folder such as /tmp.
fn nearest() -> Result<Option<PathBuf>, Error> {
    let here = Path::new(DEFAULT_FILE);
    if exists(here) {
        return Ok(Some(here.to_owned()));
    }
    let Ok(folder) = std::env::current_dir() else { return Ok(None) };
    let mut path = here.to_owned();
    for above in folder.ancestors().skip(1) {
        path = Path::new("..").join(path);
        let found = above.join(DEFAULT_FILE);
        if !exists(&found) {
            continue;
        }
        let owner = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.uid()).ok();
        return match owner(&found) {
            Some(owner_of_file) if owner_of_file != 0 && Some(owner_of_file) != owner(&folder) => {
                Err(unreadable(&path, "it belongs to another user").hint(format!(
                    "to use it anyway, add --config {}; to use only flags and defaults, add --config /dev/null",
                    found.display()
                )))
            }
            _ => Ok(Some(path)),
        };
    }
    Ok(None)
}

/// A link that leads nowhere exists too: reading it says so.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The text of a file, or an error for one that has too much of it or no end.
fn text_of(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = Handle::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > LARGEST) {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "it is larger than 16 MB"));
    }
    Ok(text)
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new("NoConfiguration", format!("{} cannot be read: {why}", path.display()), Exit::Usage)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config::document::Place;

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
        assert_eq!(file.document.places["check.max_age_days"], Place { line: 12, column: 28 });
        let layout = Layout::deserialize(file.document.values).unwrap();
        assert_eq!(layout.name, "audit");
        assert_eq!(layout.check.max_age_days, 60);
        assert_eq!(layout.check.exemptions.len(), 1);
        assert_eq!(layout.notify.recipients().as_ref().map(Vec::len), Some(2));
        assert_eq!(layout.function.environment["A"], "b");
        assert_eq!(layout.rule.dead_letter_queue.as_deref(), Some("arn:aws:sqs:eu-west-1:123456789012:undelivered"));
        assert_eq!(layout.names.topic.as_deref(), Some("t"));
        assert_eq!(layout.tags["team"], "security");
    }

    #[test]
    fn an_unknown_key_is_answered_with_its_place_and_the_likely_one() {
        assert_eq!(
            mistakes("name = \"a\"\n\n[check]\nmax_age_day = 60\n"),
            "keyminder.toml:4:1: unknown key 'max_age_day' in [check] (did you mean 'max_age_days'?)"
        );
        assert_eq!(
            mistakes("[notify]\nemail = []\n"),
            "keyminder.toml:2:1: unknown key 'email' in [notify] (did you mean 'emails'?)"
        );
    }

    #[test]
    fn an_unknown_key_inside_of_a_list_is_found_too() {
        let said = mistakes("[check]\nlimits = [{ user = \"a\", max_age = 3 }]\n");
        assert!(
            said.contains("keyminder.toml:2:") && said.contains("unknown key 'max_age' (did you mean 'max_age_days'?)"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_type_says_what_would_be_right() {
        assert_eq!(
            mistakes("[function]\nmemory_mb = \"256\"\n"),
            "keyminder.toml:2:13: function.memory_mb: expected a whole number without quotes, 0 or more, found the text \"256\""
        );
        assert!(
            mistakes("[check]\nnotice = \"per_key\"\n")
                .contains("'per_key' is not one of digest, per-user, per-key (did you mean 'per-key'?)")
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
    fn a_name_that_looks_like_a_number_is_answered_with_quotes_which_are_accepted() {
        let with = |value: &str| {
            format!("[check]\nexemptions = [{{ user = {value}, until = 2030-01-31, reason = \"an agent\" }}]\n")
        };
        let said = mistakes(&with("007"));
        assert!(said.contains("keyminder.toml:2:24: ") && said.contains("write 7, or \"007\" in quotes"), "{said}");
        assert!(File::parse(Path::new("keyminder.toml"), &with("\"007\"")).is_ok());
    }

    #[test]
    fn what_is_no_toml_is_reported_with_its_place() {
        assert!(mistakes("name = \n").starts_with("keyminder.toml:1:"), "{}", mistakes("name = \n"));
    }
}
