//! What strangers read, held against the program: every documented key, flag, variable, command, policy, error code
//! and link, and every example.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod configuration;
mod documents;
mod errors;
mod examples;
mod links;
mod page;
mod policies;
mod terminal;
mod walk;
