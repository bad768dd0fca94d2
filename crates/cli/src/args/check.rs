//! The flags of `check`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use keyminder_keyage::NoticeKind;

use super::given::{Check, Given};
use super::organization::OrganizationArgs;

/// Check the age of every access key now, from this machine
///
/// Runs the same check as the function, with the same settings. It only needs read access to IAM; nothing has to be
/// installed.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  keyminder check
  keyminder check --save keys.html                   a page for an auditor
  keyminder check --at 2027-01-31                    keys that will be old by then
  keyminder check --notice                           the notices as they would be sent
  keyminder check --owners                           who would be emailed about which keys
  keyminder check --max-age-days 60 --exit-code      for CI
  keyminder check --organization                     every account of the organization")]
pub(crate) struct CheckArgs {
    /// Output format [default: table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<CheckFormat>,

    /// Write the result to this file (replaced atomically); .html, .csv or .json chooses the format
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Evaluate key ages as of this date or time, such as 2027-01-31 or 2027-01-31T09:00Z
    #[arg(long, value_name = "DATE")]
    pub(crate) at: Option<String>,

    /// Show the notices exactly as they would be sent
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true,
        value_parser = PossibleValuesParser::new(NoticeKind::ALL.iter().map(|word| word.as_str())).try_map(|word| word.parse::<NoticeKind>()))]
    pub(crate) notice: Option<Option<NoticeKind>>,

    /// Show which owners would be emailed about which keys; with --notice, their emails
    #[arg(long)]
    pub(crate) owners: bool,

    /// Only check users whose name matches; * and ? are wildcards
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// List every key, including those within the limit
    #[arg(long)]
    pub(crate) all: bool,

    /// Exit with 2 if a key is older than the limit
    #[arg(long)]
    pub(crate) exit_code: bool,

    /// Stop after this time (such as 90s or 1h) and report what could be read, with status 1 [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) many: OrganizationArgs,

    #[command(flatten)]
    pub(crate) given: Given<Check>,
}

/// Seconds, minutes or hours: `90s`, `15m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(seconds) if (1..=86_400).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("'{text}' is not a time from 1s to 24h, such as 90s, 15m or 1h")),
    }
}

impl CheckFormat {
    /// The word for it on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }

    /// The format that the name of a file asks for, if it does.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "html" | "htm" => Some(Self::Html),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The output format of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// A table with a histogram
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One line per key, safe to open in a spreadsheet
    Csv,
    /// A self-contained page for an auditor
    Html,
}
