//! The handle that tests and commands hold: start, look, break, stop. Owns the server's threads.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;
use crate::wire::{Cut, Wires};
use crate::{
    Call, Clock, Credentials, Delivery, Email, Fault, Gate, Mail, Moment, Options, OrganizationSeed, Seed, Turnstile,
    World,
};
use crate::{scheduler, seed, server, service, snapshot};

/// Why a sandbox could not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken, or loopback is not to be had.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for; 0 for any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server's threads could not be started.
    #[error("cannot start the sandbox's threads: {0}")]
    Threads(std::io::Error),
    /// The system gives no random bytes, so there could be no secret credentials.
    #[error("the system provides no random bytes for the sandbox's credentials")]
    Randomness,
    /// SNS would not do this.
    #[error("{0}")]
    Refused(String),
    /// The policy is not a JSON document.
    #[error("the policy is not JSON: {0}")]
    Policy(#[from] serde_json::Error),
}

/// An emulated AWS account, served on loopback until this is dropped: then its port is closed, its functions' processes
/// are killed and their folders removed. It runs on threads of its own, so that a test which blocks does not stop it.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    connections: CancellationToken,
    runtime: Option<Runtime>,
}

impl Sandbox {
    /// Starts one.
    ///
    /// # Errors
    /// Where the port is taken or no thread can be started.
    #[allow(clippy::unused_async, reason = "starting may come to wait; callers are asynchronous anyway")]
    pub async fn start(options: Options) -> Result<Self, Error> {
        let port = options.port;
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build()
            .map_err(Error::Threads)?;
        let mut seed = [0; 32];
        if getrandom::fill(&mut seed).is_err() {
            runtime.shutdown_background();
            return Err(Error::Randomness);
        }
        let shared = Arc::new(Shared::new(options, address.port(), seed));
        let connections = CancellationToken::new();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)
        };
        let listener = match listener {
            Ok(listener) => listener,
            Err(source) => {
                // A runtime must not be dropped where waiting is forbidden, as it is here.
                runtime.shutdown_background();
                return Err(listen(source));
            }
        };
        let wires = Wires::new(listener, connections.clone(), shared.options.idle_timeout);
        let router = Router::new().fallback(server::handle).with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(wires, router.into_make_service_with_connect_info::<Cut>()).await });
        runtime.spawn(scheduler::run(Arc::clone(&shared)));
        Ok(Self { shared, connections, runtime: Some(runtime) })
    }

    /// Its address: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.endpoint
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// The only credentials that it accepts besides those that its functions and [further users](Self::add_user) get.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// What to export for an AWS client to use it. The credentials are new at each start.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.shared.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.credentials().access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials().secret_access_key.clone()),
            ("AWS_REGION", self.shared.options.region.clone()),
            // boto3 and version 1 of the AWS CLI read this one only (Boto3 documentation, "Configuration").
            ("AWS_DEFAULT_REGION", self.shared.options.region.clone()),
        ]
    }

    /// Its time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Every call since the start or [`Self::forget_calls`], in order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls().all()
    }

    /// Forgets the calls; counting starts again from 1.
    pub fn forget_calls(&self) {
        self.shared.calls().forget();
    }

    /// Has something go wrong. Of several faults that fit a call the first set strikes.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Holds the deployer's `k`-th call from now (the first is 1; a function's own do not count), before it is carried
    /// out or after, until the gate is dropped; its connection is closed then, without an answer.
    #[must_use = "dropping the gate releases the call"]
    pub fn stop_at(&self, k: usize, moment: Moment) -> Gate {
        self.shared.gates().add(k, moment)
    }

    /// From now on holds every call of the account's users, but not a function's own, until the turnstile lets it
    /// through or is dropped. So a test decides whose call is next.
    #[must_use = "dropping the turnstile lets everything through"]
    pub fn turnstile(&self) -> Turnstile {
        let queue = Arc::default();
        self.shared.set_turnstile(Arc::clone(&queue));
        Turnstile::new(queue)
    }

    /// Creates credentials for a further user of the account, and returns them with the user's ARN. All users have the
    /// same permissions.
    #[must_use]
    pub fn add_user(&self, name: &str) -> (String, Credentials) {
        let credentials = self.shared.add_user(name);
        (self.shared.world().arn("iam", "", &format!("user/{name}")), credentials)
    }

    /// Every e-mail sent so far, oldest first.
    #[must_use]
    pub fn outbox(&self) -> Vec<Mail> {
        self.shared.world().outbox.clone()
    }

    /// Every email that SES accepted so far in this account, oldest first.
    #[must_use]
    pub fn emails(&self) -> Vec<Email> {
        self.shared.world().emails.clone()
    }

    /// Every message delivered otherwise than by e-mail, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.world().deliveries.clone()
    }

    /// Confirms what is pending for an address, as if the person clicked the link in each confirmation mail. Gives back
    /// how many subscriptions that were.
    pub fn confirm(&self, endpoint: &str) -> usize {
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        world.age(now);
        let subscriptions = world.regions.values_mut().flat_map(|region| &mut region.subscriptions);
        let pending = subscriptions.filter(|known| known.endpoint == endpoint && !known.confirmed);
        pending.map(|subscription| subscription.confirmed = true).count()
    }

    /// Follows the unsubscribe link of a mail, or that of the address's last mail.
    ///
    /// # Errors
    /// Where there is no such subscription, or it was confirmed so that only an authenticated call ends it.
    pub fn unsubscribe_by_link(&self, link_or_address: &str) -> Result<(), Error> {
        let mut world = self.shared.world();
        let sent = world.outbox.iter().rev().find(|mail| mail.to == link_or_address && mail.unsubscribe_link.is_some());
        let link = sent.and_then(|mail| mail.unsubscribe_link.clone()).unwrap_or_else(|| link_or_address.to_owned());
        service::sns::links::follow_unsubscribe(&mut world, &link).map_err(|error| Error::Refused(error.message))
    }

    /// Fills the account with users and keys; see [`Seed`].
    pub fn seed_users(&self, seed: &Seed) {
        seed::plant(&mut self.shared.world(), seed, self.shared.clock.now());
    }

    /// Makes an organization of the account and of others with users; see [`OrganizationSeed`].
    pub fn seed_organization(&self, seed: &OrganizationSeed) {
        seed::plant_organization(&mut self.shared.world(), seed, self.shared.clock.now());
    }

    /// Changes the world by hand, as someone else in the account would, and past every check.
    pub fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.shared.world());
        self.shared.clock.wake();
        result
    }

    /// The account's whole state in a canonical form, without ids, times and tokens: two accounts in the same state
    /// give the same document.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        let mut world = self.shared.world();
        world.age(self.shared.clock.now());
        snapshot::take(&world)
    }

    /// Checks the deployer's calls against an IAM policy from now on. [`World::deployer`] set to `None` ends that.
    ///
    /// # Errors
    /// Where the policy is not JSON.
    pub fn enforce(&self, policy: &str) -> Result<(), Error> {
        self.shared.world().deployer = Some(serde_json::from_str(policy)?);
        Ok(())
    }

    /// Throttles all callers together to so many calls a second of real time, with a second's worth as a burst; zero
    /// lifts the limit.
    pub fn rate_limit(&self, calls_per_second: f64) {
        self.shared.pace().limit(calls_per_second);
    }

    /// Throttles the callers from one account together, as [`Self::rate_limit`] does those of all.
    pub fn rate_limit_account(&self, account: &str, calls_per_second: f64) {
        self.shared.pace().limit_account(account, calls_per_second);
    }

    /// Throttles an IAM action (`sts:AssumeRole`) of each account by itself.
    pub fn rate_limit_action(&self, action: &str, calls_per_second: f64) {
        self.shared.pace().limit_action(action, calls_per_second);
    }

    /// Delays every call by so much real time.
    pub fn latency(&self, delay: Duration) {
        self.shared.pace().latency = delay;
    }

    /// Waits until everything that is due by the sandbox's clock has been done: schedules fired, functions run, their
    /// messages delivered.
    pub async fn settled(&self) {
        self.shared.executor.settled(&self.shared).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.connections.cancel();
        self.shared.executor.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
