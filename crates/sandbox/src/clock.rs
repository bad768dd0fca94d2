//! The sandbox's time. Owns "now"; does not know what happens at which time (the scheduler asks).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

/// A time to the second, as most services write it.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time that everything in a sandbox goes by. Clones share the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    moved: Notify,
}

struct State {
    /// The time of a held clock.
    held: Option<Timestamp>,
    /// How far a running clock is ahead of the machine's.
    ahead: Duration,
    /// How far each API call moves the clock.
    step: Duration,
}

impl Clock {
    /// The machine's time; it can still be moved ahead.
    #[must_use]
    pub fn real() -> Self {
        Self::with(None)
    }

    /// A clock that stands at `now` until it is moved.
    #[must_use]
    pub fn held(now: Timestamp) -> Self {
        Self::with(Some(now))
    }

    fn with(held: Option<Timestamp>) -> Self {
        let state = State { held, ahead: Duration::ZERO, step: Duration::ZERO };
        Self(Arc::new(Inner { state: Mutex::new(state), moved: Notify::new() }))
    }

    /// The sandbox's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state().now()
    }

    /// Moves the time on. What falls due is started, in order; [`Sandbox::settled`](crate::Sandbox::settled) waits
    /// until it is done.
    pub fn advance(&self, by: Duration) {
        self.state().advance(by);
        self.0.moved.notify_one();
    }

    /// From now on every API call moves the time on by `step` before it is carried out, so that a client which polls
    /// sees its wait end without anyone sleeping. Zero turns it off.
    pub fn step_per_call(&self, step: Duration) {
        self.state().step = step;
    }

    pub(crate) fn step(&self) {
        let mut state = self.state();
        let step = state.step;
        if !step.is_zero() {
            state.advance(step);
            drop(state);
            self.0.moved.notify_one();
        }
    }

    /// Completes when the clock was moved, or something new is due.
    pub(crate) async fn moved(&self) {
        self.0.moved.notified().await;
    }

    pub(crate) fn wake(&self) {
        self.0.moved.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> Timestamp {
        self.held.unwrap_or_else(|| later(Timestamp::now(), self.ahead))
    }

    fn advance(&mut self, by: Duration) {
        match &mut self.held {
            Some(now) => *now = later(*now, by),
            None => self.ahead = self.ahead.saturating_add(by),
        }
    }
}

/// `by` after `at`, or the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}
