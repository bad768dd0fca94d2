//! An emulator of AWS as a process of its own: found, started on a free port, waited for, and ended with the test.
//! It knows nothing of what is asked of it.

use std::fs::File;
use std::io::{Write, stderr};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;

use crate::wire::Wire;

/// The account that both emulators are.
pub(crate) const ACCOUNT: &str = "123456789012";

const UNTIL_READY: Duration = Duration::from_secs(60);
const UNTIL_ENDED: Duration = Duration::from_secs(5);

/// Which emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Moto,
    Ministack,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Moto => "moto",
            Self::Ministack => "ministack",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Moto => "moto_server",
            Self::Ministack => "ministack",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Moto => "KEYMINDER_MOTO",
            Self::Ministack => "KEYMINDER_MINISTACK",
        }
    }

    /// Where its program is: named by the environment, in the checkout's virtual environment, or on the path.
    fn find(self) -> Option<PathBuf> {
        if let Some(named) = env::var_os(self.variable()).filter(|path| !path.is_empty()) {
            return Some(PathBuf::from(named));
        }
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin");
        let path = env::var_os("PATH").unwrap_or_default();
        std::iter::once(venv)
            .chain(env::split_paths(&path))
            .map(|folder| folder.join(self.program()))
            .find(|program| program.is_file())
    }

    fn command(self, program: &Path, port: u16) -> Command {
        let mut command = Command::new(program);
        match self {
            Self::Moto => {
                command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            }
            Self::Ministack => {
                let old_keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulators/old_keys");
                command
                    .env("GATEWAY_PORT", port.to_string())
                    .env("BIND_HOST", "127.0.0.1")
                    .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
                    .env("PYTHONPATH", old_keys)
                    .env("PYTHONDONTWRITEBYTECODE", "1");
            }
        }
        command
    }
}

/// A running emulator, empty at first. Its process and those it started end when this is dropped.
pub(crate) struct Emulator {
    pub(crate) kind: Kind,
    pub(crate) wire: Wire,
    process: Child,
    folder: TempDir,
}

impl Emulator {
    /// Starts the emulator; `None`, after saying so, where it is not installed. Where the environment has
    /// `KEYMINDER_REQUIRE_EMULATORS` a missing one fails the test, so that no run passes by skipping.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        let Some(program) = kind.find() else {
            let required = env::var_os("KEYMINDER_REQUIRE_EMULATORS").is_some_and(|value| !value.is_empty());
            assert!(!required, "{} is not installed, and KEYMINDER_REQUIRE_EMULATORS is set", kind.name());
            // Not `eprintln!`, which the test harness holds back while the test passes.
            let _ = writeln!(
                stderr(),
                "skipped: {} is not installed (python3 -m venv .venv; .venv/bin/pip install -r .ci/requirements.txt)",
                kind.name()
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let port = free_port();
        let process = kind
            .command(&program, port)
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let mut emulator = Self { kind, wire: Wire::to(port), process, folder };
        emulator.wait();
        Some(emulator)
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + UNTIL_READY;
        while !self.wire.is_answered() {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("{} ended ({status}) before it was ready:\n{}", self.kind.name(), self.log());
            }
            assert!(Instant::now() < deadline, "{} is not ready:\n{}", self.kind.name(), self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Where to point an AWS client.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.wire.port)
    }

    /// All that the emulator printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Its own children, running functions among them, are in its process group and end with it.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
        let deadline = Instant::now() + UNTIL_ENDED;
        while Instant::now() < deadline && matches!(self.process.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(20));
        }
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
