//! Words of others, made harmless.

#![allow(clippy::unwrap_used)]

use keyminder_keyage::Untrusted;
use keyminder_keyage::untrusted::{chat, csv_field, cut, shell_option, shell_word};

#[test]
fn ordinary_names_stay_as_they_are() {
    for name in ["alice", "alice.smith@example.com", "svc+backup=eu,1_2-3", "Zoë 漢字"] {
        assert_eq!(Untrusted::new(name).as_str(), name);
    }
}

#[test]
fn words_that_mail_programs_link_are_broken_up_where_no_link_belongs() {
    for (text, expected) in [
        ("see evil.example/login now", "see evil[.]example/login now"),
        ("evil.example", "evil[.]example"),
        ("(evil.example)", "(evil[.]example)"),
        ("mailto:eve@evil.example", "mailto[:]eve@evil.example"),
        ("user@evil.example/x", "user@evil[.]example/x"),
        ("10.0.0.1/login", "10[.]0[.]0[.]1/login"),
        ("https://evil.example", "https[:]//evil.example"),
        ("noor@example.com", "noor@example.com"),
        ("platform team, v1.2. It moves. e.g. soon", "platform team, v1.2. It moves. e.g. soon"),
    ] {
        assert_eq!(Untrusted::without_links(text).as_str(), expected);
    }
}

#[test]
fn a_value_that_begins_with_a_hyphen_reaches_the_command_as_a_value() {
    for value in ["-rf", "--help", "-a 'b'; $(c)", "alice", "'; rm -rf ~; '", ""] {
        let line = format!("printf '%s\\n' {}", shell_option("--user-name", value));
        let printed = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        let attached = format!("--user-name={value}\n");
        let apart = format!("--user-name\n{value}\n");
        assert_eq!(printed, if value.starts_with('-') { attached } else { apart }, "{line}");
    }
}

#[test]
fn characters_that_hide_or_turn_the_text_become_visible() {
    for treacherous in [
        "\n",
        "\r",
        "\t",
        "\0",
        "\u{1B}",
        "\u{7F}",
        "\u{85}",
        "\u{9B}",
        "\u{AD}",
        "\u{61C}",
        "\u{200B}",
        "\u{200E}",
        "\u{2028}",
        "\u{202E}",
        "\u{2060}",
        "\u{2066}",
        "\u{3164}",
        "\u{FE0F}",
        "\u{FEFF}",
        "\u{E0041}",
    ] {
        assert_eq!(Untrusted::new(&format!("ad{treacherous}min")).as_str(), "ad\u{FFFD}min", "{treacherous:?}");
        assert_eq!(Untrusted::new(&format!("ad{treacherous}min")).ascii(), "ad?min");
    }
}

#[test]
fn no_link_comes_of_a_name() {
    assert_eq!(Untrusted::new("https://evil.example").as_str(), "https[:]//evil.example");
    assert_eq!(Untrusted::new("see www.evil.example and WWW.b").as_str(), "see www[.]evil.example and WWW[.]b");
    assert_eq!(Untrusted::new("é www.").as_str(), "é www[.]");
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(cut("abcdef", 6), "abcdef");
    assert_eq!(cut("abcdefg", 6), "abc...");
    assert_eq!(cut("漢漢漢漢漢漢漢", 6), "漢漢漢...");
}

#[test]
fn shell_words_are_quoted_where_they_must_be() {
    for (word, quoted) in [
        ("alice.smith@example.com", "alice.smith@example.com"),
        ("", "''"),
        ("two words", "'two words'"),
        ("-x", "'-x'"),
        ("$(id)", "'$(id)'"),
        ("it's", r"'it'\''s'"),
        ("a\nb", "'a\u{FFFD}b'"),
    ] {
        assert_eq!(shell_word(word), quoted);
    }
}

#[test]
fn no_markup_comes_of_a_name_in_a_chat() {
    assert_eq!(chat("<!channel> `x` & <http://a|b>"), "&lt;!channel&gt; 'x' &amp; &lt;http[:]//a|b&gt;");
}

#[test]
fn no_formula_comes_of_a_name_in_a_spreadsheet() {
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1"] {
        assert_eq!(csv_field(formula), format!("'{formula}"));
    }
    assert_eq!(csv_field("\t=1"), "\u{FFFD}=1");
    assert_eq!(csv_field("alice"), "alice");
}
