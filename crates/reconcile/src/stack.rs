//! A stack: resources that are observed all at once, converged in the order of what they need, and destroyed in reverse.

use std::time::Duration;

use futures::future::{LocalBoxFuture, try_join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Action, Address, Beside, Change, Event, Extra, Failed, Failure, FieldChange, Observed, Outcome, Plan, Progress,
    Purpose, Removal, Resource, diff,
};

/// How often a resource is observed again and converged anew because it was not as observed.
const STALE_ATTEMPTS: u32 = 6;

/// Everything that belongs together.
pub struct Stack<'a, E, S = ()> {
    resources: Vec<Box<dyn Erased<E, S> + 'a>>,
}

/// What one look at every resource of a stack found. It is only good for the stack that made it.
pub struct Observation<S = ()> {
    seen: Vec<Seen>,
    shared: Vec<S>,
}

impl<S> Observation<S> {
    /// What the resources found out for each other, the newest first: what was looked at again comes before.
    pub fn shared(&self) -> impl Iterator<Item = &S> {
        self.shared.iter().rev()
    }

    /// The state of the object of ours whose states are of this type: each resource has a type of its own. `None`:
    /// there is no such object, or it is somebody else's.
    #[must_use]
    pub fn ours<T: 'static>(&self) -> Option<&T> {
        let ours = self.seen.iter().filter(|seen| matches!(seen.kind, SeenKind::Ours));
        ours.filter_map(|seen| seen.state.as_ref()).find_map(|state| state.downcast_ref())
    }
}

