//! Flags over environment over file over defaults, and one complaint about everything that is wrong with the result.
//!
//! Owns the precedence. What a value must look like is known to `keyminder-stack` and `keyminder-keyage`; here their
//! complaints only get their places. Lists replace each other as a whole (subscriptions as one list), maps are merged
//! key by key.

use clap::ArgMatches;
use keyminder_bundle::Architecture;
use keyminder_keyage::{Schedule, Settings};
use keyminder_stack::{ChosenNames, Connection, Credentials, Package, Problem, Spec, Subscription};

use super::complaints::Complaints;
use super::file::File;
use super::origins::Origins;
use crate::args::{GlobalArgs, SettingsArgs, SpecArgs};
use crate::error::Error;

/// The configuration of this run, before anything in it was judged.
#[derive(Debug)]
pub(crate) struct Config {
    file: File,
    origins: Origins,
    global: GlobalArgs,
    credentials: Option<Credentials>,
}

/// What `setup`, `plan` and `status` are about.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What the user wants installed.
    pub(crate) spec: Spec,
    /// Namesakes that are not ours are taken over.
    pub(crate) adopt: bool,
}

impl Config {
    /// Reads the configuration file. `matches` are those of the command that was given.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub(crate) fn load(global: &GlobalArgs, matches: &ArgMatches) -> Result<Self, Error> {
        let file = File::load(global.config.as_deref())?;
        Ok(Self { origins: Origins::new(&file, matches), file, global: global.clone(), credentials: None })
    }

    /// No file, these flags, and credentials of their own: for a sandbox in this process.
    pub(crate) fn of_sandbox(global: GlobalArgs, credentials: Credentials) -> Self {
        Self { file: File::default(), origins: Origins::default(), global, credentials: Some(credentials) }
    }

    /// The account is one of this process's own making.
    pub(crate) fn is_of_sandbox(&self) -> bool {
        self.credentials.is_some()
    }

    /// The configuration file, if one was read.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        self.file.path.as_deref()
    }

    /// Which account and region to talk to.
    pub(crate) fn connection(&self) -> Connection {
        let given = |text: &String| !text.is_empty();
        let or = |flag: &Option<String>, file: &Option<String>| {
            flag.clone().filter(given).or_else(|| file.clone()).filter(given)
        };
        Connection {
            profile: or(&self.global.profile, &self.file.profile),
            region: or(&self.global.region, &self.file.region),
            endpoint_url: or(&self.global.endpoint_url, &self.file.endpoint_url),
            retry_pause: retry_pause(),
            credentials: self.credentials.clone(),
            ..Connection::default()
        }
    }

    /// The name of the install.
    pub(crate) fn install(&self) -> String {
        let named = self.global.name.clone().or_else(|| self.file.name.clone());
        named.unwrap_or_else(|| keyminder_stack::DEFAULT_INSTALL.to_owned())
    }

    /// The names that the file chooses in place of the defaults.
    pub(crate) fn chosen_names(&self) -> ChosenNames {
        self.file.names.clone()
    }

    /// The only account that may be worked in, if the user named one.
    ///
    /// # Errors
    /// Something that is no account id.
    pub(crate) fn account(&self) -> Result<Option<String>, Error> {
        let Some(account) = self.global.account.clone().or_else(|| self.file.account.clone()) else { return Ok(None) };
        if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Some(account));
        }
        let message = format!("'{account}' is not an AWS account id: it has twelve digits");
        Err(Error::problems(vec![self.origins.complaint("account", &message)]))
    }

    /// What a check is to look for.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, at once.
    pub(crate) fn settings(&self, args: &SettingsArgs) -> Result<Settings, Error> {
        let mut complaints = Complaints::new(&self.origins);
        let settings = self.merge_settings(args, &mut complaints);
        if let Err(problems) = settings.validate() {
            for problem in problems {
                complaints.add(&format!("check.{}", problem.path), &problem.message);
            }
        }
        complaints.finish().map(|()| settings)
    }

    /// When the check is scheduled, for what a notice says of it.
    ///
    /// # Errors
    /// A schedule that EventBridge would refuse.
    pub(crate) fn schedule(&self) -> Result<Schedule, Error> {
        let text = self.file.schedule.as_deref().unwrap_or(DEFAULT_SCHEDULE);
        Schedule::parse(text)
            .map_err(|error| Error::problems(vec![self.origins.complaint("schedule", &error.to_string())]))
    }

    /// What the user wants installed.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub(crate) fn wish(&self, args: &SpecArgs) -> Result<Wish, Error> {
        let mut complaints = Complaints::new(&self.origins);
        let package = match architecture(args.architecture.as_ref().or(self.file.architecture.as_ref())) {
            Ok(package) => package,
            Err(message) => {
                complaints.add("function.architecture", &message);
                Package::new(keyminder_stack::Architecture::X86_64, |_| Err("no such architecture".to_owned()))
            }
        };
        let mut spec = Spec::new(package);
        spec.install = self.install();
        spec.names = self.file.names.clone();
        spec.settings = self.merge_settings(&args.settings, &mut complaints);
        spec.settings.notice = args.notice_kind.unwrap_or(spec.settings.notice);
        spec.settings.all_clear = args.all_clear.unwrap_or(spec.settings.all_clear);
        let file = &self.file;
        choose(&mut spec.schedule, args.schedule.clone().or_else(|| file.schedule.clone()));
        spec.dead_letter_queue = args.dead_letter_queue.clone().or_else(|| file.dead_letter_queue.clone());
        let timeout = args.timeout.or(file.timeout_seconds);
        choose(&mut spec.timeout_seconds, complaints.number("function.timeout_seconds", "seconds", timeout));
        choose(
            &mut spec.memory_mb,
            complaints.number("function.memory_mb", "megabytes", args.memory.or(file.memory_mb)),
        );
        let retention = args.log_retention_days.or(file.log_retention_days);
        choose(&mut spec.log_retention_days, complaints.number("function.log_retention_days", "days", retention));
        choose(&mut spec.display_name, args.display_name.clone().or_else(|| file.display_name.clone()));
        spec.kms_key = args.kms_key.clone().or_else(|| file.kms_key.clone());
        choose(&mut spec.iam_path, args.iam_path.clone().or_else(|| file.iam_path.clone()));
        spec.permissions_boundary = args.permissions_boundary.clone().or_else(|| file.permissions_boundary.clone());
        spec.environment = file.environment.clone();
        spec.environment.extend(complaints.pairs("function.environment", "NAME=VALUE", &args.environment));
        spec.tags = file.tags.clone();
        spec.tags.extend(complaints.pairs("tags", "KEY=VALUE", &args.tags));

        let places = self.merge_subscriptions(args, &mut spec, &mut complaints);
        for problem in spec.problems() {
            match subscription_index(&problem.path).and_then(|index| places.get(index)) {
                Some(place) => complaints.add(place, &problem.message),
                None => complaints.add(&problem.path, &problem.message),
            }
        }
        complaints.finish()?;
        Ok(Wish { spec, adopt: args.adopt })
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

    fn merge_settings(&self, args: &SettingsArgs, complaints: &mut Complaints<'_>) -> Settings {
        let mut settings = self.file.check.clone();
        let max_age = complaints.number("check.max_age_days", DAYS, args.max_age_days);
        choose(&mut settings.max_age_days, max_age);
        choose(&mut settings.repeat_days, complaints.number("check.repeat_days", DAYS, args.repeat_days));
        if let Some(days) = complaints.number("check.unused_days", DAYS, args.unused_days) {
            settings.unused_days = Some(days);
        }
        if !args.warn_days.is_empty() {
            let days = args.warn_days.iter();
            settings.warn_days =
                days.filter_map(|&days| complaints.number("check.warn_days", DAYS, Some(days))).collect();
        }
        choose(&mut settings.inactive, args.inactive);
        settings.other_credentials |= args.other_credentials;
        settings
    }

    /// Sets who is told, and gives back the path of each for complaints.
    fn merge_subscriptions(&self, args: &SpecArgs, spec: &mut Spec, complaints: &mut Complaints<'_>) -> Vec<String> {
        let mut given: Vec<(String, Subscription)> = Vec::new();
        let emails = args.emails.iter().map(|address| address.trim()).filter(|address| !address.is_empty());
        given.extend(emails.map(|address| ("notify.emails".to_owned(), Subscription::email(address))));
        for text in args.subscriptions.iter().filter(|text| !text.is_empty()) {
            match text.trim().parse() {
                Ok(subscription) => given.push(("notify.subscriptions".to_owned(), subscription)),
                Err(message) => complaints.add("notify.subscriptions", &message),
            }
        }
        let flags = !(args.emails.is_empty() && args.subscriptions.is_empty());
        let all = if flags { Some(given) } else { self.file.subscriptions.clone() };
        let Some(mut all) = all else { return Vec::new() };
        let mut known = Vec::new();
        all.retain(|(_, one)| {
            let key = (one.protocol, one.endpoint.clone());
            let new = !known.contains(&key);
            known.push(key);
            new
        });
        let (places, subscriptions) = all.into_iter().unzip();
        spec.subscriptions = Some(subscriptions);
        places
    }
}

