//! The outcome of a check of many accounts: each account with its report, or the reason why it has none.
//!
//! Owns what an account's state is, what prevented its reading, and the counts over all accounts. What was found in an
//! account is its [`Report`], the same as that of a check of one account.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;

use crate::report::{Finding, ReadError, Report, Summary};
use crate::settings::Settings;

/// Which organization was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrganizationId {
    /// `o-…`.
    pub id: String,
    /// The management account.
    pub management_account: String,
}

/// What a check of many accounts found at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationReport {
    /// The organization; `None` if it could not be read and the accounts were named.
    pub organization: Option<OrganizationId>,
    /// The moment that ages are counted to.
    pub as_of: Timestamp,
    /// When the accounts were read.
    pub made_at: Timestamp,
    /// Whether keys are judged as of another moment than `made_at`.
    pub simulated: bool,
    /// Only users with this name were checked, in which `*` and `?` are wildcards; `None` means all users.
    pub user_filter: Option<String>,
    /// The limit for users without one of their own, in days.
    pub max_age_days: u32,
    /// Whether the check stopped early because its time was over.
    pub stopped_early: bool,
    /// The accounts: those that could not be read first, then those with the most old keys.
    pub accounts: Vec<AccountReading>,
    /// What could not be read about the organization itself: accounts may be missing from `accounts`.
    pub errors: Vec<ReadError>,
}

/// The outcome for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReading {
    /// The account's id.
    pub id: String,
    /// Its name in the organization, if the organization could be read.
    pub name: Option<String>,
    /// Whether it was read.
    pub state: AccountState,
    /// Why it was not read, or not in full.
    pub reason: Option<String>,
    /// What prevented it, as far as that is known.
    pub cause: Option<Cause>,
    /// What was read.
    pub report: Option<Report>,
}

/// Whether an account was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// All or part of it could not be read: what is missing may be old.
    Unknown,
    /// It was read in full.
    Read,
    /// It joined less than a day ago and cannot be read yet.
    Arriving,
    /// It is suspended, closed or not activated yet, so its keys cannot be used.
    NotActive,
    /// The user excluded it.
    Excluded,
}

impl AccountState {
    /// The word in JSON and CSV.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Read => "read",
            Self::Arriving => "arriving",
            Self::NotActive => "not_active",
            Self::Excluded => "excluded",
        }
    }
}

impl std::fmt::Display for AccountState {
    /// The word for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::NotActive { "not active" } else { self.as_str() })
    }
}

/// What prevents an account from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The role does not exist in the account or does not trust the caller, or the caller lacks `sts:AssumeRole`.
    RoleRefused,
    /// A service control policy denies an action.
    ControlPolicy,
    /// The role (or the caller, in its own account) lacks a permission.
    NotAllowed,
    /// The caller's own credentials expired or became invalid.
    Credentials,
    /// AWS throttled the calls for too long.
    Throttled,
    /// There was no answer.
    NoAnswer,
    /// The time of the check was up.
    TimeIsUp,
    /// The organization does not say whether the account is active.
    NoState,
    /// Anything else.
    Other,
}

impl Cause {
    /// What an error means.
    #[must_use]
    pub fn of(error: &ReadError) -> Self {
        match error.code.as_str() {
            "AccessDenied" | "AccessDeniedException" if error.message.contains("service control policy") => {
                Self::ControlPolicy
            }
            "AccessDenied" | "AccessDeniedException" if error.operation == ASSUME_ROLE => Self::RoleRefused,
            "AccessDenied" | "AccessDeniedException" => Self::NotAllowed,
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
                Self::Credentials
            }
            "Timeout" | "ConnectionFailed" | "NoAnswer" => Self::NoAnswer,
            "TimeIsUp" => Self::TimeIsUp,
            code if code.contains("Throttl")
                || code.starts_with("TooManyRequests")
                || code == "RequestLimitExceeded" =>
            {
                Self::Throttled
            }
            _ => Self::Other,
        }
    }
}

