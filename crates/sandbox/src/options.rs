//! What a sandbox is started with. Owns the defaults; knows nothing of how they are applied.

use std::ffi::OsString;
use std::time::Duration;

use crate::{Clock, Credentials};

/// How a sandbox behaves: whose account it is, and how slow AWS is in it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's twelve digits.
    pub account: String,
    /// The partition in every ARN: `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The region that [`Sandbox::variables`](crate::Sandbox::variables) exports. Requests may name any other.
    pub region: String,
    /// The credentials that it accepts; random ones if there are none here.
    pub credentials: Option<Credentials>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The sandbox's time.
    pub clock: Clock,
    /// How long after its creation a role cannot yet be assumed by Lambda.
    pub role_delay: Duration,
    /// How long after its creation KMS does not know a role, and Lambda cannot encrypt variables for it. Counted as
    /// `role_delay` is, so it shows where it is the longer one.
    pub grant_delay: Duration,
    /// How long after its creation Lambda takes no topic for a destination.
    pub destination_delay: Duration,
    /// How long subscriptions outlive their topic.
    pub orphan_delay: Duration,
    /// How long after its creation a managed policy can be neither read nor attached.
    pub policy_visible_delay: Duration,
    /// How long a new function is `Pending`.
    pub function_pending: Duration,
    /// How long an update of a function is `InProgress`.
    pub function_updating: Duration,
    /// How long after its creation an object is missing from reads and lists.
    pub list_lag: Duration,
    /// How long a connection may stay open without a request, in real time.
    pub idle_timeout: Duration,
    /// How many users, and how many access keys, a page holds unless `MaxItems` asks for fewer.
    pub users_page: usize,
    /// A program that runs a function's `bootstrap`, such as an emulator of another processor: its path and its first
    /// arguments. The path of `bootstrap` follows them. If it is empty, `bootstrap` is started itself.
    pub run_with: Vec<OsString>,
}

impl Options {
    /// AWS as it usually is: a role is assumable after eight seconds, a function `Pending` for two, updating for one.
    #[must_use]
    pub fn realistic() -> Self {
        Self {
            role_delay: Duration::from_secs(8),
            grant_delay: Duration::from_secs(10),
            destination_delay: Duration::from_secs(12),
            function_pending: Duration::from_secs(2),
            function_updating: Duration::from_secs(1),
            ..Self::instant()
        }
    }

    /// No delay anywhere: what was written is effective at once.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            account: "123456789012".into(),
            partition: "aws".into(),
            region: "us-east-1".into(),
            credentials: None,
            port: 0,
            clock: Clock::real(),
            role_delay: Duration::ZERO,
            grant_delay: Duration::ZERO,
            destination_delay: Duration::ZERO,
            orphan_delay: Duration::ZERO,
            policy_visible_delay: Duration::ZERO,
            function_pending: Duration::ZERO,
            function_updating: Duration::ZERO,
            list_lag: Duration::ZERO,
            idle_timeout: Duration::from_secs(60),
            users_page: 100,
            run_with: Vec::new(),
        }
    }

    /// The same on another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::realistic()
    }
}
