//! Reading what is written: files of the repository, and the parts of a Markdown page. It knows nothing of what the
//! pages are about.

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A file of the repository.
#[track_caller]
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder of the repository that ends so, by its path from the top, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut found: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with(ending))
        .collect();
    found.sort();
    found
}

/// Every page for people.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "CHANGELOG.md".to_owned()];
    pages.extend(files("docs", ".md"));
    pages.extend(files("examples", ".md"));
    pages
}

/// The part of a page from a heading to the next of the same or a higher level.
#[track_caller]
pub(crate) fn section<'t>(page: &'t str, heading: &str) -> &'t str {
    let level = heading.chars().take_while(|&c| c == '#').count();
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading:?}")) + 1;
    let rest = &page[start + heading.len()..];
    let end = rest.match_indices("\n#").map(|(at, _)| at).find(|&at| {
        let next = rest[at + 1..].chars().take_while(|&c| c == '#').count();
        next <= level
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// The cells of every row of every table.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands in backticks.
pub(crate) fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A fenced block of a page.
pub(crate) struct Block {
    /// What stands after the fence.
    pub(crate) language: String,
    /// Its content, without the indentation of a list.
    pub(crate) text: String,
    /// The line of the fence.
    pub(crate) line: usize,
    /// What the comments before it, `<!-- test: … -->`, say about how it is tested.
    pub(crate) notes: Vec<String>,
}

/// Every fenced block, in the order shown.
pub(crate) fn fenced(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut notes = Vec::new();
    for (number, line) in page.lines().enumerate() {
        let line_in = line.trim_start();
        match (&mut open, line_in.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(info)) => {
                let notes = std::mem::take(&mut notes);
                open = Some(Block { language: info.trim().to_owned(), text: String::new(), line: number + 1, notes });
            }
            (Some(block), None) => {
                block.text.push_str(line_in);
                block.text.push('\n');
            }
            (None, None) => {
                let note = line_in.strip_prefix("<!-- test: ").and_then(|rest| rest.strip_suffix(" -->"));
                notes.extend(note.map(str::to_owned));
            }
        }
    }
    assert!(open.is_none() && notes.is_empty(), "a fence is not closed, or a note is about no block: {notes:?}");
    blocks
}

/// The content of every fenced block of a language.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    fenced(page).into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

/// The page without its fenced blocks.
pub(crate) fn prose(page: &str) -> String {
    let mut fenced = false;
    page.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .fold(String::new(), |text, line| text + line + "\n")
}
