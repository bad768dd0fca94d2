//! The check: reads every IAM user's access keys, and publishes what there is to say.
//!
//! Owns the calls to IAM and SNS; [`keyminder_keyage`] owns what they mean. The Lambda function and
//! `keyminder check` run this same code. It must not know the command, nor write to a terminal, and it
//! makes no call that changes a key.

mod call;
mod check;
pub mod function;
mod log;
mod pace;
mod publisher;
mod reading;

pub use check::{Check, Progress, Scope};
pub use function::{Answer, Event, Function, Outcome};
pub use publisher::{PublishError, Published, Publisher};

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

/// The IAM actions that the setting `other_credentials` adds.
pub const OTHER_CREDENTIALS_ACTIONS: &[&str] =
    &["iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates"];
