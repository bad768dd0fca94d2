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
}

pub(crate) fn run(screen: &Screen) -> Result<Exit, Error> {
    let given = |text: Option<&'static str>| text.filter(|text| !text.is_empty());
    let packages = keyminder_bundle::available().iter().filter_map(|architecture| Package::new(*architecture).ok());
    let document = Document {
        schema: 1,
        command: "version",
        version: env!("CARGO_PKG_VERSION"),
        commit: given(COMMIT),
        commit_date: given(COMMIT_DATE),
        checkers: packages
            .map(|package| Checker {
                architecture: package.architecture().as_str(),
                code_sha256: package.code_sha256(),
            })
            .collect(),
    };
    if screen.is_json() {
        screen.document(&document)?;
        return Ok(Exit::Done);
    }
    let mut text = format!("keyminder {}\n", document.version);
    if let Some(commit) = document.commit {
        let date = document.commit_date.map(|date| format!(" ({date})")).unwrap_or_default();
        text.push_str(&format!("commit   {commit}{date}\n"));
    }
    for checker in &document.checkers {
        text.push_str(&format!("function {}, CodeSha256 {}\n", checker.architecture, checker.code_sha256));
    }
    screen.result(&text);
    Ok(Exit::Done)
}
