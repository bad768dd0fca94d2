//! The email to the owner of keys.
//!
//! Owns what such an email says, in which order, and when the next one comes. Who gets one is in [`crate::owners::sort`].
//! It must not know how emails are sent.

use jiff::Timestamp;

use super::Context;
use super::draft::{Draft, Kind};
use super::subject::headline;
use crate::owners::{KeyId, Letter};
use crate::reminder;
use crate::report::Report;
use crate::settings::Settings;
use crate::untrusted::cut;

mod html;
mod text;

/// The longest subject.
const SUBJECT: usize = 99;

/// An email to the owner of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerEmail {
    /// The address.
    pub to: String,
    /// The subject: printable ASCII.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, in which nothing but a runbook's address is a link.
    pub html: String,
    /// Whether a tag names the address; otherwise it is an account's security contact.
    pub as_owner: bool,
    /// The keys that it is about.
    pub keys: Vec<KeyId>,
}

/// The emails of a run, in the order of the letters.
#[must_use]
pub fn owner_emails(letters: &[Letter<'_>], settings: &Settings, context: &Context) -> Vec<OwnerEmail> {
    letters.iter().filter_map(|letter| owner_email(letter, settings, context)).collect()
}

fn owner_email(letter: &Letter<'_>, settings: &Settings, context: &Context) -> Option<OwnerEmail> {
    let (first, _) = letter.accounts.first()?;
    let draft = Draft::new(Kind::User, first, settings, context).with(letter.findings().collect());
    let content = Content { letter, draft: &draft, next: next_reminder(letter, settings, context) };
    Some(OwnerEmail {
        to: letter.to.to_string(),
        subject: cut(&format!("Yours: {}", headline(&draft)), SUBJECT),
        text: text::of(&content),
        html: html::of(&content),
        as_owner: letter.as_owner,
        keys: letter.keys(),
    })
}

/// A marked test to one address, which says nothing about keys.
#[must_use]
pub fn owner_test_email(to: &str, account: &str, settings: &Settings, context: &Context) -> OwnerEmail {
    let report = Report::new(account.to_owned(), context.window.until, settings);
    let draft = Draft::new(Kind::Test, &report, settings, context);
    let subject = super::subject::subject(&draft, "");
    let text = text::test(&draft);
    OwnerEmail { to: to.to_owned(), subject, html: html::preformatted(&text), text, as_owner: true, keys: Vec::new() }
}

/// What both parts of an email say.
struct Content<'a> {
    letter: &'a Letter<'a>,
    draft: &'a Draft<'a>,
    next: Option<Next>,
}

/// When the next reminder comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// With the run at this moment.
    On(Timestamp),
    /// With the first run from this moment on; when that is does not follow from the schedule.
    From(Timestamp),
}

fn next_reminder(letter: &Letter<'_>, settings: &Settings, context: &Context) -> Option<Next> {
    let until = context.window.until;
    let boundary = letter.findings().filter_map(|finding| reminder::next_boundary(finding, settings, until)).min()?;
    // A rate counts from its last run, which a manual run does not know.
    if context.schedule.is_rate() && context.window.since.is_none() {
        return Some(Next::From(boundary));
    }
    let just_before = Timestamp::from_second(boundary.as_second().saturating_sub(1)).ok()?;
    context.schedule.next_from(until, just_before.max(until)).map(Next::On)
}

impl Content<'_> {
    /// Why the person gets the email.
    fn why(&self) -> String {
        let tag = crate::untrusted::Untrusted::without_links(&self.draft.settings.owner_tag).cut(128);
        match (self.letter.as_owner, self.letter.as_contact) {
            (true, false) => format!("You get this email because the tag \"{tag}\" of these users names your address."),
            (true, true) => format!(
                "You get this email because the tag \"{tag}\" of some of these users names your address, and because you \
                 are the security contact of an account that has keys without an owner."
            ),
            _ => {
                "You get this email because you are the security contact of an account that has keys without an owner."
                    .to_owned()
            }
        }
    }

    /// When the next reminder comes.
    fn reminder(&self) -> Option<String> {
        Some(match self.next? {
            Next::On(at) => {
                format!("The next reminder comes on {}, unless the keys are gone by then.", super::lines::date(at))
            }
            Next::From(at) => format!(
                "The next reminder comes on {} or with the next check after that, unless the keys are gone by then.",
                super::lines::date(at)
            ),
        })
    }

    /// Who else knows.
    fn others(&self) -> String {
        let mut text = "The people who look after the account get a list of all old keys, with yours.".to_owned();
        if !self.letter.others.is_empty() {
            let others: Vec<String> = self.letter.others.iter().map(ToString::to_string).collect();
            text.push_str(&format!(" Also named as owners of some of these keys: {}.", others.join(", ")));
        }
        text
    }
}
