//! Would somebody hear about an old key? What was found, judged: when the function runs next or what keeps it from
//! that, and every reason for a "no".

use jiff::{SignedDuration, Timestamp};
use keyminder_keyage::Schedule;
use keyminder_reconcile::{Action, Address, Change, Plan};
use keyminder_stack::{SubscriptionState, SubscriptionStatus};
use serde_json::Value;

use super::run::is_absent;
use super::runs::{Run, longest_silence};
use crate::render;

/// The next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The rule starts the function then.
    At(Timestamp),
    /// It starts it by then: a rate counts from when the rule was put, which nobody is told.
    By(Timestamp),
    /// It does not, and why.
    Never(String),
}

/// When the rule as it is starts the function next, which need not be as it should be.
pub(super) fn next(plan: &Plan, wanted: &Schedule, runs: &[Run], now: Timestamp) -> Next {
    let change = |address| plan.change(Address(address));
    let absent = |change: Option<&Change>| change.is_none_or(|c| c.action == Action::Create || c.foreign.is_some());
    let live = |address, path: &str| {
        let fields = &change(address).filter(|change| change.action == Action::Update)?.fields;
        fields.iter().find(|field| field.path.is(&[path])).map(|field| &field.before)
    };
    let because = |why: &str| Next::Never(why.to_owned());
    if absent(change("events_rule")) {
        return because("there is no rule of ours");
    }
    if live("events_rule", "state").is_some() {
        return because("the rule is disabled");
    }
    if absent(change("events_target")) || live("events_target", "arn").is_some() {
        return because("the rule does not have the function as its target");
    }
    if absent(change("lambda_function")) {
        return because("there is no function of ours");
    }
    if change("lambda_function").is_some_and(|change| change.replace) {
        return because("the function cannot start and has to be made again");
    }
    let permission = change("lambda_permission");
    if absent(permission) || permission.is_some_and(|change| change.action == Action::Update) {
        return because("the function does not let the rule start it");
    }
    let schedule = match live("events_rule", "schedule").and_then(Value::as_str) {
        None => wanted.clone(),
        Some(other) => match Schedule::parse(other) {
            Ok(schedule) => schedule,
            Err(_) => return because("the rule has no schedule"),
        },
    };
    // When it fired last tells when a rate does next.
    let fired = runs.iter().rev().filter_map(|run| run.answer.as_ref()).find(|answer| answer.mode == "scheduled");
    let next = schedule.next_from(fired.map_or(now, |answer| answer.as_of), now);
    match next {
        None => because("the schedule has no further run"),
        Some(next) if fired.is_none() && schedule.is_rate() => Next::By(next),
        Some(next) => Next::At(next),
    }
}

/// What is known of an install.
pub(super) struct Findings<'a> {
    pub(super) plan: &'a Plan,
    pub(super) next: &'a Next,
    pub(super) subscriptions: &'a [SubscriptionStatus],
    /// The latest runs, the oldest first.
    pub(super) runs: &'a [Run],
    /// When the function was made or last changed, where the rule has not started it for too long.
    pub(super) changed: Option<Timestamp>,
    pub(super) schedule: &'a Schedule,
    /// The log is kept for so many days.
    pub(super) retention_days: u32,
    /// A configuration file says what is wanted.
    pub(super) from_file: bool,
    pub(super) now: Timestamp,
}

/// The last run that looked at keys, or was to.
pub(super) fn last_check(runs: &[Run]) -> Option<&Run> {
    runs.iter().rev().find(|run| run.is_check())
}

/// How long the rule has started nothing, where that is too long.
pub(super) fn is_silent(runs: &[Run], schedule: &Schedule, now: Timestamp) -> bool {
    let last = runs.iter().rev().find(|run| run.is_scheduled());
    last.is_none_or(|last| now.duration_since(last.at) > longest_silence(schedule))
}

