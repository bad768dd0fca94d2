//! What is behind an error, for whoever explains it: what [`Kind`](super::Kind) and operation alone do not tell.
//!
//! Causes are facts. What to do about one, and how to say so, is up to the command.

use crate::operate::EmailObstacle;

/// Why something failed, as far as more is known than its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cause {
    /// Nothing more than the kind.
    #[default]
    Unspecified,
    /// The installation itself does not exist.
    NotInstalled,
    /// The resource exists and belongs to somebody else.
    NotOurs,
    /// The caller lacks this IAM action.
    Denied(String),
    /// The function's role lacks something, or IAM has not yet told Lambda of it.
    RoleNotReady,
    /// The function cannot decrypt its own settings.
    SettingsUnreadable,
    /// The wait for something that AWS does in the background was over.
    WaitedTooLong,
    /// No region is configured.
    NoRegion,
    /// What is configured as the region cannot be one.
    BadRegion,
    /// Something on this machine (a variable, a file, a proxy, a certificate) or on the way from it, with what helps.
    Surroundings(Vec<String>),
    /// A policy denies it that the caller's own permissions cannot make up for.
    DeniedAbove(&'static str),
    /// No owner of a key could be emailed.
    CannotEmail(Box<EmailObstacle>),
    /// The permissions boundary that was asked for does not exist.
    NoBoundary,
    /// The function's environment variables exceed Lambda's quota.
    EnvironmentTooLarge,
    /// IAM cannot move a role or policy out of this path.
    FixedPath(String),
    /// A newer version of keyminder wrote the installation.
    NewerVersion,
    /// Others have attached the policy.
    PolicyAttached,
    /// Others have the policy as their permissions boundary.
    PolicyIsBoundary,
    /// The rule differs in more than its schedule, so that it could not be restored.
    RuleDiffers,
    /// The subscription was confirmed by opening the link.
    ConfirmedByLink,
    /// SNS does not accept the token.
    TokenRefused,
    /// The text is neither a confirmation link nor a token.
    BadLink,
    /// The link confirms a subscription to another topic.
    LinkOfAnotherTopic,
    /// CloudWatch is not allowed to publish to the installation's own topic.
    AlarmOnOwnTopic,
    /// The function runs less often than an alarm can look back.
    AlarmTooRare,
}
