//! What is left for a person after a run: data that commands make and `render` shows.

use serde::Serialize;

/// What a follow-up is about: a code for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    /// An address has yet to confirm.
    Unconfirmed,
    /// There are no subscriptions.
    NobodyTold,
    /// Keys that are already old are reported only when their next reminder is due.
    Reminders,
    /// A queue's policy must allow events.
    QueuePolicy,
    /// Deleting the topic removes subscriptions.
    SubscriptionsEnd,
    /// A confirmation link stops working.
    PendingLapses,
    /// The installed code is another build's.
    OtherCode,
    /// An older version of keyminder set the installation up.
    OlderVersion,
    /// The installation has settings that nothing here configures, so setup would refuse to reset them.
    UnknownSettings,
    /// A setting may go wrong or has no effect.
    Setting,
    /// Others added something that gives access or takes notices out.
    AddedByOthers,
    /// Something of others could be where nobody could look.
    NotChecked,
    /// Owners of keys cannot be emailed, or not all of them.
    OwnerEmails,
    /// How to check on the installation.
    Verify,
}

/// Something that only a person can do, or should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FollowUp {
    pub(crate) code: Topic,
    /// All of it in one text.
    pub(crate) message: String,
    /// The command to run, if it takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// What comes before the command.
    #[serde(skip)]
    pub(crate) lead: String,
    /// What comes after the command.
    #[serde(skip)]
    pub(crate) rest: String,
}

impl FollowUp {
    /// Something to know.
    pub(crate) fn new(code: Topic, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, lead: message.clone(), message, command: None, rest: String::new() }
    }

    /// Something to do with a command. `lead` ends before the command, as in "…, run".
    pub(crate) fn run(code: Topic, lead: impl Into<String>, command: impl Into<String>) -> Self {
        let (lead, command) = (lead.into(), command.into());
        let message = format!("{lead}: {command}");
        Self { code, message, command: Some(command), lead, rest: String::new() }
    }

    /// The same, with one more sentence after the command.
    pub(crate) fn and(mut self, rest: &str) -> Self {
        self.message = format!("{}. {rest}", self.message);
        self.rest = rest.to_owned();
        self
    }
}
