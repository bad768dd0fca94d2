//! What is sent: the notices of a run.
//!
//! Owns how a report becomes subjects, texts and documents, how many there are, and that each keeps
//! within SNS's limits. It must not know how they are published.

use jiff::Timestamp;

use crate::environment::Deployment;
use crate::reminder::Window;
use crate::report::Report;
use crate::schedule::Schedule;
use crate::settings::Settings;

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
#[must_use]
pub fn notices(_report: &Report, _settings: &Settings, _context: &Context) -> Vec<Notice> {
    Vec::new()
}
