//! The flags of every command: which account, which install, how to print.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

const ACCOUNT: &str = "Account and install";
const PRINTING: &str = "Printing";

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GlobalArgs {
    /// Configuration file [default: keyminder.toml, where there is one]
    #[arg(long, global = true, env = "KEYMINDER_CONFIG", value_name = "FILE", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) config: Option<PathBuf>,

    /// Profile of ~/.aws/config to use
    #[arg(long, global = true, env = "KEYMINDER_PROFILE", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) profile: Option<String>,

    /// AWS region, such as eu-west-1
    #[arg(long, global = true, env = "KEYMINDER_REGION", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) region: Option<String>,

    /// Another endpoint than AWS's: an emulator or a proxy
    #[arg(long, global = true, env = "KEYMINDER_ENDPOINT_URL", value_name = "URL", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) endpoint_url: Option<String>,

    /// Refuse to work in any other account than this one
    #[arg(long, global = true, env = "KEYMINDER_ACCOUNT", value_name = "ID", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) account: Option<String>,

    /// Which install, where there are several side by side [default: default]
    #[arg(long, global = true, env = "KEYMINDER_NAME", value_name = "INSTALL", help_heading = ACCOUNT, hide_env = true)]
    pub(crate) name: Option<String>,

    /// Text for people, or one JSON document
    #[arg(long, global = true, env = "KEYMINDER_OUTPUT", value_enum, default_value_t, help_heading = PRINTING, hide_env = true)]
    pub(crate) output: OutputFormat,

    /// When to use colour; auto also honours NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, env = "KEYMINDER_COLOR", value_enum, default_value_t, value_name = "WHEN", help_heading = PRINTING, hide_env = true)]
    pub(crate) color: ColorWhen,

    /// Say more: what stays unchanged, who is calling
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet", help_heading = PRINTING)]
    pub(crate) verbose: u8,

    /// Say only results and errors: no progress, no remarks
    #[arg(short, long, global = true, help_heading = PRINTING)]
    pub(crate) quiet: bool,
}

/// The form of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document on standard output
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal that shows it
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
