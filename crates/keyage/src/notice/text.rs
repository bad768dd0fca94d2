//! Untrusted text: filling in and wrapping.
//!
//! Owns the width and the placeholders of the fixed prose in `assets/notice`. It must not know what
//! the words are about.

/// The width of a mail's text in columns.
pub(super) const WIDTH: usize = 72;

/// Puts values in place of `{name}`. One pass, so that a value is never taken for a placeholder.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 128);
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let found = values.iter().find_map(|(name, value)| {
            let after = after.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((value.as_str(), after))
        });
        match found {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Words in lines of at most [`WIDTH`] columns, each indented. A longer word has a line of its own.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
    out
}

/// "1 day", "3 days"; "2 access keys".
pub(super) fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The length of a text inside a JSON string.
pub(super) fn quoted(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
            0..=0x1F => 6,
            _ => 1,
        })
        .sum()
}
