//! The flags of `check`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use keyminder_keyage::NoticeKind;

use super::given::{Check, Given};

/// Check the age of every access key from here, now
///
/// The same check that the function makes, with the same settings. It needs read access to IAM and nothing installed.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  keyminder check
  keyminder check --format html --save keys.html     a page for the auditor
  keyminder check --at 2027-01-31                    what will be old by then
  keyminder check --notice                           the very text that would be sent
  keyminder check --max-age-days 60 --exit-code      a check for CI")]
pub(crate) struct CheckArgs {
    /// The form of the result [default: table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<CheckFormat>,

    /// Write the result to this file, which is replaced only once the result is complete
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Check as if it were then: a date or a moment, such as 2027-01-31 or 2027-01-31T09:00Z
    #[arg(long, value_name = "DATE")]
    pub(crate) at: Option<String>,

    /// Show the notices that would be sent, in their very words
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true,
        value_parser = PossibleValuesParser::new(NoticeKind::ALL.iter().map(|word| word.as_str())).try_map(|word| word.parse::<NoticeKind>()))]
    pub(crate) notice: Option<Option<NoticeKind>>,

    /// Only users of this name, in which * and ? stand for any
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// List every key, fresh ones too
    #[arg(long)]
    pub(crate) all: bool,

    /// Exit with 2 where a key is over the limit
    #[arg(long)]
    pub(crate) exit_code: bool,

    #[command(flatten)]
    pub(crate) given: Given<Check>,
}

/// The form of a check's result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people, with a histogram
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One line for each key, safe to open in a spreadsheet
    Csv,
    /// One page that needs nothing else, for an auditor to keep
    Html,
}
