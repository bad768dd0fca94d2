//! Flags over variables over the file over defaults, and one complaint about everything that is wrong with the result.
//!
//! Owns the precedence. What a value must look like is known to `keyminder-stack` and `keyminder-keyage`; here their
//! complaints only get their places. Lists replace each other as a whole (subscriptions as one list), tables are merged
//! key by key.

use clap::ArgMatches;
use keyminder_bundle::Origin;
use keyminder_keyage::arn::is_account_id;
use keyminder_keyage::{Architecture, Owners, Schedule, Settings};
use keyminder_stack::{ChosenNames, Connection, Credentials, Layout, Package, Problem, Spec};
use serde::Deserialize;
use toml::{Table, Value};

use super::file::File;
use super::layout::problem_at;
use super::origins::{Complaints, Origins};
use crate::args::{self, GlobalArgs, Overrides, SpecArgs};
use crate::error::Error;

/// The configuration of this run, before anything in it was judged.
#[derive(Debug)]
pub(crate) struct Config {
    file: File,
    origins: Origins,
    place: Overrides,
    credentials: Option<Credentials>,
}

/// What `setup`, `plan` and `status` are about.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What the user wants installed.
    pub(crate) spec: Spec,
    /// How the function in its package was built.
    pub(crate) origin: Origin,
    /// Resources of the same names that are not keyminder's are adopted.
    pub(crate) adopt: bool,
}

/// The two settings that are one list.
const RECIPIENTS: [&str; 2] = ["notify.emails", "notify.subscriptions"];

