//! `docs/troubleshooting.md` knows every error code of the command's own.

use std::collections::BTreeSet;

use crate::page::{files, text};

/// The codes that a source file makes errors with.
fn codes(source: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for maker in ["Error::usage(", "Error::failed(", "Error::new("] {
        for (at, _) in source.match_indices(maker) {
            let first = source[at + maker.len()..].trim_start();
            if let Some(rest) = first.strip_prefix('"') {
                codes.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    codes
}

#[test]
fn every_error_code_of_the_command_is_explained() {
    let page = text("docs/troubleshooting.md");
    let mut found = BTreeSet::new();
    for folder in ["crates/cli/src", "crates/stack/src"] {
        found.extend(files(folder, ".rs").iter().flat_map(|file| codes(&text(file))));
    }
    assert!(found.len() > 25, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not in docs/troubleshooting.md: {missing:?}");
}
