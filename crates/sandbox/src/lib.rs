//! An emulated AWS on loopback: the few services keyminder and its Lambda use, served over HTTP to any AWS client.
//!
//! It owns a small [`world::World`] of accounts' state and a [`Clock`], answers the SDKs' own wire protocols, really
//! runs the uploaded `bootstrap`, and can be made to fail in every way AWS fails. It knows nothing of keyminder:
//! whoever wants to see a notifier in it points an AWS client at [`Sandbox::url`].
//!
//! ```no_run
//! # async fn example() -> Result<(), keyminder_sandbox::Error> {
//! use keyminder_sandbox::{Fault, FaultKind, Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::instant()).await?;
//! sandbox.inject(Fault::new("iam:CreateRole", FaultKind::Throttle).once());
//! for (name, value) in sandbox.variables() {
//!     // export name=value, then run any AWS client
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do it says: an operation it does not know answers 501 and names itself.

mod auth;
mod calls;
mod clock;
mod document;
mod execution;
mod fault;
mod gate;
mod guard;
mod names;
mod options;
mod pace;
mod permission;
mod policy;
mod protocol;
mod sandbox;
mod schedule;
mod scheduler;
mod seed;
mod server;
mod service;
mod shared;
mod signature;
mod snapshot;
mod turnstile;
mod wire;
pub mod world;

pub use auth::Credentials;
pub use calls::{Call, Caller, Outcome};
pub use clock::Clock;
pub use fault::{Fault, FaultKind};
pub use gate::{Gate, Moment};
pub use options::Options;
pub use sandbox::{Error, Sandbox};
pub use seed::{OrganizationSeed, Seed};
pub use service::passing::passing_answers;
pub use turnstile::Turnstile;
pub use world::{Delivery, Email, Mail, MailKind, World};
