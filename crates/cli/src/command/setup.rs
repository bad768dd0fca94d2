//! `keyminder setup`: observe, plan, show, confirm, converge, observe again, and say what is left for a person.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use keyminder_reconcile::{Address, Extra, Plan, Purpose};
use keyminder_stack::{Effects, Installation, Observation, SubscriptionState, SubscriptionStatus};

use super::foreign::Chosen;
use super::planning::{PATIENCE, conclude, confirm_plan, document, is_absent, look, refuse_foreign};
use super::refusals::{is_configured, refuse_nobody, refuse_unknown, unknown_settings};
use super::session::{Account, OpenInstallation, Session};
use super::{build, follow_ups, foreign, interview};
use crate::args::SetupArgs;
use crate::error::{Error, Exit};
use crate::follow_up::Topic;
use crate::render;

pub(crate) async fn run(session: &Session, args: SetupArgs) -> Result<Exit, Error> {
    let screen = &session.screen;
    let mut wish = session.config.wish(&args.spec)?;
    wish.spec.keep_code = args.keep_code;
    let may_ask = screen.can_ask() && !args.yes && !args.dry_run;
    let nobody_named = !wish.spec.notify.is_declared();
    let purpose = Purpose::Converge { adopt: wish.adopt };
    let (account, mut opened) = session.begin("setup", wish.spec).await?;
    let mut looked = look(session, &opened.installation.stack(), purpose).await?;
    if may_ask && nobody_named && session.config.path().is_none() && is_absent(&looked.1) {
        refuse_foreign(&looked.1)?;
        let spec = interview::ask(session, &account, opened.installation.spec().clone()).await?;
        opened = session.open(&account, spec).await?;
        looked = look(session, &opened.installation.stack(), purpose).await?;
    }
    let OpenInstallation { installation, .. } = &opened;
    let plan = &looked.1;
    let effects = installation.effects(&looked.0, plan);
    let decisions = installation.decisions(&looked.0);
    let shown = format!("\n{}", render::plan_with(&decisions, plan, screen.is_verbose(), screen.width()));
    if args.yes {
        screen.note(&shown)
    } else {
        screen.text(&shown)
    }
    build::remark(session, &account, &effects, wish.origin);
    let code = follow_ups::of_code(&effects, installation.spec().package.source());
    if args.keep_code && code.is_some() {
        return Err(Error::usage("CodeNotTrusted", "the installed code is not listed in function.trusted_code")
            .hint("to see its CodeSha256 and what it claims to be, run: keyminder plan")
            .hint("add that to trusted_code in [function], or leave out --keep-code to replace the code"));
    }
    let known: Vec<_> = follow_ups::of_version(&effects).into_iter().chain(code).collect();
    if !known.is_empty() {
        screen.note(&render::follow_ups(&known, screen.width()));
    }
    if !args.dry_run {
        refuse_foreign(plan)?;
    }
    let mut ending = Ending { applied: false, dry_run: args.dry_run, effects, wait: args.wait, removed: Vec::new() };
    let is_configured = args.defaults || is_configured(session, &args.spec);
    let unknown = unknown_settings(installation, &looked.0, plan, is_configured);
    if args.dry_run {
        super::plan::show_refusal(session, plan, unknown.as_ref());
        return finish(session, &account, installation, &looked, &ending).await;
    }
    let chosen = foreign::choose(session, plan, &args.remove_foreign, may_ask).await?;
    if plan.is_empty() && chosen.extras.is_empty() {
        return finish(session, &account, installation, &looked, &ending).await;
    }
    refuse_unknown(unknown.as_ref())?;
    account.must_be_proven()?;
    if args.yes && !args.no_recipients {
        refuse_nobody(&installation.subscriptions_in(&looked.0))?;
    }
    let done = apply(session, &opened, looked, &args, &chosen).await?;
    ending.applied = true;
    ending.removed = chosen.extras;
    finish(session, &account, installation, &done, &ending).await
}

