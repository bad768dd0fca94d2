//! `events_target`: the function as the target of the rule, and what other targets the rule has.
//!
//! Asks EventBridge: ListTargetsByRule; PutTargets for creation and for drift; RemoveTargets. The last two answer 200
//! also where they failed: `FailedEntryCount` tells.

use aws_sdk_eventbridge::types::{DeadLetterConfig, Target as SdkTarget};
use keyminder_reconcile::retry::Backoff;
use keyminder_reconcile::{Address, Effect, Existing, Extra, Observed, Removal, Resource, Severity};
use serde::Serialize;

use super::{Shared, found, function, ignore_missing, log_group, rule};
use crate::access;
use crate::actions::{Actions, On};
use crate::error::{Error, Kind, failed};
use crate::extras::TARGET;
use crate::installation::Installation;
use crate::names::TARGET_ID;

pub(crate) const ADDRESS: Address = Address("events_target");

/// How long an entry that failed for no fault of the request is tried again.
const ENTRY: Backoff = Backoff::within(std::time::Duration::from_secs(30));

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    id: String,
    arn: String,
    input: Option<String>,
    input_path: Option<String>,
    input_transformed: bool,
    role: Option<String>,
    dead_letter_queue: Option<String>,
    retries_limited: bool,
}

impl State {
    /// The target is this installation's function.
    pub(crate) fn is_function(&self, install: &Installation) -> bool {
        self.arn == install.names.function_arn()
    }

    /// The queue for events that could not be delivered.
    pub(crate) fn queue(&self) -> Option<&str> {
        self.dead_letter_queue.as_deref()
    }
}

pub(crate) struct Target<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> Target<'a> {
    pub(crate) const ACTIONS: Actions =
        &[(On::Rule, &["events:ListTargetsByRule", "events:PutTargets", "events:RemoveTargets"])];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State {
            id: TARGET_ID.to_owned(),
            arn: install.names.function_arn(),
            input: None,
            input_path: None,
            input_transformed: false,
            role: None,
            dead_letter_queue: install.spec.rule.dead_letter_queue.clone(),
            retries_limited: false,
        };
        Self { install, desired }
    }

    fn rule(&self) -> &str {
        &self.install.names.rule
    }

    /// EventBridge has no paginator for this list in its model, so the pages are followed here.
    async fn live(&self) -> Result<Vec<SdkTarget>, Error> {
        let mut targets = Vec::new();
        let mut token = None;
        loop {
            let events = &self.install.clients.events;
            let page = events
                .list_targets_by_rule()
                .rule(self.rule())
                .set_next_token(token)
                .send()
                .await
                .map_err(failed("events:ListTargetsByRule", self.rule()))?;
            targets.extend(page.targets.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(targets);
            }
        }
    }

    async fn put(&self) -> Result<(), Error> {
        let queue = self.desired.dead_letter_queue.as_ref();
        let target = SdkTarget::builder()
            .id(TARGET_ID)
            .arn(&self.desired.arn)
            .set_dead_letter_config(queue.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .build()
            .map_err(Error::unbuildable)?;
        let events = &self.install.clients.events;
        let answer = events
            .put_targets()
            .rule(self.rule())
            .targets(target)
            .send()
            .await
            .map_err(failed("events:PutTargets", self.rule()))?;
        let entry = answer.failed_entries().first();
        entry_failure(
            "events:PutTargets",
            self.rule(),
            answer.failed_entry_count(),
            entry.and_then(|entry| entry.error_code()),
            entry.and_then(|entry| entry.error_message()),
        )
    }

    async fn remove_targets(&self, ids: Vec<String>) -> Result<(), Error> {
        let events = &self.install.clients.events;
        let answer = events
            .remove_targets()
            .rule(self.rule())
            .set_ids(Some(ids))
            .send()
            .await
            .map_err(failed("events:RemoveTargets", self.rule()))?;
        let entry = answer.failed_entries().first();
        entry_failure(
            "events:RemoveTargets",
            self.rule(),
            answer.failed_entry_count(),
            entry.and_then(|entry| entry.error_code()),
            entry.and_then(|entry| entry.error_message()),
        )
    }
}

