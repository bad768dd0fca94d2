//! Stopping a client at a chosen call, so that a test can kill it there. Owns the counting and the holding.

use tokio::sync::watch;

/// On which side of its being carried out a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It never happened.
    Before,
    /// It happened, and nobody was told.
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Reached,
}

/// A call that will be held; see [`Sandbox::stop_at`](crate::Sandbox::stop_at). Dropping it lets the held call's
/// connection close without an answer, and if the call was not reached yet, nothing will be held.
#[derive(Debug)]
pub struct Gate {
    stage: watch::Receiver<Stage>,
    _open: watch::Sender<bool>,
}

impl Gate {
    /// Waits until the call is held.
    pub async fn reached(&self) {
        let mut stage = self.stage.clone();
        // An error means that the sandbox is gone, and nothing will be reached any more.
        if stage.wait_for(|stage| *stage == Stage::Reached).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the call is held now.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        *self.stage.borrow() == Stage::Reached
    }
}

/// The server's side of a gate.
#[derive(Debug)]
struct Post {
    left: usize,
    moment: Moment,
    stage: watch::Sender<Stage>,
    open: watch::Receiver<bool>,
}

/// The gate that one call has come to.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) moment: Moment,
    stage: watch::Sender<Stage>,
    open: watch::Receiver<bool>,
}

impl Held {
    /// Says so, and holds until the gate is dropped.
    pub(crate) async fn hold(mut self) {
        self.stage.send_replace(Stage::Reached);
        while self.open.changed().await.is_ok() {}
    }
}

/// All gates that are set.
#[derive(Debug, Default)]
pub(crate) struct Gates(Vec<Post>);

impl Gates {
    pub(crate) fn add(&mut self, k: usize, moment: Moment) -> Gate {
        let (stage, seen) = watch::channel(Stage::Waiting);
        let (keep, open) = watch::channel(false);
        self.0.push(Post { left: k.max(1), moment, stage, open });
        Gate { stage: seen, _open: keep }
    }

    /// Counts one call of the deployer's; the gate it has come to, if any.
    pub(crate) fn count(&mut self) -> Option<Held> {
        self.0.retain(|post| post.open.has_changed().is_ok());
        for post in &mut self.0 {
            post.left -= 1;
        }
        let at = self.0.iter().position(|post| post.left == 0)?;
        let post = self.0.remove(at);
        Some(Held { moment: post.moment, stage: post.stage, open: post.open })
    }
}
