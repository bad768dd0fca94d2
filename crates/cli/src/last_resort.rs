//! What keeps a fault in a library from ending the process in its own way: a panic becomes an error like any other, and
//! variables that are set but empty do not reach libraries that take them for values.
//!
//! It must not know what the command does.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Exit};

/// What the first panic said, and where.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Does the work; if it panics, hands one error to `told`.
pub(crate) fn guard(work: impl FnOnce() -> Exit, told: impl FnOnce(&Error) -> Exit) -> Exit {
    set_hook(Box::new(note));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let error = Error::failed("Internal", format!("keyminder failed in a way that it should not: {what}"))
            .hint("this is a fault of keyminder: please report it, with the command that you ran")
            .hint("'keyminder plan' shows what is left to do, if this was a setup");
        catch_unwind(AssertUnwindSafe(|| told(&error))).unwrap_or(Exit::Failed)
    })
}

/// Keeps what was said instead of printing it. What a later panic says is a consequence.
fn note(info: &PanicHookInfo<'_>) {
    let said = info.payload_as_str().unwrap_or("no reason given");
    let place = info.location().map(|place| format!(" ({}:{})", file_name(place.file()), place.line()));
    let text = format!("{said}{}", place.unwrap_or_default());
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
}

/// The file without the folders of the machine that it was compiled on.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Starts the process over without variables that are set but empty, which to the AWS CLI are not set. The SDK takes
/// them for values, reads them by itself, and cannot be given others.
pub(crate) fn without_empty_variables() {
    let ours = |name: &str| name.starts_with("AWS_") || name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR";
    let empty: Vec<_> = std::env::vars_os()
        .filter(|(name, value)| name.to_str().is_some_and(ours) && value.to_string_lossy().trim().is_empty())
        .map(|(name, _)| name)
        .collect();
    let Ok(program) = std::env::current_exe() else { return };
    if empty.is_empty() {
        return;
    }
    let mut command = Command::new(program);
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    command.args(arguments);
    for name in empty {
        command.env_remove(name);
    }
    // It only comes back if it failed; then the variables stay as they are.
    let _ = std::os::unix::process::CommandExt::exec(&mut command);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_error_that_says_what_and_where() {
        let mut told = None;
        let exit = guard(
            || panic!("no such header"),
            |error| {
                told = Some(error.clone());
                error.exit
            },
        );
        let error = told.unwrap();
        assert_eq!((exit, error.code.as_str()), (Exit::Failed, "Internal"));
        assert!(error.message.contains("no such header (last_resort.rs:"), "{error:?}");
    }
}