/// The first pause before a failed call is tried again: shorter in tests.
fn retry_pause() -> Option<std::time::Duration> {
    let milliseconds = std::env::var("KEYMINDER_RETRY_PAUSE_MS").ok()?;
    milliseconds.parse().ok().map(std::time::Duration::from_millis)
}

const DAYS: &str = "days: give a whole number from 1 to 3650";
const DEFAULT_SCHEDULE: &str = "rate(1 day)";

fn choose<T>(setting: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *setting = value;
    }
}

/// The package for the architecture of that name, or for the one that this build carries.
fn architecture(name: Option<&String>) -> Result<Package, String> {
    let chosen = match name {
        Some(name) => name.parse::<Architecture>().map_err(|error| error.to_string())?,
        None => keyminder_bundle::available().first().copied().unwrap_or(Architecture::X86_64),
    };
    let bundled = keyminder_bundle::Package::new(chosen).map_err(|error| error.to_string())?;
    Ok(Package::new(stack_architecture(chosen), move |settings| {
        bundled.clone().with_settings(settings).map(|package| package.zip().to_vec()).map_err(|error| error.to_string())
    }))
}

fn stack_architecture(architecture: Architecture) -> keyminder_stack::Architecture {
    match architecture {
        Architecture::X86_64 => keyminder_stack::Architecture::X86_64,
        Architecture::Arm64 => keyminder_stack::Architecture::Arm64,
    }
}

