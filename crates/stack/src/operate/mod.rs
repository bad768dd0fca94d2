//! What the command asks of an installed notifier beyond converging it: who would be told, whether it runs, and what a
//! deployer needs.

mod alarm;
mod deployer;
mod invocation;
mod log;
mod notified;
mod preflight;
mod probe;

pub use alarm::alarm;
pub use deployer::{auditor_policy, deployer_actions, deployer_policy};
pub use invocation::Invocation;
pub use log::LoggedRun;
pub use notified::{Confirmed, SubscriptionState, SubscriptionStatus};
