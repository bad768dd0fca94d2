//! The reconciler on resources in memory: a small world of named values that tests can break.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use keyminder_reconcile::{
    Action, Address, CancellationToken, Event, Existing, Extra, ExtraKind, Failure, Observed, Outcome, Plan, Progress,
    Purpose, Removal, Resource, Silent, Stack,
};

const CONVERGE: Purpose = Purpose::Converge { adopt: false };
const ADOPT: Purpose = Purpose::Converge { adopt: true };

#[derive(Debug, Clone, PartialEq)]
enum Trouble {
    Stale,
    Broken,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Trouble {}

impl Failure for Trouble {
    fn is_stale(&self) -> bool {
        *self == Self::Stale
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct World {
    values: RefCell<BTreeMap<&'static str, i32>>,
    foreign: RefCell<Vec<&'static str>>,
    /// Errors that the next converging of a resource meets, the first one first; `true` where the change happens all
    /// the same.
    errors: RefCell<BTreeMap<&'static str, Vec<(Trouble, bool)>>>,
    extras: RefCell<BTreeMap<&'static str, Extra>>,
    /// Reads of a resource answer "not there" this many more times.
    lag: Cell<u32>,
    log: RefCell<Vec<String>>,
    at_once: Cell<i32>,
    most_at_once: Cell<i32>,
}

const RULE: Address = Address("rule");
const TOPIC: Address = Address("topic");
const TARGET: Address = Address("target");
const ALL: [Address; 3] = [RULE, TOPIC, TARGET];

/// The rule, the topic, and the rule's target, which comes after both.
struct Thing<const N: usize> {
    world: Rc<World>,
    address: &'static str,
    wanted: i32,
}

impl<const N: usize> Resource for Thing<N> {
    const ADDRESS: Address = ALL[N];
    const PART_OF: Option<Address> = if N == 2 { Some(RULE) } else { None };
    const AFTER: &'static [Address] = if N == 2 { &[RULE, TOPIC] } else { &[] };

    type State = i32;
    type Error = Trouble;
    type Shared = ();

    fn name(&self) -> String {
        format!("the {}", self.address)
    }

    fn desired(&self) -> &i32 {
        &self.wanted
    }

    async fn observe(&self, (): &()) -> Result<Observed<i32>, Trouble> {
        if self.world.lag.get() > 0 {
            self.world.lag.set(self.world.lag.get() - 1);
            return Ok(Observed::Absent);
        }
        let extras: Vec<_> = self.world.extras.borrow().get(self.address).cloned().into_iter().collect();
        let Some(state) = self.world.values.borrow().get(self.address).copied() else {
            return Ok(if extras.is_empty() { Observed::Absent } else { Observed::AbsentBeside(extras.into()) });
        };
        let existing = Existing { state, beside: extras.into() };
        Ok(match self.world.foreign.borrow().contains(&self.address) {
            true => Observed::Foreign(existing, "somebody else made it".into()),
            false => Observed::Ours(existing),
        })
    }

    async fn converge(&self, observed: Option<&i32>, (): &()) -> Result<(), Trouble> {
        let world = &self.world;
        world.log.borrow_mut().push(format!("{} {observed:?} -> {}", self.address, self.wanted));
        world.at_once.set(world.at_once.get() + 1);
        world.most_at_once.set(world.most_at_once.get().max(world.at_once.get()));
        tokio::time::sleep(Duration::from_millis(10)).await;
        world.at_once.set(world.at_once.get() - 1);
        let error =
            world.errors.borrow_mut().get_mut(self.address).filter(|all| !all.is_empty()).map(|all| all.remove(0));
        if error.as_ref().is_none_or(|(_, happens)| *happens) {
            world.values.borrow_mut().insert(self.address, self.wanted);
        }
        error.map_or(Ok(()), |(error, _)| Err(error))
    }

    async fn destroy(&self, _: Removal) -> Result<(), Trouble> {
        self.world.log.borrow_mut().push(format!("destroy {}", self.address));
        self.world.values.borrow_mut().remove(self.address);
        Ok(())
    }
}

fn stack(world: &Rc<World>) -> Stack<'static, Trouble> {
    fn thing<const N: usize>(world: &Rc<World>, wanted: i32) -> Thing<N> {
        Thing { world: world.clone(), address: ALL[N].0, wanted }
    }
    Stack::new().with(thing::<0>(world, 1)).with(thing::<1>(world, 2)).with(thing::<2>(world, 3))
}

fn actions(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|c| format!("{} {:?}", c.address, c.action)).collect()
}

async fn plan(world: &Rc<World>, purpose: Purpose) -> Plan {
    let stack = stack(world);
    let seen = stack.observe().await.unwrap();
    stack.plan(&seen, purpose)
}

async fn converge(world: &Rc<World>, purpose: Purpose) -> Outcome<Trouble> {
    let stack = stack(world);
    let seen = stack.observe().await.unwrap();
    let plan = stack.plan(&seen, purpose);
    stack.apply(&seen, &plan, &Silent, &CancellationToken::new()).await
}

async fn complete() -> Rc<World> {
    let world = Rc::new(World::default());
    assert!(converge(&world, CONVERGE).await.is_complete());
    world.log.borrow_mut().clear();
    world
}

#[tokio::test(start_paused = true)]
async fn an_empty_world_is_filled_and_then_there_is_nothing_to_do() {
    let world = Rc::new(World::default());
    assert_eq!(actions(&plan(&world, CONVERGE).await), ["rule Create", "topic Create", "target Create"]);
    assert!(converge(&world, CONVERGE).await.is_complete());
    assert!(plan(&world, CONVERGE).await.is_empty());
    world.log.borrow_mut().clear();
    assert!(converge(&world, CONVERGE).await.is_complete());
    assert!(world.log.borrow().is_empty(), "nothing differs, so nothing is converged");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_depend_on_each_other_goes_at_once_and_the_rest_one_after_the_other() {
    let world = Rc::new(World::default());
    converge(&world, CONVERGE).await;
    assert_eq!(world.most_at_once.get(), 2);
    assert!(world.log.borrow()[2].starts_with("target"));
}

#[tokio::test(start_paused = true)]
async fn only_what_drifted_is_converged() {
    let world = complete().await;
    world.values.borrow_mut().insert("topic", 9);
    let plan = plan(&world, CONVERGE).await;
    assert_eq!(actions(&plan), ["rule None", "topic Update", "target None"]);
    converge(&world, CONVERGE).await;
    assert_eq!(*world.log.borrow(), ["topic Some(9) -> 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_refuses_the_whole_plan_and_nothing_is_touched() {
    let world = Rc::new(World::default());
    world.values.borrow_mut().insert("rule", 7);
    world.foreign.borrow_mut().push("rule");
    let refused = plan(&world, CONVERGE).await.refused();
    assert_eq!(refused.len(), 1, "the target is part of the rule and not named a second time: {refused:?}");
    assert_eq!(refused[0].address, Address("rule"));
    let outcome = converge(&world, CONVERGE).await;
    assert!(!outcome.is_complete());
    assert!(world.log.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn adopting_takes_a_foreign_object_over_from_the_state_it_is_in() {
    let world = Rc::new(World::default());
    world.values.borrow_mut().insert("rule", 7);
    world.foreign.borrow_mut().push("rule");
    assert!(converge(&world, ADOPT).await.is_complete());
    assert_eq!(world.log.borrow()[0], "rule Some(7) -> 1");
}

#[tokio::test(start_paused = true)]
async fn a_teardown_leaves_foreign_objects_and_what_is_part_of_them() {
    let world = complete().await;
    world.foreign.borrow_mut().push("rule");
    let stack = stack(&world);
    let plan = plan(&world, Purpose::Destroy).await;
    assert_eq!(actions(&plan), ["rule None", "topic Delete", "target None"]);
    stack.destroy(&plan, Removal::default(), &Silent, &CancellationToken::new()).await;
    assert_eq!(*world.log.borrow(), ["destroy topic"]);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_goes_backwards_and_leaves_nothing() {
    let world = complete().await;
    let plan = plan(&world, Purpose::Destroy).await;
    stack(&world).destroy(&plan, Removal::default(), &Silent, &CancellationToken::new()).await;
    assert_eq!(world.log.borrow()[0], "destroy target");
    assert!(world.values.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_lets_finish_what_is_under_way_and_begins_nothing_further() {
    let world = Rc::new(World::default());
    world.errors.borrow_mut().insert("rule", vec![(Trouble::Broken, false)]);
    let outcome = converge(&world, CONVERGE).await;
    assert_eq!(outcome.failed.len(), 1);
    assert_eq!(outcome.failed[0].error, Trouble::Broken);
    assert_eq!(outcome.done, [(Address("topic"), Action::Create)]);
    assert_eq!(outcome.not_begun, [(Address("target"), Action::Create)]);
    assert!(converge(&world, CONVERGE).await.is_complete(), "the next run goes on from there");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out_by_looking_again() {
    let world = Rc::new(World::default());
    world.errors.borrow_mut().insert("rule", vec![(Trouble::Stale, true)]);
    assert!(converge(&world, CONVERGE).await.is_complete());
    let rules = world.log.borrow().iter().filter(|line| line.starts_with("rule")).count();
    assert_eq!(rules, 1, "it was there when looked at again");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changed_in_the_meantime_is_converged_from_its_new_state() {
    let world = Rc::new(World::default());
    world.errors.borrow_mut().insert("rule", vec![(Trouble::Stale, false), (Trouble::Stale, false)]);
    world.values.borrow_mut().insert("rule", 5);
    assert!(converge(&world, CONVERGE).await.is_complete());
    assert_eq!(world.values.borrow()["rule"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_stays_stale_fails_with_its_last_error() {
    let world = Rc::new(World::default());
    world.errors.borrow_mut().insert("rule", vec![(Trouble::Stale, false); 50]);
    assert_eq!(converge(&world, CONVERGE).await.failed[0].error, Trouble::Stale);
}

#[tokio::test(start_paused = true)]
async fn verifying_waits_for_reads_that_lag_behind() {
    let world = complete().await;
    world.lag.set(7);
    let verified = stack(&world).verify(CONVERGE, Duration::from_secs(30), &CancellationToken::new()).await.unwrap();
    assert!(verified.1.is_empty());
    world.lag.set(u32::MAX);
    let verified = stack(&world).verify(CONVERGE, Duration::from_secs(30), &CancellationToken::new()).await.unwrap();
    assert!(!verified.1.is_empty(), "but not for ever");
}

#[tokio::test(start_paused = true)]
async fn what_others_put_in_the_way_is_named_and_is_taken_away_only_by_a_teardown() {
    let world = complete().await;
    world.values.borrow_mut().remove("target");
    world
        .extras
        .borrow_mut()
        .insert("target", Extra::new(ExtraKind { code: "target", words: "target" }, "2").blocks_deletion());
    let converging = plan(&world, CONVERGE).await;
    assert_eq!(converging.change(Address("target")).unwrap().action, Action::Create);
    let destroying = plan(&world, Purpose::Destroy).await;
    assert_eq!(destroying.blockers().len(), 1);
    assert_eq!(destroying.change(Address("target")).unwrap().action, Action::Delete);
}

struct StopAfterFirst(CancellationToken);

impl Progress for StopAfterFirst {
    fn event(&self, _: Address, event: Event) {
        if matches!(event, Event::Finished(_)) {
            self.0.cancel();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_lets_calls_in_flight_finish_and_begins_nothing_more() {
    let world = Rc::new(World::default());
    let stack = stack(&world);
    let seen = stack.observe().await.unwrap();
    let plan = stack.plan(&seen, CONVERGE);
    let token = CancellationToken::new();
    let outcome = stack.apply(&seen, &plan, &StopAfterFirst(token.clone()), &token).await;
    assert!(outcome.interrupted);
    assert_eq!(outcome.done.len(), 2, "both that were under way");
    assert_eq!(outcome.not_begun, [(Address("target"), Action::Create)]);
}
