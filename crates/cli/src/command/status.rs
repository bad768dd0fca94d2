//! `keyminder status`: whether the notifier works, and if not, why.

use std::time::Duration;

use jiff::Timestamp;
use keyminder_keyage::Schedule;
use keyminder_reconcile::Purpose;
use keyminder_stack::{Installation, SubscriptionStatus};

use super::function_runs::{self, Run};
use super::health::{self, Findings, Next};
use super::planning::{is_absent, look};
use super::session::{Account, Session};
use crate::args::StatusArgs;
use crate::error::{Error, Exit};
use crate::render::{self, LastRun, OwnerCounts, OwnersView, RunCounts, StatusDocument, StatusView, SubscriptionLine};

/// How often `--watch` looks again.
const WATCH: Duration = Duration::from_secs(5);

pub(crate) async fn run(session: &Session, args: &StatusArgs) -> Result<Exit, Error> {
    let mut wish = session.config.wish(&args.spec)?;
    wish.spec.keep_code = true;
    let (account, opened) = session.begin("status", wish.spec).await?;
    let screen = &session.screen;
    let mut shown = String::new();
    loop {
        let view = find_out(session, &account, &opened.installation).await?;
        let pending: Vec<_> =
            view.subscriptions.iter().filter(|one| one.is_awaited).map(|one| one.endpoint.as_str()).collect();
        let done = !args.watch || pending.is_empty() || screen.is_closed();
        if !screen.is_json() {
            let text = render::status(&view, screen.is_verbose(), screen.is_quiet(), screen.width());
            let state = format!(
                "{:?}{:?}{:?}",
                view.subscriptions.iter().map(|one| one.state).collect::<Vec<_>>(),
                view.problems,
                view.ok
            );
            if state != shown {
                screen.text(&if screen.is_quiet() { text } else { format!("\n{text}") });
                shown = state;
            }
        } else if done {
            screen.document(&StatusDocument::new(&view))?;
        }
        if done {
            return Ok(if args.exit_code && !view.ok { Exit::Difference } else { Exit::Done });
        }
        let bar = screen.spinner(&format!("waiting for {} to confirm; press Ctrl-C to stop", pending.join(", ")));
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = session.interrupt.asked() => {
                bar.finish_and_clear();
                screen.remark(&format!("Stopped watching. Not confirmed yet: {}.", pending.join(", ")));
                return Ok(Exit::Interrupted);
            }
        }
        bar.finish_and_clear();
    }
}

async fn find_out(session: &Session, account: &Account, installation: &Installation) -> Result<StatusView, Error> {
    let spec = installation.spec();
    let schedule = Schedule::parse(&spec.schedule).map_err(|error| Error::problems(vec![error.to_string()]))?;
    let now = Timestamp::now();
    let stack = installation.stack();
    let (looked, runs, obstacles) = futures::join!(
        look(session, &stack, Purpose::Converge { adopt: false }),
        function_runs::recent(session, installation, &schedule, now),
        session.email_obstacles(installation),
    );
    let ((seen, plan), runs, obstacles) = (looked?, runs?, obstacles?);
    let subscriptions = installation.subscriptions_in(&seen);
    let installed = !is_absent(&plan);
    let changed = match installed && health::is_silent(&runs, &schedule, now) {
        true => session.reading(installation.changed_at()).await?,
        false => None,
    };
    let next = health::next(installation.trigger(&seen), &runs, now);
    let drift = installation.drift(&seen, &plan);
    let problems = health::problems(&Findings {
        plan: &plan,
        drift: &drift,
        next: &next,
        subscriptions: &subscriptions,
        runs: &runs,
        changed,
        schedule: &schedule,
        retention_days: spec.function.log_retention_days,
        from_file: session.config.path().is_some(),
        email_obstacles: obstacles.iter().map(|obstacle| installation.why_not(obstacle)).collect(),
        now,
    });
    let (next_run, not_scheduled, next_is_latest) = match next {
        _ if !installed => (None, None, false),
        Next::At(at) => (Some(at), None, false),
        Next::By(at) => (Some(at), None, true),
        Next::Never(never) => (None, Some(never.why().to_owned()), false),
    };
    let version = runs.iter().rev().find_map(|run| run.answer.as_ref()).map(|answer| answer.version.clone());
    Ok(StatusView {
        account: account.identity.account.clone(),
        region: account.clients.region().to_owned(),
        install: installation.names().install.clone(),
        config_file: session.config.full_path(),
        changes: plan.changes.clone(),
        summary: plan.summary(),
        subscriptions: subscriptions.into_iter().map(line).collect(),
        last_run: health::last_check(&runs).map(last_run),
        next_run,
        not_scheduled,
        next_is_latest,
        checker_version: version.filter(|version| !version.is_empty()),
        owners: spec.owners.from.clone().map(|from| OwnersView {
            from,
            domains: spec.owners.domains(),
            fallback: spec.owners.fallback.as_str(),
        }),
        schedule: spec.schedule.clone(),
        schedule_description: schedule.description(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ok: problems.is_empty(),
        problems,
        installed,
        declares: spec.notify.is_declared(),
        now,
        plan,
    })
}

fn line(one: SubscriptionStatus) -> SubscriptionLine {
    SubscriptionLine {
        is_awaited: one.is_awaited(),
        protocol: one.protocol,
        endpoint: one.endpoint,
        state: one.state,
        lapses_at: one.lapses_at,
        safe_from_one_click_unsubscribing: one.safe_from_one_click_unsubscribing,
        filtered: one.filtered,
        declared: one.declared,
    }
}

fn last_run(run: &Run) -> LastRun {
    let counts = run.answer.as_ref().map(|answer| RunCounts {
        duration_ms: answer.duration_ms,
        mode: answer.mode.clone(),
        users: answer.users,
        users_unknown: answer.users_unknown,
        keys: answer.keys,
        old: answer.old,
        due: answer.due,
        // Of very many the ids of the first are kept.
        published: usize::try_from(answer.sent).unwrap_or_default().max(answer.published.len()),
        unsent: answer.unsent,
        owners: answer.owners.as_ref().map(|owners| OwnerCounts {
            emailed: owners.sent,
            not_emailed: owners.unsent,
            keys_without_owner: owners.keys_without_owner,
        }),
    });
    LastRun { at: run.at, ok: run.error.is_none(), error: run.error.clone(), counts }
}