/// Confirms the plan, carries it out and verifies it. Gives back what it found then, and the plan that was carried out.
async fn apply(
    session: &Session,
    opened: &OpenInstallation,
    looked: (Observation, Plan),
    args: &SetupArgs,
    chosen: &Chosen,
) -> Result<(Observation, Plan), Error> {
    let OpenInstallation { installation, progress } = opened;
    let purpose = looked.1.purpose;
    let stack = installation.stack();
    let is_confirmed = args.yes || looked.1.is_empty() && chosen.is_confirmed;
    let (mut seen, mut plan) = if is_confirmed {
        looked
    } else {
        confirm_plan(session, &stack, looked, |plan| question(plan, chosen), "setup").await?
    };
    session.reading(installation.preflight(&plan)).await?;
    session.screen.remark("");
    if !chosen.extras.is_empty() {
        (seen, plan) = foreign::remove(session, opened, &stack, chosen, &plan).await?;
        if plan.is_empty() {
            return Ok((seen, plan));
        }
        refuse_foreign(&plan)?;
    }
    let outcome = stack.apply(&seen, &plan, progress.as_ref(), session.interrupt.token()).await;
    conclude(outcome, "setup")?;
    let token = session.interrupt.token();
    let (found, after) = stack.verify(purpose, PATIENCE, token).await?;
    if after.is_empty() {
        return Ok((found, plan));
    }
    if token.is_cancelled() {
        let message = "Interrupted while verifying. All changes were made.";
        return Err(
            Error::stopped("Interrupted", message, Exit::Interrupted).hint("To verify them, run: keyminder plan")
        );
    }
    session.screen.text(&render::plan(&after, false, session.screen.width()));
    let different: Vec<_> =
        after.changes.iter().filter(|change| !change.fields.is_empty()).map(|c| c.address.0).collect();
    Err(Error::failed(
        "NotInSync",
        format!("all changes were made, but {} still differs from the configuration", different.join(", ")),
    )
    .hint("someone else may be changing the same resources; to look again, run: keyminder plan"))
}

fn question(plan: &Plan, chosen: &Chosen) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let counts = plan.summary();
    let things = counted(chosen.extras.len(), "thing that others added", "things that others added");
    let changes = counted(counts.create + counts.update, "change", "changes");
    match (plan.is_empty(), chosen.extras.is_empty()) {
        (true, _) => format!("Remove {things}?"),
        (false, true) => format!("Apply {changes}?"),
        (false, false) => format!("Remove {things} and apply {changes}?"),
    }
}

/// How a run of setup came to its end, and what is left to do.
struct Ending {
    applied: bool,
    dry_run: bool,
    effects: Effects,
    wait: Option<Duration>,
    /// What others had added.
    removed: Vec<(Address, Extra)>,
}

async fn finish(
    session: &Session,
    account: &Account,
    installation: &Installation,
    (seen, plan): &(Observation, Plan),
    ending: &Ending,
) -> Result<Exit, Error> {
    let screen = &session.screen;
    let Ending { applied, dry_run, .. } = *ending;
    let subscriptions = installation.subscriptions_in(seen);
    let mut left = follow_ups::after_setup(installation, &subscriptions, !applied && !plan.is_empty());
    left.extend(follow_ups::of_owners(installation, &session.email_obstacles(installation).await?));
    if applied {
        let (settings, names) = (&installation.spec().check, installation.names());
        left.extend(follow_ups::of_effects(&ending.effects, settings, names));
    }
    let now = installation.stack().plan(seen, plan.purpose);
    left.extend(follow_ups::of_concerns(&now));
    left.extend(follow_ups::of_not_checked(&now));
    if dry_run {
        screen.note("Dry run: nothing was changed.");
    } else if applied {
        let console = account.clients.endpoints().is_none().then(|| installation.names().console_url());
        screen.note(&format!("\n{}", render::in_sync(console.as_deref())));
    }
    if !left.is_empty() {
        screen.note(&match applied {
            true => render::next_steps(&left, screen.width()),
            false => render::follow_ups(&left, screen.width()),
        });
    }
    // While waiting, people have to know what to do with the email.
    let mut exit = Exit::Done;
    if let (Some(patience), false) = (ending.wait, dry_run) {
        exit = wait_for_confirmations(session, installation, patience).await?;
        left.retain(|one| ![Topic::Unconfirmed, Topic::NobodyTold].contains(&one.code));
        // Not to be interrupted: everything was done, and this is what is left to say.
        let subscriptions = installation.subscriptions().await?;
        left.extend(follow_ups::after_setup(installation, &subscriptions, false));
    }
    if screen.is_json() {
        let document = document("setup", session.place(account, installation), plan, applied, &left);
        screen.document(&document.beside(&now, &ending.removed))?;
    }
    Ok(exit)
}

