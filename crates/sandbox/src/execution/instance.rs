//! One process of a function: unpacked, started, asked, killed. Knows the Runtime API's other end, not HTTP.

use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::runtime_api::{Answered, Job, RuntimeApi};
use crate::clock::Clock;
use crate::service::lambda::LARGEST_UNPACKED;
use crate::shared::Shared;
use crate::world::{Function, LogEvent};

/// How a run of a function ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It answered.
    Response(Vec<u8>),
    /// It reported an error.
    Error(Vec<u8>),
    /// Its process ended.
    Exited(Vec<u8>),
    /// Its time was up.
    TimedOut(Vec<u8>),
}

impl Answer {
    pub(crate) fn failed(&self) -> bool {
        !matches!(self, Self::Response(_))
    }

    pub(crate) fn keeps_instance(&self) -> bool {
        matches!(self, Self::Response(_) | Self::Error(_))
    }

    pub(crate) fn into_payload(self) -> Vec<u8> {
        match self {
            Self::Response(payload) | Self::Error(payload) | Self::Exited(payload) | Self::TimedOut(payload) => payload,
        }
    }
}

/// An error as Lambda answers it for a function that could not.
pub(crate) fn error_payload(kind: &str, message: &str) -> Vec<u8> {
    json!({"errorType": kind, "errorMessage": message}).to_string().into_bytes()
}

type Lines = Arc<Mutex<Vec<LogEvent>>>;

/// A running process of a function; it is killed, and its folder removed, when this is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) fingerprint: String,
    /// The log stream it writes to.
    pub(crate) stream: String,
    child: Child,
    api: RuntimeApi,
    lines: Lines,
    readers: Vec<JoinHandle<()>>,
    _folder: TempDir,
}

/// Unpacks a package, but no more than `most` bytes, whatever sizes its entries claim.
fn unpack(code: &[u8], into: &Path, most: u64) -> Result<(), String> {
    let mut left = most;
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut archive = zip::ZipArchive::new(Cursor::new(code)).map_err(|error| told(&error))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| told(&error))?;
        // Entries that would leave the folder are left out.
        let Some(name) = entry.enclosed_name() else {
            continue;
        };
        let path = into.join(name);
        if entry.is_dir() {
            std::fs::create_dir_all(&path).map_err(|error| told(&error))?;
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| told(&error))?;
        }
        let mut file = std::fs::File::create(&path).map_err(|error| told(&error))?;
        let written = std::io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(|error| told(&error))?;
        left = left.checked_sub(written).ok_or("the unpacked package is too large")?;
        let mode = entry.unix_mode().unwrap_or(0o644);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(|error| told(&error))?;
    }
    Ok(())
}

/// Starts the process; its file may still be open for writing in a child that another thread has just forked.
async fn spawn(command: &mut Command) -> Result<Child, String> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(error) => {
                let program = command.as_std().get_program().to_string_lossy();
                return Err(format!("fork/exec {}: {error}", program.rsplit('/').next().unwrap_or_default()));
            }
            Ok(child) => return Ok(child),
        }
    }
    Err("fork/exec bootstrap: text file busy".into())
}

fn read_lines(source: impl AsyncRead + Unpin + Send + 'static, lines: Lines, clock: Clock) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        while source.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            let message = String::from_utf8_lossy(&line).into_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(LogEvent { at: clock.now(), message });
            line.clear();
        }
    })
}

