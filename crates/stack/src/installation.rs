//! One install in one account and region: its names, what is wanted, the clients, and how its resources wait.
//!
//! It knows no resource. How it is opened is in `opening.rs`, which resources it has in `order.rs`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use keyminder_keyage::environment::Deployment;
use keyminder_keyage::schedule::Schedule;
use keyminder_reconcile::retry::{self, Backoff, Stopped};
use keyminder_reconcile::{Address, Beside, CancellationToken, Event, Progress};
use sha2::{Digest, Sha256};

use crate::connection::Clients;
use crate::connection::proof::other_account;
use crate::error::{Cause, Error, Kind};
use crate::names::Names;
use crate::ownership::{self, Tags};
use crate::spec::{Problem, Spec};

/// IAM's own propagation: a new role or policy is known everywhere within about ten seconds, rarely two minutes.
pub(crate) const PROPAGATION: Backoff = Backoff::within(Duration::from_secs(120));

/// A deletion that is refused because a detachment is not yet known everywhere is tried again for this long.
pub(crate) const DETACHED: Backoff = Backoff::within(Duration::from_secs(30));

/// An install: everything a resource needs to know. It does not change.
pub struct Installation {
    pub(crate) clients: Clients,
    pub(crate) names: Names,
    pub(crate) spec: Spec,
    /// The function's environment variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) code: Code,
    watch: Rc<dyn Progress>,
    interrupted: CancellationToken,
}

/// The deployment package as it is uploaded.
pub(crate) struct Code {
    pub(crate) zip: Vec<u8>,
    /// The SHA-256 of the zip in base64, as Lambda reports it.
    pub(crate) sha256: String,
    /// The same of the zip without the settings beside the executable.
    pub(crate) executable_sha256: String,
    /// The settings beside the executable.
    pub(crate) settings: Option<String>,
}

/// The SHA-256 of some bytes in base64, which is how Lambda writes that of a package.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

/// Lambda takes this much for all variables of a function together ("Lambda quotas").
const ENVIRONMENT_LIMIT: usize = 4096;

impl Installation {
    /// An install under these names.
    ///
    /// # Errors
    /// Settings that do not fit into the function.
    pub(crate) fn new(
        clients: Clients,
        names: Names,
        spec: Spec,
        watch: Rc<dyn Progress>,
        interrupted: CancellationToken,
    ) -> Result<Self, Error> {
        let (environment, code) = contents(&names, &spec)?;
        Ok(Self { clients, names, spec, environment, code, watch, interrupted })
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

    /// The tags that everything of this install carries.
    pub(crate) fn tags(&self) -> Tags {
        ownership::desired(&self.names, &self.spec.tags)
    }

    /// What others put beside an object, with what the user allows marked.
    pub(crate) fn judged(&self, address: Address, beside: impl Into<Beside>) -> Beside {
        let mut beside = beside.into();
        for extra in &mut beside.extras {
            extra.allowed = self.spec.allow.allows(address, extra);
        }
        beside
    }

    /// Refuses an answer that names another account than the one that STS named. One that names none says nothing.
    pub(crate) fn must_be_here(&self, service: &str, account: Option<&str>) -> Result<(), Error> {
        match account {
            Some(account) if account != self.names.account => {
                Err(other_account(service, "", account, &self.names.account))
            }
            _ => Ok(()),
        }
    }

    /// Tries `operation` until it works, for as long as its error is `transient`.
    pub(crate) async fn wait<T>(
        &self,
        address: Address,
        backoff: Backoff,
        transient: impl Fn(&Error) -> bool,
        operation: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let deadline = self.clients.longest_wait.map_or(backoff.deadline, |longest| longest.min(backoff.deadline));
        let backoff = Backoff { deadline, ..backoff };
        let waiting = |error: &Error| self.watch.event(address, Event::Waiting(error.message.clone()));
        match retry::until(backoff, &self.interrupted, transient, waiting, operation).await {
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
    let (topic_arn, install, owners) = (names.topic_arn(), names.install.clone(), spec.owners.clone());
    let deployment = Deployment { topic_arn, install, schedule, owners };
    let settings = spec.check.to_environment(&deployment);
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
    let whole = sha256(&zip);
    let executable_sha256 = match settings.package {
        Some(_) => sha256(&spec.package.zip(None).map_err(|error| Error::usage("BadPackage", error))?),
        None => whole.clone(),
    };
    Ok((environment, Code { zip, sha256: whole, executable_sha256, settings: settings.package }))
}
