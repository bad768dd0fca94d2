//! A check of many accounts, each through a role in it.
//!
//! Owns the order of things: accounts are listed page by page while those already listed are read, many at once, each at
//! its own pace and by the same code as a check of one account. An account that cannot be read is a finding and ends
//! nothing. It must not know notices, nor how a report is shown.

mod directory;
mod session;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::config::SharedCredentialsProvider;
use futures::StreamExt;
use futures::channel::mpsc;
use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::organization::ASSUME_ROLE;
use keyminder_keyage::{AccountReading, AccountState, Cause, OrganizationId, OrganizationReport, ReadError, Settings};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::directory::{Directory, Listed};
use self::session::{Renewing, Sessions};
use crate::check::{Among, Check, Progress, Scope};
use crate::publisher::by;

/// Accounts that are read at once.
const ACCOUNTS: usize = 128;
/// Calls that are under way at once, in all accounts.
const CALLS: usize = 256;
/// Users of one account that are read at once: the account's own automation shares its limit.
const USERS: usize = 8;
/// An account that answers nothing for so long is read no further.
const SILENCE: Duration = Duration::from_secs(10);
/// An account that joined less than this ago may not have its role yet.
const ARRIVING: SignedDuration = SignedDuration::from_hours(24);

/// The actions that a check of many accounts needs beyond those in each account, as IAM policies name them, in order.
pub const ORGANIZATION_ACTIONS: &[&str] =
    &["organizations:DescribeOrganization", "organizations:ListAccounts", "sts:AssumeRole"];

/// The actions that naming units adds.
pub const UNIT_ACTIONS: &[&str] =
    &["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"];

/// The clients of a check of many accounts, with the caller's credentials.
#[derive(Debug, Clone)]
pub struct OrganizationClients {
    /// IAM, of the caller's own account.
    pub iam: aws_sdk_iam::Client,
    /// Lists the accounts.
    pub organizations: aws_sdk_organizations::Client,
    /// Gives the credentials of the role in each account.
    pub sts: aws_sdk_sts::Client,
}

/// Which accounts are read, and through which role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The role's name in every account, with its path if it has one.
    pub role: String,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// Only these accounts, if any are named.
    pub accounts: Vec<String>,
    /// Not these accounts.
    pub except: Vec<String>,
    /// Only accounts in these units and the units in them, if any are named.
    pub units: Vec<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller's account.
    pub account: String,
    /// Its partition.
    pub partition: String,
}

/// How far a check of many accounts has got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrganizationProgress {
    /// Accounts that are dealt with.
    pub accounts_done: u32,
    /// Accounts that were listed so far.
    pub accounts: u32,
    /// Whether all accounts are listed.
    pub all_listed: bool,
    /// Users that were read.
    pub users_read: u32,
    /// Keys that were read.
    pub keys: u32,
    /// Old ones among them.
    pub old: u32,
}

/// Why no account could be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationError {
    /// The caller's account is in no organization.
    #[error("this account is not in an organization")]
    NoOrganization,
    /// Some accounts that were named are not listed.
    #[error("not among the accounts that were listed: {}", .0.join(", "))]
    NoSuchAccount(Vec<String>),
    /// A unit that was named does not exist.
    #[error("the organization has no unit {0}")]
    NoSuchUnit(String),
    /// The accounts could not be listed.
    #[error("{0}")]
    NotListed(ReadError),
}

/// A check of many accounts, ready to be made.
#[derive(Debug, Clone)]
pub struct OrganizationCheck {
    check: Check,
    organizations: aws_sdk_organizations::Client,
    sessions: Arc<Sessions>,
    selection: Selection,
    caller: Caller,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// What holds during one run.
struct Run<'a> {
    now: Timestamp,
    deadline: Option<Instant>,
    totals: RefCell<OrganizationProgress>,
    progress: &'a dyn Fn(OrganizationProgress),
}

impl Run<'_> {
    fn report(&self, change: impl FnOnce(&mut OrganizationProgress)) {
        let mut totals = self.totals.borrow_mut();
        change(&mut totals);
        let now = *totals;
        drop(totals);
        (self.progress)(now);
    }
}

impl OrganizationCheck {
    /// A check of the accounts of the caller's organization. The clients' own retries are set aside, as in [`Check::new`].
    #[must_use]
    pub fn new(clients: &OrganizationClients, settings: Settings, selection: Selection, caller: Caller) -> Self {
        let sessions = Sessions::new(&clients.sts, &selection, &caller.partition, &settings);
        Self {
            check: Check::new(&clients.iam, settings, caller.account.clone()),
            organizations: directory::prepared(&clients.organizations),
            sessions: Arc::new(sessions),
            selection,
            caller,
            places: Arc::new(Semaphore::new(CALLS)),
            patience: SILENCE,
        }
    }

