//! What every form of a report says about the check as a whole: its scope, how complete it is, the counts, the outcome.
//!
//! Each is written once here, so that the table and the page cannot disagree.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keyminder_keyage::report::thousands;
use keyminder_keyage::{Report, Untrusted};

use crate::render::style::{hang, warn};
use crate::render::when::day;

/// How a check was made: what a report says besides what was found.
#[derive(Debug, Clone)]
pub(crate) struct Provenance {
    /// The ARN of the caller.
    pub(crate) made_by: String,
    /// Where the settings came from, in words.
    pub(crate) settings_from: String,
    /// The configuration file, if one was read.
    pub(crate) config_file: Option<String>,
    /// What was asked in AWS's place, if anything.
    pub(crate) endpoint: Option<String>,
}

/// A minute in UTC.
pub(super) fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The moment that keys are judged as of: a day if it is its first second.
fn as_of(report: &Report) -> String {
    let time = report.as_of.to_zoned(TimeZone::UTC).time();
    if time == jiff::civil::Time::midnight() { day(report.as_of) } else { moment(report.as_of) }
}

/// What the report is about, for a title: "account 123456789012 (prod)", "users named 'ci-*' in account …".
pub(super) fn subject(report: &Report) -> String {
    let alias = report.account_alias.as_ref().map(|alias| format!(" ({})", Untrusted::new(alias))).unwrap_or_default();
    let account = format!("account {}{alias}", report.account);
    match &report.user_filter {
        Some(name) => format!("users named '{}' in {account}", Untrusted::new(name)),
        None => account,
    }
}

/// What the report does not show, if it is not about the whole account as it is: sentences.
pub(super) fn limits_of_scope(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(name) = &report.user_filter {
        let name = Untrusted::new(name);
        sentences.push(format!("Only users named '{name}' were checked. This report says nothing about other users."));
    }
    if report.simulated && report.as_of > report.made_at {
        sentences.push(format!(
            "Simulated for {}: the keys of today, as if none were created, used, changed or deleted until then.",
            as_of(report)
        ));
    } else if report.simulated {
        let left_out = match report.created_later {
            0 => String::new(),
            1 => " 1 key created later is left out.".to_owned(),
            later => format!(" {} keys created later are left out.", thousands(later)),
        };
        sentences.push(format!(
            "Simulated for {}: the keys of today that existed then.{left_out} Keys deleted since then are missing.",
            as_of(report)
        ));
    }
    sentences
}

/// The same for a terminal, above something that does not say it.
pub(crate) fn remarks(report: &Report, width: usize) -> String {
    let remark = |sentence: String| warn(hang(&format!("! {sentence}"), 2, width)) + "\n";
    limits_of_scope(report).into_iter().map(remark).collect()
}

/// Whose keys were read, and whether all of them: one sentence.
pub(super) fn completeness(report: &Report) -> String {
    let summary = &report.summary;
    let keys = count(summary.keys, "key", "keys");
    let whose = match &report.user_filter {
        Some(name) => format!(" named '{}'", Untrusted::new(name)),
        None => String::new(),
    };
    if summary.users > summary.users_read {
        return format!("Only {}{whose} could be read, with {keys}.", report.users_read());
    }
    let users = match summary.users {
        1 => format!("The only user{whose} was"),
        users => format!("All {} users{whose} were", thousands(users)),
    };
    match report.complete {
        true => format!("{users} read, with {keys}."),
        false => format!("{users} read, with {keys}, but not everything about them."),
    }
}

/// How many keys have which verdict: numbers that add up, and what overlaps them.
pub(super) fn counts(report: &Report) -> String {
    let summary = &report.summary;
    let judged = summary.old + summary.due + summary.exempt + summary.inactive + summary.fresh;
    let mut text = format!(
        "{} of {}: {} old, {} due, {} exempt, {} inactive, {} fresh",
        count(summary.keys, "key", "keys"),
        count(summary.users_read, "user", "users"),
        summary.old,
        summary.due,
        summary.exempt,
        summary.inactive,
        summary.fresh
    );
    if summary.keys > judged {
        text.push_str(&format!(", {} unknown", summary.keys - judged));
    }
    text.push('.');
    match summary.unused {
        0 => {}
        1 => text.push_str(" 1 of them is also unused."),
        unused => text.push_str(&format!(" {unused} of them are also unused.")),
    }
    match summary.users_unknown {
        0 => {}
        1 => text.push_str(" 1 more user could not be read."),
        users => text.push_str(&format!(" {} more users could not be read.", thousands(users))),
    }
    text
}

/// The outcome for users' keys, as a sentence; `true` if it is good.
pub(super) fn outcome(report: &Report) -> (bool, String) {
    outcome_by(report, limits_differ(report))
}

/// The same for a report that does not list its keys.
pub(super) fn outcome_by(report: &Report, limits_differ: bool) -> (bool, String) {
    let summary = &report.summary;
    let whose = match &report.user_filter {
        Some(name) => format!(" of users named '{}'", Untrusted::new(name)),
        None => String::new(),
    };
    let (singular, plural, when) = match report.simulated {
        false => ("is", "are", String::new()),
        true if report.as_of > report.made_at => ("will be", "will be", format!(" on {}", as_of(report))),
        true => ("was", "were", format!(" on {}", as_of(report))),
    };
    let limit = if limits_differ { "its limit" } else { "the limit" };
    match summary.old {
        0 if !report.complete => (false, "Not everything could be read: what is missing may be old.".to_owned()),
        0 => {
            let exempt = match summary.exempt {
                0 => String::new(),
                1 => " (1 key is exempt)".to_owned(),
                keys => format!(" ({} keys are exempt)", thousands(keys)),
            };
            (true, format!("No key{whose} {singular} over {limit}{when}{exempt}."))
        }
        1 => (false, format!("1 key{whose} {singular} over {limit}{when}.")),
        old => {
            let limit = if limits_differ { "their limits" } else { "the limit" };
            (false, format!("{} keys{whose} {plural} over {limit}{when}.", thousands(old)))
        }
    }
}

/// Whether some key has another limit than the general one.
pub(super) fn limits_differ(report: &Report) -> bool {
    report.keys.iter().filter_map(|key| key.limit_days).any(|limit| limit != report.max_age_days)
}

pub(super) fn count(number: u32, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
impl Provenance {
    pub(super) fn of_test() -> Self {
        Self {
            made_by: "arn:aws:iam::123456789012:user/auditor".to_owned(),
            settings_from: "defaults".to_owned(),
            config_file: None,
            endpoint: None,
        }
    }
}
