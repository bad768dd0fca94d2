//! The check: reads every IAM user's access keys, and publishes what there is to say.
//!
//! Owns the calls to IAM and SNS; [`keyminder_keyage`] owns what they mean. The Lambda function and
//! `keyminder check` run this same code. It must not know the command, nor write to a terminal, and it
//! makes no call that changes a key.

mod bounded;
mod call;
mod call_rate;
mod check;
mod event;
mod function;
mod log;
mod mailer;
#[cfg(feature = "organization")]
mod organization;
mod owners;
mod publisher;
mod reading;
mod run_summary;
#[cfg(feature = "runtime")]
pub mod runtime;

pub use check::{Check, Progress, Scope};
pub use event::{Event, Mode};
pub use function::{Function, publish_failure};
pub use log::{NAMESPACE, SummaryLine};
#[cfg(feature = "organization")]
pub use organization::{
    Caller, ORGANIZATION_ACTIONS, OrganizationCheck, OrganizationClients, OrganizationError, OrganizationProgress,
    Selection, UNIT_ACTIONS,
};
pub use owners::emails_to_owners;
pub use publisher::{PublishError, Published, Publisher};
pub use run_summary::{FinishedRun, OwnersSummary, RunSummary};

/// The IAM actions and the SNS action that a check needs, as IAM policies name them, in order. What
/// `other_credentials` adds is in [`OTHER_CREDENTIALS_ACTIONS`].
pub const ACTIONS: &[&str] = &[
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountSummary",
    "iam:ListAccessKeys",
    "iam:ListAccountAliases",
    "iam:ListUserTags",
    "iam:ListUsers",
    "sns:Publish",
];

/// The actions that emails to owners add. The last one only with `fallback = "account"`.
pub const OWNERS_ACTIONS: &[&str] = &["ses:SendEmail", "account:GetAlternateContact"];

/// The IAM actions that the setting `other_credentials` adds.
pub const OTHER_CREDENTIALS_ACTIONS: &[&str] =
    &["iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates"];
