//! Questions to a person on a terminal.
//!
//! Answers are whole lines, so that a screen reader, a paste and a script in a pseudo-terminal all work, and so that an
//! interruption never leaves the terminal in another mode.

use dialoguer::Input;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::render;

/// Whether an answer will do, and if not, why.
pub(crate) type Check = fn(&str) -> Result<(), String>;

/// Asks for a line. An empty answer is the default, where there is one.
///
/// # Errors
/// `Interrupted`, and a terminal that went away.
pub(crate) async fn line(
    interrupt: &Interrupt,
    question: &str,
    default: Option<&str>,
    check: Check,
) -> Result<String, Error> {
    let question = question.to_owned();
    let default = default.map(str::to_owned);
    // A complaint is taken away with the next answer, for which its lines are counted: none may be wider than the screen.
    let columns = usize::from(console::Term::stderr().size().1).saturating_sub(4);
    let asking = tokio::task::spawn_blocking(move || {
        let theme: Box<dyn Theme> =
            if console::colors_enabled_stderr() { Box::new(ColorfulTheme::default()) } else { Box::new(SimpleTheme) };
        let mut input = Input::<String>::with_theme(theme.as_ref())
            .with_prompt(question)
            .allow_empty(true)
            .validate_with(move |answer: &String| check(answer).map_err(|why| render::fold(&why, columns)));
        if let Some(default) = default {
            input = input.default(default);
        }
        input.interact()
    });
    tokio::select! {
        answer = asking => match answer {
            Ok(Ok(answer)) => Ok(answer.trim().to_owned()),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() != std::io::ErrorKind::Interrupted => {
                Err(Error::usage("NoAnswer", format!("no answer could be read: {error}")).hint("give --yes where nobody can be asked"))
            }
            _ => Err(Error::interrupted()),
        },
        () = interrupt.asked() => Err(Error::interrupted()),
    }
}

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// As [`line`].
pub(crate) async fn yes(interrupt: &Interrupt, question: &str, default: bool) -> Result<bool, Error> {
    let answer =
        line(interrupt, &format!("{question} (yes/no)"), Some(if default { "yes" } else { "no" }), yes_or_no).await?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn yes_or_no(answer: &str) -> Result<(), String> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "n" | "no" => Ok(()),
        _ => Err("answer yes or no".to_owned()),
    }
}

/// Any answer will do.
pub(crate) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}
