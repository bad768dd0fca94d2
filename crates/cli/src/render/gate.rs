//! The gate that all text passes on its way to the terminal, a pipe or a file.
//!
//! User names, log events, error messages and configuration files hold what others wrote. None of it can move the
//! cursor, colour or hide text, or turn its direction. It must not know where text comes from, so that no caller can
//! forget it.

use std::borrow::Cow;
use std::fmt::Write;

use keyminder_keyage::untrusted::is_treacherous;

use super::style::own_sequence;

/// The text with U+FFFD for each character that is not what it looks like. Line breaks, tabs and our own styles stay.
pub(crate) fn gate(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_treacherous(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let own = if c == '\u{1b}' { own_sequence(rest) } else { 0 };
        if own > 0 {
            out.push_str(&rest[..own]);
            rest = &rest[own..];
            continue;
        }
        out.push(if is_treacherous(c) && !matches!(c, '\n' | '\t') { '\u{FFFD}' } else { c });
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(out)
}

/// JSON text in which such characters are escapes. They can only be in strings.
pub(crate) fn escaped(json: String) -> String {
    let bad = |c: char| is_treacherous(c) && !matches!(c, '\n' | '\t');
    if !json.contains(bad) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if bad(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::style::{Paint, bold};
    use super::*;

    #[test]
    fn only_our_own_styles_pass() {
        let text = format!("{} a\tb\n\u{1b}[2J\u{1b}[8mx\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{200b}\r", bold("x"));
        let passed = gate(&text);
        assert!(passed.starts_with(&bold("x")) && passed.contains("a\tb\n"), "{passed:?}");
        assert!(!passed[bold("x").len()..].contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{200b}', '\r']));
        for paint in
            [Paint::ADD, Paint::CHANGE, Paint::DELETE, Paint::DIM, Paint::HEADING, Paint::ERROR, Paint::COMMAND]
        {
            let painted = paint.on("x");
            assert_eq!(gate(&painted), painted, "{paint:?}");
        }
    }

    #[test]
    fn json_keeps_every_character_as_an_escape() {
        let value = serde_json::json!({"a": "\u{1b}\u{7f}\u{9b}\u{202e}\u{200b}\u{e0001}"});
        let text = escaped(serde_json::to_string_pretty(&value).unwrap());
        assert!(text.is_ascii() && !text.contains('\u{7f}'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
