//! One run of the command as a process that can be held at a call, killed, signalled and waited for with a deadline.
//! Knows nothing of what the runs are for.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyminder_sandbox::Gate;

use keyminder_testkit::command::Ran;

/// Far longer than any run takes in a sandbox without delays, so that a run that hangs fails its test. No outcome depends
/// on it.
const DEADLINE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(2);

/// A run that was started.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: BufReader<std::process::ChildStderr>,
    told: String,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, stdout: Some(stdout), stderr, told: String::new() }
    }

    /// Waits until the run is held at the gate; not so where it ended before.
    pub fn reaches(&mut self, gate: &Gate) -> bool {
        let start = Instant::now();
        while !gate.is_reached() {
            if self.child.try_wait().unwrap().is_some() {
                return gate.is_reached();
            }
            assert!(start.elapsed() < DEADLINE, "the run neither ended nor came to its gate");
            std::thread::sleep(LOOK);
        }
        true
    }

    /// SIGKILL, and nothing is left of it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `INT` or `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads standard error until a line says this.
    pub fn says(&mut self, words: &str) {
        while !self.told.contains(words) {
            let read = self.stderr.read_line(&mut self.told).unwrap();
            assert!(read > 0, "it ended without {words:?}: {}", self.told);
        }
    }

    /// Waits for its end, and asks it to stop once `is_stuck`, as a person would.
    pub fn end_or(mut self, mut is_stuck: impl FnMut() -> bool) -> Ran {
        let start = Instant::now();
        let mut asked = false;
        while self.child.try_wait().unwrap().is_none() {
            if !asked && is_stuck() {
                asked = true;
                self.signal("INT");
            }
            assert!(start.elapsed() < DEADLINE, "the run does not end");
            std::thread::sleep(LOOK);
        }
        let status = self.child.wait().unwrap();
        self.stderr.read_to_string(&mut self.told).unwrap();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Ran { code: status.code().unwrap_or(-1), stdout, stderr: self.told }
    }

    pub fn end(self) -> Ran {
        self.end_or(|| false)
    }
}

/// Does something with each of these, two at a time, and gives back what came of it in any order.
pub fn two_at_a_time<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let queue = std::sync::Mutex::new(items);
    let results = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(item) = queue.lock().unwrap().pop() else { return };
                    let result = work(item);
                    results.lock().unwrap().push(result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}
