//! What `setup`, `plan` and `teardown` share: observing, asking, and saying how a run ended.

use std::time::Duration;

use keyminder_reconcile::{Action, Outcome, Plan, Purpose};
use keyminder_stack::{Error as StackError, Kind, Observation, Stack};

use super::ask;
use super::session::Session;
use crate::error::{Error, Exit};
use crate::follow_up::FollowUp;
use crate::render::{self, Place, RunDocument};

/// How long reads may lag behind writes before that counts as a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Observes everything and works out what would change.
///
/// # Errors
/// The first that AWS answers, and `Interrupted`.
pub(crate) async fn look(session: &Session, stack: &Stack<'_>, purpose: Purpose) -> Result<(Observation, Plan), Error> {
    let seen = session.reading(stack.observe()).await?;
    let plan = stack.plan(&seen, purpose);
    Ok((seen, plan))
}

/// Whether nothing of the installation exists: everything would be created, or is part of something that would be (a
/// set that should be empty is nothing to create).
pub(crate) fn is_absent(plan: &Plan) -> bool {
    plan.changes.iter().all(|change| change.action == Action::Create || change.part_of.is_some())
}

/// Refuses a plan if something that keyminder did not create has a name that it needs.
///
/// # Errors
/// `NotOurs`.
pub(crate) fn refuse_foreign(plan: &Plan) -> Result<(), Error> {
    let refused = plan.refused();
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::failed("NotOurs", render::refused(&refused))
        .hint("if it was set up by hand with the original procedure, adopt it: keyminder setup --adopt")
        .hint("otherwise choose a different installation name: keyminder setup --name another"))
}

/// Asks whether to go on, and refuses if it cannot ask.
///
/// # Errors
/// `NoConfirmation` without a terminal, `Declined`, `Interrupted`.
pub(crate) async fn confirm(session: &Session, question: &str, word: &'static str) -> Result<(), Error> {
    if !session.screen.can_ask() {
        let why = match session.screen.is_json() {
            true => "results are JSON",
            false => "standard input or standard error is not a terminal",
        };
        return Err(Error::usage("NoConfirmation", format!("cannot ask for confirmation: {why}"))
            .hint(format!("check the plan first, then run: keyminder {word} --yes")));
    }
    if ask::yes(session, question, false).await? {
        Ok(())
    } else {
        Err(Error::stopped("Declined", "Cancelled. Nothing was changed in the account.", Exit::Failed))
    }
}

/// Asks until the plan that was shown is the plan that still holds: people take their time to answer.
///
/// # Errors
/// As [`confirm`] and [`look`].
pub(crate) async fn confirm_plan(
    session: &Session,
    stack: &Stack<'_>,
    looked: (Observation, Plan),
    question: impl Fn(&Plan) -> String,
    word: &'static str,
) -> Result<(Observation, Plan), Error> {
    let (_, mut plan) = looked;
    loop {
        let screen = &session.screen;
        if screen.can_ask() && !screen.shows_results() {
            // No one confirms what they cannot see.
            screen.aside(&render::plan(&plan, screen.is_verbose(), screen.width()));
        }
        confirm(session, &question(&plan), word).await?;
        let (seen, now) = look(session, stack, plan.purpose).await?;
        if now == plan || now.is_empty() {
            return Ok((seen, now));
        }
        plan = now;
        session.screen.text("\nThe account changed in the meantime. The new plan:\n");
        session.screen.text(&render::plan(&plan, session.screen.is_verbose(), session.screen.width()));
        refuse_foreign(&plan)?;
    }
}

/// The error of a run that did not come to its end, with what was done and what was not.
///
/// # Errors
/// Always, unless the outcome is complete.
pub(crate) fn conclude(outcome: Outcome<StackError>, command: &str) -> Result<(), Error> {
    if outcome.is_complete() {
        return Ok(());
    }
    let rest = render::unfinished(&outcome);
    let again = format!("run keyminder {command} again; it continues from here");
    let interrupted = outcome.interrupted;
    let count = (outcome.done.len(), outcome.done.len() + outcome.failed.len() + outcome.not_begun.len());
    // What was waiting when the user stopped did not fail.
    let mut failed = outcome.failed.into_iter().filter(|failed| failed.error.kind != Kind::Interrupted);
    let Some(first) = failed.next() else {
        let message = format!("Interrupted. {} of {} changes were made; {rest}.", count.0, count.1);
        return Err(Error::stopped("Interrupted", message, Exit::Interrupted)
            .hint(format!("To continue, run: keyminder {command}")));
    };
    let others: Vec<_> = failed.map(|failed| format!("also failed: {}", failed.error)).collect();
    // AWS would refuse the same request again.
    let again = match first.error.kind {
        Kind::Invalid | Kind::Usage | Kind::AccessDenied | Kind::Credentials | Kind::ClockSkew | Kind::Quota => {
            format!("once that is fixed, run keyminder {command} again; it continues from here")
        }
        _ => again,
    };
    let mut error = Error::from(first.error);
    error.message = format!("{}; {rest}", error.message);
    error.hints.extend(others);
    if interrupted {
        error.exit = Exit::Interrupted;
    }
    if !error.hints.iter().any(|hint| hint.contains("again")) {
        error.hints.push(again);
    }
    Err(error)
}

/// The one JSON document of a run.
pub(crate) fn document<'a>(
    command: &'static str,
    place: Place<'a>,
    plan: &'a Plan,
    applied: bool,
    follow_ups: &'a [FollowUp],
) -> RunDocument<'a> {
    RunDocument::new(command, place, plan, applied, follow_ups)
}
