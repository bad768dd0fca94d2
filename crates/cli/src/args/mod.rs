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
mod spec;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use check::{CheckArgs, CheckFormat};
pub(crate) use given::{Overrides, given};
pub(crate) use global::{ColorWhen, GlobalArgs, OutputFormat};
pub(crate) use install::{PlanArgs, SetupArgs, StatusArgs, TeardownArgs};
pub(crate) use operate::{
    CompletionsArgs, ConfirmArgs, DemoArgs, ExportArgs, ExportKind, InitArgs, ManArgs, SandboxArgs, TestArgs,
};
pub(crate) use spec::SpecArgs;

/// Be told when IAM access keys get old
///
/// keyminder installs a notifier in an AWS account: an SNS topic with your subscriptions, a Lambda function that looks
/// at the age of every IAM user's access keys, and an EventBridge rule that runs it. It keeps that as you want it, and
/// removes it without a trace. It never touches an access key.
#[derive(Debug, Parser)]
#[command(name = "keyminder", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = EXAMPLES, after_long_help = LONG_EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Try it without an account: keyminder demo
Install it:                keyminder setup --email you@example.com
More about a command:      keyminder setup --help";

const LONG_EXAMPLES: &str = "Examples:
  keyminder demo        see the whole story, without an account
  keyminder check       which keys are old, right now, from here
  keyminder setup       install the notifier, or bring it up to date
  keyminder status      would I hear about an old key tomorrow?
  keyminder teardown    remove all of it

Settings come from flags, then KEYMINDER_* variables, then keyminder.toml,
then defaults. Credentials, region and profile come from where the AWS CLI
takes them.

Exit codes: 0 done; 1 failed; 2 a difference or a finding (with --exit-code
only); 64 wrong usage or configuration; 130 interrupted.";

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
    Demo(DemoArgs),
    Sandbox(SandboxArgs),
    Export(ExportArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// The definition of the command line.
///
/// The flags in [`VARIABLES`] get their environment variables here, as those that give a setting get theirs where they
/// are built. A variable that is set but empty counts as not set, because that is what a CI system makes of a variable
/// without a value.
pub(crate) fn definition() -> clap::Command {
    with_variables(Cli::command())
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
    ("port", "sandbox-port"),
];

/// The environment variable for a flag.
fn variable(flag: &str) -> String {
    format!("KEYMINDER_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

fn with_variables(command: clap::Command) -> clap::Command {
    // `test --dry-run` has no variable: KEYMINDER_DRY_RUN is about changes to the account.
    let is_test = command.get_name() == "test";
    command
        .mut_args(|argument| {
            let own = VARIABLES.iter().find(|(id, _)| argument.get_id() == id && !is_test);
            let argument = match own {
                Some((_, flag)) => argument.env(variable(flag)).hide_env(true),
                None => argument,
            };
            let empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if empty { argument.env(None::<&'static str>) } else { argument }
        })
        .mut_subcommands(with_variables)
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
            if !["help", "version", "wait", "save"].contains(&id) && !arg.is_global_set() {
                assert!(arg.get_env().is_some(), "{id}");
            }
        }
    }
}
