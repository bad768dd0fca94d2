//! The `keyminder` command.
//!
//! Parses, dispatches, and turns what comes back into words and an exit code. Everything else is in the modules.

mod args;
mod command;
mod config;
mod error;
mod interrupt;
mod render;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(command::main().code())
}
