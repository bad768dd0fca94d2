//! How fast to call IAM.
//!
//! Owns one number, the rate of calls, learned from refusals: nothing is known of IAM's limits, which
//! are per account and unpublished. Until the first refusal there is no limit but the number of calls
//! under way. After it the rate follows what is accepted, and keeps trying a little more, so that a
//! throttled check takes hardly longer than the limit demands. It must not know what is called.
//!
//! Each account has its own rate. Accounts that are read at the same time share a number of calls under way: a call
//! first waits for its account's turn and only then for a place among all calls, so an account that is throttled keeps
//! no place from the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A window of observation is at least this long and holds at least [`WINDOW_CALLS`].
const WINDOW: Duration = Duration::from_millis(500);
const WINDOW_CALLS: u32 = 10;
/// Slower than this is no use: the deadline decides.
const SLOWEST: f64 = 0.5;
/// After so long without any accepted call, a refusal is final.
const PATIENCE: Duration = Duration::from_secs(30);

/// No failed call is tried again after this time, so that an endpoint that stays silent does not take all of it.
const RETRYING: Duration = Duration::from_secs(25);

#[derive(Debug)]
pub(crate) struct CallRate {
    state: Mutex<State>,
    /// The calls of all accounts that are under way.
    places: Option<Arc<Semaphore>>,
    retrying: Duration,
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    rate: &'a CallRate,
    _place: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct State {
    /// Calls that are under way.
    under_way: u32,
    /// Since when there has been no answer to any call; `None` if none is waited for.
    unanswered: Option<Instant>,
    /// Calls a second, once a refusal taught there is a limit.
    rate: Option<f64>,
    next: Instant,
    window: Instant,
    accepted: u32,
    refused: u32,
    last_accepted: Instant,
}

impl CallRate {
    /// A rate without a limit until a call is refused.
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::new(None)), places: None, retrying: RETRYING }
    }

    /// A rate for one of many accounts, whose failed calls are not tried again after `retrying`.
    pub(crate) fn among(places: Arc<Semaphore>, retrying: Duration) -> Self {
        Self { places: Some(places), retrying, ..Self::new() }
    }

    /// A rate that starts at so many calls a second.
    #[cfg(feature = "organization")]
    pub(crate) fn from(per_second: f64, retrying: Duration) -> Self {
        Self { state: Mutex::new(State::new(Some(per_second))), places: None, retrying }
    }

    /// For how long a call that fails is tried again.
    pub(crate) fn retrying(&self) -> Duration {
        self.retrying
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for this call's turn, which ends when what this returns is dropped.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        let at = self.state().slot(Instant::now());
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
        let place = match &self.places {
            // Nobody closes it.
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        let mut state = self.state();
        state.under_way += 1;
        state.unanswered.get_or_insert(Instant::now());
        Turn { rate: self, _place: place }
    }

    /// Completes once no call has been answered for so long although one is waited for.
    pub(crate) async fn silence(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let unanswered = self.state().unanswered;
            let until = unanswered.unwrap_or(now) + limit;
            if unanswered.is_some() && until <= now {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Notes an answer of any kind.
    pub(crate) fn answered(&self) {
        self.state().answered(Instant::now());
    }

    /// Notes an answer that was no refusal.
    pub(crate) fn accepted(&self) {
        self.state().note(Instant::now(), true);
    }

    /// Notes a refusal. Whether to try again: not where nothing was accepted for half a minute.
    pub(crate) fn refused(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        state.note(now, false);
        now.duration_since(state.last_accepted) < PATIENCE
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.rate.state();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

impl State {
    fn new(rate: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            under_way: 0,
            unanswered: None,
            rate,
            next: now,
            window: now,
            accepted: 0,
            refused: 0,
            last_accepted: now,
        }
    }

    /// The call that was answered is still counted as under way.
    fn answered(&mut self, now: Instant) {
        self.unanswered = (self.under_way > 1).then_some(now);
    }

    fn slot(&mut self, now: Instant) -> Option<Instant> {
        let rate = self.rate?;
        let at = self.next.max(now);
        self.next = at + Duration::from_secs_f64(1.0 / rate);
        Some(at)
    }

    fn note(&mut self, now: Instant, accepted: bool) {
        if accepted {
            self.accepted += 1;
            self.last_accepted = now;
        } else {
            self.refused += 1;
        }
        let calls = f64::from(self.accepted + self.refused);
        let elapsed = now.duration_since(self.window);
        let achieved = f64::from(self.accepted) / elapsed.as_secs_f64().max(0.05);
        match self.rate {
            // What went through so far may have been a burst: start at half of it.
            None if !accepted => self.begin(now, (achieved / 2.0).max(5.0)),
            // Forget the distant past, lest the first refusal be measured against it.
            None if elapsed > WINDOW * 4 => (self.window, self.accepted) = (now, 0),
            None => {}
            Some(rate) if elapsed >= WINDOW && self.accepted + self.refused >= WINDOW_CALLS => {
                let share = f64::from(self.refused) / calls;
                // A few refusals mean that the limit is reached and used in full.
                let new = if share > 0.3 {
                    (achieved * 1.1).min(rate)
                } else if share > 0.03 {
                    rate * 0.97
                } else {
                    rate * 1.05
                };
                self.begin(now, new);
            }
            Some(_) => {}
        }
    }

    fn begin(&mut self, now: Instant, rate: f64) {
        self.rate = Some(rate.max(SLOWEST));
        (self.window, self.accepted, self.refused) = (now, 0, 0);
        // Turns already given stay given; new ones follow at the new rate.
        self.next = self.next.max(now).min(now + Duration::from_secs(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `seconds` against a limit of so many calls a second with a burst, a call taking 20 ms and
    /// `workers` at once; answers how many were accepted and refused.
    fn play(limit: f64, burst: f64, workers: usize, seconds: f64) -> (u32, u32) {
        let start = Instant::now();
        let mut state = State { next: start, window: start, last_accepted: start, ..State::new(None) };
        let (mut tokens, mut refilled, mut accepted, mut refused) = (burst, 0.0_f64, 0, 0);
        let mut free_at = vec![0.0_f64; workers];
        loop {
            let worker = (0..workers).min_by(|&a, &b| free_at[a].total_cmp(&free_at[b])).unwrap();
            let now = start + Duration::from_secs_f64(free_at[worker]);
            let sent = state.slot(now).map_or(now, |at| at.max(now)).duration_since(start).as_secs_f64();
            if sent > seconds {
                return (accepted, refused);
            }
            tokens = (tokens + (sent - refilled).max(0.0) * limit).min(burst);
            refilled = refilled.max(sent);
            let ok = tokens >= 1.0;
            if ok {
                tokens -= 1.0;
                accepted += 1;
            } else {
                refused += 1;
            }
            free_at[worker] = sent + 0.02;
            state.note(start + Duration::from_secs_f64(free_at[worker]), ok);
        }
    }

    #[test]
    fn a_throttled_check_uses_nearly_all_of_what_the_limit_allows() {
        for (limit, burst) in [(20.0, 5.0), (20.0, 20.0), (20.0, 100.0), (5.0, 5.0), (100.0, 10.0)] {
            let (accepted, refused) = play(limit, burst, 24, 120.0);
            let allowed = limit * 120.0 + burst;
            assert!(f64::from(accepted) > allowed * 0.95, "{limit}/s: {accepted} of {allowed} accepted");
            assert!(f64::from(refused) < allowed * 0.25, "{limit}/s: {refused} refused, {accepted} accepted");
        }
    }

    #[test]
    fn without_a_refusal_there_is_no_waiting() {
        let (accepted, refused) = play(1e9, 1e9, 10, 2.0);
        assert!(accepted >= 990, "{accepted}");
        assert_eq!(refused, 0);
    }
}