    /// The same check with another patience: an account that answers nothing for so long is read no further.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same check with another scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.check = self.check.with_scope(scope);
        self
    }

    /// Reads the accounts, judging ages as of `now`.
    ///
    /// An account that cannot be read, or not in full, is in the report with the reason. At the deadline, if there is
    /// one, the accounts that are left are unknown. In the end the accounts are listed again: one that left meanwhile is
    /// no failure, and one that joined is read.
    ///
    /// # Errors
    /// No account could be listed, or what was named is not there.
    pub async fn read(
        &self,
        now: Timestamp,
        deadline: Option<Instant>,
        progress: impl Fn(OrganizationProgress),
    ) -> Result<OrganizationReport, OrganizationError> {
        let run = Run { now, deadline, totals: RefCell::default(), progress: &progress };
        let directory = Directory::new(&self.organizations, &self.selection.units);
        let scope = self.check.scope();
        let mut report = OrganizationReport {
            organization: self.organization(&directory, deadline).await?,
            as_of: Timestamp::from_second(now.as_second()).unwrap_or(now),
            made_at: scope.made_at.unwrap_or(now),
            simulated: scope.made_at.is_some(),
            user_filter: scope.user.clone(),
            max_age_days: self.check.settings().max_age_days,
            stopped_early: false,
            accounts: Vec::new(),
            errors: Vec::new(),
        };
        let (listed, to_read) = mpsc::unbounded();
        let list = async {
            let outcome = by(deadline, self.list(&directory, &run, listed)).await;
            run.report(|totals| totals.all_listed = true);
            outcome.unwrap_or_else(|| Err(OrganizationError::NotListed(time_is_up("organizations:ListAccounts"))))
        };
        let read = to_read.map(|listed| self.account(listed, &run)).buffer_unordered(ACCOUNTS).collect();
        let (listing, accounts): (_, Vec<AccountReading>) = futures::join!(list, read);
        report.accounts = accounts;
        match listing {
            Ok(()) => {}
            // A part of them was listed and read.
            Err(OrganizationError::NotListed(error)) if !report.accounts.is_empty() => report.errors.push(error),
            Err(error) => return Err(error),
        }
        if report.organization.is_none() {
            report.organization = directory.organization();
        }
        if report.errors.is_empty() {
            self.look_again(&directory, &run, &mut report).await;
        }
        report.stopped_early = report.errors.iter().any(|error| Cause::of(error) == Cause::TimeIsUp)
            || report.accounts.iter().any(|account| account.cause == Some(Cause::TimeIsUp));
        report.sort();
        Ok(report)
    }

    /// The organization; `None` if it may not be asked for. Its id and management account are in every account's ARN too.
    async fn organization(
        &self,
        directory: &Directory<'_>,
        deadline: Option<Instant>,
    ) -> Result<Option<OrganizationId>, OrganizationError> {
        match by(deadline, directory.describe()).await {
            Some(Ok(organization)) => Ok(organization),
            Some(Err(error)) if error.code.starts_with("AWSOrganizationsNotInUse") => {
                // Whoever names accounts needs no organization.
                if self.selection.accounts.is_empty() { Err(OrganizationError::NoOrganization) } else { Ok(None) }
            }
            Some(Err(error)) if matches!(Cause::of(&error), Cause::NotAllowed | Cause::ControlPolicy) => Ok(None),
            Some(Err(error)) => Err(OrganizationError::NotListed(error)),
            None => Err(OrganizationError::NotListed(time_is_up("organizations:DescribeOrganization"))),
        }
    }

    /// Lists the accounts that are wanted.
    async fn list(
        &self,
        directory: &Directory<'_>,
        run: &Run<'_>,
        to: mpsc::UnboundedSender<Listed>,
    ) -> Result<(), OrganizationError> {
        // Fails only if the reading side is gone, and with it the whole check.
        let send = |listed: Listed| {
            run.report(|totals| totals.accounts += 1);
            let _ = to.unbounded_send(listed);
        };
        if self.selection.accounts.is_empty() {
            return directory.each(send).await;
        }
        let named: BTreeSet<&str> = self.selection.accounts.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        let outcome = directory
            .each(|listed| {
                if named.contains(listed.id.as_str()) {
                    found.push(listed);
                }
            })
            .await;
        match outcome {
            Ok(()) => {
                let missing = |id: &&&str| !found.iter().any(|listed| listed.id == **id);
                let missing: Vec<String> = named.iter().filter(missing).map(|id| (*id).to_owned()).collect();
                if !missing.is_empty() {
                    return Err(OrganizationError::NoSuchAccount(missing));
                }
            }
            // The accounts are named, so the list is a comfort unless units are named too.
            Err(error) if self.selection.units.is_empty() && is_denied(&error) => {
                found = named.iter().map(|id| Listed::unlisted(id)).collect();
            }
            Err(error) => return Err(error),
        }
        found.into_iter().for_each(send);
        Ok(())
    }

    /// What became of an account, from its place in the organization to its keys.
    async fn account(&self, listed: Listed, run: &Run<'_>) -> AccountReading {
        let reading = self.reading(&listed, run).await;
        run.report(|totals| totals.accounts_done += 1);
        reading
    }

    async fn reading(&self, listed: &Listed, run: &Run<'_>) -> AccountReading {
        let reading = |state| AccountReading::new(&listed.id, listed.name.clone(), state);
        if self.selection.except.contains(&listed.id) {
            return reading(AccountState::Excluded).because(None, "excluded by --except");
        }
        if let Some((state, cause, reason)) = listed.unreadable() {
            return reading(state).because(cause, reason);
        }
        let failed = |error: &ReadError| {
            let cause = Cause::of(error);
            let is_refusal = matches!(cause, Cause::RoleRefused | Cause::ControlPolicy);
            if is_refusal && listed.joined.is_some_and(|joined| self.made_at(run).duration_since(joined) < ARRIVING) {
                let reason = format!("joined less than a day ago and cannot be read yet: {error}");
                return reading(AccountState::Arriving).because(Some(cause), reason);
            }
            reading(AccountState::Unknown).because(Some(cause), error.to_string())
        };
        let is_own = listed.id == self.caller.account;
        let credentials = match by(run.deadline, self.sessions.assume(&listed.id)).await {
            None => return failed(&time_is_up("check")),
            Some(Ok(credentials)) => {
                let renewing = Renewing::new(Arc::clone(&self.sessions), &listed.id, credentials);
                Some(SharedCredentialsProvider::new(renewing))
            }
            // Without the role, the caller's own account is read with the caller's own credentials.
            Some(Err(failure)) => {
                let error = failure.into_error(ASSUME_ROLE, None);
                if !(is_own && Cause::of(&error) == Cause::RoleRefused) {
                    return failed(&error);
                }
                None
            }
        };
        let among = Among { places: Arc::clone(&self.places), patience: self.patience };
        let check = self.check.of(&listed.id, credentials, among, USERS);
        let before = Cell::new((0, 0, 0));
        let progress = |one: Progress| {
            let (users_read, keys, old) = before.replace((one.users_read, one.keys, one.old));
            run.report(|totals| {
                totals.users_read += one.users_read.saturating_sub(users_read);
                totals.keys += one.keys.saturating_sub(keys);
                totals.old += one.old.saturating_sub(old);
            });
        };
        let mut report = check.read_until(run.now, |_| run.deadline, &progress).await;
        // An exemption is for a user of one account; all others would only list it as unused.
        report.exemptions.retain(|record| !record.keys.is_empty());
        let mut outcome = match report.errors.first() {
            None => reading(AccountState::Read),
            Some(error) => {
                let mut outcome = failed(error);
                let more = report.errors.len() - 1 + report.errors_left_out as usize;
                if more > 0
                    && let Some(reason) = &mut outcome.reason
                {
                    reason.push_str(&format!(" (and {more} more)"));
                }
                outcome
            }
        };
        outcome.report = Some(report);
        outcome
    }

    fn made_at(&self, run: &Run<'_>) -> Timestamp {
        self.check.scope().made_at.unwrap_or(run.now)
    }

    /// Lists the accounts once more. If that fails, what the first list and the accounts said holds.
    async fn look_again(&self, directory: &Directory<'_>, run: &Run<'_>, report: &mut OrganizationReport) {
        let mut now = Vec::new();
        let outcome = by(run.deadline, directory.each(|listed| now.push(listed))).await;
        if !matches!(outcome, Some(Ok(()))) {
            return;
        }
        for account in report.accounts.iter_mut().filter(|account| account.state == AccountState::Unknown) {
            let there = now.iter().find(|listed| listed.id == account.id);
            let gone = match there {
                None => Some((AccountState::NotActive, None, "left the organization during the check".to_owned())),
                Some(listed) => listed.unreadable().filter(|(state, ..)| *state == AccountState::NotActive),
            };
            if let Some((state, cause, reason)) = gone {
                let report = account.report.take();
                *account = AccountReading::new(&account.id, account.name.take(), state).because(cause, reason);
                account.report = report;
            }
        }
        if !self.selection.accounts.is_empty() {
            return;
        }
        let known: BTreeSet<&str> = report.accounts.iter().map(|account| account.id.as_str()).collect();
        let joined: Vec<Listed> = now.into_iter().filter(|listed| !known.contains(listed.id.as_str())).collect();
        let read = joined.into_iter().map(|listed| {
            run.report(|totals| totals.accounts += 1);
            self.account(listed, run)
        });
        let read: Vec<AccountReading> = futures::stream::iter(read).buffer_unordered(ACCOUNTS).collect().await;
        report.accounts.extend(read);
    }
}

fn is_denied(error: &OrganizationError) -> bool {
    match error {
        OrganizationError::NotListed(error) => {
            matches!(Cause::of(error), Cause::NotAllowed | Cause::ControlPolicy)
                || error.code.starts_with("AWSOrganizationsNotInUse")
        }
        _ => false,
    }
}

fn time_is_up(operation: &str) -> ReadError {
    ReadError {
        user: None,
        operation: operation.to_owned(),
        code: "TimeIsUp".to_owned(),
        message: "the time of the check was up before this was read".to_owned(),
    }
}
