//! The [`Resource`] trait and what an observation can find.

use std::fmt;

use serde::Serialize;

use crate::{Extra, Failure};

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
    /// What others added.
    pub extras: Vec<Extra>,
}

impl<S> From<S> for Existing<S> {
    fn from(state: S) -> Self {
        Self { state, extras: Vec::new() }
    }
}

/// What [`Resource::observe`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<S> {
    /// There is no such object.
    Absent,
    /// There is no such object, but others put something where it belongs that our other objects have to reckon
    /// with: a foreign target on our rule keeps the rule from being deleted.
    AbsentBeside(Vec<Extra>),
    /// It is there and carries our mark.
    Ours(Existing<S>),
    /// It is there under the name we would use, and somebody else's: the reason says how that was told.
    Foreign(Existing<S>, String),
}

impl<S> Observed<S> {
    /// Whether there is an object at all.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.existing().is_some()
    }

    /// The live object, whoever owns it.
    #[must_use]
    pub fn existing(&self) -> Option<&Existing<S>> {
        match self {
            Self::Absent | Self::AbsentBeside(_) => None,
            Self::Ours(existing) | Self::Foreign(existing, _) => Some(existing),
        }
    }
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
    /// What we own of the live object.
    type State: Serialize + Clone + PartialEq + 'static;
    /// How its operations fail.
    type Error: Failure;

    /// Its stable name in plans.
    fn address(&self) -> Address;

    /// The resource without which this one is nothing: a rule for its targets. Where that one is somebody else's, so
    /// is this.
    fn part_of(&self) -> Option<Address> {
        None
    }

    /// The name that the cloud knows it by.
    fn name(&self) -> String;

    /// What it should look like.
    fn desired(&self) -> &Self::State;

    /// Whether a live object in this state has to be deleted and made again: what is part of it is then made again as
    /// well.
    fn must_be_replaced(&self, _observed: &Self::State) -> bool {
        false
    }

    /// Looks at the live object, and changes nothing.
    async fn observe(&self) -> Result<Observed<Self::State>, Self::Error>;

    /// Makes the live object as desired, from what was observed (`None`: it is not there). Calling it where nothing
    /// differs is allowed and changes nothing.
    async fn converge(&self, observed: Option<&Self::State>) -> Result<(), Self::Error>;

    /// Takes the live object away. Already gone is success.
    async fn destroy(&self, removal: Removal) -> Result<(), Self::Error>;
}
