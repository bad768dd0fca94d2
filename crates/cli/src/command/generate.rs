//! `keyminder completions` and `keyminder man`: both from the one definition of the command line.

use std::path::Path;

use clap_complete::Shell;
use clap_mangen::Man;

use crate::args;
use crate::error::{Error, Exit};
use crate::render::{self, Screen};

pub(crate) fn completions(screen: &Screen, shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::definition(), "keyminder", &mut script);
    screen.raw(&script);
    Ok(Exit::Done)
}

pub(crate) fn man(screen: &Screen, folder: Option<&Path>) -> Result<Exit, Error> {
    let mut definition = args::definition();
    definition.build();
    let Some(folder) = folder else {
        screen.raw(&page(definition)?);
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::file("making the folder", folder, &error))?;
    let mut pages = vec![("keyminder".to_owned(), definition.clone())];
    for command in definition.get_subcommands() {
        let name = format!("keyminder-{}", command.get_name());
        pages.push((name.clone(), command.clone().name(name)));
    }
    for (name, command) in pages {
        render::write_file(&folder.join(format!("{name}.1")), &page(command)?)?;
    }
    screen.remark(&format!("Wrote the manual into {}.", folder.display()));
    Ok(Exit::Done)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Error::failed("Man", format!("the manual page could not be made: {error}")))?;
    Ok(page)
}
