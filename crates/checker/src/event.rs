//! What an event asks the function to do.
//!
//! Owns that any event is one, and the words that it may carry. It must not know how a run goes.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// An event this much older than the clock is a saved test event, not a late one: Lambda drops
/// asynchronous events after six hours ("How Lambda handles errors and retries with asynchronous
/// invocation").
const LATEST: SignedDuration = SignedDuration::from_hours(6);

/// What the event asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's id, by which a second delivery is told.
    pub id: Option<String>,
    /// The time it was scheduled for.
    pub time: Option<Timestamp>,
    /// What to do.
    pub mode: Mode,
    /// A word to find the run by in the log.
    pub probe: Option<String>,
}

/// What a run does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Reads, and publishes what its schedule says is due: an event of the schedule.
    Scheduled,
    /// Reads, and publishes everything: any other event, `{}` for one.
    #[default]
    ByHand,
    /// Reads, and publishes nothing: `{"keyminder": "dry-run"}`, or any word that is none of these,
    /// which is then the probe.
    DryRun,
    /// Publishes a test notice, and reads nothing: `{"keyminder": "test-notice"}`.
    TestNotice,
}

impl Mode {
    /// The word in the answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::ByHand => "by-hand",
            Self::DryRun => "dry-run",
            Self::TestNotice => "test-notice",
        }
    }
}

impl Event {
    /// Reads an event; anything is one.
    #[must_use]
    pub fn new(event: &Value) -> Self {
        let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| text.len() <= 128);
        let word = text("keyminder");
        let mode = match word {
            Some("test-notice") => Mode::TestNotice,
            Some("run") => Mode::ByHand,
            Some(_) => Mode::DryRun,
            None if text("source") == Some("aws.events") => Mode::Scheduled,
            None => Mode::ByHand,
        };
        let probe = text("probe").or(word.filter(|word| !["test-notice", "run", "dry-run"].contains(word)));
        Self {
            id: text("id").map(str::to_owned),
            time: text("time").and_then(|time| time.parse().ok()),
            mode,
            probe: probe.map(str::to_owned),
        }
    }
    /// The time it was scheduled for, unless it is a saved test event.
    pub(crate) fn scheduled(&self, clock: Timestamp) -> Option<Timestamp> {
        self.time.filter(|time| time.duration_since(clock) > -LATEST)
    }

    /// The moment that ages are counted to.
    pub(crate) fn moment(&self, clock: Timestamp) -> Timestamp {
        self.scheduled(clock).unwrap_or(clock)
    }
}
