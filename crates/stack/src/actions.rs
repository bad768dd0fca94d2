//! What a call is allowed on. Each file that calls AWS lists its actions beside the code that calls them; the
//! deployer's policy is gathered from these lists (`operate/deployer.rs`).

/// The IAM actions of some calls, by what they act on.
pub(crate) type Actions = &'static [(On, &'static [&'static str])];

/// What a statement's resources are: as little as IAM lets one say (Service Authorization Reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    /// Some actions cannot be allowed on less.
    Anything,
    Topic,
    Policy,
    Role,
    /// Giving the role to Lambda.
    Passing,
    /// Attaching our policy to our role.
    Attaching,
    /// Detaching our policy, wherever others attached it.
    Detaching,
    Function,
    LogGroup,
    Rule,
    /// The identities that can send emails.
    Identities,
}
