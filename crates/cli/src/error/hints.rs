//! What to do about an error of the account: the commands and flags that help.
//!
//! Owns the advice. What happened, and why, comes from `keyminder-stack` as [`Kind`] and [`Cause`].

use keyminder_stack::{Cause, EmailObstacle, Error, Kind};

/// What a person can do about it: what its cause asks for, or else what its kind does.
pub(super) fn hints(error: &Error) -> Vec<String> {
    let hints = of_cause(&error.cause);
    if hints.is_empty() { of_kind(error.kind) } else { hints }
}

fn of_cause(cause: &Cause) -> Vec<String> {
    let hints: &[&str] = match cause {
        Cause::Unspecified => &[],
        Cause::NotInstalled => {
            &["keyminder is not installed here: run keyminder setup, or choose the right --region and --name"]
        }
        Cause::NotOurs => &[
            "if it was set up by hand with the original procedure, adopt it: keyminder setup --adopt",
            "otherwise choose a different installation name: --name another",
        ],
        Cause::Denied(action) => {
            return vec![
                format!("you need the permission {action}"),
                "to see all permissions that you need, run: keyminder export policy".to_owned(),
            ];
        }
        Cause::RoleNotReady => &[
            "the function's role lacks a permission (not you); if the role is new, run the same command again in a \
             minute or two",
            "otherwise run keyminder setup to fix the role",
        ],
        Cause::SettingsUnreadable => {
            &["the function cannot decrypt its own settings, probably because its role was deleted and recreated; run \
             keyminder plan to check, and keyminder setup to fix it"]
        }
        Cause::WaitedTooLong => &["run the same command again; it continues where it stopped"],
        Cause::NoRegion => {
            &["use --region eu-west-1, set AWS_REGION, or set region in keyminder.toml or ~/.aws/config"]
        }
        Cause::BadRegion => &["a region looks like eu-west-1 or us-gov-east-1"],
        Cause::Surroundings(hints) => return hints.clone(),
        Cause::DeniedAbove(policy) => {
            return vec![format!(
                "{policy} denies this, so further permissions do not help; ask the people who manage that policy"
            )];
        }
        Cause::CannotEmail(obstacle) => match &**obstacle {
            EmailObstacle::DefaultConfigurationSet { set, .. } => {
                return vec![format!("allow it: set configuration_set = \"{set}\" in [owners]")];
            }
            _ => &[
                "verify the address or its domain in SES, in the region of the installation, then run the same command again",
                "to install without emails to owners for now, remove [owners] from keyminder.toml",
            ],
        },
        Cause::NoBoundary => &["check iam.permissions_boundary, and that the policy exists in this account"],
        Cause::EnvironmentTooLarge => &["shorten function.environment"],
        Cause::FixedPath(path) => {
            return vec![format!("keep iam.path = \"{path}\", or run keyminder teardown with that path first")];
        }
        Cause::NewerVersion => {
            &["update keyminder to that version or a later one, then run the same command again; nothing was changed"]
        }
        Cause::PolicyAttached => &["to detach it first, run: keyminder teardown --force"],
        Cause::PolicyIsBoundary => &[
            "give them another permissions boundary first; teardown does not remove permissions boundaries, even with \
             --force",
        ],
        Cause::RuleDiffers => &["to see the differences, run keyminder plan; to fix them, run keyminder setup"],
        Cause::ConfirmedByLink => &[
            "the subscription works; you can leave it as it is",
            "to protect it, cancel it with the link in a notice, run keyminder setup, and pass the new link to \
             keyminder confirm",
        ],
        Cause::TokenRefused => {
            &["a link is valid for two days; to have a new email sent, run: keyminder confirm --resend"]
        }
        Cause::BadLink => {
            &["copy the link behind 'Confirm subscription' in the email, and put it in quotes because it contains '&'"]
        }
        Cause::LinkOfAnotherTopic => {
            &["to confirm a subscription of another installation, use --name, --region or --profile"]
        }
        Cause::AlarmOnOwnTopic => {
            &["use a topic that alerts someone, and whose policy allows cloudwatch.amazonaws.com to publish"]
        }
        Cause::AlarmTooRare => {
            &["run keyminder status --exit-code from a scheduled job instead, or run the check at least every six days"]
        }
    };
    hints.iter().map(|&hint| hint.to_owned()).collect()
}

fn of_kind(kind: Kind) -> Vec<String> {
    let hints: &[&str] = match kind {
        Kind::AccessDenied => &["to see all permissions that you need, run: keyminder export policy"],
        Kind::Credentials => &[
            "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "to renew an expired session, run: aws sso login",
            "this also happens if the region is not enabled for your account; check --region",
        ],
        Kind::ClockSkew => {
            &["AWS rejects requests if the clock is off by more than five minutes; set this machine's clock"]
        }
        Kind::Throttled => &["AWS limits the rate of requests in this account; run the same command again in a minute"],
        Kind::Quota => &["request a higher quota in the Service Quotas console, or delete what is no longer needed"],
        Kind::Unreachable => {
            &["check the network, the region and, if set, --endpoint-url, AWS_ENDPOINT_URL and HTTPS_PROXY"]
        }
        Kind::NotFound | Kind::AlreadyExists | Kind::Conflict => {
            &["someone else may be changing the same resources; run the same command again"]
        }
        Kind::InUse => &["detach or remove what uses it, then run the same command again"],
        Kind::Service => &["this is a problem at AWS; run the same command again, it continues where it stopped"],
        Kind::TimedOut => &["run the same command again; it continues where it stopped"],
        Kind::Invalid | Kind::Interrupted | Kind::Usage => &[],
    };
    hints.iter().map(|&hint| hint.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: Kind, cause: Cause) -> Error {
        Error { kind, ..Error::usage("Usage", "message") }.because(cause)
    }

    #[test]
    fn a_denial_names_the_permission_and_the_command_that_lists_them_all() {
        let told = hints(&error(Kind::AccessDenied, Cause::Denied("iam:PassRole".to_owned())));
        assert!(told[0].ends_with("iam:PassRole") && told[1].ends_with("keyminder export policy"), "{told:?}");
    }

    #[test]
    fn expired_credentials_and_a_clock_that_is_off_are_explained() {
        for (kind, word) in [(Kind::Credentials, "expired session"), (Kind::ClockSkew, "clock")] {
            let told = hints(&error(kind, Cause::Unspecified));
            assert!(told.iter().any(|hint| hint.contains(word)), "{told:?}");
        }
    }

    #[test]
    fn nothing_but_a_request_that_aws_refuses_as_it_stands_is_left_without_advice() {
        for kind in [
            Kind::NotFound,
            Kind::AlreadyExists,
            Kind::Conflict,
            Kind::InUse,
            Kind::AccessDenied,
            Kind::Credentials,
            Kind::ClockSkew,
            Kind::Throttled,
            Kind::Quota,
            Kind::Unreachable,
            Kind::Service,
            Kind::TimedOut,
        ] {
            assert!(!hints(&error(kind, Cause::Unspecified)).is_empty(), "{kind:?}");
        }
    }
}
