//! What is left for a person after a run, worked out from what was found.

use jiff::Timestamp;
use keyminder_keyage::Settings;
use keyminder_reconcile::Plan;
use keyminder_stack::{Effects, EmailObstacle, Installation, Names, Spec, SubscriptionState, SubscriptionStatus};

use crate::follow_up::{FollowUp, Topic};
use crate::render;

/// What is left after setup: addresses that have yet to confirm, or no recipients at all. `planned`: setup has yet to
/// subscribe those in the configuration.
pub(crate) fn after_setup(
    installation: &Installation,
    subscriptions: &[SubscriptionStatus],
    planned: bool,
) -> Vec<FollowUp> {
    let sender = &installation.spec().topic.display_name;
    let mut left = of_setup(subscriptions, sender, planned, Timestamp::now());
    left.extend(of_settings(installation.spec()));
    left
}

/// What others added, to be removed or allowed.
pub(crate) fn of_concerns(plan: &Plan) -> impl Iterator<Item = FollowUp> {
    let concerns = plan.concerns().into_iter();
    concerns.map(|(address, extra)| {
        let (what, allow) = (render::concern(address, extra), render::allowing(address, extra));
        match render::removing(address, extra) {
            Some(command) => {
                let lead = format!("{what}. To remove it, run");
                FollowUp::run(Topic::AddedByOthers, lead, command).and(&format!("{allow}."))
            }
            None => FollowUp::new(Topic::AddedByOthers, format!("{what}. {allow}.")),
        }
    })
}

/// What could not be looked at.
pub(crate) fn of_not_checked(plan: &Plan) -> Option<FollowUp> {
    let message = render::not_checked(plan)?;
    Some(FollowUp::new(Topic::NotChecked, message))
}

/// Settings that may go wrong or have no effect.
fn of_settings(spec: &Spec) -> impl Iterator<Item = FollowUp> {
    let warnings = spec.warnings().into_iter();
    warnings.map(|one| FollowUp::new(Topic::Setting, format!("{}: {}", one.path, one.message)))
}

/// What is left after a run that had these effects.
pub(crate) fn of_effects(effects: &Effects, settings: &Settings, names: &Names) -> Vec<FollowUp> {
    let queue = effects.new_queue.as_ref().map(|queue| {
        FollowUp::new(
            Topic::QueuePolicy,
            format!(
                "The policy of the queue {queue} must allow events.amazonaws.com to call sqs:SendMessage if \
                 aws:SourceArn is {}.",
                names.rule_arn()
            ),
        )
    });
    // A scheduled run reports a key that is already old at its next reminder.
    let reminders = (effects.creates_function && settings.repeat_days > 1).then(|| {
        let lead = format!(
            "Keys that are already old will be reported within {} days, when their next reminder is due. To report \
             them all now, run",
            settings.repeat_days
        );
        FollowUp::run(Topic::Reminders, lead, "keyminder test")
    });
    let verify = effects
        .creates_function
        .then(|| FollowUp::run(Topic::Verify, "To check at any time that the notifier works, run", "keyminder status"));
    queue.into_iter().chain(reminders).chain(verify).collect()
}

/// What keeps owners from being emailed.
pub(crate) fn of_owners(installation: &Installation, obstacles: &[EmailObstacle]) -> Vec<FollowUp> {
    let of = |obstacle: &EmailObstacle| {
        let why = installation.why_not(obstacle);
        let message = match obstacle {
            EmailObstacle::NoIdentity | EmailObstacle::NotVerified(_) => {
                format!("Owners of keys cannot be emailed: {why}. Verify it in SES.")
            }
            EmailObstacle::DefaultConfigurationSet { set, .. } => {
                format!("Owners of keys cannot be emailed: {why}. Set configuration_set = \"{set}\" in [owners].")
            }
            EmailObstacle::Sandbox(_) => format!(
                "Not every owner can be emailed: {why}. Verify them, or request production access for SES in that region."
            ),
            EmailObstacle::Paused => format!("Owners of keys cannot be emailed: {why}."),
            EmailObstacle::Unknown(_) => format!("It is not known whether owners of keys can be emailed: {why}."),
        };
        FollowUp::new(Topic::OwnerEmails, message)
    };
    obstacles.iter().map(of).collect()
}

