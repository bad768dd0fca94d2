//! A stack: resources in stages, observed all at once, converged stage by stage, destroyed in reverse.

use std::time::Duration;

use futures::future::{LocalBoxFuture, join_all, try_join_all};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Action, Change, Event, Extra, Failed, Failure, FieldChange, Observed, Outcome, Plan, Progress, Purpose, Removal,
    Resource, diff,
};

/// How often a resource is observed again and converged anew because it was not as observed.
const STALE_ATTEMPTS: u32 = 6;

/// Resources with no dependency on each other.
pub struct Stage<'a, E>(Vec<Box<dyn Erased<E> + 'a>>);

impl<'a, E: Failure> Stage<'a, E> {
    /// A stage with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a resource.
    #[must_use]
    pub fn with<R: Resource<Error = E> + 'a>(mut self, resource: R) -> Self {
        self.0.push(Box::new(resource));
        self
    }
}

impl<E: Failure> Default for Stage<'_, E> {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything that belongs together, in the order in which it is made.
pub struct Stack<'a, E> {
    stages: Vec<Stage<'a, E>>,
}

/// What one look at every resource of a stack found. It is only good for the stack that made it.
pub struct Observation(Vec<Seen>);

impl<'a, E: Failure> Stack<'a, E> {
    /// A stack of these stages: each depends on the ones before it, and its resources do not depend on each other.
    #[must_use]
    pub fn new(stages: Vec<Stage<'a, E>>) -> Self {
        Self { stages }
    }

    fn resources(&self) -> impl Iterator<Item = &dyn Erased<E>> {
        self.stages.iter().flat_map(|stage| stage.0.iter().map(AsRef::as_ref))
    }

    /// Looks at every resource, all at once.
    ///
    /// # Errors
    /// The first error of any resource: a plan from half an observation would be a guess.
    pub async fn observe(&self) -> Result<Observation, E> {
        try_join_all(self.resources().map(Erased::observe)).await.map(Observation)
    }

    /// Works out what would have to change. Asks nobody.
    #[must_use]
    pub fn plan(&self, seen: &Observation, purpose: Purpose) -> Plan {
        let mut changes: Vec<Change> =
            self.resources().zip(&seen.0).map(|(resource, seen)| resource.change(seen, purpose)).collect();
        let foreign: Vec<_> = changes.iter().filter(|c| c.is_left_alone(purpose)).map(|c| c.address).collect();
        let replaced: Vec<_> = changes.iter().filter(|c| c.replace).map(|c| c.address).collect();
        for (change, resource) in changes.iter_mut().zip(self.resources()) {
            if change.part_of.is_some_and(|whole| foreign.contains(&whole)) {
                change.leave_alone();
            } else if change.part_of.is_some_and(|whole| replaced.contains(&whole)) {
                change.action = Action::Create;
                change.fields = resource.creation();
            }
        }
        Plan { purpose, changes }
    }

    /// Carries a converging plan out: stage by stage, the resources of a stage at once. A failure lets its stage
    /// finish and ends the run there. An interruption lets the calls in flight finish.
    ///
    /// The plan must have been made by [`Stack::plan`] from `seen`; one that [is refused](Plan::refused) is not
    /// carried out at all.
    pub async fn apply(
        &self,
        seen: &Observation,
        plan: &Plan,
        progress: &dyn Progress,
        interrupted: &CancellationToken,
    ) -> Outcome<E> {
        let mut outcome = Outcome::default();
        let refused = !plan.refused().is_empty();
        let mut index = 0;
        for stage in &self.stages {
            let range = index..index + stage.0.len();
            index = range.end;
            let work: Vec<_> = stage
                .0
                .iter()
                .zip(range)
                .map(|(resource, i)| (resource.as_ref(), &plan.changes[i], &seen.0[i]))
                .filter(|(_, change, _)| matches!(change.action, Action::Create | Action::Update))
                .collect();
            outcome.interrupted |= interrupted.is_cancelled() && !work.is_empty();
            if refused || outcome.interrupted || !outcome.failed.is_empty() {
                outcome.not_begun.extend(work.iter().map(|(_, change, _)| (change.address, change.action)));
                continue;
            }
            let results = join_all(work.iter().map(|(resource, change, seen)| async {
                progress.event(change.address, Event::Started(change.action));
                let result = resource.converge(seen, change.action, plan.purpose).await;
                report(progress, change, &result);
                result
            }))
            .await;
            outcome.record(work.iter().map(|(_, change, _)| *change).zip(results));
        }
        outcome
    }

