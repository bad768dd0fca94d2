//! The record of what clients asked. Owns the list of calls; does not know what they do.

use std::fmt;

use jiff::Timestamp;

use crate::names::account_of;

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The ordinary credentials: an IAM user of the account, whose ARN this is.
    Deployer(String),
    /// A function, by the temporary credentials of its role.
    Function {
        /// The role's name.
        role: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        arn: String,
    },
    /// Someone who assumed a role.
    Role {
        /// The role's name.
        role: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        arn: String,
        /// The access key id of the session.
        key: String,
        /// Whether it was a function that assumed it.
        of_function: bool,
    },
}

impl Caller {
    /// The caller's ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        match self {
            Self::Deployer(arn) | Self::Function { arn, .. } | Self::Role { arn, .. } => arn,
        }
    }

    /// The account that it calls from.
    #[must_use]
    pub fn account(&self) -> &str {
        account_of(self.arn())
    }

    /// The role whose credentials it has.
    pub(crate) fn role(&self) -> Option<&str> {
        match self {
            Self::Deployer(_) => None,
            Self::Function { role, .. } | Self::Role { role, .. } => Some(role),
        }
    }

    /// Whether this is a function rather than the deployer.
    #[must_use]
    pub fn is_function(&self) -> bool {
        matches!(self, Self::Function { .. } | Self::Role { of_function: true, .. })
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.arn())
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Still under way, held, or its connection gone before an answer.
    Unanswered,
    /// Carried out.
    Succeeded,
    /// Answered with this error code.
    Failed(String),
}

/// One call as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Counted from 1 since the start or the last [`Sandbox::forget_calls`](crate::Sandbox::forget_calls).
    pub number: usize,
    /// The service as in the credential scope: `iam`, `sns`, `lambda`, …
    pub service: String,
    /// The operation: `CreateRole`.
    pub operation: String,
    /// The IAM actions it takes: `iam:CreateRole`, and `iam:TagRole` where it brings tags.
    pub actions: Vec<String>,
    /// The region of the credential scope.
    pub region: String,
    /// Who called.
    pub caller: Caller,
    /// Whether the operation changes anything.
    pub write: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When it arrived, by the sandbox's clock.
    pub at: Timestamp,
}

/// The list of calls, and who is at which place in it after it was cleared.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    list: Vec<Call>,
    era: u64,
}

/// One call's place in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    era: u64,
    index: usize,
}

impl Calls {
    pub(crate) fn add(&mut self, mut call: Call) -> Ticket {
        call.number = self.list.len() + 1;
        self.list.push(call);
        Ticket { era: self.era, index: self.list.len() - 1 }
    }

    pub(crate) fn end(&mut self, ticket: Ticket, outcome: Outcome) {
        if ticket.era == self.era
            && let Some(call) = self.list.get_mut(ticket.index)
        {
            call.outcome = outcome;
        }
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.list.clone()
    }

    pub(crate) fn forget(&mut self) {
        self.list.clear();
        self.era += 1;
    }
}
