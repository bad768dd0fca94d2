//! `keyminder setup`: observe, plan, show, confirm, converge, observe again, and say what is left for a person.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use keyminder_reconcile::{Plan, Purpose};
use keyminder_stack::{Installation, Observation, SubscriptionState, SubscriptionStatus};

use super::run::{PATIENCE, conclude, confirm_plan, document, is_absent, look, refuse_foreign};
use super::session::{Account, Opened, Session};
use super::{attention, build, interview};
use crate::args::SetupArgs;
use crate::error::{Error, Exit};
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
    let Opened { installation, .. } = &opened;
    let plan = &looked.1;
    if !(screen.is_json()) {
        screen.text(&format!("\n{}", render::plan(plan, screen.is_verbose(), screen.width())));
    }
    build::remark(session, &account, plan, wish.origin);
    let code = attention::of_code(plan, installation.spec().package.source());
    if args.keep_code && code.is_some() {
        return Err(Error::usage("CodeNotTrusted", "the installed code is not listed in function.trusted_code")
            .hint("keyminder plan shows its CodeSha256 and what it claims to be")
            .hint("add that to trusted_code in [function], or leave out --keep-code to replace the code"));
    }
    if let Some(code) = &code
        && !screen.is_json()
    {
        screen.text(&render::attention(std::slice::from_ref(code), screen.width()));
    }
    if !args.dry_run {
        refuse_foreign(plan)?;
    }
    if args.dry_run || plan.is_empty() {
        return finish(session, &account, installation, &looked, false, args.dry_run, args.wait).await;
    }
    if args.yes && !args.no_recipients {
        refuse_nobody(&installation.subscriptions_in(&looked.0))?;
    }
    let done = apply(session, &opened, looked, &args).await?;
    finish(session, &account, installation, &done, true, false, args.wait).await
}

/// Refuses to install something that would notify no one, now or once somebody confirms.
fn refuse_nobody(subscriptions: &[SubscriptionStatus]) -> Result<(), Error> {
    if subscriptions.iter().any(|one| one.declared || one.state != SubscriptionState::Gone) {
        return Ok(());
    }
    Err(Error::usage("NoRecipients", "no one would be notified: there are no subscriptions, and none are configured")
        .hint("add one with: --email you@example.com")
        .hint("to install without recipients anyway, add: --no-recipients"))
}

/// Confirms the plan, carries it out and looks again. Gives back that look, and the plan that was carried out.
async fn apply(
    session: &Session,
    opened: &Opened,
    looked: (Observation, Plan),
    args: &SetupArgs,
) -> Result<(Observation, Plan), Error> {
    let Opened { installation, progress } = opened;
    let purpose = looked.1.purpose;
    let stack = installation.stack();
    let (seen, plan) = if args.yes {
        looked
    } else {
        let question = |plan: &Plan| {
            let counts = plan.summary();
            match counts.create + counts.update {
                1 => "Make 1 change?".to_owned(),
                n => format!("Make {n} changes?"),
            }
        };
        confirm_plan(session, &stack, looked, question, "setup").await?
    };
    session.reading(installation.preflight(&plan)).await?;
    session.screen.remark("");
    let outcome = stack.apply(&seen, &plan, progress.as_ref(), session.interrupt.token()).await;
    conclude(outcome, "setup")?;
    let token = session.interrupt.token();
    let (found, after) = stack.verify(purpose, PATIENCE, token).await?;
    if after.is_empty() {
        return Ok((found, plan));
    }
    if token.is_cancelled() {
        let message = "interrupted while looking again; everything was done";
        return Err(Error::new("Interrupted", message, Exit::Interrupted).hint("keyminder plan looks again"));
    }
    session.screen.text(&render::plan(&after, false, session.screen.width()));
    let different: Vec<_> =
        after.changes.iter().filter(|change| !change.fields.is_empty()).map(|c| c.address.0).collect();
    Err(Error::failed(
        "NotInSync",
        format!("everything was done, but {} still differs from what was asked for", different.join(", ")),
    )
    .hint("somebody else may be changing the same objects; run keyminder plan to look again"))
}

async fn finish(
    session: &Session,
    account: &Account,
    installation: &Installation,
    (seen, plan): &(Observation, Plan),
    applied: bool,
    dry_run: bool,
    wait: Option<Duration>,
) -> Result<Exit, Error> {
    let screen = &session.screen;
    let subscriptions = installation.subscriptions_in(seen);
    let mut attention = attention::after_setup(installation, &subscriptions, !applied && !plan.is_empty());
    if applied {
        attention.extend(attention::of_queue(plan, installation.names()));
        attention.extend(attention::of_reminders(plan, &installation.spec().settings));
    }
    if dry_run {
        super::plan::show_refusal(session, plan);
        screen.text("Dry run: nothing was changed.");
    } else if applied {
        let console = account.clients.endpoints().is_none().then(|| installation.names().console_url());
        screen.text(&format!("\n{}", render::in_sync(console.as_deref())));
    }
    if !attention.is_empty() {
        screen.text(&render::attention(&attention, screen.width()));
    }
    // Whoever waits has to know what to do with the mail meanwhile.
    let mut exit = Exit::Done;
    if let (Some(patience), false) = (wait, dry_run) {
        exit = wait_for_confirmations(session, installation, patience).await?;
        attention.retain(|one| !["unconfirmed", "nobody_told"].contains(&one.code));
        // Not to be interrupted: everything was done, and this is what is left to say.
        let subscriptions = installation.subscriptions().await?;
        attention.extend(attention::after_setup(installation, &subscriptions, false));
    }
    if screen.is_json() {
        let install = &installation.names().install;
        screen.document(&document("setup", account, install, plan, applied, &attention))?;
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
    let mut told = String::new();
    let bar = screen.spinner("");
    loop {
        let subscriptions = match session.reading(installation.subscriptions()).await {
            Ok(subscriptions) => subscriptions,
            Err(error) if error.exit == Exit::Interrupted => return Ok(Exit::Interrupted),
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
                    .hint("somebody unsubscribed or removed them: keyminder setup subscribes them again"));
            }
            if !told.is_empty() {
                screen.remark(&confirmed(&subscriptions));
            }
            return Ok(Exit::Done);
        }
        let left = patience.saturating_sub(start.elapsed());
        if pending != told {
            let until = render::span(SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX));
            screen.remark(&format!(
                "\nWaiting up to {until} for {pending} to confirm. Ctrl-C ends the waiting, and nothing else."
            ));
            bar.set_message(format!("waiting for {pending}"));
            told = pending;
        }
        if left.is_zero() {
            bar.finish_and_clear();
            return Err(Error::failed("NotConfirmed", format!("not confirmed in time: {told}"))
                .hint("everything else is in place; keyminder confirm --resend sends the mail again"));
        }
        tokio::select! {
            () = tokio::time::sleep(CONFIRMATION_POLL.min(left)) => {}
            () = session.interrupt.asked() => return Ok(Exit::Interrupted),
        }
    }
}

/// Everybody has confirmed; and some by a click, which another click undoes.
fn confirmed(subscriptions: &[SubscriptionStatus]) -> String {
    let unsafe_ones = subscriptions.iter().filter(|one| {
        one.protocol.starts_with("email") && one.declared && one.safe_from_one_click_unsubscribing == Some(false)
    });
    let unsafe_ones: Vec<_> = unsafe_ones.map(|one| one.endpoint.as_str()).collect();
    let mut text = format!("{} Everybody has confirmed.", render::good("✓"));
    if !unsafe_ones.is_empty() {
        text.push_str(&format!(
            " {} did so by a click, so a click in a forwarded notice can end it.",
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
