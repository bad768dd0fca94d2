//! The kinds of things that others put beside our objects.

use keyminder_reconcile::ExtraKind;

const fn kind(code: &'static str, words: &'static str) -> ExtraKind {
    ExtraKind { code, words }
}

/// A subscription of our topic.
pub const SUBSCRIPTION: ExtraKind = kind("subscription", "subscription");
/// A target of our rule.
pub const TARGET: ExtraKind = kind("target", "target");
/// A statement of a policy on an object of ours.
pub const STATEMENT: ExtraKind = kind("statement", "statement");
/// A managed policy on our role.
pub const ATTACHED_POLICY: ExtraKind = kind("attached_policy", "policy");
/// An inline policy of our role.
pub const INLINE_POLICY: ExtraKind = kind("inline_policy", "inline policy");
/// A permissions boundary on our role that is not declared.
pub const BOUNDARY: ExtraKind = kind("boundary", "permissions boundary");
/// Somebody whom our policy is attached to.
pub const ATTACHMENT: ExtraKind = kind("attachment", "attached to");
/// Somebody whom our policy bounds.
pub const BOUNDED: ExtraKind = kind("bounded", "the permissions boundary of");

/// Every kind.
pub const ALL: &[ExtraKind] =
    &[SUBSCRIPTION, TARGET, STATEMENT, ATTACHED_POLICY, INLINE_POLICY, BOUNDARY, ATTACHMENT, BOUNDED];

/// The addresses that something of others can be beside.
pub const ADDRESSES: &[&str] = &[
    "sns_topic",
    "sns_subscriptions",
    "iam_role",
    "iam_policy",
    "iam_role_attachment",
    "lambda_permission",
    "events_target",
];
