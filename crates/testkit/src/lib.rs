//! What the tests of several crates share. A dev-dependency only: no part of the product is built on it.
//!
//! | module | for tests of | has |
//! | --- | --- | --- |
//! | [`keys`] | the domain | users, keys and reports made of values; no AWS |
//! | [`sdk`] | the sandbox | a client of each service, packages, functions |
//! | [`checker`] | the checker | an account with users, the function in the test's own process |
//! | [`account`] | the AWS resources | an account with an installation, and what others change in it |
//! | [`race`] | two runs at once | the order of their calls, from a seed |
//! | [`figures`] | the figures in the documents | comparing and updating them |
//! | [`command`] | the command | an account, an empty home folder, the built binary |
//! | [`terminal`] | its questions | the command on a pseudo-terminal |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should say so")]

#[cfg(feature = "aws")]
pub mod account;
#[cfg(feature = "aws")]
pub mod checker;
#[cfg(feature = "aws")]
pub mod command;
pub mod figures;
pub mod keys;
#[cfg(feature = "aws")]
pub mod race;
#[cfg(feature = "aws")]
pub mod sdk;
#[cfg(feature = "aws")]
pub mod terminal;
