//! What each operation is known to answer for a while and then no more, because a part of AWS does not know of an earlier
//! change yet. The table in `docs/aws-notes.md` has the sources; here are the words.

use super::Service;
use crate::protocol::{AwsError, Input};

/// The operations that have such answers, as `service:Operation`, and how many.
#[must_use]
pub fn passing_answers() -> Vec<(String, usize)> {
    KNOWN
        .iter()
        .map(|(service, operation, answers)| (format!("{}:{operation}", service.name()), answers.len()))
        .collect()
}

type Passing = fn(&Input) -> AwsError;

const KNOWN: &[(Service, &str, &[Passing])] = &[
    (Service::Iam, "AttachRolePolicy", &[not_attachable, modified]),
    (Service::Iam, "DetachRolePolicy", &[modified]),
    (Service::Iam, "DeletePolicy", &[|_| still_attached("Cannot delete a policy attached to entities.")]),
    (Service::Iam, "DeleteRole", &[|_| still_attached("Cannot delete entity, must detach all policies first.")]),
    (Service::Lambda, "CreateFunction", &[cannot_be_assumed, no_grant, in_progress]),
    (Service::Lambda, "UpdateFunctionConfiguration", &[cannot_be_assumed, no_grant, in_progress]),
    (Service::Lambda, "UpdateFunctionCode", &[in_progress]),
    (Service::Lambda, "GetFunctionConfiguration", &[no_function]),
    (Service::Lambda, "PutFunctionEventInvokeConfig", &[unknown_destination, may_not_publish]),
    (Service::Lambda, "AddPermission", &[concurrent_update, no_function]),
    (
        Service::Events,
        "DeleteRule",
        &[|_| AwsError::new("ValidationException", "Rule can't be deleted since it has targets.")],
    ),
    (Service::Logs, "CreateLogGroup", &[aborted]),
    (Service::Logs, "DeleteLogGroup", &[aborted]),
    (Service::Sns, "CreateTopic", &[stale_tag]),
    (Service::Sns, "DeleteTopic", &[tags_in_use]),
    (Service::Sns, "TagResource", &[tags_in_use]),
    (Service::Sns, "UntagResource", &[tags_in_use]),
];

/// One of the answers that pass; `None` if there is no such.
pub(crate) fn answer(service: Service, operation: &str, which: usize, input: &Input) -> Option<AwsError> {
    let (.., answers) = KNOWN.iter().find(|(of, name, _)| *of == service && *name == operation)?;
    answers.get(which).map(|answer| answer(input))
}

fn not_attachable(input: &Input) -> AwsError {
    let policy = input.text_or("PolicyArn", "");
    AwsError::new("NoSuchEntity", format!("Policy {policy} does not exist or is not attachable.")).status(404)
}

fn modified(_: &Input) -> AwsError {
    let message =
        "The request was rejected because multiple requests to change this object were submitted simultaneously.";
    AwsError::new("ConcurrentModification", message).status(409)
}

fn still_attached(message: &str) -> AwsError {
    AwsError::new("DeleteConflict", message).status(409)
}

fn cannot_be_assumed(_: &Input) -> AwsError {
    AwsError::new("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
}

fn no_grant(input: &Input) -> AwsError {
    grant(input.text("Role"))
}

fn in_progress(input: &Input) -> AwsError {
    let name = input.text_or("FunctionName", "");
    AwsError::new(
        "ResourceConflictException",
        format!("The operation cannot be performed at this time. An update is in progress for resource: {name}"),
    )
    .status(409)
}

fn no_function(input: &Input) -> AwsError {
    let name = input.text_or("FunctionName", "");
    AwsError::new("ResourceNotFoundException", format!("Function not found: {name}")).status(404)
}

fn destination(input: &Input) -> &str {
    input.at("DestinationConfig")["OnFailure"]["Destination"].as_str().unwrap_or_default()
}

fn unknown_destination(input: &Input) -> AwsError {
    no_destination(destination(input))
}

fn may_not_publish(input: &Input) -> AwsError {
    let arn = destination(input);
    AwsError::new(
        "InvalidParameterValueException",
        format!("The function's execution role does not have permissions to call Publish on {arn}"),
    )
}

fn concurrent_update(_: &Input) -> AwsError {
    let message = "The function could not be updated due to a concurrent update operation. Please try again later.";
    AwsError::new("ResourceConflictException", message).status(409)
}

fn aborted(_: &Input) -> AwsError {
    let message = "A conflicting operation is currently in progress against this resource. Please try again.";
    AwsError::new("OperationAbortedException", message)
}

fn stale_tag(_: &Input) -> AwsError {
    let message = "A tag has been added to a resource with the same ARN as a deleted resource. Wait a short while and \
                   then retry the operation.";
    AwsError::new("StaleTag", message)
}

fn tags_in_use(_: &Input) -> AwsError {
    let message = "Can't perform multiple operations on a tag simultaneously. Perform the operations sequentially.";
    AwsError::new("ConcurrentAccess", message)
}

/// Lambda encrypts a function's variables under a key that it grants to the role; KMS may not know the role yet.
pub(crate) fn grant(role: Option<&str>) -> AwsError {
    AwsError::new(
        "InvalidParameterValueException",
        format!(
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for \
             CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: ARN does \
             not refer to a valid principal: {}",
            role.unwrap_or_default()
        ),
    )
}

/// A destination that Lambda does not know, or not yet.
pub(crate) fn no_destination(arn: &str) -> AwsError {
    AwsError::new("InvalidParameterValueException", format!("The destination ARN {arn} is invalid."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_notes_list_these_answers_and_no_others() {
        let notes = include_str!("../../../../docs/aws-notes.md");
        let (_, table) = notes.split_once("## Refusals that pass").unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        let mut noted = BTreeSet::new();
        for row in rows {
            let cells: Vec<&str> = row.split('|').collect();
            let code = cells[2].split('`').nth(1).unwrap();
            let operations = cells[1].split('`').skip(1).step_by(2);
            noted.extend(operations.map(|operation| (operation.to_owned(), code.to_owned())));
        }
        let known: BTreeSet<_> = KNOWN
            .iter()
            .flat_map(|(service, operation, answers)| {
                let code = |answer: &Passing| answer(&Input::new(*service, json!({}))).code;
                answers.iter().map(move |answer| (format!("{}:{operation}", service.name()), code(answer)))
            })
            .collect();
        assert_eq!(known, noted);
    }

    #[test]
    fn each_operation_of_the_table_is_offered() {
        for (service, operation, _) in KNOWN {
            assert!(crate::service::operation(*service, operation).is_some(), "{operation}");
        }
    }
}