impl Instance {
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        region: &str,
        function: &Function,
        fingerprint: String,
    ) -> Result<Self, String> {
        if !function.runtime.starts_with("provided") {
            return Err(format!("the sandbox runs a bootstrap only, not {}", function.runtime));
        }
        let folder =
            tempfile::Builder::new().prefix("sandbox-function-").tempdir().map_err(|error| error.to_string())?;
        unpack(&function.code, folder.path(), LARGEST_UNPACKED)?;
        let bootstrap = folder.path().join("bootstrap");
        if !bootstrap.is_file() {
            return Err("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".into());
        }
        let api = RuntimeApi::start(shared.options.idle_timeout).await.map_err(|error| error.to_string())?;
        let (key, session, stream) = {
            let mut world = shared.world();
            let role = function.role.rsplit('/').next().unwrap_or_default();
            let account = world.account.clone();
            let (key, session) = world.new_session(&account, role, &function.role_id, &function.name);
            world.sessions.insert(key.clone(), session.clone());
            let day = shared.clock.now().strftime("%Y/%m/%d").to_string();
            let stream = format!("{day}/[$LATEST]{}", world.ids.hex(32));
            (key, session, stream)
        };
        let log_group = super::journal::group_of(function);
        let mut command = match shared.options.run_with.split_first() {
            None => Command::new(&bootstrap),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&bootstrap);
                command
            }
        };
        command
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin")
            .env("LANG", "en_US.UTF-8")
            .env("TZ", ":UTC")
            .env("LAMBDA_TASK_ROOT", folder.path())
            .env("LAMBDA_RUNTIME_DIR", "/var/runtime")
            .env("_HANDLER", &function.handler)
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", &log_group)
            .env("AWS_LAMBDA_LOG_STREAM_NAME", &stream)
            .env("AWS_REGION", region)
            .env("AWS_DEFAULT_REGION", region)
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", session.secret_access_key)
            .env("AWS_SESSION_TOKEN", session.token)
            .env("AWS_ENDPOINT_URL", &shared.endpoint)
            .envs(&function.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = spawn(&mut command).await?;
        let lines = Lines::default();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(read_lines(stdout, Arc::clone(&lines), shared.clock.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(read_lines(stderr, Arc::clone(&lines), shared.clock.clone()));
        }
        Ok(Self { fingerprint, stream, child, api, lines, readers, _folder: folder })
    }

    /// Has it handle one event, in the real time that its timeout leaves.
    pub(crate) async fn invoke(&mut self, function: &Function, id: &str, payload: &[u8]) -> Answer {
        let timeout = Duration::from_secs(function.timeout);
        let answered = self.api.send(Job::new(id, &function.arn, payload, timeout));
        tokio::select! {
            biased;
            answered = answered => match answered {
                Some(Answered::Response(payload)) => Answer::Response(payload),
                Some(Answered::Error(payload)) => Answer::Error(payload),
                Some(Answered::InitError(payload)) => Answer::Exited(payload),
                None => Answer::Exited(error_payload("Runtime.ExitError", &format!("RequestId: {id} Error: Runtime exited"))),
            },
            status = self.child.wait() => {
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let how = if how.contains("status: 0") { "Runtime exited without providing a reason".to_owned() } else {
                    format!("Runtime exited with error: {}", how.replace("exit status: ", "exit status "))
                };
                // What it said last comes first.
                match self.api.init_error() {
                    Some(payload) => Answer::Exited(payload),
                    None => Answer::Exited(error_payload("Runtime.ExitError", &format!("RequestId: {id} Error: {how}"))),
                }
            }
            () = tokio::time::sleep(timeout) => {
                let _ = self.child.kill().await;
                let message = format!("RequestId: {id} Error: Task timed out after {}.00 seconds", function.timeout);
                Answer::TimedOut(error_payload("Sandbox.Timedout", &message))
            }
        }
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the last lines of a process that has ended.
    pub(crate) async fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = tokio::time::timeout(Duration::from_millis(500), reader).await;
        }
    }

    pub(crate) fn take_lines(&self) -> Vec<LogEvent> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The most memory it has used, in megabytes, where the system tells.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes.div_ceil(1024))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_package_is_not_unpacked_beyond_the_limit() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["bootstrap", "more"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("an entry");
            zip.write_all(&[0; 600]).expect("its bytes");
        }
        let code = zip.finish().expect("a zip").into_inner();
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(unpack(&code, folder.path(), 1200), Ok(()));
        assert_eq!(unpack(&code, folder.path(), 1199), Err("the unpacked package is too large".to_owned()));
    }
}
