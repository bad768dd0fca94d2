//! The HTML part of an owner's email.
//!
//! Owns that nothing that others chose is markup or a link: every text is escaped, and mail programs, which look for
//! addresses in text, find none, because the characters that make one stand in elements of their own.

use super::{Content, text};
use crate::notice::lines::date;
use crate::notice::steps;
use crate::notice::subject::headline;
use crate::report::Finding;
use crate::untrusted::Untrusted;

/// Text without markup and links.
pub(super) fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '.' | '@' | ':' => {
                out.push_str("<span>");
                out.push(c);
                out.push_str("</span>");
            }
            c => out.push(c),
        }
    }
    out
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", inert(text))
}

fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>IAM access keys</title></head>\n<body \
         style=\"font-family:sans-serif\">\n{body}</body></html>\n"
    )
}

/// A page with one text as it is.
pub(super) fn preformatted(text: &str) -> String {
    page(&format!("<pre>{}</pre>\n", inert(text)))
}

pub(super) fn of(content: &Content<'_>) -> String {
    let draft = content.draft;
    let mut body = format!("<h1 style=\"font-size:1.2em\">{}</h1>\n", inert(&headline(draft)));
    body.push_str(&paragraph(&content.why()));
    for (report, findings) in &content.letter.accounts {
        body.push_str(&format!("<h2 style=\"font-size:1em\">{}</h2>\n", inert(&text::account(report))));
        body.push_str("<table border=\"1\" cellpadding=\"4\" style=\"border-collapse:collapse\">\n");
        body.push_str("<tr><th>User</th><th>Key</th><th>Age</th><th>Created</th><th>What to do</th></tr>\n");
        findings.iter().take(text::LISTED).for_each(|finding| body.push_str(&row(finding)));
        body.push_str("</table>\n");
        if findings.len() > text::LISTED {
            body.push_str(&paragraph(&format!("and {} more", findings.len() - text::LISTED)));
        }
    }
    let mut what_to_do = String::new();
    steps::push(&mut what_to_do, draft);
    body.push_str(&format!("<pre>{}</pre>\n", inert(what_to_do.trim())));
    // The settings' own bounds let no quote and no markup into it.
    if let Some(url) = &draft.settings.runbook_url {
        let url = url.replace('&', "&amp;");
        body.push_str(&format!("<p><a href=\"{url}\">Runbook</a></p>\n"));
    }
    content.reminder().iter().for_each(|reminder| body.push_str(&paragraph(reminder)));
    body.push_str(&paragraph(&content.others()));
    if let Some(contact) = &draft.settings.contact {
        body.push_str(&paragraph(&format!("Questions: {contact}")));
    }
    let (install, region) = (Untrusted::new(&draft.context.install), &draft.context.region);
    body.push_str(&paragraph(&format!("Sent by keyminder, installation \"{install}\" in {region}.")));
    page(&body)
}

fn row(finding: &Finding) -> String {
    let advice = finding
        .advice
        .as_ref()
        .map(|advice| format!("{} (a guess: {})", advice.text, Untrusted::without_links(&advice.because)));
    let remedy = finding.remedy.map(|remedy| match remedy {
        crate::Remedy::Rotate => "Rotate it",
        crate::Remedy::Delete => "Delete it",
        crate::Remedy::Replace => "Replace it",
    });
    let cells = [
        Untrusted::new(&finding.user).to_string(),
        Untrusted::new(finding.access_key_id.as_deref().unwrap_or_default()).to_string(),
        finding.age_in_words(),
        finding.created.map(date).unwrap_or_default(),
        advice.unwrap_or_else(|| remedy.unwrap_or_default().to_owned()),
    ];
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", inert(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}