impl<E: Failure, S: Default> Default for Stack<'_, E, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, E: Failure, S: Default> Stack<'a, E, S> {
    /// A stack with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self { resources: Vec::new() }
    }

    /// Adds a resource, after those that it comes [after](Resource::AFTER).
    #[must_use]
    pub fn with<R: Resource<Error = E, Shared = S> + 'a>(mut self, resource: R) -> Self {
        self.resources.push(Box::new(resource));
        self
    }

    fn resources(&self) -> impl Iterator<Item = &dyn Erased<E, S>> {
        self.resources.iter().map(AsRef::as_ref)
    }

    /// Looks at every resource, all at once.
    ///
    /// # Errors
    /// The first error of any resource: a plan from half an observation would be a guess.
    pub async fn observe(&self) -> Result<Observation<S>, E> {
        let shared = S::default();
        let seen = try_join_all(self.resources().map(|resource| resource.observe(&shared))).await?;
        Ok(Observation { seen, shared: vec![shared] })
    }

    /// Works out what would have to change. Asks nobody.
    #[must_use]
    pub fn plan(&self, seen: &Observation<S>, purpose: Purpose) -> Plan {
        let mut changes: Vec<Change> =
            self.resources().zip(&seen.seen).map(|(resource, seen)| resource.change(seen, purpose)).collect();
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

    /// Carries a converging plan out: each resource as soon as those that it comes [after](Resource::AFTER) are done.
    /// After a failure nothing further is begun, and what is under way is finished. An interruption lets the calls in
    /// flight finish.
    ///
    /// The plan must have been made by [`Stack::plan`] from `seen`; one that [is refused](Plan::refused) is not
    /// carried out at all.
    pub async fn apply(
        &self,
        seen: &Observation<S>,
        plan: &Plan,
        progress: &dyn Progress,
        interrupted: &CancellationToken,
    ) -> Outcome<E> {
        let shared = S::default();
        let is_work = |change: &Change| matches!(change.action, Action::Create | Action::Update);
        if !plan.refused().is_empty() {
            let not_begun = plan.changes.iter().filter(|change| is_work(change));
            return Outcome {
                not_begun: not_begun.map(|change| (change.address, change.action)).collect(),
                ..Outcome::default()
            };
        }
        let converge = |index: usize| {
            let change = &plan.changes[index];
            self.resources[index].converge(&seen.seen[index], change.action, plan.purpose, &shared)
        };
        let waits_for = |index: usize| self.dependencies(index);
        let order = (0..plan.changes.len()).filter(|&index| is_work(&plan.changes[index])).collect();
        carry_out(plan, order, waits_for, converge, progress, interrupted).await
    }

    /// Carries a destroying plan out: each resource once those that come after it are gone. Nothing that the plan does
    /// not name is touched.
    pub async fn destroy(
        &self,
        plan: &Plan,
        removal: Removal,
        progress: &dyn Progress,
        interrupted: &CancellationToken,
    ) -> Outcome<E> {
        let destroy = |index: usize| self.resources[index].destroy(removal);
        let waits_for = |index: usize| {
            let outlives = self.indices(self.resources[index].outlives());
            let dependants = (0..self.resources.len()).filter(|&other| self.dependencies(other).contains(&index));
            dependants.chain(outlives).collect()
        };
        let is_work = |index: &usize| plan.changes[*index].action == Action::Delete;
        let order = (0..plan.changes.len()).rev().filter(is_work).collect();
        carry_out(plan, order, waits_for, destroy, progress, interrupted).await
    }

    /// Removes what a person chose of what others added, one after another: some share a document that is written
    /// whole. Ends with the first failure or an interruption; whatever was removed stays removed.
    ///
    /// # Errors
    /// The first error of any resource. An interruption is none.
    pub async fn remove(
        &self,
        chosen: &[(Address, Extra)],
        progress: &dyn Progress,
        interrupted: &CancellationToken,
    ) -> Result<(), E> {
        let mut done: Vec<(Address, &Option<String>)> = Vec::new();
        for (address, extra) in chosen.iter().filter(|(_, extra)| extra.handle.is_some()) {
            // A statement with several principals is one thing.
            let Some(resource) = self.resources().find(|resource| resource.address() == *address) else { continue };
            if done.contains(&(*address, &extra.handle)) || interrupted.is_cancelled() {
                continue;
            }
            progress.event(*address, Event::Started(Action::Delete));
            let result = resource.remove(extra).await;
            progress.event(
                *address,
                match &result {
                    Ok(()) => Event::Removed(format!("{} {}", extra.kind.words, extra.name)),
                    Err(error) if error.is_interrupted() => Event::Interrupted,
                    Err(error) => Event::Failed(error.to_string()),
                },
            );
            result?;
            done.push((*address, &extra.handle));
        }
        Ok(())
    }

    /// Everything that the resource comes after, also by way of others.
    fn dependencies(&self, index: usize) -> Vec<usize> {
        let mut found = self.indices(self.resources[index].after());
        let mut next = 0;
        while let Some(&one) = found.get(next) {
            let further: Vec<_> =
                self.indices(self.resources[one].after()).into_iter().filter(|i| !found.contains(i)).collect();
            found.extend(further);
            next += 1;
        }
        found
    }

    fn indices(&self, addresses: &[Address]) -> Vec<usize> {
        let is_named = |index: &usize| addresses.contains(&self.resources[*index].address());
        (0..self.resources.len()).filter(is_named).collect()
    }

    /// Looks again until the plan is empty or `patience` is over (reads may lag behind writes), and returns the last
    /// observation and its plan. Only what was not yet as wanted is looked at again.
    ///
    /// # Errors
    /// The first error of any resource.
    pub async fn verify(
        &self,
        purpose: Purpose,
        patience: Duration,
        interrupted: &CancellationToken,
    ) -> Result<(Observation<S>, Plan), E> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut observation = self.observe().await?;
        loop {
            let plan = self.plan(&observation, purpose);
            if plan.is_empty() || start.elapsed() + pause > patience || interrupted.is_cancelled() {
                return Ok((observation, plan));
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = interrupted.cancelled() => return Ok((observation, plan)),
            }
            pause = (pause * 2).min(Duration::from_secs(3));
            let shared = S::default();
            let different: Vec<_> =
                (0..plan.changes.len()).filter(|&index| plan.changes[index].action != Action::None).collect();
            let again = try_join_all(different.iter().map(|&index| self.resources[index].observe(&shared))).await?;
            for (index, seen) in different.into_iter().zip(again) {
                observation.seen[index] = seen;
            }
            observation.shared.push(shared);
        }
    }
}

