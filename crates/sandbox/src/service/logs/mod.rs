//! CloudWatch Logs: groups, their retention and tags. What is in them is in `streams`.

pub(crate) mod streams;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Operation, Request, Site, read, write};
use crate::names::is_name;
use crate::protocol::{Answer, AwsError, Input, page};
use crate::world::{LogGroup, Tags};

/// The only retentions there are (CloudWatch Logs API reference, PutRetentionPolicy).
const RETENTIONS: [u64; 23] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, 0];

pub(crate) const GROUPS: &[Operation] = &[
    write("CreateLogGroup", group_arn, create),
    write("DeleteLogGroup", group_arn, delete),
    read("DescribeLogGroups", all_groups, describe),
    write("PutRetentionPolicy", group_arn, put_retention),
    write("DeleteRetentionPolicy", group_arn, delete_retention),
    write("TagResource", group_arn, tag),
    write("UntagResource", group_arn, untag),
    read("ListTagsForResource", group_arn, list_tags),
];

/// The name in a group's ARN, which may end in `:*`.
fn name_in(arn: &str) -> Option<&str> {
    let name = arn.split_once(":log-group:")?.1;
    Some(name.split(':').next().unwrap_or(name))
}

/// IAM knows a group's ARN with and without what follows the name (CloudWatch Logs user guide, "Overview of managing
/// access permissions").
fn group_arn(site: &Site<'_>) -> Vec<String> {
    let name = ["logGroupName", "logGroupIdentifier", "resourceArn"].into_iter().find_map(|name| site.input.text(name));
    let name = name.map_or("", |name| name_in(name).unwrap_or(name));
    let stream = site.text("logStreamName");
    vec![
        site.arn("logs", &format!("log-group:{name}:log-stream:{stream}")),
        site.arn("logs", &format!("log-group:{name}")),
        site.arn("logs", &format!("log-group:{name}:*")),
    ]
}

fn all_groups(site: &Site<'_>) -> Vec<String> {
    let prefix = site.text("logGroupNamePrefix");
    vec![
        site.arn("logs", "log-group::log-stream:"),
        site.arn("logs", &format!("log-group:{prefix}")),
        site.arn("logs", &format!("log-group:{prefix}:*")),
        site.arn("logs", "log-group:*"),
    ]
}

