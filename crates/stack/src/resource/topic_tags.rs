//! The topic's tags: its own, and those that record subscriptions.

use super::topic::ADDRESS;
use crate::error::{Error, Kind, failed};
use crate::installation::{Installation, PROPAGATION};
use crate::ownership::Tags;

/// The topic's tags, those that record subscriptions among them.
pub(crate) async fn read(install: &Installation) -> Result<Tags, Error> {
    let arn = install.names.topic_arn();
    let answer = install
        .clients
        .sns
        .list_tags_for_resource()
        .resource_arn(&arn)
        .send()
        .await
        .map_err(failed("sns:ListTagsForResource", &arn))?;
    Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

/// Adds tags to the topic.
pub(crate) async fn set(install: &Installation, tags: &Tags) -> Result<(), Error> {
    if tags.is_empty() {
        return Ok(());
    }
    let arn = install.names.topic_arn();
    let tags = sdk(tags)?;
    passing(install, async || {
        let call = install.clients.sns.tag_resource().resource_arn(&arn).set_tags(Some(tags.clone()));
        call.send().await.map_err(failed("sns:TagResource", &arn)).map(drop)
    })
    .await
}

/// Removes tags from the topic.
pub(crate) async fn remove(install: &Installation, keys: Vec<String>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let arn = install.names.topic_arn();
    passing(install, async || {
        let call = install.clients.sns.untag_resource().resource_arn(&arn).set_tag_keys(Some(keys.clone()));
        call.send().await.map_err(failed("sns:UntagResource", &arn)).map(drop)
    })
    .await
}

/// Waits while another run changes the tags, or while the deletion of a topic with this name is not finished (API
/// reference, TagResource, CreateTopic: ConcurrentAccess, StaleTag).
pub(super) async fn passing<T>(
    install: &Installation,
    call: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    install.wait(ADDRESS, PROPAGATION, |error| error.kind == Kind::Conflict, call).await
}

/// Tags as SNS takes them.
pub(super) fn sdk(tags: &Tags) -> Result<Vec<aws_sdk_sns::types::Tag>, Error> {
    tags.iter()
        .map(|(key, value)| aws_sdk_sns::types::Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(Error::unbuildable)
}
