//! What the user wants installed, checked before AWS is asked anything.

mod kms_key;
mod tags;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use keyminder_keyage::Settings;

use self::kms_key::KmsKey;
use crate::names::{ChosenNames, DEFAULT_INSTALL, Names, install_problem};
use crate::subscription::Subscription;

/// Something wrong with a setting: where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's path in the configuration file: `function.timeout_seconds`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// The processor that the function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// x86_64.
    #[default]
    X86_64,
    /// arm64, about a fifth cheaper.
    Arm64,
}

impl Architecture {
    /// As the Lambda API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// The deployment package: the zip that is uploaded.
#[derive(Clone)]
pub struct Package {
    architecture: Architecture,
    zip: Rc<BuildZip>,
}

type BuildZip = dyn Fn(Option<&str>) -> Result<Vec<u8>, String>;

impl Package {
    /// A package for an architecture. `zip` makes the zip file, with the text of `settings.json` in it where settings
    /// outgrow the function's environment; the same text has to give the same bytes.
    pub fn new(architecture: Architecture, zip: impl Fn(Option<&str>) -> Result<Vec<u8>, String> + 'static) -> Self {
        Self { architecture, zip: Rc::new(zip) }
    }

    /// What the binary in it was built for.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    pub(crate) fn zip(&self, settings: Option<&str>) -> Result<Vec<u8>, String> {
        (self.zip)(settings)
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("architecture", &self.architecture).finish_non_exhaustive()
    }
}

/// All that an install consists of, as far as the user can choose it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The install's name; several live side by side in one account.
    pub install: String,
    /// Names in place of the defaults.
    pub names: ChosenNames,
    /// Who is notified. `None`: not said, so whatever is subscribed stays.
    pub subscriptions: Option<Vec<Subscription>>,
    /// What the checker looks for and what it says.
    pub settings: Settings,
    /// When the checker runs: `rate(…)` or `cron(…)`.
    pub schedule: String,
    /// The ARN of the SQS queue that gets the events which EventBridge could not deliver to the function.
    pub dead_letter_queue: Option<String>,
    /// The uploaded code.
    pub package: Package,
    /// The function's timeout in seconds, 1 to 900.
    pub timeout_seconds: u32,
    /// The function's memory in MB, 128 to 10240.
    pub memory_mb: u32,
    /// Further environment variables of the function.
    pub environment: BTreeMap<String, String>,
    /// How long the function's log is kept, in days; one of the values that CloudWatch Logs takes.
    pub log_retention_days: u32,
    /// The topic's display name: the sender's name in e-mails.
    pub display_name: String,
    /// The KMS key that encrypts the topic: an id, ARN or alias. `None`: not encrypted at rest with a key.
    pub kms_key: Option<String>,
    /// The path of role and policy.
    pub iam_path: String,
    /// The ARN of the permissions boundary of the role.
    pub permissions_boundary: Option<String>,
    /// Tags on everything that can be tagged, beside keyminder's own.
    pub tags: BTreeMap<String, String>,
}

/// The retention periods that CloudWatch Logs takes, in days (API reference, PutRetentionPolicy).
pub const RETENTION_DAYS: [u32; 23] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, 0];

impl Spec {
    /// The defaults, with this package.
    #[must_use]
    pub fn new(package: Package) -> Self {
        Self {
            install: DEFAULT_INSTALL.to_owned(),
            names: ChosenNames::default(),
            subscriptions: None,
            settings: Settings::default(),
            schedule: "rate(1 day)".to_owned(),
            dead_letter_queue: None,
            package,
            // A run is billed for what it takes, and an account at the quota under throttling takes most of this.
            timeout_seconds: 900,
            memory_mb: 256,
            environment: BTreeMap::new(),
            log_retention_days: 90,
            display_name: "IAM access keys".to_owned(),
            kms_key: None,
            iam_path: "/".to_owned(),
            permissions_boundary: None,
            tags: BTreeMap::new(),
        }
    }

