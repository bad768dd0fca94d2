//! A run that is cut short: killed at any call, interrupted, left by its reader, out of disk, or racing another run. The
//! real process each time, and the next run makes it right.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod everywhere;
mod install;
mod process;
mod race;
mod refusal;
mod signals;
mod streams;
