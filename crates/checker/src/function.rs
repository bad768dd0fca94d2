//! The Lambda function, but for Lambda.
//!
//! Owns what an event asks for, that one event sends one set of notices, and what counts as a failed
//! run. It must not know the Lambda Runtime API, nor make its own clients.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::notice::{self, Context};
use keyminder_keyage::{Deployment, Notice, Plain, Report, Settings, notices};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::check::Check;
pub use crate::log::{NAMESPACE, SummaryLine};
use crate::publisher::{Published, Publisher};

/// Events whose outcome is remembered while the function stays warm.
const REMEMBERED: usize = 16;

/// An event this much older than the clock is a saved test event, not a late one: Lambda drops
/// asynchronous events after six hours ("How Lambda handles errors and retries with asynchronous
/// invocation").
const LATEST: SignedDuration = SignedDuration::from_hours(6);

/// What the event asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's id, by which a second delivery is told.
    pub id: Option<String>,
    /// The time it was scheduled for.
    pub time: Option<Timestamp>,
    /// What to do.
    pub mode: Mode,
    /// A word to find the run by in the log.
    pub probe: Option<String>,
}

/// What a run does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Reads, and publishes what its schedule says is due: an event of the schedule.
    Scheduled,
    /// Reads, and publishes everything: any other event, `{}` for one.
    #[default]
    ByHand,
    /// Reads, and publishes nothing: `{"keyminder": "dry-run"}`, or any word that is none of these,
    /// which is then the probe.
    DryRun,
    /// Publishes a test notice, and reads nothing: `{"keyminder": "test-notice"}`.
    TestNotice,
}

impl Mode {
    /// The word in the answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::ByHand => "by-hand",
            Self::DryRun => "dry-run",
            Self::TestNotice => "test-notice",
        }
    }
}

impl Event {
    /// Reads an event; anything is one.
    #[must_use]
    pub fn new(event: &Value) -> Self {
        let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| text.len() <= 128);
        let word = text("keyminder");
        let mode = match word {
            Some("test-notice") => Mode::TestNotice,
            Some("run") => Mode::ByHand,
            Some(_) => Mode::DryRun,
            None if text("source") == Some("aws.events") => Mode::Scheduled,
            None => Mode::ByHand,
        };
        let probe = text("probe").or(word.filter(|word| !["test-notice", "run", "dry-run"].contains(word)));
        Self {
            id: text("id").map(str::to_owned),
            time: text("time").and_then(|time| time.parse().ok()),
            mode,
            probe: probe.map(str::to_owned),
        }
    }
}

/// What the function answers: the counts of the check, and what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// 1.
    pub schema: u32,
    /// `scheduled`, `by-hand`, `dry-run` or `test-notice`.
    pub mode: String,
    /// The account.
    pub account: String,
    /// The install.
    pub install: String,
    /// The moment that ages were counted to.
    pub as_of: Timestamp,
    /// Users there are.
    pub users: u32,
    /// Users that were read.
    pub users_read: u32,
    /// Users that could not be read.
    pub users_unknown: u32,
    /// Keys that were read.
    pub keys: u32,
    /// Keys over the limit.
    pub old: u32,
    /// Keys soon over it.
    pub due: u32,
    /// Keys that are excused.
    pub exempt: u32,
    /// Keys that are switched off.
    pub inactive: u32,
    /// Keys, or users, that could not be judged.
    pub unknown: u32,
    /// Keys that lie unused.
    pub unused: u32,
    /// Access keys of the root user; null where that could not be read.
    pub root_access_keys: Option<u32>,
    /// The age of the oldest active key in days.
    pub oldest_age_days: Option<u32>,
    /// Whether everything was read.
    pub complete: bool,
    /// The subjects of the notices; in a dry run, of those that would have been sent.
    pub subjects: Vec<String>,
    /// The ids of the messages that were sent.
    pub published: Vec<String>,
    /// What could not be read or sent, the first few.
    pub errors: Vec<String>,
    /// Whether this event had been dealt with before, so that nothing was sent again.
    pub duplicate: bool,
    /// The word of the event to find this run by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// The checker's version.
    pub version: String,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub answer: Answer,
    /// Why the run counts as failed, in words for whoever gets the failure notice.
    pub error: Option<String>,
}

/// The function, with its clients and settings.
#[derive(Debug)]
pub struct Function {
    check: Check,
    publisher: Publisher,
    deployment: Deployment,
    seen: Mutex<VecDeque<(String, Outcome)>>,
}

impl Function {
    /// A function for one install.
    #[must_use]
    pub fn new(
        iam: &aws_sdk_iam::Client,
        sns: aws_sdk_sns::Client,
        settings: Settings,
        deployment: Deployment,
    ) -> Self {
        Self {
            check: Check::new(iam, settings, deployment.account()),
            publisher: Publisher::new(sns, &deployment.topic_arn),
            deployment,
            seen: Mutex::new(VecDeque::new()),
        }
    }

