//! Deciding whose call is next: the calls of the account's users wait until a test lets them through, one at a time.
//! Owns the queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

/// Holds every call of the account's users until it is let through; see
/// [`Sandbox::turnstile`](crate::Sandbox::turnstile). Dropping it lets everything through.
#[derive(Debug)]
pub struct Turnstile(Arc<Queue>);

/// The waiting calls, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrivals: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Waiting {
    is_gone: bool,
    calls: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    user: String,
    call: String,
    pass: oneshot::Sender<Passage>,
}

/// Held while a call is carried out.
#[derive(Debug)]
pub(crate) struct Passage {
    _done: oneshot::Sender<()>,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits to be let through. `None`: the turnstile is gone.
    pub(crate) async fn pass(&self, user: &str, call: String) -> Option<Passage> {
        let (pass, passed) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.is_gone {
                return None;
            }
            waiting.calls.push(Held { user: user.to_owned(), call, pass });
        }
        self.arrivals.send_modify(|count| *count += 1);
        passed.await.ok()
    }
}

impl Turnstile {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// Waits until there is a call of the user with this ARN, and returns the oldest one, such as `sns:Subscribe`. It
    /// stays in the queue.
    pub async fn arrived(&self, user: &str) -> String {
        let mut arrivals = self.0.arrivals.subscribe();
        loop {
            {
                let mut waiting = self.0.waiting();
                // The client was killed or gave up.
                waiting.calls.retain(|held| !held.pass.is_closed());
                if let Some(held) = waiting.calls.iter().find(|held| held.user == user) {
                    return held.call.clone();
                }
            }
            if arrivals.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Lets the user's oldest call through, waiting for one if there is none, and returns once it was carried out.
    pub async fn let_through(&self, user: &str) {
        loop {
            self.arrived(user).await;
            let held = {
                let mut waiting = self.0.waiting();
                let oldest = waiting.calls.iter().position(|held| held.user == user);
                oldest.map(|oldest| waiting.calls.remove(oldest))
            };
            let (done, is_done) = oneshot::channel();
            if held.is_some_and(|held| held.pass.send(Passage { _done: done }).is_ok()) {
                // Nothing is ever sent: this ends when the call drops its passage.
                let _ = is_done.await;
                return;
            }
        }
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.is_gone = true;
        waiting.calls.clear();
    }
}
