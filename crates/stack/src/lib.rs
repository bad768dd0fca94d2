//! The AWS resources of the notifier for old access keys, the one list that orders them, and what else the command
//! asks of AWS.
//!
//! SDK types stop here: what goes out is names, states, plans and [`Error`]s. This crate must not print, prompt or
//! read configuration files.

mod connection;
mod document;
mod error;
pub mod extras;
mod installation;
mod marks;
mod names;
mod operate;
mod resource;
mod spec;
mod stages;
mod subscription;

pub use connection::{Clients, Connection, Credentials, Identity};
pub use error::{Cause, Error, Kind};
pub use installation::Installation;
pub use marks::Tags;
pub use names::{ChosenNames, DEFAULT_INSTALL, IamNames, Names};
pub use operate::{
    Confirmed, Invocation, LoggedRun, OPERATIONS, SubscriptionState, SubscriptionStatus, alarm, auditor_policy,
    deployer_policy,
};
pub use spec::{Architecture, DEFAULT_SCHEDULE, Function, Iam, Notify, Package, Problem, Rule, Spec, Topic};
pub use subscription::{Protocol, Subscription};
