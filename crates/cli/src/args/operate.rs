//! The commands around an installation: testing it, confirming subscriptions, writing a configuration, trying it without
//! an account, exporting parts of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use clap_complete::Shell;
use keyminder_keyage::Architecture;

use super::given::{Given, Installation};

/// Invoke the deployed function and show the result
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder test                 run the check now, as the schedule would
  keyminder test --notice        send a test notice to all subscribers
  keyminder test --notice --owner anna@example.com
                                 email a test to one owner of keys
  keyminder test --from-rule     let the rule start the function: tests every step")]
pub(crate) struct TestArgs {
    /// Send a notice that is clearly marked as a test
    #[arg(long, conflicts_with_all = ["dry_run", "from_rule"])]
    pub(crate) notice: bool,

    /// Email the test to this owner of keys, and to nobody else
    ///
    /// The address must be in the domains of [owners] in keyminder.toml.
    #[arg(long, value_name = "ADDRESS", requires = "notice")]
    pub(crate) owner: Option<String>,

    /// Check the keys, but send nothing
    #[arg(long, conflicts_with = "from_rule")]
    pub(crate) dry_run: bool,

    /// Let the rule start the function, which also tests the rule, its target and the permission
    ///
    /// The rule runs every minute for a minute or two, then its schedule is restored.
    #[arg(long)]
    pub(crate) from_rule: bool,
}

/// Confirm an email subscription so that a forwarded email cannot cancel it
///
/// A subscription confirmed this way cannot be cancelled by the unsubscribe link in a notice.
///
/// Takes the link from the confirmation email that AWS sends, or just its token. Copy the link, do not open it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder confirm 'https://sns.eu-west-1.amazonaws.com/confirmation.html?…'
  keyminder confirm --resend     send the email again to every unconfirmed address
  keyminder confirm --resend ops@example.com")]
pub(crate) struct ConfirmArgs {
    /// The link from the confirmation email, or just its token [prompted for if omitted]
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<String>,

    /// Send the confirmation email again, to this address or to every unconfirmed one
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, conflicts_with = "link")]
    pub(crate) resend: Option<Option<String>>,
}

/// Write a commented keyminder.toml
///
/// Settings given as flags are filled in. The others are comments with their defaults.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder init
  keyminder init --email ops@example.com --max-age-days 60
  keyminder init -o infra/keyminder.toml")]
pub(crate) struct InitArgs {
    /// Write to this file; - is standard output
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "keyminder.toml")]
    pub(crate) file: PathBuf,

    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) overwrite: bool,

    #[command(flatten)]
    pub(crate) given: Given<Installation>,
}

/// Walk through every step against an emulated AWS (no account needed)
///
/// Creates users with old keys, sets up the notifier, breaks it and repairs it, runs the check, shows the email as it
/// would arrive, and tears everything down. All of it happens on this machine.
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder demo
  keyminder demo --slow      pause before each step")]
pub(crate) struct DemoArgs {
    /// Number of IAM users in the account
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) users: u32,

    /// Pause before each step
    #[arg(long)]
    pub(crate) slow: bool,

    /// Run the function as part of this command, not from the uploaded package (always, if the package does not run here)
    #[arg(long)]
    pub(crate) builtin_function: bool,
}

/// Run a local AWS emulator until you press Ctrl-C
///
/// Prints the variables to export, then each email as it would arrive. Any AWS client can use it.
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
#[command(after_help = "Example, in two terminals:
  keyminder sandbox --port 4580 --old 3
  eval \"$(keyminder sandbox --port 4580 --variables)\"
  keyminder setup --email you@example.com")]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1 [default: any free port]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,

    /// Number of IAM users to start with
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub(crate) users: u32,

    /// Number of users with a key older than 90 days
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=5000))]
    pub(crate) old: u32,

    /// Emulate an organization of this many accounts, each with its own users
    ///
    /// The credentials belong to the management account. Each other account has the role OrganizationAccountAccessRole,
    /// which AWS creates there.
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) accounts: u32,

    /// Disable simulated propagation delays
    #[arg(long)]
    pub(crate) instant: bool,

    /// Print the variables for a sandbox on that port, and exit
    #[arg(long, requires = "port")]
    pub(crate) variables: bool,

    /// Run the function as part of this command, not from the uploaded package (always, if the package does not run here)
    #[arg(long)]
    pub(crate) builtin_function: bool,
}

/// Print the deployment package, the IAM policy a deployer needs, or a CloudWatch alarm
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
        /// Write to this file
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: PathBuf,
        /// Processor architecture of the function
        #[arg(long, value_parser = architecture(), value_name = "ARCH")]
        architecture: Option<Architecture>,
    },
    /// A CloudWatch alarm that fires when the function has not been invoked
    ///
    /// The output is input for 'aws cloudwatch put-metric-alarm --cli-input-json'.
    Alarm {
        /// SNS topic that the alarm notifies; do not use the installation's own, which may be what is broken
        #[arg(long, value_name = "ARN")]
        topic: String,
        /// Write to this file [default: standard output]
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// The minimal IAM policy needed to run setup, status, test and teardown
    Policy {
        /// Only what plan, status and check need
        #[arg(long)]
        read_only: bool,
        /// Write to this file [default: standard output]
        #[arg(short = 'o', long = "out", value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Print shell completions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder completions bash > ~/.local/share/bash-completion/completions/keyminder
  keyminder completions zsh > \"${fpath[1]}/_keyminder\"
  keyminder completions fish > ~/.config/fish/completions/keyminder.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Print the manual page, or write one page per command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder man | man -l -
  keyminder man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write one page per command into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

/// Print the version and the digest of the function's package
///
/// Also the commit that it was built from, if whoever built it recorded that.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyminder version
  keyminder version --output json")]
pub(crate) struct VersionArgs {}

/// A duration as people write it: `90s`, `15m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let complaint = || format!("'{text}' is not a valid duration: use 90s, 15m or 1h, up to 48h");
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

/// Serve a Lambda Runtime API in place of the function's executable: how the sandbox runs the function if the package
/// does not run on this system
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct FunctionArgs {
    /// The executable that this command stands in for
    #[arg(value_name = "BOOTSTRAP")]
    pub(crate) bootstrap: PathBuf,
}

fn architecture() -> impl TypedValueParser<Value = Architecture> {
    PossibleValuesParser::new(Architecture::ALL.map(Architecture::as_str))
        .try_map(|name| Architecture::named(&name).ok_or("unknown architecture"))
}
