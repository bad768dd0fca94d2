//! The flags that describe an installation: who is notified, when, about what, and how the function runs.
//!
//! `setup`, `plan` and `status` share them, so that all three mean the same installation.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

use super::given::{Given, Installation};

/// Everything about an installation that a flag can give.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SpecArgs {
    #[command(flatten)]
    pub(crate) given: Given<Installation>,

    /// Adopt existing resources that have the expected names but no keyminder tags
    ///
    /// For an account that was set up by hand from the original procedure.
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), hide_short_help = true, help_heading = "Tags and security")]
    pub(crate) adopt: bool,
}
