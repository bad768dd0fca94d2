//! The facts that `keyminder-stack` gives, in words.

use keyminder_stack::{Drift, Obstacle};

/// Why the rule does not start the function.
pub(crate) fn obstacle(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NoRule => "the rule does not exist",
        Obstacle::RuleDisabled => "the rule is disabled",
        Obstacle::NoSchedule => "the rule has no valid schedule",
        Obstacle::NoTarget => "the function is not a target of the rule",
        Obstacle::NoFunction => "the function does not exist",
        Obstacle::FunctionBroken => "the function cannot start and has to be recreated",
        Obstacle::FunctionThrottled => "the function's reserved concurrency is 0",
        Obstacle::NotPermitted => "the rule is not allowed to invoke the function",
    }
}

/// In what the installation differs.
pub(crate) fn drift(drift: &Drift) -> String {
    match drift {
        Drift::Obstacle(reason) => obstacle(*reason).to_owned(),
        Drift::OlderVersion => "an older version of keyminder set it up".to_owned(),
        Drift::Schedule(schedule) => format!("the schedule is {schedule}"),
        Drift::Settings => "the function has other settings".to_owned(),
        Drift::Code => "the function is from another version or build".to_owned(),
        Drift::PolicyNotAttached => "the role lacks its policy".to_owned(),
        Drift::Policy => "the policy differs".to_owned(),
        Drift::FailureHandling => "failed runs would not be reported".to_owned(),
        Drift::Missing(address) => format!("{address} is missing"),
        Drift::Other(address) => format!("{address} differs"),
    }
}
