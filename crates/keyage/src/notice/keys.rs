//! The list of keys in the text of a notice.
//!
//! Owns its sections, how keys are grouped by owner, and where a long list is cut: the rest is counted, with the
//! command that lists everything. It must not know how one key reads.

use super::alike::Alike;
use super::draft::{Draft, Kind};
use super::lines;
use super::text::{count, quoted};
use crate::report::Finding;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// No further key is listed once the list has this many bytes.
const LIST: usize = 100_000;

/// The sections of a notice, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Old,
    Due,
    Unused,
    Inactive,
    Unknown,
    Exempt,
}

impl Section {
    const ALL: [Self; 6] = [Self::Old, Self::Due, Self::Unused, Self::Inactive, Self::Unknown, Self::Exempt];

    const fn heading(self) -> &'static str {
        match self {
            Self::Old => "OVER THE LIMIT",
            Self::Due => "DUE SOON",
            Self::Unused => "UNUSED",
            Self::Inactive => "INACTIVE, OVER THE LIMIT",
            Self::Unknown => "UNKNOWN, COULD NOT BE READ",
            Self::Exempt => "EXEMPT",
        }
    }

    /// How many keys it lists at most.
    const fn most(self) -> usize {
        match self {
            Self::Old => 50,
            Self::Due | Self::Unused | Self::Unknown | Self::Exempt => 20,
            Self::Inactive => 10,
        }
    }

    const fn of(finding: &Finding) -> Self {
        match finding.verdict {
            Verdict::Old => Self::Old,
            Verdict::Due => Self::Due,
            Verdict::Inactive => Self::Inactive,
            Verdict::Unknown => Self::Unknown,
            Verdict::Exempt => Self::Exempt,
            Verdict::Fresh => Self::Unused,
        }
    }
}

/// Adds the list.
pub(super) fn push(text: &mut String, draft: &Draft<'_>) {
    let start = text.len();
    for section in Section::ALL {
        let findings: Vec<&Finding> =
            draft.findings.iter().copied().filter(|finding| Section::of(finding) == section).collect();
        let mut entries = String::new();
        let room = LIST.saturating_sub(quoted(text.get(start..).unwrap_or_default()));
        let left_out = match section {
            Section::Unknown => push_unknown(&mut entries, draft, &findings),
            _ => push_keys(&mut entries, draft, &findings, section.most(), room),
        };
        if left_out > 0 {
            let more = count(u32::try_from(left_out).unwrap_or(u32::MAX), "key");
            entries.push_str(&format!("\nand {more} more. To list all keys, run: keyminder check\n"));
        }
        if section == Section::Exempt && draft.about_the_account {
            push_exemptions(&mut entries, draft);
        }
        if !entries.is_empty() {
            let number = if findings.is_empty() { String::new() } else { format!(": {}", findings.len()) };
            text.push_str(&format!("\n{}{number}\n\n{}", section.heading(), entries.trim_start_matches('\n')));
        }
    }
}

/// Adds keys, by owner if any owner is known; answers how many were left out.
fn push_keys(text: &mut String, draft: &Draft<'_>, findings: &[&Finding], most: usize, room: usize) -> usize {
    let one = |finding: &Finding, with_owner: bool| {
        lines::key(finding, draft.settings.max_age_days, draft.context.window, with_owner)
    };
    let mut size = 0;
    let is_in_room = |finding: &&&Finding| {
        size += quoted(&one(finding, true));
        size <= room
    };
    let listed: Vec<&Finding> = findings.iter().take(most).take_while(is_in_room).copied().collect();
    let by_owner = draft.kind == Kind::Digest && listed.len() > 1 && listed.iter().any(|key| key.owner.is_some());
    if by_owner {
        let mut owners: Vec<Option<&str>> = Vec::new();
        for owner in listed.iter().map(|key| key.owner.as_deref()) {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        // Keys that nobody answers for come last.
        owners.sort_by_key(Option::is_none);
        for owner in owners {
            match owner {
                Some(owner) => text.push_str(&format!("\nOwner: {}\n", Untrusted::without_links(owner).cut(128))),
                None => text.push_str("\nNo owner known\n"),
            }
            for finding in listed.iter().filter(|key| key.owner.as_deref() == owner) {
                text.push_str(&one(finding, false));
            }
        }
    } else {
        for finding in &listed {
            text.push_str(&one(finding, true));
        }
    }
    findings.len() - listed.len()
}

/// Adds what could not be read, the same reason a few times in full; answers how many keys were left out.
fn push_unknown(text: &mut String, draft: &Draft<'_>, findings: &[&Finding]) -> usize {
    let mut alike = Alike::default();
    let (mut keys, mut left_out) = (0, 0);
    for finding in findings {
        if alike.has_been_listed(finding) {
            continue;
        }
        if finding.access_key_id.is_some() {
            keys += 1;
            if keys > Section::Unknown.most() {
                left_out += 1;
                continue;
            }
        }
        text.push_str(&lines::key(finding, draft.settings.max_age_days, draft.context.window, true));
    }
    for shared in alike.texts() {
        text.push_str(&shared);
    }
    if draft.about_the_account {
        // The error of a user whose keys could not be read is in the user's own entry.
        let is_of_its_own = |error: &&crate::ReadError| error.user.is_none() || error.operation != "iam:ListAccessKeys";
        let errors = || draft.report.errors.iter().filter(is_of_its_own);
        for error in errors().take(Section::Unknown.most()) {
            text.push_str(&lines::error(error));
        }
        let more = errors().count().saturating_sub(Section::Unknown.most());
        let more = u32::try_from(more).unwrap_or(u32::MAX).saturating_add(draft.report.errors_left_out);
        if more > 0 {
            text.push_str(&format!("and {}\n", count(more, "further error")));
        }
    }
    left_out
}

fn push_exemptions(text: &mut String, draft: &Draft<'_>) {
    for record in draft.exemptions().take(50) {
        text.push_str(&lines::exemption(record));
    }
}
