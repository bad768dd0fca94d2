//! The flags that describe an install: who is told, when, about what, and how the function runs.
//!
//! `setup`, `plan` and `status` share them, so that all three speak of the same wish.

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args};
use keyminder_keyage::{AllClear, Inactive, NoticeKind};

const WHO: &str = "Who is told";
const WHAT: &str = "What is checked";
const HOW: &str = "How it runs";
const NAMING: &str = "How it is marked and protected";

/// A parser for one of keyminder's word lists.
macro_rules! word {
    ($kind:ty) => {
        PossibleValuesParser::new(<$kind>::ALL.iter().map(|word| word.as_str())).try_map(|word| word.parse::<$kind>())
    };
}

/// Everything about an install that a flag can say.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SpecArgs {
    /// Tell this e-mail address (may be repeated)
    #[arg(long = "email", env = "KEYMINDER_EMAIL", value_delimiter = ',', value_name = "ADDRESS", help_heading = WHO, hide_env = true)]
    pub(crate) emails: Vec<String>,

    /// Tell an endpoint of any SNS protocol (may be repeated)
    ///
    /// Protocols: email, email-json, sms, sqs, lambda, firehose, http, https, application.
    /// Example: --subscribe sqs=arn:aws:sqs:eu-west-1:123456789012:key-ages
    #[arg(long = "subscribe", env = "KEYMINDER_SUBSCRIBE", value_delimiter = ',', value_name = "PROTOCOL=ENDPOINT", help_heading = WHO, hide_env = true)]
    pub(crate) subscriptions: Vec<String>,

    /// One notice for everything, for each user or for each key [default: digest]
    #[arg(long = "notice", env = "KEYMINDER_NOTICE", value_parser = word!(NoticeKind), value_name = "KIND", help_heading = WHO, hide_env = true)]
    pub(crate) notice_kind: Option<NoticeKind>,

    /// Whether to write when there is nothing to report [default: off]
    #[arg(long, env = "KEYMINDER_ALL_CLEAR", value_parser = word!(AllClear), value_name = "WHEN", help_heading = WHO, hide_env = true)]
    pub(crate) all_clear: Option<AllClear>,

    /// The sender's name in e-mails [default: "IAM access keys"]
    #[arg(long, env = "KEYMINDER_DISPLAY_NAME", value_name = "TEXT", help_heading = WHO, hide_env = true)]
    pub(crate) display_name: Option<String>,

    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// When to check: rate(…) or cron(…), as EventBridge writes them [default: rate(1 day)]
    #[arg(long, env = "KEYMINDER_SCHEDULE", value_name = "EXPR", help_heading = HOW, hide_env = true)]
    pub(crate) schedule: Option<String>,

    /// Keep events that EventBridge could not deliver to the function in this SQS queue
    #[arg(long, env = "KEYMINDER_DEAD_LETTER_QUEUE", value_name = "ARN", help_heading = HOW, hide_env = true)]
    pub(crate) dead_letter_queue: Option<String>,

    /// The function's timeout in seconds [default: 900]
    #[arg(long, env = "KEYMINDER_TIMEOUT", value_name = "SECONDS", allow_negative_numbers = true, value_parser = whole_number, help_heading = HOW, hide_env = true)]
    pub(crate) timeout: Option<i64>,

    /// The function's memory in MB [default: 256]
    #[arg(long, env = "KEYMINDER_MEMORY", value_name = "MB", allow_negative_numbers = true, value_parser = whole_number, help_heading = HOW, hide_env = true)]
    pub(crate) memory: Option<i64>,

    /// The processor that the function runs on: x86_64 or arm64
    #[arg(long, env = "KEYMINDER_ARCHITECTURE", value_parser = ["x86_64", "arm64"], value_name = "ARCH", help_heading = HOW, hide_env = true)]
    pub(crate) architecture: Option<String>,

    /// How many days the function's log is kept [default: 90]
    #[arg(long, env = "KEYMINDER_LOG_RETENTION_DAYS", value_name = "DAYS", allow_negative_numbers = true, value_parser = whole_number, help_heading = HOW, hide_env = true)]
    pub(crate) log_retention_days: Option<i64>,

    /// A further environment variable of the function (may be repeated)
    #[arg(long, env = "KEYMINDER_ENVIRONMENT", value_delimiter = ',', value_name = "NAME=VALUE", help_heading = HOW, hide_env = true)]
    pub(crate) environment: Vec<String>,

    /// A tag on everything that is made (may be repeated)
    #[arg(long = "tag", env = "KEYMINDER_TAG", value_delimiter = ',', value_name = "KEY=VALUE", help_heading = NAMING, hide_env = true)]
    pub(crate) tags: Vec<String>,

    /// The IAM path of role and policy [default: /]
    #[arg(long, env = "KEYMINDER_IAM_PATH", value_name = "PATH", help_heading = NAMING, hide_env = true)]
    pub(crate) iam_path: Option<String>,

    /// The ARN of the policy that bounds the role's permissions
    #[arg(long, env = "KEYMINDER_PERMISSIONS_BOUNDARY", value_name = "ARN", help_heading = NAMING, hide_env = true)]
    pub(crate) permissions_boundary: Option<String>,

    /// Encrypt the topic with this KMS key: an id, ARN or alias
    #[arg(long, env = "KEYMINDER_KMS_KEY", value_name = "KEY", help_heading = NAMING, hide_env = true)]
    pub(crate) kms_key: Option<String>,

    /// Take over what already has our names and is not marked as ours
    ///
    /// For an account that was set up by hand from the original procedure.
    #[arg(long, env = "KEYMINDER_ADOPT", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = NAMING, hide_env = true)]
    pub(crate) adopt: bool,
}

/// What makes a key worth a word.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingsArgs {
    /// A key is old when it is more than this many days old [default: 90]
    #[arg(long, env = "KEYMINDER_MAX_AGE_DAYS", value_name = "DAYS", allow_negative_numbers = true, value_parser = whole_number, help_heading = WHAT, hide_env = true)]
    pub(crate) max_age_days: Option<i64>,

    /// Days before the limit on which to warn, such as 14,7,1 [default: none]
    #[arg(long, env = "KEYMINDER_WARN_DAYS", value_delimiter = ',', value_name = "DAYS", allow_negative_numbers = true, value_parser = whole_number, help_heading = WHAT, hide_env = true)]
    pub(crate) warn_days: Vec<i64>,

    /// Days from one reminder of an old key to the next [default: 1]
    #[arg(long, env = "KEYMINDER_REPEAT_DAYS", value_name = "DAYS", allow_negative_numbers = true, value_parser = whole_number, help_heading = WHAT, hide_env = true)]
    pub(crate) repeat_days: Option<i64>,

    /// Report active keys that nobody used for more than this many days [default: do not look]
    #[arg(long, env = "KEYMINDER_UNUSED_DAYS", value_name = "DAYS", allow_negative_numbers = true, value_parser = whole_number, help_heading = WHAT, hide_env = true)]
    pub(crate) unused_days: Option<i64>,

    /// What to make of keys that are switched off [default: ignore]
    #[arg(long, env = "KEYMINDER_INACTIVE", value_parser = word!(Inactive), value_name = "HOW", help_heading = WHAT, hide_env = true)]
    pub(crate) inactive: Option<Inactive>,

    /// Look at service-specific credentials, SSH public keys and signing certificates too
    #[arg(long, env = "KEYMINDER_OTHER_CREDENTIALS", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new(), help_heading = WHAT, hide_env = true)]
    pub(crate) other_credentials: bool,
}

/// A number of any size and sign: what it may be is known where the setting is.
fn whole_number(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is not a whole number"))
}
