//! One file for each command, and what they share: the session.
//!
//! Owns the order in which things happen. Commands neither print (that is [`crate::render`]'s) nor call AWS (that is
//! `keyminder-stack`'s and `keyminder-checker`'s).

mod ask;
mod build;
mod check;
mod confirm;
#[cfg(feature = "sandbox")]
mod demo;
mod export;
mod follow_ups;
mod foreign;
mod function_runs;
mod generate;
mod health;
mod init;
mod interview;
mod organization;
mod plan;
mod planning;
mod refusals;
#[cfg(feature = "sandbox")]
mod sandbox;
mod session;
mod setup;
#[cfg(feature = "sandbox")]
mod stand_in;
mod status;
mod teardown;
mod test;
mod version;

use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{FromArgMatches, ValueEnum};

use crate::args::{self, Cli, ColorWhen, Command, GlobalArgs, OutputFormat};
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::render::{self, Screen};
use session::Session;

/// Runs the command that the process's arguments name.
pub(crate) fn main() -> Exit {
    let definition = args::definition();
    let (cli, matches) = match definition.try_get_matches().and_then(|m| Ok((Cli::from_arg_matches(&m)?, m))) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    #[cfg(feature = "sandbox")]
    if matches!(cli.command, Command::Function(_)) {
        return stand_in::run();
    }
    let screen = Arc::new(Screen::new(&cli.global));
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return failed(&screen, &Error::failed("Threads", format!("could not start threads: {error}")));
        }
    };
    let leaf = matches.subcommand().map_or(&matches, |(_, matches)| matches);
    let result = runtime.block_on(dispatch(&screen, cli, leaf)).and_then(|exit| screen.finish().map(|()| exit));
    // A prompt that was interrupted still waits for a line on its thread.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit,
        Err(error) => failed(&screen, &error),
    }
}

async fn dispatch(screen: &Arc<Screen>, cli: Cli, matches: &clap::ArgMatches) -> Result<Exit, Error> {
    // Read before signals are listened to: a file that never ends can then be left like anything else.
    let config = Config::load(&cli.global, matches);
    let interrupt = Interrupt::listen(screen);
    let session = |screen: &Arc<Screen>| -> Result<Session, Error> {
        Ok(Session::new(Arc::clone(screen), config?, interrupt.clone()))
    };
    match cli.command {
        Command::Setup(args) => setup::run(&session(screen)?, *args).await,
        Command::Plan(args) => plan::run(&session(screen)?, &args).await,
        Command::Status(args) => status::run(&session(screen)?, &args).await,
        Command::Check(args) => check::run(&session(screen)?, &args).await,
        Command::Test(args) => test::run(&session(screen)?, &args).await,
        Command::Confirm(args) => confirm::run(&session(screen)?, args).await,
        Command::Teardown(args) => teardown::run(&session(screen)?, &args).await,
        Command::Init(args) => init::run(screen, &cli.global, &args),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(screen, &interrupt, &args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(screen, &interrupt, &args).await,
        Command::Export(args) => export::run(&session(screen)?, args.kind).await,
        Command::Completions(args) => generate::completions(screen, args.shell),
        // It was taken care of before threads were started.
        #[cfg(feature = "sandbox")]
        Command::Function(_) => Ok(Exit::Done),
        Command::Man(args) => generate::man(screen, args.dir.as_deref()),
        Command::Version(_) => version::run(screen),
    }
}

/// Says what ended the command where nothing else could, in the form that was asked for.
pub(crate) fn crashed(error: &Error) -> Exit {
    let screen = Screen::new(&GlobalArgs { output: asked_output(), color: asked_color(), ..GlobalArgs::default() });
    failed(&screen, error)
}

fn failed(screen: &Screen, error: &Error) -> Exit {
    let told = screen.is_json()
        && screen.document(&render::ErrorDocument::new(error)).is_ok()
        && !screen.is_closed()
        && screen.finish().is_ok();
    if !told {
        screen.aside(&render::error(error, screen.width()));
    }
    error.exit
}

/// What clap answers instead of running a command: help and version are results, everything else is wrong usage.
fn refused(error: &clap::Error) -> Exit {
    let screen = Screen::new(&GlobalArgs { output: asked_output(), color: asked_color(), ..GlobalArgs::default() });
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match error.kind() {
                ErrorKind::DisplayVersion if asked_for_more() => screen.result(&version::long()),
                _ => screen.result(&error.render().ansi().to_string()),
            }
            screen.finish().map_or_else(|error| failed(&screen, &error), |()| Exit::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !screen.is_json() => {
            screen.aside(&error.render().ansi().to_string());
            Exit::Usage
        }
        _ if meant_command(error).is_some() => {
            let (word, command) = meant_command(error).unwrap_or_default();
            let message = format!("there is no command '{word}'");
            failed(&screen, &Error::usage("Usage", message).hint(format!("the command is: keyminder {command}")))
        }
        _ if screen.is_json() => {
            let text = error.render().to_string();
            let mut lines = text.lines();
            let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            failed(&screen, &Error::usage("Usage", message).hint("see keyminder --help"))
        }
        _ => {
            screen.aside(&error.render().ansi().to_string());
            Exit::Usage
        }
    }
}

/// A command of other tools that was typed, and what it is called here.
fn meant_command(error: &clap::Error) -> Option<(String, &'static str)> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    args::meant(word).map(|command| (word.clone(), command))
}

/// Whether JSON was asked for on a command line that could not be parsed.
fn asked_output() -> OutputFormat {
    match asked("--output", "KEYMINDER_OUTPUT").as_deref() {
        Some("json") => OutputFormat::Json,
        _ => OutputFormat::Text,
    }
}

/// What was asked for of colour, on a command line that could not be parsed.
fn asked_color() -> ColorWhen {
    asked("--color", "KEYMINDER_COLOR").and_then(|word| ColorWhen::from_str(&word, false).ok()).unwrap_or_default()
}

/// Whether `--verbose` stands beside `--version`, at which parsing ends.
fn asked_for_more() -> bool {
    let is_short = |argument: &str| argument.starts_with('-') && !argument.starts_with("--") && argument.contains('v');
    std::env::args().any(|argument| argument == "--verbose" || is_short(&argument))
}

/// The value of a flag, or else of its variable.
fn asked(flag: &str, variable: &str) -> Option<String> {
    let arguments: Vec<_> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let apart = arguments.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone());
    let joined = || {
        let values = arguments.iter().filter_map(|argument| argument.strip_prefix(flag)?.strip_prefix('='));
        values.map(str::to_owned).next()
    };
    apart.or_else(joined).or_else(|| std::env::var(variable).ok())
}
