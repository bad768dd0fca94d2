//! `iam_policy`: the managed policy that says what the function may do.
//!
//! Asks IAM: GetPolicy (which has the tags), GetPolicyVersion; CreatePolicy; for drift CreatePolicyVersion as the new
//! default, after DeletePolicyVersion of the oldest where there are five already, TagPolicy, UntagPolicy; for
//! deletion ListPolicyVersions, DeletePolicyVersion, DeletePolicy, only once nobody else uses it (`uses.rs`). What the
//! function may do is in `permissions.rs`.

mod permissions;
mod uses;

use futures::future::{try_join, try_join_all, try_join3};
use keyminder_reconcile::{Address, Existing, Extra, Observed, Removal, Resource};
use serde::Serialize;
use serde_json::Value;

use self::uses::{Entity, Use};
use super::tags::{Tagged, settle as settle_tags};
use super::{Shared, by_tags, found, iam, ignore_missing, role};
use crate::actions::{Actions, On};
use crate::document;
use crate::error::{Cause, Error, Kind, failed};
use crate::installation::{DETACHED, Installation};
use crate::ownership::{self, Tags};

pub(crate) use permissions::reading;

pub(crate) const ADDRESS: Address = Address("iam_policy");

/// A managed policy has at most this many versions (IAM User Guide, "IAM and AWS STS quotas").
const MOST_VERSIONS: usize = 5;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    document: Value,
    tags: Tags,
}

pub(crate) struct Policy<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> Policy<'a> {
    pub(crate) const ACTIONS: Actions = &[
        (
            On::Policy,
            &[
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListEntitiesForPolicy",
                "iam:ListPolicyVersions",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
        ),
        // Our policy, wherever others attached it.
        (On::Detaching, &["iam:DetachGroupPolicy", "iam:DetachUserPolicy"]),
    ];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State { document: document::canonical(&permissions::document(install)), tags: install.tags() };
        Self { install, arn: install.names.policy_arn(), desired }
    }

    async fn live(&self) -> Result<Option<aws_sdk_iam::types::Policy>, Error> {
        let answer = self.install.clients.iam.get_policy().policy_arn(&self.arn).send().await;
        Ok(found(answer.map_err(failed("iam:GetPolicy", &self.arn)))?.and_then(|answer| answer.policy))
    }

    async fn default_version(
        &self,
        policy: &aws_sdk_iam::types::Policy,
    ) -> Result<Option<aws_sdk_iam::operation::get_policy_version::GetPolicyVersionOutput>, Error> {
        let version = policy.default_version_id().unwrap_or("v1");
        let call = self.install.clients.iam.get_policy_version().policy_arn(&self.arn).version_id(version);
        found(call.send().await.map_err(failed("iam:GetPolicyVersion", &self.arn)))
    }

    /// Every version but the default one, oldest first.
    async fn other_versions(&self) -> Result<Vec<String>, Error> {
        let mut pages =
            self.install.clients.iam.list_policy_versions().policy_arn(&self.arn).into_paginator().items().send();
        let mut versions = Vec::new();
        while let Some(version) = pages.next().await {
            let version = version.map_err(failed("iam:ListPolicyVersions", &self.arn))?;
            if !version.is_default_version() {
                versions.extend(version.version_id.map(|id| (number(&id), id)));
            }
        }
        versions.sort();
        Ok(versions.into_iter().map(|(_, id)| id).collect())
    }

    async fn delete_version(&self, id: &str) -> Result<(), Error> {
        let answer = self.install.clients.iam.delete_policy_version().policy_arn(&self.arn).version_id(id).send().await;
        ignore_missing(answer.map_err(failed("iam:DeletePolicyVersion", &self.arn)))
    }

    async fn new_version(&self) -> Result<(), Error> {
        let others = self.other_versions().await?;
        for id in others.iter().take((others.len() + 2).saturating_sub(MOST_VERSIONS)) {
            self.delete_version(id).await?;
        }
        self.install
            .clients
            .iam
            .create_policy_version()
            .policy_arn(&self.arn)
            .policy_document(self.desired.document.to_string())
            .set_as_default(true)
            .send()
            .await
            .map_err(failed("iam:CreatePolicyVersion", &self.arn))?;
        Ok(())
    }

    /// Deletes it, once nobody uses it: a policy that has to stay keeps its versions.
    async fn delete(&self) -> Result<(), Error> {
        let versions = async { found(self.other_versions().await) };
        let (uses, versions) = try_join(self.uses(), versions).await?;
        if !uses.is_empty() {
            return Err(self.in_use(&uses));
        }
        try_join_all(versions.iter().flatten().map(|id| self.delete_version(id))).await?;
        let answer = self.install.clients.iam.delete_policy().policy_arn(&self.arn).send().await;
        ignore_missing(answer.map_err(failed("iam:DeletePolicy", &self.arn)))
    }

    fn in_use(&self, uses: &[Use]) -> Error {
        let said: Vec<_> = uses.iter().map(ToString::to_string).collect();
        let message = format!("it is {}", said.join(", and "));
        let cause = match uses.iter().any(|one| matches!(one, Use::Bounds(_))) {
            true => Cause::PolicyIsBoundary,
            false => Cause::PolicyAttached,
        };
        Error::of_call(Kind::InUse, "iam:DeletePolicy", &self.arn, "DeleteConflict", message).because(cause)
    }
}

