//! What a run tells whoever watches it.

use crate::{Action, Address};

/// A moment in the life of one resource during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Work on it began.
    Started(Action),
    /// It waits for something outside our control: the text says what for.
    Waiting(String),
    /// It is as wanted.
    Finished(Action),
    /// Something of others beside it was removed: the text says what.
    Removed(String),
    /// It failed: the text is the error's.
    Failed(String),
    /// The user stopped the run while it waited.
    Interrupted,
}

/// Somebody who watches a run: progress bars, a log, a test.
pub trait Progress {
    /// Something happened to the resource.
    fn event(&self, address: Address, event: Event);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Address, _: Event) {}
}
