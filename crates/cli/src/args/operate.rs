//! The commands around an install: trying it, confirming, writing a configuration, watching it work without an
//! account, handing things on.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::given::{Given, Installation};

/// Run the installed function for real and show its answer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder test                 run the check as the schedule would
  keyminder test --notice        send everybody a notice that is marked as a test
  keyminder test --from-rule     have the rule start it: proves the whole chain")]
pub(crate) struct TestArgs {
    /// Send a notice that is clearly marked as a test
    #[arg(long, conflicts_with_all = ["dry_run", "from_rule"])]
    pub(crate) notice: bool,

    /// Check and answer, and send nothing
    #[arg(long, conflicts_with = "from_rule")]
    pub(crate) dry_run: bool,

    /// Have the rule start the function: proves permission, rule and target too
    ///
    /// For a minute or two the rule runs every minute; then its schedule is put back.
    #[arg(long)]
    pub(crate) from_rule: bool,
}

/// Confirm a subscription so that one click in a forwarded mail cannot end it
///
/// Takes the link of AWS's confirmation mail (do not open it), or the token in it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder confirm 'https://sns.eu-west-1.amazonaws.com/confirmation.html?…'
  keyminder confirm --resend     send the mail again to all who have not confirmed
  keyminder confirm --resend ops@example.com")]
pub(crate) struct ConfirmArgs {
    /// The link in the confirmation mail, or its token; asked for where it is not given
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<String>,

    /// Send the confirmation mail again, to this address or to everybody who has not confirmed
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, conflicts_with = "link")]
    pub(crate) resend: Option<Option<String>>,
}

/// Write a commented keyminder.toml
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder init
  keyminder init --email ops@example.com -o infra/keyminder.toml")]
pub(crate) struct InitArgs {
    /// Where to write it; - for standard output
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "keyminder.toml")]
    pub(crate) file: PathBuf,

    /// Replace a file that is there
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) given: Given<Installation>,
}

/// See the whole story, without an AWS account
///
/// Old keys, setup, a second run, somebody breaking something, its repair, the check really run, the mail as it would
/// arrive, teardown: all in an emulated AWS on this machine.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many IAM users there are
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) users: u32,

    /// Pause before each step, so that it can be read
    #[arg(long)]
    pub(crate) slow: bool,
}

/// Serve an emulated AWS on this machine until interrupted
///
/// Prints the variables to export, then every mail as it would arrive. Any AWS client can be pointed at it.
#[derive(Debug, Args)]
#[command(after_help = "Example, in two terminals:
  keyminder sandbox --port 4580 --old 3
  eval \"$(keyminder sandbox --port 4580 --variables)\"
  keyminder setup --email you@example.com")]
pub(crate) struct SandboxArgs {
    /// The port on 127.0.0.1; any free one by default
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,

    /// How many IAM users to begin with
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub(crate) users: u32,

    /// How many of them have a key older than 90 days
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub(crate) old: u32,

    /// No delays: what was written is effective at once
    #[arg(long)]
    pub(crate) instant: bool,

    /// Only print the variables to export for a sandbox on that port, and stop
    #[arg(long, requires = "port")]
    pub(crate) variables: bool,
}

/// Hand out parts of the install: the function's package, a deployer's policy, an alarm
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder export policy > deployer.json
  keyminder export policy --read-only > auditor.json
  keyminder export alarm --topic arn:aws:sns:eu-west-1:123456789012:on-call
  keyminder export package -o checker.zip")]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) kind: ExportKind,
}

/// What to export.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportKind {
    /// The function's deployment package, a zip
    Package {
        /// Where to write it
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: PathBuf,
        /// The processor it is for
        #[arg(long, value_parser = ["x86_64", "arm64"], value_name = "ARCH")]
        architecture: Option<String>,
    },
    /// A CloudWatch alarm for when nothing starts the function any more, as 'aws cloudwatch put-metric-alarm
    /// --cli-input-json' takes it
    Alarm {
        /// The SNS topic that it tells: another than the install's, which may be what is broken
        #[arg(long, value_name = "ARN")]
        topic: String,
        /// Where to write it; standard output by default
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// The least IAM policy with which setup, status, test and teardown work
    Policy {
        /// Only what plan, status and check need, which change nothing
        #[arg(long)]
        read_only: bool,
        /// Where to write it; standard output by default
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder completions bash > ~/.local/share/bash-completion/completions/keyminder
  keyminder completions zsh > \"${fpath[1]}/_keyminder\"
  keyminder completions fish > ~/.config/fish/completions/keyminder.fish")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder man | man -l -
  keyminder man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

/// A time as people write it: `90s`, `15m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let complaint =
        || format!("'{text}' is not a time: give seconds, minutes or hours, as in 90s, 15m or 1h, and 48h at most");
    let unit = text.chars().last().ok_or_else(complaint)?;
    let (number, factor) = match unit {
        's' => (text.trim_end_matches('s'), 1),
        'm' => (text.trim_end_matches('m'), 60),
        'h' => (text.trim_end_matches('h'), 3600),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| complaint())?;
    number.checked_mul(factor).filter(|s| (1..=172_800).contains(s)).map(Duration::from_secs).ok_or_else(complaint)
}
