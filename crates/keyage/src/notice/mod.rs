//! What is sent: the notices of a run.
//!
//! Owns which notices there are. A [`draft::Draft`] says what one of them is about; the mail, the chat notification,
//! the subject and the document for programs are forms that read it, and none of them knows another. It must not know
//! how notices are published.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::environment::Deployment;
use crate::reminder::{self, Window};
use crate::report::{Finding, Report};
use crate::schedule::Schedule;
use crate::settings::{Format, Inactive, NoticeKind, Settings};
use crate::verdict::Verdict;

mod alike;
mod chat;
mod commands;
mod draft;
mod envelope;
mod informed;
mod keys;
mod lines;
mod mail;
pub mod owner;
mod steps;
mod subject;
mod text;

pub use commands::install_flag;
use draft::{Draft, Kind};
pub use informed::{Emailed, OwnersInformed, WithoutOwner};
pub use owner::{OwnerEmail, owner_emails, owner_test_email};

/// The circumstances of a run, as far as notices mention them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Which events to report: see [`crate::reminder`].
    pub window: Window,
    /// The name of the installation.
    pub install: String,
    /// The region it is installed in.
    pub region: String,
    /// The schedule of the checks.
    pub schedule: Schedule,
    /// When the next check runs, if that follows from the schedule.
    pub next_run: Option<Timestamp>,
    /// What became of the emails to owners; `None` if owners are not emailed.
    pub owners: Option<OwnersInformed>,
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

    /// Of a manual run, which reports everything.
    #[must_use]
    pub fn by_hand(deployment: &Deployment, now: Timestamp) -> Self {
        Self {
            window: Window::everything(now),
            install: deployment.install.clone(),
            region: deployment.region().to_owned(),
            schedule: deployment.schedule.clone(),
            owners: None,
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
    /// What people read: plain text of at most 72 columns, except for names and commands.
    pub text: String,
    /// The short form for SMS, at most 140 characters of ASCII.
    pub sms: String,
    /// What programs read: a document of `docs/notice.schema.json`.
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

/// The notices of a run; none if there is nothing to report.
///
/// A digest lists everything that is old, due, unused, exempt or unread, as soon as any of it is to be reported (see
/// [`crate::reminder`]). Notices per user and per key are only about what is to be reported. Root access keys and
/// reading errors are reported by every run.
#[must_use]
pub fn notices(report: &Report, settings: &Settings, context: &Context) -> Vec<Notice> {
    let to_report: Vec<&Finding> =
        report.keys.iter().filter(|finding| reminder::reports(finding, settings, context.window)).collect();
    let draft = |kind| Draft::new(kind, report, settings, context);
    if to_report.is_empty() && !concerns_the_account(report) {
        let clear = report.summary.old == 0 && report.summary.unknown == 0;
        if clear && reminder::reports_all_clear(settings, context.window) {
            return written(&draft(Kind::AllClear));
        }
        return Vec::new();
    }
    match settings.notice {
        NoticeKind::Digest => {
            let listed = report.keys.iter().filter(|finding| is_listed(finding, settings)).collect();
            written(&draft(Kind::Digest).about_the_account().with(listed))
        }
        NoticeKind::PerUser => {
            let mut listed: HashMap<&str, Vec<&Finding>> = HashMap::new();
            for finding in report.keys.iter().filter(|finding| is_listed(finding, settings)) {
                listed.entry(&finding.user).or_default().push(finding);
            }
            let users = to_report.into_iter().filter(|finding| finding.verdict != Verdict::Unknown);
            // A user is reported once, in the place of the worst key.
            let users = users.filter_map(|finding| listed.remove_entry(finding.user.as_str()));
            let of_user = |(user, findings)| written(&draft(Kind::User).about(user).with(findings));
            account_notice(report, settings, context).into_iter().chain(users.flat_map(of_user)).collect()
        }
        NoticeKind::PerKey => {
            let keys = to_report.into_iter().filter(|finding| finding.verdict != Verdict::Unknown);
            let of_key = |finding: &Finding| written(&draft(Kind::Key).about(&finding.user).with(vec![finding]));
            account_notice(report, settings, context).into_iter().chain(keys.flat_map(of_key)).collect()
        }
    }
}

/// A notice that is marked as a test and says nothing about keys. `account` is the account's id.
#[must_use]
pub fn test_notice(account: &str, settings: &Settings, context: &Context) -> Notice {
    let report = Report::new(account.to_owned(), context.window.until, settings);
    one_part(&Draft::new(Kind::Test, &report, settings, context))
}

/// A notice that no check could be made, and why: sent before the run fails, as the record that Lambda then sends is
/// made for programs. `account` is the account's id.
#[must_use]
pub fn failure_notice(account: &str, reason: &str, context: &Context) -> Notice {
    let settings = Settings::default();
    let report = Report::new(account.to_owned(), context.window.until, &settings);
    one_part(&Draft::new(Kind::Failure, &report, &settings, context).because(reason))
}

/// Whether the account itself has something to report: root access keys, or a part that could not be read.
fn concerns_the_account(report: &Report) -> bool {
    !report.complete || report.root_access_keys.is_some_and(|keys| keys > 0)
}

/// What concerns no single user, if notices are per user or per key.
fn account_notice(report: &Report, settings: &Settings, context: &Context) -> Vec<Notice> {
    if !concerns_the_account(report) {
        return Vec::new();
    }
    let unknown = report.keys.iter().filter(|finding| finding.verdict == Verdict::Unknown).collect();
    written(&Draft::new(Kind::Account, report, settings, context).about_the_account().with(unknown))
}

/// Whether a digest lists it.
fn is_listed(finding: &Finding, settings: &Settings) -> bool {
    match finding.verdict {
        Verdict::Old | Verdict::Due | Verdict::Unknown | Verdict::Exempt => true,
        Verdict::Inactive => settings.inactive == Inactive::Report && finding.over_limit,
        Verdict::Fresh => finding.unused_since.is_some(),
    }
}

/// A draft in all its forms, in as many parts as its document takes.
fn written(draft: &Draft<'_>) -> Vec<Notice> {
    // A chat notification names only the worst keys, so it needs no parts.
    if draft.settings.format == Format::Chat {
        return vec![one_part(draft)];
    }
    let text = mail::text(draft, "");
    let parts = envelope::parts(draft, text::quoted(&text));
    let number = parts.len();
    let part = |(index, items): (usize, Vec<envelope::Item>)| {
        let marker = if number > 1 { format!("({}/{number})", index + 1) } else { String::new() };
        // All that people need is in the first part; the others continue the document for programs.
        let text = match index {
            0 => mail::text(draft, &marker),
            _ => mail::continuation(draft, &marker),
        };
        notice(draft, text, &marker, &envelope::document(draft, items, index + 1, number).to_string())
    };
    parts.into_iter().enumerate().map(part).collect()
}

fn one_part(draft: &Draft<'_>) -> Notice {
    let document = envelope::document(draft, envelope::items(draft), 1, 1).to_string();
    notice(draft, mail::text(draft, ""), "", &document)
}

fn notice(draft: &Draft<'_>, text: String, marker: &str, document: &str) -> Notice {
    let subject = subject::subject(draft, marker);
    let sms = subject::sms(draft);
    let structured = draft.settings.format == Format::Text;
    let message = match draft.settings.format {
        Format::Text => envelope::by_protocol(&text, &sms, document),
        Format::Chat => chat::notification(draft, &subject, &sms),
    };
    let (json, attributes) = (document.to_owned(), envelope::attributes(draft));
    Notice { subject, text, sms, json, message, structured, attributes }
}