/// `v12` sorts after `v9`.
fn number(version: &str) -> u32 {
    version.trim_start_matches('v').parse().unwrap_or(0)
}

impl Tagged for Policy<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        let call = self.install.clients.iam.tag_policy().policy_arn(&self.arn).set_tags(Some(iam::sdk_tags(&tags)?));
        call.send().await.map_err(failed("iam:TagPolicy", &self.arn)).map(drop)
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        let call = self.install.clients.iam.untag_policy().policy_arn(&self.arn).set_tag_keys(Some(keys));
        call.send().await.map_err(failed("iam:UntagPolicy", &self.arn)).map(drop)
    }
}

impl Resource for Policy<'_> {
    const ADDRESS: Address = ADDRESS;
    const AFTER: &'static [Address] = &[role::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.policy.clone()
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let Some(policy) = self.live().await? else { return Ok(Observed::Absent) };
        // The one attachment that is usual need not be our role's.
        let (answer, attachments, bounded) = try_join3(
            self.default_version(&policy),
            self.attachments(policy.attachment_count().unwrap_or(0) > 0),
            self.bounded(policy.permissions_boundary_usage_count().unwrap_or(0) > 0),
        )
        .await?;
        let Some(answer) = answer else { return Ok(Observed::Absent) };
        let text = answer.policy_version().and_then(|version| version.document()).unwrap_or_default();
        let tags = iam::tags_of(policy.tags());
        let state = State {
            document: document::canonical(&document::decode(text)),
            tags: ownership::owned(&tags, &self.desired.tags),
        };
        let attachments = attachments.into_iter().map(Use::AttachedTo);
        let extras = attachments.chain(bounded.into_iter().map(Use::Bounds)).map(|one| one.extra());
        let beside = self.install.judged(ADDRESS, extras.collect::<Vec<_>>());
        let existing = Existing { state, beside };
        Ok(by_tags(&tags, &self.install.names, existing))
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        let desired = &self.desired;
        let Some(observed) = observed else {
            iam.create_policy()
                .policy_name(&self.install.names.policy)
                .path(&self.install.names.iam_path)
                .description("What the notifier for old access keys may do: read users and keys, publish to one topic")
                .policy_document(desired.document.to_string())
                .set_tags(Some(iam::sdk_tags(&desired.tags)?))
                .send()
                .await
                .map_err(failed("iam:CreatePolicy", &self.install.names.policy))?;
            return Ok(());
        };
        if observed.document != desired.document {
            self.new_version().await?;
        }
        settle_tags(self, &observed.tags, &desired.tags).await
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        match extra.handle.as_deref().and_then(Entity::parse) {
            Some(entity) => self.detach(&entity).await,
            None => Ok(()),
        }
    }

    async fn destroy(&self, removal: Removal) -> Result<(), Error> {
        if removal.force {
            for entity in self.attachments(true).await? {
                self.detach(&entity).await?;
            }
        }
        let in_use = |error: &Error| error.kind == Kind::InUse;
        let deleted = self.install.wait(ADDRESS, DETACHED, in_use, async || self.delete().await).await;
        match deleted {
            // Waiting did not help: what uses it is no detachment that lags, and the same command would not help either.
            Err(error) if error.kind == Kind::TimedOut => match self.uses().await?.as_slice() {
                [] => Err(error),
                uses => Err(self.in_use(uses)),
            },
            other => other,
        }
    }
}
