//! `lambda_log_group`: the function's log group, made before the function runs so that it is ours, with an end to how
//! long it is kept.
//!
//! Asks CloudWatch Logs: DescribeLogGroups, ListTagsForResource; CreateLogGroup with the tags, PutRetentionPolicy;
//! for drift PutRetentionPolicy, TagResource, UntagResource; DeleteLogGroup.

use keyminder_reconcile::{Address, Observed, Removal, Resource};
use serde::Serialize;

use super::tags::{Tagged, settle as settle_tags};
use super::{Shared, by_tags, found, function, ignore_missing};
use crate::actions::{Actions, On};
use crate::error::{Error, Kind, failed};
use crate::installation::{Installation, PROPAGATION};
use crate::ownership::{self, Tags};

pub(crate) const ADDRESS: Address = Address("lambda_log_group");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    retention_days: Option<i32>,
    tags: Tags,
}

pub(crate) struct LogGroup<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> LogGroup<'a> {
    pub(crate) const ACTIONS: Actions = &[
        (
            On::LogGroup,
            &[
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
        ),
        // Listing log groups cannot be allowed on less.
        (On::Anything, &["logs:DescribeLogGroups"]),
    ];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let desired = State {
            retention_days: i32::try_from(install.spec.function.log_retention_days).ok(),
            tags: install.tags(),
        };
        Self { install, arn: install.names.log_group_arn(), desired }
    }

    fn name(&self) -> &str {
        &self.install.names.log_group
    }

    /// The group itself: the prefix also finds groups with longer names.
    async fn live(&self) -> Result<Option<aws_sdk_cloudwatchlogs::types::LogGroup>, Error> {
        let mut pages = self
            .install
            .clients
            .logs
            .describe_log_groups()
            .log_group_name_prefix(self.name())
            .into_paginator()
            .items()
            .send();
        while let Some(group) = pages.next().await {
            let group = group.map_err(failed("logs:DescribeLogGroups", self.name()))?;
            if group.log_group_name() == Some(self.name()) {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }

    async fn set_retention(&self) -> Result<(), Error> {
        self.install
            .clients
            .logs
            .put_retention_policy()
            .log_group_name(self.name())
            .set_retention_in_days(self.desired.retention_days)
            .send()
            .await
            .map_err(failed("logs:PutRetentionPolicy", self.name()))?;
        Ok(())
    }
}

impl Tagged for LogGroup<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        let logs = &self.install.clients.logs;
        let call = logs.tag_resource().resource_arn(&self.arn).set_tags(Some(tags.into_iter().collect()));
        call.send().await.map_err(failed("logs:TagResource", &self.arn)).map(drop)
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        let call = self.install.clients.logs.untag_resource().resource_arn(&self.arn).set_tag_keys(Some(keys));
        call.send().await.map_err(failed("logs:UntagResource", &self.arn)).map(drop)
    }
}

impl Resource for LogGroup<'_> {
    const ADDRESS: Address = ADDRESS;
    const OUTLIVES: &'static [Address] = &[function::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.log_group.clone()
    }

    const DECIDED: &'static [&'static str] = &["retention_days"];

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let Some(group) = self.live().await? else { return Ok(Observed::Absent) };
        let answer = self.install.clients.logs.list_tags_for_resource().resource_arn(&self.arn).send().await;
        let Some(answer) = found(answer.map_err(failed("logs:ListTagsForResource", &self.arn)))? else {
            return Ok(Observed::Absent);
        };
        let tags: Tags = answer.tags.unwrap_or_default().into_iter().collect();
        let state =
            State { retention_days: group.retention_in_days(), tags: ownership::owned(&tags, &self.desired.tags) };
        Ok(by_tags(&tags, &self.install.names, state))
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        let logs = &self.install.clients.logs;
        let Some(observed) = observed else {
            // Logs refuses it while the deletion of a group with that name is in progress.
            self.install
                .wait(ADDRESS, PROPAGATION, is_busy, async || {
                    logs.create_log_group()
                        .log_group_name(self.name())
                        .set_tags(Some(self.desired.tags.clone().into_iter().collect()))
                        .send()
                        .await
                        .map_err(failed("logs:CreateLogGroup", self.name()))
                        .map(|_| ())
                })
                .await?;
            return self.set_retention().await;
        };
        if observed.retention_days != self.desired.retention_days {
            self.set_retention().await?;
        }
        settle_tags(self, &observed.tags, &self.desired.tags).await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        let deleted = self.install.wait(ADDRESS, PROPAGATION, is_busy, async || {
            let call = self.install.clients.logs.delete_log_group().log_group_name(self.name());
            call.send().await.map_err(failed("logs:DeleteLogGroup", self.name())).map(drop)
        });
        ignore_missing(deleted.await)
    }
}

/// Another operation on the group is in progress.
fn is_busy(error: &Error) -> bool {
    error.kind == Kind::Conflict
}
