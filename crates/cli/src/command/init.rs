//! `keyminder init`: a commented configuration file.

use keyminder_stack::Subscription;

use crate::args::{GlobalArgs, InitArgs};
use crate::config::{Values, commented};
use crate::error::{Error, Exit};
use crate::render::{self, Screen};

pub(crate) fn run(screen: &Screen, global: &GlobalArgs, args: &InitArgs) -> Result<Exit, Error> {
    let problems: Vec<String> = args
        .emails
        .iter()
        .flat_map(|address| Subscription::email(address.trim()).problems())
        .map(|p| format!("--email: {p}"))
        .collect();
    if !problems.is_empty() {
        return Err(Error::problems(problems));
    }
    let given = [
        ("name", &global.name),
        ("region", &global.region),
        ("profile", &global.profile),
        ("account", &global.account),
    ];
    let mut values: Values =
        given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?.into()))).collect();
    if !args.emails.is_empty() {
        let emails = args.emails.iter().map(|address| address.trim().into()).collect();
        values.insert("notify.emails".to_owned(), toml::Value::Array(emails));
    }
    let text = commented(&values);
    let file = &args.file;
    if file.as_os_str() == "-" {
        screen.result(&text);
        return Ok(Exit::Done);
    }
    if file.exists() && !args.overwrite {
        return Err(Error::failed("FileExists", format!("{} is there already", file.display()))
            .hint("give --overwrite to replace it, or -o FILE to write another"));
    }
    render::write_file(file, text.as_bytes())?;
    screen.remark(&format!("Wrote {}. Edit it, then run keyminder plan.", file.display()));
    Ok(Exit::Done)
}
