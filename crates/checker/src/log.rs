//! What the function writes to its log: one line of JSON for each run.
//!
//! Owns the line's shape, which carries the metrics as well ("Specification: Embedded metric format" in
//! the CloudWatch user guide), so that no further permission is needed to graph them. It must not
//! decide where the line goes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::run_summary::RunSummary;

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "Keyminder";

/// What tells a summary from whatever else is in the log.
const KIND: &str = "keyminder.summary";

/// The last line of a run, as `status` and `test` read it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryLine {
    /// When the run ended.
    pub timestamp: Timestamp,
    /// The request id of the invocation.
    pub request_id: String,
    /// The id of the event, where it had one.
    #[serde(default)]
    pub event_id: Option<String>,
    /// What the run came to.
    pub answer: RunSummary,
    /// Why it failed, in words; `None` where it did not.
    #[serde(default)]
    pub error: Option<String>,
}

impl SummaryLine {
    /// Writes the line, without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        let answer = &self.answer;
        let mut line = json!({
            "type": KIND,
            "level": if self.error.is_some() { "ERROR" } else { "INFO" },
            "message": if self.error.is_some() { "the check failed" } else { "the check is done" },
            "Install": answer.install,
            "Failed": u8::from(self.error.is_some()),
        });
        let mut metrics = vec![metric("Failed", "Count")];
        // What was not read must not be graphed as a zero.
        let counted = |number: u32| (answer.complete || number > 0).then(|| u64::from(number));
        // Where not even the number of users was read, nobody knows how many are unknown.
        let users_unknown =
            if answer.users == 0 { counted(answer.users_unknown) } else { Some(answer.users_unknown.into()) };
        let measured = [
            ("OldKeys", "Count", counted(answer.old)),
            ("KeysDue", "Count", counted(answer.due)),
            ("UsersUnknown", "Count", users_unknown),
            ("OldestKeyAgeDays", "None", answer.oldest_age_days.map(u64::from)),
            ("DurationMs", "Milliseconds", Some(answer.duration_ms)),
        ];
        for (name, unit, value) in measured {
            if let Some(value) = value.filter(|_| answer.mode != "test-notice") {
                metrics.push(metric(name, unit));
                line[name] = value.into();
            }
        }
        line["_aws"] = json!({
            "Timestamp": self.timestamp.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["Install"]], "Metrics": metrics }],
        });
        if let (Some(line), Ok(Value::Object(own))) = (line.as_object_mut(), serde_json::to_value(self)) {
            line.extend(own);
        }
        line.to_string()
    }

    /// Reads a line of the log; `None` where it is another.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        // Cheap, and spares most lines the parsing.
        if !line.contains(KIND) {
            return None;
        }
        let value: Value = serde_json::from_str(line.trim()).ok()?;
        if value.get("type")? != KIND {
            return None;
        }
        serde_json::from_value(value).ok()
    }
}

fn metric(name: &str, unit: &str) -> Value {
    json!({ "Name": name, "Unit": unit })
}
