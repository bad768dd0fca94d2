//! `keyminder status` on one screen: whether the notifier works, and if not, why.

use std::fmt::Write;

use jiff::Timestamp;
use keyminder_reconcile::{Action, Change, Plan, Summary};
use keyminder_stack::SubscriptionState;
use serde::Serialize;

use super::plan;
use super::style::{bad, bold, dim, good, hang, warn};
use super::when::{ago, both_zones, span, took};

/// Everything that `status` found out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StatusView {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) install: String,
    /// The full path of the configuration file, if one was read.
    pub(crate) config_file: Option<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) summary: Summary,
    pub(crate) subscriptions: Vec<SubscriptionLine>,
    pub(crate) last_run: Option<LastRun>,
    /// How owners are emailed, if they are.
    pub(crate) owners: Option<OwnersView>,
    pub(crate) next_run: Option<Timestamp>,
    /// Why there is no next run.
    pub(crate) not_scheduled: Option<String>,
    /// The next run may come sooner.
    #[serde(rename = "next_run_is_latest")]
    pub(crate) next_is_latest: bool,
    pub(crate) schedule: String,
    pub(crate) schedule_description: String,
    /// The command's version, and the deployed function's if it has run.
    pub(crate) version: String,
    pub(crate) checker_version: Option<String>,
    /// Whether someone will be notified about an old key.
    pub(crate) ok: bool,
    /// Why not, one reason each.
    pub(crate) problems: Vec<String>,
    #[serde(skip)]
    pub(crate) installed: bool,
    /// Whether the configuration names the recipients.
    #[serde(skip)]
    pub(crate) declares: bool,
    #[serde(skip)]
    pub(crate) now: Timestamp,
    #[serde(skip)]
    pub(crate) plan: Plan,
}

/// How owners are emailed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OwnersView {
    pub(crate) from: String,
    pub(crate) domains: Vec<String>,
    pub(crate) fallback: &'static str,
}

/// Emails of a run to owners.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OwnerCounts {
    pub(crate) emailed: u32,
    pub(crate) not_emailed: u32,
    pub(crate) keys_without_owner: u32,
}

/// One subscription.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionLine {
    pub(crate) protocol: String,
    pub(crate) endpoint: String,
    pub(crate) state: SubscriptionState,
    pub(crate) lapses_at: Option<Timestamp>,
    pub(crate) safe_from_one_click_unsubscribing: Option<bool>,
    pub(crate) filtered: bool,
    #[serde(skip)]
    pub(crate) is_awaited: bool,
    pub(crate) declared: bool,
}

/// The last run of the function; without counts if it ended before it could report any.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LastRun {
    pub(crate) at: Timestamp,
    pub(crate) ok: bool,
    pub(crate) error: Option<String>,
    #[serde(flatten)]
    pub(crate) counts: Option<RunCounts>,
}

/// What a run counted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunCounts {
    pub(crate) duration_ms: u64,
    pub(crate) mode: String,
    pub(crate) users: u32,
    pub(crate) users_unknown: u32,
    pub(crate) keys: u32,
    pub(crate) old: u32,
    pub(crate) due: u32,
    pub(crate) published: usize,
    pub(crate) unsent: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owners: Option<OwnerCounts>,
}

/// Columns for the name of a line.
const NAME: usize = 14;

/// The screen. `quiet`: only its conclusion.
pub(crate) fn status(view: &StatusView, verbose: bool, quiet: bool, width: usize) -> String {
    if quiet {
        return conclusion(view, width);
    }
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {} {}", bold(format_args!("{name:<NAME$}")), hang(value, NAME + 3, width));
    };
    line("Installed", &installed(view));
    for (index, one) in view.subscriptions.iter().enumerate() {
        line(if index == 0 { "Recipients" } else { "" }, &subscription(one, view));
    }
    if view.subscriptions.is_empty() {
        line("Recipients", &bad("none"));
    }
    if let Some(owners) = &view.owners {
        let fallback = if owners.fallback == "account" { ", or the account's security contact" } else { "" };
        line("Owners", &format!("emailed from {}, in {}{fallback}", owners.from, owners.domains.join(", ")));
    }
    if view.installed {
        line("Schedule", &format!("{} ({})", view.schedule_description, view.schedule));
    }
    if let Some(next) = view.next_run {
        let by = if view.next_is_latest { "by " } else { "" };
        line("Next run", &format!("{by}{}, {}", both_zones(next), ago(next, view.now)));
    }
    if let Some(why) = &view.not_scheduled {
        line("Next run", &bad(format_args!("none: {why}")));
    }
    line("Last run", &view.last_run.as_ref().map_or_else(|| warn("never"), |run| last_run(run, view.now)));
    let checker = view.checker_version.as_deref().unwrap_or("unknown (it has not run yet)");
    line("Versions", &format!("keyminder {}, function {checker}", view.version));
    if view.installed
        && (verbose
            || view.summary.none < view.changes.len()
            || view.changes.iter().any(|c| !c.extras.is_empty() || !c.not_checked.is_empty()))
    {
        let _ = write!(text, "\n{}\n", plan::plan(&view.plan, verbose, width));
    }
    text.push('\n');
    text + &conclusion(view, width)
}

