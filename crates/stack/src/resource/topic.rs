//! `sns_topic`: the topic that everything is published to.
//!
//! Asks SNS: GetTopicAttributes, ListTagsForResource; CreateTopic with everything in one call; for drift
//! SetTopicAttributes, TagResource, UntagResource; DeleteTopic.

use std::collections::BTreeMap;

use keyminder_reconcile::{Address, Existing, Extra, Observed, Removal, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use super::shared::Made;
use super::tags::{Tagged, settle as settle_tags};
use super::{Shared, by_tags, found, records, topic_tags};
use crate::access;
use crate::actions::{Actions, On};
use crate::document;
use crate::error::{Error, Kind, failed};
use crate::extras::STATEMENT;
use crate::installation::Installation;
use crate::ownership::{self, Tags};

pub(crate) const ADDRESS: Address = Address("sns_topic");

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    display_name: String,
    kms_key: Option<String>,
    policy: Value,
    /// Statements that others put into the policy. They are kept.
    #[serde(skip)]
    others: Vec<Value>,
    tags: Tags,
}

pub(crate) struct Topic<'a> {
    install: &'a Installation,
    arn: String,
    desired: State,
}

impl<'a> Topic<'a> {
    pub(crate) const ACTIONS: Actions = &[(
        On::Topic,
        &[
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "sns:SetTopicAttributes",
            "sns:TagResource",
            "sns:UntagResource",
        ],
    )];

    pub(crate) fn new(install: &'a Installation) -> Self {
        let arn = install.names.topic_arn();
        let desired = State {
            display_name: install.spec.topic.display_name.clone(),
            kms_key: install.spec.topic.kms_key.clone(),
            policy: document::canonical(&policy(&arn, &install.names.account)),
            others: Vec::new(),
            tags: install.tags(),
        };
        Self { install, arn, desired }
    }

    /// The topic's attributes; `None` if there is no topic.
    async fn attributes(&self) -> Result<Option<BTreeMap<String, String>>, Error> {
        let answer = self.install.clients.sns.get_topic_attributes().topic_arn(&self.arn).send().await;
        let answer = found(answer.map_err(failed("sns:GetTopicAttributes", &self.arn)))?;
        Ok(answer.map(|answer| answer.attributes.unwrap_or_default().into_iter().collect()))
    }

    /// Takes a statement out of the policy as it is now. The policy is written whole.
    async fn remove_statement(&self, statement: &str) -> Result<(), Error> {
        let Some(attributes) = self.attributes().await? else { return Ok(()) };
        let live = attributes.get("Policy").map_or(Value::Null, |text| document::canonical(&document::decode(text)));
        let (own, others) = split(live);
        let left: Vec<_> = others.iter().filter(|one| !document::is(one, statement)).cloned().collect();
        if left.len() == others.len() {
            return Ok(());
        }
        self.set("Policy", &document::with_some(&own, &left, &self.desired.policy).to_string()).await
    }

    async fn set(&self, attribute: &str, value: &str) -> Result<(), Error> {
        self.install
            .clients
            .sns
            .set_topic_attributes()
            .topic_arn(&self.arn)
            .attribute_name(attribute)
            .attribute_value(value)
            .send()
            .await
            .map_err(failed("sns:SetTopicAttributes", &self.arn))?;
        Ok(())
    }
}

/// Our statement, and that of the policy which SNS gives a new topic: both are ours to replace.
const OWN_STATEMENT: &str = "ThisAccount";
const DEFAULT_STATEMENT: &str = "__default_statement_ID";

/// What of a policy is ours, and the statements that are not.
fn split(policy: Value) -> (Value, Vec<Value>) {
    document::split(policy, |statement| {
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
        sid == OWN_STATEMENT || sid == DEFAULT_STATEMENT
    })
}

/// Only this account. SNS's default policy says the same by way of a condition on everybody.
fn policy(arn: &str, account: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": OWN_STATEMENT,
            "Effect": "Allow",
            "Principal": { "AWS": account },
            "Action": [
                "sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
                "sns:Publish", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe"
            ],
            "Resource": arn
        }]
    })
}

