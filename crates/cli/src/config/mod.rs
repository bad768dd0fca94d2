//! What the user wants, from flags, environment, file and defaults, in that order.
//!
//! Owns the precedence and where each value came from, so that a complaint can name its place. It must not know
//! commands, nor AWS.

mod complaints;
mod document;
mod file;
mod merge;
mod origins;
mod template;

pub(crate) use file::DEFAULT_FILE;
pub(crate) use merge::Config;
pub(crate) use template::{Values, commented, values};
