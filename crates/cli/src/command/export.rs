//! `keyminder export`: parts of the install for other hands.

use keyminder_bundle::Architecture;
use keyminder_stack::deployer_policy;

use super::session::Session;
use crate::args::{ExportKind, SpecArgs};
use crate::error::{Error, Exit};
use crate::render;

pub(crate) async fn run(session: &Session, kind: ExportKind) -> Result<Exit, Error> {
    let screen = &session.screen;
    match kind {
        ExportKind::Package { file, architecture } => {
            let usage = |error: keyminder_bundle::Error| Error::usage("Architecture", error.to_string());
            let chosen = match architecture {
                Some(name) => name.parse().map_err(usage)?,
                None => keyminder_bundle::available().first().copied().unwrap_or(Architecture::X86_64),
            };
            let package = keyminder_bundle::Package::new(chosen).map_err(usage)?;
            render::write_file(&file, package.zip())?;
            screen.remark(&format!(
                "Wrote {} ({} bytes, {chosen}, CodeSha256 {}).",
                file.display(),
                package.zip().len(),
                package.code_sha256()
            ));
        }
        ExportKind::Policy { file } => {
            let wish = session.config.wish(&SpecArgs::default())?;
            let account = session.connect().await?;
            let opened = session.open(&account, wish.spec).await?;
            let policy = deployer_policy(&opened.installation);
            let text =
                serde_json::to_string_pretty(&policy).map_err(|error| Error::failed("Json", error.to_string()))?;
            match file {
                Some(file) => {
                    render::write_file(&file, format!("{text}\n").as_bytes())?;
                    screen.remark(&format!("Wrote {}.", file.display()));
                }
                None => screen.result(&text),
            }
        }
    }
    Ok(Exit::Done)
}
