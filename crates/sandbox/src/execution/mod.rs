//! Running functions for real: which instance runs which invocation, and what the client sees of it.
//!
//! It owns instances and the queue of asynchronous invocations. What a function is belongs to the world.

mod asynchronous;
mod instance;
mod journal;
mod runtime_api;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

pub(crate) use asynchronous::start_due;
use instance::Instance;
use journal::Journal;

use crate::protocol::{AwsError, render};
use crate::shared::Shared;
use crate::world::{Function, World};

/// How long a function's last lines may take to arrive after its answer.
const LAST_LINES: Duration = Duration::from_millis(5);

/// A function to run while the client waits.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) region: String,
    pub(crate) function: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) id: String,
    /// Whether the client wants the end of the log.
    pub(crate) tail: bool,
}

/// A function to run when its time comes.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) region: String,
    pub(crate) function: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) id: String,
    /// When it was accepted.
    first: Timestamp,
    /// When it is to run.
    due: Timestamp,
    /// How often it ran.
    attempts: u64,
}

impl Invocation {
    pub(crate) fn new(region: &str, function: &str, payload: Vec<u8>, id: String, now: Timestamp) -> Self {
        Self { region: region.into(), function: function.into(), payload, id, first: now, due: now, attempts: 0 }
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) payload: Vec<u8>,
    /// Whether the payload is an error.
    pub(crate) failed: bool,
    pub(crate) log: String,
}

