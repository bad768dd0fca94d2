//! One install in one account and region: its names, what is wanted, the clients, and how its resources wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use futures::future::try_join;
use keyminder_keyage::environment::Deployment;
use keyminder_keyage::schedule::Schedule;
use keyminder_reconcile::retry::{self, Pace, Stopped};
use keyminder_reconcile::{Address, CancellationToken, Event, Progress, Stack};
use sha2::{Digest, Sha256};

use crate::connection::{Clients, Identity};
use crate::error::{Cause, Error, Kind};
use crate::marks::{self, Tags};
use crate::names::{IamNames, Names};
use crate::resource::{iam, role, subscriptions};
use crate::spec::{Problem, Spec};

/// IAM's own propagation: a new role or policy is known everywhere within about ten seconds, rarely two minutes.
pub(crate) const PROPAGATION: Pace = Pace::within(Duration::from_secs(120));

/// A deletion that is refused because a detachment is not yet known everywhere is tried again for this long.
pub(crate) const DETACHED: Pace = Pace::within(Duration::from_secs(30));

/// An install: everything a resource needs to know.
pub struct Installation {
    pub(crate) clients: Clients,
    pub(crate) names: Names,
    pub(crate) spec: Spec,
    /// The function's environment variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) code: Code,
    watch: Rc<dyn Progress>,
    interrupted: CancellationToken,
    known: Known,
}

/// What this run knows already and so need not ask for again.
#[derive(Default)]
struct Known {
    /// The topic was made by this run.
    new_topic: Cell<bool>,
    /// The id of the role that was made by this run.
    new_role_id: RefCell<Option<String>>,
    /// The role as it was when the names were chosen: for the first observation, which follows at once.
    first_role: RefCell<Option<Option<role::Live>>>,
    first_role_id: RefCell<Option<String>>,
    /// The subscriptions as the last observation saw them.
    subscriptions: RefCell<Option<subscriptions::Seen>>,
}

/// The deployment package as it is uploaded.
pub(crate) struct Code {
    pub(crate) zip: Vec<u8>,
    /// The SHA-256 of the zip in base64, as Lambda reports it.
    pub(crate) sha256: String,
}

/// Lambda takes this much for all variables of a function together ("Lambda quotas").
const ENVIRONMENT_LIMIT: usize = 4096;

impl Installation {
    /// Works out the install's names, for which it asks IAM whether another region's install has the plain ones.
    ///
    /// `watch` is told what resources wait for; `interrupted` ends such waits.
    ///
    /// # Errors
    /// What IAM answers when asked; settings that do not fit into the function.
    pub async fn open(
        clients: Clients,
        identity: &Identity,
        spec: Spec,
        watch: Rc<dyn Progress>,
        interrupted: CancellationToken,
    ) -> Result<Self, Error> {
        let names = |iam| Names::new(identity, clients.region(), &spec.install, &spec.iam.path, &spec.names, iam);
        let (names, role) = choose_names(&clients, names(IamNames::Plain), names(IamNames::WithRegion)).await?;
        let known = Known::default();
        known.first_role_id.replace(role.as_ref().map(|role| role.role_id().to_owned()));
        known.first_role.replace(Some(role));
        let (environment, code) = contents(&names, &spec)?;
        Ok(Self { clients, names, spec, environment, code, watch, interrupted, known })
    }

