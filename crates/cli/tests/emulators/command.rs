//! The `keyminder` command as a person would run it against an emulator: the built binary, an environment without
//! this machine's AWS configuration, and its JSON on standard output.

use std::env::var_os;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Emulator;
use crate::wire::REGION;

/// A place to run the command in: an empty home and working folder, and an emulator instead of AWS.
pub(crate) struct Terminal {
    folder: TempDir,
    endpoint: String,
}

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) document: Value,
    line: String,
    errors: String,
}

impl Terminal {
    pub(crate) fn before(emulator: &Emulator) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), endpoint: emulator.endpoint() }
    }

    /// Runs `keyminder` with these arguments, separated by spaces, and JSON output.
    pub(crate) fn run(&self, line: &str) -> Run {
        let output = self.output(line);
        let printed = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_str(&printed)
            .unwrap_or_else(|error| panic!("`keyminder {line}` printed no JSON ({error}): {printed}\n{errors}"));
        Run { code: output.status.code().unwrap_or(-1), document, line: line.to_owned(), errors }
    }

    /// Writes a file into the working folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn output(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_keyminder"))
            .args(line.split(' '))
            .args(["--output", "json"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", REGION)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(["AWS_CA_BUNDLE", "SSL_CERT_FILE"].into_iter().filter_map(|name| Some((name, var_os(name)?))))
            .output()
            .unwrap()
    }
}

impl Run {
    /// The same, where it ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "`keyminder {}`\n{:#}\n{}", self.line, self.document, self.errors);
        self
    }

    /// The addresses of what was, or is to be, changed in this way, sorted.
    #[track_caller]
    pub(crate) fn addresses(&self, action: &str) -> Vec<&str> {
        let changes =
            self.document["changes"].as_array().unwrap_or_else(|| panic!("no changes in {:#}", self.document));
        let mut addresses: Vec<&str> = changes
            .iter()
            .filter(|change| change["action"] == action)
            .filter_map(|change| change["address"].as_str())
            .collect();
        addresses.sort_unstable();
        addresses
    }

    /// All addresses but those that stay as they are, each with its action.
    #[track_caller]
    pub(crate) fn changed(&self) -> Vec<(&str, &str)> {
        let mut changed = Vec::new();
        for action in ["create", "update", "delete"] {
            changed.extend(self.addresses(action).into_iter().map(|address| (action, address)));
        }
        changed
    }
}
