//! What the resources of an install find out for each other during one observation or one run, so that none asks what
//! another knows already. It starts empty each time: see `Resource::Shared`.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Subscription;
use keyminder_keyage::arn::account_of;
use tokio::sync::OnceCell;

use super::{found, topic_tags};
use crate::connection::Clients;
use crate::error::{Error, failed};
use crate::installation::Installation;
use crate::ownership::Tags;

pub(crate) use aws_sdk_iam::types::Role as LiveRole;

/// What was found out so far.
#[derive(Default)]
pub struct Shared {
    role: OnceCell<Option<LiveRole>>,
    topic_tags: OnceCell<Option<Tags>>,
    topic: OnceCell<Made>,
    /// The subscriptions, once they were looked at; none where there is no topic.
    pub(crate) subscriptions: OnceCell<Seen>,
}

/// How a topic was made: see [`records::new_topic`](super::records::new_topic).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is marked as new.
    Marked,
    /// It has as many tags as a topic can have, so there was no room for the mark.
    Unmarked,
}

/// What a look at the topic's subscriptions found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) live: Vec<Subscription>,
    /// The topic's tags.
    pub(crate) tags: Tags,
    /// The attributes of each confirmed subscription, by ARN.
    pub(crate) attributes: BTreeMap<String, BTreeMap<String, String>>,
}

impl Shared {
    /// The role that the function runs as, if there is one.
    pub(crate) async fn role(&self, install: &Installation) -> Result<Option<&LiveRole>, Error> {
        let role = self.role.get_or_try_init(async || {
            let role = live_role(&install.clients, &install.names.role).await?;
            install.must_be_here("IAM", role.as_ref().and_then(|role| account_of(role.arn())))?;
            Ok(role)
        });
        Ok(role.await?.as_ref())
    }

    /// The unique id of that role: another one when the role is deleted and made again under its name.
    pub(crate) async fn role_id(&self, install: &Installation) -> Result<Option<String>, Error> {
        Ok(self.role(install).await?.map(|role| role.role_id().to_owned()))
    }

    /// This run made the role.
    pub(crate) fn role_was_made(&self, role: Option<LiveRole>) {
        // Where somebody asked before, what they were told stays.
        let _ = self.role.set(role);
    }

    /// The topic's tags; `None` if there is no topic.
    pub(crate) async fn topic_tags(&self, install: &Installation) -> Result<Option<&Tags>, Error> {
        let tags = self.topic_tags.get_or_try_init(async || found(topic_tags::read(install).await)).await?;
        Ok(tags.as_ref())
    }

    /// This run made the topic, with a record of every declared subscription.
    pub(crate) fn topic_was_made(&self, made: Made) {
        let _ = self.topic.set(made);
    }

    /// How this run made the topic, if it did.
    pub(crate) fn topic_made(&self) -> Option<Made> {
        self.topic.get().copied()
    }
}

/// A role, if there is one of that name.
pub(crate) async fn live_role(clients: &Clients, name: &str) -> Result<Option<LiveRole>, Error> {
    let answer = clients.iam.get_role().role_name(name).send().await.map_err(failed("iam:GetRole", name));
    Ok(found(answer)?.and_then(|answer| answer.role))
}