/// Begins each piece of work as soon as what it waits for is done.
async fn carry_out<'w, E: Failure>(
    plan: &Plan,
    order: Vec<usize>,
    waits_for: impl Fn(usize) -> Vec<usize>,
    begin: impl Fn(usize) -> LocalBoxFuture<'w, Result<(), E>>,
    progress: &dyn Progress,
    interrupted: &CancellationToken,
) -> Outcome<E> {
    let mut outcome = Outcome::default();
    let mut waiting: Vec<(usize, Vec<usize>)> = order
        .iter()
        .map(|&index| (index, waits_for(index).into_iter().filter(|other| order.contains(other)).collect()))
        .collect();
    let mut under_way = FuturesUnordered::new();
    loop {
        outcome.interrupted |= interrupted.is_cancelled() && !waiting.is_empty();
        if !outcome.interrupted && outcome.failed.is_empty() {
            for (index, _) in waiting.extract_if(.., |(_, others)| others.is_empty()) {
                progress.event(plan.changes[index].address, Event::Started(plan.changes[index].action));
                let work = begin(index);
                under_way.push(async move { (index, work.await) });
            }
        }
        let Some((index, result)) = under_way.next().await else { break };
        report(progress, &plan.changes[index], &result);
        outcome.record(&plan.changes[index], result);
        for (_, others) in &mut waiting {
            others.retain(|other| *other != index);
        }
    }
    outcome.not_begun = waiting.iter().map(|(i, _)| (plan.changes[*i].address, plan.changes[*i].action)).collect();
    outcome
}

fn report<E: Failure>(progress: &dyn Progress, change: &Change, result: &Result<(), E>) {
    progress.event(
        change.address,
        match result {
            Ok(()) => Event::Finished(change.action),
            Err(error) if error.is_interrupted() => Event::Interrupted,
            Err(error) => Event::Failed(error.to_string()),
        },
    );
}

