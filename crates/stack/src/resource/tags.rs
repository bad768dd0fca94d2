//! Bringing the tags of an object to what is wanted: one way for all that have tags.

use crate::error::Error;
use crate::ownership::{self, Tags};

/// An object whose tags can be changed.
pub(super) trait Tagged {
    /// Sets these tags; there is at least one.
    async fn set_tags(&self, tags: Tags) -> Result<(), Error>;

    /// Removes these tags; there is at least one.
    async fn remove_tags(&self, keys: Vec<String>) -> Result<(), Error>;
}

/// Removes and then sets what differs: once the new list of the user's keys is set, an interrupted run's leftovers
/// would be nobody's.
pub(super) async fn settle(object: &impl Tagged, owned: &Tags, desired: &Tags) -> Result<(), Error> {
    let changes = ownership::changes(owned, desired);
    if !changes.remove.is_empty() {
        object.remove_tags(changes.remove).await?;
    }
    if !changes.set.is_empty() {
        object.set_tags(changes.set).await?;
    }
    Ok(())
}
