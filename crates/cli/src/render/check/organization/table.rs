//! A check of many accounts for people: the accounts, the keys by account, the counts, what to do.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use keyminder_keyage::report::thousands;
use keyminder_keyage::{AccountReading, AccountState, Finding, Untrusted};

use super::View;
use super::words::{accounts, root_keys, root_keys_unknown, subject};
use crate::render::check::table::{headline, rows};
use crate::render::check::words::{count, counts, limits_differ, outcome_by, remarks};
use crate::render::style::{Paint, bad, bold, dim, good, hang, warn};

/// The report. `all`: with accounts and keys that have nothing to say.
pub(crate) fn table(view: &View<'_>, all: bool, width: usize) -> String {
    let report = view.report;
    let overall = report.overall();
    let mut text = headline(&subject(report), &overall, view.provenance, width);
    let (shown, silent): (Vec<_>, Vec<_>) = report.accounts.iter().partition(|one| all || is_remarkable(one));
    if !shown.is_empty() {
        let _ = write!(text, "\n{}\n", account_rows(&shown, width));
    }
    if !silent.is_empty() {
        let others = if shown.is_empty() { "" } else { " more" };
        let number = u32::try_from(silent.len()).unwrap_or(u32::MAX);
        let silent = match number {
            1 => format!("1{others} account was read and has nothing to report. Use --all to list it."),
            _ => format!(
                "{}{others} accounts were read and have nothing to report. Use --all to list them.",
                thousands(number)
            ),
        };
        let _ = writeln!(text, "\n{}", dim(hang(&silent, 0, width)));
    }
    let with_limit = report.reports().any(limits_differ);
    for account in &report.accounts {
        let keys: Vec<&Finding> =
            account.report.iter().flat_map(|found| &found.keys).filter(|key| all || key.is_remarkable()).collect();
        if !keys.is_empty() {
            let _ = write!(text, "\n{}\n{}\n", bold(title(account)), rows(&keys, with_limit, width));
        }
    }
    text.push('\n');
    for error in &report.errors {
        let _ = writeln!(text, "{} {}", bad("not read:"), hang(Untrusted::new(&error.to_string()).as_str(), 10, width));
    }
    for thing in view.things_to_do() {
        let _ = writeln!(text, "{} {}", bold("to do:"), hang(Untrusted::new(&thing).as_str(), 7, width));
    }
    text + &verdict(view, with_limit, width)
}

/// Whether the account is worth a line of its own.
fn is_remarkable(account: &AccountReading) -> bool {
    account.state != AccountState::Read
        || account.has_root_keys()
        || account.report.iter().flat_map(|report| &report.keys).any(Finding::is_remarkable)
}

/// "123456789012 payments-prod".
fn title(account: &AccountReading) -> String {
    match account.name.as_deref() {
        Some(name) => format!("{} {}", account.id, Untrusted::new(name)),
        None => account.id.clone(),
    }
}

/// The columns that can be broken into lines.
const NAME_COLUMN: usize = 2;

fn account_rows(accounts: &[&AccountReading], width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(["STATE", "ACCOUNT", "NAME", "USERS", "KEYS", "OLD", "DUE", "OLDEST"]);
    for account in accounts {
        let summary = account.report.as_ref().map(|report| &report.summary);
        let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), thousands);
        let oldest = summary.and_then(|summary| summary.oldest_age_days);
        table.add_row([
            account.state.to_string(),
            account.id.clone(),
            account.name.as_deref().map(|name| Untrusted::new(name).to_string()).unwrap_or_default(),
            number(summary.map(|summary| summary.users)),
            number(summary.map(|summary| summary.keys)),
            number(summary.map(|summary| summary.old)),
            number(summary.map(|summary| summary.due)),
            oldest.map_or_else(|| "-".to_owned(), |days| format!("{} d", thousands(days))),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index != NAME_COLUMN {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    // The library does not say which lines belong to a row. Only the first line of a row has a state.
    let mut left = accounts.iter();
    let mut text: Vec<String> = Vec::new();
    let mut reason: Option<String> = None;
    for line in table.lines() {
        let line = line.trim_end();
        if line.starts_with("STATE") {
            text.push(bold(line));
            continue;
        }
        let account = if line.starts_with(' ') { None } else { left.next() };
        let Some(account) = account else {
            text.push(line.to_owned());
            continue;
        };
        text.extend(reason.take());
        reason = reasons(account, width);
        let word = account.state.to_string();
        let painted = match account.state {
            AccountState::Unknown => Paint::DELETE.on(&word),
            AccountState::Arriving => Paint::CHANGE.on(&word),
            AccountState::NotActive | AccountState::Excluded => Paint::DIM.on(&word),
            AccountState::Read => Paint::ADD.on(&word),
        };
        text.push(line.replacen(&word, &painted, 1));
    }
    text.extend(reason);
    text.join("\n")
}

/// The lines below an account: why it was not read, and a key of its root user.
fn reasons(account: &AccountReading, width: usize) -> Option<String> {
    let root = account.has_root_keys().then(|| "the root user has an access key".to_owned());
    let reason = account.reason.as_deref().map(|reason| Untrusted::new(reason).to_string());
    let reasons: Vec<String> = root.into_iter().chain(reason).collect();
    if reasons.is_empty() {
        return None;
    }
    let indent = " ".repeat(INDENT);
    Some(dim(format_args!("{indent}{}", hang(&reasons.join("; "), INDENT, width))))
}

/// Below the account.
const INDENT: usize = 11;

fn verdict(view: &View<'_>, limits_differ: bool, width: usize) -> String {
    let report = view.report;
    let overall = report.overall();
    let mut text = dim(hang(&counts(&overall), 0, width)) + "\n";
    text.push_str(&(dim(hang(&accounts(report), 0, width)) + "\n"));
    if let Some(sentence) = root_keys(report) {
        text.push_str(&(bad(hang(&format!("✗ {sentence}"), 2, width)) + "\n"));
    }
    if root_keys_unknown(report) > 0 {
        let accounts = count(root_keys_unknown(report), "account", "accounts");
        let sentence = format!("! In {accounts} it could not be read whether the root user has access keys.");
        text.push_str(&(warn(hang(&sentence, 2, width)) + "\n"));
    }
    let (is_good, outcome) = outcome_by(&overall, limits_differ);
    let outcome = hang(&format!("{} {outcome}", if is_good { "✓" } else { "✗" }), 2, width);
    text.push_str(&if is_good { good(outcome) } else { bad(outcome) });
    if overall.summary.old > 0 && !overall.complete {
        text.push_str(&format!("\n{}", bad("✗ Not everything could be read: what is missing may be old.")));
    }
    let remarks = remarks(&overall, width);
    if !remarks.is_empty() {
        let _ = write!(text, "\n{}", remarks.trim_end());
    }
    text
}
