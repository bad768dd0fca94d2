//! What the command asks of an installed notifier beyond converging it: who would be told, whether it runs, and what a
//! deployer needs.

mod deployer;
mod invocation;
mod log;
mod notified;
mod preflight;

pub use deployer::{OPERATIONS, deployer_policy};
pub use invocation::Invocation;
pub use log::LogEvent;
pub use notified::{SubscriptionState, SubscriptionStatus};
