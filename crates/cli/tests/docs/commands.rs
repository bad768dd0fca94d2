//! Every `keyminder …` that a page or an example prints is one that the command line takes.

use std::collections::BTreeSet;

use crate::page::{blocks, files, pages, prose, quoted, text};
use crate::terminal::Terminal;

/// The words of each simple command in a piece of shell: as far as the pages use it, no further.
pub(crate) fn simple_commands(shell: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let (mut words, mut word, mut inside): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    let mut chars = shell.chars().peekable();
    while let Some(c) = chars.next() {
        match (inside, c) {
            (Some(quote), _) if c == quote => inside = None,
            (Some('"') | None, '$') if chars.peek() == Some(&'(') => {
                chars.next();
                let inner: String = chars.by_ref().take_while(|&c| c != ')').collect();
                commands.extend(simple_commands(&inner));
                word.get_or_insert_default().push_str("substituted");
            }
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                inside = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') if chars.peek() == Some(&'\n') => {
                chars.next();
            }
            (None, '#') if word.is_none() => while chars.next_if(|&c| c != '\n').is_some() {},
            (None, '\n' | '|' | ';' | '&' | '>' | '<') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

/// The arguments of each call of keyminder in a piece of shell.
fn calls(shell: &str) -> Vec<Vec<String>> {
    let of = |words: Vec<String>| {
        let words: Vec<String> = words
            .into_iter()
            .skip_while(|word| {
                let name = word.split('=').next().unwrap_or_default();
                word == "do" || word.contains('=') && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
            })
            .collect();
        match words.first().map(String::as_str) {
            Some("keyminder") => Some(words[1..].to_vec()),
            Some("cargo") if words.get(1).is_some_and(|word| word == "run") => {
                let at = words.iter().position(|word| word == "--")?;
                Some(words[at + 1..].to_vec())
            }
            _ => None,
        }
    };
    simple_commands(shell).into_iter().filter_map(of).collect()
}

/// Every call in a page: its blocks of shell, and what is printed like one between words.
fn calls_in_page(page: &str) -> Vec<Vec<String>> {
    let mut found: Vec<_> = blocks(page, "sh").iter().flat_map(|block| calls(block)).collect();
    let prose = prose(page);
    for inline in quoted(&prose) {
        // Words in capitals, and dots, stand for something.
        if inline.starts_with("keyminder ") && !inline.contains("COMMAND") && !inline.contains('…') {
            found.extend(calls(inline));
        }
    }
    found
}

/// The shell in a CI job: whatever is a list item or follows `run:`.
pub(crate) fn shell_in_yaml(yaml: &str) -> String {
    yaml.lines()
        .filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("run: ").or_else(|| line.strip_prefix("- run: ")).or_else(|| line.strip_prefix("- "))
        })
        .fold(String::new(), |shell, line| shell + line + "\n")
}

#[test]
fn every_command_in_the_pages_and_examples_is_one() {
    let mut found = BTreeSet::new();
    for page in pages() {
        found.extend(calls_in_page(&text(&page)).into_iter().map(|call| (call, page.clone())));
    }
    for file in files("examples", ".yml") {
        found.extend(calls(&shell_in_yaml(&text(&file))).into_iter().map(|call| (call, file.clone())));
    }
    assert!(found.len() > 60, "only {} were found", found.len());
    let terminal = Terminal::nowhere();
    for (mut call, page) in found {
        // Help is given as soon as everything before it was understood.
        call.push("--help".to_owned());
        let run = terminal.run(&call);
        assert_eq!(run.code, 0, "{page}: keyminder {}\n{}", call.join(" "), run.err);
    }
}

#[test]
fn the_commands_of_a_page_are_found() {
    let page = "Run `keyminder plan` or `keyminder COMMAND`.\n\n```sh\n# not this\nA=1 keyminder setup --tag 'a=b c' \\\n    --yes | cat && keyminder status\neval \"$(keyminder sandbox --port 1)\"\ncargo run -- demo\n```\n";
    let calls: Vec<String> = calls_in_page(page).iter().map(|call| call.join("·")).collect();
    assert_eq!(calls, ["setup·--tag·a=b c·--yes", "status", "sandbox·--port·1", "demo", "plan"]);
}

#[test]
fn a_flag_that_is_none_would_be_found() {
    let run = Terminal::nowhere().run(&["setup", "--no-such-flag", "--help"]);
    assert_eq!(run.code, 64, "{}", run.err);
}
