//! Whether someone would be notified about an old key: when the function runs next or what prevents that, and every
//! reason for a "no".

use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::Schedule;
use keyminder_keyage::Untrusted;
use keyminder_reconcile::Plan;
use keyminder_stack::{Drift, Obstacle, SubscriptionState, SubscriptionStatus};

use super::function_runs::{Run, longest_silence};
use super::planning::is_absent;
use crate::render;

/// The next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The rule starts the function then.
    At(Timestamp),
    /// It starts it by then: a rate counts from when the rule was created, which AWS does not tell.
    By(Timestamp),
    /// It does not.
    Never(Never),
}

/// Why there is no next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Never {
    /// Something prevents it.
    Obstacle(Obstacle),
    /// The schedule has come to its end.
    ScheduleOver,
}

impl Never {
    /// In words.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Obstacle(obstacle) => render::obstacle(obstacle),
            Self::ScheduleOver => "the schedule has no further runs",
        }
    }
}

/// When the rule, as it is now, starts the function next.
pub(super) fn next(trigger: Result<Schedule, Obstacle>, runs: &[Run], now: Timestamp) -> Next {
    let schedule = match trigger {
        Ok(schedule) => schedule,
        Err(obstacle) => return Next::Never(Never::Obstacle(obstacle)),
    };
    // A rate counts from its last run.
    let fired = runs.iter().rev().filter_map(|run| run.answer.as_ref()).find(|answer| answer.mode == "scheduled");
    match schedule.next_from(fired.map_or(now, |answer| answer.as_of), now) {
        None => Next::Never(Never::ScheduleOver),
        Some(next) if fired.is_none() && schedule.is_rate() => Next::By(next),
        Some(next) => Next::At(next),
    }
}

/// What is known of an installation.
pub(super) struct Findings<'a> {
    pub(super) plan: &'a Plan,
    pub(super) drift: &'a [Drift],
    pub(super) next: &'a Next,
    pub(super) subscriptions: &'a [SubscriptionStatus],
    /// The latest runs, the oldest first.
    pub(super) runs: &'a [Run],
    /// When the function was created or last changed, if the rule has not started it for too long.
    pub(super) changed: Option<Timestamp>,
    pub(super) schedule: &'a Schedule,
    /// The log is kept for so many days.
    pub(super) retention_days: u32,
    /// What keeps owners from being emailed.
    pub(super) email_obstacles: Vec<String>,
    /// There is a configuration file.
    pub(super) from_file: bool,
    pub(super) now: Timestamp,
}

/// The last run that checked keys, or was to.
pub(super) fn last_check(runs: &[Run]) -> Option<&Run> {
    runs.iter().rev().find(|run| run.is_check())
}

/// Whether the rule has started nothing for too long.
pub(super) fn is_silent(runs: &[Run], schedule: &Schedule, now: Timestamp) -> bool {
    let last = runs.iter().rev().find(|run| run.is_scheduled());
    last.is_none_or(|last| now.duration_since(last.at) > longest_silence(schedule))
}

/// Every reason why an old key might not be reported.
pub(super) fn problems(findings: &Findings<'_>) -> Vec<String> {
    let Findings { plan, subscriptions, runs, .. } = findings;
    if is_absent(plan) {
        return vec!["keyminder is not installed here; run keyminder setup".to_owned()];
    }
    let mut problems = Vec::new();
    if !plan.is_empty() {
        problems.push(out_of_sync(findings.drift, findings.from_file));
    }
    problems.extend(far(findings));
    problems.extend(plan.concerns().into_iter().map(|(address, extra)| {
        let remove = render::removing(address, extra).map(|command| format!(" To remove it, run: {command}."));
        format!(
            "{}.{} {}",
            render::concern(address, extra),
            remove.unwrap_or_default(),
            render::allowing(address, extra)
        )
    }));
    // Somebody whom nobody declared, and whom we did not subscribe, is no proof that the right people hear.
    let is_heard = |one: &&SubscriptionStatus| one.state == SubscriptionState::Confirmed && one.vouched_for;
    let mut hearing = subscriptions.iter().filter(is_heard).peekable();
    if hearing.peek().is_none() {
        problems.push("there is no confirmed subscription, so no one will be notified".to_owned());
    } else if hearing.all(|one| one.filtered) {
        problems.push(
            "every subscription has a filter policy, so no one will be notified when a run fails; add one subscription \
             without a filter policy"
                .to_owned(),
        );
    }
    let awaited: Vec<_> = subscriptions.iter().filter(|one| one.is_awaited()).collect();
    problems.extend(unconfirmed(&awaited));
    problems.extend(subscriptions.iter().filter(|one| one.wanted).filter_map(|one| missing(one, subscriptions)));
    if last_check(runs).is_some_and(|run| run.error.is_some()) {
        problems.push("the last run failed; run keyminder test to see if it still does".to_owned());
    }
    problems.extend(findings.email_obstacles.iter().map(|why| format!("owners of keys might not be emailed: {why}")));
    problems.extend(last_check(runs).and_then(not_emailed));
    problems.extend(silence(findings));
    problems
}

