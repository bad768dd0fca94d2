//! The commands that make, compare and remove an install.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

use super::SpecArgs;
use super::given::{Given, Removal};

pub(super) const RUNNING: &str = "This run";

/// Install the notifier, or bring it up to date
///
/// Reads everything, shows what would change, asks, changes it, and reads again. A second run with nothing changed
/// changes nothing. With no options on a terminal it asks for what it needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder setup --email ops@example.com
  keyminder setup --max-age-days 60 --schedule 'cron(0 7 ? * MON-FRI *)'
  keyminder setup --subscribe sqs=arn:aws:sqs:eu-west-1:123456789012:ages
  keyminder setup --adopt    take over what the procedure made by hand")]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Do not ask for confirmation
    #[arg(short, long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) yes: bool,

    /// Show what would be done and stop
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) dry_run: bool,

    /// Wait until every address has confirmed, for 15 minutes or at most this long, as in 90s, 30m or 48h
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "15m", value_parser = super::operate::duration, help_heading = RUNNING)]
    pub(crate) wait: Option<std::time::Duration>,
}

/// Show what setup would do, and do nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder plan
  keyminder plan --exit-code     exit 2 where something drifted: a check for CI
  keyminder plan --output json")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Exit with 2 where there is something to do
    #[arg(long, help_heading = RUNNING)]
    pub(crate) exit_code: bool,
}

/// Would I hear about an old key tomorrow morning?
///
/// What is installed, what drifted, who has confirmed, when it runs next, when it last ran and how that went.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder status
  keyminder status --watch       look again until everybody has confirmed
  keyminder status --exit-code   exit 2 unless all is well: a check for monitoring")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,

    /// Exit with 2 unless all is well
    #[arg(long, help_heading = RUNNING)]
    pub(crate) exit_code: bool,

    /// Look again every few seconds until nobody's confirmation is missing
    #[arg(long, help_heading = RUNNING)]
    pub(crate) watch: bool,
}

/// Remove everything that keyminder made, and only that
///
/// Shows what will be deleted, and what will not and why; asks; deletes; looks again.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  keyminder teardown
  keyminder teardown --dry-run
  keyminder teardown --yes --account 123456789012")]
pub(crate) struct TeardownArgs {
    /// Do not ask for confirmation
    #[arg(short, long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) yes: bool,

    /// Show what would be deleted and stop
    #[arg(long, action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = RUNNING)]
    pub(crate) dry_run: bool,

    /// Detach what others attached to our objects, where these could not be deleted otherwise
    #[arg(long, help_heading = RUNNING)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) given: Given<Removal>,
}
