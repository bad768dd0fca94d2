//! What `setup` refuses although AWS would do it, because it would undo what somebody wanted. `plan` says so in advance.

use keyminder_reconcile::{Action, Address, Plan};
use keyminder_stack::{SubscriptionState, SubscriptionStatus};

use super::session::Session;
use crate::args::SpecArgs;
use crate::error::Error;

/// Whether a file, a flag or a variable says what the installation should be like.
pub(crate) fn is_configured(session: &Session, args: &SpecArgs) -> bool {
    session.config.path().is_some() || !args.given.is_empty()
}

/// Refuses to reset settings that somebody chose elsewhere. With neither a file nor flags, only the record of the
/// settings that keyminder last wrote says what was wanted: the defaults, in which case every difference is drift, or
/// something that is not known here. Without a record (an older version made the function, or somebody removed the tag)
/// any setting that differs may have been chosen.
///
/// # Errors
/// `UnknownSettings`.
pub(crate) fn refuse_unknown(plan: &Plan) -> Result<(), Error> {
    let of = |address: &'static str| plan.change(Address(address)).filter(|one| one.foreign.is_none());
    let Some(function) = of("lambda_function") else { return Ok(()) };
    // A rule that still has the function as its target outlived a function that was set up completely.
    let was_deleted =
        function.action == Action::Create && of("events_target").is_some_and(|target| target.action != Action::Create);
    if was_deleted {
        return Err(unknown("the function was deleted, and its settings with it; nothing here says what they were"));
    }
    if function.action != Action::Update {
        return Ok(());
    }
    let Some(record) = function.fields.iter().find(|field| field.path.is(&["tags", "keyminder:settings"])) else {
        return Ok(());
    };
    let known = [
        ("lambda_function", ["environment", "timeout_seconds", "memory_mb"].as_slice()),
        ("events_rule", &["schedule"]),
        ("events_target", &["dead_letter_queue"]),
        ("lambda_log_group", &["retention_days"]),
        ("sns_topic", &["display_name", "kms_key"]),
        ("iam_role", &["permissions_boundary"]),
    ];
    let of = |(address, settings): (&'static str, &'static [&'static str])| {
        let fields = plan.change(Address(address)).map(|change| change.fields.as_slice()).unwrap_or_default();
        let chosen =
            fields.iter().filter(move |field| settings.iter().any(|setting| field.path.starts_with(&[setting])));
        chosen.map(move |field| format!("{address}.{}", field.path))
    };
    let different: Vec<String> = known.into_iter().flat_map(of).collect();
    if record.before.is_null() && different.is_empty() {
        return Ok(());
    }
    let which = if different.is_empty() { String::new() } else { format!(": {}", different.join(", ")) };
    Err(unknown(&format!(
        "the installation has settings that are not the defaults, and nothing here configures them{which}"
    )))
}

fn unknown(message: &str) -> Error {
    Error::usage("UnknownSettings", message)
        .hint("to use the configuration file that it was installed with, add: --config FILE")
        .hint("to reset these settings to the defaults, add: --defaults")
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
