//! `keyminder version`: which build this is, and which function it would upload.

use keyminder_bundle::Package;
use serde::Serialize;

use crate::error::{Error, Exit};
use crate::render::Screen;

/// The commit that this was built from, if whoever built it said so.
const COMMIT: Option<&str> = option_env!("KEYMINDER_COMMIT");

/// That commit's date.
const COMMIT_DATE: Option<&str> = option_env!("KEYMINDER_COMMIT_DATE");

#[derive(Serialize)]
struct Document {
    schema: u32,
    command: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_date: Option<&'static str>,
    checkers: Vec<Checker>,
}

/// A package that this build carries.
#[derive(Serialize)]
struct Checker {
    architecture: &'static str,
    code_sha256: String,
    /// How the executable in it was built: `development build`, `release build` or `prebuilt`.
    build: String,
    /// The version and digest of the source that it was compiled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    bytes: usize,
}

pub(crate) fn run(screen: &Screen) -> Result<Exit, Error> {
    let document = document();
    if screen.is_json() {
        screen.document(&document)?;
    } else {
        screen.result(&text(&document));
    }
    Ok(Exit::Done)
}

/// The same for people, without a screen.
pub(crate) fn long() -> String {
    text(&document())
}

fn document() -> Document {
    let given = |text: Option<&'static str>| text.filter(|text| !text.is_empty());
    let packages = keyminder_bundle::available().iter().filter_map(|architecture| Package::new(*architecture).ok());
    Document {
        schema: 1,
        command: "version",
        version: env!("CARGO_PKG_VERSION"),
        commit: given(COMMIT),
        commit_date: given(COMMIT_DATE),
        checkers: packages
            .map(|package| Checker {
                architecture: package.architecture().as_str(),
                code_sha256: package.code_sha256(),
                build: package.origin().to_string(),
                source: package.source(),
                bytes: package.zip().len(),
            })
            .collect(),
    }
}

fn text(document: &Document) -> String {
    let mut text = format!("keyminder {}\n", document.version);
    if let Some(commit) = document.commit {
        let date = document.commit_date.map(|date| format!(" ({date})")).unwrap_or_default();
        text.push_str(&format!("commit   {commit}{date}\n"));
    }
    for Checker { architecture, code_sha256, build, source, bytes } in &document.checkers {
        let source = source.map(|source| format!(", source {source}")).unwrap_or_default();
        text.push_str(&format!("function {architecture}, {build}{source}, {bytes} bytes, CodeSha256 {code_sha256}\n"));
    }
    text
}
