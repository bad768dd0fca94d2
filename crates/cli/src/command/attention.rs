//! What is left for a person after a run.

use jiff::Timestamp;
use keyminder_keyage::Settings;
use keyminder_reconcile::{Action, Address, Plan};
use keyminder_stack::{Installation, Names, Spec, SubscriptionState, SubscriptionStatus};
use serde::Serialize;

use crate::render;

/// Something that only a person can do, or should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Attention {
    /// A word for programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: String,
}

/// What is left after setup: addresses to be confirmed, or nobody to be told at all. `planned`: setup is yet to make
/// what the configuration names.
pub(crate) fn after_setup(
    installation: &Installation,
    subscriptions: &[SubscriptionStatus],
    planned: bool,
) -> Vec<Attention> {
    let sender = &installation.spec().topic.display_name;
    let mut attention = of_setup(subscriptions, sender, planned, Timestamp::now());
    attention.extend(of_settings(installation.spec()));
    attention
}

/// Settings that may go wrong or have no effect.
fn of_settings(spec: &Spec) -> impl Iterator<Item = Attention> {
    let warnings = spec.warnings().into_iter();
    warnings.map(|one| Attention { code: "setting", message: format!("{}: {}", one.path, one.message) })
}

/// What is left where a run made the function: a key that is old already is spoken of at its next reminder.
pub(crate) fn of_reminders(plan: &Plan, settings: &Settings) -> Option<Attention> {
    let made = plan.change(Address("lambda_function")).is_some_and(|change| change.action == Action::Create);
    (made && settings.repeat_days > 1).then(|| {
        let message = format!(
            "keys that are old already are spoken of within {} days, as each one's next reminder falls: keyminder test \
             tells of all of them now",
            settings.repeat_days
        );
        Attention { code: "reminders", message }
    })
}

/// What another build's code in the account claims to be, if the plan replaces it. `carried` is what this command's code
/// was compiled from.
pub(crate) fn of_code(plan: &Plan, carried: Option<&str>) -> Option<Attention> {
    let change = plan.change(Address("lambda_function")).filter(|change| change.action == Action::Update)?;
    let field = |name: &str| change.fields.iter().find(|field| field.path.is(&[name]));
    let installed_hash = field("code_sha256")?.before.as_str()?;
    let claimed = match field("code_source") {
        Some(field) => field.before.as_str(),
        None => carried,
    };
    let own = carried.unwrap_or("of unknown source");
    let keep = format!(
        "To keep the installed code, add \"{installed_hash}\" to trusted_code in [function] and use --keep-code. The \
         claim is a tag, which anyone who can change the code can usually change too"
    );
    let message = match claimed {
        Some(claimed) if Some(claimed) == carried => format!(
            "the installed code claims to be the same source as this command's ({claimed}), built elsewhere; setup \
             replaces it. If both builds are yours, give both the same checkers when you build them. {keep}"
        ),
        Some(claimed) => {
            format!(
                "the installed code claims to be {claimed}, and this command carries {own}; setup replaces it. {keep}"
            )
        }
        None => format!(
            "the installed code does not say what it was compiled from, and this command carries {own}; setup replaces it"
        ),
    };
    Some(Attention { code: "other_code", message })
}

/// What is left where a run made the rule use a queue, whose policy is its owner's.
pub(crate) fn of_queue(plan: &Plan, names: &Names) -> Option<Attention> {
    let target = plan.change(Address("events_target")).filter(|change| change.action != Action::None)?;
    let queue = target.fields.iter().find(|field| field.path.is(&["dead_letter_queue"]))?.after.as_str()?;
    let message = format!(
        "the policy of queue {queue} must allow events.amazonaws.com sqs:SendMessage where aws:SourceArn is {}",
        names.rule_arn()
    );
    Some(Attention { code: "queue_policy", message })
}

/// What a teardown that has yet to happen means for people: subscriptions that end, others' among them, and mails under
/// way that lead nowhere.
pub(crate) fn of_teardown(subscriptions: &[SubscriptionStatus]) -> Vec<Attention> {
    let pending = subscriptions.iter().filter(|one| one.state == SubscriptionState::Pending);
    let ends: Vec<String> = subscriptions
        .iter()
        .filter(|one| matches!(one.state, SubscriptionState::Confirmed | SubscriptionState::Pending))
        .map(|one| {
            let whose = if one.declared || one.managed { "" } else { " (not ours)" };
            format!("{} {}{whose}", one.protocol, one.endpoint)
        })
        .collect();
    let ends = (!ends.is_empty()).then(|| Attention {
        code: "subscriptions_end",
        message: format!("with the topic end its subscriptions: {}", ends.join(", ")),
    });
    let lapses = pending.map(|one| {
        let when =
            one.lapses_at.map_or_else(|| "within 48 hours".to_owned(), |at| format!("on {}", render::both_zones(at)));
        let message = match one.protocol.as_str() {
            "email" | "email-json" => {
                format!("{} never confirmed: the link in its mail will lead nowhere, and lapses {when}", one.endpoint)
            }
            _ => format!("{} never confirmed: what AWS sent it lapses {when}", one.endpoint),
        };
        Attention { code: "pending_lapses", message }
    });
    lapses.chain(ends).collect()
}

