//! One way to wait: try again until it works, the deadline passes or the user asks to stop.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long to go on and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Give up this long after the first try.
    pub deadline: Duration,
    /// The pause after the first failure; it grows by half with each further one.
    pub first_pause: Duration,
    /// No pause is longer than this.
    pub longest_pause: Duration,
}

impl Backoff {
    /// Goes on for `deadline`, starting with short pauses.
    #[must_use]
    pub const fn within(deadline: Duration) -> Self {
        Self { deadline, first_pause: Duration::from_millis(100), longest_pause: Duration::from_secs(3) }
    }
}

/// Why [`until`] gave up.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The error is not one that waiting helps against.
    Failed(E),
    /// The deadline passed; this is the last error, and how long was waited.
    TimedOut(E, Duration),
    /// The user asked to stop; this is the last error.
    Interrupted(E),
}

/// Calls `operation` until it succeeds, its error is not `transient`, the deadline passes, or `interrupted` fires.
/// `waiting` is told each error that is waited out. The last error is always kept.
///
/// # Errors
/// The last error, and why it was the last.
pub async fn until<T, E>(
    backoff: Backoff,
    interrupted: &CancellationToken,
    transient: impl Fn(&E) -> bool,
    waiting: impl Fn(&E),
    mut operation: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Stopped<E>> {
    let start = Instant::now();
    let mut pause = backoff.first_pause;
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) if !transient(&error) => return Err(Stopped::Failed(error)),
            Err(error) => error,
        };
        let waited = start.elapsed();
        if waited + pause > backoff.deadline {
            return Err(Stopped::TimedOut(error, waited));
        }
        waiting(&error);
        tokio::select! {
            () = sleep(pause) => {}
            () = interrupted.cancelled() => return Err(Stopped::Interrupted(error)),
        }
        pause = (pause + pause / 2).min(backoff.longest_pause);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn failing(times: u32, deadline: u64, transient: bool) -> (Result<u32, Stopped<u32>>, u32) {
        let tries = Cell::new(0);
        let backoff = Backoff::within(Duration::from_secs(deadline));
        let result = until(
            backoff,
            &CancellationToken::new(),
            |_| transient,
            |_| (),
            async || {
                tries.set(tries.get() + 1);
                if tries.get() > times { Ok(tries.get()) } else { Err(tries.get()) }
            },
        )
        .await;
        (result, tries.get())
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_until_the_operation_succeeds() {
        assert_eq!(failing(7, 120, true).await.0, Ok(8));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_waiting_does_not_help_against_ends_it_at_once() {
        assert_eq!(failing(7, 120, false).await, (Err(Stopped::Failed(1)), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it_with_the_last_error() {
        let (result, tries) = failing(u32::MAX, 10, true).await;
        match result {
            Err(Stopped::TimedOut(last, waited)) => {
                assert_eq!(last, tries);
                assert!(waited <= Duration::from_secs(10), "waited {waited:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interruption_ends_the_pause() {
        let interrupted = CancellationToken::new();
        interrupted.cancel();
        let result: Result<(), _> =
            until(Backoff::within(Duration::from_secs(60)), &interrupted, |_| true, |_| (), async || Err("pending"))
                .await;
        assert_eq!(result, Err(Stopped::Interrupted("pending")));
    }
}
