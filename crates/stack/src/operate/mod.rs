//! What the command asks of an installed notifier beyond converging it: who is notified, whether it runs, and what a
//! deployer needs.

mod alarm;
mod deployer;
mod email;
mod facts;
mod invocation;
mod log;
mod preflight;
mod probe;
mod subscription_status;

pub use alarm::alarm;
pub use deployer::{auditor_policy, deployer_actions, deployer_policy};
pub use email::EmailObstacle;
pub use facts::{Decision, Decisions, Drift, Effects, InstalledCode, Obstacle, Recipient, UnknownSettings};
pub use invocation::Invocation;
pub use log::LoggedRun;
pub use subscription_status::{Confirmed, SubscriptionState, SubscriptionStatus};