/// Whether the notifier works, and every reason if it does not.
fn conclusion(view: &StatusView, width: usize) -> String {
    let mut text = String::new();
    let not_checked = plan::not_checked(&view.plan);
    if view.ok && not_checked.is_some() {
        text.push_str(&good("✓ Healthy, as far as could be checked: you will be notified about an old key."));
    } else if view.ok {
        text.push_str(&good("✓ Healthy: you will be notified about an old key."));
    } else {
        text.push_str(&bad("✗ Not healthy: you might not be notified about an old key."));
        for problem in &view.problems {
            let _ = write!(text, "\n  - {}", hang(problem, 4, width));
        }
    }
    if let Some(what) = not_checked {
        let _ = write!(text, "\n  {} {}", warn("?"), hang(&what, 4, width));
    }
    text
}

fn installed(view: &StatusView) -> String {
    let summary = view.summary;
    let foreign = view.changes.iter().filter(|change| change.foreign.is_some()).count();
    match () {
        () if !view.installed => bad("no; run keyminder setup"),
        () if foreign > 0 => {
            bad(format_args!("no: {foreign} resources with the expected names were not created by this installation"))
        }
        () if summary.none == view.changes.len() => good("yes, in sync"),
        () => {
            let named = |action| view.changes.iter().filter(move |c| c.action == action).map(|c| c.address.0);
            let gone: Vec<_> = named(Action::Create).collect();
            let drifted: Vec<_> = named(Action::Update).collect();
            let mut said = Vec::new();
            if !gone.is_empty() {
                said.push(format!("missing: {}", gone.join(", ")));
            }
            if !drifted.is_empty() {
                said.push(format!("drifted: {}", drifted.join(", ")));
            }
            warn(format_args!("yes, but out of sync: {}", said.join("; ")))
        }
    }
}

fn subscription(one: &SubscriptionLine, view: &StatusView) -> String {
    let now = view.now;
    let state = match one.state {
        SubscriptionState::Confirmed => match one.safe_from_one_click_unsubscribing {
            Some(false) if one.protocol.starts_with("email") => {
                format!("{} by opening the link; anyone with a forwarded notice can unsubscribe it", good("confirmed"))
            }
            Some(true) if one.protocol.starts_with("email") => {
                format!("{}; protected from one-click unsubscribing", good("confirmed"))
            }
            None if one.protocol.starts_with("email") => good("confirmed"),
            // These need no confirmation by a person.
            _ => good("subscribed"),
        },
        SubscriptionState::Pending => match one.lapses_at {
            Some(at) if at > now => warn(format_args!("not confirmed; {} left", span(at.duration_since(now)))),
            _ => warn("not confirmed"),
        },
        SubscriptionState::Gone => bad("gone (unsubscribed, or not confirmed within 48 hours)"),
        SubscriptionState::Missing => bad("not subscribed yet"),
    };
    let by = if one.declared || !view.declares { String::new() } else { dim(" (not in the configuration)") };
    let filtered = if one.filtered { "; filtered (see filter_policy)" } else { "" };
    match (one.protocol.as_str(), one.endpoint.as_str()) {
        ("", _) => format!("an address that keyminder subscribed: {state}"),
        (protocol, endpoint) => format!("{protocol}: {endpoint}: {state}{filtered}{by}"),
    }
}

fn last_run(run: &LastRun, now: Timestamp) -> String {
    let when = format!("{}, {}", both_zones(run.at), ago(run.at, now));
    let error = run.error.as_deref().unwrap_or_default();
    let Some(counts) = &run.counts else {
        return format!("{when}: {}. {error}", bad("failed"));
    };
    let head = format!("{when}, took {}: ", took(counts.duration_ms));
    let mut sent = format!("{} {} sent", counts.published, if counts.published == 1 { "notice" } else { "notices" });
    if counts.unsent > 0 {
        sent.push_str(&format!(", {} not sent", counts.unsent));
    }
    if let Some(OwnerCounts { emailed, not_emailed, .. }) = counts.owners {
        sent.push_str(&format!(", {emailed} {} emailed", if emailed == 1 { "owner" } else { "owners" }));
        if not_emailed > 0 {
            sent.push_str(&format!(", {not_emailed} not emailed"));
        }
    }
    let read = format!("{} users, {} keys, {} old, {} due", counts.users, counts.keys, counts.old, counts.due);
    let counts = match counts.mode.as_str() {
        "test-notice" | "test-owner" => format!("a test, {sent}"),
        "dry-run" => format!("a dry run, {read}"),
        _ => format!("{read}, {sent}"),
    };
    match run.ok {
        true => format!("{head}{} ({counts})", good("succeeded")),
        false => format!("{head}{} ({counts}). {error}", bad("failed")),
    }
}
