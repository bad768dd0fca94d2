//! The controls of the CIS AWS Foundations Benchmark that a check of access keys can grade.
//!
//! Owns the benchmark's limits, its control numbers and the grading. The configured limits play no part in it: the
//! benchmark has its own.

use jiff::Timestamp;
use serde::Serialize;

use crate::key::{CredentialKind, KeyStatus, LastUsed, whole_days};
use crate::report::{Finding, Report};
use crate::verdict::Verdict;

/// "Access keys are rotated every 90 days or less".
const ROTATION_DAYS: u32 = 90;
/// "Credentials unused for 45 days or more".
const UNUSED_DAYS: u32 = 45;

/// The counts that grading needs, of all active access keys, listed in the report or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Active access keys.
    active: u32,
    /// Those older than 90 days.
    over: u32,
    /// Those of `over` that an exemption covers: the benchmark has none.
    over_exempt: u32,
    /// Those unused for 45 days or more.
    unused: u32,
    /// Those old enough to be unused whose last use is not known.
    use_unknown: u32,
}

impl Tally {
    pub(crate) fn count(&mut self, finding: &Finding, as_of: Timestamp) {
        let Some(created) = finding.created else { return };
        if finding.kind != CredentialKind::AccessKey || finding.status != Some(KeyStatus::Active) {
            return;
        }
        self.active += 1;
        if crate::key::seconds_beyond(created, ROTATION_DAYS, as_of) > 0 {
            self.over += 1;
            self.over_exempt += u32::from(finding.verdict == Verdict::Exempt);
        }
        if whole_days(created, as_of) < UNUSED_DAYS {
            return;
        }
        match finding.last_used {
            LastUsed::Never => self.unused += 1,
            LastUsed::At { at, .. } => self.unused += u32::from(whole_days(at, as_of) >= UNUSED_DAYS),
            LastUsed::NotRead | LastUsed::Unknown => self.use_unknown += 1,
        }
    }
}

/// What a check says about a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// The check does not show whether it holds.
    NotGraded,
}

/// A control of the benchmark, graded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// What it demands.
    pub title: &'static str,
    /// Its number in each version of the benchmark.
    pub numbers: [Number; 4],
    /// The grade.
    pub result: Grade,
    /// The reason, as a sentence without an end.
    pub because: String,
}

/// The number of a control in some versions of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Number {
    /// The versions.
    pub versions: &'static str,
    /// The number.
    pub number: &'static str,
}

/// The versions, oldest first. From 1.4 on, when the limit for unused credentials became 45 days.
const VERSIONS: [&str; 4] = ["v1.4 to v4.0.1", "v5.0", "v6.0", "v7.0"];

fn numbers(numbers: [&'static str; 4]) -> [Number; 4] {
    std::array::from_fn(|at| Number { versions: VERSIONS[at], number: numbers[at] })
}

/// The controls. None is graded if the check did not look at the whole account as it is.
#[must_use]
pub fn controls(report: &Report) -> [Control; 3] {
    let partial = match (&report.user_filter, report.simulated) {
        (Some(name), _) => Some(format!("only users named '{name}' were checked")),
        (None, true) => Some("this is a simulation for another date".to_owned()),
        (None, false) => None,
    };
    let graded = |title, of: [&'static str; 4], (result, because): (Grade, String)| {
        let (result, because) = partial.clone().map_or((result, because), |why| (Grade::NotGraded, why));
        Control { title, numbers: numbers(of), result, because }
    };
    [
        graded("No root user access key exists", ["1.4", "1.3", "2.3", "2.4"], root(report)),
        graded("Access keys are rotated every 90 days or less", ["1.14", "1.13", "2.13", "2.12"], rotation(report)),
        graded("Credentials unused for 45 days or more are disabled", ["1.12", "1.11", "2.11", "2.11"], unused(report)),
    ]
}

fn root(report: &Report) -> (Grade, String) {
    match report.root_access_keys {
        Some(0) => (Grade::Pass, "the root user has no access key".to_owned()),
        Some(keys) => (Grade::Fail, format!("the root user has {}", counted(keys, "access key", "access keys"))),
        None => (Grade::NotGraded, "it could not be read whether the root user has access keys".to_owned()),
    }
}

fn rotation(report: &Report) -> (Grade, String) {
    let Tally { active, over, over_exempt, .. } = report.tally;
    if over > 0 {
        let mut because =
            format!("{} older than 90 days", counted(over, "active access key is", "active access keys are"));
        if over_exempt > 0 {
            because.push_str(&format!(
                ", {over_exempt} of them exempt here: the benchmark has no exemptions, so an auditor decides"
            ));
        }
        return (Grade::Fail, because);
    }
    if !report.complete {
        return (Grade::NotGraded, "not everything could be read".to_owned());
    }
    let keys = counted(active, "active access key", "active access keys");
    (Grade::Pass, format!("none of {keys} is older than 90 days"))
}

fn unused(report: &Report) -> (Grade, String) {
    let Tally { unused, use_unknown, .. } = report.tally;
    if unused > 0 {
        let keys = counted(unused, "active access key has", "active access keys have");
        return (Grade::Fail, format!("{keys} been unused for 45 days or more"));
    }
    if !report.complete {
        return (Grade::NotGraded, "not everything could be read".to_owned());
    }
    if use_unknown > 0 {
        let keys = counted(use_unknown, "active access key", "active access keys");
        return (Grade::NotGraded, format!("the last use of {keys} is not known"));
    }
    let because = "no active access key has been unused for 45 days or more, but this control also covers console \
                   passwords, which keyminder does not check";
    (Grade::NotGraded, because.to_owned())
}

fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
