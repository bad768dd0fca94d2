//! Ages of IAM access keys, and what to say about them.
//!
//! Owns the domain: what a key is, when it is old, what is excused, when to remind, which words to
//! send, and [`Settings`], the one contract between the command and its Lambda function. It must not
//! know AWS clients, files, terminals or the clock: `now` is always an argument.

pub mod advice;
pub mod architecture;
pub mod arn;
pub mod benchmark;
pub mod environment;
pub mod exemption;
mod glob;
pub mod key;
pub mod notice;
pub mod organization;
pub mod owners;
pub mod reminder;
pub mod report;
pub mod schedule;
pub mod settings;
pub mod untrusted;
pub mod verdict;

pub use advice::{Advice, AdviceCode, advise};
pub use architecture::Architecture;
pub use benchmark::{Control, Grade, controls};
pub use environment::{DEFAULT_INSTALL, Deployment, Environment, EnvironmentError};
pub use exemption::{Exemption, ExemptionRecord, ExemptionSource, ExemptionState};
pub use glob::Glob;
pub use key::{Account, CredentialKind, Key, KeyStatus, LastUsed, User};
pub use notice::{Context, Notice, OwnerEmail, OwnersInformed, notices};
pub use organization::{AccountReading, AccountState, Cause, OrganizationId, OrganizationReport, OrganizationSummary};
pub use owners::{Fallback, Owners};
pub use report::{Finding, ReadError, Report, Summary};
pub use schedule::{DEFAULT_SCHEDULE, Schedule, ScheduleError};
pub use settings::{AllClear, Format, Inactive, Limit, NoticeKind, NoticeSteps, Problem, Settings};
pub use untrusted::Untrusted;
pub use verdict::{Assessment, Remedy, Verdict};
