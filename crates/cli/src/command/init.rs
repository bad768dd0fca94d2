//! `keyminder init`: a commented configuration file.

use crate::args::{GlobalArgs, InitArgs, SpecArgs};
use crate::config::{Config, commented};
use crate::error::{Error, Exit};
use crate::render::{self, Screen};

pub(crate) fn run(screen: &Screen, global: &GlobalArgs, args: &InitArgs) -> Result<Exit, Error> {
    let config = Config::without_file(global, &args.given);
    // What could not be installed is not written down either.
    let given = SpecArgs { given: args.given.clone(), adopt: false };
    config.account()?;
    config.wish(&given)?;
    let text = commented(&config.given(&args.given));
    let file = &args.file;
    if file.as_os_str() == "-" {
        screen.result(&text);
        return Ok(Exit::Done);
    }
    if file.exists() && !args.overwrite {
        return Err(Error::failed("FileExists", format!("{} already exists", file.display()))
            .hint("to replace it, use --overwrite; to write another file, use -o FILE"));
    }
    render::write_file(file, text.as_bytes())?;
    screen.remark(&format!("Wrote {}. Edit it, then run keyminder plan.", file.display()));
    Ok(Exit::Done)
}
