//! `sns_subscriptions`: who is notified, as one set.
//!
//! Asks SNS: ListSubscriptionsByTopic, ListTagsForResource, GetSubscriptionAttributes of each confirmed one; Subscribe,
//! SetSubscriptionAttributes, Unsubscribe; TagResource and UntagResource on the topic.
//!
//! A subscription cannot be tagged, so the topic carries a tag for each one that keyminder created: its record. The
//! record is set before subscribing and removed after unsubscribing, so an interruption leaves at worst a record without
//! a subscription, never a subscription without a record.
//!
//! # Two runs at once
//!
//! One run may remove a record while another subscribes the same endpoint: the record that the second run has just set
//! looks like one that an interrupted run left behind. So each side writes first and reads afterwards:
//!
//! - to subscribe: set the record, Subscribe, **read the records**, and set the record again if it is gone;
//! - to remove: Unsubscribe, list until the subscription is gone, remove the record, **list again**, and set the record
//!   again if the endpoint is subscribed.
//!
//! Of the two writes that matter, Subscribe and the removal of the record, one comes first. If Subscribe does, the
//! remover's list shows the subscription. If the removal does, the subscriber's read shows that the record is gone.
//! Either way the record comes back. This does not cover a run that is killed between its write and its read while
//! another run is at the same point, nor a read of SNS that is older than a write that was answered before it.
//!
//! # A new topic
//!
//! Subscriptions can outlive their topic for a while (SNS Developer Guide, "Deleting an Amazon SNS topic and
//! subscription"), and are then listed on a new topic of the same name. Nothing shows that they are about to go. So a
//! topic is created with the tag `keyminder:new-topic`, and as long as it has that tag, a listed subscription does not
//! count as keyminder's. The tag is removed once none of the declared endpoints is listed, before the first Subscribe: a
//! run that ends before that leaves the tag for the next one. The tag is ignored an hour after the topic was created.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sns::types::Subscription as Live;
use futures::future::{try_join, try_join_all};
use keyminder_reconcile::{
    Action, Address, Effect, Existing, Extra, FieldChange, Meaning, Observed, PathPart, Removal, Resource,
};
use serde::Serialize;
use serde_json::Value;

use super::shared::{Made, Seen};
use super::{Shared, found, ignore_missing, records, topic, topic_tags};
use crate::access;
use crate::actions::{Actions, On};
use crate::error::{Error, Kind, failed};
use crate::extras::SUBSCRIPTION as KIND;
use crate::installation::{DETACHED, Installation, PROPAGATION};
use crate::operate::Recipient;
use crate::ownership::{NEW_TOPIC, SUBSCRIPTION, Tags};
use crate::subscription::{Subscription, without_password};

pub(crate) const ADDRESS: Address = Address("sns_subscriptions");

/// What ListSubscriptionsByTopic says in place of an ARN until the subscription is confirmed.
pub(crate) const PENDING: &str = "PendingConfirmation";
/// And what it says when an owner's unsubscribed endpoint is still listed.
pub(crate) const DELETED: &str = "Deleted";

/// The subscriptions that are ours or should be, by `protocol endpoint`; and by its tag each record of one that is gone,
/// and the mark of a new topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct State(BTreeMap<String, Options>);

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Options {
    filter_policy: Option<Value>,
    filter_policy_scope: Option<String>,
    raw: bool,
    role: Option<String>,
    /// It is recorded as ours, and so will be removed when it is no longer declared.
    managed: bool,
}

/// Our codes for what a listing shows that should be gone.
const LEFT_OVER: &str = "SubscriptionsLeftOver";
const STILL_LISTED: &str = "StillListed";

/// The two options that every subscription has, as [`Options`] writes them.
const MANAGED: &str = "managed";
const RAW: &str = "raw";

