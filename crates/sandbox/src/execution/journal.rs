//! What a run leaves in the log: Lambda's own lines around the function's, written as the function's role.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::instance::Answer;
use crate::permission::{Need, role_may};
use crate::world::{Function, LogEvent, LogGroup, LogStream, World};

/// The group a function writes to.
pub(super) fn group_of(function: &Function) -> String {
    let chosen = function.settings.get("LoggingConfig").and_then(|config| config["LogGroup"].as_str());
    chosen.map_or_else(|| format!("/aws/lambda/{}", function.name), str::to_owned)
}

/// The log of one run.
#[derive(Debug)]
pub(super) struct Journal {
    id: String,
    cold: bool,
    events: Vec<LogEvent>,
}

impl Journal {
    pub(super) fn start(at: Timestamp, id: &str, cold: bool, function: &Function) -> Self {
        let mut journal = Self { id: id.into(), cold, events: Vec::new() };
        if cold {
            let runtime = function.runtime.replace('.', ":");
            journal.say(at, format!("INIT_START Runtime Version: {runtime}.v1\n"));
        }
        journal.say(at, format!("START RequestId: {id} Version: $LATEST\n"));
        journal
    }

    fn say(&mut self, at: Timestamp, message: String) {
        self.events.push(LogEvent { at, message });
    }

    pub(super) fn lines(&mut self, lines: Vec<LogEvent>) {
        self.events.extend(lines);
    }

    pub(super) fn end(
        &mut self,
        at: Timestamp,
        answer: &Answer,
        took: Duration,
        function: &Function,
        peak: Option<u64>,
    ) {
        let id = self.id.clone();
        match answer {
            Answer::TimedOut(_) => {
                self.say(at, format!("{at:.3} {id} Task timed out after {}.00 seconds\n\n", function.timeout));
            }
            Answer::Exited(payload) => {
                let told: Value = serde_json::from_slice(payload).unwrap_or_default();
                let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
                self.say(at, format!("{}\n{}\n", text("errorMessage"), text("errorType")));
            }
            Answer::Response(_) | Answer::Error(_) => {}
        }
        self.say(at, format!("END RequestId: {id}\n"));
        let ms = took.as_secs_f64() * 1000.0;
        let mut report = format!(
            "REPORT RequestId: {id}\tDuration: {ms:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\tMax Memory \
             Used: {} MB\t",
            ms.ceil(),
            function.memory,
            peak.unwrap_or_default()
        );
        if self.cold {
            report.push_str("Init Duration: 0.00 ms\t");
        }
        if matches!(answer, Answer::TimedOut(_)) {
            report.push_str("Status: timeout");
        } else if matches!(answer, Answer::Exited(_)) {
            report.push_str("Status: error\tError Type: Runtime.ExitError");
        }
        self.say(at, report + "\n");
    }

    /// Puts the events where the role may put them, and gives back their text.
    pub(super) fn write(self, world: &mut World, region: &str, function: &Function, stream: &str) -> String {
        let text = self.events.iter().map(|event| event.message.as_str()).collect();
        let group = group_of(function);
        if allowed(world, region, function, &group, stream) {
            let created = self.events.first().map_or(Timestamp::UNIX_EPOCH, |event| event.at);
            let groups = &mut world.region(region).log_groups;
            let group = groups.entry(group.clone()).or_insert_with(|| LogGroup {
                name: group,
                retention: None,
                tags: Default::default(),
                kms_key: None,
                class: "STANDARD".into(),
                created,
                streams: Default::default(),
            });
            let stream = group.streams.entry(stream.into()).or_insert(LogStream { created, events: Vec::new() });
            stream.events.extend(self.events);
        }
        text
    }
}

/// Whether the role may write there; and where the group is missing, whether it may make it.
fn allowed(world: &World, region: &str, function: &Function, group: &str, stream: &str) -> bool {
    let Some(role) = world.iam.role_by_arn(&function.role) else {
        return false;
    };
    let on_stream = world.arn("logs", region, &format!("log-group:{group}:log-stream:{stream}"));
    let on_group = world.arn("logs", region, &format!("log-group:{group}"));
    let may = |action: &str, resource: &str| {
        let need = Need::on(action, vec![resource.into(), format!("{on_group}:*")]);
        role_may(world, role, "", region, &need).is_ok()
    };
    let exists = world.regions.get(region).is_some_and(|here| here.log_groups.contains_key(group));
    (exists || may("logs:CreateLogGroup", &on_group))
        && may("logs:CreateLogStream", &on_stream)
        && may("logs:PutLogEvents", &on_stream)
}
