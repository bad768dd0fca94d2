//! What the function wrote to its log lately.

use aws_sdk_cloudwatchlogs::types::OrderBy;
use jiff::Timestamp;

use crate::error::{Error, failed};
use crate::installation::Installation;

/// One event of the function's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it was written.
    pub at: Timestamp,
    /// The line.
    pub message: String,
}

/// Each execution environment writes a stream of its own; the last run is in one of the newest.
const STREAMS: i32 = 3;

impl Installation {
    /// The latest events of the function's log, oldest first; empty where it never ran.
    ///
    /// # Errors
    /// What CloudWatch Logs answers.
    pub async fn recent_log(&self) -> Result<Vec<LogEvent>, Error> {
        let group = &self.names.log_group;
        let logs = &self.clients.logs;
        let streams = logs
            .describe_log_streams()
            .log_group_name(group)
            .order_by(OrderBy::LastEventTime)
            .descending(true)
            .limit(STREAMS)
            .send()
            .await
            .map_err(failed("logs:DescribeLogStreams", group));
        let streams = match streams {
            Ok(answer) => answer.log_streams.unwrap_or_default(),
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut events = Vec::new();
        for stream in streams.iter().filter_map(|stream| stream.log_stream_name()) {
            let answer = logs
                .get_log_events()
                .log_group_name(group)
                .log_stream_name(stream)
                .start_from_head(false)
                .limit(200)
                .send()
                .await
                .map_err(failed("logs:GetLogEvents", stream))?;
            events.extend(answer.events.unwrap_or_default().into_iter().filter_map(|event| {
                let at = Timestamp::from_millisecond(event.timestamp?).ok()?;
                Some(LogEvent { at, message: event.message.unwrap_or_default() })
            }));
        }
        events.sort_by_key(|event| event.at);
        Ok(events)
    }
}
