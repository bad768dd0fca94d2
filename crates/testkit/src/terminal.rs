//! The command on a pseudo-terminal, where it asks its questions.

use std::process::Stdio;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect, Session};

use crate::command::World;

/// Starts the command on a terminal that can do nothing but print.
pub fn spawn(world: &World, arguments: &[&str]) -> OsSession {
    spawn_on(world, "dumb", arguments)
}

/// Starts the command on a kind of terminal, as `TERM` names it.
pub fn spawn_on(world: &World, kind: &str, arguments: &[&str]) -> OsSession {
    let mut command = world.command(arguments);
    command.env("TERM", kind).stdin(Stdio::inherit());
    let mut session = Session::spawn(command).unwrap();
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    session
}

/// Reads to the end, and gives the exit code.
pub fn exit_code(mut session: OsSession) -> i32 {
    let _ = session.expect(Eof);
    match session.get_process().wait().unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}