/// CreateTopic is idempotent, but refuses a topic that is there with other attributes or tags, as a colleague's or a
/// concurrent run's may be (API reference, CreateTopic).
fn differs(error: Error) -> Error {
    if error.code.starts_with("InvalidParameter") && error.message.contains("already exists") {
        return Error { kind: Kind::AlreadyExists, ..error };
    }
    error
}

impl Tagged for Topic<'_> {
    async fn set_tags(&self, tags: Tags) -> Result<(), Error> {
        topic_tags::set(self.install, &tags).await
    }

    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error> {
        topic_tags::remove(self.install, keys).await
    }
}

impl Resource for Topic<'_> {
    const ADDRESS: Address = ADDRESS;

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.topic.clone()
    }

    const DECIDED: &'static [&'static str] = &["display_name", "kms_key"];

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, shared: &Shared) -> Result<Observed<State>, Error> {
        let Some(attributes) = self.attributes().await? else { return Ok(Observed::Absent) };
        let Some(tags) = shared.topic_tags(self.install).await? else { return Ok(Observed::Absent) };
        let attribute = |name: &str| attributes.get(name).filter(|value| !value.is_empty());
        self.install.must_be_here("SNS", attribute("Owner").map(String::as_str))?;
        let policy = attribute("Policy").map_or(Value::Null, |text| document::canonical(&document::decode(text)));
        let (policy, others) = split(policy);
        let own = &self.install.names.account;
        let extras: Vec<_> = others.iter().flat_map(|statement| access::statement(STATEMENT, statement, own)).collect();
        let state = State {
            display_name: attribute("DisplayName").cloned().unwrap_or_default(),
            kms_key: attribute("KmsMasterKeyId").cloned(),
            policy,
            others,
            tags: ownership::owned(tags, &self.desired.tags),
        };
        let existing = Existing { state, beside: self.install.judged(ADDRESS, extras) };
        Ok(by_tags(tags, &self.install.names, existing))
    }

    async fn converge(&self, observed: Option<&State>, shared: &Shared) -> Result<(), Error> {
        let desired = &self.desired;
        let Some(observed) = observed else {
            let mut tags = desired.tags.clone();
            tags.extend(records::of_declared(self.install));
            let made = if tags.len() < ownership::MOST_ON_AN_OBJECT { Made::Marked } else { Made::Unmarked };
            if made == Made::Marked {
                tags.extend([records::new_topic()]);
            }
            let sdk_tags = topic_tags::sdk(&tags)?;
            let name = &self.install.names.topic;
            topic_tags::passing(self.install, async || {
                let create = self
                    .install
                    .clients
                    .sns
                    .create_topic()
                    .name(name)
                    .attributes("DisplayName", &desired.display_name)
                    .attributes("Policy", desired.policy.to_string())
                    .set_tags(Some(sdk_tags.clone()));
                let create = match &desired.kms_key {
                    Some(key) => create.attributes("KmsMasterKeyId", key),
                    None => create,
                };
                create.send().await.map_err(failed("sns:CreateTopic", name)).map_err(differs)
            })
            .await?;
            shared.topic_was_made(made);
            return Ok(());
        };
        if observed.display_name != desired.display_name {
            self.set("DisplayName", &desired.display_name).await?;
        }
        if observed.kms_key != desired.kms_key {
            // An empty value switches encryption off (API reference, SetTopicAttributes).
            self.set("KmsMasterKeyId", desired.kms_key.as_deref().unwrap_or_default()).await?;
        }
        if observed.policy != desired.policy {
            self.set("Policy", &document::with(&desired.policy, &observed.others).to_string()).await?;
        }
        settle_tags(self, &observed.tags, &desired.tags).await
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        self.remove_statement(extra.handle.as_deref().unwrap_or_default()).await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        // Deleting a topic that is not there succeeds; its subscriptions go with it, some time later.
        topic_tags::passing(self.install, async || {
            let call = self.install.clients.sns.delete_topic().topic_arn(&self.arn);
            call.send().await.map_err(failed("sns:DeleteTopic", &self.arn)).map(drop)
        })
        .await
    }
}
