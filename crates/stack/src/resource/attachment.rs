//! `iam_role_attachment`: our policy on our role, and what others put on the role.
//!
//! Asks IAM: ListAttachedRolePolicies and ListRolePolicies if the role is there; what others' policies say by GetPolicy
//! and GetPolicyVersion, or GetRolePolicy; AttachRolePolicy; DetachRolePolicy; with force, or if somebody asks for it, also
//! DeleteRolePolicy.

use futures::future::{try_join, try_join_all};
use keyminder_reconcile::{Address, Effect, Existing, Extra, Observed, Removal, Resource, Severity};
use serde::Serialize;
use serde_json::Value;

use super::{Shared, found, ignore_missing, policy, role};
use crate::access;
use crate::actions::{Actions, On};
use crate::document;
use crate::error::{Error, Kind, failed};
use crate::extras::{ATTACHED_POLICY, INLINE_POLICY};
use crate::installation::{Installation, PROPAGATION};

pub(crate) const ADDRESS: Address = Address("iam_role_attachment");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    policy: String,
}

pub(crate) struct Attachment<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> Attachment<'a> {
    pub(crate) fn new(install: &'a Installation) -> Self {
        Self { install, desired: State { policy: install.names.policy_arn() } }
    }

    fn role(&self) -> &str {
        &self.install.names.role
    }

    async fn attached(&self) -> Result<Vec<String>, Error> {
        let mut pages = self
            .install
            .clients
            .iam
            .list_attached_role_policies()
            .role_name(self.role())
            .into_paginator()
            .items()
            .send();
        let mut arns = Vec::new();
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(failed("iam:ListAttachedRolePolicies", self.role()))?;
            arns.extend(policy.policy_arn);
        }
        Ok(arns)
    }

    async fn inline(&self) -> Result<Vec<String>, Error> {
        let mut pages =
            self.install.clients.iam.list_role_policies().role_name(self.role()).into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(name) = pages.next().await {
            names.push(name.map_err(failed("iam:ListRolePolicies", self.role()))?);
        }
        Ok(names)
    }

    async fn detach(&self, arn: &str) -> Result<(), Error> {
        let detached = self.install.wait(ADDRESS, PROPAGATION, is_busy, async || {
            let call = self.install.clients.iam.detach_role_policy().role_name(self.role()).policy_arn(arn);
            call.send().await.map_err(failed("iam:DetachRolePolicy", self.role())).map(drop)
        });
        ignore_missing(detached.await)
    }
}

impl Attachment<'_> {
    pub(crate) const ACTIONS: Actions = &[
        (
            On::Role,
            &[
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
            ],
        ),
        (On::Attaching, &["iam:AttachRolePolicy"]),
        // What others attached can be any policy.
        (On::Anything, &["iam:GetPolicy", "iam:GetPolicyVersion"]),
    ];

    /// An inline policy and what it says, as far as it may be read.
    async fn document(&self, name: String) -> Result<(String, Option<Value>), Error> {
        let call = self.install.clients.iam.get_role_policy().role_name(self.role()).policy_name(&name);
        match call.send().await.map_err(failed("iam:GetRolePolicy", self.role())) {
            Ok(answer) => Ok((name, Some(document::decode(answer.policy_document())))),
            Err(error) if is_unread(&error) => Ok((name, None)),
            Err(error) => Err(error),
        }
    }

    /// A managed policy and what it says, as far as it may be read.
    async fn managed(&self, arn: String) -> Result<(String, Option<Value>), Error> {
        let iam = &self.install.clients.iam;
        let document = async {
            let call = iam.get_policy().policy_arn(&arn).send().await.map_err(failed("iam:GetPolicy", &arn))?;
            let version = call.policy().and_then(|policy| policy.default_version_id()).unwrap_or("v1");
            let call = iam.get_policy_version().policy_arn(&arn).version_id(version).send().await;
            let answer = call.map_err(failed("iam:GetPolicyVersion", &arn))?;
            Ok(answer.policy_version().and_then(|version| version.document()).map(document::decode))
        };
        match document.await {
            Ok(document) => Ok((arn, document)),
            Err(error) if is_unread(&error) => Ok((arn, None)),
            Err(error) => Err(error),
        }
    }

    fn attached_extra(&self, (arn, document): (String, Option<Value>)) -> Extra {
        let account = access::account_of(&arn);
        let own = access::severity(account.as_deref(), &self.install.names.account);
        let extra = judged(Extra::new(ATTACHED_POLICY, &arn), document.as_ref(), own).account(account);
        if document.is_none() && SWEEPING.iter().any(|name| arn.ends_with(name)) {
            return extra.effect(Effect::GivesAccess, Severity::Critical);
        }
        extra
    }

    async fn delete_inline(&self, name: &str) -> Result<(), Error> {
        let call = self.install.clients.iam.delete_role_policy().role_name(self.role()).policy_name(name);
        ignore_missing(call.send().await.map_err(failed("iam:DeleteRolePolicy", self.role())))
    }
}

