//! `[allow]`: what others may have put beside our objects.

use std::collections::BTreeMap;

use keyminder_reconcile::{Address, Extra};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::extras;

/// By the address of our object: the kind of what is allowed, and its principal or ARN, as in
/// `lambda_permission = ["statement arn:aws:iam::123456789012:role/ci"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allow(pub BTreeMap<String, Vec<String>>);

impl Allow {
    /// Whether this may be there. The name of a statement or a target is no identity: whoever adds one chooses it.
    pub(crate) fn allows(&self, address: Address, extra: &Extra) -> bool {
        let is_it = |what: &str| identities(extra).any(|own| own == what);
        self.0.get(address.0).into_iter().flatten().any(|entry| {
            entry.split_once(' ').is_some_and(|(kind, what)| kind == extra.kind.code && is_it(what.trim()))
        })
    }

    /// The entry that allows this, as the file has it under the address. `None`: nothing tells it from others.
    #[must_use]
    pub fn entry(extra: &Extra) -> Option<String> {
        identities(extra).next().map(|what| format!("{} {what}", extra.kind.code))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (address, entries) in &self.0 {
            if !extras::ADDRESSES.contains(&address.as_str()) {
                let known = extras::ADDRESSES.join(", ");
                problems.push(Problem::new(
                    format!("allow.{address}"),
                    format!("'{address}' is not an address of the plan with something to allow: use {known}"),
                ));
                continue;
            }
            for (index, entry) in entries.iter().enumerate() {
                let kind = entry.split_once(' ').map(|(kind, _)| kind);
                if !kind.is_some_and(|kind| extras::ALL.iter().any(|known| known.code == kind)) {
                    let known: Vec<_> = extras::ALL.iter().map(|kind| kind.code).collect();
                    problems.push(Problem::new(
                        format!("allow.{address}[{index}]"),
                        format!(
                            "'{entry}' is not a kind and a principal or ARN, as in 'statement 123456789012'; the kinds \
                             are {}",
                            known.join(", ")
                        ),
                    ));
                }
            }
        }
        problems
    }
}

/// What an extra can be allowed by.
fn identities(extra: &Extra) -> impl Iterator<Item = &String> {
    let is_chosen_by_others = [extras::STATEMENT, extras::TARGET].contains(&extra.kind);
    // What a statement applies to says nothing about who gains by it.
    let target = extra.target.as_ref().filter(|_| extra.kind != extras::STATEMENT);
    let name = Some(&extra.name).filter(|_| !is_chosen_by_others);
    let all = match &extra.known_as {
        Some(known_as) => [Some(known_as), None, None],
        None => [extra.principal.as_ref(), target, name],
    };
    all.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERMISSION: Address = Address("lambda_permission");

    fn allow(entry: &str) -> Allow {
        Allow([("lambda_permission".to_owned(), vec![entry.to_owned()])].into())
    }

    #[test]
    fn what_is_allowed_is_known_by_kind_and_principal_and_not_by_its_name() {
        let extra = Extra::new(extras::STATEMENT, "Ci").principal("arn:aws:iam::123456789012:role/ci");
        assert!(allow("statement arn:aws:iam::123456789012:role/ci").allows(PERMISSION, &extra));
        for other in ["statement Ci", "statement *", "target arn:aws:iam::123456789012:role/ci"] {
            assert!(!allow(other).allows(PERMISSION, &extra), "{other}");
        }
        assert!(!allow("statement arn:aws:iam::123456789012:role/ci").allows(Address("sns_topic"), &extra));
    }

    #[test]
    fn an_entry_that_allows_nothing_is_refused() {
        assert!(allow("statement 123456789012").problems().is_empty());
        assert_eq!(allow("statment 123456789012").problems().len(), 1);
        assert_eq!(allow("123456789012").problems().len(), 1);
        assert_eq!(Allow([("lambda".to_owned(), vec![])].into()).problems().len(), 1);
    }
}
