//! `iam_policy`: the managed policy that says what the function may do.
//!
//! Asks IAM: GetPolicy (which has the tags), GetPolicyVersion; CreatePolicy; for drift CreatePolicyVersion as the new
//! default, after DeletePolicyVersion of the oldest where there are five already, TagPolicy, UntagPolicy; for
//! deletion ListPolicyVersions, DeletePolicyVersion, DeletePolicy; ListEntitiesForPolicy where others use it.

use keyminder_reconcile::{Address, Existing, Extra, Observed, Removal, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use super::role::{self, DETACHED};
use super::{by_tags, found, gone};
use crate::document;
use crate::error::{Error, Kind, failed};
use crate::installation::Installation;
use crate::marks::{self, Tags};

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

/// What the checker needs, and nothing that could change or use a key.
pub(crate) fn document(install: &Installation) -> Value {
    let names = &install.names;
    let mut read = vec![
        "iam:GetAccessKeyLastUsed",
        "iam:GetAccountSummary",
        "iam:ListAccessKeys",
        "iam:ListAccountAliases",
        "iam:ListUserTags",
        "iam:ListUsers",
    ];
    if install.spec.settings.other_credentials {
        read.extend(["iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates"]);
    }
    let mut statements = vec![
        json!({ "Sid": "ReadUsersAndKeys", "Effect": "Allow", "Action": read, "Resource": "*" }),
        json!({ "Sid": "Notify", "Effect": "Allow", "Action": "sns:Publish", "Resource": names.topic_arn() }),
        json!({
            "Sid": "WriteOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": format!("{}:*", names.log_group_arn())
        }),
    ];
    // Publishing to a topic under a key of the account's own needs that key (SNS Developer Guide, "Key management").
    if install.spec.kms_key.as_ref().is_some_and(|key| key != "alias/aws/sns") {
        statements.push(json!({
            "Sid": "EncryptNotices",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": format!("arn:{}:kms:{}:{}:key/*", names.partition, names.region, names.account),
            "Condition": { "StringLike": { "kms:ViaService": "sns.*" } }
        }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

impl<'a> Policy<'a> {
    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State { document: document::canonical(&document(install)), tags: install.tags() };
        Self { install, arn: install.names.policy_arn(), desired }
    }

    async fn live(&self) -> Result<Option<aws_sdk_iam::types::Policy>, Error> {
        let answer = self.install.clients.iam.get_policy().policy_arn(&self.arn).send().await;
        Ok(found(answer.map_err(failed("iam:GetPolicy", &self.arn)))?.and_then(|answer| answer.policy))
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
        gone(answer.map_err(failed("iam:DeletePolicyVersion", &self.arn)))
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

    /// Whom else the policy is attached to: `("role", name)` and so on.
    async fn other_users(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut pages =
            self.install.clients.iam.list_entities_for_policy().policy_arn(&self.arn).into_paginator().send();
        let mut entities = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("iam:ListEntitiesForPolicy", &self.arn))?;
            let roles = page.policy_roles().iter().filter_map(|role| role.role_name());
            entities.extend(roles.filter(|name| *name != self.install.names.role).map(|n| ("role", n.to_owned())));
            entities.extend(page.policy_users().iter().filter_map(|u| u.user_name()).map(|n| ("user", n.to_owned())));
            entities
                .extend(page.policy_groups().iter().filter_map(|g| g.group_name()).map(|n| ("group", n.to_owned())));
        }
        Ok(entities)
    }

    async fn detach(&self, kind: &str, name: &str) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        gone(match kind {
            "role" => iam
                .detach_role_policy()
                .role_name(name)
                .policy_arn(&self.arn)
                .send()
                .await
                .map(drop)
                .map_err(failed("iam:DetachRolePolicy", name)),
            "user" => iam
                .detach_user_policy()
                .user_name(name)
                .policy_arn(&self.arn)
                .send()
                .await
                .map(drop)
                .map_err(failed("iam:DetachUserPolicy", name)),
            _ => iam
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

/// `v12` sorts after `v9`.
fn number(version: &str) -> u32 {
    version.trim_start_matches('v').parse().unwrap_or(0)
}

impl Resource for Policy<'_> {
    type State = State;
    type Error = Error;

    fn address(&self) -> Address {
        ADDRESS
    }

    fn name(&self) -> String {
        self.install.names.policy.clone()
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self) -> Result<Observed<State>, Error> {
        let Some(policy) = self.live().await? else { return Ok(Observed::Absent) };
        let version = policy.default_version_id().unwrap_or("v1");
        let answer =
            self.install.clients.iam.get_policy_version().policy_arn(&self.arn).version_id(version).send().await;
        let Some(answer) = found(answer.map_err(failed("iam:GetPolicyVersion", &self.arn)))? else {
            return Ok(Observed::Absent);
        };
        let text = answer.policy_version().and_then(|version| version.document()).unwrap_or_default();
        let tags = role::tags_of(policy.tags());
        let state = State {
            document: document::canonical(&document::decode(text)),
            tags: marks::owned(&tags, &self.desired.tags),
        };
        let mut existing = Existing::from(state);
        // Our own role is one attachment; whoever else uses the policy keeps it from being deleted.
        if policy.attachment_count().unwrap_or(0) > 1 {
            existing.extras = self
                .other_users()
                .await?
                .into_iter()
                .map(|(kind, name)| Extra { what: format!("attached to the {kind} {name}"), blocks_deletion: true })
                .collect();
        }
        Ok(by_tags(&tags, &self.install.names, existing))
    }

    async fn converge(&self, observed: Option<&State>) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        let desired = &self.desired;
        let Some(observed) = observed else {
            iam.create_policy()
                .policy_name(&self.install.names.policy)
                .path(&self.install.names.iam_path)
                .description("What the notifier for old access keys may do: read users and keys, publish to one topic")
                .policy_document(desired.document.to_string())
                .set_tags(Some(role::sdk_tags(&desired.tags)?))
                .send()
                .await
                .map_err(failed("iam:CreatePolicy", &self.install.names.policy))?;
            return Ok(());
        };
        if observed.document != desired.document {
            self.new_version().await?;
        }
        let changes = marks::changes(&observed.tags, &desired.tags);
        if !changes.remove.is_empty() {
            iam.untag_policy()
                .policy_arn(&self.arn)
                .set_tag_keys(Some(changes.remove))
                .send()
                .await
                .map_err(failed("iam:UntagPolicy", &self.arn))?;
        }
        if !changes.set.is_empty() {
            iam.tag_policy()
                .policy_arn(&self.arn)
                .set_tags(Some(role::sdk_tags(&changes.set)?))
                .send()
                .await
                .map_err(failed("iam:TagPolicy", &self.arn))?;
        }
        Ok(())
    }

    async fn destroy(&self, removal: Removal) -> Result<(), Error> {
        if removal.force {
            for (kind, name) in found(self.other_users().await)?.unwrap_or_default() {
                self.detach(kind, &name).await?;
            }
        }
        for id in found(self.other_versions().await)?.unwrap_or_default() {
            self.delete_version(&id).await?;
        }
        self.install
            .wait(
                ADDRESS,
                DETACHED,
                |error| error.kind == Kind::InUse,
                async || {
                    let answer = self.install.clients.iam.delete_policy().policy_arn(&self.arn).send().await;
                    gone(answer.map_err(failed("iam:DeletePolicy", &self.arn)))
                },
            )
            .await
    }
}
