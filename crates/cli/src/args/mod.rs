//! The command line: every command, flag and environment variable, and their help.
//!
//! Owns the words that a person types. It must not know the configuration file, nor what a command does: values are
//! taken as they were typed and judged together with the file's in [`crate::config`].
//!
//! The flags that give a setting are defined in [`flags`], the others beside the command that has them.

mod check;
mod flags;
mod given;
mod global;
mod install;
mod operate;
mod organization;
mod spec;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Arg, ArgAction, CommandFactory, Parser, Subcommand};

pub(crate) use check::{CheckArgs, CheckFormat};
pub(crate) use given::{Overrides, given};
pub(crate) use global::{ColorWhen, GlobalArgs, OutputFormat};
pub(crate) use install::{PlanArgs, SetupArgs, StatusArgs, TeardownArgs};
pub(crate) use operate::{
    CompletionsArgs, ConfirmArgs, ExportArgs, ExportKind, InitArgs, ManArgs, TestArgs, VersionArgs,
};
#[cfg(feature = "sandbox")]
pub(crate) use operate::{DemoArgs, FunctionArgs, SandboxArgs};
pub(crate) use organization::ROLE;
pub(crate) use spec::SpecArgs;

/// Get notified when IAM access keys get old
///
/// keyminder installs a notifier in your AWS account: an SNS topic with your subscriptions, a Lambda function that checks
/// the age of every IAM user's access keys, and an EventBridge rule that runs it on a schedule. It keeps the installation
/// in sync with your configuration, and can remove it completely. It never changes or deletes an access key.
#[derive(Debug, Parser)]
#[command(name = "keyminder", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXAMPLES, after_long_help = LONG_EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  keyminder demo                            try it without an account
  keyminder check                           list old keys now; nothing is installed
  keyminder setup --email you@example.com   install the notifier
  keyminder help setup                      help for a command";

const LONG_EXAMPLES: &str = "Examples:
  keyminder demo                            try it without an account
  keyminder check                           list old keys now; nothing is installed
  keyminder setup --email you@example.com   install or update the notifier
  keyminder status                          check that it is healthy
  keyminder teardown                        remove it

Settings come from flags, then KEYMINDER_* variables, then keyminder.toml,
then the defaults. Credentials, region and profile come from where the
AWS CLI takes them.

Exit codes: 0 success; 1 failure; 2 a difference or a finding (only with
--exit-code); 64 wrong usage or configuration; 130 interrupted.

Documentation: keyminder man, and the docs folder of the source, where
guide.md and configuration.md are good places to start.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Setup(Box<SetupArgs>),
    Plan(Box<PlanArgs>),
    Status(Box<StatusArgs>),
    Check(Box<CheckArgs>),
    Test(TestArgs),
    Confirm(ConfirmArgs),
    Teardown(TeardownArgs),
    Init(InitArgs),
    #[cfg(feature = "sandbox")]
    Demo(DemoArgs),
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    Export(ExportArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    Version(VersionArgs),
    #[cfg(feature = "sandbox")]
    Function(FunctionArgs),
}

/// Commands of other tools, and what they are called here.
const MEANT: &[(&str, &str)] = &[
    ("install", "setup"),
    ("apply", "setup"),
    ("deploy", "setup"),
    ("update", "setup"),
    ("upgrade", "setup"),
    ("diff", "plan"),
    ("doctor", "status"),
    ("verify", "status"),
    ("destroy", "teardown"),
    ("uninstall", "teardown"),
    ("remove", "teardown"),
    ("delete", "teardown"),
    ("run", "test"),
    ("invoke", "test"),
    ("list", "check"),
    ("report", "check"),
];

/// The command that somebody means who types this one.
pub(crate) fn meant(word: &str) -> Option<&'static str> {
    MEANT.iter().find(|(other, _)| *other == word).map(|(_, command)| *command)
}

/// The definition of the command line.
pub(crate) fn definition() -> clap::Command {
    // Clap marks what is wrong in yellow. The terminal gate lets only the command's own styles pass, and yellow on white
    // is hard to read.
    let definition = Cli::command().styles(Styles::styled().invalid(AnsiColor::Magenta.on_default()));
    let global: Vec<Arg> = definition.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    finished(definition.mut_subcommands(|command| {
        if LOCAL.contains(&command.get_name()) { without(command, &global) } else { command }
    }))
}

/// Commands that do not talk to AWS. They accept the flags about account and installation, as all commands do, but their
/// help does not mention them.
const LOCAL: &[&str] = &["demo", "sandbox", "completions", "man", "version", "function"];

fn without(command: clap::Command, global: &[Arg]) -> clap::Command {
    let about_aws = global.iter().filter(|argument| argument.get_help_heading() == Some(global::ACCOUNT));
    command.args(about_aws.map(|argument| argument.clone().hide(true)))
}

/// Examples come before the flags: they are what most people look for.
const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";

/// Gives a command and all below it what is the same for each: the look of the help, and the environment variables of the
/// flags in [`VARIABLES`]. Those that give a setting get theirs where they are built. A variable that is set but empty
/// counts as not set, because that is what a CI system makes of a variable without a value.
fn finished(command: clap::Command) -> clap::Command {
    // `test --dry-run` has no variable: KEYMINDER_DRY_RUN is about changes to the account.
    let is_test = command.get_name() == "test";
    let flag = |name: &'static str, short, action, help: &'static str| {
        Arg::new(name).short(short).long(name).action(action).help(help)
    };
    command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .help_template(TEMPLATE)
        .mut_args(|argument| {
            let own = VARIABLES.iter().find(|(id, _)| argument.get_id() == id && !is_test);
            let argument = match own {
                Some((_, flag)) => argument.env(variable(flag)).hide_env(true),
                None => argument,
            };
            let empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if empty { argument.env(None::<&'static str>) } else { argument }
        })
        .arg(flag("help", 'h', ArgAction::Help, "Print help; --help shows all options"))
        .arg(flag("version", 'V', ArgAction::Version, "Print version").hide_short_help(true))
        .version(env!("CARGO_PKG_VERSION"))
        .mut_subcommands(finished)
}

/// The flags that do not give a setting and can be given by variable: the flag's id and the variable's name after
/// `KEYMINDER_`. The other flags of a command line are for one run.
const VARIABLES: &[(&str, &str)] = &[
    ("config", "config"),
    ("output", "output"),
    ("color", "color"),
    ("adopt", "adopt"),
    ("yes", "yes"),
    ("dry_run", "dry-run"),
    ("keep_code", "keep-code"),
    ("port", "sandbox-port"),
];

/// The environment variable for a flag.
fn variable(flag: &str) -> String {
    format!("KEYMINDER_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_and_every_flag_has_a_help_text() {
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} of {}", arg.get_id(), command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&definition());
    }

    #[test]
    fn every_setting_of_an_install_can_be_given_in_the_environment() {
        let setup = definition().find_subcommand("setup").cloned().unwrap();
        for arg in setup.get_arguments() {
            let id = arg.get_id().as_str();
            if !["help", "version", "wait", "save", "no_recipients", "defaults", "remove_foreign"].contains(&id)
                && !arg.is_global_set()
            {
                assert!(arg.get_env().is_some(), "{id}");
            }
        }
    }
}