/// The operation that enters an account.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The counts of a check of many accounts: those of accounts, and those of all keys that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrganizationSummary {
    /// All accounts that are listed, excluded ones too.
    pub accounts: u32,
    /// Accounts that were read in full.
    pub accounts_read: u32,
    /// Accounts that could not be read, or not in full.
    pub accounts_unknown: u32,
    /// New accounts that cannot be read yet.
    pub accounts_arriving: u32,
    /// Accounts that are suspended, closing or not activated yet.
    pub accounts_not_active: u32,
    /// Accounts that the user excluded.
    pub accounts_excluded: u32,
    /// Accounts with an old key.
    pub accounts_with_old_keys: u32,
    /// Accounts whose root user has an access key.
    pub accounts_with_root_keys: u32,
    /// The counts of keys and users.
    #[serde(flatten)]
    pub keys: Summary,
}

impl AccountReading {
    /// An account of which nothing was read.
    #[must_use]
    pub fn new(id: impl Into<String>, name: Option<String>, state: AccountState) -> Self {
        Self { id: id.into(), name, state, reason: None, cause: None, report: None }
    }

    /// The same with a reason and a cause.
    #[must_use]
    pub fn because(mut self, cause: Option<Cause>, reason: impl Into<String>) -> Self {
        (self.reason, self.cause) = (Some(reason.into()), cause);
        self
    }

    /// The counts of the keys that were read.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.report.as_ref().map(|report| report.summary.clone()).unwrap_or_default()
    }

    /// Whether the root user has an access key.
    #[must_use]
    pub fn has_root_keys(&self) -> bool {
        self.report.as_ref().and_then(|report| report.root_access_keys).is_some_and(|keys| keys > 0)
    }
}

impl OrganizationReport {
    /// The counts.
    #[must_use]
    pub fn summary(&self) -> OrganizationSummary {
        let mut all = OrganizationSummary::default();
        for account in &self.accounts {
            all.accounts += 1;
            *match account.state {
                AccountState::Unknown => &mut all.accounts_unknown,
                AccountState::Read => &mut all.accounts_read,
                AccountState::Arriving => &mut all.accounts_arriving,
                AccountState::NotActive => &mut all.accounts_not_active,
                AccountState::Excluded => &mut all.accounts_excluded,
            } += 1;
            let Some(report) = &account.report else { continue };
            all.accounts_with_old_keys += u32::from(report.summary.old > 0);
            all.accounts_with_root_keys += u32::from(account.has_root_keys());
            all.keys.add(&report.summary);
        }
        all
    }

    /// The findings of all accounts, each with its account, the worst first.
    #[must_use]
    pub fn keys(&self) -> Vec<(&AccountReading, &Finding)> {
        let mut keys: Vec<_> = self
            .accounts
            .iter()
            .flat_map(|account| account.report.iter().flat_map(|report| &report.keys).map(move |key| (account, key)))
            .collect();
        let rank = |key: &Finding| (key.verdict.rank(), Reverse(key.age_days));
        keys.sort_by(|(one, a), (other, b)| {
            let place = (&one.id, &a.user, &a.access_key_id);
            rank(a).cmp(&rank(b)).then_with(|| place.cmp(&(&other.id, &b.user, &b.access_key_id)))
        });
        keys
    }

    /// Puts the worst accounts first, in an order that does not depend on which answered first.
    pub fn sort(&mut self) {
        let rank = |account: &AccountReading| {
            let Summary { old, unknown, due, .. } = account.summary();
            (account.state, Reverse((old, account.has_root_keys(), unknown, due)))
        };
        self.accounts.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)));
    }

    /// Whether the organization was listed in full and every account that had to be read was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty() && self.accounts.iter().all(|account| account.state != AccountState::Unknown)
    }

    /// The counts as one report, without any key: what can be said about all accounts in the words for one.
    #[must_use]
    pub fn overall(&self) -> Report {
        let mut report = Report::new(String::new(), self.as_of, &Settings::default());
        report.max_age_days = self.max_age_days;
        report.summary = self.summary().keys;
        report.complete = self.is_complete();
        report.stopped_early = self.stopped_early;
        (report.made_at, report.simulated) = (self.made_at, self.simulated);
        report.user_filter.clone_from(&self.user_filter);
        report.created_later = self.reports().map(|report| report.created_later).sum();
        report
    }

    /// The reports of the accounts that were read, in full or in part.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.accounts.iter().filter_map(|account| account.report.as_ref())
    }

    /// Whether a key is over its limit, or a root user has one, in any account: what `--exit-code` answers 2 for.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.reports().any(Report::has_findings)
    }
}
