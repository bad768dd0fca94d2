//! The settings that flags and variables gave: what [`super::flags`] defines, as arguments of a command and as values
//! of the configuration file's layout.
//!
//! It must not know which values make sense, nor how they combine with the file.

use std::fmt;
use std::marker::PhantomData;

use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Id};
use keyminder_stack::Subscription;

use super::flags::{CHECK, Flag, Group, PLACE, RECIPIENTS, REMOVAL, RUNNING, Value};

/// Settings that were given, each with its path in the file and what gave it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overrides(Vec<Override>);

/// One setting that was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Override {
    /// The setting's path in the configuration file.
    pub(crate) setting: &'static str,
    /// The flag or the variable.
    pub(crate) origin: String,
    /// The value as the file would have it.
    pub(crate) value: toml::Value,
    /// What could not be understood, and why.
    pub(crate) problems: Vec<String>,
}

impl Overrides {
    /// Email addresses, as `--email` gives them.
    #[cfg(feature = "sandbox")]
    pub(crate) fn emails(addresses: &[&str]) -> Self {
        let value = addresses.iter().map(|address| toml::Value::from(*address)).collect();
        Self::one("notify.emails", "--email", toml::Value::Array(value))
    }

    /// The region, as `--region` gives it.
    #[cfg(feature = "sandbox")]
    pub(crate) fn region(region: &str) -> Self {
        Self::one("region", "--region", region.into())
    }

    /// These and the other's endpoint, as `--endpoint-url` gives it.
    #[must_use]
    #[cfg(feature = "sandbox")]
    pub(crate) fn with_endpoint_url(mut self, url: &str) -> Self {
        self.0.extend(Self::one("endpoint_url", "--endpoint-url", url.into()).0);
        self
    }

    #[cfg(feature = "sandbox")]
    fn one(setting: &'static str, flag: &str, value: toml::Value) -> Self {
        Self(vec![Override { setting, origin: flag.to_owned(), value, problems: Vec::new() }])
    }

    /// Nothing was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Override> {
        self.0.iter()
    }
}

/// Which flags a command has.
pub(crate) trait Selection: fmt::Debug + Clone {
    /// Its groups, in the order of the help.
    const GROUPS: &'static [&'static [Group]];
    /// Every command has them.
    const IS_GLOBAL: bool = false;
}

/// The account and the installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place;

impl Selection for Place {
    const GROUPS: &'static [&'static [Group]] = &[PLACE];
    const IS_GLOBAL: bool = true;
}

/// What a check looks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Check;

impl Selection for Check {
    const GROUPS: &'static [&'static [Group]] = &[CHECK];
}

/// Everything about an installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Installation;

impl Selection for Installation {
    const GROUPS: &'static [&'static [Group]] = &[RECIPIENTS, CHECK, RUNNING];
}

/// What finds an installation that is to be removed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removal;

impl Selection for Removal {
    const GROUPS: &'static [&'static [Group]] = &[REMOVAL];
}

/// The arguments of a command that give settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given<S> {
    overrides: Overrides,
    selection: PhantomData<S>,
}

impl<S> From<Overrides> for Given<S> {
    fn from(overrides: Overrides) -> Self {
        Self { overrides, selection: PhantomData }
    }
}

impl<S> std::ops::Deref for Given<S> {
    type Target = Overrides;

    fn deref(&self) -> &Overrides {
        &self.overrides
    }
}

impl<S: Selection> Args for Given<S> {
    fn group_id() -> Option<Id> {
        None
    }