    /// Carries a destroying plan out: the stages in reverse. Nothing that the plan does not name is touched.
    pub async fn destroy(
        &self,
        plan: &Plan,
        removal: Removal,
        progress: &dyn Progress,
        interrupted: &CancellationToken,
    ) -> Outcome<E> {
        let mut outcome = Outcome::default();
        let mut end = plan.changes.len();
        for stage in self.stages.iter().rev() {
            let start = end - stage.0.len();
            let work: Vec<_> = stage
                .0
                .iter()
                .zip(&plan.changes[start..end])
                .filter(|(_, change)| change.action == Action::Delete)
                .collect();
            end = start;
            outcome.interrupted |= interrupted.is_cancelled() && !work.is_empty();
            if outcome.interrupted || !outcome.failed.is_empty() {
                outcome.not_begun.extend(work.iter().map(|(_, change)| (change.address, change.action)));
                continue;
            }
            let results = join_all(work.iter().map(|(resource, change)| async {
                progress.event(change.address, Event::Started(change.action));
                let result = resource.destroy(removal).await;
                report(progress, change, &result);
                result
            }))
            .await;
            outcome.record(work.iter().map(|(_, change)| *change).zip(results));
        }
        outcome
    }

    /// Looks again until the plan is empty or `patience` is over (reads may lag behind writes), and returns the last
    /// plan. Only what was not yet as wanted is looked at again.
    ///
    /// # Errors
    /// The first error of any resource.
    pub async fn verify(
        &self,
        purpose: Purpose,
        patience: Duration,
        interrupted: &CancellationToken,
    ) -> Result<Plan, E> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut seen = self.observe().await?;
        loop {
            let plan = self.plan(&seen, purpose);
            if plan.is_empty() || start.elapsed() + pause > patience || interrupted.is_cancelled() {
                return Ok(plan);
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = interrupted.cancelled() => return Ok(plan),
            }
            pause = (pause * 2).min(Duration::from_secs(3));
            for ((resource, seen), change) in self.resources().zip(&mut seen.0).zip(&plan.changes) {
                if change.action != Action::None {
                    *seen = resource.observe().await?;
                }
            }
        }
    }
}

fn report<E: Failure>(progress: &dyn Progress, change: &Change, result: &Result<(), E>) {
    progress.event(
        change.address,
        match result {
            Ok(()) => Event::Finished(change.action),
            Err(error) => Event::Failed(error.to_string()),
        },
    );
}

impl<E: Failure> Outcome<E> {
    fn record<'c>(&mut self, results: impl Iterator<Item = (&'c Change, Result<(), E>)>) {
        for (change, result) in results {
            match result {
                Ok(()) => self.done.push((change.address, change.action)),
                Err(error) => {
                    self.interrupted |= error.is_interrupted();
                    let (address, name, action) = (change.address, change.name.clone(), change.action);
                    self.failed.push(Failed { address, name, action, error });
                }
            }
        }
    }
}

/// An [`Observed`] state with its type forgotten: the value for comparing, the state itself for converging.
struct Seen {
    kind: SeenKind,
    value: Value,
    extras: Vec<Extra>,
    state: Option<Box<dyn std::any::Any>>,
}

enum SeenKind {
    Absent,
    Ours,
    Foreign(String),
}

impl Seen {
    fn new<S: serde::Serialize + 'static>(observed: Observed<S>) -> Self {
        let (kind, existing) = match observed {
            Observed::Absent => (SeenKind::Absent, None),
            Observed::AbsentBeside(extras) => {
                return Self { kind: SeenKind::Absent, value: Value::Null, extras, state: None };
            }
            Observed::Ours(existing) => (SeenKind::Ours, Some(existing)),
            Observed::Foreign(existing, reason) => (SeenKind::Foreign(reason), Some(existing)),
        };
        match existing {
            None => Self { kind, value: Value::Null, extras: Vec::new(), state: None },
            Some(existing) => Self {
                kind,
                value: value_of(&existing.state),
                extras: existing.extras,
                state: Some(Box::new(existing.state)),
            },
        }
    }
}

impl Seen {
    fn state<R: Resource>(&self) -> Option<&R::State> {
        self.state.as_ref()?.downcast_ref()
    }
}

