//! How a run ends: the answer, and why it failed if it did.
//!
//! Owns the answer's shape, what counts as a failure and the words for it. It must not know how a run
//! goes, nor who hears of it.

use jiff::Timestamp;
use keyminder_keyage::notice::OwnersInformed;
use keyminder_keyage::{Notice, Report, Untrusted, notice};
use serde::{Deserialize, Serialize};

use crate::event::{Event, Mode};
use crate::mailer::Mailed;
use crate::publisher::Published;

/// Subjects and message ids that an answer lists: it goes into one line of the log, which takes 256 KB
/// ("PutLogEvents" in the CloudWatch Logs API reference).
const LISTED: usize = 500;
/// Errors that an answer lists.
const ERRORS_LISTED: usize = 20;
/// Errors that a failure tells in full.
const ERRORS_TOLD: usize = 3;

/// What the function answers: the counts of the check, and what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSummary {
    /// 1.
    pub schema: u32,
    /// `scheduled`, `by-hand`, `dry-run`, `test-notice` or `test-owner`.
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
    /// Notices that were sent.
    pub sent: u32,
    /// Notices that were to be sent and were not.
    pub unsent: u32,
    /// The subjects of the notices, the first 500; in a dry run, of those that would have been sent.
    pub subjects: Vec<String>,
    /// The ids of the messages that were sent, the first 500.
    pub published: Vec<String>,
    /// What could not be read or sent, the first few.
    pub errors: Vec<String>,
    /// Whether this event had been dealt with before, so that nothing was sent again.
    pub duplicate: bool,
    /// The word of the event to find this run by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// What was odd about the event, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The emails to owners, if owners are emailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<OwnersSummary>,
    /// How long it took.
    pub duration_ms: u64,
    /// The checker's version.
    pub version: String,
}

/// What became of the emails to owners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnersSummary {
    /// Emails that SES accepted.
    pub sent: u32,
    /// Emails that were to be sent and were not.
    pub unsent: u32,
    /// The addresses, the first 500; in a dry run, those that would have been emailed.
    pub to: Vec<String>,
    /// SES's ids of the emails, the first 500.
    pub message_ids: Vec<String>,
    /// Who was not emailed and why, the first few.
    pub errors: Vec<String>,
    /// Keys that have no owner who can be emailed.
    pub keys_without_owner: u32,
}

impl OwnersSummary {
    pub(crate) fn new(informed: &OwnersInformed, mailed: Mailed) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let failed = informed.emails.iter().filter_map(|email| Some((&email.to, email.failure.as_ref()?)));
        let of_contacts =
            informed.contacts.iter().map(|(account, why)| format!("the security contact of account {account}: {why}"));
        let unsent = count(failed.clone().count() + informed.contacts.len());
        let mut message_ids = mailed.message_ids;
        let sent = count(message_ids.len());
        message_ids.truncate(LISTED);
        Self {
            sent,
            unsent,
            to: informed.emails.iter().take(LISTED).map(|email| email.to.clone()).collect(),
            message_ids,
            errors: of_contacts.chain(failed.map(|(to, why)| format!("{to}: {why}"))).take(ERRORS_LISTED).collect(),
            keys_without_owner: count(informed.without_owner.len()),
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRun {
    /// What was done.
    pub answer: RunSummary,
    /// Why the run counts as failed, in words for whoever gets the failure notice.
    pub error: Option<String>,
}

impl FinishedRun {
    /// The end of an invocation whose function has no usable settings, `reason` being why: nothing was
    /// read or sent. `install` is whose function it is, as far as that is known.
    #[must_use]
    pub fn unusable(event: &Event, install: &str, now: Timestamp, reason: &str) -> Self {
        let answer = RunSummary {
            install: install.to_owned(),
            as_of: event.moment(now),
            warning: event.warning(now),
            errors: vec![reason.to_owned()],
            ..RunSummary::of(event)
        };
        Self { answer, error: Some(reason.to_owned()) }
    }
}

impl RunSummary {
    /// What is known before anything is done.
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            schema: 1,
            mode: event.mode.as_str().to_owned(),
            probe: event.probe.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Self::default()
        }
    }

    /// Adds what was read.
    pub(crate) fn with_report(self, report: &Report) -> Self {
        let summary = &report.summary;
        let mut errors = self.errors;
        errors.extend(report.errors.iter().take(ERRORS_LISTED).map(ToString::to_string));
        Self {
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
            errors,
            ..self
        }
    }

