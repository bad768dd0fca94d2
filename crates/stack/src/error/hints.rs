//! What to do about an error.

use super::Kind;

/// What a person can do, as far as kind, operation and words tell.
pub(super) fn hints(kind: Kind, operation: &str, code: &str, message: &str) -> Vec<String> {
    let hint: &[&str] = match kind {
        _ if code.starts_with("KMS") && operation == "lambda:Invoke" => &[
            "the function cannot read its own settings; 'keyminder plan' shows whether its role was made again, and 'keyminder setup' puts that right",
        ],
        Kind::AccessDenied if message.contains("cannot be assumed by Lambda") => &[
            "it is the function's role that lacks something, not the caller: 'keyminder setup' puts it right, and a new role is known everywhere after a minute or two",
        ],
        Kind::AccessDenied => {
            let action = denied_action(message).unwrap_or_else(|| action_of(operation).to_owned());
            return vec![
                format!("the caller needs the permission {action}"),
                "'keyminder export policy' prints the least IAM policy that a deployer needs".to_owned(),
            ];
        }
        Kind::Credentials => &[
            "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            "an expired session is renewed with 'aws sso login' or 'aws login'",
            "a region that is not switched on for the account answers like this too: check --region",
        ],
        Kind::ClockSkew => {
            &["AWS refuses requests whose time is off by more than five minutes: set this machine's clock"]
        }
        Kind::Throttled => &["AWS limits the rate of calls in this account: run the same command again in a minute"],
        Kind::Quota => &["raise the quota in the Service Quotas console, or remove what is no longer needed"],
        Kind::Unreachable => &["check the network, the region and, if one is set, --endpoint-url or AWS_ENDPOINT_URL"],
        Kind::NotFound | Kind::AlreadyExists | Kind::Conflict => {
            &["somebody else may be changing the same objects: run the same command again"]
        }
        Kind::Service => &["AWS failed: run the same command again; it goes on from where it stopped"],
        _ => &[],
    };
    hint.iter().map(|&hint| hint.to_owned()).collect()
}

/// "… is not authorized to perform: sns:CreateTopic on resource: …" names the action better than the operation does.
fn denied_action(message: &str) -> Option<String> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    let action = rest.split_whitespace().next()?;
    action.contains(':').then(|| action.trim_end_matches('.').to_owned())
}

/// The IAM action of an operation, where the two differ in name.
fn action_of(operation: &str) -> &str {
    match operation {
        "lambda:Invoke" => "lambda:InvokeFunction",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_action_that_aws_names() {
        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:PassRole on resource: r";
        assert!(
            hints(Kind::AccessDenied, "lambda:CreateFunction", "AccessDenied", message)[0].ends_with("iam:PassRole")
        );
    }
}
