//! Text that others chose, made safe to show.
//!
//! Anyone who can create a user or a tag chooses user names, tags, aliases and parts of error messages. Owns how they
//! are shown in text, subjects, shell commands, chat and CSV. It must not know notices. (HTML is escaped by the page's
//! own template engine.)

use std::fmt;

/// Untrusted text that is safe to show: it cannot break a line, turn the writing direction, hide characters, or become
/// a link with a scheme. All untrusted text passes through it before a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted(String);

impl Untrusted {
    /// Makes text safe to show. Control characters, line and paragraph separators, bidirectional controls
    /// and invisible characters become U+FFFD, so that a name cannot pass for another; `://` becomes
    /// `[:]//` and `www.` becomes `www[.]`, so that no mail program makes a link of it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut plain: String = text.chars().map(|c| if is_treacherous(c) { '\u{FFFD}' } else { c }).collect();
        if plain.contains("://") {
            plain = plain.replace("://", "[:]//");
        }
        if plain.as_bytes().windows(4).any(|bytes| bytes.eq_ignore_ascii_case(b"www.")) {
            plain = unlinked(&plain);
        }
        Self(plain)
    }

    /// Makes text safe in which no link belongs, such as an owner or a reason in a tag: besides what [`Self::new`] does,
    /// words that mail programs turn into links are broken up (`example.com/x` becomes `example[.]com/x`). Email
    /// addresses stay as they are.
    #[must_use]
    pub fn without_links(text: &str) -> Self {
        let safe = Self::new(text).0;
        Self(safe.split_inclusive(char::is_whitespace).map(broken_up).collect())
    }

    /// Whether [`Self::new`] would replace a character of the text.
    #[must_use]
    pub fn has_unsafe_characters(text: &str) -> bool {
        text.chars().any(is_treacherous)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// At most so many characters; where there are more, the last three become dots.
    #[must_use]
    pub fn cut(&self, most: usize) -> String {
        cut(&self.0, most)
    }

    /// Only printable ASCII, anything else as `?`: the safe form for a subject.
    #[must_use]
    pub fn ascii(&self) -> String {
        self.0.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// At most so many characters; where there are more, the last three become dots.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(3)).collect();
    short.push_str("...");
    short
}

/// One word of a POSIX shell command, quoted if necessary. Characters that are not printable become U+FFFD: the command
/// then fails rather than do something that cannot be seen.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let text: String = text.chars().map(|c| if is_treacherous(c) { '\u{FFFD}' } else { c }).collect();
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(safe) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An option of a shell command with its value. A value that begins with a hyphen is attached with `=`, as it would be
/// taken for an option of its own otherwise.
#[must_use]
pub fn shell_option(option: &str, value: &str) -> String {
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    format!("{option}{separator}{}", shell_word(value))
}

/// Text inside a chat message's code span: no mention, link or markup can come of it in Slack or
/// Microsoft Teams.
#[must_use]
pub fn chat(text: &str) -> String {
    Untrusted::new(text).0.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "'")
}

/// One field of a CSV file that no spreadsheet takes for a formula. Quoting is the CSV writer's.
#[must_use]
pub fn csv_field(text: &str) -> String {
    let plain = Untrusted::new(text).0;
    // A leading minus is a formula to a spreadsheet as well (OWASP, "CSV Injection").
    if plain.starts_with(['=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}']) {
        format!("'{plain}")
    } else {
        plain
    }
}

/// Whether a character could break a line, hide, or turn the direction of what follows.
#[must_use]
pub fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A word with the space after it, broken up if a mail program would make a link of it.
fn broken_up(word: &str) -> String {
    let lower = word.to_lowercase();
    for scheme in ["mailto:", "tel:", "sms:", "callto:", "skype:", "javascript:", "data:", "file:", "ftp:"] {
        if let Some(at) = lower.find(scheme).filter(|_| lower.len() == word.len()) {
            let (before, after) = word.split_at(at + scheme.len() - 1);
            return format!("{before}[:]{}", after.get(1..).unwrap_or_default());
        }
    }
    let is_end = |c: char| matches!(c, '/' | ':' | '?' | '#');
    let host = word.split(is_end).next().unwrap_or_default();
    let is_address = host.contains('@') && !word.contains(is_end);
    let labels = || host.split('.').map(|label| label.trim_matches(|c: char| !c.is_alphanumeric()));
    let last = labels().rfind(|label| !label.is_empty()).unwrap_or_default();
    let names_a_host = labels().filter(|label| !label.is_empty()).count() > 1
        && (last.chars().count() > 1 && last.chars().all(char::is_alphabetic) || host.len() < word.trim_end().len());
    if is_address || !names_a_host {
        return word.to_owned();
    }
    format!("{}{}", host.replace('.', "[.]"), word.get(host.len()..).unwrap_or_default())
}

fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.as_bytes().windows(4).position(|bytes| bytes.eq_ignore_ascii_case(b"www.")) {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        out.push_str("[.]");
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