/// Owners whom the last run could not email. The notices of that run say who.
fn not_emailed(run: &Run) -> Option<String> {
    let owners = run.answer.as_ref()?.owners.as_ref().filter(|owners| owners.unsent > 0)?;
    let first = owners.errors.first().map(|error| Untrusted::new(error).cut(300)).unwrap_or_default();
    let more = match owners.unsent {
        1 => String::new(),
        number => format!(" (and {} more)", number - 1),
    };
    Some(format!("the last run could not email an owner: {}{more}", first.trim_end_matches('.')))
}

/// Without a file it depends on the flags what is configured.
fn out_of_sync(drift: &[Drift], from_file: bool) -> String {
    let reasons: Vec<_> = drift.iter().map(render::drift).collect();
    let reasons = reasons.join(", ");
    if from_file {
        return format!("the installation has drifted ({reasons}); run keyminder setup to fix it");
    }
    format!(
        "the installation differs from the defaults ({reasons}), and there is no keyminder.toml here. If you ran setup \
         with flags, pass them here too or save them with keyminder init. Otherwise run keyminder setup to fix it"
    )
}

/// A schedule that has come to its end, or begins too far in the future.
fn far(findings: &Findings<'_>) -> Option<String> {
    match findings.next {
        // Whatever else prevents the next run is drift, and is reported with that.
        Next::Never(never) => {
            findings.plan.is_empty().then(|| format!("the function will not run any more: {}", never.why()))
        }
        Next::At(at) | Next::By(at) => {
            let until = at.duration_since(findings.now);
            (until > FARTHEST).then(|| format!("the next run is only in {}", render::span(until)))
        }
    }
}

/// A run a year is rare; what is further off is a mistake.
const FARTHEST: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Those who have yet to confirm, in one sentence if it is the same for all.
fn unconfirmed(awaited: &[&SubscriptionStatus]) -> Vec<String> {
    let (mails, others): (Vec<&SubscriptionStatus>, Vec<_>) =
        awaited.iter().partition(|one| one.protocol.starts_with("email"));
    let mut problems = Vec::new();
    if !mails.is_empty() {
        let who: Vec<_> = mails.iter().map(|one| one.endpoint.as_str()).collect();
        let have = if who.len() == 1 { "has" } else { "have" };
        problems.push(format!(
            "{} {have} not confirmed; run keyminder confirm with the link from the email, or keyminder confirm --resend",
            who.join(", ")
        ));
    }
    problems.extend(others.iter().map(|one| {
        format!(
            "{} has not confirmed; AWS sent it a SubscriptionConfirmation, and keyminder confirm --resend sends another",
            one.endpoint
        )
    }));
    problems
}

fn missing(one: &SubscriptionStatus, all: &[SubscriptionStatus]) -> Option<String> {
    let endpoint = &one.endpoint;
    match one.state {
        SubscriptionState::Confirmed | SubscriptionState::Pending => None,
        SubscriptionState::Gone | SubscriptionState::Missing => {
            if one.declared {
                return Some(format!("{endpoint} is not subscribed; to subscribe it, run: keyminder setup"));
            }
            if endpoint.is_empty() {
                return Some(
                    "an address that keyminder subscribed is gone; run keyminder setup with --email for every address"
                        .to_owned(),
                );
            }
            // Flags are the whole list: an address that is not named is unsubscribed.
            let wanted = all.iter().filter(|one| one.wanted && !one.endpoint.is_empty());
            let flags: String = wanted.map(|one| format!(" --subscribe {}={}", one.protocol, one.endpoint)).collect();
            Some(format!("{endpoint} is not subscribed; to subscribe it, run: keyminder setup{flags}"))
        }
    }
}

fn silence(findings: &Findings<'_>) -> Option<String> {
    let Findings { runs, schedule, now, .. } = findings;
    if !is_silent(runs, schedule, *now) {
        return None;
    }
    let every = render::span(schedule.period());
    let try_it = "to find out why, run: keyminder test --from-rule";
    if let Some(last) = runs.iter().rev().find(|run| run.is_scheduled()) {
        let silent = render::span(now.duration_since(last.at));
        return Some(format!("the rule has not started the function for {silent}, but should every {every}; {try_it}"));
    }
    // A log that is kept for less than that cannot tell.
    let patience = longest_silence(schedule);
    let kept = SignedDuration::from_hours(i64::from(findings.retention_days) * 24);
    let installed = now.duration_since(findings.changed?);
    (installed > patience && patience < kept).then(|| {
        let installed = render::span(installed);
        format!(
            "the rule has not started the function in the {installed} since the last change, but should every {every}; \
             {try_it}"
        )
    })
}
