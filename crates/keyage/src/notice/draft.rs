//! A notice in the making: what it is about, its text, and its cutting into parts.
//!
//! Owns the order of a text and the size of a part. It must not know how a part is addressed to each
//! protocol.

use serde_json::Value;

use super::alike::Alike;
use super::lines::{self, Section, date, minute};
use super::text::{count, fill, wrap};
use super::{Context, Notice, chat, envelope, install_flag, subject};
use crate::exemption::ExemptionState;
use crate::key::{CredentialKind, LastUsed};
use crate::report::{Finding, Report};
use crate::settings::{Format, Settings};
use crate::untrusted::{Untrusted, shell_word};
use crate::verdict::Verdict;

const ROTATE: &str = include_str!("../../../../assets/notice/rotate.txt");
const DELETE: &str = include_str!("../../../../assets/notice/delete.txt");
const OTHER: &str = include_str!("../../../../assets/notice/other.txt");
const ROOT: &str = include_str!("../../../../assets/notice/root.txt");
const FOOTER: &str = include_str!("../../../../assets/notice/footer.txt");
const PER_KEY: &str = include_str!("../../../../assets/notice/per-key.txt");
const PER_KEY_DUE: &str = include_str!("../../../../assets/notice/per-key-due.txt");
const PER_KEY_UNUSED: &str = include_str!("../../../../assets/notice/per-key-unused.txt");
const PER_KEY_INACTIVE: &str = include_str!("../../../../assets/notice/per-key-inactive.txt");

/// SNS takes 262,144 bytes ("Publish" in the SNS API reference), the attributes among them. The rest is
/// for those, and for what each part repeats.
pub(super) const PART: usize = 240_000;

/// One line, or a few, and the same for machines.
pub(super) struct Entry {
    section: Section,
    text: String,
    /// The document's list it goes into, and the element.
    pub(super) item: Option<(&'static str, Value)>,
}

pub(super) struct Draft<'a> {
    pub(super) kind: &'static str,
    pub(super) report: &'a Report,
    pub(super) settings: &'a Settings,
    pub(super) context: &'a Context,
    pub(super) findings: Vec<&'a Finding>,
    pub(super) user: Option<&'a str>,
    /// Whether root keys, exemptions and errors of the whole account belong in it.
    pub(super) account_matters: bool,
    /// The lead where there are no findings.
    lead: Option<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(kind: &'static str, report: &'a Report, settings: &'a Settings, context: &'a Context) -> Self {
        Self { kind, report, settings, context, findings: Vec::new(), user: None, account_matters: false, lead: None }
    }

    pub(super) fn with(mut self, findings: Vec<&'a Finding>) -> Self {
        self.findings = findings;
        self
    }

    pub(super) fn about(mut self, user: &'a str) -> Self {
        self.user = Some(user);
        self
    }

    pub(super) fn with_account_matters(mut self) -> Self {
        self.account_matters = true;
        self
    }

    pub(super) fn saying(mut self, lead: String) -> Self {
        self.lead = Some(lead);
        self
    }

