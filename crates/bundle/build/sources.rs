//! Which files a build of the checker read, from the dep-info file that Cargo leaves beside the binary:
//! exact, and complete when another crate or asset comes in. It knows nothing of how the build was run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

/// The files named in `dep_info`, and the manifest of each crate they belong to. Relative paths are taken
/// from `root`, the workspace; files under `target` are products, not sources, and are left out.
pub(crate) fn sources(dep_info: &str, root: &Path, target: &Path) -> BTreeSet<PathBuf> {
    let mut sources = BTreeSet::new();
    for line in dep_info.lines() {
        let Some((_, files)) = line.split_once(": ") else {
            continue;
        };
        for file in split_escaped(files) {
            let file = root.join(file);
            if file.starts_with(target) {
                continue;
            }
            let manifest = file
                .ancestors()
                .skip(1)
                .take_while(|folder| *folder != root)
                .map(|folder| folder.join("Cargo.toml"))
                .find(|manifest| manifest.is_file());
            sources.extend(manifest);
            sources.insert(file);
        }
    }
    sources
}

/// A short digest of the sources: their paths in the workspace and their content. Equal sources give equal digests on
/// every machine.
pub(crate) fn digest(sources: &BTreeSet<PathBuf>, root: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    for source in sources {
        let name = source.strip_prefix(root).unwrap_or(source);
        let content = fs::read(source)?;
        hasher.update(name.to_string_lossy().as_bytes());
        hasher.update([0]);
        hasher.update(u64::try_from(content.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(content);
    }
    Ok(hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// Splits at spaces, but not at those escaped by a backslash, as in a makefile.
fn split_escaped(files: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = files.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => {
                characters.next();
                push(&mut names, ' ');
            }
            ' ' => names.push(String::new()),
            other => push(&mut names, other),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn push(names: &mut [String], character: char) {
    if let Some(name) = names.last_mut() {
        name.push(character);
    }
}
