//! The `keyminder` command.
//!
//! Parses, dispatches, and turns what comes back into words and an exit code. Everything else is in the modules.

mod args;
mod command;
mod config;
mod error;
mod follow_up;
mod interrupt;
mod last_resort;
mod render;

use std::process::ExitCode;

fn main() -> ExitCode {
    last_resort::without_empty_variables();
    ExitCode::from(last_resort::guard(command::main, command::crashed).code())
}
