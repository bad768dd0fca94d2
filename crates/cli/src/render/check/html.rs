//! A check as one HTML page that needs nothing else: for an auditor to keep.
//!
//! Owns what the page is told; how it looks is in `assets/report.html`. Everything passes through the template engine,
//! which escapes it: names cannot become markup.

use keyminder_keyage::{ExemptionState, Finding, LastUsed, Report, Settings, Untrusted};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::histogram::bins;
use crate::error::Error;
use crate::render::when::day;

const TEMPLATE: &str = include_str!("../../../../../assets/report.html");

/// A control of the CIS AWS Foundations Benchmark, with its number by version.
#[derive(Serialize)]
struct Control {
    title: &'static str,
    numbers: [(&'static str, &'static str); 4],
    /// `pass`, `fail` or `unclear`.
    result: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Row {
    user: String,
    key: String,
    kind: &'static str,
    status: &'static str,
    verdict: String,
    rank: u8,
    age: Option<u32>,
    /// How far it is over its limit if that is less than a day, such as "90 days and 12 hours".
    exact_age: Option<String>,
    limit: Option<u32>,
    created: String,
    last_used: String,
    owner: String,
    reason: String,
    advice: Option<(String, String)>,
}

/// The page.
///
/// # Errors
/// None but a template that is broken.
pub(crate) fn html(report: &Report, settings: &Settings) -> Result<String, Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    let complaint = |error: minijinja::Error| Error::failed("Html", format!("the page could not be made: {error}"));
    engine.add_template("report.html", TEMPLATE).map_err(complaint)?;
    let template = engine.get_template("report.html").map_err(complaint)?;
    let bins = bins(report);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let bars: Vec<_> = bins
        .iter()
        .map(|bin| context! { label => bin.label(), count => bin.count, over => bin.over, percent => bin.count * 100 / most })
        .collect();
    let exemptions: Vec<_> = report
        .exemptions
        .iter()
        .map(|record| {
            let keys: Vec<_> =
                record.keys.iter().map(|(user, key)| format!("{} {key}", Untrusted::new(user))).collect();
            context! {
                who => Untrusted::new(&record.exemption.user).to_string(),
                key => record.exemption.access_key_id.clone(),
                until => record.exemption.until.to_string(),
                reason => Untrusted::new(&record.exemption.reason).to_string(),
                expired => record.state == ExemptionState::Expired,
                source => Serde(record.source),
                keys => keys,
            }
        })
        .collect();
    let clean = report.complete && report.summary.old == 0 && report.root_access_keys == Some(0);
    template
        .render(context! {
            account => report.account.clone(),
            alias => report.account_alias.as_ref().map(|alias| Untrusted::new(alias).to_string()),
            as_of => report.as_of.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            limit => report.max_age_days,
            settings => Serde(settings),
            summary => Serde(&report.summary),
            complete => report.complete,
            root_keys => report.root_access_keys,
            clean => clean,
            controls => Serde(controls(report, settings)),
            bars => bars,
            rows => Serde(report.keys.iter().map(row).collect::<Vec<_>>()),
            exemptions => exemptions,
            errors => report.errors.iter().map(|error| Untrusted::new(&error.to_string()).to_string()).collect::<Vec<_>>(),
            errors_left_out => report.errors_left_out,
            version => env!("CARGO_PKG_VERSION"),
        })
        .map_err(complaint)
}

