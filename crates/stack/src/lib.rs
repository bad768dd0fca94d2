//! The AWS resources of the notifier for old access keys, the one list that orders them, and what else the command
//! asks of AWS.
//!
//! SDK types stop here: what goes out is names, states, plans and [`Error`]s. This crate must not print, prompt or
//! read configuration files.

mod access;
mod actions;
mod connection;
mod document;
mod error;
pub mod extras;
mod installation;
mod names;
mod opening;
mod operate;
mod order;
mod ownership;
mod resource;
mod spec;
mod subscription;

pub use connection::{Clients, Connection, Credentials, Identity, Unproven};
pub use error::{Cause, Error, Kind};
pub use installation::Installation;
pub use names::{ChosenNames, DEFAULT_INSTALL, IamNames, Names};
pub use opening::Roles;
pub use operate::{
    Confirmed, Decision, Decisions, Drift, Effects, EmailObstacle, InstalledCode, Invocation, LoggedRun, Obstacle,
    Recipient, SubscriptionState, SubscriptionStatus, UnknownSettings, alarm, auditor_policy, deployer_actions,
    deployer_policy,
};
pub use order::{Observation, Stack};
pub use ownership::Tags;
pub use resource::Shared;
pub use spec::{Allow, Function, Iam, Layout, Notify, Package, Problem, Rule, Spec, Topic};
pub use subscription::{Protocol, Subscription};