/// That a setup brings an installation of an older version up to date.
pub(crate) fn of_version(effects: &Effects) -> Option<FollowUp> {
    effects.upgrades.then(|| {
        FollowUp::new(
            Topic::OlderVersion,
            "An older version of keyminder set up this installation; setup brings it up to date.",
        )
    })
}

/// What another build's code in the account claims to be, if a setup replaces it. `carried` is what this command's code
/// was compiled from.
pub(crate) fn of_code(effects: &Effects, carried: Option<&str>) -> Option<FollowUp> {
    let installed = effects.replaced_code.as_ref()?;
    let own = carried.unwrap_or("code of unknown source");
    let keep = format!(
        "To keep the installed code, add \"{}\" to trusted_code in [function] and use --keep-code.",
        installed.code_sha256
    );
    let claim = "The claim is a tag, which anyone who can change the code can usually change too.";
    let message = match installed.claims.as_deref() {
        _ if installed.is_unread => "The installed package could not be downloaded, so it is not known whether its \
                                     code differs or only the settings in it; setup replaces both."
            .to_owned(),
        Some(claimed) if Some(claimed) == carried => format!(
            "The installed code claims to be the same source as this command's ({claimed}), built elsewhere; setup \
             replaces it. If both builds are yours, give both the same checkers when you build them. {keep} {claim}"
        ),
        Some(claimed) => format!(
            "The installed code claims to be {claimed}, and this command carries {own}; setup replaces it. {keep} \
             {claim}"
        ),
        None => format!(
            "The installed code does not say what it was compiled from, and this command carries {own}; setup replaces \
             it. {keep}"
        ),
    };
    Some(FollowUp::new(Topic::OtherCode, message))
}

/// What a teardown that has yet to happen means for people: subscriptions that end, including those of others, and
/// confirmation links that stop working.
pub(crate) fn of_teardown(subscriptions: &[SubscriptionStatus]) -> Vec<FollowUp> {
    let pending = subscriptions.iter().filter(|one| one.state == SubscriptionState::Pending);
    let ends: Vec<String> = subscriptions
        .iter()
        .filter(|one| matches!(one.state, SubscriptionState::Confirmed | SubscriptionState::Pending))
        .map(|one| {
            let whose = if one.declared || one.managed { "" } else { " (not created by keyminder)" };
            format!("{} {}{whose}", one.protocol, one.endpoint)
        })
        .collect();
    let ends = (!ends.is_empty()).then(|| {
        let message = format!("Deleting the topic also removes its subscriptions: {}", ends.join(", "));
        FollowUp::new(Topic::SubscriptionsEnd, message)
    });
    let lapses = pending.map(|one| {
        let what =
            if is_email(one) { "the link in its confirmation email" } else { "the confirmation that AWS sent it" };
        let message = format!("{} was never confirmed; {what} will stop working.", one.endpoint);
        FollowUp::new(Topic::PendingLapses, message)
    });
    lapses.chain(ends).collect()
}

fn is_email(one: &SubscriptionStatus) -> bool {
    one.protocol.starts_with("email")
}