/// Who is notified now and who after a setup; `None` if the configuration leaves that open.
pub(crate) fn recipients(install: &Installation, seen: Option<&State>) -> Option<Vec<Recipient>> {
    let declared = install.spec.notify.recipients()?;
    let wanted: Vec<String> = declared.iter().map(|one| records::key(one.protocol.as_str(), &one.endpoint)).collect();
    let present = |key: &String| seen.is_some_and(|state| state.0.contains_key(key));
    let recipient = |key: &str, action| {
        let (protocol, endpoint) = key.split_once(' ')?;
        Some(Recipient { protocol: protocol.to_owned(), endpoint: endpoint.to_owned(), action })
    };
    let stay = wanted.iter().filter_map(|key| {
        let action = if present(key) { Action::None } else { Action::Create };
        recipient(key, action)
    });
    let leave = seen.into_iter().flat_map(|state| state.0.keys()).filter(|key| !wanted.contains(key));
    Some(stay.chain(leave.filter_map(|key| recipient(key, Action::Delete))).collect())
}

impl Options {
    fn of(subscription: &Subscription) -> Self {
        Self {
            filter_policy: subscription.filter_policy.clone(),
            filter_policy_scope: None,
            raw: subscription.raw,
            role: subscription.role.clone(),
            managed: true,
        }
    }

    /// What a confirmed subscription is like.
    fn live(attributes: &BTreeMap<String, String>, managed: bool) -> Self {
        let given = |name: &str| attributes.get(name).filter(|value| !value.is_empty());
        let filter_policy: Option<Value> = given("FilterPolicy").and_then(|text| serde_json::from_str(text).ok());
        // An empty policy is what takes a policy away (SNS Developer Guide, "Removing a subscription filter policy").
        let filter_policy = filter_policy.filter(|policy| *policy != serde_json::json!({}));
        let scope = given("FilterPolicyScope").filter(|scope| filter_policy.is_some() && *scope != "MessageAttributes");
        Self {
            filter_policy_scope: scope.cloned(),
            filter_policy,
            raw: given("RawMessageDelivery").is_some_and(|raw| raw == "true"),
            role: given("SubscriptionRoleArn").cloned(),
            managed,
        }
    }

    /// The attributes as SNS takes them, with what is not wanted spelt out, so that drift is overwritten.
    fn attributes(&self, present: &Self) -> Vec<(&'static str, String)> {
        let mut attributes = Vec::new();
        let policy = |options: &Self| (options.filter_policy.clone(), options.filter_policy_scope.clone());
        if policy(self) != policy(present) {
            let policy = self.filter_policy.as_ref().map_or_else(|| "{}".to_owned(), Value::to_string);
            attributes.push(("FilterPolicy", policy));
            // SNS keeps a scope while there is no policy, and does not show it: a new policy could meet one that somebody
            // set. The scope goes second, because SNS refuses it for a nested policy.
            if self.filter_policy.is_some() {
                attributes.push(("FilterPolicyScope", "MessageAttributes".to_owned()));
            }
        }
        if self.raw != present.raw {
            attributes.push(("RawMessageDelivery", self.raw.to_string()));
        }
        if self.role != present.role {
            attributes.push(("SubscriptionRoleArn", self.role.clone().unwrap_or_default()));
        }
        attributes
    }

    /// A new subscription's attributes.
    const NONE: Self = Self { filter_policy: None, filter_policy_scope: None, raw: false, role: None, managed: false };
}

pub(crate) struct Subscriptions<'a> {
    install: &'a Installation,
    declared: Option<BTreeMap<String, Subscription>>,
    desired: State,
}

/// The attributes with which a subscription is asked for.
pub(crate) fn asked_for(subscription: &Subscription) -> Vec<(&'static str, String)> {
    Options::of(subscription).attributes(&Options::NONE)
}

