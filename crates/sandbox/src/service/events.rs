//! EventBridge: rules of the default bus and their targets. Firing them is the scheduler's business.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Operation, Request, Site, read, write};
use crate::names::is_name;
use crate::protocol::{Answer, AwsError, page, tag_list};
use crate::schedule::Schedule;
use crate::world::{Rule, Target};

/// The default quota of targets of a rule.
const MOST_TARGETS: usize = 5;

pub(crate) const OPERATIONS: &[Operation] = &[
    write("PutRule", rule_arn, put_rule),
    read("DescribeRule", rule_arn, describe),
    read("ListRules", |site| vec![site.arn("events", "rule/*")], list),
    write("EnableRule", rule_arn, |request| switch(request, true)),
    write("DisableRule", rule_arn, |request| switch(request, false)),
    write("DeleteRule", rule_arn, delete),
    write("PutTargets", rule_arn, put_targets),
    write("RemoveTargets", rule_arn, remove_targets),
    read("ListTargetsByRule", rule_arn, list_targets),
    read("ListRuleNamesByTarget", |site| vec![site.arn("events", "rule/*")], names_by_target),
    write("TagResource", rule_arn, tag),
    write("UntagResource", rule_arn, untag),
    read("ListTagsForResource", rule_arn, list_tags),
    read("DescribeEventBus", |site| vec![site.arn("events", "event-bus/default")], describe_bus),
];

fn rule_arn(site: &Site<'_>) -> Vec<String> {
    if let Some(arn) = site.input.text("ResourceARN") {
        return vec![arn.to_owned()];
    }
    let name = site.input.text("Name").or(site.input.text("Rule")).unwrap_or_default();
    vec![site.arn("events", &format!("rule/{name}"))]
}

fn missing(name: &str) -> AwsError {
    AwsError::new("ResourceNotFoundException", format!("Rule {name} does not exist on EventBus default."))
}

fn rule<'a>(request: &'a mut Request<'_>, parameter: &str) -> Result<&'a mut Rule, AwsError> {
    let name = request.input.required(parameter)?;
    request.here().rules.get_mut(&name).ok_or_else(|| missing(&name))
}

fn seen(request: &mut Request<'_>, parameter: &str) -> Result<Rule, AwsError> {
    let rule = rule(request, parameter)?.clone();
    if request.sees(rule.created) { Ok(rule) } else { Err(missing(&rule.name)) }
}

/// The default bus, the only one here.
fn describe_bus(request: &mut Request<'_>) -> Answer {
    match request.input.text("Name") {
        None | Some("default") => Ok(json!({"Name": "default", "Arn": request.arn("events", "event-bus/default")})),
        Some(bus) => Err(AwsError::new("ResourceNotFoundException", format!("Event bus {bus} does not exist."))),
    }
}

fn check_bus(request: &Request<'_>) -> Result<(), AwsError> {
    match request.input.text("EventBusName") {
        None | Some("default") => Ok(()),
        Some(bus) if bus.ends_with(":event-bus/default") => Ok(()),
        Some(bus) => Err(AwsError::new("ResourceNotFoundException", format!("Event bus {bus} does not exist."))),
    }
}

