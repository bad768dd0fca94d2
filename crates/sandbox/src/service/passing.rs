//! What each operation is known to answer for a while and then no more, because another part of AWS does not know yet what
//! was just done. The table in `docs/aws-notes.md` has the sources; here are the words.

use super::Service;
use crate::protocol::{AwsError, Input};

/// The operations of which such an answer is known, as `service:Operation`.
#[must_use]
pub fn passing_answers() -> Vec<String> {
    KNOWN.iter().map(|(service, operation)| format!("{}:{operation}", service.name())).collect()
}

const KNOWN: [(Service, &str); 9] = [
    (Service::Iam, "AttachRolePolicy"),
    (Service::Iam, "DeletePolicy"),
    (Service::Iam, "DeleteRole"),
    (Service::Lambda, "CreateFunction"),
    (Service::Lambda, "UpdateFunctionConfiguration"),
    (Service::Lambda, "PutFunctionEventInvokeConfig"),
    (Service::Lambda, "AddPermission"),
    (Service::Events, "DeleteRule"),
    (Service::Logs, "CreateLogGroup"),
];

/// The answer that passes, where one is known.
pub(crate) fn answer(service: Service, operation: &str, input: &Input) -> Option<AwsError> {
    Some(match (service, operation) {
        (Service::Iam, "AttachRolePolicy") => AwsError::new(
            "NoSuchEntity",
            format!("Policy {} does not exist or is not attachable.", input.text_or("PolicyArn", "")),
        )
        .status(404),
        (Service::Iam, "DeletePolicy") => {
            AwsError::new("DeleteConflict", "Cannot delete a policy attached to entities.").status(409)
        }
        (Service::Iam, "DeleteRole") => {
            AwsError::new("DeleteConflict", "Cannot delete entity, must detach all policies first.").status(409)
        }
        (Service::Lambda, "CreateFunction" | "UpdateFunctionConfiguration") => grant(input.text("Role")),
        (Service::Lambda, "PutFunctionEventInvokeConfig") => {
            let destination = &input.at("DestinationConfig")["OnFailure"]["Destination"];
            no_destination(destination.as_str().unwrap_or_default())
        }
        (Service::Lambda, "AddPermission") => AwsError::new(
            "ResourceConflictException",
            "The function could not be updated due to a concurrent update operation. Please try again later.",
        )
        .status(409),
        (Service::Events, "DeleteRule") => {
            AwsError::new("ValidationException", "Rule can't be deleted since it has targets.")
        }
        (Service::Logs, "CreateLogGroup") => AwsError::new(
            "OperationAbortedException",
            "A conflicting operation is currently in progress against this resource. Please try again.",
        ),
        _ => return None,
    })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operation_of_the_table_has_an_answer_and_is_offered() {
        for (service, operation) in KNOWN {
            assert!(answer(service, operation, &Input::new(service, json!({}))).is_some(), "{operation}");
            assert!(crate::service::operation(service, operation).is_some(), "{operation}");
        }
    }
}
