//! The text of a notice, for people.
//!
//! Owns its order: what happened, then the facts, what to do and the list of keys. What is to be done comes before a
//! long list. It must not know subjects of other protocols, nor the document for programs.

use super::commands::install_flag;
use super::draft::{Draft, Kind};
use super::lines::{minute, not_counted};
use super::subject::headline;
use super::text::{count, fill, wrap};
use super::{informed, keys, steps};
use crate::report::thousands;
use crate::untrusted::Untrusted;
use crate::verdict::{Remedy, Verdict};

const ALL_CLEAR: &str = include_str!("../../../../assets/notice/all-clear.txt");
const TEST: &str = include_str!("../../../../assets/notice/test.txt");
const FAILURE: &str = include_str!("../../../../assets/notice/failure.txt");
const ROOT: &str = include_str!("../../../../assets/notice/root.txt");
const FOOTER: &str = include_str!("../../../../assets/notice/footer.txt");
const PER_KEY: &str = include_str!("../../../../assets/notice/per-key.txt");
const PER_KEY_DUE: &str = include_str!("../../../../assets/notice/per-key-due.txt");
const PER_KEY_UNUSED: &str = include_str!("../../../../assets/notice/per-key-unused.txt");
const PER_KEY_INACTIVE: &str = include_str!("../../../../assets/notice/per-key-inactive.txt");

/// A list of up to this many keys comes before what is to be done.
const SHORT_LIST: usize = 10;

/// The text. `marker` is such as `(1/3)`, or empty.
pub(super) fn text(draft: &Draft<'_>, marker: &str) -> String {
    let mut text = String::with_capacity(4_096);
    push_lead(&mut text, draft, marker);
    push_facts(&mut text, draft);
    push_root(&mut text, draft);
    if draft.findings.len() > SHORT_LIST {
        steps::push(&mut text, draft);
        keys::push(&mut text, draft);
    } else {
        keys::push(&mut text, draft);
        steps::push(&mut text, draft);
    }
    informed::push(&mut text, draft);
    push_footer(&mut text, draft);
    text
}

/// The text of the parts after the first.
pub(super) fn continuation(draft: &Draft<'_>, marker: &str) -> String {
    let mut text = wrap(&format!("{} {marker}.", headline(draft)), 0);
    text.push('\n');
    text.push_str(&wrap(
        "This part continues the list of keys for programs. The first part has everything that people need. To list \
         all keys, run: keyminder check",
        0,
    ));
    push_footer(&mut text, draft);
    text
}

fn push_lead(text: &mut String, draft: &Draft<'_>, marker: &str) {
    match draft.kind {
        Kind::AllClear => {
            let summary = &draft.report.summary;
            let oldest = summary.oldest_age_days.map(|days| format!(". The oldest is {} old", count(days, "day")));
            let values = [
                ("users", count_of(summary.users_read, "user")),
                ("keys", count_of(summary.keys, "key")),
                ("oldest", oldest.unwrap_or_default()),
                ("not_counted", not_counted(summary).map(|line| line + "\n").unwrap_or_default()),
            ];
            text.push_str(&fill(ALL_CLEAR, &values));
        }
        Kind::Test => text.push_str(TEST),
        Kind::Failure => {
            text.push_str(FAILURE);
            text.push('\n');
            text.push_str(&wrap(&Untrusted::new(draft.reason.unwrap_or_default()).cut(1_000), 0));
        }
        Kind::Key => push_lead_of_key(text, draft),
        Kind::Digest | Kind::User | Kind::Account => {
            let part = if marker.is_empty() { String::new() } else { format!(" {marker}") };
            text.push_str(&wrap(&format!("{}{part}{}.", headline(draft), progress(draft)), 0));
            if draft.is_incomplete() {
                text.push_str(&wrap(&incomplete(draft), 0));
            }
            push_oldest(text, draft);
        }
    }
}

/// How the old keys divide into new ones and known ones.
fn progress(draft: &Draft<'_>) -> String {
    let Some(progress) = draft.progress().filter(|_| draft.number_of(Verdict::Old) > 0) else { return String::new() };
    match (progress.new, progress.before) {
        (0, _) => ": none is new since the last check".to_owned(),
        (_, 0) => ": new since the last check".to_owned(),
        (new, before) => format!(": {new} new since the last check, {before} from before"),
    }
}

