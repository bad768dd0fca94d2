//! A check for people: the verdict, the keys that have something to say, a histogram, the counts.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use keyminder_keyage::{ExemptionState, Finding, LastUsed, Report, Untrusted, Verdict};

use super::histogram::histogram;
use super::words::{Provenance, count, counts, limits_differ, moment, outcome, remarks, subject};
use crate::render::style::{Paint, bad, bold, dim, good, hang, warn};
use crate::render::when::day;

/// The report. `all`: with keys that have nothing to say.
pub(crate) fn table(report: &Report, provenance: &Provenance, all: bool, width: usize) -> String {
    let mut text = headline(&subject(report), report, provenance, width);
    let shown: Vec<&Finding> = report.keys.iter().filter(|key| all || key.is_remarkable()).collect();
    if !shown.is_empty() {
        let _ = write!(text, "\n{}\n", rows(&shown, limits_differ(report), width));
    }
    let histogram = histogram(report, width);
    if !histogram.is_empty() {
        let _ = write!(text, "\n{histogram}");
    }
    text.push('\n');
    let records = report.exemptions.iter().filter(|record| !record.keys.is_empty());
    for record in records {
        let state = match record.state {
            ExemptionState::Active => format!("exempt until {}", record.exemption.until),
            ExemptionState::Expired => warn(format_args!("exemption expired on {}", record.exemption.until)),
        };
        let keys: Vec<_> = record.keys.iter().map(|(user, key)| format!("{} {key}", Untrusted::new(user))).collect();
        let line = format!("{state}: {} ({})", Untrusted::new(&record.exemption.why()), keys.join(", "));
        let _ = writeln!(text, "  {}", hang(&line, 4, width));
    }
    for error in &report.errors {
        let _ = writeln!(text, "{} {}", bad("not read:"), hang(Untrusted::new(&error.to_string()).as_str(), 10, width));
    }
    if report.errors_left_out > 0 {
        let _ = writeln!(text, "{} {} more like these", bad("not read:"), report.errors_left_out);
    }
    text.push_str(&verdict(report, width));
    text
}

/// What was checked, as of when, by which limit; and what the report does not show.
pub(super) fn headline(subject: &str, report: &Report, provenance: &Provenance, width: usize) -> String {
    let mut text = hang(
        &format!(
            "{}: {}, as of {}, limit {}",
            bold("keyminder check"),
            subject,
            moment(report.as_of),
            count(report.max_age_days, "day", "days")
        ),
        0,
        width,
    );
    text.push('\n');
    text.push_str(&remarks(report, width));
    if let Some(url) = &provenance.endpoint {
        let _ = writeln!(text, "{}", dim(format_args!("endpoint {url} is used instead of AWS")));
    }
    text
}

/// The column that can be broken into lines.
const USER_COLUMN: usize = 1;

