//! The commands that install, compare and remove the notifier.

use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::{ArgAction, Args};
use keyminder_stack::extras;

use super::SpecArgs;
use super::given::{Given, Removal};

pub(super) const RUNNING: &str = "This run";

/// Install or update the notifier
///
/// Compares your account with your configuration, shows the differences, asks for confirmation, applies them, and
/// verifies the result. It is safe to run again: if nothing differs, nothing is changed. On a terminal, with no options
/// and no keyminder.toml, it prompts for what it needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder setup --email ops@example.com
  keyminder setup --max-age-days 60 --schedule 'cron(0 7 ? * MON-FRI *)'
  keyminder setup --subscribe sqs=arn:aws:sqs:eu-west-1:123456789012:ages
  keyminder setup --adopt    adopt an installation that was set up by hand")]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Do not ask for confirmation
    #[arg(short, long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) yes: bool,

    /// Show what would change, without changing anything
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) dry_run: bool,

    /// Reset settings that nothing configures to their defaults
    #[arg(long, hide_short_help = true, help_heading = RUNNING)]
    pub(crate) defaults: bool,

    /// Install even if no one would be notified
    #[arg(long, hide_short_help = true, help_heading = RUNNING)]
    pub(crate) no_recipients: bool,

    /// Wait until every address has confirmed; give up after TIME [default: 15m]
    ///
    /// TIME is a number of seconds, minutes or hours: 90s, 30m or 48h.
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "15m", value_parser = super::operate::duration, help_heading = RUNNING)]
    pub(crate) wait: Option<std::time::Duration>,

    /// Keep the installed function code if its CodeSha256 is listed in function.trusted_code
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), hide_short_help = true, help_heading = RUNNING)]
    pub(crate) keep_code: bool,

    /// Remove what others added at ADDRESS, as the plan names it
    ///
    /// Removes everything there that gives access or takes notices out, unless keyminder.toml allows it. May be given
    /// several times. Without this option, nothing that others added is removed unless you say so on a terminal.
    #[arg(long, value_name = "ADDRESS", value_parser = PossibleValuesParser::new(extras::ADDRESSES), hide_possible_values = true, hide_short_help = true, help_heading = RUNNING)]
    pub(crate) remove_foreign: Vec<String>,
}

/// Show what setup would change, without changing anything
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder plan
  keyminder plan --exit-code     exit with 2 if anything has drifted (for CI)
  keyminder plan --output json")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Exit with 2 if there are changes to make
    #[arg(long, help_heading = RUNNING)]
    pub(crate) exit_code: bool,

    /// Keep the installed function code if its CodeSha256 is listed in function.trusted_code
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), hide_short_help = true, help_heading = RUNNING)]
    pub(crate) keep_code: bool,
}

/// Check that the notifier is healthy: installed, running, and subscribed to
///
/// Shows what is installed, what has drifted, who has confirmed, when the next check is due, and how the last one went.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder status
  keyminder status --watch       update until every address has confirmed
  keyminder status --exit-code   exit with 2 if anything is wrong (for monitoring)")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Exit with 2 unless the notifier is healthy
    #[arg(long, help_heading = RUNNING)]
    pub(crate) exit_code: bool,

    /// Update every few seconds until every address has confirmed
    #[arg(long, help_heading = RUNNING)]
    pub(crate) watch: bool,
}

/// Delete everything keyminder created, and nothing else
///
/// Shows what will be deleted, and what will stay and why. Asks for confirmation, deletes, and verifies the result.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  keyminder teardown
  keyminder teardown --dry-run
  keyminder teardown --yes --account 123456789012")]
pub(crate) struct TeardownArgs {
    /// Do not ask for confirmation
    #[arg(short, long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) yes: bool,

    /// Show what would be deleted, without deleting anything
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) dry_run: bool,

    /// Detach anything others have attached to keyminder's resources, if it blocks their deletion
    #[arg(long, help_heading = RUNNING)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) given: Given<Removal>,
}
