//! `events_rule`: the schedule.
//!
//! Asks EventBridge: DescribeRule, ListTagsForResource; PutRule with everything in one call, for creation and for
//! drift alike as it overwrites what it is not told; TagResource, UntagResource (PutRule ignores the tags of a rule
//! that is there); DeleteRule.

use aws_sdk_eventbridge::types::{RuleState, Tag};
use keyminder_reconcile::{Address, Observed, Removal, Resource};
use serde::Serialize;

use super::tags::{Tagged, settle as settle_tags};
use super::{Shared, by_tags, found, ignore_missing};
use crate::actions::{Actions, On};
use crate::error::{Cause, Error, Kind, failed};
use crate::installation::{DETACHED, Installation};
use crate::ownership::{self, Tags};

pub(crate) const ADDRESS: Address = Address("events_rule");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    #[serde(flatten)]
    definition: Definition,
    tags: Tags,
}

impl State {
    /// It starts its targets.
    pub(crate) fn is_enabled(&self) -> bool {
        self.definition.state == RuleState::Enabled.as_str()
    }

    /// When it does.
    pub(crate) fn schedule(&self) -> &str {
        &self.definition.schedule
    }
}

/// What PutRule sets, all of it at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Definition {
    schedule: String,
    event_pattern: Option<String>,
    state: String,
    description: String,
    role: Option<String>,
}

pub(crate) struct Rule<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> Rule<'a> {
    pub(crate) const ACTIONS: Actions = &[(
        On::Rule,
        &[
            "events:DeleteRule",
            "events:DescribeRule",
            "events:ListTagsForResource",
            "events:PutRule",
            "events:TagResource",
            "events:UntagResource",
        ],
    )];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let definition = Definition {
            schedule: install.spec.schedule.clone(),
            event_pattern: None,
            state: RuleState::Enabled.as_str().to_owned(),
            description: "Runs the check for old IAM access keys".to_owned(),
            role: None,
        };
        let desired = State { definition, tags: install.tags() };
        Self { install, arn: install.names.rule_arn(), desired }
    }

    fn name(&self) -> &str {
        &self.install.names.rule
    }

    fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, Error> {
        tags.iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<_, _>>()
            .map_err(Error::unbuildable)
    }

    /// Always with the tags, although EventBridge ignores them for a rule that is there (API reference, PutRule): where
    /// somebody deleted the rule a moment ago, this makes it again, and without tags it would be nobody's.
    async fn put(&self, schedule: &str) -> Result<(), Error> {
        self.install
            .clients
            .events
            .put_rule()
            .name(self.name())
            .schedule_expression(schedule)
            .state(RuleState::from(self.desired.definition.state.as_str()))
            .description(&self.desired.definition.description)
            .set_tags(Some(Self::sdk_tags(&self.desired.tags)?))
            .send()
            .await
            .map_err(failed("events:PutRule", self.name()))?;
        Ok(())
    }
}

/// The schedule that the rule has, where that is all in which it may differ from ours.
pub(crate) async fn schedule(install: &Installation) -> Result<String, Error> {
    let rule = Rule::new(install);
    match rule.observe(&Shared::default()).await? {
        Observed::Absent | Observed::AbsentBeside(_) => {
            let error = Error::usage("RuleNotFound", format!("the rule {} does not exist", rule.name()));
            Err(Error { kind: Kind::NotFound, ..error }.of_install())
        }
        Observed::Foreign(_, reason) => Err(Error::usage(
            "NotOurs",
            format!("the rule {} was not created by this installation: {reason}", rule.name()),
        )
        .because(Cause::NotOurs)),
        Observed::Ours(existing) => {
            let found = existing.state.definition;
            let wanted = Definition { schedule: found.schedule.clone(), ..rule.desired.definition.clone() };
            if found == wanted {
                return Ok(found.schedule);
            }
            Err(Error::usage(
                "RuleDiffers",
                format!("the rule {} is out of sync, so that it could not be restored afterwards", rule.name()),
            )
            .because(Cause::RuleDiffers))
        }
    }
}

/// Gives the rule another schedule for a while.
pub(crate) async fn reschedule(install: &Installation, schedule: &str) -> Result<(), Error> {
    Rule::new(install).put(schedule).await
}

impl Tagged for Rule<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        let events = &self.install.clients.events;
        let call = events.tag_resource().resource_arn(&self.arn).set_tags(Some(Self::sdk_tags(&tags)?));
        call.send().await.map_err(failed("events:TagResource", &self.arn)).map(drop)
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        let call = self.install.clients.events.untag_resource().resource_arn(&self.arn).set_tag_keys(Some(keys));
        call.send().await.map_err(failed("events:UntagResource", &self.arn)).map(drop)
    }
}

impl Resource for Rule<'_> {
    const ADDRESS: Address = ADDRESS;

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.rule.clone()
    }

    const DECIDED: &'static [&'static str] = &["schedule"];

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, _: &Shared) -> Result<Observed<State>, Error> {
        let events = &self.install.clients.events;
        let answer = events.describe_rule().name(self.name()).send().await;
        let Some(rule) = found(answer.map_err(failed("events:DescribeRule", self.name())))? else {
            return Ok(Observed::Absent);
        };
        let answer = events.list_tags_for_resource().resource_arn(&self.arn).send().await;
        let Some(answer) = found(answer.map_err(failed("events:ListTagsForResource", &self.arn)))? else {
            return Ok(Observed::Absent);
        };
        let tags: Tags = answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let definition = Definition {
            schedule: rule.schedule_expression().unwrap_or_default().to_owned(),
            event_pattern: given(rule.event_pattern()),
            state: rule.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            description: rule.description().unwrap_or_default().to_owned(),
            role: given(rule.role_arn()),
        };
        let state = State { definition, tags: ownership::owned(&tags, &self.desired.tags) };
        Ok(by_tags(&tags, &self.install.names, state))
    }

    async fn converge(&self, observed: Option<&State>, _: &Shared) -> Result<(), Error> {
        let Some(observed) = observed else {
            return self.put(&self.desired.definition.schedule).await;
        };
        if observed.definition != self.desired.definition {
            self.put(&self.desired.definition.schedule).await?;
        }
        settle_tags(self, &observed.tags, &self.desired.tags).await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        // The targets went before; that they still count is a read that lags behind.
        self.install
            .wait(
                ADDRESS,
                DETACHED,
                |error| error.kind == Kind::InUse,
                async || {
                    let answer = self.install.clients.events.delete_rule().name(self.name()).send().await;
                    ignore_missing(answer.map_err(failed("events:DeleteRule", self.name())))
                },
            )
            .await
    }
}