fn of_setup(subscriptions: &[SubscriptionStatus], sender: &str, planned: bool, now: Timestamp) -> Vec<Attention> {
    let there = |one: &SubscriptionStatus| match one.state {
        SubscriptionState::Confirmed | SubscriptionState::Pending => true,
        SubscriptionState::Gone | SubscriptionState::Missing => planned && one.declared,
    };
    if !subscriptions.iter().any(there) {
        let message =
            "nobody would be told: no subscription is there. Run keyminder setup --email you@example.com".to_owned();
        return vec![Attention { code: "nobody_told", message }];
    }
    let left = |one: &SubscriptionStatus| {
        one.lapses_at.map(|at| format!(" within {}", render::span(at.duration_since(now)))).unwrap_or_default()
    };
    let pending = subscriptions.iter().filter(|one| one.is_awaited());
    let (mails, others): (Vec<_>, Vec<_>) = pending.partition(|one| one.protocol.starts_with("email"));
    let mut attention = Vec::new();
    if let Some(first) = mails.iter().min_by_key(|one| one.lapses_at) {
        let who: Vec<_> = mails.iter().map(|one| one.endpoint.as_str()).collect();
        let sender = if sender.is_empty() { "AWS Notifications" } else { sender };
        let mail = if who.len() == 1 { "there is a mail" } else { "each has a mail" };
        let message = format!(
            "{} must confirm{}: {mail} from {sender} <no-reply@sns.amazonaws.com>. Rather than clicking its link, run \
             keyminder confirm 'LINK': then nobody can unsubscribe it with one click",
            who.join(", "),
            left(first)
        );
        attention.push(Attention { code: "unconfirmed", message });
    }
    attention.extend(others.into_iter().map(|one| {
        let message = format!("{} must confirm{}: AWS has sent it a SubscriptionConfirmation", one.endpoint, left(one));
        Attention { code: "unconfirmed", message }
    }));
    attention
}

#[cfg(test)]
mod tests {
    use keyminder_reconcile::{Change, FieldChange, Purpose};

    use super::*;

    fn subscription(state: SubscriptionState) -> SubscriptionStatus {
        SubscriptionStatus {
            protocol: "email".into(),
            endpoint: "ops@example.com".into(),
            state,
            lapses_at: None,
            safe_from_one_click_unsubscribing: None,
            filtered: false,
            declared: true,
            managed: true,
            wanted: true,
            arn: None,
        }
    }

    /// A plan that replaces code which claims to be `claimed`; the field is in the plan only if it differs.
    fn replacing(claimed: Option<Option<&str>>) -> Plan {
        let hash = FieldChange { path: "code_sha256".into(), before: "OTHER".into(), after: "OWN".into() };
        let source = claimed.map(|claimed| FieldChange {
            path: "code_source".into(),
            before: claimed.into(),
            after: "0.1.0 aaaa".into(),
        });
        let change = Change {
            address: Address("lambda_function"),
            name: String::new(),
            action: Action::Update,
            fields: [hash].into_iter().chain(source).collect(),
            extras: vec![],
            foreign: None,
            replace: false,
            part_of: None,
        };
        Plan { purpose: Purpose::Converge { adopt: false }, changes: vec![change] }
    }

    #[test]
    fn another_builds_code_is_explained_by_what_it_claims_and_the_claim_is_called_one() {
        let message = |claimed| of_code(&replacing(claimed), Some("0.1.0 aaaa")).unwrap().message;
        let same = message(None);
        assert!(same.contains("claims to be the same source") && same.contains("built elsewhere"), "{same}");
        assert!(same.contains("\"OTHER\"") && same.contains("--keep-code"), "{same}");
        let other = message(Some(Some("0.0.9 bbbb")));
        assert!(other.contains("claims to be 0.0.9 bbbb, and this command carries 0.1.0 aaaa"), "{other}");
        let none = message(Some(None));
        assert!(none.contains("does not say what it was compiled from"), "{none}");
    }

    #[test]
    fn an_install_that_tells_nobody_says_so() {
        assert_eq!(of_setup(&[], "keys", false, Timestamp::UNIX_EPOCH)[0].code, "nobody_told");
        assert_eq!(
            of_setup(&[subscription(SubscriptionState::Gone)], "keys", false, Timestamp::UNIX_EPOCH)[0].code,
            "nobody_told"
        );
    }

    #[test]
    fn a_plan_that_subscribes_somebody_does_not_say_that_nobody_would_be_told() {
        let missing = [subscription(SubscriptionState::Missing)];
        assert_eq!(of_setup(&missing, "keys", true, Timestamp::UNIX_EPOCH), []);
        assert_eq!(of_setup(&missing, "keys", false, Timestamp::UNIX_EPOCH)[0].code, "nobody_told");
    }

    #[test]
    fn several_addresses_are_reminded_in_one_sentence() {
        let all = [subscription(SubscriptionState::Pending), subscription(SubscriptionState::Pending)];
        let left = of_setup(&all, "keys", false, Timestamp::UNIX_EPOCH);
        assert_eq!(left.len(), 1);
        assert!(left[0].message.starts_with("ops@example.com, ops@example.com must confirm: each has a mail"));
    }

    #[test]
    fn only_what_is_pending_has_to_be_confirmed() {
        let all = [subscription(SubscriptionState::Pending), subscription(SubscriptionState::Confirmed)];
        let left = of_setup(&all, "keys", false, Timestamp::UNIX_EPOCH);
        assert_eq!(left.len(), 1);
        assert!(left[0].message.starts_with("ops@example.com must confirm:"));
    }
}
