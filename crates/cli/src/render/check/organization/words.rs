//! What every form of a report on many accounts says: what it is about, how many accounts were read, what to do about
//! those that were not.

use keyminder_checker::ACTIONS;
use keyminder_keyage::report::thousands;
use keyminder_keyage::{AccountReading, AccountState, Cause, OrganizationReport};

use super::View;
use crate::render::check::words::count;

/// What the report is about, for a title.
pub(super) fn subject(report: &OrganizationReport) -> String {
    match &report.organization {
        Some(organization) => {
            format!("organization {} (management account {})", organization.id, organization.management_account)
        }
        None => count(u32::try_from(report.accounts.len()).unwrap_or(u32::MAX), "account", "accounts"),
    }
}

/// How many accounts were read, and what became of the others.
pub(super) fn accounts(report: &OrganizationReport) -> String {
    let summary = report.summary();
    let parts = [
        (summary.accounts_read, "read"),
        (summary.accounts_arriving, "arriving"),
        (summary.accounts_not_active, "not active"),
        (summary.accounts_excluded, "excluded"),
        (summary.accounts_unknown, "unknown"),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", thousands(number)))
        .collect();
    let parts = if parts.is_empty() { "none read".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}.", count(summary.accounts, "account", "accounts"))
}

/// What could not be read, and the first reason.
pub(crate) fn unread(report: &OrganizationReport) -> (String, String) {
    if let Some(error) = report.errors.first() {
        return ("not every account could be listed".to_owned(), error.to_string());
    }
    let what = match report.summary().accounts_unknown {
        1 => "1 account could not be read in full".to_owned(),
        unknown => format!("{} accounts could not be read in full", thousands(unknown)),
    };
    let first = report.accounts.iter().find(|account| account.state == AccountState::Unknown);
    let first = first.map(|account| format!("{}: {}", account.id, account.reason.as_deref().unwrap_or_default()));
    (what, first.unwrap_or_default())
}

/// How many root users have access keys, as a sentence; `None` if none has.
pub(super) fn root_keys(report: &OrganizationReport) -> Option<String> {
    let ids: Vec<&str> = report.accounts.iter().filter(|one| one.has_root_keys()).map(|one| one.id.as_str()).collect();
    match ids.as_slice() {
        [] => None,
        [one] => Some(format!("The root user of {one} has an access key: delete it.")),
        many => Some(format!("The root users of {} accounts have access keys: delete them.", many.len())),
    }
}

/// Accounts of which it is not known whether their root user has an access key, although they were read.
pub(super) fn root_keys_unknown(report: &OrganizationReport) -> u32 {
    let unknown = report.reports().filter(|report| report.root_access_keys.is_none()).count();
    u32::try_from(unknown).unwrap_or(u32::MAX)
}

impl View<'_> {
    /// What to do about an account that was not read, if there is something.
    pub(crate) fn what_to_do(&self, account: &AccountReading) -> Option<String> {
        if !matches!(account.state, AccountState::Unknown | AccountState::Arriving) {
            return None;
        }
        let is_own = self.caller_account == account.id;
        let role = self.role;
        Some(match account.cause? {
            _ if account.state == AccountState::Arriving => {
                format!("nothing yet; if it stays like this, create the role {role} in the account")
            }
            Cause::RoleRefused if self.is_management(account) => format!(
                "create the role {role} in the management account too (StackSets with automatic deployment leave it \
                 out), or run the check there"
            ),
            Cause::RoleRefused => format!(
                "create the role {role} in the account and have it trust {}, allow yourself sts:AssumeRole on it, or name \
                 another role with --role",
                self.caller_account
            ),
            Cause::ControlPolicy => "a service control policy denies this: ask the people who manage it, or skip the \
                                     account with --except"
                .to_owned(),
            Cause::NotAllowed => {
                let needed = ACTIONS.iter().copied().filter(|action| action.starts_with("iam:")).collect::<Vec<_>>();
                let who = if is_own { "your own credentials or the role" } else { "the role" };
                format!("allow {who} the actions that a check needs: {}", needed.join(", "))
            }
            Cause::Credentials => "renew your credentials and run the check again".to_owned(),
            Cause::Throttled => format!(
                "something in the account uses up its rate of IAM calls; check it again later with --accounts {}",
                account.id
            ),
            Cause::NoAnswer => format!("check the network, then this account again with --accounts {}", account.id),
            Cause::TimeIsUp => "allow more time with --timeout".to_owned(),
            Cause::NoState => {
                "look the account up in the console of AWS Organizations, or name it with --accounts".to_owned()
            }
            Cause::Other => return None,
        })
    }

    fn is_management(&self, account: &AccountReading) -> bool {
        self.report.organization.as_ref().is_some_and(|organization| organization.management_account == account.id)
    }

    /// What to do about all accounts, each thing once. Where no account let the caller in, the role's name comes first.
    pub(super) fn things_to_do(&self) -> Vec<String> {
        let accounts = &self.report.accounts;
        let refused = |one: &AccountReading| one.cause == Some(Cause::RoleRefused);
        let let_in = |one: &AccountReading| one.report.is_some() && one.id != self.caller_account;
        let mut things = Vec::new();
        if accounts.iter().any(refused) && !accounts.iter().any(let_in) {
            things.push(format!(
                "no account let you in with the role {}: is that its name? Accounts that AWS Organizations created have \
                 OrganizationAccountAccessRole, those of Control Tower AWSControlTowerExecution; both only trust the \
                 management account",
                self.role
            ));
        }
        // One example for each cause, as the commands that help name the account.
        let mut causes = Vec::new();
        for account in accounts.iter().filter(|account| account.state == AccountState::Unknown) {
            let kind = (account.cause, self.is_management(account), account.id == self.caller_account);
            if !causes.contains(&kind) {
                causes.push(kind);
                things.extend(self.what_to_do(account));
            }
        }
        things
    }
}
