//! What happens by itself: rules fire and queued invocations start when the clock says so.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::to_the_second;
use crate::execution::{Invocation, start_due};
use crate::names::region_of;
use crate::schedule::Schedule;
use crate::service::lambda::permits;
use crate::service::sns::{Notice, publish_to};
use crate::service::sqs;
use crate::shared::Shared;
use crate::world::{Rule, Target, World};

/// How many missed firings of a rule are made up for when the clock is moved far.
const MOST_MISSED: usize = 100;

/// The longest pause between two looks at the clock.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Runs until the sandbox stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let now = shared.clock.now();
        let invocations = fire_due(&shared, now);
        for invocation in invocations {
            shared.executor.enqueue(invocation);
        }
        start_due(&shared);
        tokio::select! {
            () = shared.clock.moved() => {}
            () = tokio::time::sleep(pause(&shared)) => {}
        }
    }
}

fn pause(shared: &Shared) -> Duration {
    let until = shared.executor.next_due().map(|due| due.duration_since(shared.clock.now()).unsigned_abs());
    until.map_or(LONGEST_PAUSE, |until| until.clamp(Duration::from_millis(1), LONGEST_PAUSE))
}

fn next(rule: &Rule) -> Option<Timestamp> {
    if !rule.enabled || rule.schedule.is_empty() {
        return None;
    }
    Schedule::parse(&rule.schedule)?.next(rule.last)
}

/// Whether any rule should have fired by now.
pub(crate) fn is_due(world: &World, now: Timestamp) -> bool {
    let mut rules = world.regions.values().flat_map(|region| region.rules.values());
    rules.any(|rule| next(rule).is_some_and(|due| due <= now))
}

/// Fires all rules that are due, and gives back the functions to run for them.
fn fire_due(shared: &Shared, now: Timestamp) -> Vec<Invocation> {
    let mut world = shared.world();
    let mut firings: Vec<(Timestamp, String, Rule)> = Vec::new();
    for (region, here) in &mut world.regions {
        for rule in here.rules.values_mut() {
            let mut times = Vec::new();
            while let Some(due) = next(rule).filter(|due| *due <= now) {
                (rule.last, rule.fired) = (due, rule.fired + 1);
                times.push(due);
            }
            let kept = times.split_off(times.len().saturating_sub(MOST_MISSED));
            firings.extend(kept.into_iter().map(|due| (due, region.clone(), rule.clone())));
        }
    }
    firings.sort_by_key(|(due, ..)| *due);
    let mut invocations = Vec::new();
    for (due, region, rule) in firings {
        for target in rule.targets.values() {
            let event = event(&mut world, &region, &rule, target, due);
            match hit(&mut world, &rule, target, &event, &shared.endpoint, now) {
                Ok(invocation) => invocations.extend(invocation),
                Err(()) => {
                    if let Some(rule) = world.region(&region).rules.get_mut(&rule.name) {
                        rule.failed_invocations += 1;
                    }
                    let queue = target.settings["DeadLetterConfig"]["Arn"].as_str();
                    if let Some(queue) = queue {
                        let attributes = json!({
                            "ERROR_CODE": {"Type": "String", "Value": "NO_PERMISSIONS"},
                            "RULE_ARN": {"Type": "String", "Value": rule.arn},
                        });
                        sqs::deliver(&mut world, region_of(queue), queue, &event, &attributes, now);
                    }
                }
            }
        }
    }
    invocations
}

/// The event that a target gets: its own input, or EventBridge's scheduled event.
fn event(world: &mut World, region: &str, rule: &Rule, target: &Target, due: Timestamp) -> String {
    if let Some(input) = target.settings["Input"].as_str() {
        return input.to_owned();
    }
    let event = json!({
        "version": "0",
        "id": world.ids.uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": world.account,
        "time": to_the_second(due),
        "region": region,
        "resources": [rule.arn],
        "detail": {},
    });
    match target.settings["InputPath"].as_str() {
        Some(path) => {
            let pointer = path.trim_start_matches('$').replace('.', "/");
            event.pointer(&pointer).cloned().unwrap_or(Value::Null).to_string()
        }
        None => event.to_string(),
    }
}

/// Sends an event to a target, if the target lets EventBridge.
fn hit(
    world: &mut World,
    rule: &Rule,
    target: &Target,
    event: &str,
    endpoint: &str,
    now: Timestamp,
) -> Result<Option<Invocation>, ()> {
    let (arn, account) = (&target.arn, world.account.clone());
    match arn.split(':').nth(2) {
        Some("lambda") => {
            let id = world.ids.uuid();
            let region = region_of(arn);
            let mut functions = world.region(region).functions.values();
            let function = functions.find(|function| function.arn == *arn).ok_or(())?;
            if !permits(function, "events.amazonaws.com", &rule.arn, &account) {
                return Err(());
            }
            Ok(Some(Invocation::new(region, &function.name, event.as_bytes().to_vec(), id, now)))
        }
        Some("sns") => {
            let topic = world.region(region_of(arn)).topics.values().find(|topic| topic.arn == *arn).ok_or(())?;
            let policy = topic.attributes.get("Policy").map_or("", String::as_str);
            if !policy.contains("events.amazonaws.com") {
                return Err(());
            }
            let id = world.ids.uuid();
            let notice = Notice { id, subject: None, message: event.into(), structured: false, attributes: json!({}) };
            publish_to(world, arn, &notice, endpoint, now).map(|()| None).map_err(|_| ())
        }
        Some("sqs") if sqs::deliver(world, region_of(arn), arn, event, &json!({}), now) => Ok(None),
        _ => Err(()),
    }
}
