//! The way to AWS: what the AWS CLI takes from variables and files, proxies, certificates, and whatever answers in
//! AWS's place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod server;
mod strangers;
mod surroundings;
mod ways;

use keyminder_testkit::command::{Ran, World, finish};

/// Runs the command with further variables.
fn with(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    command.envs(variables.iter().copied());
    finish(command)
}

/// Writes a file of the AWS CLI's folder.
fn aws_file(world: &World, name: &str, text: &str) {
    std::fs::create_dir_all(world.home.path().join(".aws")).unwrap();
    world.write(&format!(".aws/{name}"), text);
}
