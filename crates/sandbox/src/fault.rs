//! Faults by operation. Owns which call meets which fault; does not know how a fault is played out on the wire.

use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Refused with the service's throttling error.
    Throttle,
    /// A 500 of the service; nothing was done.
    ServerError,
    /// The connection closes before the call is carried out.
    DropConnection,
    /// The call is carried out, then the connection closes without an answer.
    LoseAnswer,
    /// Refused as not permitted.
    AccessDenied,
    /// `PutTargets` and `RemoveTargets` answer 200 with every entry failed; any other operation fails with a 500.
    FailedEntries,
    /// What AWS answers for a while after another change, because a part of it does not know of that change yet. An
    /// operation can have several such answers ([`crate::passing_answers`]); this is the one at that place. Does nothing
    /// if there is none.
    NotYet(usize),
    /// The credentials have expired.
    ExpiredToken,
    /// The request's time is too far from the service's.
    ClockSkew,
    /// No answer ever comes; nothing was done.
    Hang,
    /// The call is carried out only after so long, as one that crawls over a slow line.
    Slow(Duration),
}

/// One thing that will go wrong: where, what, and which time.
#[derive(Clone, Debug)]
pub struct Fault {
    target: String,
    kind: FaultKind,
    account: Option<String>,
    from: usize,
    to: usize,
    seen: usize,
}

impl Fault {
    /// A fault in every call that `target` names: `service:Operation` or an IAM action (`iam:CreateRole`,
    /// `lambda:InvokeFunction`), with `*` for any run of characters (`sns:*`, `*`), or `write:*` and `read:*` for all
    /// that change something or do not. It fires each time unless narrowed.
    pub fn new(target: impl Into<String>, kind: FaultKind) -> Self {
        Self { target: target.into(), kind, account: None, from: 1, to: usize::MAX, seen: 0 }
    }

    /// Only calls made from this account.
    #[must_use]
    pub fn in_account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Only the first such call.
    #[must_use]
    pub fn once(self) -> Self {
        self.nth(1)
    }

    /// Every such call.
    #[must_use]
    pub fn always(mut self) -> Self {
        (self.from, self.to) = (1, usize::MAX);
        self
    }

    /// Only the `k`-th such call, counted from 1.
    #[must_use]
    pub fn nth(mut self, k: usize) -> Self {
        (self.from, self.to) = (k, k);
        self
    }

    /// Every such call after the first `k`.
    #[must_use]
    pub fn after(mut self, k: usize) -> Self {
        (self.from, self.to) = (k + 1, usize::MAX);
        self
    }

    fn names(&self, account: &str, names: &[String], write: bool) -> bool {
        if self.account.as_deref().is_some_and(|only| only != account) {
            return false;
        }
        match self.target.as_str() {
            "write:*" => write,
            "read:*" => !write,
            target => names
                .iter()
                .any(|name| crate::policy::matches(&target.to_ascii_lowercase(), &name.to_ascii_lowercase())),
        }
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault this call meets. Every fault that names the call counts it; the first that is due fires.
    pub(crate) fn strike(&mut self, account: &str, names: &[String], write: bool) -> Option<FaultKind> {
        let mut struck = None;
        for fault in self.0.iter_mut().filter(|fault| fault.names(account, names, write)) {
            fault.seen += 1;
            if struck.is_none() && (fault.from..=fault.to).contains(&fault.seen) {
                struck = Some(fault.kind);
            }
        }
        struck
    }
}
