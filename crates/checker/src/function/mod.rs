//! The Lambda function, but for Lambda.
//!
//! Owns the order of a run, and that one event sends one set of notices. It must not know the Lambda
//! Runtime API, nor make its own clients.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keyminder_keyage::notice::{self, Context};
use keyminder_keyage::{Deployment, Settings, notices};
use tokio::time::Instant;

use crate::check::Check;
use crate::event::{Event, Mode};
use crate::mailer::Mailer;
use crate::publisher::{Published, Publisher};
use crate::run_summary::{self, FinishedRun, RunSummary};

mod allowance;
mod owners;

use allowance::{Allowance, Expected};

/// How long publishing a failure notice takes at most.
const FAILURE_NOTICE: Duration = Duration::from_secs(2);

/// Events whose outcome is remembered while the function stays warm.
const REMEMBERED: usize = 16;

/// The function, with its clients and settings.
#[derive(Debug)]
pub struct Function {
    check: Check,
    publisher: Publisher,
    deployment: Deployment,
    mailer: Option<(Mailer, aws_sdk_account::Client)>,
    seen: Mutex<VecDeque<(String, FinishedRun)>>,
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
            mailer: None,
            seen: Mutex::new(VecDeque::new()),
        }
    }

    /// The same function with what it takes to email owners, if its settings say that it does.
    #[must_use]
    pub fn with_owners(mut self, ses: &aws_sdk_sesv2::Client, account: &aws_sdk_account::Client) -> Self {
        let owners = &self.deployment.owners;
        self.mailer = owners.is_configured().then(|| (Mailer::new(ses, owners.clone()), account.clone()));
        self
    }

    /// Deals with one event. `remaining` is the time until Lambda ends the invocation: reading stops
    /// early enough to publish what it found, and publishing early enough to say what was not sent.
    ///
    /// The same event a second time, while the function is warm, sends nothing again and comes to the
    /// same end, so that a failed run stays failed when Lambda repeats it.
    pub async fn handle(&self, event: &Event, now: Timestamp, remaining: Option<Duration>) -> FinishedRun {
        let started = Instant::now();
        if let Some(mut before) = self.before(event) {
            before.answer.duplicate = true;
            before.answer.sent = 0;
            before.answer.published.clear();
            return before;
        }
        let allowance = remaining.map(|remaining| Allowance::new(started, remaining));
        let mut outcome = match event.mode {
            Mode::TestNotice => self.test_notice(event, now, allowance).await,
            Mode::TestOwner => self.test_owner(event, now, allowance).await,
            _ => self.run(event, now, allowance).await,
        };
        let answer = &mut outcome.answer;
        answer.warning = event.warning(now);
        answer.install.clone_from(&self.deployment.install);
        self.deployment.account().clone_into(&mut answer.account);
        answer.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.remember(event, &outcome);
        outcome
    }

    async fn run(&self, event: &Event, clock: Timestamp, allowance: Option<Allowance>) -> FinishedRun {
        let now = event.moment(clock);
        let context = match (event.mode, event.scheduled(clock)) {
            (Mode::Scheduled, Some(time)) => Context::scheduled(&self.deployment, time),
            _ => Context::by_hand(&self.deployment, now),
        };
        let settings = self.check.settings();
        let mut expected = Expected::new(settings, &context, self.mailer.is_some());
        let report = match allowance {
            None => self.check.read(now, None, |_| {}).await,
            Some(allowance) => {
                let stop = |report: &_| Some(allowance.read_until(expected.messages(report)));
                self.check.read_until(now, stop, &|_| {}).await
            }
        };
        // The notices say which owners were emailed, so these come first, and leave the time that notices take.
        let until = allowance.map(|allowance| allowance.read_until(expected.notices(&report)));
        let (informed, owners) = self.write_to_owners(&report, &context, event.mode, until).await.unzip();
        let context = Context { owners: informed, ..context };
        let notices = notices(&report, settings, &context);
        let published = match event.mode {
            Mode::DryRun => Published::default(),
            _ => self.publisher.publish(&notices, allowance.map(|allowance| allowance.publish_until())).await,
        };
        let error = run_summary::failure(&report, &published, event.mode, &self.deployment.install);
        let answer = RunSummary { owners, ..RunSummary::of(event) };
        let answer = answer.with_report(&report).with_notices(&notices).with_published(published);
        FinishedRun { answer, error }
    }

    async fn test_notice(&self, event: &Event, now: Timestamp, allowance: Option<Allowance>) -> FinishedRun {
        let context = Context::by_hand(&self.deployment, now);
        let notice = notice::test_notice(self.deployment.account(), self.check.settings(), &context);
        let notices = std::slice::from_ref(&notice);
        let deadline = allowance.map(|allowance| allowance.publish_until());
        let published = self.publisher.publish(notices, deadline).await;
        let error = run_summary::unsent(&published).into_iter().next().map(|reason| {
            format!("keyminder could not publish its test notice to {}. {reason}.", self.deployment.topic_arn)
        });
        let answer = RunSummary { as_of: now, complete: true, ..RunSummary::of(event) };
        FinishedRun { answer: answer.with_notices(notices).with_published(published), error }
    }

    fn before(&self, event: &Event) -> Option<FinishedRun> {
        let id = event.id.as_deref()?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().find(|(known, _)| known == id).map(|(_, outcome)| outcome.clone())
    }

    /// Remembers a run that sent something, or had nothing to send. One that could send nothing is
    /// worth a second try.
    fn remember(&self, event: &Event, outcome: &FinishedRun) {
        let Some(id) = &event.id else { return };
        if outcome.answer.sent == 0 && outcome.error.is_some() {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back((id.clone(), outcome.clone()));
    }
}

/// Publishes that no check could be made and why, for a function whose settings cannot be used. Lambda's own record of
/// the failed run is one line of JSON; this notice says it in words.
pub async fn publish_failure(
    sns: aws_sdk_sns::Client,
    deployment: &Deployment,
    reason: &str,
    now: Timestamp,
) -> Published {
    let context = Context::by_hand(deployment, now);
    let notice = notice::failure_notice(deployment.account(), reason, &context);
    let deadline = Instant::now() + FAILURE_NOTICE;
    Publisher::new(sns, &deployment.topic_arn).publish(&[notice], Some(deadline)).await
}
