//! What an event asks the function to do.
//!
//! Owns which events there are, and which of an event's words are believed. It must not know how a run goes.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How far an event's time can be ahead of the function's clock: clocks differ a little.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// How far it can be behind. Lambda drops an asynchronous event that is older than the function's maximum event age
/// ("How Lambda handles errors and retries with asynchronous invocation"), which `setup` sets to an hour; and an hour.
const BEHIND: SignedDuration = SignedDuration::from_hours(2);

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
    /// The address for a test email.
    pub owner: Option<String>,
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
    /// Emails a test to one address, and reads nothing: `{"keyminder": "test-owner", "owner": "anna@example.com"}`. A
    /// checker of an older version takes it for a dry run.
    TestOwner,
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
            Self::TestOwner => "test-owner",
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
            Some("test-owner") => Mode::TestOwner,
            Some("run") => Mode::ByHand,
            Some(_) => Mode::DryRun,
            None if text("source") == Some("aws.events") => Mode::Scheduled,
            None => Mode::ByHand,
        };
        let probe =
            text("probe").or(word.filter(|word| !["test-notice", "test-owner", "run", "dry-run"].contains(word)));
        Self {
            id: text("id").map(str::to_owned),
            time: text("time").and_then(|time| time.parse().ok()),
            mode,
            probe: probe.map(str::to_owned),
            owner: event.get("owner").and_then(Value::as_str).filter(|text| text.len() <= 254).map(str::to_owned),
        }
    }

    /// The time it was scheduled for, if that is credible: anyone who can invoke the function chooses it, and a saved
    /// test event keeps its time for ever.
    pub(crate) fn scheduled(&self, clock: Timestamp) -> Option<Timestamp> {
        self.time.filter(|time| (-BEHIND..=AHEAD).contains(&time.duration_since(clock)))
    }

    /// The moment that ages are counted to.
    pub(crate) fn moment(&self, clock: Timestamp) -> Timestamp {
        self.scheduled(clock).unwrap_or(clock)
    }

    /// What to say about a time that is not used.
    pub(crate) fn warning(&self, clock: Timestamp) -> Option<String> {
        let time = self.time.filter(|_| self.scheduled(clock).is_none())?;
        let place = if time > clock { "more than 15 minutes ahead of" } else { "more than 2 hours behind" };
        Some(format!("the event's time {time} is {place} the function's clock, so the clock was used: {clock}"))
    }
}