    /// The install's names and ARNs.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What is wrong with names and settings in this account and region, as far as only these tell.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.names.problems();
        problems.extend(self.spec.problems_in(&self.names));
        problems
    }

    /// What is wanted.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The install's resources, in the order in which they are made.
    #[must_use]
    pub fn stack(&self) -> Stack<'_, Error> {
        crate::stages::stack(self)
    }

    /// The tags that everything of this install carries.
    pub(crate) fn tags(&self) -> Tags {
        marks::desired(&self.names, &self.spec.tags)
    }

    /// The topic was made by this run, with a record of every declared subscription.
    pub(crate) fn is_topic_new(&self) -> bool {
        self.known.new_topic.get()
    }

    /// Notes that the topic was made just now.
    pub(crate) fn topic_is_new(&self) {
        self.known.new_topic.set(true);
    }

    /// The id of the role that was made by this run.
    pub(crate) fn new_role_id(&self) -> Option<String> {
        self.known.new_role_id.borrow().clone()
    }

    /// Notes the id of the role that was made just now.
    pub(crate) fn role_is_new(&self, id: &str) {
        self.known.new_role_id.replace(Some(id.to_owned()));
    }

    /// The role as it was when the names were chosen, once; the inner `None`: there was none.
    pub(crate) fn first_role(&self) -> Option<Option<role::Live>> {
        self.known.first_role.take()
    }

    /// The id of that role, once.
    pub(crate) fn first_role_id(&self) -> Option<String> {
        self.known.first_role_id.take()
    }

    /// Notes what an observation saw of the subscriptions.
    pub(crate) fn subscriptions_seen(&self, seen: subscriptions::Seen) {
        self.known.subscriptions.replace(Some(seen));
    }

    /// What the last observation saw of them, once.
    pub(crate) fn last_seen_subscriptions(&self) -> Option<subscriptions::Seen> {
        self.known.subscriptions.take()
    }

    /// Tries `operation` until it works, for as long as its error is `transient`.
    pub(crate) async fn wait<T>(
        &self,
        address: Address,
        pace: Pace,
        transient: impl Fn(&Error) -> bool,
        operation: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let deadline = self.clients.longest_wait.map_or(pace.deadline, |longest| longest.min(pace.deadline));
        let pace = Pace { deadline, ..pace };
        let waiting = |error: &Error| self.watch.event(address, Event::Waiting(error.message.clone()));
        match retry::until(pace, &self.interrupted, transient, waiting, operation).await {
            Ok(value) => Ok(value),
            Err(Stopped::Failed(error)) => Err(error),
            Err(Stopped::Interrupted(error)) => Err(Error {
                kind: Kind::Interrupted,
                message: format!("interrupted while waiting: {}", error.message),
                ..error
            }),
            Err(Stopped::TimedOut(error, waited)) => Err(Error {
                kind: Kind::TimedOut,
                message: format!("{} (still so after {} s)", error.message.trim_end_matches('.'), waited.as_secs()),
                ..error
            }
            .because(Cause::WaitedTooLong)),
        }
    }
}

/// The function's environment and the zip that goes with it.
fn contents(names: &Names, spec: &Spec) -> Result<(BTreeMap<String, String>, Code), Error> {
    let schedule = Schedule::parse(&spec.schedule).map_err(|error| Error::usage("BadSchedule", error.to_string()))?;
    let deployment = Deployment { topic_arn: names.topic_arn(), install: names.install.clone(), schedule };
    let settings = spec.settings.to_environment(&deployment);
    let mut environment = settings.variables;
    for (name, value) in &spec.function.environment {
        if environment.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::usage(
                "BadEnvironment",
                format!("function.environment.{name} is a variable that keyminder sets itself"),
            ));
        }
    }
    let size: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > ENVIRONMENT_LIMIT {
        return Err(Error::usage(
            "BadEnvironment",
            format!("the function's environment has {size} bytes, and Lambda takes {ENVIRONMENT_LIMIT}"),
        )
        .because(Cause::EnvironmentTooLarge));
    }
    let zip = spec.package.zip(settings.package.as_deref()).map_err(|error| Error::usage("BadPackage", error))?;
    let sha256 = BASE64_STANDARD.encode(Sha256::digest(&zip));
    Ok((environment, Code { zip, sha256 }))
}

/// The region's own IAM names where they are in use, or where the plain ones are another region's. The role decides:
/// it is made before the policy and goes after it, so there is never a policy of ours without a role.
async fn choose_names(
    clients: &Clients,
    plain: Names,
    with_region: Names,
) -> Result<(Names, Option<role::Live>), Error> {
    let (own, taken) = try_join(role::live(clients, &with_region.role), role::live(clients, &plain.role)).await?;
    let tags = |role: &role::Live| iam::tags_of(role.tags());
    let is_own = own.as_ref().is_some_and(|role| marks::foreign(&tags(role), &with_region).is_none());
    let is_taken = taken.as_ref().is_some_and(|role| marks::of_another_region(&tags(role), &plain));
    Ok(if is_own || is_taken { (with_region, own) } else { (plain, taken) })
}