/// The n of `notify.subscriptions[n]`.
fn subscription_index(path: &str) -> Option<usize> {
    path.strip_prefix("notify.subscriptions[")?.split(']').next()?.parse().ok()
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
        let origins = Origins::new(&file, matches.subcommand().unwrap().1);
        Config { file, origins, global: cli.global, credentials: None }.wish(&args.spec)
    }

    fn complaint(file: &str, arguments: &[&str]) -> String {
        wish(file, arguments).unwrap_err().message
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_defaults() {
        let file = "schedule = \"rate(2 days)\"\n[check]\nmax_age_days = 60\nrepeat_days = 7\n";
        let spec = wish(file, &["--max-age-days", "30"]).unwrap().spec;
        assert_eq!((spec.settings.max_age_days, spec.settings.repeat_days), (30, 7));
        assert_eq!(spec.schedule, "rate(2 days)");
        assert_eq!(spec.timeout_seconds, 900);
    }

    #[test]
    fn subscriptions_given_as_flags_replace_those_of_the_file() {
        let file = "[notify]\nemails = [\"a@example.com\"]\n";
        let of = |arguments: &[&str]| {
            wish(file, arguments)
                .unwrap()
                .spec
                .subscriptions
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
        assert_eq!(wish("", &[]).unwrap().spec.subscriptions, None);
        assert_eq!(wish("[notify]\nemails = []\n", &[]).unwrap().spec.subscriptions, Some(vec![]));
    }

    #[test]
    fn tags_of_flags_and_file_are_merged_by_key() {
        let tags = wish("[tags]\nteam = \"a\"\ncost = \"1\"\n", &["--tag", "team=b"]).unwrap().spec.tags;
        assert_eq!(tags, BTreeMap::from([("team".into(), "b".into()), ("cost".into(), "1".into())]));
    }

    #[test]
    fn a_complaint_names_the_flag_or_the_line_that_it_is_about() {
        assert!(complaint("", &["--email", "ops"]).starts_with("--email: 'ops' is not an e-mail address"));
        let file = "[notify]\nemails = [\n  \"a@example.com\",\n  \"ops\",\n]\n";
        let said = complaint(file, &[]);
        assert!(said.starts_with("keyminder.toml:4:3: ") && said.contains("'ops' is not an e-mail address"), "{said}");
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
