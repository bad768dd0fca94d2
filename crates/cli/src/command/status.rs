//! `keyminder status`: would I hear about an old key tomorrow morning?

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keyminder_checker::function::SummaryLine;
use keyminder_keyage::Schedule;
use keyminder_reconcile::{Plan, Purpose};
use keyminder_stack::{Installation, LogEvent, SubscriptionState, SubscriptionStatus};

use super::run::{is_absent, look};
use super::session::{Account, Session};
use crate::args::StatusArgs;
use crate::error::{Error, Exit};
use crate::render::{self, LastRun, StatusDocument, StatusView, SubscriptionLine};

/// How often `--watch` looks again.
const WATCH: Duration = Duration::from_secs(5);

pub(crate) async fn run(session: &Session, args: &StatusArgs) -> Result<Exit, Error> {
    let wish = session.config.wish(&args.spec)?;
    let account = session.connect().await?;
    session.headline("status", &account);
    let opened = session.open(&account, wish.spec).await?;
    let screen = &session.screen;
    let mut shown = String::new();
    loop {
        let view = find_out(session, &account, &opened.installation).await?;
        let pending = view.subscriptions.iter().any(|one| one.state == SubscriptionState::Pending);
        let done = !args.watch || !pending || screen.is_closed();
        if !screen.is_json() {
            let text = render::status(&view, screen.is_verbose(), screen.width());
            let told = format!(
                "{:?}{:?}{:?}",
                view.subscriptions.iter().map(|one| one.state).collect::<Vec<_>>(),
                view.problems,
                view.ok
            );
            if told != shown {
                screen.text(&format!("\n{text}"));
                shown = told;
            }
        } else if done {
            screen.document(&StatusDocument::new(&view))?;
        }
        if done {
            return Ok(if args.exit_code && !view.ok { Exit::Difference } else { Exit::Done });
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = session.interrupt.asked() => return Ok(Exit::Interrupted),
        }
    }
}

async fn find_out(session: &Session, account: &Account, installation: &Installation) -> Result<StatusView, Error> {
    let stack = installation.stack();
    let (looked, subscriptions, log) = futures::join!(
        look(session, &stack, Purpose::Converge { adopt: false }),
        session.reading(installation.subscriptions()),
        session.reading(installation.recent_log()),
    );
    let (plan, subscriptions) = (looked?.1, subscriptions?);
    let last = last_summary(&log?);
    let spec = installation.spec();
    let schedule = Schedule::parse(&spec.schedule).map_err(|error| Error::problems(vec![error.to_string()]))?;
    let now = Timestamp::now();
    let installed = !is_absent(&plan);
    let next_run = match &last {
        _ if !installed => None,
        Some(last) if last.answer.mode == "scheduled" => schedule.next_from(last.answer.as_of, now),
        _ => schedule.next_after(now),
    };
    let mut problems = problems(&plan, &subscriptions, last.as_ref(), &schedule, now);
    if installed && !plan.is_empty() {
        problems.insert(0, difference(session.config.path().is_some()));
    }
    Ok(StatusView {
        account: account.identity.account.clone(),
        region: account.clients.region().to_owned(),
        install: installation.names().install.clone(),
        changes: plan.changes.clone(),
        summary: plan.summary(),
        subscriptions: subscriptions.into_iter().map(line).collect(),
        checker_version: last.as_ref().map(|last| last.answer.version.clone()).filter(|version| !version.is_empty()),
        last_run: last.map(last_run),
        next_run,
        schedule: spec.schedule.clone(),
        schedule_description: schedule.description(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ok: problems.is_empty(),
        problems,
        installed,
        declares: spec.subscriptions.is_some(),
        now,
        plan,
    })
}

/// What is wanted depends on where one stands: a setup with flags is not the setup without.
fn difference(from_file: bool) -> String {
    if from_file {
        return "it is not as wanted: keyminder setup puts it right".to_owned();
    }
    "it is not as wanted here, where no keyminder.toml says what is: if setup was given flags, give status the same, or \
     write them down with keyminder init; otherwise keyminder setup puts it right"
        .to_owned()
}

fn line(one: SubscriptionStatus) -> SubscriptionLine {
    SubscriptionLine {
        protocol: one.protocol,
        endpoint: one.endpoint,
        state: one.state,
        lapses_at: one.lapses_at,
        safe_from_one_click_unsubscribing: one.safe_from_one_click_unsubscribing,
        declared: one.declared,
    }
}

/// The last run that the log tells of.
pub(super) fn last_summary(log: &[LogEvent]) -> Option<SummaryLine> {
    log.iter().rev().find_map(|event| SummaryLine::parse(&event.message))
}

fn last_run(last: SummaryLine) -> LastRun {
    LastRun {
        at: last.timestamp,
        ok: last.error.is_none(),
        duration_ms: last.answer.duration_ms,
        mode: last.answer.mode,
        users: last.answer.users,
        users_unknown: last.answer.users_unknown,
        keys: last.answer.keys,
        old: last.answer.old,
        due: last.answer.due,
        published: last.answer.published.len(),
        error: last.error,
    }
}

/// Every reason for which an old key might go unheard.
fn problems(
    plan: &Plan,
    subscriptions: &[SubscriptionStatus],
    last: Option<&SummaryLine>,
    schedule: &Schedule,
    now: Timestamp,
) -> Vec<String> {
    let mut problems = Vec::new();
    if is_absent(plan) {
        return vec!["nothing is installed: run keyminder setup".to_owned()];
    }
    if !subscriptions.iter().any(|one| one.state == SubscriptionState::Confirmed) {
        problems.push("nobody has confirmed a subscription, so nobody would be told".to_owned());
    }
    for one in subscriptions.iter().filter(|one| one.declared || one.managed) {
        match one.state {
            SubscriptionState::Confirmed => {}
            SubscriptionState::Pending => problems.push(format!(
                "{} has not confirmed: run keyminder confirm with the link in the mail, or keyminder confirm --resend",
                one.endpoint
            )),
            SubscriptionState::Gone | SubscriptionState::Missing => {
                let flag = if one.declared {
                    String::new()
                } else {
                    format!(" --subscribe {}={}", one.protocol, one.endpoint)
                };
                problems.push(format!("{} is not subscribed: keyminder setup{flag} subscribes it", one.endpoint));
            }
        }
    }
    if let Some(last) = last {
        if last.error.is_some() {
            problems.push("the last run failed: keyminder test shows whether it still does".to_owned());
        }
        let period = schedule.period();
        let silent = now.duration_since(last.timestamp);
        if silent > period.saturating_mul(2).saturating_add(SignedDuration::from_mins(15)) {
            problems.push(format!(
                "it has not run for {}, and should every {}",
                render::span(silent),
                render::span(period)
            ));
        }
    }
    problems
}
