//! The accounts of an organization.
//!
//! Owns the calls to Organizations, and what an account's state means for reading it. It must not know what is in an
//! account.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::retry::RetryConfig;
use aws_sdk_organizations::config::timeout::TimeoutConfig;
use aws_sdk_organizations::types::{Account, AccountState as Lifecycle, AccountStatus};
use jiff::Timestamp;
use keyminder_keyage::arn::Arn;
use keyminder_keyage::{AccountState, Cause, OrganizationId, ReadError};

use super::OrganizationError;
use crate::bounded::BoundedAnswers;
use crate::call::{Failure, Pages, attempt, retried};
use crate::call_rate::CallRate;

/// How long one attempt of a call can take, unless the client says otherwise.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Pages of a listing, at the most: an organization can have tens of thousands of accounts, and a page can be short or
/// empty.
const PAGES: usize = 20_000;
/// How deep units can be nested below the root ("Quotas and service limits for AWS Organizations"), and some more.
const DEPTH: usize = 10;

/// An account as the organization knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) joined: Option<Timestamp>,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Active,
    /// Not active, with AWS's reason.
    Inactive(&'static str),
    /// AWS says none that is known, or none at all.
    Unsaid(Option<String>),
}

impl Listed {
    /// An account that the user named and that could not be looked up.
    pub(super) fn unlisted(id: &str) -> Self {
        Self { id: id.to_owned(), name: None, joined: None, state: State::Active }
    }

    /// Why the account is not to be read, if it is not.
    pub(super) fn unreadable(&self) -> Option<(AccountState, Option<Cause>, String)> {
        match &self.state {
            State::Active => None,
            State::Inactive(why) => Some((AccountState::NotActive, None, (*why).to_owned())),
            State::Unsaid(said) => {
                let reason = match said {
                    Some(said) => format!("the organization gives its state as {said}, which keyminder does not know"),
                    None => "the organization does not say whether it is active".to_owned(),
                };
                Some((AccountState::Unknown, Some(Cause::NoState), reason))
            }
        }
    }
}

impl From<Account> for Listed {
    fn from(account: Account) -> Self {
        let joined = account.joined_timestamp.and_then(|joined| Timestamp::from_second(joined.secs()).ok());
        let status = || {
            // Accounts had a status before they had a state ("Account" in the AWS Organizations API reference).
            Some(match account.status.as_ref()? {
                AccountStatus::Active => State::Active,
                AccountStatus::Suspended => State::Inactive(SUSPENDED),
                AccountStatus::PendingClosure => State::Inactive(CLOSING),
                other => State::Unsaid(Some(other.as_str().to_owned())),
            })
        };
        let state = match &account.state {
            Some(Lifecycle::Active) => State::Active,
            Some(Lifecycle::Suspended) => State::Inactive(SUSPENDED),
            Some(Lifecycle::PendingClosure) => State::Inactive(CLOSING),
            Some(Lifecycle::Closed) => State::Inactive("closed"),
            Some(Lifecycle::PendingActivation) => State::Inactive("not activated yet"),
            Some(other) => State::Unsaid(Some(other.as_str().to_owned())),
            None => status().unwrap_or(State::Unsaid(None)),
        };
        Self { id: account.id.unwrap_or_default(), name: account.name, joined, state }
    }
}

const SUSPENDED: &str = "suspended";
const CLOSING: &str = "being closed";

/// A client whose calls are retried here, and whose answers have a bound.
pub(super) fn prepared(organizations: &Client) -> Client {
    let mut config =
        organizations.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
    let timeouts = organizations.config().timeout_config();
    if timeouts.is_none_or(|timeouts| timeouts.operation_attempt_timeout().is_none()) {
        let timeouts = timeouts.map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        config = config.timeout_config(timeouts.operation_attempt_timeout(ATTEMPT).build());
    }
    Client::from_conf(config.build())
}

/// The accounts of the organization, or of some units.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    organizations: &'a Client,
    units: &'a [String],
    rate: CallRate,
    /// From the ARN of an account.
    organization: RefCell<Option<OrganizationId>>,
}

/// Calls a listing until its last page.
macro_rules! each_page {
    ($directory:expr, $operation:literal, $call:expr, |$page:ident| $each:block) => {
        let (mut token, mut pages): (Option<String>, _) = (None, Pages::of(PAGES));
        loop {
            let $page = retried(&$directory.rate, attempt!($call.set_next_token(token.clone())))
                .await
                .map_err(|failure| ($operation, failure))?;
            token = pages.next($page.next_token.is_some(), $page.next_token.as_deref()).map_err(|failure| ($operation, failure))?;
            $each
            if token.is_none() {
                break;
            }
        }
    };
}

impl<'a> Directory<'a> {
    pub(super) fn new(organizations: &'a Client, units: &'a [String]) -> Self {
        Self { organizations, units, rate: CallRate::new(), organization: RefCell::default() }
    }

