//! Log streams and events.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{asked_name, group, group_arn, invalid_token, limit};
use crate::clock::later;
use crate::protocol::{Answer, AwsError, is_marker, page};
use crate::service::{Operation, Request, read, write};
use crate::world::{LogEvent, LogStream};

pub(crate) const OPERATIONS: &[Operation] = &[
    write("CreateLogStream", group_arn, create),
    read("DescribeLogStreams", group_arn, describe),
    write("PutLogEvents", group_arn, put),
    read("GetLogEvents", group_arn, events),
    read("FilterLogEvents", group_arn, filter),
];

fn missing() -> AwsError {
    AwsError::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

fn create(request: &mut Request<'_>) -> Answer {
    let (name, stream) = (asked_name(request.input)?, request.input.required("logStreamName")?);
    let created = request.now;
    let streams = &mut group(request, &name)?.streams;
    if streams.contains_key(&stream) {
        return Err(AwsError::new("ResourceAlreadyExistsException", "The specified log stream already exists"));
    }
    streams.insert(stream, LogStream { created, events: Vec::new() });
    Ok(Value::Null)
}

fn last_event(stream: &LogStream) -> Option<i64> {
    stream.events.last().map(|event| event.at.as_millisecond())
}

fn describe(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (name, prefix) = (asked_name(input)?, input.text_or("logStreamNamePrefix", ""));
    let most = limit(input, 50)?;
    let group_name = format!("log-group:{name}");
    let by_time = input.text("orderBy") == Some("LastEventTime");
    let mut streams: Vec<(String, LogStream)> = group(request, &name)?.streams.clone().into_iter().collect();
    streams.retain(|(name, _)| name.starts_with(&prefix));
    // The key's order is the order asked for.
    let ordering = |name: &str, stream: &LogStream| {
        if by_time { format!("{:020}{name}", last_event(stream).unwrap_or(0)) } else { name.to_owned() }
    };
    let mut keyed: Vec<_> =
        streams.into_iter().map(|(name, stream)| (ordering(&name, &stream), name, stream)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    if input.flag("descending") {
        keyed.reverse();
    }
    let keyed: Vec<_> = keyed.into_iter().enumerate().map(|(index, (_, name, stream))| (index, name, stream)).collect();
    let (shown, next) = page(keyed, |(index, ..)| format!("{index:08}"), input.text("nextToken"), most);
    let shown: Value = shown
        .iter()
        .map(|(_, name, stream)| {
            let mut shown = json!({
                "logStreamName": name,
                "creationTime": stream.created.as_millisecond(),
                "arn": request.arn("logs", &format!("{group_name}:log-stream:{name}")),
                "storedBytes": 0,
            });
            if let (Some(first), Some(last)) = (stream.events.first(), last_event(stream)) {
                shown["firstEventTimestamp"] = first.at.as_millisecond().into();
                shown["lastEventTimestamp"] = last.into();
                shown["lastIngestionTime"] = last.into();
            }
            shown
        })
        .collect();
    let mut result = json!({ "logStreams": shown });
    if let Some(next) = next {
        result["nextToken"] = next.into();
    }
    Ok(result)
}

fn put(request: &mut Request<'_>) -> Answer {
    let (name, stream) = (asked_name(request.input)?, request.input.required("logStreamName")?);
    let sent = request.input.list("logEvents").iter().map(|event| {
        let at = Timestamp::from_millisecond(event["timestamp"].as_i64().unwrap_or_default()).unwrap_or_default();
        LogEvent { at, message: event["message"].as_str().unwrap_or_default().to_owned() }
    });
    let sent: Vec<LogEvent> = sent.collect();
    if sent.windows(2).any(|pair| pair[1].at < pair[0].at) {
        let message = "Log events in a single PutLogEvents request must be in chronological order.";
        return Err(request.input.invalid(message));
    }
    // Two weeks back and two hours ahead is what is taken (CloudWatch Logs API reference, PutLogEvents).
    let now = request.now;
    let too_old = sent.iter().filter(|event| later(event.at, Duration::from_secs(14 * 86_400)) < now).count();
    let fits = sent.iter().filter(|event| event.at <= later(now, Duration::from_secs(2 * 3600))).count();
    let mut rejected = json!({});
    if too_old > 0 {
        rejected["tooOldLogEventEndIndex"] = too_old.into();
    }
    if fits < sent.len() {
        rejected["tooNewLogEventStartIndex"] = fits.into();
    }
    let taken: Vec<LogEvent> = sent.into_iter().take(fits).skip(too_old).collect();
    let stream = group(request, &name)?.streams.get_mut(&stream).ok_or_else(missing)?;
    stream.events.extend(taken);
    let mut result = json!({"nextSequenceToken": "49590302514046914915"});
    if rejected != json!({}) {
        result["rejectedLogEventsInfo"] = rejected;
    }
    Ok(result)
}

/// Whether an event is within `startTime` (included) and `endTime` (excluded).
fn in_time(request: &Request<'_>, at: Timestamp) -> bool {
    let at = at.as_millisecond();
    let bound = |name: &str| request.input.at(name).as_i64();
    bound("startTime").is_none_or(|start| at >= start) && bound("endTime").is_none_or(|end| at < end)
}

fn events(request: &mut Request<'_>) -> Answer {
    let (name, stream) = (asked_name(request.input)?, request.input.required("logStreamName")?);
    let all = group(request, &name)?.streams.get(&stream).ok_or_else(missing)?.events.clone();
    let within: Vec<LogEvent> = all.into_iter().filter(|event| in_time(request, event.at)).collect();
    let most = limit(request.input, 10_000)?;
    // Pages go by position: `f/N` forward from N, `b/N` backward from N. The same token comes back at either end.
    let place = |token: &str| token.get(2..).and_then(|place| place.parse::<usize>().ok());
    let (start, end) = match request.input.text("nextToken") {
        Some(token) => match (token.get(..2), place(token)) {
            (Some("b/"), Some(place)) => (place.saturating_sub(most), place),
            (Some("f/"), Some(place)) => (place, place.saturating_add(most)),
            _ => return Err(invalid_token(request.input)),
        },
        None if request.input.flag("startFromHead") => (0, most),
        None => (within.len().saturating_sub(most), within.len()),
    };
    let (start, end) = (start.min(within.len()), end.min(within.len()));
    let shown: Value = within[start..end].iter().map(show).collect();
    Ok(json!({"events": shown, "nextForwardToken": format!("f/{end}"), "nextBackwardToken": format!("b/{start}")}))
}

fn show(event: &LogEvent) -> Value {
    let at = event.at.as_millisecond();
    json!({"timestamp": at, "ingestionTime": at, "message": event.message})
}

/// Whether a message fits a filter pattern. Of the pattern syntax only terms are done (all must occur; `"…"` is one
/// term, `?term` any of those, `-term` none); a JSON pattern `{ $.field = "value" }` compares one field.
fn fits(pattern: &str, message: &str) -> bool {
    let pattern = pattern.trim();
    if let Some(inner) = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let Some((field, wanted)) = inner.split_once('=') else {
            return false;
        };
        let pointer = format!("/{}", field.trim().trim_start_matches("$.").replace('.', "/"));
        let found = serde_json::from_str::<Value>(message).ok().and_then(|json| json.pointer(&pointer).cloned());
        let wanted = wanted.trim().trim_matches('"');
        return found.is_some_and(|found| match &found {
            Value::String(text) => text == wanted,
            other => other.to_string().as_str() == wanted,
        });
    }
    let mut terms = Vec::new();
    for (index, piece) in pattern.split('"').enumerate() {
        if index % 2 == 1 {
            terms.push(piece.to_owned());
        } else {
            terms.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    let (any, rest): (Vec<_>, Vec<_>) = terms.into_iter().partition(|term| term.starts_with('?'));
    rest.iter().all(|term| match term.strip_prefix('-') {
        Some(term) => !message.contains(term),
        None => message.contains(term.as_str()),
    }) && (any.is_empty() || any.iter().any(|term| message.contains(&term[1..])))
}

fn filter(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (name, pattern) = (asked_name(input)?, input.text_or("filterPattern", ""));
    let (names, prefix) = (input.texts("logStreamNames"), input.text_or("logStreamNamePrefix", ""));
    let most = limit(input, 10_000)?;
    if input.text("nextToken").is_some_and(|token| !is_marker(token)) {
        return Err(invalid_token(input));
    }
    let streams = group(request, &name)?.streams.clone();
    let mut found: Vec<(String, usize, LogEvent)> = streams
        .into_iter()
        .filter(|(name, _)| (names.is_empty() || names.contains(name)) && name.starts_with(&prefix))
        .flat_map(|(name, stream)| {
            stream.events.into_iter().enumerate().map(move |(index, event)| (name.clone(), index, event))
        })
        .filter(|(_, _, event)| in_time(request, event.at) && fits(&pattern, &event.message))
        .collect();
    found.sort_by(|a, b| (a.2.at, &a.0, a.1).cmp(&(b.2.at, &b.0, b.1)));
    let found: Vec<_> = found.into_iter().enumerate().collect();
    let (shown, next) = page(found, |(place, _)| format!("{place:08}"), input.text("nextToken"), most);
    let shown: Value = shown
        .iter()
        .map(|(_, (stream, index, event))| {
            let mut shown = show(event);
            shown["logStreamName"] = stream.clone().into();
            shown["eventId"] = format!("{}{index:010}", event.at.as_millisecond()).into();
            shown
        })
        .collect();
    let mut result = json!({"events": shown, "searchedLogStreams": []});
    if let Some(next) = next {
        result["nextToken"] = next.into();
    }
    Ok(result)
}
