//! `iam_role`: the role that the function runs as.
//!
//! Asks IAM: GetRole (which has the tags, the trust policy and the boundary); CreateRole with everything in one
//! call; for drift UpdateAssumeRolePolicy, UpdateRole, PutRolePermissionsBoundary or
//! DeleteRolePermissionsBoundary, TagRole, UntagRole; DeleteRole.

use keyminder_reconcile::{Address, Observed, Removal, Resource};
use serde::Serialize;
use serde_json::Value;

use super::iam::{sdk_tags, tags_of};
use super::{by_tags, found, gone};
use crate::connection::Clients;
use crate::document;
use crate::error::{Cause, Error, Kind, failed};
use crate::installation::{DETACHED, Installation};
use crate::marks::{self, Tags};

pub(crate) const ADDRESS: Address = Address("iam_role");

const TRUST: &str = include_str!("../../../../assets/policy/trust.json");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    path: String,
    trust: Value,
    description: String,
    permissions_boundary: Option<String>,
    tags: Tags,
}

pub(crate) struct Role<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> Role<'a> {
    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State {
            path: install.names.iam_path.clone(),
            trust: document::canonical(&document::decode(TRUST)),
            description: "Lets the notifier for old access keys read IAM users and keys and publish to one topic"
                .to_owned(),
            permissions_boundary: install.spec.iam.permissions_boundary.clone(),
            tags: install.tags(),
        };
        Self { install, desired }
    }

    fn name(&self) -> &str {
        &self.install.names.role
    }

    async fn set_boundary(&self) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        match &self.desired.permissions_boundary {
            Some(arn) => {
                iam.put_role_permissions_boundary()
                    .role_name(self.name())
                    .permissions_boundary(arn)
                    .send()
                    .await
                    .map_err(failed("iam:PutRolePermissionsBoundary", self.name()))?;
            }
            None => gone(
                iam.delete_role_permissions_boundary()
                    .role_name(self.name())
                    .send()
                    .await
                    .map_err(failed("iam:DeleteRolePermissionsBoundary", self.name())),
            )?,
        }
        Ok(())
    }
}

pub(crate) use aws_sdk_iam::types::Role as Live;

/// A role, if there is one of that name.
pub(crate) async fn live(clients: &Clients, name: &str) -> Result<Option<Live>, Error> {
    let answer = clients.iam.get_role().role_name(name).send().await.map_err(failed("iam:GetRole", name));
    Ok(found(answer)?.and_then(|answer| answer.role))
}

/// The unique id of a role: another one when the role is deleted and made again under its name.
pub(crate) async fn id(clients: &Clients, name: &str) -> Result<Option<String>, Error> {
    Ok(live(clients, name).await?.map(|role| role.role_id().to_owned()))
}

impl Resource for Role<'_> {
    type State = State;
    type Error = Error;

    fn address(&self) -> Address {
        ADDRESS
    }

    fn name(&self) -> String {
        self.install.names.role.clone()
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self) -> Result<Observed<State>, Error> {
        let role = match self.install.first_role() {
            Some(known) => known,
            None => live(&self.install.clients, self.name()).await?,
        };
        let Some(role) = role else { return Ok(Observed::Absent) };
        let tags = tags_of(role.tags());
        let state = State {
            path: role.path().to_owned(),
            trust: document::canonical(&document::decode(role.assume_role_policy_document().unwrap_or_default())),
            description: role.description().unwrap_or_default().to_owned(),
            permissions_boundary: role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn())
                .map(str::to_owned),
            tags: marks::owned(&tags, &self.desired.tags),
        };
        Ok(by_tags(&tags, &self.install.names, state))
    }

    async fn converge(&self, observed: Option<&State>) -> Result<(), Error> {
        let iam = &self.install.clients.iam;
        let desired = &self.desired;
        let name = self.name();
        let Some(observed) = observed else {
            let answer = iam
                .create_role()
                .role_name(name)
                .path(&desired.path)
                .assume_role_policy_document(desired.trust.to_string())
                .description(&desired.description)
                .set_permissions_boundary(desired.permissions_boundary.clone())
                .set_tags(Some(sdk_tags(&desired.tags)?))
                .send()
                .await
                .map_err(failed("iam:CreateRole", name))?;
            if let Some(role) = answer.role() {
                self.install.role_is_new(role.role_id());
            }
            return Ok(());
        };
        if observed.path != desired.path {
            return Err(fixed_path("role", name, &observed.path, &desired.path));
        }
        if observed.trust != desired.trust {
            iam.update_assume_role_policy()
                .role_name(name)
                .policy_document(desired.trust.to_string())
                .send()
                .await
                .map_err(failed("iam:UpdateAssumeRolePolicy", name))?;
        }
        if observed.description != desired.description {
            iam.update_role()
                .role_name(name)
                .description(&desired.description)
                .send()
                .await
                .map_err(failed("iam:UpdateRole", name))?;
        }
        if observed.permissions_boundary != desired.permissions_boundary {
            self.set_boundary().await?;
        }
        let changes = marks::changes(&observed.tags, &desired.tags);
        if !changes.remove.is_empty() {
            iam.untag_role()
                .role_name(name)
                .set_tag_keys(Some(changes.remove))
                .send()
                .await
                .map_err(failed("iam:UntagRole", name))?;
        }
        if !changes.set.is_empty() {
            iam.tag_role()
                .role_name(name)
                .set_tags(Some(sdk_tags(&changes.set)?))
                .send()
                .await
                .map_err(failed("iam:TagRole", name))?;
        }
        Ok(())
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        let name = self.name();
        self.install
            .wait(
                ADDRESS,
                DETACHED,
                |error| error.kind == Kind::InUse,
                async || {
                    let answer = self.install.clients.iam.delete_role().role_name(name).send().await;
                    gone(answer.map_err(failed("iam:DeleteRole", name)))
                },
            )
            .await
    }
}

/// IAM has no operation that moves a role or a policy to another path.
pub(crate) fn fixed_path(what: &str, name: &str, live: &str, wanted: &str) -> Error {
    Error::usage(
        "FixedPath",
        format!("the {what} {name} exists under the path {live}, and IAM cannot move it to {wanted}"),
    )
    .because(Cause::FixedPath(live.to_owned()))
}
