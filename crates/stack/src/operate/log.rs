//! What the function's log tells of its runs: Lambda's own lines around each, and what the function wrote in between.
//!
//! Asks CloudWatch Logs: FilterLogEvents of the whole group, because the time that a stream gives for its last event
//! may be an hour old (API reference, LogStream). It must not know what the function's own lines mean.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::actions::{Actions, On};
use crate::error::{Error, failed};
use crate::installation::Installation;
use crate::resource::found;

/// What these calls need to be allowed.
pub(super) const ACTIONS: Actions = &[(On::LogGroup, &["logs:FilterLogEvents"])];

/// One run of the function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedRun {
    /// Lambda's id of the invocation; empty where its beginning is not in the log.
    pub request_id: String,
    /// When it began.
    pub at: Timestamp,
    /// What the function itself wrote.
    pub lines: Vec<String>,
    /// Lambda wrote that it is over. What is not over may still be writing.
    pub over: bool,
    /// How Lambda put an end to it, where it did not come to one by itself: out of time, killed, not able to start.
    pub broken: Option<String>,
}

impl Installation {
    /// The runs of the function since a moment, in the order in which they began; empty where it did not run.
    ///
    /// # Errors
    /// What CloudWatch Logs answers.
    pub async fn runs(&self, since: Timestamp) -> Result<Vec<LoggedRun>, Error> {
        let group = &self.names.log_group;
        let request = self.clients.logs.filter_log_events().log_group_name(group).start_time(since.as_millisecond());
        let mut pages = request.into_paginator().send();
        let mut streams: BTreeMap<String, Journal> = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let Some(page) = found(page.map_err(failed("logs:FilterLogEvents", group)))? else { break };
            for event in page.events.unwrap_or_default() {
                let at = event.timestamp.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
                let journal = streams.entry(event.log_stream_name.unwrap_or_default()).or_default();
                journal.read(at, &event.message.unwrap_or_default());
            }
        }
        let mut runs: Vec<_> = streams.into_values().flat_map(|journal| journal.0).collect();
        runs.sort_by_key(|run| run.at);
        Ok(runs)
    }

    /// When the function was made or last changed; `None` where it is not there or does not say.
    ///
    /// # Errors
    /// What Lambda answers.
    pub async fn changed_at(&self) -> Result<Option<Timestamp>, Error> {
        let name = &self.names.function;
        let answer = self.clients.lambda.get_function_configuration().function_name(name).send().await;
        let answer = found(answer.map_err(failed("lambda:GetFunctionConfiguration", name)))?;
        Ok(answer.and_then(|answer| {
            let time = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", answer.last_modified()?).ok()?;
            time.to_timestamp().ok()
        }))
    }
}

/// How Lambda's own lines begin that need not be read.
const PLATFORM: [&str; 3] = ["INIT_START ", "INIT_REPORT ", "END RequestId: "];

/// The runs of one execution environment, which has them one after the other and each stream to itself.
#[derive(Default)]
struct Journal(Vec<LoggedRun>);

impl Journal {
    /// Takes in the next line: Lambda's own in text or in JSON (Lambda Developer Guide, "Log formats"), or another.
    fn read(&mut self, at: Timestamp, line: &str) {
        let line = line.trim_end();
        let json = line.strip_prefix('{').and_then(|_| serde_json::from_str::<Value>(line).ok());
        let platform = json.as_ref().and_then(|json| json["type"].as_str()?.strip_prefix("platform."));
        let record = json.as_ref().map_or(&Value::Null, |json| &json["record"]);
        if let Some(rest) = line.strip_prefix("START RequestId: ") {
            self.start(at, rest.split(' ').next().unwrap_or_default());
        } else if platform == Some("start") {
            self.start(at, record["requestId"].as_str().unwrap_or_default());
        } else if let Some(rest) = line.strip_prefix("REPORT RequestId: ") {
            let field = |name| rest.split('\t').find_map(|field| field.trim().strip_prefix(name));
            let id = rest.split(['\t', ' ']).next().unwrap_or_default();
            self.over(id, field("Status: "), field("Error Type: "));
        } else if platform == Some("report") {
            let id = record["requestId"].as_str().unwrap_or_default();
            self.over(id, record["status"].as_str(), record["errorType"].as_str());
        } else if platform.is_some() || PLATFORM.iter().any(|own| line.starts_with(own)) {
            // Nothing that the report does not say.
        } else if let Some((_, how)) = line.split_once(" Task timed out after ") {
            self.last(at).broken = Some(format!("timed out after {how}"));
        } else if let Some((_, how)) = line.split_once(" Error: ").filter(|_| line.starts_with("RequestId: ")) {
            self.last(at).broken = Some(how.lines().next().unwrap_or_default().to_owned());
        } else {
            self.last(at).lines.push(line.to_owned());
        }
    }

