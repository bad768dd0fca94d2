//! What an observation says of the installation, as facts that a person can be told: why nothing starts the function,
//! in what it is out of sync, what a plan changes of what a person decided.
//!
//! Computed from the observed states themselves, never from how these are written in plans and documents.

use keyminder_keyage::Settings;
use keyminder_keyage::schedule::Schedule;
use keyminder_reconcile::{Action, Address, FieldPath, Meaning, Plan};

use crate::installation::Installation;
use crate::order::Observation;
use crate::resource::{attachment, function, invoke_settings, permission, policy, role, rule, subscriptions, target};

/// Why the rule does not start the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// There is no rule of ours.
    NoRule,
    /// The rule is disabled.
    RuleDisabled,
    /// What the rule has as its schedule is none.
    NoSchedule,
    /// The function is not a target of the rule.
    NoTarget,
    /// There is no function of ours.
    NoFunction,
    /// The function cannot start, and no update repairs it.
    FunctionBroken,
    /// The function's reserved concurrency is zero.
    FunctionThrottled,
    /// The function's policy does not allow the rule to invoke it.
    NotPermitted,
}

/// One way in which the installation differs from what is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Nothing starts the function.
    Obstacle(Obstacle),
    /// An older version of keyminder set the installation up.
    OlderVersion,
    /// The rule has another schedule: this one.
    Schedule(String),
    /// The function has other settings.
    Settings,
    /// The function has other code: it is of another version or build.
    Code,
    /// The function's role lacks its policy.
    PolicyNotAttached,
    /// The policy allows something else than the function needs.
    Policy,
    /// A failed run is not published, or is repeated.
    FailureHandling,
    /// The resource does not exist.
    Missing(Address),
    /// The resource differs in some other way.
    Other(Address),
}

/// What becomes of something that a person decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<T> {
    /// What is there now, if anything is and could be read.
    pub before: Option<T>,
    /// What is configured.
    pub after: T,
}

/// Somebody who is notified, or will be, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `email`, `sqs` and so on.
    pub protocol: String,
    /// Where to.
    pub endpoint: String,
    /// What a setup does.
    pub action: Action,
}

/// What a person decides about an installation, before and after a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// Who is notified; `None` if the configuration leaves that open.
    pub recipients: Option<Vec<Recipient>>,
    /// The limit in days.
    pub limit: Decision<u32>,
    /// When keys are checked.
    pub schedule: Decision<String>,
}

/// Why a setup would reset settings that somebody may have chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownSettings {
    /// The function was deleted, and its settings with it.
    Deleted,
    /// The installation has other settings than the defaults: those that can be read, each with its resource and its
    /// place in the resource's state.
    Different(Vec<(Address, FieldPath)>),
}

/// Code that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledCode {
    /// Its SHA-256, as Lambda gives it.
    pub code_sha256: String,
    /// What it claims to be compiled from.
    pub claims: Option<String>,
    /// The package could not be read, so the hash is that of the executable and the settings beside it.
    pub is_unread: bool,
}

/// What a setup that follows an observation brings about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// It brings an installation of an older version up to date.
    pub upgrades: bool,
    /// It creates the function.
    pub creates_function: bool,
    /// It uploads code.
    pub uploads_code: bool,
    /// The code that it replaces.
    pub replaced_code: Option<InstalledCode>,
    /// It has the rule use this queue, which it did not before.
    pub new_queue: Option<String>,
}

impl Installation {
    /// The schedule by which the rule starts the function, as both are: not necessarily as they should be.
    ///
    /// # Errors
    /// Why the rule does not start the function.
    pub fn trigger(&self, seen: &Observation) -> Result<Schedule, Obstacle> {
        let rule = seen.ours::<rule::State>().ok_or(Obstacle::NoRule)?;
        if !rule.is_enabled() {
            return Err(Obstacle::RuleDisabled);
        }
        let starts = |target: &target::State| target.is_function(self);
        if !seen.ours::<target::State>().is_some_and(starts) {
            return Err(Obstacle::NoTarget);
        }
        let function = seen.ours::<function::State>().ok_or(Obstacle::NoFunction)?;
        if function::is_broken(self, function) {
            return Err(Obstacle::FunctionBroken);
        }
        if function.is_throttled() {
            return Err(Obstacle::FunctionThrottled);
        }
        let permits = |state: &permission::State| *state == permission::State::desired(self);
        if !seen.ours::<permission::State>().is_some_and(permits) {
            return Err(Obstacle::NotPermitted);
        }
        Schedule::parse(rule.schedule()).map_err(|_| Obstacle::NoSchedule)
    }

