//! Words of others, made harmless.

use keyminder_keyage::Untrusted;
use keyminder_keyage::untrusted::{chat, csv_field, cut, shell_word};

#[test]
fn ordinary_names_stay_as_they_are() {
    for name in ["alice", "alice.smith@example.com", "svc+backup=eu,1_2-3", "Zoë 漢字"] {
        assert_eq!(Untrusted::new(name).as_str(), name);
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
