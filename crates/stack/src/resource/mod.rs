//! The AWS resources, one file each: what is asked of AWS, in which order, and why.

use keyminder_reconcile::{Existing, Observed};

use crate::names::Names;
use crate::ownership::{self, Tags};

pub(crate) mod attachment;
pub(crate) mod function;
pub(crate) mod iam;
pub(crate) mod invoke_settings;
mod log_group;
pub(crate) mod permission;
pub(crate) mod policy;
pub(crate) mod records;
pub(crate) mod role;
pub(crate) mod rule;
pub(crate) mod shared;
pub(crate) mod subscriptions;
mod tags;
pub(crate) mod target;
pub(crate) mod topic;
pub(crate) mod topic_tags;

pub(crate) use attachment::Attachment;
pub(crate) use function::Function;
pub(crate) use invoke_settings::InvokeSettings;
pub(crate) use log_group::LogGroup;
pub(crate) use permission::Permission;
pub(crate) use policy::Policy;
pub(crate) use role::Role;
pub(crate) use rule::{Rule, reschedule, schedule as rule_schedule};
pub use shared::Shared;
pub(crate) use subscriptions::Subscriptions;
pub(crate) use target::Target;
pub(crate) use topic::Topic;

/// Ours or foreign, as the live tags say.
fn by_tags<S>(live: &Tags, names: &Names, existing: impl Into<Existing<S>>) -> Observed<S> {
    match ownership::objection(live, names) {
        None => Observed::Ours(existing.into()),
        Some(reason) => Observed::Foreign(existing.into(), reason),
    }
}

/// `None` where the object is not there.
pub(crate) fn found<T>(result: Result<T, crate::Error>) -> Result<Option<T>, crate::Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Already gone is success.
fn ignore_missing<T>(result: Result<T, crate::Error>) -> Result<(), crate::Error> {
    found(result).map(|_| ())
}
