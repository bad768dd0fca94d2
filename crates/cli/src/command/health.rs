//! Would somebody hear about an old key? What was found, judged: when the function runs next or what keeps it from
//! that, and every reason for a "no".

use jiff::Timestamp;
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
    let missing = |change: Option<&Change>| change.is_none_or(|c| c.action == Action::Create || c.foreign.is_some());
    let live = |address, path: &str| {
        let fields = &change(address).filter(|change| change.action == Action::Update)?.fields;
        fields.iter().find(|field| field.path == path).map(|field| &field.before)
    };
    let because = |why: &str| Next::Never(why.to_owned());
    if missing(change("events_rule")) {
        return because("there is no rule of ours");
    }
    if live("events_rule", "state").is_some() {
        return because("the rule is disabled");
    }
    if missing(change("events_target")) || live("events_target", "arn").is_some() {
        return because("the rule does not have the function as its target");
    }
    if missing(change("lambda_function")) {
        return because("there is no function of ours");
    }
    let permission = change("lambda_permission");
    if missing(permission) || permission.is_some_and(|change| change.action == Action::Update) {
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
    let ours = subscriptions.iter().filter(|one| one.declared || one.managed);
    problems.extend(ours.filter_map(subscription));
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

fn subscription(one: &SubscriptionStatus) -> Option<String> {
    let endpoint = &one.endpoint;
    match one.state {
        SubscriptionState::Confirmed => None,
        SubscriptionState::Pending => Some(format!(
            "{endpoint} has not confirmed: run keyminder confirm with the link in the mail, or keyminder confirm --resend"
        )),
        SubscriptionState::Gone | SubscriptionState::Missing => {
            if endpoint.is_empty() {
                return Some(
                    "an address that keyminder subscribed is gone: keyminder setup --email ADDRESS subscribes it"
                        .to_owned(),
                );
            }
            let flag = match one.declared {
                true => String::new(),
                false => format!(" --subscribe {}={endpoint}", one.protocol),
            };
            Some(format!("{endpoint} is not subscribed: keyminder setup{flag} subscribes it"))
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
    let kept = jiff::SignedDuration::from_hours(i64::from(findings.retention_days) * 24);
    let installed = now.duration_since(findings.changed?);
    (installed > patience && patience < kept).then(|| {
        let installed = render::span(installed);
        format!(
            "the rule has never started it in the {installed} since its last change, and should every {every}: {try_it}"
        )
    })
}
