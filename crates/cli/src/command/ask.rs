//! Questions to a person on a terminal: lines that can be edited as in a shell.
//!
//! Questions and complaints are text on standard error, so that a screen reader reads each once and results can be
//! redirected. If the terminal cannot edit lines (`TERM=dumb`), a plain line is read.

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use rustyline::config::Behavior;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use super::session::Session;
use crate::error::Error;
use crate::render;

/// Whether an answer is valid, and if not, why.
pub(crate) type Check = fn(&str) -> Result<(), String>;

/// Asks for a line until it is valid. An empty answer is the default, if there is one.
///
/// # Errors
/// `Interrupted`, and `NoAnswer` if the terminal went away or the user ended the input.
pub(crate) async fn line(
    session: &Session,
    question: &str,
    default: Option<&str>,
    check: Check,
) -> Result<String, Error> {
    let suggestion = default.map(|default| format!(" [{default}]")).unwrap_or_default();
    ask(session, &format!("{question}{suggestion}"), default, check).await
}

async fn ask(session: &Session, question: &str, default: Option<&str>, check: Check) -> Result<String, Error> {
    let screen = &session.screen;
    loop {
        // An editor counts the columns of its line, so a long question has lines of its own.
        let question = render::fold(question, screen.width());
        let prompt = match question.contains('\n') {
            true => {
                screen.aside(&question);
                "> ".to_owned()
            }
            false => format!("{question}: "),
        };
        let answer = read(session, prompt).await?;
        let answer = match (answer.trim(), default) {
            ("", Some(default)) => default.to_owned(),
            (answer, _) => answer.to_owned(),
        };
        match check(&answer) {
            Ok(()) => return Ok(answer),
            Err(why) => {
                let why = render::fold(&why, screen.width().saturating_sub(4)).replace('\n', "\n    ");
                screen.aside(&format!("  {} {why}", render::bad("!")));
            }
        }
    }
}

async fn read(session: &Session, prompt: String) -> Result<String, Error> {
    let plain = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if plain {
        session.screen.prompt(&prompt);
    }
    let mode = tcgetattr(std::io::stdin()).ok();
    let asking = tokio::task::spawn_blocking(move || {
        // The terminal itself, whatever the streams lead to.
        let config = Config::builder().behavior(Behavior::PreferTerm).build();
        let mut editor = Editor::<(), _>::with_history(config, MemHistory::new())?;
        editor.readline(if plain { "" } else { &prompt })
    });
    let answer = tokio::select! {
        answer = asking => answer,
        () = session.interrupt.asked() => {
            // The editor still holds the terminal, on a thread that ends with the process.
            if let Some(mode) = mode {
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &mode);
            }
            return Err(Error::interrupted());
        }
    };
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ReadlineError::Interrupted)) | Err(_) => Err(Error::interrupted()),
        Ok(Err(ReadlineError::Eof)) => {
            Err(Error::usage("NoAnswer", "no answer was given").hint("for unattended runs, use --yes"))
        }
        Ok(Err(error)) => Err(Error::usage("NoAnswer", format!("could not read an answer: {error}"))
            .hint("for unattended runs, use --yes")),
    }
}

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// As [`line`].
pub(crate) async fn yes(session: &Session, question: &str, default: bool) -> Result<bool, Error> {
    let (choice, default) = if default { ("[Y/n]", "yes") } else { ("[y/N]", "no") };
    let answer = ask(session, &format!("{question} {choice}"), Some(default), yes_or_no).await?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

fn yes_or_no(answer: &str) -> Result<(), String> {
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" | "n" | "no" => Ok(()),
        _ => Err("answer yes or no".to_owned()),
    }
}

/// Any answer is valid.
pub(crate) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}