/// Looks at the topic's subscriptions; `None` where there is no topic.
pub(crate) async fn look(install: &Installation, shared: &Shared) -> Result<Option<Seen>, Error> {
    let Some(live) = found(live(install).await)? else { return Ok(None) };
    let confirmed = live.iter().filter_map(arn_of);
    let attributes = try_join_all(confirmed.map(async |arn| Ok((arn.to_owned(), attributes(install, arn).await?))));
    let (tags, attributes) = try_join(shared.topic_tags(install), attributes).await?;
    // A teardown elsewhere may have taken the topic between the two looks.
    let Some(tags) = tags.cloned() else { return Ok(None) };
    let attributes = attributes.into_iter().filter_map(|(arn, attributes)| Some((arn, attributes?))).collect();
    // On a new topic, what would count as keyminder's may be a deleted topic's, and about to go.
    let declared = records::of_declared(install);
    let is_expected = |tag: &String| tags.contains_key(tag) || declared.contains_key(tag);
    let live = match records::is_new(&tags) {
        true => live.into_iter().filter(|one| !is_expected(&records::record_key(&key_of(one)))).collect(),
        false => live,
    };
    Ok(Some(Seen { live, tags, attributes }))
}

/// The ARN of a confirmed subscription.
pub(crate) fn arn_of(subscription: &Live) -> Option<&str> {
    subscription.subscription_arn().filter(|arn| *arn != PENDING)
}

/// Every subscription of the topic.
pub(crate) async fn live(install: &Installation) -> Result<Vec<Live>, Error> {
    let topic = install.names.topic_arn();
    let mut pages = install.clients.sns.list_subscriptions_by_topic().topic_arn(&topic).into_paginator().items().send();
    let mut subscriptions = Vec::new();
    while let Some(subscription) = pages.next().await {
        let subscription = subscription.map_err(failed("sns:ListSubscriptionsByTopic", &topic))?;
        if subscription.subscription_arn() != Some(DELETED) {
            subscriptions.push(subscription);
        }
    }
    Ok(subscriptions)
}

/// A subscription's attributes; `None` where it has gone in the meantime.
pub(crate) async fn attributes(install: &Installation, arn: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
    let answer = install.clients.sns.get_subscription_attributes().subscription_arn(arn).send().await;
    let answer = found(answer.map_err(failed("sns:GetSubscriptionAttributes", arn)))?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default().into_iter().collect()))
}

impl<'a> Subscriptions<'a> {
    pub(crate) const ACTIONS: Actions = &[
        (On::Topic, &["sns:ListSubscriptionsByTopic", "sns:Subscribe"]),
        // A subscription's own operations cannot be allowed on less.
        (On::Anything, &["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"]),
    ];

    /// Waits until no declared endpoint is listed on a new topic any more, and then removes the topic's mark.
    /// Subscribing earlier would return a subscription that is about to go.
    ///
    /// `made`: what this run knows of the topic if it created it. Otherwise, and after a while, another run may have done
    /// all this, and what is listed is what that run subscribed: the mark tells.
    async fn left_over_ones_gone(&self, made: Option<Made>) -> Result<(), Error> {
        let mut reads_mark = made.is_none();
        let wait = async || {
            let tags = async { if reads_mark { topic_tags::read(self.install).await.map(Some) } else { Ok(None) } };
            let (live, tags) = try_join(live(self.install), tags).await?;
            if tags.as_ref().is_some_and(|tags| !tags.contains_key(NEW_TOPIC)) {
                return Ok(());
            }
            let left: Vec<_> = live.iter().map(key_of).filter(|key| self.desired.0.contains_key(key)).collect();
            if left.is_empty() || tags.is_some_and(|tags| !records::is_new(&tags)) {
                let mark = if made == Some(Made::Unmarked) { Vec::new() } else { vec![NEW_TOPIC.to_owned()] };
                return topic_tags::remove(self.install, mark).await;
            }
            reads_mark = made != Some(Made::Unmarked);
            let message = format!("subscriptions of a deleted topic with this name still exist: {}", left.join(", "));
            Err(self.listing(LEFT_OVER, message))
        };
        self.install.wait(ADDRESS, PROPAGATION, |error| error.code == LEFT_OVER, wait).await
    }

