//! The plain text part of an owner's email.

use super::Content;
use crate::notice::draft::Draft;
use crate::notice::subject::headline;
use crate::notice::text::{count, wrap};
use crate::notice::{lines, steps};
use crate::report::Report;
use crate::untrusted::Untrusted;

/// Keys of one account that are listed; the rest is counted.
pub(super) const LISTED: usize = 50;

pub(super) fn of(content: &Content<'_>) -> String {
    let draft = content.draft;
    let mut text = wrap(&format!("{}.", headline(draft)), 0);
    text.push_str(&wrap(&content.why(), 0));
    for (report, findings) in &content.letter.accounts {
        text.push_str(&format!("\n{}\n\n", account(report)));
        for finding in findings.iter().take(LISTED) {
            text.push_str(&lines::key(finding, draft.settings.max_age_days, draft.context.window, false));
        }
        if findings.len() > LISTED {
            let more = u32::try_from(findings.len() - LISTED).unwrap_or(u32::MAX);
            text.push_str(&format!("and {} more\n", count(more, "key")));
        }
    }
    steps::push(&mut text, draft);
    text.push('\n');
    text.push_str(&content.reminder().map(|reminder| wrap(&reminder, 0)).unwrap_or_default());
    text.push_str(&wrap(&content.others(), 0));
    text.push_str(&footer(draft));
    text
}

pub(super) fn test(draft: &Draft<'_>) -> String {
    let mut text = "This is a test. It says nothing about your keys.\n\n".to_owned();
    text.push_str(&wrap(
        "Someone ran \"keyminder test --notice --owner\" with your address to check that owners of IAM access keys are \
         emailed. They are. No action is needed.",
        0,
    ));
    text.push_str(&footer(draft));
    text
}

/// An account by its id and its alias.
pub(super) fn account(report: &Report) -> String {
    let alias = report.account_alias.as_deref().map(|alias| format!(" ({})", Untrusted::without_links(alias)));
    format!("Account {}{}", report.account, alias.unwrap_or_default())
}

fn footer(draft: &Draft<'_>) -> String {
    let contact = draft.settings.contact.as_deref().map(|contact| wrap(&format!("Questions: {contact}"), 0));
    let (install, region) = (Untrusted::new(&draft.context.install), &draft.context.region);
    format!("\n--\n{}Sent by keyminder, installation \"{install}\" in {region}.\n", contact.unwrap_or_default())
}