/// Keys, one on a line, with what there is to say about each below it.
pub(super) fn rows(findings: &[&Finding], with_limit: bool, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    let mut header = vec!["VERDICT", "USER", "KEY", "AGE", "CREATED", "LAST USED"];
    if with_limit {
        header.insert(LIMIT_COLUMN, "LIMIT");
    }
    table.set_header(header);
    for finding in findings {
        let mut row = vec![
            word(finding),
            Untrusted::new(&finding.user).to_string(),
            finding.access_key_id.clone().unwrap_or_else(|| "?".to_owned()),
            age(finding),
            finding.created.map_or_else(|| "?".to_owned(), day),
            last_used(finding),
        ];
        if with_limit {
            row.insert(LIMIT_COLUMN, finding.limit_days.map_or_else(|| "?".to_owned(), |days| format!("{days} d")));
        }
        table.add_row(row);
    }
    // A key id that is broken into two lines cannot be copied.
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index != USER_COLUMN {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    // The library does not say which lines belong to a row. Only the first line of a row has a verdict.
    let mut details = findings.iter().map(|finding| details(finding, width));
    let mut text: Vec<String> = Vec::new();
    let mut detail: Option<String> = None;
    for line in table.lines() {
        let line = line.trim_end();
        if !line.starts_with(' ') {
            text.extend(detail.take());
            detail = if line.starts_with("VERDICT") { None } else { details.next().flatten() };
        }
        text.push(painted(line));
    }
    text.extend(detail);
    text.join("\n")
}

/// The line below a key: when it will be old if that is soon, and its owner.
fn details(finding: &Finding, width: usize) -> Option<String> {
    let due = finding.due_at.filter(|_| finding.verdict == Verdict::Due).map(|at| format!("old on {}", day(at)));
    let owner = finding.owner.as_deref().map(|owner| format!("owner {}", Untrusted::without_links(owner)));
    let details: Vec<String> = due.into_iter().chain(owner).collect();
    if details.is_empty() {
        return None;
    }
    let indent = " ".repeat(DETAIL_INDENT);
    Some(dim(format_args!("{indent}{}", hang(&details.join(", "), DETAIL_INDENT, width))))
}

/// Below the user.
const DETAIL_INDENT: usize = 8;
/// After the age.
const LIMIT_COLUMN: usize = 4;

fn word(finding: &Finding) -> String {
    match finding.verdict {
        Verdict::Fresh if finding.unused_since.is_some() => "unused".to_owned(),
        verdict => verdict.to_string(),
    }
}

/// Paints the verdict at the start of a line. (The table library would count the escape sequences as text.)
fn painted(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    let paint = match word {
        "old" | "unknown" => Paint::DELETE,
        "due" | "unused" => Paint::CHANGE,
        "fresh" => Paint::ADD,
        "exempt" | "inactive" => Paint::DIM,
        "VERDICT" => return Paint::BOLD.on(line),
        _ => return line.to_owned(),
    };
    if !line.trim_start().starts_with(word) || line.starts_with("   ") {
        return line.to_owned();
    }
    line.replacen(word, &paint.on(word), 1)
}

/// The age in days; with the hours (or minutes, or seconds) if the key is over its limit by less than a day.
fn age(finding: &Finding) -> String {
    let Some(days) = finding.age_days else { return "?".to_owned() };
    match finding.over_by_seconds.filter(|_| finding.is_over_by_less_than_a_day()) {
        None => format!("{days} d"),
        Some(seconds @ ..60) => format!("{days} d {seconds} s"),
        Some(seconds @ ..3_600) => format!("{days} d {} min", seconds / 60),
        Some(seconds) => format!("{days} d {} h", seconds / 3_600),
    }
}

fn last_used(finding: &Finding) -> String {
    match &finding.last_used {
        LastUsed::NotRead if finding.not_read.contains(&"last_used") => "not read".to_owned(),
        LastUsed::NotRead => "-".to_owned(),
        LastUsed::Unknown => "unknown".to_owned(),
        LastUsed::Never => "never".to_owned(),
        LastUsed::At { at, .. } => day(*at),
    }
}

fn verdict(report: &Report, width: usize) -> String {
    let mut text = dim(hang(&counts(report), 0, width)) + "\n";
    match report.root_access_keys {
        Some(0) => {}
        Some(keys) => text.push_str(
            &(bad(format_args!("✗ The root user has {}: delete it.", count(keys, "access key", "access keys"))) + "\n"),
        ),
        None => text.push_str(&(warn("! It could not be read whether the root user has access keys.") + "\n")),
    }
    let (is_good, outcome) = outcome(report);
    let outcome = hang(&format!("{} {outcome}", if is_good { "✓" } else { "✗" }), 2, width);
    text.push_str(&if is_good { good(outcome) } else { bad(outcome) });
    let remarks = remarks(report, width);
    if !remarks.is_empty() {
        let _ = write!(text, "\n{}", remarks.trim_end());
    }
    text
}