/// IAM refuses a change while another of the same role is in progress (API reference, AttachRolePolicy,
/// ConcurrentModification).
fn is_busy(error: &Error) -> bool {
    error.kind == Kind::Conflict
}

/// Policies of AWS that let their holder do nearly everything, for when they may not be read.
const SWEEPING: [&str; 3] = ["/AdministratorAccess", "/IAMFullAccess", "/PowerUserAccess"];

fn is_unread(error: &Error) -> bool {
    error.is_not_found() || error.kind == Kind::AccessDenied
}

/// A policy of others on the role, by what it allows. `usual` is how grave it is if that is little.
fn judged(extra: Extra, document: Option<&Value>, usual: Severity) -> Extra {
    let handle = extra.name.clone();
    let extra = extra.handle(handle).blocks_deletion();
    let Some(document) = document else {
        return extra.effect(Effect::GivesAccess, usual).note("what it allows the function could not be read");
    };
    let actions = access::allowed_actions(document);
    let (effect, severity) = match actions.as_slice() {
        [] => return extra.effect(Effect::Narrows, Severity::Info).note("it allows nothing"),
        actions if access::is_sweeping(actions) => (Effect::GivesAccess, Severity::Critical),
        _ => (Effect::GivesAccess, usual),
    };
    // AWS's own policies allow hundreds.
    let more = actions.len().saturating_sub(MOST_ACTIONS);
    let shown: Vec<_> = actions.iter().take(MOST_ACTIONS).cloned().collect();
    let extra = extra.actions(shown).effect(effect, severity);
    if more > 0 { extra.note(format!("and {more} more actions")) } else { extra }
}

/// So many actions of a policy are listed.
const MOST_ACTIONS: usize = 12;

impl Resource for Attachment<'_> {
    const ADDRESS: Address = ADDRESS;
    const PART_OF: Option<Address> = Some(role::ADDRESS);
    const AFTER: &'static [Address] = &[role::ADDRESS, policy::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        format!("{} on {}", self.install.names.policy, self.install.names.role)
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, shared: &Shared) -> Result<Observed<State>, Error> {
        if shared.role(self.install).await?.is_none() {
            return Ok(Observed::Absent);
        }
        let looks = try_join(self.attached(), self.inline()).await;
        let Some((attached, inline)) = found(looks)? else { return Ok(Observed::Absent) };
        let (ours, others): (Vec<_>, Vec<_>) = attached.into_iter().partition(|arn| *arn == self.desired.policy);
        let attached = try_join_all(others.into_iter().map(|arn| self.managed(arn)));
        let inline = try_join_all(inline.into_iter().map(|name| self.document(name)));
        let (attached, inline) = try_join(attached, inline).await?;
        let inline = inline
            .into_iter()
            .map(|(name, document)| judged(Extra::new(INLINE_POLICY, name), document.as_ref(), Severity::Warning));
        let extras: Vec<_> = attached.into_iter().map(|one| self.attached_extra(one)).chain(inline).collect();
        let beside = self.install.judged(ADDRESS, extras);
        Ok(match ours.into_iter().next() {
            Some(policy) => Observed::Ours(Existing { state: State { policy }, beside }),
            None => Observed::AbsentBeside(beside),
        })
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        match extra.kind {
            INLINE_POLICY => self.delete_inline(&extra.name).await,
            _ => self.detach(&extra.name).await,
        }
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        if observed == Some(&self.desired) {
            return Ok(());
        }
        // Role and policy were there a moment ago: that IAM does not find one of them is propagation.
        let not_yet = |error: &Error| error.is_not_found() || is_busy(error);
        self.install
            .wait(ADDRESS, PROPAGATION, not_yet, async || {
                let iam = &self.install.clients.iam;
                iam.attach_role_policy()
                    .role_name(self.role())
                    .policy_arn(&self.desired.policy)
                    .send()
                    .await
                    .map_err(failed("iam:AttachRolePolicy", self.role()))?;
                Ok(())
            })
            .await
    }

    async fn destroy(&self, removal: Removal) -> Result<(), Error> {
        self.detach(&self.desired.policy).await?;
        if !removal.force {
            return Ok(());
        }
        let Some((attached, inline)) = found(try_join(self.attached(), self.inline()).await)? else { return Ok(()) };
        try_join_all(attached.iter().map(|arn| self.detach(arn))).await?;
        try_join_all(inline.iter().map(|name| self.delete_inline(name))).await?;
        Ok(())
    }
}
