//! What the user wants installed, checked before AWS is asked anything.
//!
//! There is one file for each table of the configuration file. It holds the table's settings, which are the fields of a
//! struct, with their defaults and their bounds. Whoever reads or writes a configuration does so through these structs.

mod allow;
mod digest;
mod function;
mod iam;
mod kms_key;
mod notify;
mod package;
mod problem;
mod rule;
mod tags;
mod topic;

use std::collections::BTreeMap;

use keyminder_keyage::Settings;

pub use self::allow::Allow;
pub use self::function::Function;
pub use self::iam::Iam;
pub use self::notify::Notify;
pub use self::package::Package;
pub use self::problem::Problem;
pub use self::rule::Rule;
pub use self::topic::Topic;
use crate::names::{ChosenNames, DEFAULT_INSTALL, Names, install_problem};

/// How often keys are checked unless something else is configured.
pub use keyminder_keyage::DEFAULT_SCHEDULE;

/// Everything that the user can choose about an installation, and the package to upload.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The installation's name; several can exist side by side in one account.
    pub install: String,
    /// When keys are checked: `rate(…)` or `cron(…)`.
    pub schedule: String,
    /// Who is notified.
    pub notify: Notify,
    /// What the checker looks for and what it reports.
    pub settings: Settings,
    /// How the function runs.
    pub function: Function,
    /// What happens to undelivered events.
    pub rule: Rule,
    /// How the topic looks and is encrypted.
    pub topic: Topic,
    /// Where role and policy are, and what limits the role.
    pub iam: Iam,
    /// Names in place of the defaults.
    pub names: ChosenNames,
    /// Tags on everything that can be tagged, in addition to keyminder's own.
    pub tags: BTreeMap<String, String>,
    /// What others may have put beside the installation's objects.
    pub allow: Allow,
    /// The uploaded code.
    pub package: Package,
    /// Keep the installed code if its hash is one of [`Function::trusted_code`].
    pub keep_code: bool,
}

impl Spec {
    /// The defaults, with this package.
    #[must_use]
    pub fn new(package: Package) -> Self {
        Self {
            install: DEFAULT_INSTALL.to_owned(),
            schedule: DEFAULT_SCHEDULE.to_owned(),
            notify: Notify::default(),
            settings: Settings::default(),
            function: Function::default(),
            rule: Rule::default(),
            topic: Topic::default(),
            iam: Iam::default(),
            names: ChosenNames::default(),
            tags: BTreeMap::new(),
            allow: Allow::default(),
            package,
            keep_code: false,
        }
    }

    /// Everything that is wrong with it, at once.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = install_problem(&self.install).into_iter().collect();
        problems.extend(self.schedule_problem().map(|message| Problem::new("schedule", message)));
        problems.extend(self.notify.problems());
        if let Err(found) = self.settings.validate() {
            problems.extend(found.into_iter().map(|p| Problem::new(format!("check.{}", p.path), p.message)));
        }
        problems.extend(self.function.problems());
        problems.extend(self.rule.problems());
        problems.extend(self.topic.problems());
        problems.extend(self.iam.problems());
        problems.extend(self.allow.problems());
        let subscriptions = self.notify.recipients().map_or(0, |recipients| recipients.len());
        problems.extend(tags::problems(&self.tags, subscriptions).into_iter().map(|m| Problem::new("tags", m)));
        problems
    }

    /// What may go wrong or has no effect, though the rest can be installed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        self.notify.warnings().into_iter().chain(self.function.warnings()).collect()
    }

    /// What is wrong with it in one account and region.
    pub(crate) fn problems_in(&self, names: &Names) -> Vec<Problem> {
        self.rule.problems_in(names).into_iter().chain(self.topic.problems_in(names)).collect()
    }

    fn schedule_problem(&self) -> Option<String> {
        match keyminder_keyage::schedule::Schedule::parse(&self.schedule) {
            Err(error) => Some(error.to_string()),
            Ok(schedule) if schedule.next_after(jiff::Timestamp::now()).is_none() => {
                Some(format!("{} never runs again", self.schedule))
            }
            Ok(_) => None,
        }
    }
}
