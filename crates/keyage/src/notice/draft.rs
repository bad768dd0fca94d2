//! What a notice is about, as data: the forms of a notice read it.
//!
//! Owns the facts that more than one form needs, such as the worst key and what is to be done. It must not know any
//! form, nor make text.

use super::Context;
use crate::exemption::{ExemptionRecord, ExemptionState};
use crate::reminder;
use crate::report::{Finding, Report};
use crate::settings::{NoticeSteps, Settings};
use crate::verdict::{Remedy, Verdict};

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everything in the account.
    Digest,
    /// One user.
    User,
    /// One key.
    Key,
    /// What concerns no single user.
    Account,
    /// Nothing to report.
    AllClear,
    /// A test.
    Test,
    /// No check could be made.
    Failure,
}

impl Kind {
    /// The word for it in the document and in message attributes.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::User => "user",
            Self::Key => "key",
            Self::Account => "account",
            Self::AllClear => "all_clear",
            Self::Test => "test",
            Self::Failure => "failure",
        }
    }

    /// Whether it is the result of a check, so that counts mean something.
    pub(super) const fn is_of_a_check(self) -> bool {
        !matches!(self, Self::Test | Self::Failure)
    }
}

/// What a notice is about.
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) report: &'a Report,
    pub(super) settings: &'a Settings,
    pub(super) context: &'a Context,
    /// The keys, and the users that could not be read, worst first.
    pub(super) findings: Vec<&'a Finding>,
    pub(super) user: Option<&'a str>,
    /// Whether root keys, exemptions and errors of the whole account belong in it.
    pub(super) about_the_account: bool,
    /// Why no check could be made.
    pub(super) reason: Option<&'a str>,
}

/// Old keys, by whether they turned old since the last check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) new: u32,
    pub(super) before: u32,
}

impl<'a> Draft<'a> {
    pub(super) fn new(kind: Kind, report: &'a Report, settings: &'a Settings, context: &'a Context) -> Self {
        Self {
            kind,
            report,
            settings,
            context,
            findings: Vec::new(),
            user: None,
            about_the_account: false,
            reason: None,
        }
    }

    pub(super) fn with(self, findings: Vec<&'a Finding>) -> Self {
        Self { findings, ..self }
    }

    pub(super) fn about(self, user: &'a str) -> Self {
        Self { user: Some(user), ..self }
    }

    pub(super) fn about_the_account(self) -> Self {
        Self { about_the_account: true, ..self }
    }

    pub(super) fn because(self, reason: &'a str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The first key: of the worst verdict, the oldest.
    pub(super) fn worst(&self) -> Option<&'a Finding> {
        self.findings.iter().copied().find(|finding| finding.access_key_id.is_some())
    }

    /// How many keys (or unread users) have this verdict.
    pub(super) fn number_of(&self, verdict: Verdict) -> u32 {
        self.number(|finding| finding.verdict == verdict)
    }

    /// How many keys (or unread users) this is true of.
    pub(super) fn number(&self, is_counted: impl Fn(&Finding) -> bool) -> u32 {
        let number = self.findings.iter().filter(|finding| is_counted(finding)).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// How many access keys of the root user it reports.
    pub(super) fn root_keys(&self) -> u32 {
        self.report.root_access_keys.filter(|_| self.about_the_account).unwrap_or(0)
    }

    /// Whether it reports that not everything could be read.
    pub(super) fn is_incomplete(&self) -> bool {
        self.about_the_account && !self.report.complete
    }

    /// The exemptions that it lists: all in a digest, the expired ones in any other notice.
    pub(super) fn exemptions(&self) -> impl Iterator<Item = &'a ExemptionRecord> {
        let is_listed = |record: &&ExemptionRecord| {
            self.about_the_account && (self.kind == Kind::Digest || record.state == ExemptionState::Expired)
        };
        self.report.exemptions.iter().filter(is_listed)
    }

    /// What is to be done, with how many keys, and the key to show it with: one that it applies to, active if any is.
    pub(super) fn remedies(&self) -> Vec<(Remedy, u32, &'a Finding)> {
        let of = |remedy: Remedy| {
            let keys = || self.findings.iter().copied().filter(move |finding| finding.remedy == Some(remedy));
            let is_active = |finding: &&Finding| finding.status == Some(crate::KeyStatus::Active);
            let example = keys().find(is_active).or_else(|| keys().next())?;
            Some((remedy, self.number(|finding| finding.remedy == Some(remedy)), example))
        };
        [Remedy::Rotate, Remedy::Delete, Remedy::Replace].into_iter().filter_map(of).collect()
    }

    /// Whether to give the steps in full.
    pub(super) fn gives_full_steps(&self) -> bool {
        let is_first_time = |finding: &&Finding| match finding.verdict {
            Verdict::Old => reminder::is_new(finding, self.context.window),
            _ => false,
        };
        match self.settings.notice_steps {
            NoticeSteps::Full => true,
            NoticeSteps::Short => false,
            NoticeSteps::Auto if self.settings.runbook_url.is_some() => false,
            NoticeSteps::Auto => {
                self.context.window.since.is_none()
                    || self.number_of(Verdict::Old) == 0
                    || self.findings.iter().any(is_first_time)
            }
        }
    }

    /// How many old keys are new since the last check; `None` in a manual run, which knows no last check.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.context.window.since?;
        let old = self.number_of(Verdict::Old);
        let is_new =
            |finding: &Finding| finding.verdict == Verdict::Old && reminder::is_new(finding, self.context.window);
        let new = self.number(is_new);
        Some(Progress { new, before: old - new })
    }
}
