//! The flags of every command: which account, which installation, how to print.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::given::{Given, Place};

pub(super) const ACCOUNT: &str = "Account and installation";
const PRINTING: &str = "Output";

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GlobalArgs {
    /// Configuration file [default: keyminder.toml, if present]
    #[arg(long, global = true, value_name = "FILE", help_heading = ACCOUNT)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) place: Given<Place>,

    /// Output format: human-readable text or JSON
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t, hide_short_help = true, help_heading = PRINTING)]
    pub(crate) output: OutputFormat,

    /// When to use colour; auto respects NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_short_help = true, help_heading = PRINTING)]
    pub(crate) color: ColorWhen,

    /// Show more detail, including unchanged resources and the calling identity
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet", hide_short_help = true, help_heading = PRINTING)]
    pub(crate) verbose: u8,

    /// Print only results and errors
    #[arg(short, long, global = true, hide_short_help = true, help_heading = PRINTING)]
    pub(crate) quiet: bool,
}

/// The output format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Human-readable text
    #[default]
    Text,
    /// One JSON document on standard output
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// When writing to a terminal that supports colour
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
