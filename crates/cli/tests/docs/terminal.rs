//! The built command in an empty environment, and the emulated AWS that it talks to.

use std::ffi::OsStr;
use std::process::{Command, Output};

use keyminder_sandbox::{Options, Sandbox, Seed};
use serde_json::Value;
use tempfile::TempDir;

/// The account of the examples.
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-west-1";

/// A sandbox that is some account, with a few users.
pub(crate) fn sandbox(account: &str) -> Sandbox {
    let options = Options { account: account.to_owned(), region: REGION.to_owned(), ..Options::instant() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
    sandbox.seed_users(&Seed::default());
    sandbox
}

/// An empty home, and the variables that lead to a sandbox, or nowhere.
pub(crate) struct Terminal {
    pub(crate) folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a run of the command gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    line: String,
}

impl Terminal {
    /// Where no AWS can be reached: for what is answered before it is asked.
    pub(crate) fn nowhere() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn before(sandbox: &Sandbox) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: sandbox.variables() }
    }

    /// A program with this environment and no other.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        let output = self.program(env!("CARGO_BIN_EXE_keyminder")).args(arguments).output().unwrap();
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        Run::new(&output, words.join(" "))
    }

    /// Runs it on a configuration file with this text.
    pub(crate) fn run_with(&self, file: &str, arguments: &[&str]) -> Run {
        std::fs::write(self.folder.path().join("keyminder.toml"), file).unwrap();
        self.run(arguments)
    }
}

impl Run {
    pub(crate) fn new(output: &Output, line: String) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            line,
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "`keyminder {}`\n{}\n{}", self.line, self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("`keyminder {}`: {error}\n{}\n{}", self.line, self.out, self.err))
    }
}