    /// In what the installation differs from what is configured; empty if the plan is.
    #[must_use]
    pub fn drift(&self, seen: &Observation, plan: &Plan) -> Vec<Drift> {
        let differs = |address: Address| {
            plan.change(address).is_some_and(|change| change.action != Action::None || change.foreign.is_some())
        };
        let mut drift = Vec::new();
        let mut explained = Vec::new();
        if let Some(role) = seen.ours::<role::State>().filter(|role| role.is_older()) {
            drift.push(Drift::OlderVersion);
            explained.extend(role.lacks_only_its_format(self).then_some(role::ADDRESS));
        }
        let mut explain = |address: Address, reason: Drift| {
            explained.push(address);
            if !drift.contains(&reason) {
                drift.push(reason);
            }
        };
        if let Some(rule) = seen.ours::<rule::State>().filter(|rule| rule.schedule() != self.spec.schedule) {
            explain(rule::ADDRESS, Drift::Schedule(rule.schedule().to_owned()));
        }
        if let Some(function) = seen.ours::<function::State>() {
            let desired = function::State::wanted(self);
            if !function.has_settings_of(&desired) {
                explain(function::ADDRESS, Drift::Settings);
            }
            if !function.has_code_of(&desired) {
                explain(function::ADDRESS, Drift::Code);
            }
        }
        if let Err(obstacle) = self.trigger(seen) {
            let addresses: &[Address] = match obstacle {
                // Without a rule there is no target either, and without a function nothing that is part of it.
                Obstacle::NoRule => &[rule::ADDRESS, target::ADDRESS],
                Obstacle::RuleDisabled | Obstacle::NoSchedule => &[rule::ADDRESS],
                Obstacle::NoTarget => &[target::ADDRESS],
                Obstacle::NoFunction | Obstacle::FunctionBroken => {
                    &[function::ADDRESS, permission::ADDRESS, invoke_settings::ADDRESS]
                }
                Obstacle::FunctionThrottled => &[function::ADDRESS],
                Obstacle::NotPermitted => &[permission::ADDRESS],
            };
            addresses.iter().for_each(|address| explain(*address, Drift::Obstacle(obstacle)));
        }
        // One obstacle hides the next.
        if differs(permission::ADDRESS) && seen.ours::<function::State>().is_some() {
            explain(permission::ADDRESS, Drift::Obstacle(Obstacle::NotPermitted));
        }
        if differs(target::ADDRESS) && seen.ours::<rule::State>().is_some() {
            explain(target::ADDRESS, Drift::Obstacle(Obstacle::NoTarget));
        }
        if differs(attachment::ADDRESS) {
            explain(attachment::ADDRESS, Drift::PolicyNotAttached);
        }
        if differs(policy::ADDRESS) && seen.ours::<policy::State>().is_some() {
            explain(policy::ADDRESS, Drift::Policy);
        }
        if differs(invoke_settings::ADDRESS) && seen.ours::<function::State>().is_some() {
            explain(invoke_settings::ADDRESS, Drift::FailureHandling);
        }
        let rest = plan.changes.iter().filter(|change| differs(change.address) && !explained.contains(&change.address));
        let rest: Vec<_> = rest
            .map(|change| match change.action {
                Action::Create => Drift::Missing(change.address),
                _ => Drift::Other(change.address),
            })
            .collect();
        drift.extend(rest);
        drift
    }

    /// What a person decides, before and after a setup that follows this observation.
    #[must_use]
    pub fn decisions(&self, seen: &Observation) -> Decisions {
        let live = |function: &function::State| {
            let variables = function.environment();
            let settings = Settings::from_environment(|name| variables.get(name).cloned(), None);
            settings.ok().map(|(settings, _)| settings.max_age_days)
        };
        Decisions {
            recipients: subscriptions::recipients(self, seen.ours::<subscriptions::State>()),
            limit: Decision {
                before: seen.ours::<function::State>().and_then(live),
                after: self.spec.check.max_age_days,
            },
            schedule: Decision {
                before: seen.ours::<rule::State>().map(|rule| rule.schedule().to_owned()),
                after: self.spec.schedule.clone(),
            },
        }
    }

    /// What a setup would reset that somebody may have chosen elsewhere, if the spec has nothing but defaults. The record
    /// of the settings that keyminder last wrote tells: if it has the defaults, every difference is drift. Without a
    /// record (an older version made the function, or somebody removed the tag) any setting that differs may have been
    /// chosen.
    #[must_use]
    pub fn unknown_settings(&self, seen: &Observation, plan: &Plan) -> Option<UnknownSettings> {
        let Some(function) = seen.ours::<function::State>() else {
            // A rule that still has the function as its target outlived a function that was set up completely.
            let was_there = seen.ours::<target::State>().is_some_and(|target| target.is_function(self));
            let is_created = plan.change(function::ADDRESS).is_some_and(|function| function.action == Action::Create);
            return (was_there && is_created).then_some(UnknownSettings::Deleted);
        };
        let record = function.recorded_settings();
        if record.is_some_and(|record| record == self.spec.digest()) {
            return None;
        }
        let updates = plan.changes.iter().filter(|change| change.action == Action::Update && change.foreign.is_none());
        let fields = updates.flat_map(|change| {
            let decided = change.fields.iter().filter(|field| field.meaning == Meaning::Decided);
            decided.map(|field| (change.address, field.path.clone()))
        });
        let fields: Vec<_> = fields.collect();
        (record.is_some() || !fields.is_empty()).then_some(UnknownSettings::Different(fields))
    }

    /// What a setup that follows this observation brings about.
    #[must_use]
    pub fn effects(&self, seen: &Observation, plan: &Plan) -> Effects {
        let created = |address: Address| plan.change(address).is_some_and(|change| change.action == Action::Create);
        let function = seen.ours::<function::State>();
        let has_code = function.is_some_and(|function| {
            function.has_code_of(&function::State::wanted(self)) && !function::is_broken(self, function)
        });
        let queue = self.spec.rule.dead_letter_queue.as_deref();
        let present = seen.ours::<target::State>().and_then(target::State::queue);
        Effects {
            upgrades: seen.ours::<role::State>().is_some_and(role::State::is_older),
            creates_function: created(function::ADDRESS),
            uploads_code: !has_code,
            replaced_code: function.and_then(|function| function.other_code_than(&function::State::wanted(self))),
            new_queue: queue.filter(|queue| present != Some(*queue)).map(str::to_owned),
        }
    }
}