fn missing() -> AwsError {
    AwsError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

fn group<'a>(request: &'a mut Request<'_>, name: &str) -> Result<&'a mut LogGroup, AwsError> {
    request.here().log_groups.get_mut(name).ok_or_else(missing)
}

/// The group that a request names, by name or by ARN.
fn asked_name(input: &Input) -> Result<String, AwsError> {
    if input.has("logGroupIdentifier") && input.has("logGroupName") {
        let message = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
        return Err(AwsError::new("ValidationException", message));
    }
    if let Some(identifier) = input.text("logGroupIdentifier") {
        return Ok(name_in(identifier).unwrap_or(identifier).to_owned());
    }
    input.required("logGroupName")
}

/// How many a page holds, at most `most`.
fn limit(input: &Input, most: u64) -> Result<usize, AwsError> {
    let bound = |word: &str, bound: u64, sent: u64| {
        input.invalid(format!(
            "1 validation error detected: Value '{sent}' at 'limit' failed to satisfy constraint: Member must have value \
             {word} than or equal to {bound}"
        ))
    };
    match input.number("limit") {
        Some(0) => Err(bound("greater", 1, 0)),
        Some(sent) if sent > most => Err(bound("less", most, sent)),
        sent => Ok(usize::try_from(sent.unwrap_or(most)).unwrap_or(50)),
    }
}

fn invalid_token(input: &Input) -> AwsError {
    input.invalid("The specified nextToken is invalid.")
}

fn check_tags(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > 50 {
        return Err(AwsError::new("TooManyTagsException", "A resource can have no more than 50 tags."));
    }
    if tags.iter().any(|(key, value)| key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256) {
        return Err(AwsError::new("InvalidParameterException", "A tag key or value is not within its limits."));
    }
    Ok(())
}

fn create(request: &mut Request<'_>) -> Answer {
    let (name, tags) = (request.input.required("logGroupName")?, request.input.tags("tags"));
    if name.chars().count() > 512 {
        let message = "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";
        return Err(request.input.invalid(message));
    }
    if !is_name(&name, 512, "_-/.#") {
        return Err(request.input.invalid(format!("1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+")));
    }
    check_tags(&tags)?;
    if request.here().log_groups.contains_key(&name) {
        return Err(AwsError::new("ResourceAlreadyExistsException", "The specified log group already exists"));
    }
    let group = LogGroup {
        name: name.clone(),
        retention: None,
        tags,
        kms_key: request.input.text("kmsKeyId").map(str::to_owned),
        class: request.input.text_or("logGroupClass", "STANDARD"),
        created: request.now,
        streams: BTreeMap::new(),
    };
    request.here().log_groups.insert(name, group);
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("logGroupName")?;
    request.here().log_groups.remove(&name).map(|_| Value::Null).ok_or_else(missing)
}

fn describe(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (prefix, pattern) = (input.text_or("logGroupNamePrefix", ""), input.text_or("logGroupNamePattern", ""));
    if input.has("logGroupNamePrefix") && input.has("logGroupNamePattern") {
        return Err(input.invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    let most = limit(input, 50)?;
    let mut groups: Vec<LogGroup> = request.here().log_groups.values().cloned().collect();
    groups.retain(|group| {
        group.name.starts_with(&prefix)
            && group.name.to_lowercase().contains(&pattern.to_lowercase())
            && request.sees(group.created)
    });
    let (groups, next) = page(groups, |group| group.name.clone(), input.text("nextToken"), most);
    let shown: Value = groups
        .iter()
        .map(|group| {
            let arn = request.arn("logs", &format!("log-group:{}", group.name));
            let stored: usize = group.streams.values().flat_map(|s| &s.events).map(|event| event.message.len()).sum();
            let mut shown = json!({
                "logGroupName": group.name,
                "creationTime": group.created.as_millisecond(),
                "metricFilterCount": 0,
                "arn": format!("{arn}:*"),
                "logGroupArn": arn,
                "storedBytes": stored,
                "logGroupClass": group.class,
                "deletionProtectionEnabled": false,
            });
            if let Some(days) = group.retention {
                shown["retentionInDays"] = days.into();
            }
            if let Some(key) = &group.kms_key {
                shown["kmsKeyId"] = key.clone().into();
            }
            shown
        })
        .collect();
    let mut result = json!({ "logGroups": shown });
    if let Some(next) = next {
        result["nextToken"] = next.into();
    }
    Ok(result)
}

fn put_retention(request: &mut Request<'_>) -> Answer {
    let (name, days) = (request.input.required("logGroupName")?, request.input.number("retentionInDays").unwrap_or(0));
    if days == 0 || !RETENTIONS.contains(&days) {
        return Err(request.input.invalid(format!("1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: {:?}", &RETENTIONS[..22])));
    }
    group(request, &name)?.retention = Some(days);
    Ok(Value::Null)
}

fn delete_retention(request: &mut Request<'_>) -> Answer {
    let name = request.input.required("logGroupName")?;
    group(request, &name)?.retention = None;
    Ok(Value::Null)
}

/// The group whose tags are meant. Its ARN here is the one without `:*` (CloudWatch Logs API reference, TagResource).
fn tagged<'a>(request: &'a mut Request<'_>) -> Result<&'a mut LogGroup, AwsError> {
    let arn = request.input.required("resourceArn")?;
    match name_in(&arn) {
        Some(name) if !arn.ends_with(":*") => {
            let own = request.arn("logs", &format!("log-group:{name}"));
            match group(request, name) {
                Ok(group) if arn == own => Ok(group),
                _ => Err(missing()),
            }
        }
        _ => Err(AwsError::new("InvalidParameterException", format!("The resource ARN {arn} is not valid."))),
    }
}

fn tag(request: &mut Request<'_>) -> Answer {
    let tags = request.input.tags("tags");
    check_tags(&tags)?;
    tagged(request)?.tags.extend(tags);
    Ok(Value::Null)
}

fn untag(request: &mut Request<'_>) -> Answer {
    let keys = request.input.texts("tagKeys");
    tagged(request)?.tags.retain(|key, _| !keys.contains(key));
    Ok(Value::Null)
}

fn list_tags(request: &mut Request<'_>) -> Answer {
    let group = tagged(request)?.clone();
    if !request.sees(group.created) {
        return Err(missing());
    }
    Ok(json!({ "tags": group.tags }))
}
