//! `keyminder export`: parts of the installation for use elsewhere.

use std::path::Path;

use keyminder_stack::{alarm, auditor_policy, deployer_policy};
use serde_json::Value;

use super::session::{OpenInstallation, Session};
use crate::args::{ExportKind, SpecArgs};
use crate::error::{Error, Exit};
use crate::render;

pub(crate) async fn run(session: &Session, kind: ExportKind) -> Result<Exit, Error> {
    let screen = &session.screen;
    match kind {
        ExportKind::Package { file, architecture } => {
            let usage = |error: keyminder_bundle::Error| Error::usage("Architecture", error.to_string());
            let chosen = architecture.unwrap_or_else(keyminder_bundle::preferred);
            let package = keyminder_bundle::Package::new(chosen).map_err(usage)?;
            render::write_file(&file, package.zip())?;
            screen.remark(&format!(
                "Wrote {} ({chosen}, {}, {} bytes, CodeSha256 {}).",
                file.display(),
                package.origin(),
                package.zip().len(),
                package.code_sha256()
            ));
        }
        ExportKind::Policy { read_only, file } => {
            let opened = open(session).await?;
            let policy = match read_only {
                true => auditor_policy(&opened.installation),
                false => deployer_policy(&opened.installation),
            };
            write(session, file.as_deref(), &policy)?;
        }
        ExportKind::Alarm { topic, file } => {
            let opened = open(session).await?;
            let installation = &opened.installation;
            // What is installed counts, whatever is configured here.
            let installed = session.reading(installation.installed_schedule()).await?;
            let schedule = installed.unwrap_or_else(|| installation.spec().schedule.clone());
            write(session, file.as_deref(), &alarm(installation, &schedule, &topic)?)?;
        }
    }
    Ok(Exit::Done)
}

async fn open(session: &Session) -> Result<OpenInstallation, Error> {
    let wish = session.config.wish(&SpecArgs::default())?;
    let account = session.connect().await?;
    session.open(&account, wish.spec).await
}

/// Writes JSON to a file, or to standard output if none is given.
fn write(session: &Session, file: Option<&Path>, value: &Value) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::failed("Json", error.to_string()))?;
    let text = render::escaped(text);
    match file {
        None => session.screen.result(&text),
        Some(file) => {
            render::write_file(file, format!("{text}\n").as_bytes())?;
            session.screen.remark(&format!("Wrote {}.", file.display()));
        }
    }
    Ok(())
}
