//! What the user wants installed, checked before AWS is asked anything.
//!
//! There is one file for each table of the configuration file. It holds the table's settings, which are the fields of a
//! struct, with their defaults and their bounds. Whoever reads or writes a configuration does so through these structs.

mod allow;
mod digest;
mod function;
mod iam;
mod kms_key;
mod layout;
mod notify;
mod package;
mod problem;
mod rule;
mod tags;
mod topic;

use std::ops::{Deref, DerefMut};

pub use self::allow::Allow;
pub use self::function::Function;
pub use self::iam::Iam;
pub use self::layout::Layout;
pub use self::notify::Notify;
pub use self::package::Package;
pub use self::problem::Problem;
pub use self::rule::Rule;
pub use self::topic::Topic;
use crate::names::{Names, install_problem};

/// Everything that the user can choose about an installation, and the package to upload. It has the fields of
/// [`Layout`].
#[derive(Debug, Clone)]
pub struct Spec {
    /// What is configured.
    pub layout: Layout,
    /// The uploaded code.
    pub package: Package,
    /// Keep the installed code if its hash is one of [`Function::trusted_code`].
    pub keep_code: bool,
}

impl Deref for Spec {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.layout
    }
}

impl DerefMut for Spec {
    fn deref_mut(&mut self) -> &mut Layout {
        &mut self.layout
    }
}

impl Spec {
    /// The defaults, with this package.
    #[must_use]
    pub fn new(package: Package) -> Self {
        Self { layout: Layout::default(), package, keep_code: false }
    }

    /// Everything that is wrong with it, at once.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = install_problem(&self.name).into_iter().collect();
        problems.extend(self.schedule_problem().map(|message| Problem::new("schedule", message)));
        problems.extend(self.notify.problems());
        if let Err(found) = self.check.validate() {
            problems.extend(found.into_iter().map(|p| Problem::new(format!("check.{}", p.path), p.message)));
        }
        let of_owners = self.owners.problems(&self.check).into_iter();
        problems.extend(of_owners.map(|problem| Problem::new(problem.path, problem.message)));
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
