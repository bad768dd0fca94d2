//! What `setup` refuses although AWS would do it, because it would undo what somebody wanted. `plan` says so in advance.

use keyminder_reconcile::Plan;
use keyminder_stack::{Installation, Observation, SubscriptionState, SubscriptionStatus, UnknownSettings};

use super::session::Session;
use crate::args::SpecArgs;
use crate::error::Error;

/// Whether a file, a flag or a variable says what the installation should be like.
pub(crate) fn is_configured(session: &Session, args: &SpecArgs) -> bool {
    session.config.path().is_some() || !args.given.is_empty()
}

/// What setup would reset although somebody may have chosen it, if nothing says what the installation should be like.
pub(crate) fn unknown_settings(
    installation: &Installation,
    seen: &Observation,
    plan: &Plan,
    is_configured: bool,
) -> Option<UnknownSettings> {
    if is_configured { None } else { installation.unknown_settings(seen, plan) }
}

/// Refuses to reset settings that somebody may have chosen elsewhere.
///
/// # Errors
/// `UnknownSettings`.
pub(crate) fn refuse_unknown(settings: Option<&UnknownSettings>) -> Result<(), Error> {
    let message = match settings {
        None => return Ok(()),
        Some(UnknownSettings::Deleted) => {
            "the function was deleted, and its settings with it; nothing here says what they were".to_owned()
        }
        Some(UnknownSettings::Different(fields)) => {
            let fields: Vec<_> = fields.iter().map(|(address, path)| format!("{address}.{path}")).collect();
            let which = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
            format!("the installation has settings that are not the defaults, and nothing here configures them{which}")
        }
    };
    Err(Error::usage("UnknownSettings", message)
        .hint("to use the configuration file that it was installed with, add: --config FILE")
        .hint("to reset these settings to the defaults, add: --defaults"))
}

/// Refuses to install something that would notify no one, now or once somebody confirms.
///
/// # Errors
/// `NoRecipients`.
pub(crate) fn refuse_nobody(subscriptions: &[SubscriptionStatus]) -> Result<(), Error> {
    if subscriptions.iter().any(|one| one.declared || one.state != SubscriptionState::Gone) {
        return Ok(());
    }
    Err(Error::usage("NoRecipients", "no one would be notified: there are no subscriptions, and none are configured")
        .hint("add one with: --email you@example.com")
        .hint("to install without recipients anyway, add: --no-recipients"))
}