    /// Adds what was to be sent.
    pub(crate) fn with_notices(self, notices: &[Notice]) -> Self {
        Self { subjects: notices.iter().take(LISTED).map(|notice| notice.subject.clone()).collect(), ..self }
    }

    /// Adds what was sent and what was not, whose errors come first.
    pub(crate) fn with_published(self, published: Published) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (sent, unsent) = (count(published.message_ids.len()), count(published.errors.len() + published.untried));
        let errors = untried(&published).into_iter().chain(published.errors.iter().map(ToString::to_string));
        let errors = errors.chain(self.errors).take(ERRORS_LISTED).collect();
        let mut ids = published.message_ids;
        ids.truncate(LISTED);
        Self { sent, unsent, errors, published: ids, ..self }
    }
}

/// Why a check of an account counts as failed; `None` where everything was read and sent.
pub(crate) fn failure(report: &Report, published: &Published, mode: Mode, install: &str) -> Option<String> {
    if report.complete && published.is_complete() {
        return None;
    }
    let what = match (report.complete, published.is_complete()) {
        (false, true) => "Incomplete check",
        (true, false) => "Notices could not be sent",
        _ => "Incomplete check, and notices could not be sent",
    };
    let mut text = format!("{what}: IAM access keys in account {}.", report.account);
    if !report.complete {
        let first = report.errors.first().map(|error| Untrusted::new(&error.to_string()).cut(500)).unwrap_or_default();
        text.push_str(&format!(" Only {} could be read. First error: {first}.", report.users_read()));
        let more = report.errors.len().saturating_sub(1) + report.errors_left_out as usize;
        if more > 0 {
            let errors = if more == 1 { "error" } else { "errors" };
            text.push_str(&format!(" {more} more {errors} followed; the function's log has the first ones."));
        }
    }
    for reason in unsent(published) {
        text.push_str(&format!(" {reason}."));
    }
    if mode != Mode::DryRun {
        text.push_str(&format!(" Notices sent: {}.", published.message_ids.len()));
    }
    let why = if report.complete {
        "No one was notified about the keys in the notices that were not sent"
    } else {
        "Keys that could not be read may be old"
    };
    let flag = notice::install_flag(install);
    text.push_str(&format!(
        " {why}. To check now, run: keyminder check. To check the notifier, run: keyminder status{flag}."
    ));
    Some(text)
}

/// Which notices were not sent and why, in a few sentences however many they are.
pub(crate) fn unsent(published: &Published) -> Vec<String> {
    let mut told: Vec<String> = untried(published).into_iter().collect();
    told.extend(published.errors.iter().take(ERRORS_TOLD).map(|error| format!("A notice was not sent: {error}")));
    match published.errors.len().saturating_sub(ERRORS_TOLD) {
        0 => {}
        1 => told.push("Another notice was not sent either".to_owned()),
        more => told.push(format!("{more} more notices were not sent either")),
    }
    told
}

fn untried(published: &Published) -> Option<String> {
    let were = match published.untried {
        0 => return None,
        1 => "1 notice was".to_owned(),
        number => format!("{number} notices were"),
    };
    Some(format!("{were} not sent: the function's time was up"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::SummaryLine;
    use crate::publisher::PublishError;

    #[test]
    fn the_line_of_a_run_with_thousands_of_notices_fits_into_the_log() {
        let notice = Notice {
            subject: "s".repeat(99),
            text: String::new(),
            sms: String::new(),
            json: String::new(),
            message: String::new(),
            structured: true,
            attributes: Vec::new(),
        };
        let (subject, code, message) = ("s".repeat(99), "AuthorizationError".to_owned(), "m".repeat(1_000));
        let published = Published {
            message_ids: vec!["567910cd-659e-55d4-8ccb-5aaf14679dc0".to_owned(); 5_000],
            errors: vec![PublishError { subject, code, message, request_id: None }; 5_000],
            untried: 1,
        };
        let answer = RunSummary::of(&Event::default()).with_notices(&vec![notice; 10_001]).with_published(published);
        assert_eq!((answer.sent, answer.unsent), (5_000, 5_001));
        assert_eq!((answer.subjects.len(), answer.published.len(), answer.errors.len()), (500, 500, 20));
        assert_eq!(answer.errors[0], "1 notice was not sent: the function's time was up");
        let (timestamp, request_id) = (Timestamp::UNIX_EPOCH, String::new());
        let line = SummaryLine { timestamp, request_id, event_id: None, answer, error: None };
        assert!(line.to_json().len() < 256 * 1_024, "{}", line.to_json().len());
    }
}
