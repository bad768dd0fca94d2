//! Who else uses the policy, beside our own role that it is attached to.
//!
//! Asks IAM: ListEntitiesForPolicy; DetachRolePolicy, DetachUserPolicy, DetachGroupPolicy. A permissions boundary is
//! only reported, never taken away: whoever it bounds could do more without it.

use std::fmt;

use aws_sdk_iam::types::PolicyUsageType;
use futures::future::try_join;

use keyminder_reconcile::{Effect, Extra, Severity};

use super::Policy;
use crate::error::{Error, failed};
use crate::extras::{ATTACHMENT, BOUNDED};
use crate::resource::{found, ignore_missing};

/// What a policy can be attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entity {
    Role(String),
    User(String),
    Group(String),
}

impl Entity {
    /// How an ARN would end, but for a path.
    fn known_as(&self) -> String {
        match self {
            Self::Role(name) => format!("role/{name}"),
            Self::User(name) => format!("user/{name}"),
            Self::Group(name) => format!("group/{name}"),
        }
    }

    /// The same read back.
    pub(super) fn parse(known_as: &str) -> Option<Self> {
        let (kind, name) = known_as.split_once('/')?;
        match kind {
            "role" => Some(Self::Role(name.to_owned())),
            "user" => Some(Self::User(name.to_owned())),
            "group" => Some(Self::Group(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "the role {name}"),
            Self::User(name) => write!(f, "the user {name}"),
            Self::Group(name) => write!(f, "the group {name}"),
        }
    }
}

/// One use that keeps the policy from being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Use {
    AttachedTo(Entity),
    Bounds(Entity),
}

impl Use {
    /// It keeps the policy from being deleted.
    pub(super) fn extra(&self) -> Extra {
        let (kind, entity) = match self {
            Self::AttachedTo(entity) => (ATTACHMENT, entity),
            Self::Bounds(entity) => (BOUNDED, entity),
        };
        let extra = Extra::new(kind, entity.to_string()).known_as(entity.known_as()).blocks_deletion();
        match self {
            // It may read keys and publish.
            Self::AttachedTo(entity) => extra.handle(entity.known_as()).effect(Effect::GivesAccess, Severity::Warning),
            Self::Bounds(_) => extra.effect(Effect::Narrows, Severity::Info),
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.extra().fmt(f)
    }
}

impl Policy<'_> {
    async fn entities(&self, usage: PolicyUsageType) -> Result<Vec<Entity>, Error> {
        let request = self.install.clients.iam.list_entities_for_policy().policy_arn(&self.arn);
        let mut pages = request.policy_usage_filter(usage).into_paginator().send();
        let mut entities = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("iam:ListEntitiesForPolicy", &self.arn))?;
            entities
                .extend(page.policy_roles.into_iter().flatten().filter_map(|role| role.role_name).map(Entity::Role));
            entities
                .extend(page.policy_users.into_iter().flatten().filter_map(|user| user.user_name).map(Entity::User));
            let groups = page.policy_groups.into_iter().flatten();
            entities.extend(groups.filter_map(|group| group.group_name).map(Entity::Group));
        }
        Ok(entities)
    }

    /// What it is attached to, our own role aside. `any`: there is something to ask for.
    pub(super) async fn attachments(&self, any: bool) -> Result<Vec<Entity>, Error> {
        if !any {
            return Ok(Vec::new());
        }
        let mut entities = found(self.entities(PolicyUsageType::PermissionsPolicy).await)?.unwrap_or_default();
        entities.retain(|entity| *entity != Entity::Role(self.install.names.role.clone()));
        Ok(entities)
    }

    /// What it is the permissions boundary of. `any`: there is something to ask for.
    pub(super) async fn bounded(&self, any: bool) -> Result<Vec<Entity>, Error> {
        if !any {
            return Ok(Vec::new());
        }
        Ok(found(self.entities(PolicyUsageType::PermissionsBoundary).await)?.unwrap_or_default())
    }

    /// Every use that keeps it from being deleted.
    pub(super) async fn uses(&self) -> Result<Vec<Use>, Error> {
        let (attached, bounded) = try_join(self.attachments(true), self.bounded(true)).await?;
        Ok(attached.into_iter().map(Use::AttachedTo).chain(bounded.into_iter().map(Use::Bounds)).collect())
    }

    pub(super) async fn detach(&self, entity: &Entity) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        ignore_missing(match entity {
            Entity::Role(name) => iam
                .detach_role_policy()
                .role_name(name)
                .policy_arn(&self.arn)
                .send()
                .await
                .map(drop)
                .map_err(failed("iam:DetachRolePolicy", name)),
            Entity::User(name) => iam
                .detach_user_policy()
                .user_name(name)
                .policy_arn(&self.arn)
                .send()
                .await
                .map(drop)
                .map_err(failed("iam:DetachUserPolicy", name)),
            Entity::Group(name) => iam
                .detach_group_policy()
                .group_name(name)
                .policy_arn(&self.arn)
                .send()
                .await
                .map(drop)
                .map_err(failed("iam:DetachGroupPolicy", name)),
        })
    }
}
