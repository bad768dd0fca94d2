//! What is found beside an object of ours and is not part of it: who put something there, for whom, and how grave it is.
//!
//! Owns the facts and the one sentence made of them. It must not know any cloud: the kinds are the resources' own.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What kind of thing it is: a code for programs, and the words that come before its name in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtraKind {
    /// Such as `subscription`.
    pub code: &'static str,
    /// Such as "subscription".
    pub words: &'static str,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It gives somebody access to an object of ours, or an object of ours more access.
    GivesAccess,
    /// It takes notices or log lines out to somebody.
    TakesNoticesOut,
    /// It only takes access away.
    Narrows,
    /// It does neither, as far as can be told.
    None,
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody in the same account gains by it.
    Warning,
    /// Another account, or anybody, gains by it.
    Critical,
}

/// Something found beside our own: a second target on our rule, a policy attached to our role. It is reported and left
/// alone, unless a person asks for its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// What kind of thing it is.
    pub kind: ExtraKind,
    /// Which one: an id, a name or an ARN.
    pub name: String,
    /// Who gains by it: an ARN, an account, a service, an endpoint; `*` is anybody.
    pub principal: Option<String>,
    /// The account that the principal, or the thing itself, belongs to, where that can be told.
    pub account: Option<String>,
    /// What the principal may do, or an object of ours may do through it.
    pub actions: Vec<String>,
    /// What it points to: the ARN of a target, a role.
    pub target: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// How grave it is.
    pub severity: Severity,
    /// The user has said that it may be there.
    pub allowed: bool,
    /// Our own object cannot be deleted while it is there.
    pub blocks_deletion: bool,
    /// It was made by us, and cannot be taken away.
    pub ours: bool,
    /// What more there is to say.
    pub note: Option<String>,
    /// What the configuration allows it by, if that is none of its principal, target and name.
    pub known_as: Option<String>,
    /// By what its resource finds it again to remove it. `None`: it cannot be removed.
    pub handle: Option<String>,
}

/// What was found beside an object, and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// What others added.
    pub extras: Vec<Extra>,
    /// Where something of others could be, unseen.
    pub not_checked: Vec<NotChecked>,
}

impl Beside {
    /// There is nothing, and nothing that could not be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extras.is_empty() && self.not_checked.is_empty()
    }
}

impl From<Vec<Extra>> for Beside {
    fn from(extras: Vec<Extra>) -> Self {
        Self { extras, not_checked: Vec::new() }
    }
}

/// Something that could not be looked at: neither clean nor a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What, in words: "function URLs".
    pub what: String,
    /// The operation that would tell.
    pub operation: String,
    /// Why not.
    pub reason: String,
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.what, self.operation, self.reason)
    }
}

impl Extra {
    /// What somebody else put there.
    pub fn new(kind: ExtraKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            principal: None,
            account: None,
            actions: Vec::new(),
            target: None,
            effect: Effect::None,
            severity: Severity::Info,
            allowed: false,
            blocks_deletion: false,
            ours: false,
            note: None,
            known_as: None,
            handle: None,
        }
    }

    /// Who gains by it.
    #[must_use]
    pub fn principal(mut self, principal: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// The account it belongs to, where that can be told.
    #[must_use]
    pub fn account(mut self, account: Option<String>) -> Self {
        self.account = account;
        self
    }

    /// What may be done through it.
    #[must_use]
    pub fn actions(mut self, actions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.actions = actions.into_iter().map(Into::into).collect();
        self
    }

    /// What it points to.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// What it does, and how grave that is.
    #[must_use]
    pub fn effect(mut self, effect: Effect, severity: Severity) -> Self {
        self.effect = effect;
        self.severity = severity;
        self
    }

    /// Our own object cannot be deleted while it is there.
    #[must_use]
    pub fn blocks_deletion(mut self) -> Self {
        self.blocks_deletion = true;
        self
    }

    /// We made it, and cannot take it away.
    #[must_use]
    pub fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    /// One thing more to say.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// What the configuration allows it by.
    #[must_use]
    pub fn known_as(mut self, name: impl Into<String>) -> Self {
        self.known_as = Some(name.into());
        self
    }

    /// By what its resource finds it again to remove it.
    #[must_use]
    pub fn handle(mut self, handle: impl Into<String>) -> Self {
        self.handle = Some(handle.into());
        self
    }

    /// It gives access or takes notices out, and nobody has said that it may.
    #[must_use]
    pub fn is_concern(&self) -> bool {
        !self.ours && !self.allowed && matches!(self.effect, Effect::GivesAccess | Effect::TakesNoticesOut)
    }
}

/// The facts as one sentence, without a full stop.
impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.words, self.name)?;
        if let Some(target) = self.target.as_ref().filter(|target| !self.name.contains(target.as_str())) {
            write!(f, " ({target})")?;
        }
        let is_said = |account: &&String| {
            [Some(&self.name), self.target.as_ref(), self.principal.as_ref()]
                .into_iter()
                .flatten()
                .any(|text| text.contains(account.as_str()))
        };
        let account = self.account.as_ref().filter(|account| !is_said(account));
        if let Some(principal) = &self.principal {
            match principal.as_str() {
                "*" => f.write_str(": anybody")?,
                principal => write!(f, ": {principal}")?,
            }
            if let Some(account) = account {
                write!(f, " of account {account}")?;
            }
            if !self.actions.is_empty() {
                write!(f, " may {}", self.actions.join(", "))?;
            }
        } else {
            if let Some(account) = account {
                write!(f, " of account {account}")?;
            }
            if !self.actions.is_empty() {
                write!(f, ": allows {}", self.actions.join(", "))?;
            }
        }
        match &self.note {
            Some(note) => write!(f, ": {note}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Extra", 13)?;
        fields.serialize_field("what", &self.to_string())?;
        fields.serialize_field("kind", self.kind.code)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("principal", &self.principal)?;
        fields.serialize_field("account", &self.account)?;
        fields.serialize_field("actions", &self.actions)?;
        fields.serialize_field("target", &self.target)?;
        fields.serialize_field("effect", &self.effect)?;
        fields.serialize_field("severity", &self.severity)?;
        fields.serialize_field("allowed", &self.allowed)?;
        fields.serialize_field("blocks_deletion", &self.blocks_deletion)?;
        fields.serialize_field("removable", &self.handle.is_some())?;
        if self.ours {
            fields.serialize_field("ours", &true)?;
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: ExtraKind = ExtraKind { code: "statement", words: "statement" };

    #[test]
    fn the_sentence_says_who_may_do_what() {
        let extra = Extra::new(STATEMENT, "x")
            .principal("*")
            .actions(["lambda:InvokeFunction"])
            .effect(Effect::GivesAccess, Severity::Critical);
        assert_eq!(extra.to_string(), "statement x: anybody may lambda:InvokeFunction");
        let extra = Extra::new(STATEMENT, "y").principal("s3.amazonaws.com").account(Some("999999999999".into()));
        assert_eq!(extra.to_string(), "statement y: s3.amazonaws.com of account 999999999999");
    }

    #[test]
    fn what_gives_access_is_a_concern_until_it_is_allowed() {
        let mut extra = Extra::new(STATEMENT, "x").effect(Effect::GivesAccess, Severity::Warning);
        assert!(extra.is_concern());
        extra.allowed = true;
        assert!(!extra.is_concern());
        assert!(!Extra::new(STATEMENT, "x").effect(Effect::Narrows, Severity::Info).is_concern());
    }
}
