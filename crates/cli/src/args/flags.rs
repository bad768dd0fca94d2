//! The flags that give a setting of the configuration file, each defined once.
//!
//! A flag's id is the setting's path in the file. Its environment variable is its name in capitals after `KEYMINDER_`,
//! and the default in its help comes from the settings themselves, so neither is written here. To give a setting a flag,
//! add a [`Flag`] to the group where people will look for it.

use keyminder_keyage::{AllClear, Architecture, Inactive, NoticeKind};

/// One flag.
pub(crate) struct Flag {
    /// The setting's path in the configuration file.
    pub(crate) setting: &'static str,
    /// The flag without its dashes.
    pub(crate) name: &'static str,
    /// What it accepts.
    pub(crate) value: Value,
    /// What stands for the value in the help; empty for a switch.
    pub(crate) placeholder: &'static str,
    /// One line of help, without the default.
    pub(crate) help: &'static str,
    /// What else `--help` says.
    pub(crate) more: Option<&'static str>,
    /// `-h` shows it too.
    pub(crate) is_common: bool,
}

/// What a flag accepts.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    /// Any text.
    Text,
    /// A whole number of any size and sign: the bounds are the setting's own.
    Number,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A list, repeated or separated by commas.
    Texts,
    /// A list of numbers.
    Numbers,
    /// A table, as `KEY=VALUE`, repeated or separated by commas.
    Pairs,
    /// Subscriptions, as `PROTOCOL=ENDPOINT`.
    Subscriptions,
    /// Nothing: the flag switches it on.
    Switch,
}

/// Flags under one heading of the help.
pub(crate) struct Group {
    pub(crate) heading: &'static str,
    pub(crate) flags: &'static [Flag],
}

const fn flag(
    setting: &'static str,
    name: &'static str,
    value: Value,
    placeholder: &'static str,
    help: &'static str,
) -> Flag {
    Flag { setting, name, value, placeholder, help, more: None, is_common: false }
}

impl Flag {
    const fn common(mut self) -> Self {
        self.is_common = true;
        self
    }

    const fn more(mut self, more: &'static str) -> Self {
        self.more = Some(more);
        self
    }

    /// The environment variable that stands for it.
    pub(crate) fn variable(&self) -> String {
        super::variable(self.name)
    }
}

/// The account and the installation that any command works on.
pub(crate) const PLACE: &[Group] = &[Group {
    heading: super::global::ACCOUNT,
    flags: &[
        flag("profile", "profile", Value::Text, "PROFILE", "Use this profile of ~/.aws/config").common(),
        flag("region", "region", Value::Text, "REGION", "AWS region, such as eu-west-1").common(),
        flag(
            "endpoint_url",
            "endpoint-url",
            Value::Text,
            "URL",
            "Send all AWS requests to this URL instead (an emulator or a proxy)",
        ),
        flag("account", "account", Value::Text, "ID", "Abort unless the credentials belong to this account"),
        flag("name", "name", Value::Text, "INSTALL", "Name of the installation, if you run more than one"),
    ],
}];

/// What a check looks for.
pub(crate) const CHECK: &[Group] = &[Group {
    heading: "What is checked",
    flags: &[
        flag(
            "check.max_age_days",
            "max-age-days",
            Value::Number,
            "DAYS",
            "A key is old when it is older than this many days",
        )
        .common(),
        flag(
            "check.warn_days",
            "warn-days",
            Value::Numbers,
            "DAYS",
            "Also warn this many days before the limit, such as 14,7,1 [default: off]",
        ),
        flag(
            "check.repeat_days",
            "repeat-days",
            Value::Number,
            "DAYS",
            "Days between reminders about the same old key",
        ),
        flag(
            "check.unused_days",
            "unused-days",
            Value::Number,
            "DAYS",
            "Also report active keys that have been unused for more than this many days [default: off]",
        ),
        flag(
            "check.inactive",
            "inactive",
            Value::Word(|| Inactive::ALL.iter().map(|word| word.as_str()).collect()),
            "HOW",
            "How to treat inactive keys",
        ),
        flag(
            "check.other_credentials",
            "other-credentials",
            Value::Switch,
            "",
            "Also check service-specific credentials, SSH public keys and signing certificates",
        ),
    ],
}];

/// Who is notified and how.
pub(crate) const RECIPIENTS: &[Group] = &[Group {
    heading: "Recipients",
    flags: &[
        flag("notify.emails", "email", Value::Texts, "ADDRESS", "Notify this email address (can be repeated)").common(),
        flag(
            "notify.subscriptions",
            "subscribe",
            Value::Subscriptions,
            "PROTOCOL=ENDPOINT",
            "Notify an endpoint of any SNS protocol (can be repeated)",
        )
        .more(
            "Protocols: email, email-json, sms, sqs, lambda, firehose, http, https, application.\n\
             Example: --subscribe sqs=arn:aws:sqs:eu-west-1:123456789012:key-ages",
        )
        .common(),
        flag(
            "check.notice",
            "notice",
            Value::Word(|| NoticeKind::ALL.iter().map(|word| word.as_str()).collect()),
            "KIND",
            "Send one notice per run, per user or per key",
        ),
        flag(
            "check.all_clear",
            "all-clear",
            Value::Word(|| AllClear::ALL.iter().map(|word| word.as_str()).collect()),
            "WHEN",
            "Send an all-clear notice when there is nothing to report",
        ),
        flag("topic.display_name", "display-name", Value::Text, "TEXT", "Sender's name in emails"),
    ],
}];

/// How the function runs, and how everything is marked and protected.
pub(crate) const RUNNING: &[Group] = &[
    Group {
        heading: "Schedule and function",
        flags: &[
            flag(
                "schedule",
                "schedule",
                Value::Text,
                "EXPR",
                "When to check, as an EventBridge rate(…) or cron(…) expression",
            )
            .common(),
            flag(
                "rule.dead_letter_queue",
                "dead-letter-queue",
                Value::Text,
                "ARN",
                "SQS queue for events that EventBridge could not deliver to the function",
            ),
            flag("function.timeout_seconds", "timeout", Value::Number, "SECONDS", "Timeout of the function in seconds"),
            flag("function.memory_mb", "memory", Value::Number, "MB", "Memory of the function in MB"),
            flag(
                "function.architecture",
                "architecture",
                Value::Word(|| Architecture::ALL.iter().map(|word| word.as_str()).collect()),
                "ARCH",
                "Processor architecture of the function",
            ),
            flag(
                "function.log_retention_days",
                "log-retention-days",
                Value::Number,
                "DAYS",
                "Days to keep the function's log",
            ),
            flag(
                "function.environment",
                "environment",
                Value::Pairs,
                "NAME=VALUE",
                "Set an additional environment variable of the function (can be repeated)",
            ),
        ],
    },
    Group {
        heading: "Tags and security",
        flags: &[
            flag("tags", "tag", Value::Pairs, "KEY=VALUE", "Tag every resource (can be repeated)"),
            IAM_PATH,
            flag(
                "iam.permissions_boundary",
                "permissions-boundary",
                Value::Text,
                "ARN",
                "ARN of the permissions boundary for the role",
            ),
            flag(
                "topic.kms_key",
                "kms-key",
                Value::Text,
                "KEY",
                "Encrypt the topic with this KMS key: an id, ARN or alias",
            ),
        ],
    },
];

const IAM_PATH: Flag = flag("iam.path", "iam-path", Value::Text, "PATH", "IAM path of the role and the policy");

/// Where `teardown` finds role and policy.
pub(crate) const REMOVAL: &[Group] = &[Group { heading: super::install::RUNNING, flags: &[IAM_PATH] }];