fn row(key: &Finding) -> Row {
    let plain = |text: &Option<String>| text.as_ref().map(|text| Untrusted::new(text).to_string()).unwrap_or_default();
    let verdict = key.verdict.to_string();
    Row {
        user: Untrusted::new(&key.user).to_string(),
        key: key.access_key_id.clone().unwrap_or_default(),
        kind: key.kind.noun(),
        status: key.status.map_or("", |status| status.as_str()),
        rank: ["old", "unknown", "due", "exempt", "inactive"]
            .iter()
            .position(|word| *word == verdict)
            .map_or(9, |at| at as u8),
        verdict,
        age: key.age_days,
        exact_age: key.is_over_by_less_than_a_day().then(|| key.age_in_words()),
        limit: key.limit_days,
        created: key.created.map(day).unwrap_or_default(),
        last_used: match &key.last_used {
            LastUsed::NotRead => String::new(),
            LastUsed::Unknown => "unknown".to_owned(),
            LastUsed::Never => "never".to_owned(),
            LastUsed::At { at, service, .. } => {
                format!(
                    "{} {}",
                    day(*at),
                    service.as_deref().map(|s| Untrusted::new(s).to_string()).unwrap_or_default()
                )
            }
        },
        owner: plain(&key.owner),
        advice: key.advice.as_ref().map(|one| (one.text.clone(), Untrusted::new(&one.because).to_string())),
        reason: match (key.unused_since, plain(&key.reason)) {
            (Some(since), reason) if reason.is_empty() => format!("unused since {}", day(since)),
            (Some(since), reason) => format!("unused since {}; {reason}", day(since)),
            (None, reason) => reason,
        },
    }
}

/// What the check says of the benchmark's two controls on access keys; it says nothing of what it did not look at.
fn controls(report: &Report, settings: &Settings) -> [Control; 2] {
    let summary = &report.summary;
    let stricter = settings.limits.iter().all(|limit| limit.max_age_days <= 90);
    let rotation = match () {
        () if summary.old > 0 => ("fail", format!("{} active keys are over the limit", summary.old)),
        () if !report.complete => ("unclear", "not everything could be read".to_owned()),
        () if report.max_age_days > 90 || !stricter => {
            ("unclear", "the limit of this check is longer than 90 days for some users".to_owned())
        }
        () if summary.exempt > 0 => ("unclear", format!("{} keys are exempt, with reasons below", summary.exempt)),
        () => ("pass", "every active key that was read is within the limit".to_owned()),
    };
    let unused = match settings.unused_days {
        None => ("unclear", "this check did not look at unused keys".to_owned()),
        Some(_) if summary.unused > 0 => ("fail", format!("{} active keys are unused", summary.unused)),
        Some(_) if !report.complete => ("unclear", "not everything could be read".to_owned()),
        Some(days) if days > 45 => ("unclear", format!("this check called a key unused after {days} days")),
        Some(days) => {
            ("unclear", format!("no active access key is unused for {days} days; console passwords were not looked at"))
        }
    };
    [
        Control {
            title: "Access keys are rotated every 90 days or less",
            numbers: [("v1.4 to v4.0.1", "1.14"), ("v5.0", "1.13"), ("v6.0", "2.13"), ("v7.0", "2.12")],
            result: rotation.0,
            why: rotation.1,
        },
        Control {
            title: "Credentials unused for 45 days or more are disabled",
            numbers: [("v1.4 to v4.0.1", "1.12"), ("v5.0", "1.11"), ("v6.0", "2.11"), ("v7.0", "2.11")],
            result: unused.0,
            why: unused.1,
        },
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keyminder_keyage::User;

    use super::*;

    fn page(users: &[&str]) -> String {
        let settings = Settings::default();
        let mut report = Report::new("123456789012".into(), Timestamp::UNIX_EPOCH, &settings);
        for name in users {
            let user = User { name: (*name).into(), path: "/".into(), tags: None };
            report.add(Finding::unknown(&user, format!("denied for {name}")), true);
        }
        html(&report, &settings).unwrap()
    }

    #[test]
    fn a_hostile_name_cannot_become_markup() {
        let page = page(&["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"]);
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_page_needs_nothing_from_anywhere_else() {
        let page = page(&["alice"]);
        for loading in ["src=", "href=\"http", "url(", "@import", "<link"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }

    #[test]
    fn a_page_with_gaps_never_says_pass() {
        let mut report = Report::new("123456789012".into(), Timestamp::UNIX_EPOCH, &Settings::default());
        report.complete = false;
        assert!(controls(&report, &Settings::default()).iter().all(|control| control.result != "pass"));
    }
}