    /// A listing that shows what should not be there.
    fn listing(&self, code: &str, message: String) -> Error {
        let topic = self.install.names.topic_arn();
        Error::of_call(Kind::Conflict, "sns:ListSubscriptionsByTopic", &topic, code, message)
    }

    pub(crate) fn new(install: &'a Installation) -> Self {
        let declared: Option<BTreeMap<_, _>> = install.spec.notify.recipients().map(|declared| {
            declared
                .into_iter()
                .map(|subscription| {
                    (records::key(subscription.protocol.as_str(), &subscription.endpoint), subscription)
                })
                .collect()
        });
        let desired = declared.iter().flatten().map(|(key, s)| (key.clone(), Options::of(s))).collect();
        Self { install, declared, desired: State(desired) }
    }

    async fn subscribe(&self, subscription: &Subscription) -> Result<(), Error> {
        let mut request = self
            .install
            .clients
            .sns
            .subscribe()
            .topic_arn(self.install.names.topic_arn())
            .protocol(subscription.protocol.as_str())
            .endpoint(&subscription.endpoint)
            .return_subscription_arn(true);
        for (name, value) in asked_for(subscription) {
            request = request.attributes(name, value);
        }
        request.send().await.map_err(failed("sns:Subscribe", &subscription.shown_endpoint()))?;
        Ok(())
    }

    async fn change(&self, arn: &str, present: &Options, wanted: &Options) -> Result<(), Error> {
        for (name, value) in wanted.attributes(present) {
            self.install
                .clients
                .sns
                .set_subscription_attributes()
                .subscription_arn(arn)
                .attribute_name(name)
                .attribute_value(value)
                .send()
                .await
                .map_err(failed("sns:SetSubscriptionAttributes", arn))?;
        }
        Ok(())
    }

    async fn unsubscribe(&self, arn: &str) -> Result<(), Error> {
        let answer = self.install.clients.sns.unsubscribe().subscription_arn(arn).send().await;
        ignore_missing(answer.map_err(failed("sns:Unsubscribe", arn)))
    }
}

/// The account that receives what is sent: the endpoint's, or that of whoever subscribed one that has none.
pub(crate) fn account_of(live: &Live) -> Option<String> {
    let of_endpoint = access::account_of(live.endpoint().unwrap_or_default());
    of_endpoint.or_else(|| live.owner().filter(|owner| !owner.is_empty()).map(str::to_owned))
}

/// Sets the records of these subscriptions again if another run removed them while this one subscribed: see above.
pub(crate) async fn keep_records(install: &Installation, keys: &[String]) -> Result<(), Error> {
    let tags = topic_tags::read(install).await?;
    let lost: Tags = keys.iter().filter(|key| !records::has(&tags, key)).map(|key| records::record(key)).collect();
    topic_tags::set(install, &lost).await
}

/// Removes the records of subscriptions that are gone. `unsubscribed`: the ARNs of those that this run unsubscribed.
async fn remove_records(
    install: &Installation,
    records: BTreeSet<String>,
    unsubscribed: &[String],
) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let listed = listed_without(install, unsubscribed).await?;
    // An endpoint that is still listed, or listed again, keeps its record.
    let listed: BTreeSet<String> = listed.iter().map(|key| records::record_key(key)).collect();
    let records: BTreeSet<String> = records.difference(&listed).cloned().collect();
    if records.is_empty() {
        return Ok(());
    }
    topic_tags::remove(install, records.iter().cloned().collect()).await?;
    let again: Tags = live(install).await?.iter().map(|one| records::record(&key_of(one))).collect();
    topic_tags::set(install, &again.into_iter().filter(|(tag, _)| records.contains(tag)).collect()).await
}

