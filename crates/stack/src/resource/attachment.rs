//! `iam_role_attachment`: our policy on our role, and what others put on the role.
//!
//! Asks IAM: ListAttachedRolePolicies, then ListRolePolicies where the role is there; AttachRolePolicy;
//! DetachRolePolicy; with force also DeleteRolePolicy.

use keyminder_reconcile::{Address, Existing, Extra, Observed, Removal, Resource};
use serde::Serialize;

use super::{found, gone, role};
use crate::error::{Error, failed};
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
        let answer = self.install.clients.iam.detach_role_policy().role_name(self.role()).policy_arn(arn).send().await;
        gone(answer.map_err(failed("iam:DetachRolePolicy", self.role())))
    }
}

impl Resource for Attachment<'_> {
    type State = State;
    type Error = Error;

    fn address(&self) -> Address {
        ADDRESS
    }

    fn part_of(&self) -> Option<Address> {
        Some(role::ADDRESS)
    }

    fn name(&self) -> String {
        format!("{} on {}", self.install.names.policy, self.install.names.role)
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self) -> Result<Observed<State>, Error> {
        let Some(attached) = found(self.attached().await)? else { return Ok(Observed::Absent) };
        let inline = found(self.inline().await)?.unwrap_or_default();
        let (ours, others): (Vec<_>, Vec<_>) = attached.into_iter().partition(|arn| *arn == self.desired.policy);
        let extras = others
            .into_iter()
            .map(|arn| Extra::new(ATTACHED_POLICY, arn).blocks_deletion())
            .chain(inline.into_iter().map(|name| Extra::new(INLINE_POLICY, name).blocks_deletion()))
            .collect::<Vec<_>>();
        Ok(match ours.into_iter().next() {
            Some(policy) => Observed::Ours(Existing { state: State { policy }, extras }),
            None => Observed::AbsentBeside(extras),
        })
    }

    async fn converge(&self, observed: Option<&State>) -> Result<(), Error> {
        if observed == Some(&self.desired) {
            return Ok(());
        }
        // Role and policy were there a moment ago: that IAM does not find one of them is propagation.
        self.install
            .wait(ADDRESS, PROPAGATION, Error::is_not_found, async || {
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
        for arn in found(self.attached().await)?.unwrap_or_default() {
            self.detach(&arn).await?;
        }
        for name in found(self.inline().await)?.unwrap_or_default() {
            let answer =
                self.install.clients.iam.delete_role_policy().role_name(self.role()).policy_name(&name).send().await;
            gone(answer.map_err(failed("iam:DeleteRolePolicy", self.role())))?;
        }
        Ok(())
    }
}