/// Every reason for which an old key might go unheard.
pub(super) fn problems(findings: &Findings<'_>) -> Vec<String> {
    let Findings { plan, subscriptions, runs, .. } = findings;
    if is_absent(plan) {
        return vec!["nothing is installed: run keyminder setup".to_owned()];
    }
    let mut problems = Vec::new();
    if !plan.is_empty() {
        problems.push(difference(findings.from_file));
    }
    problems.extend(far(findings));
    let mut hearing = subscriptions.iter().filter(|one| one.state == SubscriptionState::Confirmed).peekable();
    if hearing.peek().is_none() {
        problems.push("nobody has confirmed a subscription, so nobody would be told".to_owned());
    } else if hearing.all(|one| one.filtered) {
        problems.push(
            "every subscription has a filter policy, so nobody would be told that a run failed: subscribe one address \
             without"
                .to_owned(),
        );
    }
    let awaited: Vec<_> = subscriptions.iter().filter(|one| one.is_awaited()).collect();
    problems.extend(unconfirmed(&awaited));
    problems.extend(subscriptions.iter().filter(|one| one.wanted).filter_map(|one| missing(one, subscriptions)));
    if last_check(runs).is_some_and(|run| run.error.is_some()) {
        problems.push("the last run failed: keyminder test shows whether it still does".to_owned());
    }
    problems.extend(silence(findings));
    problems
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

/// A schedule that has come to its end, or begins in a time that nobody waits for.
fn far(findings: &Findings<'_>) -> Option<String> {
    match findings.next {
        // Whatever else keeps the rule from starting the function differs from what is wanted, and is told with that.
        Next::Never(why) => findings.plan.is_empty().then(|| format!("nothing runs any more: {why}")),
        Next::At(at) | Next::By(at) => {
            let until = at.duration_since(findings.now);
            (until > FARTHEST).then(|| format!("it runs next in {}", render::span(until)))
        }
    }
}

/// A run a year is rare; what is further off is a mistake.
const FARTHEST: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Those who have yet to confirm, in one sentence where it is the same for all.
fn unconfirmed(awaited: &[&SubscriptionStatus]) -> Vec<String> {
    let (mails, others): (Vec<&SubscriptionStatus>, Vec<_>) =
        awaited.iter().partition(|one| one.protocol.starts_with("email"));
    let mut problems = Vec::new();
    if !mails.is_empty() {
        let who: Vec<_> = mails.iter().map(|one| one.endpoint.as_str()).collect();
        let have = if who.len() == 1 { "has" } else { "have" };
        problems.push(format!(
            "{} {have} not confirmed: run keyminder confirm with the link in the mail, or keyminder confirm --resend",
            who.join(", ")
        ));
    }
    problems.extend(others.iter().map(|one| {
        format!(
            "{} has not confirmed: AWS has sent it a SubscriptionConfirmation, and keyminder confirm --resend has \
             another one sent",
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
                return Some(format!("{endpoint} is not subscribed: keyminder setup subscribes it"));
            }
            if endpoint.is_empty() {
                let what = "an address that keyminder subscribed is gone";
                return Some(format!("{what}: keyminder setup with a --email for every address subscribes it"));
            }
            // Flags are the whole list: whoever is not named is unsubscribed.
            let wanted = all.iter().filter(|one| one.wanted && !one.endpoint.is_empty());
            let flags: String = wanted.map(|one| format!(" --subscribe {}={}", one.protocol, one.endpoint)).collect();
            Some(format!("{endpoint} is not subscribed: keyminder setup{flags} subscribes it"))
        }
    }
}

fn silence(findings: &Findings<'_>) -> Option<String> {
    let Findings { runs, schedule, now, .. } = findings;
    if !is_silent(runs, schedule, *now) {
        return None;
    }
    let every = render::span(schedule.period());
    let try_it = "keyminder test --from-rule finds out why";
    if let Some(last) = runs.iter().rev().find(|run| run.is_scheduled()) {
        let silent = render::span(now.duration_since(last.at));
        return Some(format!("the rule has not started it for {silent}, and should every {every}: {try_it}"));
    }
    // A log that is kept for less than that cannot tell.
    let patience = longest_silence(schedule);
    let kept = SignedDuration::from_hours(i64::from(findings.retention_days) * 24);
    let installed = now.duration_since(findings.changed?);
    (installed > patience && patience < kept).then(|| {
        let installed = render::span(installed);
        format!(
            "the rule has never started it in the {installed} since its last change, and should every {every}: {try_it}"
        )
    })
}