fn put_rule(request: &mut Request<'_>) -> Answer {
    check_bus(request)?;
    let input = request.input;
    let name = input.required("Name")?;
    if !is_name(&name, 64, "_.-") {
        return Err(input.invalid(format!("1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")));
    }
    let (schedule, pattern) = (input.text_or("ScheduleExpression", ""), input.text_or("EventPattern", ""));
    if schedule.is_empty() && pattern.is_empty() {
        return Err(input.invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    if !schedule.is_empty() && Schedule::parse(&schedule).is_none() {
        return Err(input.invalid("Parameter ScheduleExpression is not valid."));
    }
    if !pattern.is_empty() && !serde_json::from_str::<Value>(&pattern).is_ok_and(|pattern| pattern.is_object()) {
        return Err(AwsError::new(
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Not a valid JSON object",
        ));
    }
    let description = input.text_or("Description", "");
    if description.chars().count() > 512 {
        return Err(input.invalid("1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 512"));
    }
    let state = input.text_or("State", "ENABLED");
    if !["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"].contains(&state.as_str()) {
        return Err(input.invalid("1 validation error detected: Value at 'state' failed to satisfy constraint: Member must satisfy enum value set"));
    }
    let (arn, now, role) = (request.arn("events", &format!("rule/{name}")), request.now, input.text_or("RoleArn", ""));
    let enabled = state != "DISABLED";
    let known = request.here().rules.remove(&name);
    // What is not sent is overwritten with nothing; tags of a rule that exists are left (EventBridge API reference,
    // PutRule).
    let rule = match known {
        Some(known) => Rule {
            last: if known.schedule == schedule && known.enabled == enabled { known.last } else { now },
            schedule,
            pattern,
            description,
            role,
            enabled,
            ..known
        },
        None => Rule {
            name: name.clone(),
            arn: arn.clone(),
            schedule,
            pattern,
            description,
            role,
            enabled,
            tags: input.tags("Tags"),
            targets: BTreeMap::new(),
            created: now,
            last: now,
            fired: 0,
            failed_invocations: 0,
        },
    };
    request.here().rules.insert(name, rule);
    Ok(json!({ "RuleArn": arn }))
}

fn show(rule: &Rule) -> Value {
    let mut shown = json!({
        "Name": rule.name,
        "Arn": rule.arn,
        "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
        "EventBusName": "default",
    });
    let optional = [
        ("ScheduleExpression", &rule.schedule),
        ("EventPattern", &rule.pattern),
        ("Description", &rule.description),
        ("RoleArn", &rule.role),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
        shown[name] = value.clone().into();
    }
    shown
}

fn describe(request: &mut Request<'_>) -> Answer {
    check_bus(request)?;
    let mut shown = show(&seen(request, "Name")?);
    shown["CreatedBy"] = request.world.account.clone().into();
    Ok(shown)
}

fn list(request: &mut Request<'_>) -> Answer {
    check_bus(request)?;
    let prefix = request.input.text_or("NamePrefix", "");
    let mut rules: Vec<Rule> = request.here().rules.values().cloned().collect();
    rules.retain(|rule| rule.name.starts_with(&prefix) && request.sees(rule.created));
    Ok(paged(request, "Rules", rules, |rule| rule.name.clone(), show))
}

fn paged<T>(
    request: &Request<'_>,
    name: &str,
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    show: impl Fn(&T) -> Value,
) -> Value {
    let most = usize::try_from(request.input.number("Limit").unwrap_or(100)).unwrap_or(100).clamp(1, 100);
    let (items, next) = page(items, key, request.input.text("NextToken"), most);
    let mut result = json!({ name: items.iter().map(show).collect::<Value>() });
    if let Some(next) = next {
        result["NextToken"] = next.into();
    }
    result
}

fn switch(request: &mut Request<'_>, enabled: bool) -> Answer {
    let now = request.now;
    let rule = rule(request, "Name")?;
    if rule.enabled != enabled {
        (rule.enabled, rule.last) = (enabled, now);
    }
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("Name")?;
    match request.here().rules.get(&name) {
        Some(rule) if !rule.targets.is_empty() => {
            Err(request.input.invalid("Rule can't be deleted since it has targets."))
        }
        _ => {
            request.here().rules.remove(&name);
            Ok(Value::Null)
        }
    }
}

/// One entry that was not carried out.
fn failed(id: &str, code: &str, message: &str) -> Value {
    json!({"TargetId": id, "ErrorCode": code, "ErrorMessage": message})
}

fn outcome(failures: Vec<Value>) -> Answer {
    Ok(json!({"FailedEntryCount": failures.len(), "FailedEntries": failures}))
}

fn put_targets(request: &mut Request<'_>) -> Answer {
    let sent = request.input.list("Targets").to_vec();
    let fail = request.fail_entries;
    let invalid = |message: &str| request.input.invalid(message);
    if sent.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    for target in &sent {
        let (id, arn) = (target["Id"].as_str().unwrap_or_default(), target["Arn"].as_str().unwrap_or_default());
        if id.len() > 64 {
            return Err(invalid(&format!(
                "1 validation error detected: Value '{id}' at 'targets.1.member.id' failed to satisfy constraint: Member must have length less than or equal to 64"
            )));
        }
        if !is_name(id, 64, "_.-") {
            return Err(invalid(&format!(
                "1 validation error detected: Value '{id}' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
            )));
        }
        if !arn.starts_with("arn:") {
            return Err(invalid(&format!(
                "Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
            )));
        }
        let both = target.get("Input").is_some() && target.get("InputPath").is_some();
        if both {
            return Err(invalid("Only one of Input, InputPath, or InputTransformer must be provided."));
        }
        if let Some(input) = target["Input"].as_str()
            && serde_json::from_str::<Value>(input).is_err()
        {
            return Err(invalid(&format!("JSON syntax error in input for target {id}.")));
        }
    }
    let rule = rule(request, "Rule")?;
    let new = |target: &&Value| !target["Id"].as_str().is_some_and(|id| rule.targets.contains_key(id));
    if rule.targets.len() + sent.iter().filter(new).count() > MOST_TARGETS {
        let message = "The requested resource exceeds the maximum number allowed.";
        return Err(AwsError::new("LimitExceededException", message));
    }
    let mut failures = Vec::new();
    for target in sent {
        let (id, arn) = (target["Id"].as_str().unwrap_or_default(), target["Arn"].as_str().unwrap_or_default());
        if fail {
            failures.push(failed(id, "ConcurrentModificationException", "You tried to modify the rule too often."));
        } else {
            rule.targets.insert(id.into(), Target { id: id.into(), arn: arn.into(), settings: target.clone() });
        }
    }
    outcome(failures)
}

fn remove_targets(request: &mut Request<'_>) -> Answer {
    let (ids, fail) = (request.input.texts("Ids"), request.fail_entries);
    let rule = rule(request, "Rule")?;
    let mut failures = Vec::new();
    for id in ids {
        if fail {
            failures.push(failed(&id, "ConcurrentModificationException", "You tried to modify the rule too often."));
        } else {
            rule.targets.remove(&id);
        }
    }
    outcome(failures)
}

fn list_targets(request: &mut Request<'_>) -> Answer {
    let targets: Vec<Target> = seen(request, "Rule")?.targets.into_values().collect();
    Ok(paged(request, "Targets", targets, |target| target.id.clone(), |target| target.settings.clone()))
}

fn names_by_target(request: &mut Request<'_>) -> Answer {
    let arn = request.input.required("TargetArn")?;
    let rules = request.here().rules.values().filter(|rule| rule.targets.values().any(|target| target.arn == arn));
    let names: Vec<String> = rules.map(|rule| rule.name.clone()).collect();
    Ok(paged(request, "RuleNames", names, String::clone, |name| name.as_str().into()))
}

fn tagged<'a>(request: &'a mut Request<'_>) -> Result<&'a mut Rule, AwsError> {
    let arn = request.input.required("ResourceARN")?;
    if let Some((_, bus)) = arn.split_once(":event-bus/") {
        return Err(if bus == "default" {
            AwsError::new("NotImplemented", "The sandbox does not do tags on event buses.").status(501)
        } else {
            AwsError::new("ResourceNotFoundException", format!("Event bus {bus} does not exist."))
        });
    }
    let rule = request.here().rules.values_mut().find(|rule| rule.arn == arn);
    rule.ok_or_else(|| missing(arn.rsplit('/').next().unwrap_or_default()))
}

fn tag(request: &mut Request<'_>) -> Answer {
    let tags = request.input.tags("Tags");
    tagged(request)?.tags.extend(tags);
    Ok(json!({}))
}

fn untag(request: &mut Request<'_>) -> Answer {
    let keys = request.input.texts("TagKeys");
    tagged(request)?.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    let rule = tagged(request)?.clone();
    if !request.sees(rule.created) {
        return Err(missing(&rule.name));
    }
    Ok(json!({ "Tags": tag_list(&rule.tags) }))
}
