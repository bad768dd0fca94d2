//! How the command fails: a code, a message, what to do about it, and the exit code.
//!
//! Owns the translation of every other crate's errors; `hints.rs` says what to do about each. It must not print.

mod hints;

use std::io::ErrorKind;

use keyminder_stack::Kind;
use serde::Serialize;

/// The exit codes of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// There is a difference or a finding, and `--exit-code` asked for it.
    Difference,
    /// Wrong usage or configuration (`EX_USAGE` of BSD's sysexits).
    Usage,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Difference => 2,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }
}

/// Why the command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Error {
    /// A word for programs.
    pub(crate) code: String,
    /// What happened, for people: several lines if several things are wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
    /// The AWS operation that failed, such as `sns:CreateTopic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// What AWS support would ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// How the process ends.
    #[serde(skip)]
    pub(crate) exit: Exit,
    /// What sort of end it is.
    #[serde(skip)]
    pub(crate) end: End,
}

/// What sort of end a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Something went wrong.
    Failure,
    /// Several things are wrong: each line of the message is one of them.
    Problems,
    /// The user stopped it.
    Stopped,
}

impl Error {
    /// An error of this command's own.
    pub(crate) fn new(code: &str, message: impl Into<String>, exit: Exit) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hints: Vec::new(),
            operation: None,
            request_id: None,
            exit,
            end: End::Failure,
        }
    }

    /// The user stopped the run, which is no failure.
    pub(crate) fn stopped(code: &str, message: impl Into<String>, exit: Exit) -> Self {
        Self { end: End::Stopped, ..Self::new(code, message, exit) }
    }

    /// It failed.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, Exit::Failed)
    }

    /// It was called wrongly.
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, Exit::Usage)
    }

    /// The configuration is wrong, in each of these ways.
    pub(crate) fn problems(lines: Vec<String>) -> Self {
        Self { end: End::Problems, ..Self::usage("BadConfiguration", lines.join("\n")) }
    }

    /// The user asked to stop before anything was changed.
    pub(crate) fn interrupted() -> Self {
        Self::stopped("Interrupted", "Interrupted. Nothing was changed in the account.", Exit::Interrupted)
    }

    /// A file that could not be written or read.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            ErrorKind::NotFound => "the directory does not exist; create it first",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "use a directory that you can write to",
            _ => "use another file, or free up disk space",
        };
        Self::failed("File", format!("{doing} {}: {error}", path.display())).hint(hint)
    }

    /// The same error with one more thing to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<keyminder_stack::Error> for Error {
    fn from(error: keyminder_stack::Error) -> Self {
        let exit = match error.kind {
            Kind::Usage => Exit::Usage,
            Kind::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        };
        Self {
            message: error.to_string(),
            hints: hints::hints(&error),
            operation: Some(error.operation.to_owned()).filter(|operation| !operation.is_empty()),
            code: error.code,
            request_id: error.request_id,
            exit,
            end: if exit == Exit::Interrupted { End::Stopped } else { End::Failure },
        }
    }
}
