//! The runs of the function according to its log: Lambda's lines and the checker's, put together.

use jiff::{SignedDuration, Timestamp};
use keyminder_checker::{RunSummary, SummaryLine};
use keyminder_keyage::Schedule;
use keyminder_stack::{Installation, LoggedRun};

use super::session::Session;
use crate::error::Error;

/// A run that is over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// When it ended, or began where only that is known.
    pub(super) at: Timestamp,
    /// What it came to; `None` where it was ended before it could say.
    pub(super) answer: Option<RunSummary>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

impl Run {
    fn mode(&self) -> Option<&str> {
        self.answer.as_ref().map(|answer| answer.mode.as_str())
    }

    /// The rule started it. One that was ended before it could say may have been.
    pub(super) fn is_scheduled(&self) -> bool {
        self.mode().is_none_or(|mode| mode == "scheduled")
    }

    /// It looked at keys and told of them, or was to: neither a test notice nor a trial does both.
    pub(super) fn is_check(&self) -> bool {
        !matches!(self.mode(), Some("test-notice" | "test-owner" | "dry-run"))
    }
}

/// How long nothing may be heard of the function before something is wrong: two periods of its schedule, and a bit.
pub(super) fn longest_silence(schedule: &Schedule) -> SignedDuration {
    schedule.period().saturating_mul(2).saturating_add(SignedDuration::from_mins(15))
}

/// How far back the last run is looked for where the schedule alone would not have us look that far.
pub(super) const LOOK_BACK: SignedDuration = SignedDuration::from_hours(100 * 24);

/// The runs since a moment, the oldest first.
///
/// # Errors
/// What CloudWatch Logs answers, and `Interrupted`.
pub(super) async fn since(
    session: &Session,
    installation: &Installation,
    moment: Timestamp,
) -> Result<Vec<Run>, Error> {
    let logged = session.reading(installation.runs(moment)).await?;
    Ok(put_together(&logged, Timestamp::now()))
}

/// How long the function's last line may come after Lambda's.
const LOG_LAG: SignedDuration = SignedDuration::from_mins(1);

fn put_together(logged: &[LoggedRun], now: Timestamp) -> Vec<Run> {
    let lines = logged.iter().flat_map(|run| &run.lines);
    let summaries: Vec<SummaryLine> = lines.filter_map(|line| SummaryLine::parse(line)).collect();
    let reported = |run: &LoggedRun| summaries.iter().any(|line| line.request_id == run.request_id);
    let silent = logged.iter().filter(|run| run.over && !reported(run)).filter_map(|run| {
        let error = match &run.broken {
            Some(how) => format!("Lambda ended the run: {}", how.trim_end_matches('.')),
            None if now.duration_since(run.at) > LOG_LAG => "the run did not report a result".to_owned(),
            None => return None,
        };
        Some(Run { at: run.at, answer: None, error: Some(error) })
    });
    let mut runs: Vec<Run> = silent.collect();
    runs.extend(summaries.iter().map(|line| Run {
        at: line.timestamp,
        answer: Some(line.answer.clone()),
        error: line.error.clone(),
    }));
    runs.sort_by_key(|run| run.at);
    runs
}

/// The latest runs: those within the longest silence, or, where that is what there is, all that are left of older ones.
///
/// # Errors
/// What CloudWatch Logs answers, and `Interrupted`.
pub(super) async fn recent(
    session: &Session,
    installation: &Installation,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<Vec<Run>, Error> {
    let silence = longest_silence(schedule);
    let runs = since(session, installation, now.saturating_sub(silence).unwrap_or(now)).await?;
    if runs.iter().any(|run| run.is_scheduled()) || silence >= LOOK_BACK {
        return Ok(runs);
    }
    since(session, installation, now.saturating_sub(LOOK_BACK).unwrap_or(now)).await
}
