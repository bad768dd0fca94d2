//! What is to be done about the keys of a notice, as text.
//!
//! Owns the steps in full and in short. Which key needs what was decided with its verdict.

use super::draft::Draft;
use super::text::{count, fill, wrap};
use crate::key::KeyStatus;
use crate::report::Finding;
use crate::settings::NoticeSteps;
use crate::untrusted::{Untrusted, shell_option};
use crate::verdict::Remedy;

const ROTATE: &str = include_str!("../../../../assets/notice/rotate.txt");
const DELETE: &str = include_str!("../../../../assets/notice/delete.txt");
const DELETE_INACTIVE: &str = include_str!("../../../../assets/notice/delete-inactive.txt");
const REPLACE: &str = include_str!("../../../../assets/notice/replace.txt");

/// Adds the steps.
pub(super) fn push(text: &mut String, draft: &Draft<'_>) {
    let remedies = draft.remedies();
    if remedies.is_empty() {
        return;
    }
    if draft.gives_full_steps() {
        for (remedy, number, example) in &remedies {
            text.push('\n');
            text.push_str(&in_full(*remedy, *number, example));
        }
    } else {
        text.push_str("\nWHAT TO DO\n\n");
        for (remedy, number, _) in &remedies {
            text.push_str(&wrap(&in_short(*remedy, *number), 0));
        }
        if draft.settings.runbook_url.is_none() && draft.settings.notice_steps == NoticeSteps::Auto {
            text.push_str("All steps with their commands: keyminder check --notice\n");
        }
    }
    if let Some(url) = &draft.settings.runbook_url {
        text.push_str(&format!("\nRunbook: {url}\n"));
    }
}

fn in_full(remedy: Remedy, number: u32, example: &Finding) -> String {
    let template = match remedy {
        Remedy::Rotate => ROTATE,
        Remedy::Delete if example.status == Some(KeyStatus::Inactive) => DELETE_INACTIVE,
        Remedy::Delete => DELETE,
        Remedy::Replace => REPLACE,
    };
    let user = Untrusted::new(&example.user);
    let example_note = match number {
        1 => String::new(),
        _ => format!("\n{}", wrap(&format!("Example for {user}; repeat for the others:"), 0).trim_end()),
    };
    let values = [
        ("number", count(number, "key").to_uppercase()),
        ("credentials", count(number, "other credential").to_uppercase()),
        ("user", shell_option("--user-name", &example.user)),
        ("key", shell_option("--access-key-id", example.access_key_id.as_deref().unwrap_or_default())),
        ("example", example_note),
    ];
    fill(template, &values)
}

fn in_short(remedy: Remedy, number: u32) -> String {
    match remedy {
        Remedy::Rotate => format!(
            "Rotate {}: create a second key (aws iam create-access-key), use it in place of the old one, deactivate the \
             old one (update-access-key), wait a few days, then delete it (delete-access-key).",
            count(number, "key")
        ),
        Remedy::Delete => format!(
            "Delete {}: deactivate (aws iam update-access-key), wait a few days, then delete (delete-access-key).",
            count(number, "unused key")
        ),
        Remedy::Replace => format!(
            "Replace {}: create or upload a new one, switch over, deactivate the old one, wait, then delete it.",
            count(number, "other credential")
        ),
    }
}
