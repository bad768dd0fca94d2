//! `docs/configuration.md`: every key, flag and variable that it names is accepted, and every one that is accepted is
//! in it.

use std::collections::BTreeSet;

use toml::Value;

use crate::page::{files, pages, quoted, rows, section, text};
use crate::terminal::Terminal;

const PAGE: &str = "docs/configuration.md";

/// The tables whose content is the user's own.
const FREE: [&str; 4] = ["allow", "tags", "function.environment", "notify.subscriptions[].filter_policy"];

fn documented_keys() -> BTreeSet<String> {
    let page = text(PAGE);
    let keys = section(&page, "## Keys");
    let found: BTreeSet<_> =
        rows(keys).filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`').map(str::to_owned)).collect();
    assert!(found.len() > 40, "{found:?}");
    found
}

/// The keys that the parser says there are in a table, when it is given one that is none.
fn accepted_keys(table: &str, file: &str) -> BTreeSet<String> {
    let run = Terminal::nowhere().run_with(file, &["plan", "--output", "json"]).exits(64);
    let document = run.json();
    let message = document["error"]["message"].as_str().unwrap();
    let known = message.split_once("Valid keys: ").unwrap_or_else(|| panic!("{table}: {message}")).1;
    let known = known.lines().next().unwrap();
    known.split(", ").map(|key| if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }).collect()
}

#[test]
fn every_key_that_the_parser_accepts_is_documented_and_no_other() {
    let mut accepted = BTreeSet::new();
    for (table, file) in [
        ("", "zzzz = 1"),
        ("notify", "[notify]\nzzzz = 1"),
        ("notify.subscriptions[]", "[notify]\nsubscriptions = [{ protocol = 'sqs', endpoint = 'x', zzzz = 1 }]"),
        ("check", "[check]\nzzzz = 1"),
        ("check.exemptions[]", "[check]\nexemptions = [{ user = 'a', until = 2030-01-01, reason = 'r', zzzz = 1 }]"),
        ("check.limits[]", "[check]\nlimits = [{ user = 'a', max_age_days = 1, zzzz = 1 }]"),
        ("owners", "[owners]\nzzzz = 1"),
        ("function", "[function]\nzzzz = 1"),
        ("rule", "[rule]\nzzzz = 1"),
        ("topic", "[topic]\nzzzz = 1"),
        ("iam", "[iam]\nzzzz = 1"),
        ("names", "[names]\nzzzz = 1"),
    ] {
        accepted.extend(accepted_keys(table, file));
    }
    for table in ["notify", "check", "owners", "function", "rule", "topic", "iam", "names"] {
        assert!(accepted.remove(table), "{table} is no table");
    }
    assert_eq!(documented_keys(), accepted);
}

#[test]
fn the_full_example_has_every_key() {
    fn collect(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
        match value {
            Value::Table(table) if !FREE.contains(&path) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    keys.insert(path.clone());
                    collect(&path, value, keys);
                }
            }
            Value::Array(array) => array.iter().for_each(|value| collect(&format!("{path}[]"), value, keys)),
            _ => {}
        }
    }
    let mut keys = BTreeSet::new();
    let full: toml::Table = text("examples/full.toml").parse().unwrap();
    collect("", &Value::Table(full), &mut keys);
    let tables = ["notify", "check", "owners", "function", "rule", "topic", "iam", "names"].map(str::to_owned);
    assert_eq!(documented_keys(), &keys - &BTreeSet::from(tables));
}

const COMMANDS: [&[&str]; 16] = [
    &["setup"],
    &["plan"],
    &["status"],
    &["check"],
    &["test"],
    &["confirm"],
    &["teardown"],
    &["init"],
    &["demo"],
    &["sandbox"],
    &["export", "package"],
    &["export", "policy"],
    &["export", "alarm"],
    &["completions"],
    &["man"],
    &["version"],
];

/// The flags in the help of a command.
fn accepted_flags(command: &[&str]) -> BTreeSet<String> {
    let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
    let help = Terminal::nowhere().run(&arguments).exits(0).out;
    let entries = help.lines().filter(|line| line.trim_start().starts_with('-'));
    entries
        .filter_map(|line| line.split_whitespace().find_map(|word| word.strip_prefix("--")))
        .map(|flag| format!("--{}", flag.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap()))
        .collect()
}

#[test]
fn every_flag_is_documented_with_its_commands_and_no_other() {
    let page = text(PAGE);
    let flags = section(&page, "## Flags");
    let long = |cell: &str| -> Vec<String> {
        quoted(cell).into_iter().filter(|flag| flag.starts_with("--")).map(str::to_owned).collect()
    };
    let documented: BTreeSet<String> = rows(flags).flat_map(|row| long(row[0])).collect();
    let mut accepted = BTreeSet::new();
    for command in COMMANDS {
        accepted.extend(accepted_flags(command));
    }
    assert_eq!(documented, accepted);

    let settings = rows(flags).filter(|row| row.len() == 2 && row[1].starts_with('`') && !row[1].starts_with("`text`"));
    for row in settings.filter(|row| !row[1].contains("`never`")) {
        for flag in long(row[0]) {
            for command in ["setup", "plan", "status"] {
                assert!(accepted_flags(&[command]).contains(&flag), "{command} has no {flag}");
            }
            assert_eq!(
                row[0].ends_with('*'),
                !["--notice", "--timeout"].contains(&flag.as_str()) && accepted_flags(&["check"]).contains(&flag),
                "{flag}"
            );
        }
    }
    for row in rows(flags).filter(|row| row.len() == 3 && row[0] != "flag") {
        for (flag, command) in long(row[0]).iter().flat_map(|flag| quoted(row[1]).into_iter().map(move |c| (flag, c))) {
            let words: Vec<&str> = command.split(' ').collect();
            assert!(accepted_flags(&words).contains(flag), "{command} has no {flag}");
        }
    }
}

/// The variables in the manual of every command.
fn accepted_variables() -> BTreeSet<String> {
    let terminal = Terminal::nowhere();
    terminal.run(&["man", "--dir", "pages"]).exits(0);
    let mut found = BTreeSet::new();
    for page in std::fs::read_dir(terminal.folder.path().join("pages")).unwrap() {
        let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
        found.extend(text.split("\\fB").filter(|part| part.starts_with("KEYMINDER_")).map(|part| {
            part.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).next().unwrap().to_owned()
        }));
    }
    found
}

#[test]
fn every_variable_is_documented_and_no_other() {
    let page = text(PAGE);
    let table = section(&page, "## Variables").split("\n### ").next().unwrap().to_owned();
    let documented: BTreeSet<String> =
        rows(&table).flat_map(|row| quoted(row[0]).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(documented, accepted_variables());
}

#[test]
fn no_page_or_example_names_a_variable_that_nothing_reads() {
    let sources: String = files("crates", ".rs")
        .iter()
        .filter(|file| !file.starts_with("crates/cli/tests/docs/"))
        .map(|file| text(file))
        .collect();
    let variables = accepted_variables();
    let mut read = pages();
    read.extend([".yml", ".sh", ".toml", ".py"].iter().flat_map(|ending| files("examples", ending)));
    for file in read {
        let content = text(&file);
        for (at, _) in content.match_indices("KEYMINDER_") {
            let rest = &content[at..];
            let name =
                rest.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).next().unwrap();
            assert!(
                name == "KEYMINDER_" || variables.contains(name) || sources.contains(name),
                "{file}: nothing reads {name}"
            );
        }
    }
}