/// How often SNS is asked whether somebody confirmed.
const CONFIRMATION_POLL: Duration = Duration::from_secs(3);

async fn wait_for_confirmations(
    session: &Session,
    installation: &Installation,
    patience: Duration,
) -> Result<Exit, Error> {
    let screen = &session.screen;
    let start = Instant::now();
    let mut waiting_for = String::new();
    let bar = screen.spinner("");
    loop {
        let subscriptions = match session.reading(installation.subscriptions()).await {
            Ok(subscriptions) => subscriptions,
            Err(error) if error.exit == Exit::Interrupted => return Ok(left_early(session, &bar, &waiting_for)),
            Err(error) => return Err(error),
        };
        let pending = pending(&subscriptions);
        if pending.is_empty() {
            bar.finish_and_clear();
            let lost: Vec<_> = subscriptions
                .iter()
                .filter(|one| one.wanted && one.state != SubscriptionState::Confirmed)
                .map(|one| one.endpoint.as_str())
                .collect();
            if !lost.is_empty() {
                return Err(Error::failed("NotConfirmed", format!("no longer subscribed: {}", lost.join(", ")))
                    .hint("someone unsubscribed or removed them; to subscribe them again, run: keyminder setup"));
            }
            if !waiting_for.is_empty() {
                screen.remark(&confirmed(&subscriptions));
            }
            return Ok(Exit::Done);
        }
        let left = patience.saturating_sub(start.elapsed());
        if pending != waiting_for {
            // The first calls took a moment already.
            let up_to = if waiting_for.is_empty() { patience } else { left };
            screen.remark(&format!(
                "\nWaiting up to {} for {pending} to confirm. It is safe to press Ctrl-C; the installation is complete.",
                render::patience(up_to)
            ));
            bar.set_message(format!("waiting for {pending}"));
            waiting_for = pending;
        }
        if left.is_zero() {
            bar.finish_and_clear();
            return Err(Error::failed("NotConfirmed", format!("not confirmed in time: {waiting_for}"))
                .hint("the installation is complete; to have the email sent again, run: keyminder confirm --resend"));
        }
        tokio::select! {
            () = tokio::time::sleep(CONFIRMATION_POLL.min(left)) => {}
            () = session.interrupt.asked() => return Ok(left_early(session, &bar, &waiting_for)),
        }
    }
}

/// Says where things stand when the user stops waiting.
fn left_early(session: &Session, bar: &ProgressBar, waiting_for: &str) -> Exit {
    bar.finish_and_clear();
    session.screen.remark(&format!(
        "Stopped waiting. The installation is complete; not confirmed yet: {}.",
        if waiting_for.is_empty() { "unknown" } else { waiting_for }
    ));
    Exit::Interrupted
}

/// Everyone has confirmed; and some by a click, which another click undoes.
fn confirmed(subscriptions: &[SubscriptionStatus]) -> String {
    let unsafe_ones = subscriptions.iter().filter(|one| {
        one.protocol.starts_with("email") && one.declared && one.safe_from_one_click_unsubscribing == Some(false)
    });
    let unsafe_ones: Vec<_> = unsafe_ones.map(|one| one.endpoint.as_str()).collect();
    let mut text = format!("{} Everyone has confirmed.", render::good("✓"));
    if !unsafe_ones.is_empty() {
        text.push_str(&format!(
            " {} confirmed by opening the link, so one click in a forwarded notice can cancel the subscription.",
            unsafe_ones.join(", ")
        ));
    }
    text
}

/// Those who have yet to confirm.
fn pending(subscriptions: &[SubscriptionStatus]) -> String {
    let pending = subscriptions.iter().filter(|one| one.is_awaited());
    pending.map(|one| one.endpoint.as_str()).collect::<Vec<_>>().join(", ")
}