    /// Deals with one event. `remaining` is the time until Lambda ends the invocation: reading stops
    /// early enough to publish.
    ///
    /// The same event a second time, while the function is warm, sends nothing again and comes to the
    /// same end, so that a failed run stays failed when Lambda repeats it.
    pub async fn handle(&self, event: &Event, now: Timestamp, remaining: Option<Duration>) -> Outcome {
        let started = Instant::now();
        if let Some(mut before) = self.before(event) {
            before.answer.duplicate = true;
            before.answer.published.clear();
            return before;
        }
        let deadline = remaining.map(|remaining| started + remaining.saturating_sub(margin(remaining)));
        let mut outcome = match event.mode {
            Mode::TestNotice => self.test_notice(now).await,
            _ => self.run(event, now, deadline).await,
        };
        let answer = &mut outcome.answer;
        answer.schema = 1;
        event.mode.as_str().clone_into(&mut answer.mode);
        answer.install.clone_from(&self.deployment.install);
        self.deployment.account().clone_into(&mut answer.account);
        answer.probe.clone_from(&event.probe);
        answer.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        env!("CARGO_PKG_VERSION").clone_into(&mut answer.version);
        self.remember(event, &outcome);
        outcome
    }

    async fn run(&self, event: &Event, clock: Timestamp, deadline: Option<Instant>) -> Outcome {
        let time = event.time.filter(|time| time.duration_since(clock) > -LATEST);
        let now = time.unwrap_or(clock);
        let report = self.check.read(now, deadline, |_| {}).await;
        let context = match (event.mode, time) {
            (Mode::Scheduled, Some(time)) => Context::scheduled(&self.deployment, time),
            _ => Context::by_hand(&self.deployment, now),
        };
        let notices = notices(&report, self.check.settings(), &context);
        let published = match event.mode {
            Mode::DryRun => Published::default(),
            _ => self.publisher.publish(&notices).await,
        };
        let error = self.failure(&report, &published, event.mode);
        Outcome { answer: answer(&report, &notices, published), error }
    }

    async fn test_notice(&self, now: Timestamp) -> Outcome {
        let context = Context::by_hand(&self.deployment, now);
        let account = self.deployment.account();
        let notice = notice::test_notice(account, self.check.settings(), &context);
        let published = self.publisher.publish(std::slice::from_ref(&notice)).await;
        let error = published.errors.first().map(|error| {
            format!("keyminder could not publish its test notice to {}: {error}", self.deployment.topic_arn)
        });
        let answer = Answer {
            as_of: now,
            complete: true,
            subjects: vec![notice.subject],
            errors: published.errors.iter().map(ToString::to_string).collect(),
            published: published.message_ids,
            ..Answer::default()
        };
        Outcome { answer, error }
    }

    fn failure(&self, report: &Report, published: &Published, mode: Mode) -> Option<String> {
        if report.complete && published.errors.is_empty() {
            return None;
        }
        let mut text = format!("The check of IAM access keys in account {} failed in part.", report.account);
        if !report.complete {
            let first = report.errors.first().map(|error| Plain::new(&error.to_string()).cut(500)).unwrap_or_default();
            text.push_str(&format!(" It read {} and could not read everything: {first}.", report.users_read()));
            let more = report.errors.len().saturating_sub(1) + report.errors_left_out as usize;
            if more > 0 {
                let errors = if more == 1 { "error" } else { "errors" };
                text.push_str(&format!(" There were {more} more {errors}: the function's log has the first."));
            }
        }
        for error in &published.errors {
            text.push_str(&format!(" A notice was not sent: {error}."));
        }
        if mode != Mode::DryRun {
            text.push_str(&format!(" Notices sent: {}.", published.message_ids.len()));
        }
        let install = notice::install_flag(&self.deployment.install);
        text.push_str(&format!(
            " Keys that were not read may be old: run \"keyminder check\" to look now, and \"keyminder status{install}\" to see whether the notifier is in order."
        ));
        Some(text)
    }

    fn before(&self, event: &Event) -> Option<Outcome> {
        let id = event.id.as_deref()?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().find(|(known, _)| known == id).map(|(_, outcome)| outcome.clone())
    }

    /// Remembers a run that sent something, or had nothing to send. One that could send nothing is
    /// worth a second try.
    fn remember(&self, event: &Event, outcome: &Outcome) {
        let Some(id) = &event.id else { return };
        if outcome.answer.published.is_empty() && outcome.error.is_some() {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back((id.clone(), outcome.clone()));
    }
}

/// The time that is kept for publishing.
fn margin(remaining: Duration) -> Duration {
    (remaining / 5).clamp(Duration::from_millis(500), Duration::from_secs(20))
}

fn answer(report: &Report, notices: &[Notice], published: Published) -> Answer {
    let summary = &report.summary;
    let errors = published.errors.iter().map(ToString::to_string);
    Answer {
        as_of: report.as_of,
        users: summary.users,
        users_read: summary.users_read,
        users_unknown: summary.users_unknown,
        keys: summary.keys,
        old: summary.old,
        due: summary.due,
        exempt: summary.exempt,
        inactive: summary.inactive,
        unknown: summary.unknown,
        unused: summary.unused,
        root_access_keys: report.root_access_keys,
        oldest_age_days: summary.oldest_age_days,
        complete: report.complete,
        subjects: notices.iter().map(|notice| notice.subject.clone()).collect(),
        errors: errors.chain(report.errors.iter().map(ToString::to_string)).take(20).collect(),
        published: published.message_ids,
        ..Answer::default()
    }
}
