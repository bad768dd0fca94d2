//! The Lambda function's executable, `bootstrap`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match keyminder_checker::runtime::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