    fn start(&mut self, at: Timestamp, id: &str) {
        self.0.push(LoggedRun { at, request_id: id.to_owned(), ..LoggedRun::default() });
    }

    /// The run that a line belongs to: the latest. Where none has begun one begins with the line.
    fn last(&mut self, at: Timestamp) -> &mut LoggedRun {
        if self.0.is_empty() {
            self.start(at, "");
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn over(&mut self, id: &str, status: Option<&str>, kind: Option<&str>) {
        let Some(run) = self.0.iter_mut().rfind(|run| run.request_id == id) else { return };
        run.over = true;
        if run.broken.is_none() {
            run.broken = kind.or(status.filter(|status| *status != "success")).map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(lines: &[&str]) -> Vec<LoggedRun> {
        let mut journal = Journal::default();
        for (second, line) in (0..).zip(lines) {
            journal.read(Timestamp::from_second(second).unwrap(), line);
        }
        journal.0
    }

    #[test]
    fn a_run_has_the_lines_between_its_start_and_its_report() {
        let found = runs(&[
            "INIT_START Runtime Version: provided:al2023.v1\n",
            "START RequestId: a Version: $LATEST\n",
            "first\n",
            "END RequestId: a\n",
            "REPORT RequestId: a\tDuration: 9.00 ms\tMax Memory Used: 20 MB\t\n",
            "START RequestId: b Version: $LATEST\n",
            "second\n",
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].lines.as_slice(), found[0].over), (["first".to_owned()].as_slice(), true));
        assert_eq!((found[1].at.as_second(), found[1].over, &found[1].broken), (5, false, &None));
    }

    #[test]
    fn a_run_that_lambda_ended_says_how() {
        let timed_out = runs(&[
            "START RequestId: a Version: $LATEST",
            "2026-11-23T12:00:03.000Z a Task timed out after 900.00 seconds\n\n",
            "END RequestId: a",
            "REPORT RequestId: a\tDuration: 900000.00 ms\tStatus: timeout\n",
        ]);
        assert_eq!(timed_out[0].broken.as_deref(), Some("timed out after 900.00 seconds"));
        let killed = runs(&[
            "START RequestId: a Version: $LATEST",
            "RequestId: a Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
            "REPORT RequestId: a\tDuration: 9.00 ms\tStatus: error\tError Type: Runtime.ExitError\n",
        ]);
        assert_eq!(killed[0].broken.as_deref(), Some("Runtime exited with error: signal: killed"));
        let wordless = runs(&[
            "START RequestId: a Version: $LATEST",
            "REPORT RequestId: a\tStatus: error\tError Type: Runtime.InvalidEntrypoint\n",
        ]);
        assert_eq!(wordless[0].broken.as_deref(), Some("Runtime.InvalidEntrypoint"));
    }

    #[test]
    fn lambdas_lines_in_json_are_understood_and_the_functions_are_left_as_they_are() {
        let found = runs(&[
            r#"{"time":"2026-11-23T12:00:00Z","type":"platform.start","record":{"requestId":"a"}}"#,
            r#"{"type":"mine"}"#,
            r#"{"time":"2026-11-23T12:00:01Z","type":"platform.report","record":{"requestId":"a","status":"timeout"}}"#,
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].lines.len(), found[0].broken.as_deref()), (1, Some("timeout")));
    }
}
