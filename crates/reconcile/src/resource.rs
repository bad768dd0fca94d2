//! The [`Resource`] trait and what an observation can find.

use std::fmt;

use serde::Serialize;

use crate::{Beside, Extra, Failure, FieldChange, Meaning};

/// The stable name of a resource within a stack, such as `sns_topic`: what plans and JSON output call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Address(pub &'static str);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// A live object, as far as we own it, and what else was seen on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing<S> {
    /// The fields that we own, normalised so that equal meaning is equal value.
    pub state: S,
    /// What others added, and what could not be looked at.
    pub beside: Beside,
}

impl<S> From<S> for Existing<S> {
    fn from(state: S) -> Self {
        Self { state, beside: Beside::default() }
    }
}

/// What [`Resource::observe`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<S> {
    /// There is no such object.
    Absent,
    /// There is no such object, but others put something where it belongs that our other objects have to reckon
    /// with: a foreign target on our rule keeps the rule from being deleted.
    AbsentBeside(Beside),
    /// It is there and carries our mark.
    Ours(Existing<S>),
    /// It is there under the name we would use, and somebody else's: the reason says how that was told.
    Foreign(Existing<S>, String),
}

/// How a resource is to be taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removal {
    /// Detach what others attached to our object where it could not be deleted otherwise.
    pub force: bool,
}

/// One object, or one set of objects that is only meaningful as a whole (a rule's targets).
///
/// `State` is both what is wanted and what was seen, so no resource writes code to compare or to display.
#[allow(async_fn_in_trait, reason = "the reconciler runs every future on the task that called it")]
pub trait Resource {
    /// Its stable name in plans.
    const ADDRESS: Address;

    /// The resource without which this one is nothing: a rule for its targets. If that one is somebody else's, so is
    /// this one.
    const PART_OF: Option<Address> = None;

    /// The resources that have to be in place before this one is made. It is destroyed before they are.
    const AFTER: &'static [Address] = &[];

    /// Further resources that have to be gone before this one is destroyed.
    const OUTLIVES: &'static [Address] = &[];

    /// What we own of the live object.
    type State: Serialize + Clone + PartialEq + 'static;
    /// How its operations fail.
    type Error: Failure;
    /// What the resources of a stack find out for each other during one observation or one run. It starts empty each
    /// time, so that nothing is remembered between them.
    type Shared: Default;

    /// The name that the cloud knows it by.
    fn name(&self) -> String;

    /// What it should look like.
    fn desired(&self) -> &Self::State;

    /// Whether a live object in this state has to be deleted and made again: what is part of it is then made again as
    /// well. Only what was observed decides, so that the plan and the run that carries it out agree.
    fn must_be_replaced(&self, _observed: &Self::State) -> bool {
        false
    }

    /// The fields of the state that a person decides, by their first key: everything below is decided as well.
    const DECIDED: &'static [&'static str] = &[];

    /// What a field that differs says to a person.
    fn meaning(&self, change: &FieldChange) -> Meaning {
        match change.path.first_key() {
            Some(key) if Self::DECIDED.contains(&key) => Meaning::Decided,
            _ => Meaning::Derived,
        }
    }

    /// Looks at the live object, and changes nothing.
    async fn observe(&self, shared: &Self::Shared) -> Result<Observed<Self::State>, Self::Error>;

    /// Makes the live object as desired, from what was observed (`None`: it is not there).
    ///
    /// Guarantees for the implementation:
    /// - It is called only for what is ours or was adopted, or is not there.
    /// - Everything in [`AFTER`](Self::AFTER) is in place, or had nothing to be done.
    /// - It never runs twice at the same time within one run.
    ///
    /// The reconciler assumes:
    /// - Calling it when nothing differs changes nothing. It may be called again after an error, with newer
    ///   observations, so each step has to bear being repeated.
    /// - A run may end after any call. What is left is something that the next observation recognises as ours.
    /// - An error that is [stale](Failure::is_stale) is solved by observing again.
    ///
    /// Caveats:
    /// - `observed` is as old as the confirmation took. Others, and other runs, may have changed the object since.
    /// - Reads lag behind writes: success means that the cloud took the change, not that everybody can see it.
    async fn converge(&self, observed: Option<&Self::State>, shared: &Self::Shared) -> Result<(), Self::Error>;

    /// Removes something of others that was found beside the object, because a person asked for it. Already gone is
    /// success. A resource beside which nothing can be is never asked.
    async fn remove(&self, _extra: &Extra) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Takes the live object away. Already gone is success.
    async fn destroy(&self, removal: Removal) -> Result<(), Self::Error>;
}
