//! An emulator of AWS: started as a process on a free port and ended with the test, or one that is already running.
//! This module does not know what the tests ask of it.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;

use crate::wire::Wire;

/// The account of the emulators that the tests start.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The variable that holds the URL of AWS's own emulator.
const AWS_EMULATOR: &str = "KEYMINDER_AWS_EMULATOR";

const UNTIL_READY: Duration = Duration::from_secs(60);
const UNTIL_ENDED: Duration = Duration::from_secs(5);

/// Which emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Moto,
    Ministack,
    /// AWS's own.
    Aws,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Moto => "moto",
            Self::Ministack => "ministack",
            Self::Aws => "AWS's emulator",
        }
    }

    /// Its program: the file that the environment names, or one in the checkout's virtual environment or on the path.
    fn find(self) -> PathBuf {
        let (program, variable) = match self {
            Self::Moto => ("moto_server", "KEYMINDER_MOTO"),
            Self::Ministack => ("ministack", "KEYMINDER_MINISTACK"),
            Self::Aws => panic!("start AWS's emulator yourself and set {AWS_EMULATOR} to its URL"),
        };
        if let Some(named) = env::var_os(variable).filter(|path| !path.is_empty()) {
            return PathBuf::from(named);
        }
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin");
        let path = env::var_os("PATH").unwrap_or_default();
        std::iter::once(venv)
            .chain(env::split_paths(&path))
            .map(|folder| folder.join(program))
            .find(|program| program.is_file())
            .unwrap_or_else(|| {
                panic!(
                    "{} is not installed: python3 -m venv .venv; .venv/bin/pip install -r .ci/requirements.txt",
                    self.name()
                )
            })
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
            Self::Aws => {}
        }
        command
    }
}

/// A running emulator. If a test started it, it is empty at first, and its processes end when this is dropped.
pub(crate) struct Emulator {
    pub(crate) kind: Kind,
    pub(crate) wire: Wire,
    process: Option<Child>,
    folder: TempDir,
}

impl Emulator {
    /// The emulator at the URL in `KEYMINDER_AWS_EMULATOR`.
    pub(crate) fn running() -> Self {
        let url = env::var(AWS_EMULATOR).unwrap_or_else(|_| panic!("{AWS_EMULATOR} is not set"));
        let wire = Wire::to(url.trim_end_matches('/').to_owned());
        let mut emulator = Self { kind: Kind::Aws, wire, process: None, folder: tempfile::tempdir().unwrap() };
        emulator.wait();
        emulator
    }

    /// Starts an emulator.
    pub(crate) fn start(kind: Kind) -> Self {
        let program = kind.find();
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
        let wire = Wire::to(format!("http://127.0.0.1:{port}"));
        let mut emulator = Self { kind, wire, process: Some(process), folder };
        emulator.wait();
        emulator
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + UNTIL_READY;
        while !self.wire.is_answered() {
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().unwrap()) {
                panic!("{} ended ({status}) before it was ready:\n{}", self.kind.name(), self.log());
            }
            assert!(Instant::now() < deadline, "{} is not ready:\n{}", self.kind.name(), self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Where to point an AWS client.
    pub(crate) fn endpoint(&self) -> String {
        self.wire.url.to_owned()
    }

    /// All that the emulator printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        // Its own children, running functions among them, are in its process group and end with it.
        let group = format!("-{}", process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
        let deadline = Instant::now() + UNTIL_ENDED;
        while Instant::now() < deadline && matches!(process.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(20));
        }
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
