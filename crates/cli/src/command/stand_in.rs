//! This command in place of the function's executable: on a system on which the package does not run, and on request.

use std::ffi::OsString;

use keyminder_bundle::available;
use keyminder_keyage::Architecture;

use crate::error::{Error, Exit};
use crate::render::Screen;

/// What the sandbox starts a function with: this command if it is asked for or needed, else nothing. Says so if it is
/// this command.
///
/// # Errors
/// The path of this command cannot be found.
pub(crate) fn run_with(screen: &Screen, is_asked_for: bool) -> Result<Vec<OsString>, Error> {
    if !is_asked_for && package_runs_here() {
        return Ok(Vec::new());
    }
    let own = std::env::current_exe()
        .map_err(|error| Error::failed("Sandbox", format!("the path of this command cannot be found: {error}")))?;
    screen.remark("The function runs as part of this command here, not from the package for Linux that it uploads.\n");
    Ok(vec![own.into(), "function".into()])
}

fn package_runs_here() -> bool {
    let processor = if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 };
    cfg!(target_os = "linux") && available().contains(&processor)
}

/// Serves as the function until the process is ended.
pub(crate) fn run() -> Exit {
    match keyminder_checker::runtime::run() {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}