/// States are plain structures of strings, numbers, maps and lists: serialising one cannot fail.
fn value_of<S: serde::Serialize>(state: &S) -> Value {
    serde_json::to_value(state).unwrap_or(Value::Null)
}

/// A [`Resource`] with its state's type forgotten.
trait Erased<E> {
    fn observe(&self) -> LocalBoxFuture<'_, Result<Seen, E>>;
    fn change(&self, seen: &Seen, purpose: Purpose) -> Change;
    fn creation(&self) -> Vec<FieldChange>;
    fn converge<'a>(&'a self, seen: &'a Seen, action: Action, purpose: Purpose) -> LocalBoxFuture<'a, Result<(), E>>;
    fn destroy(&self, removal: Removal) -> LocalBoxFuture<'_, Result<(), E>>;
}

impl<R: Resource> Erased<R::Error> for R {
    fn observe(&self) -> LocalBoxFuture<'_, Result<Seen, R::Error>> {
        Box::pin(async { Resource::observe(self).await.map(Seen::new) })
    }

    fn change(&self, seen: &Seen, purpose: Purpose) -> Change {
        let (action, fields, foreign) = match (&seen.kind, purpose) {
            (SeenKind::Absent, Purpose::Converge { .. }) => {
                // A set that should be empty is not there, and nothing is missing.
                let fields = self.creation();
                (if fields.is_empty() { Action::None } else { Action::Create }, fields, None)
            }
            // What others put where ours would be is only ever taken away by force, and then by this resource.
            (SeenKind::Absent, Purpose::Destroy) if seen.extras.iter().any(|extra| extra.blocks_deletion) => {
                (Action::Delete, Vec::new(), None)
            }
            (SeenKind::Absent, Purpose::Destroy) => (Action::None, Vec::new(), None),
            (SeenKind::Ours, Purpose::Destroy) => (Action::Delete, diff::changes(&seen.value, &Value::Null), None),
            (SeenKind::Foreign(reason), Purpose::Destroy | Purpose::Converge { adopt: false }) => {
                (Action::None, Vec::new(), Some(reason.clone()))
            }
            (kind, Purpose::Converge { .. }) => {
                let fields = diff::changes(&seen.value, &value_of(self.desired()));
                let foreign = match kind {
                    SeenKind::Foreign(reason) => Some(reason.clone()),
                    SeenKind::Ours | SeenKind::Absent => None,
                };
                (if fields.is_empty() { Action::None } else { Action::Update }, fields, foreign)
            }
        };
        Change {
            address: self.address(),
            name: self.name(),
            action,
            fields,
            extras: seen.extras.clone(),
            foreign,
            replace: action == Action::Update && seen.state::<R>().is_some_and(|state| self.must_be_replaced(state)),
            part_of: self.part_of(),
        }
    }

    fn creation(&self) -> Vec<FieldChange> {
        diff::changes(&Value::Null, &value_of(self.desired()))
    }

    fn converge<'a>(
        &'a self,
        seen: &'a Seen,
        action: Action,
        purpose: Purpose,
    ) -> LocalBoxFuture<'a, Result<(), R::Error>> {
        Box::pin(async move {
            // What is part of something replaced was seen, but is gone by now.
            let first = if action == Action::Create { None } else { seen.state::<R>() };
            let mut result = Resource::converge(self, first).await;
            let mut pause = Duration::from_millis(50);
            for _ in 1..STALE_ATTEMPTS {
                match &result {
                    Err(error) if error.is_stale() => {}
                    _ => return result,
                }
                sleep(pause).await;
                pause *= 3;
                let seen = Erased::observe(self).await?;
                if matches!(seen.kind, SeenKind::Foreign(_)) && purpose == (Purpose::Converge { adopt: false }) {
                    return result;
                }
                if seen.state.is_some() && diff::changes(&seen.value, &value_of(self.desired())).is_empty() {
                    return Ok(());
                }
                result = Resource::converge(self, seen.state::<R>()).await;
            }
            result
        })
    }

    fn destroy(&self, removal: Removal) -> LocalBoxFuture<'_, Result<(), R::Error>> {
        Box::pin(Resource::destroy(self, removal))
    }
}

impl Observation {
    /// Whether any object of ours was seen.
    #[must_use]
    pub fn anything_ours(&self) -> bool {
        self.0.iter().any(|seen| matches!(seen.kind, SeenKind::Ours))
    }
}