impl Config {
    /// Reads the configuration file. `matches` are those of the command that was given.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub(crate) fn load(global: &GlobalArgs, matches: &ArgMatches) -> Result<Self, Error> {
        let file = File::load(global.config.as_deref())?;
        let place = Overrides::clone(&global.place);
        Ok(Self { origins: Origins::new(&file, [&args::given(matches)]), file, place, credentials: None })
    }

    /// No file: only what this command was given.
    pub(crate) fn without_file(global: &GlobalArgs, given: &Overrides) -> Self {
        let place = Overrides::clone(&global.place);
        let file = File::default();
        Self { origins: Origins::new(&file, [&place, given]), file, place, credentials: None }
    }

    /// What was given, as a file would have it.
    pub(crate) fn given(&self, given: &Overrides) -> Table {
        self.place.iter().chain(given.iter()).fold(Table::new(), |mut values, one| {
            set(&mut values, one.setting, one.value.clone());
            values
        })
    }

    /// No file, and credentials of its own: for a sandbox in this process.
    #[cfg(feature = "sandbox")]
    pub(crate) fn of_sandbox(place: Overrides, credentials: Credentials) -> Self {
        Self { file: File::default(), origins: Origins::default(), place, credentials: Some(credentials) }
    }

    /// The account is one of this process's own making.
    pub(crate) fn is_of_sandbox(&self) -> bool {
        self.credentials.is_some()
    }

    /// The configuration file, if one was read.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        self.file.path.as_deref()
    }

    /// The full path of the configuration file, if one was read.
    pub(crate) fn full_path(&self) -> Option<String> {
        let path = self.path()?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // Without the dots that lead to a folder above.
        let folder = absolute.parent().and_then(|folder| folder.canonicalize().ok());
        let full = folder.zip(absolute.file_name()).map_or(absolute.clone(), |(folder, name)| folder.join(name));
        Some(full.display().to_string())
    }

    /// Where the settings of a check come from, in words: the file with its full path, and the flags and variables that
    /// beat it.
    pub(crate) fn sources(&self, given: &Overrides) -> String {
        let file = self.full_path().unwrap_or_else(|| "defaults".to_owned());
        let beaten: Vec<_> = given.iter().map(|one| one.origin.as_str()).collect();
        if beaten.is_empty() { file } else { format!("{file}, with {}", beaten.join(", ")) }
    }

    /// Which account and region to talk to.
    pub(crate) fn connection(&self) -> Connection {
        let layout = self.layout();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Connection {
            profile: given(layout.profile),
            region: given(layout.region),
            endpoint_url: given(layout.endpoint_url),
            credentials: self.credentials.clone(),
            ..Connection::default()
        }
    }

    /// The name of the installation.
    pub(crate) fn install(&self) -> String {
        self.layout().name
    }

    /// The names that the file chooses in place of the defaults.
    pub(crate) fn chosen_names(&self) -> ChosenNames {
        self.layout().names
    }

    /// The only account that may be worked in, if the user named one.
    ///
    /// # Errors
    /// Something that is not an account id.
    pub(crate) fn account(&self) -> Result<Option<String>, Error> {
        let Some(account) = self.layout().account else { return Ok(None) };
        if is_account_id(&account) {
            return Ok(Some(account));
        }
        let message = format!("'{account}' is not an AWS account id: it has twelve digits");
        Err(Error::problems(vec![self.origins.complaint("account", &message)]))
    }

    /// What a check is to look for.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, at once.
    pub(crate) fn settings(&self, given: &Overrides) -> Result<Settings, Error> {
        let mut complaints = Complaints::new(&self.origins);
        let layout = self.merge(given, &mut complaints);
        for problem in layout.owners.problems(&layout.check) {
            complaints.add(&problem.path, &problem.message);
        }
        if let Err(problems) = layout.check.validate() {
            for problem in problems {
                complaints.add(&format!("check.{}", problem.path), &problem.message);
            }
        }
        complaints.finish().map(|()| layout.owners.with_tag(layout.check))
    }

    /// Whether the owners of keys are emailed, and how.
    pub(crate) fn owners(&self) -> Owners {
        self.layout().owners
    }

    /// When the check is scheduled, for what a notice says about it.
    ///
    /// # Errors
    /// A schedule that EventBridge would refuse.
    pub(crate) fn schedule(&self) -> Result<Schedule, Error> {
        Schedule::parse(self.layout().schedule.trim())
            .map_err(|error| Error::problems(vec![self.origins.complaint("schedule", &error.to_string())]))
    }

    /// What the user wants installed.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub(crate) fn wish(&self, args: &SpecArgs) -> Result<Wish, Error> {
        let mut complaints = Complaints::new(&self.origins);
        let mut layout = self.merge(&args.given, &mut complaints);
        let (package, origin) = package(layout.function.architecture).unwrap_or_else(|message| {
            complaints.add("function.architecture", &message);
            let none = Package::new(Architecture::default(), |_| Err("no such architecture".to_owned()));
            (none, Origin::HandedIn)
        });
        layout.schedule = layout.schedule.trim().to_owned();
        let spec = Spec { layout, package, keep_code: false };
        for problem in spec.problems() {
            complaints.add(&problem.path, &problem.message);
        }
        complaints.finish()?;
        Ok(Wish { spec, origin, adopt: args.adopt })
    }

    /// Refuses what turned out to be wrong once the account was known.
    ///
    /// # Errors
    /// The problems, each with its place.
    pub(crate) fn check(&self, problems: &[Problem]) -> Result<(), Error> {
        let mut complaints = Complaints::new(&self.origins);
        for problem in problems {
            complaints.add(&problem.path, &problem.message);
        }
        complaints.finish()
    }

    /// The file with what every command can be given.
    fn layout(&self) -> Layout {
        self.merge(&Overrides::default(), &mut Complaints::new(&self.origins))
    }

    /// The file with the flags and variables over it. What these have wrong is complained about and left out.
    fn merge(&self, given: &Overrides, complaints: &mut Complaints<'_>) -> Layout {
        let mut values = self.file.document.values.clone();
        let overrides: Vec<_> = self.place.iter().chain(given.iter()).collect();
        if overrides.iter().any(|one| RECIPIENTS.contains(&one.setting)) {
            RECIPIENTS.iter().for_each(|setting| remove(&mut values, setting));
        }
        for one in overrides {
            let problems = one.problems.iter().cloned().chain(problem_at(one.setting, &one.value));
            let before = complaints.len();
            problems.for_each(|problem| complaints.add(one.setting, &problem));
            if complaints.len() == before {
                set(&mut values, one.setting, one.value.clone());
            }
        }
        // The file was accepted when it was read, and each override just now.
        Layout::deserialize(values).unwrap_or_default()
    }
}

/// Sets a value at a path such as `check.max_age_days`; a table is merged with the one that is there.
fn set(table: &mut Table, path: &str, value: Value) {
    if let Some((key, rest)) = path.split_once('.') {
        let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(inner) = inner {
            set(inner, rest, value);
        }
        return;
    }
    match (table.get_mut(path), value) {
        (Some(Value::Table(present)), Value::Table(more)) => present.extend(more),
        (_, value) => drop(table.insert(path.to_owned(), value)),
    }
}