/// The keys of all that is listed, once nothing is listed that was unsubscribed.
async fn listed_without(install: &Installation, unsubscribed: &[String]) -> Result<Vec<String>, Error> {
    let is_ended = |one: &Live| arn_of(one).is_some_and(|arn| unsubscribed.iter().any(|ended| ended == arn));
    let list = async || {
        let listed = live(install).await?;
        match listed.iter().find(|one| is_ended(one)) {
            None => Ok(listed.iter().map(key_of).collect()),
            Some(one) => {
                let endpoint = without_password(one.endpoint().unwrap_or_default());
                let message = format!("{endpoint} is still listed after it was unsubscribed");
                let topic = install.names.topic_arn();
                Err(Error::of_call(Kind::Conflict, "sns:ListSubscriptionsByTopic", &topic, STILL_LISTED, message))
            }
        }
    };
    install.wait(ADDRESS, DETACHED, |error| error.code == STILL_LISTED, list).await
}

pub(crate) fn key_of(live: &Live) -> String {
    records::key(live.protocol().unwrap_or_default(), live.endpoint().unwrap_or_default())
}

impl Subscriptions<'_> {
    fn is_of_another_account(&self, subscription: &Live) -> bool {
        account_of(subscription).is_some_and(|account| account != self.install.names.account)
    }

    /// A subscriber that nobody declared.
    fn extra(&self, subscription: &Live) -> Extra {
        let endpoint = subscription.endpoint().unwrap_or_default();
        let account = account_of(subscription);
        let severity = access::severity(account.as_deref(), &self.install.names.account);
        let extra = Extra::new(KIND, key_of(subscription))
            .target(without_password(endpoint))
            .account(account)
            .effect(Effect::TakesNoticesOut, severity);
        match arn_of(subscription) {
            Some(arn) => extra.handle(arn),
            None => extra.note("not confirmed, and cannot be removed until then; SNS drops it after 48 hours"),
        }
    }
}