impl<E: Failure> Outcome<E> {
    fn record(&mut self, change: &Change, result: Result<(), E>) {
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

/// An [`Observed`] state with its type forgotten: the value for comparing, the state itself for converging.
struct Seen {
    kind: SeenKind,
    value: Value,
    beside: Beside,
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
            Observed::AbsentBeside(beside) => {
                return Self { kind: SeenKind::Absent, value: Value::Null, beside, state: None };
            }
            Observed::Ours(existing) => (SeenKind::Ours, Some(existing)),
            Observed::Foreign(existing, reason) => (SeenKind::Foreign(reason), Some(existing)),
        };
        match existing {
            None => Self { kind, value: Value::Null, beside: Beside::default(), state: None },
            Some(existing) => Self {
                kind,
                value: value_of(&existing.state),
                beside: existing.beside,
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

/// The fields, each with what it says to a person.
fn explained<R: Resource>(resource: &R, mut fields: Vec<FieldChange>) -> Vec<FieldChange> {
    for field in &mut fields {
        field.meaning = resource.meaning(field);
    }
    fields
}

/// A [`Resource`] with its state's type forgotten.
trait Erased<E, S> {
    fn address(&self) -> Address;
    fn after(&self) -> &'static [Address];
    fn outlives(&self) -> &'static [Address];
    fn observe<'a>(&'a self, shared: &'a S) -> LocalBoxFuture<'a, Result<Seen, E>>;
    fn change(&self, seen: &Seen, purpose: Purpose) -> Change;
    fn creation(&self) -> Vec<FieldChange>;
    fn converge<'a>(
        &'a self,
        seen: &'a Seen,
        action: Action,
        purpose: Purpose,
        shared: &'a S,
    ) -> LocalBoxFuture<'a, Result<(), E>>;
    fn remove<'a>(&'a self, extra: &'a Extra) -> LocalBoxFuture<'a, Result<(), E>>;
    fn destroy(&self, removal: Removal) -> LocalBoxFuture<'_, Result<(), E>>;
}

impl<R: Resource> Erased<R::Error, R::Shared> for R {
    fn address(&self) -> Address {
        R::ADDRESS
    }

    fn after(&self) -> &'static [Address] {
        R::AFTER
    }

    fn outlives(&self) -> &'static [Address] {
        R::OUTLIVES
    }

    fn observe<'a>(&'a self, shared: &'a R::Shared) -> LocalBoxFuture<'a, Result<Seen, R::Error>> {
        Box::pin(async { Resource::observe(self, shared).await.map(Seen::new) })
    }

    fn change(&self, seen: &Seen, purpose: Purpose) -> Change {
        let (action, fields, foreign) = match (&seen.kind, purpose) {
            (SeenKind::Absent, Purpose::Converge { .. }) => {
                // A set that should be empty is not there, and nothing is missing.
                let fields = self.creation();
                (if fields.is_empty() { Action::None } else { Action::Create }, fields, None)
            }
            // What others put where ours would be is only ever taken away by force, and then by this resource.
            (SeenKind::Absent, Purpose::Destroy) if seen.beside.extras.iter().any(|extra| extra.blocks_deletion) => {
                (Action::Delete, Vec::new(), None)
            }
            (SeenKind::Absent, Purpose::Destroy) => (Action::None, Vec::new(), None),
            (SeenKind::Ours, Purpose::Destroy) => (Action::Delete, diff::changes(&seen.value, &Value::Null), None),
            (SeenKind::Foreign(reason), Purpose::Destroy | Purpose::Converge { adopt: false }) => {
                (Action::None, Vec::new(), Some(reason.clone()))
            }
            (kind, Purpose::Converge { .. }) => {
                let fields = explained(self, diff::changes(&seen.value, &value_of(self.desired())));
                let foreign = match kind {
                    SeenKind::Foreign(reason) => Some(reason.clone()),
                    SeenKind::Ours | SeenKind::Absent => None,
                };
                (if fields.is_empty() { Action::None } else { Action::Update }, fields, foreign)
            }
        };
        Change {
            address: R::ADDRESS,
            name: self.name(),
            action,
            fields,
            extras: seen.beside.extras.clone(),
            not_checked: seen.beside.not_checked.clone(),
            foreign,
            replace: action == Action::Update && seen.state::<R>().is_some_and(|state| self.must_be_replaced(state)),
            part_of: R::PART_OF,
        }
    }

    fn creation(&self) -> Vec<FieldChange> {
        explained(self, diff::changes(&Value::Null, &value_of(self.desired())))
    }

    fn converge<'a>(
        &'a self,
        seen: &'a Seen,
        action: Action,
        purpose: Purpose,
        shared: &'a R::Shared,
    ) -> LocalBoxFuture<'a, Result<(), R::Error>> {
        Box::pin(async move {
            // What is part of something replaced was seen, but is gone by now.
            let first = if action == Action::Create { None } else { seen.state::<R>() };
            let mut result = Resource::converge(self, first, shared).await;
            let mut pause = Duration::from_millis(50);
            for _ in 1..STALE_ATTEMPTS {
                match &result {
                    Err(error) if error.is_stale() => {}
                    _ => return result,
                }
                sleep(pause).await;
                pause *= 3;
                let look = R::Shared::default();
                let seen = Erased::observe(self, &look).await?;
                if matches!(seen.kind, SeenKind::Foreign(_)) && purpose == (Purpose::Converge { adopt: false }) {
                    return result;
                }
                if seen.state.is_some() && diff::changes(&seen.value, &value_of(self.desired())).is_empty() {
                    return Ok(());
                }
                result = Resource::converge(self, seen.state::<R>(), shared).await;
            }
            result
        })
    }

    fn remove<'a>(&'a self, extra: &'a Extra) -> LocalBoxFuture<'a, Result<(), R::Error>> {
        Box::pin(Resource::remove(self, extra))
    }

    fn destroy(&self, removal: Removal) -> LocalBoxFuture<'_, Result<(), R::Error>> {
        Box::pin(Resource::destroy(self, removal))
    }
}
