//! Ctrl-C, SIGTERM and a terminal that went away: the first asks the run to stop after the requests in progress, the second ends the process.

use std::future::Future;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Exit};
use crate::render::Screen;

/// Whether the user asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(CancellationToken);

impl Interrupt {
    /// Listens from now on. Where the system does not let us listen, its own way of ending a process stays.
    pub(crate) fn listen(screen: &Arc<Screen>) -> Self {
        let token = CancellationToken::new();
        let listen = |kind| signal(kind).ok();
        if let (Some(interrupt), Some(terminate), Some(hangup)) =
            (listen(SignalKind::interrupt()), listen(SignalKind::terminate()), listen(SignalKind::hangup()))
        {
            tokio::spawn(watch([interrupt, terminate, hangup], token.clone(), Arc::clone(screen)));
        }
        Self(token)
    }

    /// What a run watches.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.0
    }

    /// Completes when the user asks to stop.
    pub(crate) async fn asked(&self) {
        self.0.cancelled().await;
    }

    /// Does work that changes nothing, and drops it when the user asks to stop.
    ///
    /// # Errors
    /// The work's own, and `Interrupted`.
    pub(crate) async fn or<T, E: Into<Error>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            result = work => result.map_err(Into::into),
            () = self.asked() => Err(Error::interrupted()),
        }
    }
}

async fn watch([mut interrupt, mut terminate, mut hangup]: [Signal; 3], token: CancellationToken, screen: Arc<Screen>) {
    for time in 0.. {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        if time > 0 {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        // Said first: a run that is only reading ends as soon as it is asked.
        let lead = if screen.is_animated() { "\n" } else { "" };
        screen.remark(&format!(
            "{lead}Stopping once the requests in progress have finished. Press Ctrl-C again to quit immediately."
        ));
        token.cancel();
    }
}