    /// Everything that is wrong with it, at once.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = install_problem(&self.install).into_iter().collect();
        let mut complain = |path: &str, message: String| problems.push(Problem::new(path, message));
        if !(1..=900).contains(&self.timeout_seconds) {
            complain("function.timeout_seconds", format!("{} is not between 1 and 900 seconds", self.timeout_seconds));
        }
        if !(128..=10_240).contains(&self.memory_mb) {
            complain("function.memory_mb", format!("{} is not between 128 and 10240 MB", self.memory_mb));
        }
        if self.log_retention_days == 0 || !RETENTION_DAYS.contains(&self.log_retention_days) {
            complain(
                "function.log_retention_days",
                format!(
                    "CloudWatch Logs does not keep logs for {} days: give 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653",
                    self.log_retention_days
                ),
            );
        }
        if self.display_name.chars().count() > 100 || self.display_name.chars().any(char::is_control) {
            complain("topic.display_name", "a display name has at most 100 characters and no line breaks".to_owned());
        }
        let path = &self.iam_path;
        if !(path.starts_with('/') && path.ends_with('/'))
            || path.len() > 512
            || path.contains("//")
            || !path.bytes().all(|b| b.is_ascii_graphic())
        {
            complain(
                "iam.path",
                format!("'{path}' is not an IAM path: it begins and ends with a slash, as in /security/"),
            );
        }
        let is_policy = |arn: &str| arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":policy/");
        if let Some(arn) = self.permissions_boundary.as_ref().filter(|arn| !is_policy(arn)) {
            complain("iam.permissions_boundary", format!("'{arn}' is not the ARN of an IAM policy"));
        }
        if let Some(message) = self.dead_letter_queue.as_deref().and_then(queue_problem) {
            complain("rule.dead_letter_queue", message);
        }
        if let Some(Err(message)) = self.kms_key.as_deref().map(KmsKey::parse) {
            complain("topic.kms_key", message);
        }
        for message in tags::problems(&self.tags, self.subscriptions.as_deref().map_or(0, <[_]>::len)) {
            complain("tags", message);
        }
        for (key, value) in &self.environment {
            let good = key.len() > 1
                && key.starts_with(|c: char| c.is_ascii_alphabetic())
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !good || RESERVED_VARIABLES.contains(&key.as_str()) {
                complain("function.environment", format!("'{key}' cannot be a variable of a Lambda function"));
            }
            if value.len() > 1024 {
                complain("function.environment", format!("the value of {key} has more than 1024 bytes"));
            }
        }
        for (index, subscription) in self.subscriptions.iter().flatten().enumerate() {
            problems.extend(
                subscription
                    .problems()
                    .into_iter()
                    .map(|message| Problem::new(format!("notify.subscriptions[{index}]"), message)),
            );
        }
        match keyminder_keyage::schedule::Schedule::parse(&self.schedule) {
            Err(error) => problems.push(Problem::new("schedule", error.to_string())),
            Ok(schedule) if schedule.next_after(jiff::Timestamp::now()).is_none() => {
                problems.push(Problem::new("schedule", format!("{} never runs again", self.schedule)));
            }
            Ok(_) => {}
        }
        if let Err(found) = self.settings.validate() {
            problems.extend(found.into_iter().map(|p| Problem::new(format!("check.{}", p.path), p.message)));
        }
        problems
    }

    /// What is wrong with it in one account and region.
    pub(crate) fn problems_in(&self, names: &Names) -> Vec<Problem> {
        let place = |arn: &String| {
            let mut parts = arn.split(':').skip(1);
            (parts.next().unwrap_or_default().to_owned(), parts.nth(1).unwrap_or_default().to_owned())
        };
        let here = (names.partition.clone(), names.region.clone());
        let elsewhere = self.dead_letter_queue.as_ref().map(place).filter(|place| *place != here);
        let queue = elsewhere.map(|(partition, region)| {
            let message = format!(
                "the queue is in {region} ({partition}), and EventBridge takes one of the rule's region {} ({})",
                names.region, names.partition
            );
            Problem::new("rule.dead_letter_queue", message)
        });
        let key = self.kms_key().and_then(|key| key.problem_in(names));
        queue.into_iter().chain(key.map(|message| Problem::new("topic.kms_key", message))).collect()
    }

    /// The topic's key, where one is named as KMS names keys.
    pub(crate) fn kms_key(&self) -> Option<KmsKey<'_>> {
        self.kms_key.as_deref().and_then(|text| KmsKey::parse(text).ok())
    }
}

/// Set by Lambda itself (Lambda Developer Guide, "Defined runtime environment variables").
const RESERVED_VARIABLES: [&str; 12] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
];

/// What EventBridge takes: a standard queue (EventBridge User Guide, "Using dead-letter queues").
fn queue_problem(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts.as_slice() else {
        return Some(format!(
            "'{arn}' is not the ARN of an SQS queue, such as arn:aws:sqs:eu-west-1:123456789012:name"
        ));
    };
    let account_is_one = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let name_is_one = (1..=80).contains(&name.len())
        && name.trim_end_matches(".fifo").bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !partition.starts_with("aws") || region.is_empty() || !name_is_one || !account_is_one {
        return Some(format!(
            "'{arn}' is not the ARN of an SQS queue, such as arn:aws:sqs:eu-west-1:123456789012:name"
        ));
    }
    name.ends_with(".fifo")
        .then(|| format!("'{arn}' is a FIFO queue, and EventBridge takes a standard one for undelivered events"))
}
