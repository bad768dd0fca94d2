//! Mails and notices as they would arrive.

use keyminder_keyage::{Notice, OwnerEmail};
#[cfg(feature = "sandbox")]
use keyminder_sandbox::{Mail, MailKind};

use super::gate::escaped;
#[cfg(feature = "sandbox")]
use super::style::fold;
use super::style::{bold, dim};

/// Columns inside the frame.
#[cfg(feature = "sandbox")]
const WIDTH: usize = 70;
/// How the text that SNS puts below an email begins.
#[cfg(feature = "sandbox")]
const SNS_FOOTER: &str = "\n\n--\nIf you wish to stop";

/// A mail, framed so that it is not mistaken for the command's own words.
#[cfg(feature = "sandbox")]
pub(crate) fn envelope(mail: &Mail) -> String {
    let headers = [("From", mail.from.as_str()), ("To", mail.to.as_str()), ("Subject", mail.subject.as_str())];
    match mail.kind {
        // AWS's own words, in lines of any length.
        MailKind::Confirmation => framed(&headers, &fold(&mail.body, WIDTH)),
        // Ours. Only what SNS puts below it comes in lines of any length; a command that is broken cannot be copied.
        _ => {
            let (ours, of_sns) = mail.body.split_once(SNS_FOOTER).unwrap_or((&mail.body, ""));
            let of_sns = if of_sns.is_empty() { String::new() } else { fold(&format!("{SNS_FOOTER}{of_sns}"), WIDTH) };
            framed(&headers, &(ours.to_owned() + &of_sns))
        }
    }
}

/// A notice before it is sent: the email, or what a chat channel is sent.
pub(crate) fn notice(notice: &Notice) -> String {
    let headers = [("Subject", notice.subject.as_str())];
    if notice.structured {
        return framed(&headers, &notice.text);
    }
    let message: serde_json::Value = serde_json::from_str(&notice.message).unwrap_or_default();
    let message = serde_json::to_string_pretty(&message).unwrap_or_else(|_| notice.message.clone());
    framed(&headers, &escaped(message))
}

/// An email to an owner before it is sent: its plain text part.
pub(crate) fn owner_email(email: &OwnerEmail) -> String {
    framed(&[("To", email.to.as_str()), ("Subject", email.subject.as_str())], &email.text)
}

fn framed(headers: &[(&str, &str)], body: &str) -> String {
    let bar = dim("│");
    let mut text = dim("┌──────────────────────────────────────────────────────────────────────") + "\n";
    for (name, value) in headers {
        text.push_str(&format!("{bar} {:<9}{}\n", format!("{name}:"), bold(value)));
    }
    text.push_str(&format!("{bar}\n"));
    for line in body.trim_end().lines() {
        text.push_str(format!("{bar} {line}").trim_end());
        text.push('\n');
    }
    text + &dim("└──────────────────────────────────────────────────────────────────────")
}