fn of_setup(subscriptions: &[SubscriptionStatus], sender: &str, planned: bool, now: Timestamp) -> Vec<FollowUp> {
    let will_exist = |one: &SubscriptionStatus| match one.state {
        SubscriptionState::Confirmed | SubscriptionState::Pending => true,
        SubscriptionState::Gone | SubscriptionState::Missing => planned && one.declared,
    };
    if !subscriptions.iter().any(will_exist) {
        let lead = "No one will be notified: there are no subscriptions. To add one, run";
        let add = FollowUp::run(Topic::NobodyTold, lead, "keyminder setup --email you@example.com");
        return vec![if planned {
            add.and("setup --yes refuses to install without recipients, unless you add --no-recipients.")
        } else {
            add
        }];
    }
    let left = |one: &SubscriptionStatus| {
        one.lapses_at.map(|at| format!(" ({} left)", render::span(at.duration_since(now)))).unwrap_or_default()
    };
    let pending = subscriptions.iter().filter(|one| one.is_awaited());
    let (mails, others): (Vec<_>, Vec<_>) = pending.partition(|one| is_email(one));
    let mut follow_ups = Vec::new();
    if let Some(first) = mails.iter().min_by_key(|one| one.lapses_at) {
        let who: Vec<_> = mails.iter().map(|one| one.endpoint.as_str()).collect();
        let sender = if sender.is_empty() { "AWS Notifications" } else { sender };
        let (have, email) = match who.len() {
            1 => ("has", "Open the email"),
            _ => ("have", "In each mailbox, open the email"),
        };
        let lead = format!(
            "{} {have} not confirmed yet{}. {email} from {sender} <no-reply@sns.amazonaws.com>, copy the link without \
             clicking it, and run",
            who.join(", "),
            left(first)
        );
        let confirm = FollowUp::run(Topic::Unconfirmed, lead, "keyminder confirm 'LINK'");
        follow_ups.push(
            confirm.and("A subscription confirmed this way cannot be cancelled by the unsubscribe link in a notice."),
        );
    }
    follow_ups.extend(others.into_iter().map(|one| {
        let message =
            format!("{} has not confirmed yet{}: AWS sent it a SubscriptionConfirmation.", one.endpoint, left(one));
        FollowUp::new(Topic::Unconfirmed, message)
    }));
    follow_ups
}

#[cfg(test)]
mod tests {
    use keyminder_stack::InstalledCode;

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
            vouched_for: true,
            arn: None,
        }
    }

    #[test]
    fn another_builds_code_is_explained_by_what_it_claims_and_the_claim_is_called_one() {
        let message = |claims: Option<&str>| {
            let code =
                InstalledCode { code_sha256: "OTHER".to_owned(), claims: claims.map(str::to_owned), is_unread: false };
            let effects = Effects { replaced_code: Some(code), ..Effects::default() };
            of_code(&effects, Some("0.1.0 aaaa")).unwrap().message
        };
        let same = message(Some("0.1.0 aaaa"));
        assert!(same.contains("claims to be the same source") && same.contains("built elsewhere"), "{same}");
        assert!(same.contains("\"OTHER\"") && same.contains("--keep-code"), "{same}");
        let other = message(Some("0.0.9 bbbb"));
        assert!(other.contains("claims to be 0.0.9 bbbb, and this command carries 0.1.0 aaaa"), "{other}");
        let none = message(None);
        assert!(none.contains("does not say what it was compiled from"), "{none}");
    }

    #[test]
    fn an_installation_without_recipients_says_so() {
        assert_eq!(of_setup(&[], "keys", false, Timestamp::UNIX_EPOCH)[0].code, Topic::NobodyTold);
        let gone = [subscription(SubscriptionState::Gone)];
        assert_eq!(of_setup(&gone, "keys", false, Timestamp::UNIX_EPOCH)[0].code, Topic::NobodyTold);
    }

    #[test]
    fn a_plan_that_subscribes_somebody_does_not_say_that_no_one_will_be_notified() {
        let missing = [subscription(SubscriptionState::Missing)];
        assert_eq!(of_setup(&missing, "keys", true, Timestamp::UNIX_EPOCH), []);
        assert_eq!(of_setup(&missing, "keys", false, Timestamp::UNIX_EPOCH)[0].code, Topic::NobodyTold);
    }

    #[test]
    fn several_addresses_are_reminded_in_one_sentence() {
        let all = [subscription(SubscriptionState::Pending), subscription(SubscriptionState::Pending)];
        let left = of_setup(&all, "keys", false, Timestamp::UNIX_EPOCH);
        assert_eq!(left.len(), 1);
        assert!(
            left[0].message.starts_with("ops@example.com, ops@example.com have not confirmed yet. In each mailbox")
        );
    }

    #[test]
    fn only_what_is_pending_has_to_be_confirmed() {
        let all = [subscription(SubscriptionState::Pending), subscription(SubscriptionState::Confirmed)];
        let left = of_setup(&all, "keys", false, Timestamp::UNIX_EPOCH);
        assert_eq!(left.len(), 1);
        assert!(left[0].message.starts_with("ops@example.com has not confirmed yet"), "{left:?}");
        assert_eq!(left[0].command.as_deref(), Some("keyminder confirm 'LINK'"));
    }
}
