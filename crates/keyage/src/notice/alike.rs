//! Users that could not be read for the same reason: a notice gives the reason a few times, not thousands of times.
//!
//! The document for programs has them all. This must not know where in the text they are.

use std::collections::BTreeMap;

use super::text::{count, wrap};
use crate::report::Finding;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// For how many users a reason is given in full.
const IN_FULL: usize = 3;
/// How many more are named.
const NAMED: usize = 50;

/// Users by what kept them from being read.
#[derive(Default)]
pub(super) struct Alike<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Alike<'a> {
    /// Whether the reason has been given often enough; the user is then named with the others.
    pub(super) fn has_been_listed(&mut self, finding: &'a Finding) -> bool {
        if finding.verdict != Verdict::Unknown || finding.access_key_id.is_some() {
            return false;
        }
        let users = self.0.entry(kind(finding.reason.as_deref().unwrap_or_default())).or_default();
        users.push(&finding.user);
        users.len() > IN_FULL
    }

    /// A text for each reason that others share.
    pub(super) fn texts(self) -> impl Iterator<Item = String> {
        self.0.into_iter().filter_map(|(reason, users)| {
            let others = users.get(IN_FULL..).filter(|others| !others.is_empty())?;
            let names: Vec<String> = others.iter().take(NAMED).map(|user| Untrusted::new(user).to_string()).collect();
            let more = match others.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let number = count(u32::try_from(others.len()).unwrap_or(u32::MAX), "more user");
            let reason = Untrusted::new(reason);
            let mut text = wrap(&format!("{reason}, also for {number}: {}{more}.", names.join(", ")), 0);
            if reason.as_str().contains("AccessDenied") {
                let check = "Check whether the function's role or policy was changed: keyminder plan";
                text.push_str(&wrap(check, 0));
            }
            Some(text)
        })
    }
}

/// Operation and code, without the message, which names the user.
fn kind(reason: &str) -> &str {
    let end = reason.match_indices(": ").nth(1).map_or(reason.len(), |(at, _)| at);
    reason.get(..end).unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_and_code_are_what_reasons_have_in_common() {
        assert_eq!(kind("iam:ListAccessKeys: AccessDenied: User: x is not"), "iam:ListAccessKeys: AccessDenied");
        assert_eq!(kind("not read before the time was up"), "not read before the time was up");
    }
}
