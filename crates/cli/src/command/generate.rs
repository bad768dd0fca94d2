//! `keyminder completions` and `keyminder man`: both from the one definition of the command line.

use std::io::Write;
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
    std::fs::create_dir_all(folder).map_err(|error| Error::file("creating the directory", folder, &error))?;
    let mut pages = Vec::new();
    collect(&definition, "keyminder", &mut pages);
    for (name, command) in pages {
        render::write_file(&folder.join(format!("{name}.1")), &page(command)?)?;
    }
    screen.remark(&format!("Wrote the manual pages to {}.", folder.display()));
    Ok(Exit::Done)
}

/// A command and all that are below it, each under its name as a page: `keyminder-export-policy`.
fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, clap::Command)>) {
    pages.push((name.to_owned(), command.clone().name(name.to_owned())));
    // The manual of `help` would be those of all commands again.
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set()) {
        collect(below, &format!("{name}-{}", below.get_name()), pages);
    }
}

fn page(command: clap::Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    write(command, &mut page)
        .map_err(|error| Error::failed("Man", format!("could not generate the manual page: {error}")))?;
    Ok(page)
}

/// The page, with examples as they are typed: neither filled nor hyphenated, so that they can be copied.
fn write(command: clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let examples = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let variables: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_env()?.to_string_lossy().into_owned(), arg.get_long()?.to_owned())))
        .collect();
    let has_below = command.has_subcommands();
    let man = Man::new(command);
    man.render_title(page)?;
    writeln!(page, ".nh\n.ad l")?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if has_below {
        man.render_subcommands_section(page)?;
    }
    if !variables.is_empty() {
        writeln!(page, ".SH ENVIRONMENT")?;
        for (variable, flag) in variables {
            writeln!(page, ".TP\n\\fB{}\\fR\nas \\fB\\-\\-{}\\fR", verbatim(&variable), verbatim(&flag))?;
        }
    }
    if let Some(examples) = examples {
        writeln!(page, ".SH EXAMPLES\n.nf")?;
        for line in examples.trim_start_matches("Examples:\n").lines() {
            writeln!(page, "{}", verbatim(line))?;
        }
        writeln!(page, ".fi")?;
    }
    man.render_version_section(page)
}

/// Text as roff takes it literally.
fn verbatim(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}