    /// The old key that is oldest, else whatever comes first.
    pub(super) fn worst(&self) -> Option<&'a Finding> {
        self.findings.iter().copied().find(|finding| finding.access_key_id.is_some())
    }

    /// The notice where it has no entries and so one part.
    pub(super) fn notice(&self) -> Notice {
        self.part(&[], 1, 1)
    }

    /// The notice, in as many parts as its size takes.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let entries = self.entries();
        // A chat message names only the worst, so it needs no parts.
        if self.settings.format == Format::Chat {
            return vec![self.part(&entries, 1, 1)];
        }
        let mut parts: Vec<&[Entry]> = Vec::new();
        let (mut from, mut size) = (0, 0);
        for (index, entry) in entries.iter().enumerate() {
            let more = envelope::size(&entry.text, entry.item.as_ref().map(|(_, item)| item));
            if size + more > PART && index > from {
                parts.extend(entries.get(from..index));
                (from, size) = (index, 0);
            }
            size += more;
        }
        parts.extend(entries.get(from..));
        let number = parts.len();
        parts.iter().enumerate().map(|(index, entries)| self.part(entries, index + 1, number)).collect()
    }

    fn part(&self, entries: &[Entry], part: usize, parts: usize) -> Notice {
        let marker = if parts > 1 { format!("({part}/{parts})") } else { String::new() };
        let subject = subject::subject(self, &marker);
        let text = self.text(entries, &marker);
        let sms = subject::sms(self);
        let json = envelope::document(self, entries, part, parts).to_string();
        let structured = self.settings.format == Format::Text;
        let message =
            if structured { envelope::by_protocol(&text, &sms, &json) } else { chat::notification(self, &subject) };
        Notice { subject, text, sms, json, message, structured, attributes: envelope::attributes(self) }
    }

    fn entries(&self) -> Vec<Entry> {
        let mut alike = Alike::default();
        let mut entries: Vec<Entry> = self
            .findings
            .iter()
            .map(|finding| Entry {
                section: Section::of(finding),
                text: match alike.is_told_already(finding) {
                    true => String::new(),
                    false => lines::key(finding, self.settings.max_age_days, self.context.window),
                },
                item: serde_json::to_value(finding).ok().map(|item| ("keys", item)),
            })
            .collect();
        entries.extend(alike.texts().map(|text| Entry { section: Section::Unknown, text, item: None }));
        if self.account_matters {
            entries.extend(self.report.errors.iter().map(|error| Entry {
                section: Section::Unknown,
                // A user's error is told in the user's own entry.
                text: if error.user.is_some() && error.operation == "iam:ListAccessKeys" {
                    String::new()
                } else {
                    lines::error(error)
                },
                item: serde_json::to_value(error).ok().map(|item| ("errors", item)),
            }));
            if self.report.errors_left_out > 0 {
                let more = count(self.report.errors_left_out, "further error");
                let text = format!("and {more}\n");
                entries.push(Entry { section: Section::Unknown, text, item: None });
            }
            let listed =
                |record: &&crate::ExemptionRecord| self.kind == "digest" || record.state == ExemptionState::Expired;
            entries.extend(self.report.exemptions.iter().filter(listed).map(|record| Entry {
                section: Section::Exempt,
                text: lines::exemption(record),
                item: serde_json::to_value(record).ok().map(|item| ("exemptions", item)),
            }));
        }
        entries.sort_by_key(|entry| entry.section);
        entries
    }

    fn text(&self, entries: &[Entry], marker: &str) -> String {
        let mut text = String::with_capacity(4_096);
        self.push_lead(&mut text, marker);
        let mut section = None;
        for entry in entries.iter().filter(|entry| !entry.text.is_empty()) {
            if section != Some(entry.section) {
                section = Some(entry.section);
                let number = self.findings.iter().filter(|finding| Section::of(finding) == entry.section).count();
                text.push('\n');
                text.push_str(entry.section.heading());
                if number > 0 {
                    text.push_str(&format!(": {number}"));
                }
                text.push_str("\n\n");
            }
            text.push_str(&entry.text);
        }
        self.push_root(&mut text);
        self.push_what_to_do(&mut text);
        self.push_footer(&mut text);
        text
    }

    fn push_lead(&self, text: &mut String, marker: &str) {
        if let Some(lead) = &self.lead {
            text.push_str(lead);
        } else {
            let first = self.findings.first();
            let words = match (self.kind, first) {
                ("key", Some(finding)) => {
                    let template = match finding.verdict {
                        Verdict::Due => PER_KEY_DUE,
                        Verdict::Inactive => PER_KEY_INACTIVE,
                        Verdict::Fresh => PER_KEY_UNUSED,
                        Verdict::Old | Verdict::Exempt | Verdict::Unknown => PER_KEY,
                    };
                    let user = Untrusted::new(&finding.user);
                    fill(
                        template,
                        &[
                            ("kind", finding.kind.noun()),
                            ("key", finding.access_key_id.as_deref().unwrap_or_default()),
                            ("user", user.as_str()),
                        ],
                    )
                }
                _ => {
                    let part = if marker.is_empty() { String::new() } else { format!(" {marker}") };
                    wrap(&format!("{}{part}.", subject::headline(self)), 0)
                }
            };
            text.push_str(&words);
            if let Some(worst) = self.worst().filter(|_| self.kind != "key") {
                text.push_str(&wrap(
                    &format!(
                        "The oldest: {}, {}, {}.",
                        Untrusted::new(&worst.user),
                        worst.access_key_id.as_deref().unwrap_or_default(),
                        worst.age_in_words()
                    ),
                    0,
                ));
            }
        }
        let report = self.report;
        let alias = report.account_alias.as_deref().map(|alias| format!(" ({})", Untrusted::new(alias)));
        text.push_str(&format!("\nAccount  {}{}\n", report.account, alias.unwrap_or_default()));
        text.push_str(&format!("As of    {}\n", minute(report.as_of)));
        let own = if self.settings.limits.is_empty() { "" } else { ", unless a user has another" };
        text.push_str(&format!("Limit    {}{own}\n", count(self.settings.max_age_days, "day")));
        if self.account_matters {
            let summary = &report.summary;
            let read = report.users_read();
            let rest = if report.complete { "" } else { "; the rest is unknown, not clean" };
            text.push_str(&format!("Read     {read}, {}{rest}\n", count(summary.keys, "key")));
        }
    }

    fn push_root(&self, text: &mut String) {
        let root = self.report.root_access_keys.filter(|_| self.account_matters).unwrap_or(0);
        if root > 0 {
            let keys = if root == 1 { "AN ACCESS KEY".to_owned() } else { format!("{root} ACCESS KEYS") };
            text.push('\n');
            text.push_str(&fill(ROOT, &[("count", &keys)]));
        }
    }

    fn push_what_to_do(&self, text: &mut String) {
        let wants_rotation = |finding: &&&Finding| {
            finding.kind == CredentialKind::AccessKey
                && matches!(finding.verdict, Verdict::Old | Verdict::Due)
                && finding.last_used != LastUsed::Never
        };
        let wants_deletion = |finding: &&&Finding| {
            finding.kind == CredentialKind::AccessKey
                && (finding.last_used == LastUsed::Never && finding.verdict != Verdict::Exempt
                    || finding.unused_since.is_some())
                && finding.verdict != Verdict::Unknown
        };
        for (template, finding) in
            [(ROTATE, self.findings.iter().find(wants_rotation)), (DELETE, self.findings.iter().find(wants_deletion))]
        {
            let Some(finding) = finding else { continue };
            let user = shell_word(&finding.user);
            let key = shell_word(finding.access_key_id.as_deref().unwrap_or_default());
            let which = if self.findings.len() > 1 { "\n(here for one of them; the others alike)" } else { "" };
            text.push('\n');
            text.push_str(&fill(template, &[("user", &user), ("key", &key), ("which", which)]));
        }
        if self.findings.iter().any(|finding| finding.kind != CredentialKind::AccessKey) {
            text.push('\n');
            text.push_str(OTHER);
        }
    }

    fn push_footer(&self, text: &mut String) {
        let context = self.context;
        let next = match context.next_run {
            Some(next) => format!("The next check runs on {}.", minute(next)),
            None => {
                let description = context.schedule.description();
                if description.starts_with("every") || description.starts_with("at ") {
                    format!("Checks run {description}.")
                } else {
                    format!("Checks run by {description}.")
                }
            }
        };
        let install = Untrusted::new(&context.install);
        let region = if context.region.is_empty() { String::new() } else { format!(" in {}", context.region) };
        text.push('\n');
        text.push_str(&fill(
            FOOTER,
            &[
                ("next", next.as_str()),
                ("install", install.as_str()),
                ("region", &region),
                ("flag", &install_flag(&context.install)),
            ],
        ));
    }

    /// One line on a key, for chat.
    pub(super) fn short(finding: &Finding) -> String {
        let id = finding.access_key_id.as_deref().unwrap_or("(not read)");
        let age = finding.age_in_words();
        match (finding.verdict, finding.due_at) {
            (Verdict::Due, Some(due_at)) => format!("{id}, {age}, old on {}", date(due_at)),
            (Verdict::Unknown, _) => "could not be read".to_owned(),
            _ => format!("{id}, {age}"),
        }
    }
}
