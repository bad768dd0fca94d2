//! Everything that is shown: the only module that writes to standard output and standard error.
//!
//! [`Screen`] owns the two streams; every other file here turns data into text and writes nothing. It must not know
//! AWS, nor how the data came about.

pub(crate) mod check;
mod error;
mod gate;
mod json;
mod mail;
mod outcome;
mod owners;
mod plan;
mod progress;
mod screen;
mod status;
mod style;
mod when;
mod words;

pub(crate) use error::error;
pub(crate) use gate::{escaped, gate};
pub(crate) use json::{
    CheckDocument, ConfirmDocument, ConfirmOutcome, ErrorDocument, OrganizationDocument, Place, RunDocument,
    StatusDocument, TestDocument,
};
#[cfg(feature = "sandbox")]
pub(crate) use mail::envelope;
pub(crate) use mail::{notice, owner_email};
pub(crate) use outcome::{follow_ups, in_sync, next_steps, receipt, unfinished};
pub(crate) use owners::owners;
pub(crate) use plan::{
    Headline, allowing, blockers, concern, headline, not_checked, plan, plan_with, refused, removing,
};
pub(crate) use progress::RunProgress;
pub(crate) use screen::{Screen, write_file, write_report};
pub(crate) use status::{LastRun, OwnerCounts, OwnersView, RunCounts, StatusView, SubscriptionLine, status};
pub(crate) use style::{bad, bold, command, dim, fold, good, heading, warn};
pub(crate) use when::{patience, span, took};
pub(crate) use words::{drift, obstacle};
