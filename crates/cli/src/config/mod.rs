//! What the user wants, from flags, environment, file and defaults, in that order.
//!
//! Owns the layout of the file, the precedence, and where each value came from, so that a complaint can name its place.
//! It must not know commands, nor AWS.

mod document;
mod file;
mod layout;
mod merge;
mod origins;
mod template;
mod words;

pub(crate) use file::DEFAULT_FILE;
#[cfg(test)]
pub(crate) use layout::is_setting;
pub(crate) use layout::{default_of, values};
pub(crate) use merge::Config;
pub(crate) use template::commented;
