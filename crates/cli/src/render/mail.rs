//! Mails and notices as they would arrive.

use keyminder_keyage::Notice;
#[cfg(feature = "sandbox")]
use keyminder_sandbox::{Mail, MailKind};

use super::style::{bold, dim, fold};

/// Columns inside the frame.
#[cfg(feature = "sandbox")]
const WIDTH: usize = 70;
/// Columns that a line of ours may have.
const WIDEST: usize = 78;

/// A mail, framed so that it is not mistaken for the command's own words.
#[cfg(feature = "sandbox")]
pub(crate) fn envelope(mail: &Mail) -> String {
    let headers = [("From", mail.from.as_str()), ("To", mail.to.as_str()), ("Subject", mail.subject.as_str())];
    match mail.kind {
        // AWS's own words, in lines of any length.
        MailKind::Confirmation => framed(&headers, &fold(&mail.body, WIDTH)),
        // Ours, which come in lines of their own.
        _ => framed(&headers, &mail.body),
    }
}

/// A notice before it is sent.
pub(crate) fn notice(notice: &Notice) -> String {
    framed(&[("Subject", notice.subject.as_str())], &notice.text)
}

fn framed(headers: &[(&str, &str)], body: &str) -> String {
    let bar = dim("│");
    let mut text = dim("┌──────────────────────────────────────────────────────────────────────") + "\n";
    for (name, value) in headers {
        text.push_str(&format!("{bar} {:<9}{}\n", format!("{name}:"), bold(value)));
    }
    text.push_str(&format!("{bar}\n"));
    // What SNS puts below our words comes in lines of any length.
    let body = fold(body.trim_end(), WIDEST);
    for line in body.lines() {
        text.push_str(format!("{bar} {line}").trim_end());
        text.push('\n');
    }
    text + &dim("└──────────────────────────────────────────────────────────────────────")
}
