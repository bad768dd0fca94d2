//! `iam_role`: the role that the function runs as.
//!
//! Asks IAM: GetRole (which has the tags, the trust policy and the boundary); CreateRole with everything in one
//! call; for drift UpdateAssumeRolePolicy, UpdateRole, PutRolePermissionsBoundary, TagRole, UntagRole; DeleteRole.

use keyminder_reconcile::{
    Address, Effect, Existing, Extra, FieldChange, Meaning, Observed, Removal, Resource, Severity,
};
use serde::Serialize;
use serde_json::Value;

use super::iam::{sdk_tags, tags_of};
use super::shared::{LiveRole, live_role};
use super::tags::{Tagged, settle as settle_tags};
use super::{Shared, by_tags, ignore_missing};
use crate::access;
use crate::actions::{Actions, On};
use crate::document;
use crate::error::{Cause, Error, Kind, failed};
use crate::extras::{BOUNDARY, STATEMENT};
use crate::installation::{DETACHED, Installation};
use crate::ownership::{self, Tags};

pub(crate) const ADDRESS: Address = Address("iam_role");

const TRUST: &str = include_str!("../../../../assets/policy/trust.json");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    path: String,
    trust: Value,
    /// Statements that others put into the trust policy. They are kept.
    #[serde(skip)]
    others: Vec<Value>,
    description: String,
    permissions_boundary: Option<String>,
    tags: Tags,
}

impl State {
    /// An older version of keyminder wrote it.
    pub(crate) fn is_older(&self) -> bool {
        ownership::is_of_older_format(&self.tags)
    }

    /// It lacks nothing but the record of its format.
    pub(crate) fn lacks_only_its_format(&self, install: &Installation) -> bool {
        let mut recorded = Self { others: Vec::new(), ..self.clone() };
        recorded.tags.extend([ownership::format_record()]);
        recorded == Role::new(install).desired
    }
}

pub(crate) struct Role<'a> {
    install: &'a Installation,
    desired: State,
}

impl<'a> Role<'a> {
    pub(crate) const ACTIONS: Actions = &[(
        On::Role,
        &[
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:GetRole",
            "iam:PutRolePermissionsBoundary",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
        ],
    )];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State {
            path: install.names.iam_path.clone(),
            trust: document::canonical(&document::decode(TRUST)),
            others: Vec::new(),
            description: "Lets the notifier for old access keys read IAM users and keys and publish to one topic"
                .to_owned(),
            permissions_boundary: install.spec.iam.permissions_boundary.clone(),
            tags: install.tags().into_iter().chain([ownership::format_record()]).collect(),
        };
        Self { install, desired }
    }

    fn name(&self) -> &str {
        &self.install.names.role
    }

    async fn set_trust(&self, trust: &Value) -> Result<(), Error> {
        let call = self.install.clients.iam.update_assume_role_policy().role_name(self.name());
        let answer = call.policy_document(trust.to_string()).send().await;
        answer.map_err(failed("iam:UpdateAssumeRolePolicy", self.name())).map(drop)
    }

    /// Sets the declared boundary. None is ever removed: whoever may do that can lift every limit on the role.
    async fn set_boundary(&self) -> Result<(), Error> {
        let Some(arn) = &self.desired.permissions_boundary else { return Ok(()) };
        let call = self.install.clients.iam.put_role_permissions_boundary().role_name(self.name());
        let answer = call.permissions_boundary(arn).send().await;
        answer.map_err(failed("iam:PutRolePermissionsBoundary", self.name())).map(drop)
    }
}

/// What of a trust policy is ours, and the statements that are not: whatever lets Lambda assume the role is ours to
/// correct.
fn split(trust: Value) -> (Value, Vec<Value>) {
    document::split(trust, |statement| {
        let services = statement.get("Principal").and_then(|principal| principal.get("Service")).map(access::list);
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        allows && services.is_some_and(|services| services.iter().any(|service| service == "lambda.amazonaws.com"))
    })
}

fn live_trust(role: &LiveRole) -> (Value, Vec<Value>) {
    split(document::canonical(&document::decode(role.assume_role_policy_document().unwrap_or_default())))
}

impl Tagged for Role<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        let call = self.install.clients.iam.tag_role().role_name(self.name()).set_tags(Some(sdk_tags(&tags)?));
        call.send().await.map_err(failed("iam:TagRole", self.name())).map(drop)
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        let call = self.install.clients.iam.untag_role().role_name(self.name()).set_tag_keys(Some(keys));
        call.send().await.map_err(failed("iam:UntagRole", self.name())).map(drop)
    }
}

impl Resource for Role<'_> {
    const ADDRESS: Address = ADDRESS;

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.role.clone()
    }

    const DECIDED: &'static [&'static str] = &["path", "permissions_boundary"];

    /// The usual path is nobody's decision.
    fn meaning(&self, change: &FieldChange) -> Meaning {
        match change.path.first_key() {
            Some("path") if change.after == "/" && change.before.is_null() => Meaning::Derived,
            Some(key) if Self::DECIDED.contains(&key) => Meaning::Decided,
            _ => Meaning::Derived,
        }
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, shared: &Shared) -> Result<Observed<State>, Error> {
        let Some(role) = shared.role(self.install).await? else { return Ok(Observed::Absent) };
        let tags = tags_of(role.tags());
        let boundary = role.permissions_boundary().and_then(|one| one.permissions_boundary_arn()).map(str::to_owned);
        // A boundary that is not declared is somebody's who wants the role bounded: it only narrows, and stays.
        let undeclared = boundary.iter().filter(|_| self.desired.permissions_boundary.is_none());
        let (trust, others) = live_trust(role);
        let own = &self.install.names.account;
        let statements = others.iter().flat_map(|statement| access::trust(STATEMENT, statement, own));
        let extras: Vec<_> = undeclared
            .map(|arn| {
                Extra::new(BOUNDARY, arn).account(access::account_of(arn)).effect(Effect::Narrows, Severity::Info)
            })
            .chain(statements)
            .collect();
        let state = State {
            path: role.path().to_owned(),
            trust,
            others,
            description: role.description().unwrap_or_default().to_owned(),
            permissions_boundary: boundary.filter(|_| self.desired.permissions_boundary.is_some()),
            tags: ownership::owned(&tags, &self.desired.tags),
        };
        let existing = Existing { state, beside: self.install.judged(ADDRESS, extras) };
        Ok(by_tags(&tags, &self.install.names, existing))
    }

    async fn converge(&self, observed: Option<&State>, shared: &Shared) -> Result<(), Error> {
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
            shared.role_was_made(answer.role);
            return Ok(());
        };
        if observed.path != desired.path {
            return Err(fixed_path("role", name, &observed.path, &desired.path));
        }
        if observed.trust != desired.trust {
            self.set_trust(&document::with(&desired.trust, &observed.others)).await?;
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
        settle_tags(self, &observed.tags, &desired.tags).await
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        let Some(role) = live_role(&self.install.clients, self.name()).await? else { return Ok(()) };
        let (own, others) = live_trust(&role);
        let left: Vec<_> = others
            .iter()
            .filter(|one| !document::is(one, extra.handle.as_deref().unwrap_or_default()))
            .cloned()
            .collect();
        if left.len() == others.len() {
            return Ok(());
        }
        self.set_trust(&document::with_some(&own, &left, &self.desired.trust)).await
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
                    ignore_missing(answer.map_err(failed("iam:DeleteRole", name)))
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
