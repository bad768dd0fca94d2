//! A fresh account in the sandbox, an empty home folder and a clean environment for the real command.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use keyminder_sandbox::{Options, Sandbox, Seed};
use serde_json::Value;
use tempfile::TempDir;

/// The address that [`World::install`] subscribes.
pub const EMAIL: &str = "ops@example.com";
/// The region of the sandbox, unless a test asks for another.
pub const REGION: &str = "us-east-1";

/// One account and one person's machine.
pub struct World {
    /// The emulated AWS.
    pub sandbox: Sandbox,
    /// The home folder and working folder.
    pub home: TempDir,
}

/// What a run of the command came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// What was printed, as one line: the command breaks it to the terminal's width.
pub fn unbroken(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that what was printed has each part, whatever the terminal's width made of it.
#[track_caller]
pub fn contains(text: &str, parts: &[&str]) {
    let text = unbroken(text);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

impl Default for World {
    fn default() -> Self {
        Self::with(Options::instant())
    }
}

impl World {
    /// An empty account.
    pub fn new() -> Self {
        Self::default()
    }

    /// An account in a sandbox with these options.
    pub fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { sandbox, home: TempDir::new().unwrap() }
    }

    /// An account with that many users, some of whom have old keys.
    pub fn seeded(users: usize, old: usize) -> Self {
        let world = Self::new();
        world.sandbox.seed_users(&Seed { users, old, ..Seed::default() });
        world
    }

    /// The command, with nothing of this process's environment but the sandbox's variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = machine(self.home.path(), arguments);
        command.envs(self.sandbox.variables());
        command
    }

    /// Runs the command.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments))
    }

    /// Runs the command and expects success.
    pub fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{ran:#?}");
        ran
    }

    /// Runs the command with `--output json` and parses its one document.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let arguments = [arguments, &["--output", "json"]].concat();
        let ran = self.run(&arguments);
        let document = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
        (ran.code, document)
    }

    /// Sets the notifier up.
    pub fn install(&self) {
        self.ok(&["setup", "--email", EMAIL, "--yes"]);
    }

    /// Writes a file in the home folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    /// How many calls changed something since they were last forgotten.
    pub fn writes(&self) -> usize {
        self.sandbox.calls().iter().filter(|call| call.write).count()
    }
}

/// The command on a machine that knows no account.
pub fn machine(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("keyminder"));
    command
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Ran {
    Ran::from(command.output().unwrap())
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
