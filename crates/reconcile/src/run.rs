//! What came of carrying a plan out.

use crate::{Action, Address};

/// A resource that failed, with its error.
#[derive(Debug)]
pub struct Failed<E> {
    /// Which resource.
    pub address: Address,
    /// What the cloud calls it.
    pub name: String,
    /// What was being done to it.
    pub action: Action,
    /// Why it failed.
    pub error: E,
}

/// What a run did, whether or not it came to its end.
#[derive(Debug)]
pub struct Outcome<E> {
    /// What was done, in the order of completion.
    pub done: Vec<(Address, Action)>,
    /// What failed. After a failure nothing further is begun.
    pub failed: Vec<Failed<E>>,
    /// What was not begun because of a failure or an interruption.
    pub not_begun: Vec<(Address, Action)>,
    /// The user asked to stop.
    pub interrupted: bool,
}

impl<E> Default for Outcome<E> {
    fn default() -> Self {
        Self { done: Vec::new(), failed: Vec::new(), not_begun: Vec::new(), interrupted: false }
    }
}

impl<E> Outcome<E> {
    /// Everything was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.not_begun.is_empty() && !self.interrupted
    }
}