    /// The organization that the caller's account is in.
    pub(super) async fn describe(&self) -> Result<Option<OrganizationId>, ReadError> {
        let answer = retried(&self.rate, attempt!(self.organizations.describe_organization()))
            .await
            .map_err(|failure| failure.into_error("organizations:DescribeOrganization", None))?;
        Ok(answer.organization.and_then(|organization| {
            let (id, management_account) = (organization.id?, organization.master_account_id?);
            Some(OrganizationId { id, management_account })
        }))
    }

    /// What the ARNs of the accounts that were listed say about the organization.
    pub(super) fn organization(&self) -> Option<OrganizationId> {
        self.organization.borrow().clone()
    }

    /// Every account once.
    pub(super) async fn each(&self, mut found: impl FnMut(Listed)) -> Result<(), OrganizationError> {
        let mut seen = BTreeSet::new();
        let mut found = |account: Account| {
            if self.organization.borrow().is_none() {
                self.organization.replace(account.arn.as_deref().and_then(organization_in));
            }
            let listed = Listed::from(account);
            if seen.insert(listed.id.clone()) {
                found(listed);
            }
        };
        if self.units.is_empty() {
            let listing = self.accounts(&mut found).await;
            return listing
                .map_err(|(operation, failure)| OrganizationError::NotListed(failure.into_error(operation, None)));
        }
        for unit in self.units {
            self.below(unit, &mut found).await.map_err(|(operation, failure)| {
                let is_malformed = failure.code.starts_with("InvalidInput");
                if is_malformed || failure.code.starts_with("ParentNotFound") {
                    return OrganizationError::NoSuchUnit(unit.clone());
                }
                OrganizationError::NotListed(failure.into_error(operation, None))
            })?;
        }
        Ok(())
    }

    async fn accounts(&self, found: &mut dyn FnMut(Account)) -> Result<(), (&'static str, Failure)> {
        each_page!(self, "organizations:ListAccounts", self.organizations.list_accounts(), |page| {
            page.accounts.unwrap_or_default().into_iter().for_each(&mut *found);
        });
        Ok(())
    }

    /// The accounts of a unit and of the units in it.
    async fn below(&self, unit: &str, found: &mut dyn FnMut(Account)) -> Result<(), (&'static str, Failure)> {
        let mut level = vec![unit.to_owned()];
        for _ in 0..DEPTH {
            let mut deeper = Vec::new();
            for unit in &level {
                let accounts = || self.organizations.list_accounts_for_parent().parent_id(unit);
                each_page!(self, "organizations:ListAccountsForParent", accounts(), |page| {
                    page.accounts.unwrap_or_default().into_iter().for_each(&mut *found);
                });
                let units = || self.organizations.list_organizational_units_for_parent().parent_id(unit);
                each_page!(self, "organizations:ListOrganizationalUnitsForParent", units(), |page| {
                    deeper.extend(page.organizational_units.unwrap_or_default().into_iter().filter_map(|unit| unit.id));
                });
            }
            if deeper.is_empty() {
                return Ok(());
            }
            level = deeper;
        }
        Err((
            "organizations:ListOrganizationalUnitsForParent",
            Failure::of_answer("TooDeep", "units are nested deeper than they can be"),
        ))
    }
}

/// `arn:aws:organizations::MANAGEMENT:account/o-ID/ACCOUNT`.
fn organization_in(arn: &str) -> Option<OrganizationId> {
    let arn = Arn::parse(arn)?;
    let id = arn.resource.strip_prefix("account/")?.split('/').next()?;
    Some(OrganizationId { id: id.to_owned(), management_account: arn.account.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_only_if_aws_says_that_it_is_active() {
        let account = |state: Option<&str>, status: Option<&str>| {
            let account = Account::builder()
                .id("111111111111")
                .set_state(state.map(Lifecycle::from))
                .set_status(status.map(AccountStatus::from));
            Listed::from(account.build()).unreadable().map(|(state, _, reason)| (state, reason))
        };
        assert_eq!(account(Some("ACTIVE"), None), None);
        assert_eq!(account(Some("ACTIVE"), Some("SUSPENDED")), None, "the state is the newer word");
        assert_eq!(account(None, Some("ACTIVE")), None);
        for (state, status, reason) in [
            (Some("SUSPENDED"), Some("ACTIVE"), "suspended"),
            (Some("PENDING_CLOSURE"), None, "being closed"),
            (Some("CLOSED"), None, "closed"),
            (Some("PENDING_ACTIVATION"), None, "not activated yet"),
            (None, Some("SUSPENDED"), "suspended"),
        ] {
            assert_eq!(account(state, status), Some((AccountState::NotActive, reason.to_owned())));
        }
        for (state, status) in [(None, None), (Some("FROZEN"), None), (None, Some("FROZEN"))] {
            assert_eq!(account(state, status).unwrap().0, AccountState::Unknown, "{state:?} {status:?}");
        }
    }

    #[test]
    fn an_arn_of_an_account_names_the_organization() {
        let found = organization_in("arn:aws:organizations::123456789012:account/o-abcdef/111111111111").unwrap();
        assert_eq!((found.id.as_str(), found.management_account.as_str()), ("o-abcdef", "123456789012"));
        assert_eq!(organization_in("arn:aws:iam::123456789012:root"), None);
    }
}