    fn augment_args(command: Command) -> Command {
        flags::<S>().fold(command, |command, (heading, flag)| command.arg(argument(flag, heading).global(S::IS_GLOBAL)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Selection> FromArgMatches for Given<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = flags::<S>().filter_map(|(_, flag)| read(flag, matches));
        Ok(Self { overrides: Overrides(given.collect()), selection: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Everything that a command was given.
pub(crate) fn given(matches: &ArgMatches) -> Overrides {
    let all = flags::<Place>().chain(flags::<Installation>());
    let has = |flag: &Flag| matches!(matches.try_contains_id(flag.setting), Ok(true));
    Overrides(all.filter(|(_, flag)| has(flag)).filter_map(|(_, flag)| read(flag, matches)).collect())
}

fn flags<S: Selection>() -> impl Iterator<Item = (&'static str, &'static Flag)> {
    let groups = S::GROUPS.iter().copied().flatten();
    groups.flat_map(|group| group.flags.iter().map(|flag| (group.heading, flag)))
}

fn argument(flag: &'static Flag, heading: &'static str) -> Arg {
    let mut help = flag.help.to_owned();
    if let Some(default) = crate::config::default_of(flag.setting) {
        help.push_str(&format!(" [default: {default}]"));
    }
    let mut argument = Arg::new(flag.setting)
        .long(flag.name)
        .env(flag.variable())
        .hide_env(true)
        .help_heading(heading)
        .hide_short_help(!flag.is_common)
        .help(help.clone());
    if let Some(more) = flag.more {
        argument = argument.long_help(format!("{help}\n\n{more}"));
    }
    let list = |argument: Arg| argument.action(ArgAction::Append).value_delimiter(',');
    let number = |argument: Arg| argument.value_parser(whole_number).allow_negative_numbers(true);
    match flag.value {
        Value::Switch => argument.action(ArgAction::SetTrue).value_parser(BoolishValueParser::new()),
        value => {
            let argument = argument.value_name(flag.placeholder);
            match value {
                Value::Number => number(argument),
                Value::Numbers => list(number(argument)),
                Value::Word(words) => argument.value_parser(PossibleValuesParser::new(words())),
                Value::Texts | Value::Pairs | Value::Subscriptions => list(argument),
                Value::Text | Value::Switch => argument,
            }
        }
    }
}

/// A number of any size and sign: its bounds are known where the setting is.
fn whole_number(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is not a whole number"))
}

/// The setting, if it was given.
fn read(flag: &'static Flag, matches: &ArgMatches) -> Option<Override> {
    let origin = match matches.value_source(flag.setting)? {
        ValueSource::CommandLine => format!("--{}", flag.name),
        ValueSource::EnvVariable => flag.variable(),
        _ => return None,
    };
    let texts = || {
        let given = matches.get_many::<String>(flag.setting).into_iter().flatten();
        given.map(|text| text.trim()).filter(|text| !text.is_empty())
    };
    let numbers = || matches.get_many::<i64>(flag.setting).into_iter().flatten().copied().map(toml::Value::from);
    let mut problems = Vec::new();
    let value = match flag.value {
        Value::Text | Value::Word(_) => matches.get_one::<String>(flag.setting)?.as_str().into(),
        Value::Number => numbers().next()?,
        Value::Numbers => toml::Value::Array(numbers().collect()),
        Value::Texts => toml::Value::Array(texts().map(toml::Value::from).collect()),
        Value::Pairs => {
            let pairs = texts().filter_map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => Some((key.trim().to_owned(), toml::Value::from(value))),
                _ => {
                    problems.push(format!("'{pair}' is not {}", flag.placeholder));
                    None
                }
            });
            toml::Value::Table(pairs.collect())
        }
        Value::Subscriptions => {
            let parsed = texts().filter_map(|text| match text.parse::<Subscription>() {
                Ok(subscription) => toml::Value::try_from(subscription).ok(),
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            });
            toml::Value::Array(parsed.collect())
        }
        Value::Switch => matches.get_flag(flag.setting).then_some(toml::Value::Boolean(true))?,
    };
    Some(Override { setting: flag.setting, origin, value, problems })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_gives_a_setting_that_there_is() {
        for group in Installation::GROUPS.iter().chain(Place::GROUPS).copied().flatten() {
            for flag in group.flags {
                assert!(crate::config::is_setting(flag.setting), "{}", flag.setting);
            }
        }
    }
}
