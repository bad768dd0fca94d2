//! Observe, plan, converge, verify, destroy: a reconciler that knows no cloud.
//!
//! A [`Resource`] says what it should look like ([`Resource::desired`]) and can look at the live object
//! ([`Resource::observe`]); the difference between the two is the [`Plan`], worked out here, field by field, for
//! every resource alike. [`Stack::apply`] carries a plan out, [`Stack::verify`] looks again, [`Stack::destroy`]
//! takes everything away in reverse. Nothing is remembered between runs: observation is the only state.
//!
//! This crate must not know what a topic or a role is, must not print, and must not read the clock of the day.

mod diff;
mod error;
mod extra;
mod path;
mod plan;
mod progress;
mod resource;
pub mod retry;
mod run;
mod stack;

pub use diff::{FieldChange, Meaning, changes};
pub use error::Failure;
pub use extra::{Beside, Effect, Extra, ExtraKind, NotChecked, Severity};
pub use path::{FieldPath, PathPart};
pub use plan::{Action, Change, Plan, Purpose, Refused, Summary};
pub use progress::{Event, Progress, Silent};
pub use resource::{Address, Existing, Observed, Removal, Resource};
pub use run::{Failed, Outcome};
pub use stack::{Observation, Stack};
pub use tokio_util::sync::CancellationToken;
