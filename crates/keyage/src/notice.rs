//! What is sent: the notices of a run.
//!
//! Owns how a report becomes subjects, texts and documents, how many there are, and that each keeps
//! within SNS's limits. It must not know how they are published.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::environment::{DEFAULT_INSTALL, Deployment};
use crate::reminder::{self, Window};
use crate::report::{Finding, Report, Summary};
use crate::schedule::Schedule;
use crate::settings::{Inactive, NoticeKind, Settings};
use crate::untrusted::shell_word;
use crate::verdict::Verdict;

mod alike;
mod chat;
mod draft;
mod envelope;
mod lines;
mod subject;
mod text;

use draft::Draft;
use text::fill;

const ALL_CLEAR: &str = include_str!("../../../assets/notice/all-clear.txt");
const TEST: &str = include_str!("../../../assets/notice/test.txt");

/// The circumstances of a run, as far as notices mention them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Which boundaries to speak of: see [`crate::reminder`].
    pub window: Window,
    /// The name of the install.
    pub install: String,
    /// The region it is installed in.
    pub region: String,
    /// The schedule of the checks.
    pub schedule: Schedule,
    /// When the next check runs, where that follows from the schedule.
    pub next_run: Option<Timestamp>,
}

impl Context {
    /// Of a run that the schedule caused; `scheduled` is the time in its event.
    #[must_use]
    pub fn scheduled(deployment: &Deployment, scheduled: Timestamp) -> Self {
        Self {
            next_run: deployment.schedule.next_after(scheduled),
            window: Window::scheduled(&deployment.schedule, scheduled),
            ..Self::by_hand(deployment, scheduled)
        }
    }

    /// Of a run by hand, which speaks of everything.
    #[must_use]
    pub fn by_hand(deployment: &Deployment, now: Timestamp) -> Self {
        Self {
            window: Window::everything(now),
            install: deployment.install.clone(),
            region: deployment.region().to_owned(),
            schedule: deployment.schedule.clone(),
            next_run: if deployment.schedule.as_str().starts_with("cron") {
                deployment.schedule.next_after(now)
            } else {
                None
            },
        }
    }
}

/// One message for SNS's `Publish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The subject: printable ASCII, under 100 characters, never empty.
    pub subject: String,
    /// What people read: plain text of at most 72 columns, names and commands excepted.
    pub text: String,
    /// The short form for SMS, at most 140 characters of ASCII.
    pub sms: String,
    /// What machines read: a document of `docs/notice.schema.json`.
    pub json: String,
    /// `Message` for `Publish`: the texts by protocol, or the chat notification.
    pub message: String,
    /// Whether `MessageStructure` is `json`.
    pub structured: bool,
    /// Message attributes, for subscriptions' filter policies.
    pub attributes: Vec<Attribute>,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// `String`.
    Text(String),
    /// `Number`.
    Number(u64),
}

/// The notices of a run: none where there is nothing to say.
///
/// A digest lists everything that is old, due, unused, exempt or unread, once any of it is due to be
/// mentioned (see [`crate::reminder`]); notices per user and per key come for what is due alone. Root
/// access keys and reading errors are mentioned by every run.
#[must_use]
pub fn notices(report: &Report, settings: &Settings, context: &Context) -> Vec<Notice> {
    let spoken: Vec<&Finding> =
        report.keys.iter().filter(|finding| reminder::speaks_of(finding, settings, context.window)).collect();
    let account_matters = report.root_access_keys.is_some_and(|keys| keys > 0) || !report.complete;
    if spoken.is_empty() && !account_matters {
        let clear = report.summary.old == 0 && report.summary.unknown == 0;
        if clear && reminder::says_all_clear(settings, context.window) {
            return vec![all_clear(report, settings, context)];
        }
        return Vec::new();
    }
    match settings.notice {
        NoticeKind::Digest => {
            let listed = report.keys.iter().filter(|finding| is_listed(finding, settings)).collect();
            Draft::new("digest", report, settings, context).with_account_matters().with(listed).notices()
        }
        NoticeKind::PerUser => {
            let mut listed: HashMap<&str, Vec<&Finding>> = HashMap::new();
            for finding in report.keys.iter().filter(|finding| is_listed(finding, settings)) {
                listed.entry(&finding.user).or_default().push(finding);
            }
            let users = spoken.into_iter().filter(|finding| finding.verdict != Verdict::Unknown);
            // A user is told of once, where the worst of the keys stands.
            let users = users.filter_map(|finding| listed.remove_entry(finding.user.as_str()));
            let of_user =
                |(user, findings)| Draft::new("user", report, settings, context).about(user).with(findings).notices();
            account_notice(report, settings, context).into_iter().chain(users.flat_map(of_user)).collect()
        }
        NoticeKind::PerKey => {
            let keys = spoken.into_iter().filter(|finding| finding.verdict != Verdict::Unknown);
            let of_key = |finding: &Finding| {
                Draft::new("key", report, settings, context).about(&finding.user).with(vec![finding]).notices()
            };
            account_notice(report, settings, context).into_iter().chain(keys.flat_map(of_key)).collect()
        }
    }
}

/// What concerns no one user alone, where notices are per user or per key.
fn account_notice(report: &Report, settings: &Settings, context: &Context) -> Vec<Notice> {
    if report.complete && report.root_access_keys.is_none_or(|keys| keys == 0) {
        return Vec::new();
    }
    let unknown = report.keys.iter().filter(|finding| finding.verdict == Verdict::Unknown).collect();
    Draft::new("account", report, settings, context).with_account_matters().with(unknown).notices()
}

/// Whether a digest has a line for it.
fn is_listed(finding: &Finding, settings: &Settings) -> bool {
    match finding.verdict {
        Verdict::Old | Verdict::Due | Verdict::Unknown | Verdict::Exempt => true,
        Verdict::Inactive => settings.inactive == Inactive::Report && finding.over_limit,
        Verdict::Fresh => finding.unused_since.is_some(),
    }
}

fn all_clear(report: &Report, settings: &Settings, context: &Context) -> Notice {
    let oldest = report.summary.oldest_age_days.map(|days| format!(", the oldest {days} days old")).unwrap_or_default();
    let (users, keys) = (report.summary.users_read.to_string(), report.summary.keys.to_string());
    let aside = set_aside(&report.summary);
    let lead = fill(ALL_CLEAR, &[("users", &users), ("keys", &keys), ("oldest", &oldest), ("aside", &aside)]);
    Draft::new("all_clear", report, settings, context).saying(lead).notice()
}

/// The keys that an all-clear does not speak for, in a line; nothing where there are none.
fn set_aside(summary: &Summary) -> String {
    let numbers = [(summary.exempt, "exempt"), (summary.inactive, "switched off")];
    let told: Vec<String> =
        numbers.iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")).collect();
    if told.is_empty() { String::new() } else { format!("Not counted: {}.\n", told.join(", ")) }
}

/// A notice that is marked as a test and says nothing about keys. `account` is the account's id.
#[must_use]
pub fn test_notice(account: &str, settings: &Settings, context: &Context) -> Notice {
    let report = Report::new(account.to_owned(), context.window.until, settings);
    Draft::new("test", &report, settings, context).saying(TEST.to_owned()).notice()
}

/// ` --name INSTALL` for the commands that a text names, and nothing for the default install.
#[must_use]
pub fn install_flag(install: &str) -> String {
    if install == DEFAULT_INSTALL { String::new() } else { format!(" --name {}", shell_word(install)) }
}