/// What could not be read, and why.
fn incomplete(draft: &Draft<'_>) -> String {
    let mut text = format!("Only {} could be read; keys of the others may be old.", draft.report.users_read());
    if let Some(error) = draft.report.errors.first() {
        let error = Untrusted::new(&error.to_string()).cut(400);
        let end = if error.ends_with('.') { "" } else { "." };
        text.push_str(&format!(" First error: {error}{end}"));
    }
    text
}

fn push_oldest(text: &mut String, draft: &Draft<'_>) {
    let Some(worst) = draft.worst() else { return };
    let over = match worst.over_by_seconds.map(|seconds| seconds / 86_400) {
        Some(days @ 1..) if worst.verdict == Verdict::Old => {
            format!(", over its limit for {}", count(u32::try_from(days).unwrap_or(u32::MAX), "day"))
        }
        _ => String::new(),
    };
    let (user, key) = (Untrusted::new(&worst.user), worst.access_key_id.as_deref().unwrap_or_default());
    text.push_str(&wrap(&format!("Oldest: user {user}, key {key}, {} old{over}.", worst.age_in_words()), 0));
}

/// The first line in the words of the original procedure.
fn push_lead_of_key(text: &mut String, draft: &Draft<'_>) {
    let Some(finding) = draft.findings.first() else { return };
    let template = match (finding.verdict, finding.remedy) {
        (Verdict::Inactive, _) => PER_KEY_INACTIVE,
        (_, Some(Remedy::Delete)) | (Verdict::Fresh, _) => PER_KEY_UNUSED,
        (Verdict::Due, _) => PER_KEY_DUE,
        _ => PER_KEY,
    };
    let values = [
        ("kind", finding.kind.noun().to_owned()),
        ("key", finding.access_key_id.clone().unwrap_or_default()),
        ("user", Untrusted::new(&finding.user).to_string()),
    ];
    text.push_str(&fill(template, &values));
}

fn push_facts(text: &mut String, draft: &Draft<'_>) {
    let report = draft.report;
    let alias = report.account_alias.as_deref().map(|alias| format!(" ({})", Untrusted::without_links(alias)));
    text.push_str(&format!("\nAccount  {}{}\n", report.account, alias.unwrap_or_default()));
    text.push_str(&format!("As of    {}\n", minute(report.as_of)));
    if draft.kind == Kind::Failure {
        return;
    }
    let others = if draft.settings.limits.is_empty() { "" } else { " (some users have a different limit)" };
    text.push_str(&format!("Limit    {}{others}\n", count(draft.settings.max_age_days, "day")));
    if draft.about_the_account {
        text.push_str(&format!("Read     {}, {}\n", report.users_read(), count_of(report.summary.keys, "key")));
    }
}

fn push_root(text: &mut String, draft: &Draft<'_>) {
    let keys = match draft.root_keys() {
        0 => return,
        1 => "AN ACCESS KEY".to_owned(),
        keys => format!("{keys} ACCESS KEYS"),
    };
    text.push('\n');
    text.push_str(&fill(ROOT, &[("count", keys)]));
}

fn push_footer(text: &mut String, draft: &Draft<'_>) {
    let context = draft.context;
    let next = match context.next_run {
        Some(next) => format!("The next check runs on {}.", minute(next)),
        None => {
            let description = context.schedule.description();
            if description.starts_with("every") || description.starts_with("at ") {
                format!("Checks run {description}.")
            } else {
                format!("Checks run on the schedule {description}.")
            }
        }
    };
    let region = if context.region.is_empty() { String::new() } else { format!(" in {}", context.region) };
    let contact = draft.settings.contact.as_deref().map(|contact| wrap(&format!("Questions: {contact}"), 0));
    text.push('\n');
    let values = [
        ("next", next),
        ("install", Untrusted::new(&context.install).to_string()),
        ("region", region),
        ("contact", contact.unwrap_or_default()),
        ("flag", install_flag(&context.install)),
    ];
    text.push_str(&fill(FOOTER, &values));
}

/// "1 user", "3,120 users".
fn count_of(number: u32, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}