/// A failed entry as an error like any other.
fn entry_failure(
    operation: &'static str,
    resource: &str,
    failed: i32,
    code: Option<&str>,
    message: Option<&str>,
) -> Result<(), Error> {
    if failed == 0 {
        return Ok(());
    }
    let code = code.unwrap_or("FailedEntry");
    let kind = if code.starts_with("ResourceNotFound") { Kind::NotFound } else { Kind::Conflict };
    let message = message.unwrap_or("EventBridge could not carry out the entry");
    Err(Error::of_call(kind, operation, resource, code, message))
}

fn state(target: &SdkTarget) -> State {
    State {
        id: target.id().to_owned(),
        arn: target.arn().to_owned(),
        input: target.input().map(str::to_owned),
        input_path: target.input_path().map(str::to_owned),
        input_transformed: target.input_transformer().is_some(),
        role: target.role_arn().map(str::to_owned),
        dead_letter_queue: target.dead_letter_config().and_then(|queue| queue.arn()).map(str::to_owned),
        retries_limited: target.retry_policy().is_some(),
    }
}

impl Target<'_> {
    async fn remove_all(&self, ids: Vec<String>) -> Result<(), Error> {
        let remove = async || ignore_missing(self.remove_targets(ids.clone()).await);
        self.install.wait(ADDRESS, ENTRY, |error| error.kind == Kind::Conflict, remove).await
    }

    /// Another target runs on our schedule: with a role, whatever that role may do.
    fn extra(&self, target: &SdkTarget) -> Extra {
        let own = self.install.names.account.as_str();
        let account = access::account_of(target.arn());
        let extra = Extra::new(TARGET, target.id()).target(target.arn()).handle(target.id()).blocks_deletion();
        if let Some(role) = target.role_arn() {
            let accounts = [access::account_of(role), account];
            let severity = accounts.iter().map(|account| access::severity(account.as_deref(), own)).max();
            let [of_role, _] = accounts;
            return extra
                .principal(role)
                .account(of_role)
                .effect(Effect::GivesAccess, severity.unwrap_or(Severity::Warning))
                .note("it runs with this role on our schedule");
        }
        match access::severity(account.as_deref(), own) {
            Severity::Critical => extra.account(account).effect(Effect::TakesNoticesOut, Severity::Critical),
            _ => extra.account(account),
        }
    }
}

impl Resource for Target<'_> {
    const ADDRESS: Address = ADDRESS;
    const PART_OF: Option<Address> = Some(rule::ADDRESS);
    const AFTER: &'static [Address] = &[rule::ADDRESS, function::ADDRESS, log_group::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        format!("{} of {}", TARGET_ID, self.install.names.rule)
    }

    const DECIDED: &'static [&'static str] = &["dead_letter_queue"];

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let Some(targets) = found(self.live().await)? else { return Ok(Observed::Absent) };
        let (ours, others): (Vec<_>, Vec<_>) = targets.iter().partition(|target| target.id() == TARGET_ID);
        let extras: Vec<_> = others.into_iter().map(|target| self.extra(target)).collect();
        let beside = self.install.judged(ADDRESS, extras);
        Ok(match ours.first() {
            Some(target) => Observed::Ours(Existing { state: state(target), beside }),
            None => Observed::AbsentBeside(beside),
        })
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        if observed == Some(&self.desired) {
            return Ok(());
        }
        self.install.wait(ADDRESS, ENTRY, |error| error.kind == Kind::Conflict, async || self.put().await).await
    }

    async fn destroy(&self, removal: Removal) -> Result<(), Error> {
        let ids: Vec<String> = if removal.force {
            found(self.live().await)?.unwrap_or_default().into_iter().map(|target| target.id).collect()
        } else {
            vec![TARGET_ID.to_owned()]
        };
        if ids.is_empty() {
            return Ok(());
        }
        self.remove_all(ids).await
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        self.remove_all(vec![extra.name.clone()]).await
    }
}
