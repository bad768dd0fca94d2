//! What the server, the scheduler, running functions and the handle share: one sandbox's state, each part behind its
//! own lock. Does not know who changes it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::Credentials;
use crate::calls::Calls;
use crate::execution::{Executor, Invocation};
use crate::fault::Faults;
use crate::gate::Gates;
use crate::names::Ids;
use crate::pace::Pace;
use crate::turnstile::Queue;
use crate::{Clock, Options, World};

/// The state of a sandbox.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) endpoint: String,
    pub(crate) port: u16,
    /// The credentials of the account's user.
    pub(crate) credentials: Credentials,
    pub(crate) executor: Executor,
    /// Further users of the account by access key ID: their names and credentials.
    further_users: Mutex<BTreeMap<String, (String, Credentials)>>,
    turnstile: Mutex<Option<Arc<Queue>>>,
    world: Mutex<World>,
    calls: Mutex<Calls>,
    faults: Mutex<Faults>,
    gates: Mutex<Gates>,
    pace: Mutex<Pace>,
}

/// The user that the sandbox's own credentials belong to.
const FIRST_USER: &str = "you";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The state of a new sandbox that serves on `port`.
    pub(crate) fn new(options: Options, port: u16, seed: [u8; 32]) -> Self {
        let mut ids = Ids::new(seed);
        let credentials = options.credentials.clone().unwrap_or_else(|| Credentials::new(&mut ids));
        Self {
            clock: options.clock.clone(),
            endpoint: format!("http://{}:{port}", Ipv4Addr::LOCALHOST),
            port,
            credentials,
            executor: Executor::default(),
            further_users: Mutex::default(),
            turnstile: Mutex::default(),
            world: Mutex::new(World::new(&options.account, &options.partition, ids)),
            calls: Mutex::default(),
            faults: Mutex::default(),
            gates: Mutex::default(),
            pace: Mutex::default(),
            options,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    /// The name and credentials of the user with this access key.
    pub(crate) fn user(&self, access_key: &str) -> Option<(String, Credentials)> {
        if access_key == self.credentials.access_key_id {
            return Some((FIRST_USER.to_owned(), self.credentials.clone()));
        }
        locked(&self.further_users).get(access_key).cloned()
    }

    /// Creates credentials for a further user.
    pub(crate) fn add_user(&self, name: &str) -> Credentials {
        let credentials = Credentials::new(&mut self.world().ids);
        let entry = (name.to_owned(), credentials.clone());
        locked(&self.further_users).insert(credentials.access_key_id.clone(), entry);
        credentials
    }

    /// Where the users' calls wait, if a test wants that.
    pub(crate) fn turnstile(&self) -> Option<Arc<Queue>> {
        locked(&self.turnstile).clone()
    }

    /// Makes the users' calls wait here from now on.
    pub(crate) fn set_turnstile(&self, queue: Arc<Queue>) {
        *locked(&self.turnstile) = Some(queue);
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        locked(&self.calls)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn gates(&self) -> MutexGuard<'_, Gates> {
        locked(&self.gates)
    }

    pub(crate) fn pace(&self) -> MutexGuard<'_, Pace> {
        locked(&self.pace)
    }

    /// Has a function run when its time comes.
    pub(crate) fn enqueue(&self, invocation: Invocation) {
        self.executor.enqueue(invocation);
        self.clock.wake();
    }
}
