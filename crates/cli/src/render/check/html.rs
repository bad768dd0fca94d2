//! A check as one HTML page that needs nothing else: for an auditor to keep.
//!
//! Owns what the page is told; how it looks is in `assets/report-page.html`, `report.html`, `report.css` and `report.js`.
//! Everything passes through the template engine, which escapes it: names cannot become markup. Should one slip through all the same, the
//! page's content policy allows no script and no style but these two, by their hashes.

use base64::Engine;
use keyminder_keyage::{ExemptionState, Finding, LastUsed, Limit, ReadError, Report, Settings, Untrusted, controls};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::histogram::bins;
use super::words::{Provenance, completeness, count, counts, limits_of_scope, moment, outcome, subject};
use crate::error::Error;
use crate::render::when::day;

const TEMPLATE: &str = include_str!("../../../../../assets/report.html");
/// The page that those for one account and for many fill in.
const PAGE: &str = include_str!("../../../../../assets/report-page.html");
/// Its table of keys.
const KEYS: &str = include_str!("../../../../../assets/report-keys.html");
const STYLE: &str = include_str!("../../../../../assets/report.css");
const SCRIPT: &str = include_str!("../../../../../assets/report.js");

/// A key as the page shows it.
#[derive(Serialize)]
pub(super) struct Row {
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
    due: String,
    over: String,
    over_seconds: u64,
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
pub(crate) fn html(report: &Report, settings: &Settings, provenance: &Provenance) -> Result<String, Error> {
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
                approved_by => record.exemption.approved_by.as_ref().map(|name| Untrusted::new(name).to_string()),
                expired => record.state == ExemptionState::Expired,
                source => Serde(record.source),
                keys => keys,
            }
        })
        .collect();
    let summary = &report.summary;
    let judged = summary.old + summary.due + summary.exempt + summary.inactive + summary.fresh;
    let clean = report.complete && summary.old == 0 && report.root_access_keys == Some(0);
    let own = context! {
        coverage => completeness(report),
        outcome => outcome(report),
        summary => Serde(summary),
        unknown_keys => summary.keys.saturating_sub(judged),
        root_keys => report.root_access_keys,
        clean => clean,
        controls => Serde(controls(report)),
        bars => bars,
        rows => Serde(report.keys.iter().map(row).collect::<Vec<_>>()),
        exemptions => exemptions,
        errors => errors(&report.errors),
        errors_left_out => report.errors_left_out,
    };
    page(TEMPLATE, &subject(report), report, settings, provenance, own)
}

/// What could not be read, a line each.
pub(super) fn errors(errors: &[ReadError]) -> Vec<String> {
    errors.iter().map(|error| Untrusted::new(&error.to_string()).to_string()).collect()
}

/// A page: what every one has, from the counts of `report`, and what is its `own`.
///
/// # Errors
/// None but a template that is broken.
pub(super) fn page(
    template: &str,
    subject: &str,
    report: &Report,
    settings: &Settings,
    provenance: &Provenance,
    own: Value,
) -> Result<String, Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    let complaint = |error: minijinja::Error| Error::failed("Html", format!("the page could not be written: {error}"));
    for (name, source) in [("report.html", template), ("page.html", PAGE), ("keys.html", KEYS)] {
        engine.add_template(name, source).map_err(complaint)?;
    }
    let template = engine.get_template("report.html").map_err(complaint)?;
    let simulated = if report.simulated { "Simulation: " } else { "" };
    template
        .render(context! {
            style => STYLE,
            style_hash => hash(STYLE),
            script => SCRIPT,
            script_hash => hash(SCRIPT),
            title => format!("{simulated}IAM access keys of {subject}, {}", moment(report.as_of)),
            partial => limits_of_scope(report),
            counts => counts(report),
            complete => report.complete,
            as_of => moment(report.as_of),
            simulated => report.simulated,
            made_at => moment(report.made_at),
            made_by => Untrusted::new(&provenance.made_by).to_string(),
            settings_from => Untrusted::new(&provenance.settings_from).to_string(),
            endpoint => provenance.endpoint.clone(),
            limit => report.max_age_days,
            limits => settings.limits.iter().map(special_limit).collect::<Vec<_>>(),
            warn_days => settings.warn_days.iter().max(),
            inactive => Serde(settings.inactive),
            version => env!("CARGO_PKG_VERSION"),
            ..own
        })
        .map_err(complaint)
}

/// What a content policy calls this script or style.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

/// A limit that some users have, in words.
fn special_limit(limit: &Limit) -> String {
    let whose = [("user", &limit.user), ("path", &limit.path), ("tag", &limit.tag)];
    let whose: Vec<_> = whose
        .into_iter()
        .filter_map(|(kind, value)| value.as_ref().map(|value| format!("{kind} {}", Untrusted::new(value))))
        .collect();
    format!("{} for {}", count(limit.max_age_days, "day", "days"), whose.join(", "))
}

pub(super) fn row(key: &Finding) -> Row {
    let plain = |text: &Option<String>| text.as_ref().map(|text| Untrusted::new(text).to_string()).unwrap_or_default();
    let is_missing = |field| key.not_read.contains(&field);
    let verdict = key.verdict.to_string();
    let over_seconds = key.over_by_seconds.unwrap_or(0);
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
        due: key.due_at.map(day).unwrap_or_default(),
        over: match over_seconds {
            0 => String::new(),
            1..86_400 => "< 1".to_owned(),
            seconds => (seconds / 86_400).to_string(),
        },
        over_seconds,
        created: key.created.map(day).unwrap_or_default(),
        last_used: match &key.last_used {
            LastUsed::NotRead if is_missing("last_used") => "not read".to_owned(),
            LastUsed::NotRead => "not recorded".to_owned(),
            LastUsed::Unknown => "unknown".to_owned(),
            LastUsed::Never => "never".to_owned(),
            LastUsed::At { at, service, region } => {
                let place: Vec<_> =
                    [service, region].into_iter().flatten().map(|one| Untrusted::new(one).to_string()).collect();
                let place = if place.is_empty() { String::new() } else { format!(", {}", place.join(" in ")) };
                format!("{}{place}", day(*at))
            }
        },
        owner: if is_missing("owner") { "not read".to_owned() } else { plain(&key.owner) },
        advice: key.advice.as_ref().map(|one| (one.text.clone(), Untrusted::new(&one.because).to_string())),
        reason: match (key.unused_since, plain(&key.reason)) {
            (Some(since), reason) if reason.is_empty() => format!("unused since {}", day(since)),
            (Some(since), reason) => format!("unused since {}; {reason}", day(since)),
            (None, reason) => reason,
        },
    }
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
            let user = User { name: (*name).into(), path: "/".into(), tags: None, password_last_used: None };
            report.add(Finding::unknown(&user, format!("denied for {name}")), true);
        }
        html(&report, &settings, &Provenance::of_test()).unwrap()
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
    fn the_page_allows_its_own_style_and_script_and_nothing_else() {
        let page = page(&["alice"]);
        assert!(!page.contains("unsafe") && !page.contains(" style=\""), "{page}");
        for (tag, policy) in [("style", "style-src"), ("script", "script-src")] {
            let inside = page.split(&format!("<{tag}>")).nth(1).unwrap().split(&format!("</{tag}>")).next().unwrap();
            assert!(page.contains(&format!("{policy} '{}';", hash(inside))), "{tag}");
            assert_eq!(page.matches(&format!("<{tag}")).count(), 1, "{tag}");
        }
        assert!(["onclick", "onload", "onerror"].iter().all(|handler| !page.contains(handler)));
    }
}
