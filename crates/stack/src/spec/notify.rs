//! `[notify]`: who is notified.

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::subscription::Subscription;

/// The recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// Email addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<String>>,
    /// Subscriptions of any protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<Vec<Subscription>>,
}

impl Notify {
    /// These email addresses and nobody else.
    pub fn emails<T: Into<String>>(addresses: impl IntoIterator<Item = T>) -> Self {
        Self { emails: Some(addresses.into_iter().map(Into::into).collect()), subscriptions: None }
    }

    /// Who is to be subscribed. `None` if neither list is given: existing subscriptions then stay as they are.
    #[must_use]
    pub fn recipients(&self) -> Option<Vec<Subscription>> {
        if !self.is_declared() {
            return None;
        }
        let emails = self.emails.iter().flatten().map(Subscription::email);
        let mut recipients: Vec<Subscription> = Vec::new();
        for one in emails.chain(self.subscriptions.iter().flatten().cloned()) {
            if !recipients.iter().any(|known| known.is_same_endpoint(&one)) {
                recipients.push(one);
            }
        }
        Some(recipients)
    }

    /// Whether recipients are declared at all, if only as an empty list.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.emails.is_some() || self.subscriptions.is_some()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        self.each(Subscription::problems)
    }

    /// What may go wrong, though it need not.
    pub(super) fn warnings(&self) -> Vec<Problem> {
        self.each(Subscription::warnings)
    }

    /// What is said about each recipient, with the path of that recipient.
    fn each(&self, say: impl Fn(&Subscription) -> Vec<String>) -> Vec<Problem> {
        let emails = self.emails.iter().flatten().map(Subscription::email).enumerate();
        let emails = emails.map(|(index, one)| (format!("notify.emails[{index}]"), one));
        let others = self.subscriptions.iter().flatten().cloned().enumerate();
        let others = others.map(|(index, one)| (format!("notify.subscriptions[{index}]"), one));
        let all = emails.chain(others);
        all.flat_map(|(path, one)| say(&one).into_iter().map(move |message| Problem::new(path.clone(), message)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_endpoint_is_subscribed_once_and_the_first_mention_counts() {
        let notify = Notify {
            subscriptions: Some(vec![Subscription::email("b@example.com"), Subscription::email("c@example.com")]),
            ..Notify::emails(["a@example.com", "b@example.com"])
        };
        let endpoints: Vec<_> = notify.recipients().unwrap().into_iter().map(|one| one.endpoint).collect();
        assert_eq!(endpoints, ["a@example.com", "b@example.com", "c@example.com"]);
    }
}