/// What runs, waits and is warm.
#[derive(Debug, Default)]
pub(crate) struct Executor {
    queue: Mutex<Vec<Invocation>>,
    idle: Mutex<Vec<Instance>>,
    /// Runs under way, by region and function.
    busy: Mutex<BTreeMap<(String, String), u64>>,
    /// Asynchronous invocations under way.
    under_way: AtomicUsize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor {
    pub(crate) fn enqueue(&self, invocation: Invocation) {
        locked(&self.queue).push(invocation);
    }

    /// Waits until nothing is due and nothing runs.
    pub(crate) async fn settled(&self, shared: &Shared) {
        loop {
            let now = shared.clock.now();
            let due = locked(&self.queue).iter().any(|invocation| invocation.due <= now);
            let running = self.under_way.load(Ordering::SeqCst) > 0;
            if !due && !running && !crate::scheduler::is_due(&shared.world(), now) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// When the next queued invocation is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        locked(&self.queue).iter().map(|invocation| invocation.due).min()
    }

    /// Kills every instance.
    pub(crate) fn stop(&self) {
        locked(&self.queue).clear();
        locked(&self.idle).clear();
    }

    fn warm(&self, fingerprint: &str) -> Option<Instance> {
        let mut idle = locked(&self.idle);
        let at = idle.iter().position(|instance| instance.fingerprint == fingerprint)?;
        Some(idle.remove(at))
    }
}

/// A place among the runs under way, given up when dropped.
struct Place<'a> {
    executor: &'a Executor,
    key: (String, String),
}

impl<'a> Place<'a> {
    fn take(executor: &'a Executor, key: (String, String), reserved: Option<u64>) -> Option<Self> {
        let mut busy = locked(&executor.busy);
        let running = busy.entry(key.clone()).or_default();
        if reserved.is_some_and(|reserved| *running >= reserved) {
            return None;
        }
        *running += 1;
        drop(busy);
        Some(Self { executor, key })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(running) = locked(&self.executor.busy).get_mut(&self.key) {
            *running -= 1;
        }
    }
}

/// What makes a warm instance stale when it changes.
fn fingerprint(region: &str, function: &Function) -> String {
    format!(
        "{region} {} {} {} {} {} {} {} {:?}",
        function.arn,
        function.code_sha256,
        function.role_id,
        function.handler,
        function.runtime,
        function.timeout,
        function.memory,
        function.environment
    )
}

/// Kills the warm instances of functions that are gone or have changed.
pub(crate) fn sweep(shared: &Shared) {
    let world = shared.world();
    let current: Vec<String> = world
        .regions
        .iter()
        .flat_map(|(region, here)| here.functions.values().map(|function| fingerprint(region, function)))
        .collect();
    drop(world);
    locked(&shared.executor.idle).retain(|instance| current.contains(&instance.fingerprint));
}

fn function(world: &mut World, region: &str, name: &str) -> Result<Function, AwsError> {
    let function = world.region(region).functions.get(name).cloned();
    function
        .ok_or_else(|| AwsError::new("ResourceNotFoundException", format!("Function not found: {name}")).status(404))
}

/// Runs a function to its end and writes its log.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    region: &str,
    name: &str,
    payload: &[u8],
    id: &str,
) -> Result<Ended, AwsError> {
    let function = {
        let mut world = shared.world();
        let function = function(&mut world, region, name)?;
        if let Some(error) = crate::service::lambda::invoke::obstacle(&world, &function) {
            return Err(error);
        }
        function
    };
    let place = Place::take(&shared.executor, (region.into(), name.into()), function.concurrency);
    let Some(_place) = place else {
        return Err(AwsError::new("TooManyRequestsException", "Rate Exceeded.")
            .status(429)
            .reason("ReservedFunctionConcurrentInvocationLimitExceeded"));
    };
    let fingerprint = fingerprint(region, &function);
    let begun = Instant::now();
    let (started, init) = match shared.executor.warm(&fingerprint) {
        Some(instance) => (Ok(instance), None),
        None => (Instance::start(shared, region, &function, fingerprint.clone()).await, Some(begun)),
    };
    let mut instance = match started {
        Ok(instance) => instance,
        Err(reason) => {
            let payload =
                instance::error_payload("Runtime.InvalidEntrypoint", &format!("RequestId: {id} Error: {reason}"));
            return Ok(Ended { payload, failed: true, log: String::new() });
        }
    };
    let mut journal = Journal::start(shared.clock.now(), id, init.is_some(), &function);
    let began = Instant::now();
    let answer = instance.invoke(&function, id, payload).await;
    let took = began.elapsed();
    if instance.is_alive() {
        tokio::time::sleep(LAST_LINES).await;
    } else {
        instance.drain().await;
    }
    journal.lines(instance.take_lines());
    journal.end(shared.clock.now(), &answer, took, &function, instance.peak_memory());
    let log = journal.write(&mut shared.world(), region, &function, &instance.stream);
    if instance.is_alive() && answer.keeps_instance() {
        let mut world = shared.world();
        let now_is = world.region(region).functions.get(name).map(|function| self::fingerprint(region, function));
        drop(world);
        if now_is.as_ref() == Some(&fingerprint) {
            locked(&shared.executor.idle).push(instance);
        }
    }
    let failed = answer.failed();
    Ok(Ended { payload: answer.into_payload(), failed, log })
}

/// Runs a function and answers the client that waits for it.
pub(crate) async fn answer(shared: &Arc<Shared>, order: Order, request_id: &str) -> Result<Response<Body>, AwsError> {
    // A client that goes away does not stop its function.
    let (runner, tail) = (Arc::clone(shared), order.tail);
    let run =
        tokio::spawn(async move { run(&runner, &order.region, &order.function, &order.payload, &order.id).await });
    let ended = run.await.map_err(|_| crate::protocol::Service::Lambda.server_error())??;
    let mut response = render::response(200, "application/json", ended.payload);
    response = render::with_header(response, "x-amzn-requestid", request_id);
    response = render::with_header(response, "x-amz-executed-version", "$LATEST");
    if ended.failed {
        response = render::with_header(response, "x-amz-function-error", "Unhandled");
    }
    if tail {
        let log = ended.log.as_bytes();
        let last = &log[log.len().saturating_sub(4096)..];
        response = render::with_header(response, "x-amz-log-result", &STANDARD.encode(last));
    }
    Ok(response)
}
