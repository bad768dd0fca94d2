//! The one list of resources, in the order in which they are shown. What each has to wait for it declares itself.

use keyminder_reconcile::Stack as AnyStack;

use crate::actions::Actions;
use crate::error::Error;
use crate::installation::Installation;
use crate::resource::{
    Attachment, Function, InvokeSettings, LogGroup, Permission, Policy, Role, Rule, Shared, Subscriptions, Target,
    Topic,
};

/// The resources of an install.
pub type Stack<'a> = AnyStack<'a, Error, Shared>;

/// What one look at all of them found.
pub type Observation = keyminder_reconcile::Observation<Shared>;

macro_rules! resources {
    ($($resource:ident),+ $(,)?) => {
        impl Installation {
            /// The install's resources.
            #[must_use]
            pub fn stack(&self) -> Stack<'_> {
                AnyStack::new()$(.with($resource::new(self)))+
            }
        }

        /// What the resources' calls need to be allowed.
        pub(crate) const ACTIONS: &[Actions] = &[$($resource::ACTIONS),+];
    };
}

resources!(
    Topic,
    Role,
    LogGroup,
    Rule,
    Subscriptions,
    Policy,
    Attachment,
    Function,
    InvokeSettings,
    Permission,
    Target,
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keyminder_reconcile::{Address, Resource};

    use super::*;

    fn declared<R: Resource>() -> (Address, BTreeSet<Address>) {
        (R::ADDRESS, R::AFTER.iter().chain(R::OUTLIVES).chain(&R::PART_OF).copied().collect())
    }

    #[test]
    fn the_role_is_the_first_in_iam_to_come_and_the_last_to_go() {
        for (address, others) in [declared::<Policy<'_>>(), declared::<Attachment<'_>>(), declared::<Function<'_>>()] {
            assert!(others.contains(&Role::ADDRESS), "{address}");
        }
        assert!(Role::AFTER.is_empty() && Role::OUTLIVES.is_empty());
    }

    #[test]
    fn nothing_runs_before_its_log_group_is_there() {
        for (address, others) in [declared::<Target<'_>>(), declared::<Permission<'_>>()] {
            assert!(others.contains(&LogGroup::ADDRESS), "{address}");
        }
    }
}
