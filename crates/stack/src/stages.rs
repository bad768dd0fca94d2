//! The one list that says which resources there are and in which order they are made.

use keyminder_reconcile::{Stack, Stage};

use crate::error::Error;
use crate::installation::Installation;
use crate::resource::{
    Attachment, Function, InvokeSettings, LogGroup, Permission, Policy, Role, Rule, Subscriptions, Target, Topic,
};

/// Every resource, each stage after the ones it depends on. Teardown goes through it backwards.
///
/// The role comes before the policy although it could come with it: the role tells which IAM names a region has
/// taken (see `installation.rs`), so it is the first to come and the last to go.
pub(crate) fn stack(install: &Installation) -> Stack<'_, Error> {
    Stack::new(vec![
        Stage::new()
            .with(Topic::new(install))
            .with(Role::new(install))
            .with(LogGroup::new(install))
            .with(Rule::new(install)),
        Stage::new().with(Subscriptions::new(install)).with(Policy::new(install)),
        Stage::new().with(Attachment::new(install)).with(Function::new(install)),
        Stage::new().with(InvokeSettings::new(install)).with(Permission::new(install)).with(Target::new(install)),
    ])
}
