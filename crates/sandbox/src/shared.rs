//! What the server, the scheduler, running functions and the handle share: one sandbox's state, each part behind its
//! own lock. Does not know who changes it.

use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::auth::Credentials;
use crate::calls::Calls;
use crate::execution::{Executor, Invocation};
use crate::fault::Faults;
use crate::gate::Gates;
use crate::names::Ids;
use crate::pace::Pace;
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
    world: Mutex<World>,
    calls: Mutex<Calls>,
    faults: Mutex<Faults>,
    gates: Mutex<Gates>,
    pace: Mutex<Pace>,
}

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
