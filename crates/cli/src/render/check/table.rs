//! A check for people: the verdict, the keys that have something to say, a histogram, the counts.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use jiff::Timestamp;
use keyminder_keyage::{ExemptionState, Finding, LastUsed, Report, Untrusted, Verdict};

use super::histogram::histogram;
use crate::render::style::{Paint, bad, bold, dim, good, hang, warn};
use crate::render::when::day;

/// The report. `all`: with keys that have nothing to say.
pub(crate) fn table(report: &Report, endpoint: Option<&str>, all: bool, width: usize) -> String {
    let mut text = headline(report, endpoint);
    let shown: Vec<&Finding> = report.keys.iter().filter(|key| all || key.is_remarkable()).collect();
    if !shown.is_empty() {
        let _ = write!(text, "\n{}\n", rows(&shown, width));
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
        let line = format!("{state}: {} ({})", Untrusted::new(&record.exemption.reason), keys.join(", "));
        let _ = writeln!(text, "  {}", hang(&line, 4, width));
    }
    for error in &report.errors {
        let _ = writeln!(text, "{} {}", bad("not read:"), hang(Untrusted::new(&error.to_string()).as_str(), 10, width));
    }
    if report.errors_left_out > 0 {
        let _ = writeln!(text, "{} {} more like these", bad("not read:"), report.errors_left_out);
    }
    text.push_str(&verdict(report));
    text
}

fn headline(report: &Report, endpoint: Option<&str>) -> String {
    let endpoint = endpoint.map(|url| dim(format_args!("endpoint {url} stands in for AWS\n"))).unwrap_or_default();
    let alias = report.account_alias.as_ref().map(|alias| format!(" ({})", Untrusted::new(alias))).unwrap_or_default();
    format!(
        "{}: account {}{alias}, as of {}, limit {} days\n{endpoint}",
        bold("keyminder check"),
        bold(&report.account),
        moment(report.as_of),
        report.max_age_days
    )
}

fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The columns that may be broken into lines.
const USER_COLUMN: usize = 1;
const OWNER_COLUMN: usize = 6;
/// Where there is room for the owner as well.
const WIDE: usize = 96;

fn rows(findings: &[&Finding], width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    let wide = width >= WIDE;
    let mut header = vec!["VERDICT", "USER", "KEY", "AGE", "CREATED", "LAST USED"];
    if wide {
        header.push("OWNER");
    }
    table.set_header(header);
    for finding in findings {
        let plain = |text: &str| Untrusted::new(text).to_string();
        let mut row = vec![
            word(finding),
            plain(&finding.user),
            finding.access_key_id.clone().unwrap_or_else(|| "?".to_owned()),
            age(finding),
            finding.created.map_or_else(|| "?".to_owned(), day),
            last_used(finding),
        ];
        if wide {
            row.push(finding.owner.as_deref().map(plain).unwrap_or_default());
        }
        table.add_row(row);
    }
    // A key id that is broken into two lines cannot be copied.
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index != USER_COLUMN && index != OWNER_COLUMN {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| painted(line.trim_end())).collect();
    lines.join("\n")
}

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
        LastUsed::NotRead => "-".to_owned(),
        LastUsed::Unknown => "unknown".to_owned(),
        LastUsed::Never => "never".to_owned(),
        LastUsed::At { at, .. } => day(*at),
    }
}

fn verdict(report: &Report) -> String {
    let summary = &report.summary;
    let mut text = format!(
        "{} of {}: {} old, {} due, {} exempt, {} inactive, {} fresh",
        count(summary.keys, "key", "keys"),
        count(summary.users, "user", "users"),
        summary.old,
        summary.due,
        summary.exempt,
        summary.inactive,
        summary.fresh
    );
    if summary.unused > 0 {
        let _ = write!(text, ", {} unused", summary.unused);
    }
    if summary.users_unknown > 0 {
        let _ = write!(text, ", {} not read", count(summary.users_unknown, "user", "users"));
    }
    text = dim(text) + "\n";
    match report.root_access_keys {
        Some(0) => {}
        Some(keys) => text.push_str(
            &(bad(format_args!("✗ The root user has {}: delete it.", count(keys, "access key", "access keys"))) + "\n"),
        ),
        None => text.push_str(&(warn("! Whether the root user has access keys could not be read.") + "\n")),
    }
    let conclusion = match () {
        () if summary.old > 0 => bad(format_args!("✗ {} over the limit.", count(summary.old, "key is", "keys are"))),
        () if !report.complete => bad("✗ Not everything could be read: what is missing may be old."),
        () => good("✓ No key is over the limit."),
    };
    text + &conclusion
}

fn count(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