impl Resource for Subscriptions<'_> {
    const ADDRESS: Address = ADDRESS;
    const PART_OF: Option<Address> = Some(topic::ADDRESS);
    const AFTER: &'static [Address] = &[topic::ADDRESS];

    type State = State;
    type Error = Error;
    type Shared = Shared;

    fn name(&self) -> String {
        self.install.names.topic.clone()
    }

    /// Each subscription that comes or goes is said once, by the field that is always there.
    fn meaning(&self, change: &FieldChange) -> Meaning {
        let [PathPart::Key(key), PathPart::Key(option), ..] = change.path.parts() else { return Meaning::Decided };
        let Some((protocol, endpoint)) = key.split_once(' ') else { return Meaning::Derived };
        let comes_or_goes = change.before.is_null() || change.after.is_null();
        match option.as_str() {
            MANAGED if comes_or_goes => Meaning::Element { kind: protocol.to_owned(), name: endpoint.to_owned() },
            RAW if comes_or_goes => Meaning::OfElement,
            _ => Meaning::Decided,
        }
    }

    fn desired(&self) -> &State {
        &self.desired
    }

    async fn observe(&self, shared: &Shared) -> Result<Observed<State>, Error> {
        let Some(seen) = look(self.install, shared).await? else { return Ok(Observed::Absent) };
        let mut extras = Vec::new();
        let mut ours = BTreeMap::new();
        for subscription in &seen.live {
            let key = key_of(subscription);
            let arn = arn_of(subscription);
            let managed = records::has(&seen.tags, &key);
            match (self.desired.0.get(&key), arn) {
                // Nobody is declared: nobody is missing. Who was not subscribed by us, or is in another account, has to
                // be declared to be believed.
                _ if self.declared.is_none() && managed && !self.is_of_another_account(subscription) => {}
                _ if self.declared.is_none() => extras.push(self.extra(subscription)),
                // A pending subscription cannot be asked and has what it was made with.
                (Some(wanted), None) => drop(ours.insert(key, Options { managed, ..wanted.clone() })),
                (wanted, Some(arn)) if managed || wanted.is_some() => {
                    // One without attributes went between the two looks.
                    if let Some(attributes) = seen.attributes.get(arn) {
                        ours.insert(key, Options::live(attributes, managed));
                    }
                }
                (_, None) if managed => {
                    extras.push(Extra::new(KIND, key).ours().note(
                        "no longer wanted; SNS removes it only once it is confirmed, or 48 hours after it was made",
                    ))
                }
                _ => extras.push(self.extra(subscription)),
            }
        }
        if self.declared.is_some() {
            // What an interrupted run left: it had unsubscribed, and was to remove the record.
            let known: Vec<_> = seen.live.iter().map(key_of).chain(self.desired.0.keys().cloned()).collect();
            let known: Vec<_> = known.iter().map(|key| records::record_key(key)).collect();
            let left = seen.tags.keys().filter(|tag| tag.starts_with(SUBSCRIPTION) && !known.contains(tag));
            ours.extend(left.map(|tag| (tag.clone(), Options { managed: true, ..Options::NONE })));
        }
        // Without recipients there is nothing to wait for: the mark stays until some are declared.
        if !self.desired.0.is_empty() && seen.tags.contains_key(NEW_TOPIC) {
            ours.insert(NEW_TOPIC.to_owned(), Options { managed: true, ..Options::NONE });
        }
        let beside = self.install.judged(ADDRESS, extras);
        // Only the first look of an observation counts, and there is one.
        let _ = shared.subscriptions.set(seen);
        Ok(match ours.is_empty() {
            true => Observed::AbsentBeside(beside),
            false => Observed::Ours(Existing { state: State(ours), beside }),
        })
    }

    async fn converge(&self, observed: Option<&State>, shared: &Shared) -> Result<(), Error> {
        let none = BTreeMap::new();
        let present = observed.map_or(&none, |state| &state.0);
        let wanted = &self.desired.0;
        let made = shared.topic_made();
        if made.is_some() || observed.is_none() || present.contains_key(NEW_TOPIC) {
            self.left_over_ones_gone(made).await?;
        }
        // A topic that this run created has the records already.
        if made.is_none() {
            let unrecorded = wanted.keys().filter(|key| !present.get(*key).is_some_and(|options| options.managed));
            topic_tags::set(self.install, &unrecorded.map(|key| records::record(key)).collect()).await?;
        }

        let missing: Vec<_> = self.declared.iter().flatten().filter(|(key, _)| !present.contains_key(*key)).collect();
        try_join_all(missing.iter().map(|(_, subscription)| self.subscribe(subscription))).await?;
        if !missing.is_empty() {
            let keys: Vec<String> = missing.iter().map(|(key, _)| (*key).clone()).collect();
            keep_records(self.install, &keys).await?;
        }

        let different = |(key, options): &(&String, &Options)| match wanted.get(*key) {
            Some(wanted) => !wanted.attributes(options).is_empty(),
            None => *key != NEW_TOPIC,
        };
        if !present.iter().any(|entry| different(&entry)) {
            return Ok(());
        }
        // ARNs are found by listing: they are no part of what is compared.
        let mut gone: BTreeSet<_> = present.keys().filter(|key| key.starts_with(SUBSCRIPTION)).cloned().collect();
        let mut unsubscribed = Vec::new();
        for subscription in live(self.install).await? {
            let key = key_of(&subscription);
            let arn = subscription.subscription_arn().unwrap_or(PENDING);
            match (present.get(&key), wanted.get(&key)) {
                _ if arn == PENDING => {}
                (Some(present), Some(wanted)) => self.change(arn, present, wanted).await?,
                (Some(_), None) => {
                    self.unsubscribe(arn).await?;
                    unsubscribed.push(arn.to_owned());
                    gone.insert(records::record_key(&key));
                }
                (None, _) => {}
            }
        }
        remove_records(self.install, gone, &unsubscribed).await
    }

    async fn remove(&self, extra: &Extra) -> Result<(), Error> {
        let arn = extra.handle.clone().unwrap_or_default();
        self.unsubscribe(&arn).await?;
        remove_records(self.install, BTreeSet::from([records::record_key(&extra.name)]), &[arn]).await
    }

    async fn destroy(&self, _: Removal) -> Result<(), Error> {
        // SNS removes them with the topic, the unconfirmed ones too, which nobody could unsubscribe.
        Ok(())
    }
}