fn remove(table: &mut Table, path: &str) {
    match path.split_once('.') {
        Some((key, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(key) {
                remove(inner, rest);
            }
        }
        None => drop(table.remove(path)),
    }
}

/// The package for an architecture, or for the one that this build carries; and how it was built.
fn package(architecture: Option<Architecture>) -> Result<(Package, Origin), String> {
    let chosen = architecture.unwrap_or_else(keyminder_bundle::preferred);
    let bundled = keyminder_bundle::Package::new(chosen).map_err(|error| error.to_string())?;
    let (origin, source) = (bundled.origin(), bundled.source());
    let package = Package::new(chosen, move |settings| {
        bundled.clone().with_settings(settings).map(|package| package.zip().to_vec()).map_err(|error| error.to_string())
    });
    Ok((package.with_source(source), origin))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::FromArgMatches;

    use super::*;
    use crate::args::{Cli, Command, definition};

    fn wish(file: &str, arguments: &[&str]) -> Result<Wish, Error> {
        let matches = definition()
            .try_get_matches_from(["keyminder", "setup"].iter().chain(arguments))
            .map_err(|error| Error::usage("Usage", error.to_string()))?;
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let Command::Setup(args) = &cli.command else { panic!("not setup") };
        let file = File::parse(std::path::Path::new("keyminder.toml"), file)?;
        let origins = Origins::new(&file, [&args::given(matches.subcommand().unwrap().1)]);
        let place = Overrides::clone(&cli.global.place);
        Config { file, origins, place, credentials: None }.wish(&args.spec)
    }

    fn complaint(file: &str, arguments: &[&str]) -> String {
        wish(file, arguments).unwrap_err().message
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_defaults() {
        let file = "schedule = \"rate(2 days)\"\n[check]\nmax_age_days = 60\nrepeat_days = 7\n";
        let spec = wish(file, &["--max-age-days", "30"]).unwrap().spec;
        assert_eq!((spec.check.max_age_days, spec.check.repeat_days), (30, 7));
        assert_eq!(spec.schedule, "rate(2 days)");
        assert_eq!(spec.function.timeout_seconds, 900);
    }

    #[test]
    fn subscriptions_given_as_flags_replace_those_of_the_file() {
        let file = "[notify]\nemails = [\"a@example.com\"]\n";
        let of = |arguments: &[&str]| {
            wish(file, arguments)
                .unwrap()
                .spec
                .notify
                .recipients()
                .unwrap()
                .into_iter()
                .map(|s| s.endpoint)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), ["a@example.com"]);
        assert_eq!(
            of(&["--email", "b@example.com,c@example.com", "--email", "b@example.com"]),
            ["b@example.com", "c@example.com"]
        );
    }

    #[test]
    fn without_a_word_on_subscriptions_those_that_are_there_stay() {
        assert_eq!(wish("", &[]).unwrap().spec.notify.recipients(), None);
        assert_eq!(wish("[notify]\nemails = []\n", &[]).unwrap().spec.notify.recipients(), Some(vec![]));
    }

    #[test]
    fn tags_of_flags_and_file_are_merged_by_key() {
        let tags = wish("[tags]\nteam = \"a\"\ncost = \"1\"\n", &["--tag", "team=b"]).unwrap().spec.layout.tags;
        assert_eq!(tags, BTreeMap::from([("team".into(), "b".into()), ("cost".into(), "1".into())]));
    }

    #[test]
    fn a_complaint_names_the_flag_or_the_line_that_it_is_about() {
        assert!(complaint("", &["--email", "ops"]).starts_with("--email: 'ops' is not an email address"));
        let file = "[notify]\nemails = [\n  \"a@example.com\",\n  \"ops\",\n]\n";
        let said = complaint(file, &[]);
        assert!(said.starts_with("keyminder.toml:4:3: ") && said.contains("'ops' is not an email address"), "{said}");
        let said = complaint("[function]\nmemory_mb = 1\n", &[]);
        assert!(said.starts_with("keyminder.toml:2:13: function.memory_mb: 1 is not between 128"), "{said}");
    }

    #[test]
    fn a_flag_that_overrides_a_bad_value_of_the_file_makes_it_good() {
        assert!(wish("[check]\nmax_age_days = 0\n", &["--max-age-days", "5"]).is_ok());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let said =
            complaint("", &["--email", "ops", "--max-age-days", "-1", "--schedule", "rate(1 days)", "--tag", "x"]);
        assert_eq!(said.lines().count(), 4, "{said}");
    }

    #[test]
    fn every_example_can_be_installed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let mut tried = 0;
        let mut folders = vec![folder];
        while let Some(entry) = folders.pop() {
            let entries: Vec<_> = std::fs::read_dir(entry).unwrap().map(|entry| entry.unwrap().path()).collect();
            folders.extend(entries.iter().filter(|path| path.is_dir()).cloned());
            for path in entries.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
                let text = std::fs::read_to_string(path).unwrap();
                wish(&text, &[]).unwrap_or_else(|error| panic!("{}: {}", path.display(), error.message));
                tried += 1;
            }
        }
        assert!(tried >= 2);
    }
}
