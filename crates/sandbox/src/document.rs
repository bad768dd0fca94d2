//! Whether a policy document is one. Owns IAM's checks at the door; what a document allows is `policy`'s business.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::policy::one_or_many;
use crate::protocol::AwsError;

/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The document as IAM gives it back: URL-encoded.
pub(crate) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// The document of a managed or inline policy.
pub(crate) fn check_permissions(document: &str) -> Result<(), AwsError> {
    for statement in statements(document)? {
        if statement.get("Principal").is_some() || statement.get("NotPrincipal").is_some() {
            return malformed("Policy document should not specify a principal.");
        }
        if statement.get("Resource").is_none() && statement.get("NotResource").is_none() {
            return malformed("Policy statement must contain resources.");
        }
        for resource in one_or_many(&statement["Resource"]) {
            let resource = resource.as_str().unwrap_or_default();
            if resource != "*" && !resource.starts_with("arn:") && !resource.starts_with("*:") {
                return malformed(&format!("Resource {resource} must be in ARN format or \"*\"."));
            }
        }
    }
    Ok(())
}

/// The trust policy of a role.
pub(crate) fn check_trust(document: &str) -> Result<(), AwsError> {
    for statement in statements(document)? {
        if statement.get("Resource").is_some() || statement.get("NotResource").is_some() {
            return malformed("Has prohibited field Resource");
        }
        let principal = &statement["Principal"];
        if principal.is_null() && statement.get("NotPrincipal").is_none() {
            return malformed("Missing required field Principal");
        }
        if !principal.is_null() && principal != "*" && !principal.is_object() {
            return malformed("Invalid principal in policy.");
        }
        for service in one_or_many(&principal["Service"]) {
            let service = service.as_str().unwrap_or_default();
            if !service.contains(".amazonaws.") {
                return malformed(&format!("Invalid principal in policy: \"SERVICE\":\"{service}\""));
            }
        }
        for action in one_or_many(&statement["Action"]) {
            if !action.as_str().is_some_and(|action| action == "*" || action.to_ascii_lowercase().starts_with("sts:")) {
                return malformed("AssumeRole policy may only specify STS AssumeRole actions.");
            }
        }
    }
    Ok(())
}

fn malformed<T>(message: &str) -> Result<T, AwsError> {
    Err(AwsError::new("MalformedPolicyDocument", message))
}

fn statements(document: &str) -> Result<Vec<Value>, AwsError> {
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(document) else {
        return malformed("This policy contains invalid Json");
    };
    if let Some(version) = document.get("Version")
        && version != "2012-10-17"
        && version != "2008-10-17"
    {
        return malformed("Syntax errors in policy.");
    }
    let known = |key: &String| ["Version", "Id", "Statement"].contains(&key.as_str());
    let statements = one_or_many(document.get("Statement").unwrap_or(&Value::Null)).to_vec();
    if statements.is_empty() || !document.keys().all(known) {
        return malformed("Syntax errors in policy.");
    }
    for statement in &statements {
        if statement["Effect"] != "Allow" && statement["Effect"] != "Deny" {
            return malformed("Syntax errors in policy.");
        }
        let actions = one_or_many(statement.get("Action").or(statement.get("NotAction")).unwrap_or(&Value::Null));
        if actions.is_empty() {
            return malformed("Policy statement must contain actions.");
        }
        for action in actions {
            let Some(action) = action.as_str() else {
                return malformed("Syntax errors in policy.");
            };
            if action != "*" && !action.contains(':') {
                return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
            }
        }
    }
    Ok(statements)
}

/// Whether a trust policy lets Lambda assume the role.
pub(crate) fn trusts_lambda(trust: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(trust) else {
        return false;
    };
    one_or_many(&document["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Allow"
            && one_or_many(&statement["Action"])
                .iter()
                .any(|action| action.as_str().is_some_and(|action| crate::policy::matches(action, "sts:AssumeRole")))
            && (statement["Principal"] == "*"
                || one_or_many(&statement["Principal"]["Service"])
                    .iter()
                    .any(|service| service == "lambda.amazonaws.com" || service == "lambda.amazonaws.com.cn"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}"#;

    #[test]
    fn a_document_must_be_json_with_a_version_and_statements() {
        assert!(check_permissions(&format!(r#"{{"Version":"2012-10-17","Statement":{STATEMENT}}}"#)).is_ok());
        assert!(check_permissions("{").is_err());
        assert!(check_permissions(&format!(r#"{{"Version":"2020-01-01","Statement":[{STATEMENT}]}}"#)).is_err());
        assert!(check_permissions(r#"{"Version":"2012-10-17","Statement":[]}"#).is_err());
    }

    #[test]
    fn encoding_leaves_only_unreserved_characters() {
        assert_eq!(encoded("{\"a b\":~}"), "%7B%22a%20b%22%3A~%7D");
    }

    #[test]
    fn only_a_trust_in_lambda_lets_lambda_in() {
        let trust = |service: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"Service":["{service}"]}},"Action":"sts:AssumeRole"}}]}}"#
            )
        };
        assert!(trusts_lambda(&trust("lambda.amazonaws.com")));
        assert!(!trusts_lambda(&trust("ec2.amazonaws.com")));
    }
}
