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

/// The document of a managed or inline policy. The order of the checks is IAM's: what is wrong in two ways is told the
/// earlier one.
pub(crate) fn check_permissions(document: &str) -> Result<(), AwsError> {
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return malformed(SYNTAX);
    };
    let statements = one_or_many(&document["Statement"]);
    if !has_syntax(&document) || statements.iter().any(|statement| statement.get("Principal").is_some()) {
        return malformed(SYNTAX);
    }
    if document["Version"] != "2012-10-17" {
        return malformed("Policy document must be version 2012-10-17 or greater.");
    }
    if statements.iter().any(fails_legacy_parsing) {
        return malformed("The policy failed legacy parsing");
    }
    let ids: Vec<&str> =
        statements.iter().filter_map(|statement| statement["Sid"].as_str()).filter(|id| !id.is_empty()).collect();
    if ids.iter().collect::<std::collections::BTreeSet<_>>().len() < ids.len() {
        return malformed("Statement IDs (SID) in a single policy must be unique.");
    }
    for resource in statements.iter().flat_map(resources).filter(|resource| !resource.is_null()) {
        check_resource(resource.as_str().unwrap_or_default())?;
    }
    for statement in statements {
        let actions = actions(statement);
        if actions.is_empty() {
            return malformed("Policy statement must contain actions.");
        }
        for action in actions {
            check_action(action.as_str().unwrap_or_default())?;
        }
        if resources(statement).is_empty() {
            return malformed("Policy statement must contain resources.");
        }
    }
    Ok(())
}

const SYNTAX: &str = "Syntax errors in policy.";

fn actions(statement: &Value) -> &[Value] {
    one_or_many(statement.get("Action").or(statement.get("NotAction")).unwrap_or(&Value::Null))
}

fn resources(statement: &Value) -> &[Value] {
    one_or_many(statement.get("Resource").or(statement.get("NotResource")).unwrap_or(&Value::Null))
}

/// Whether all is of the type and under the names of the grammar (IAM user guide, "Grammar of the IAM JSON policy
/// language").
fn has_syntax(document: &Value) -> bool {
    let Some(fields) = document.as_object() else {
        return false;
    };
    let known = fields.keys().all(|key| ["Version", "Id", "Statement"].contains(&key.as_str()));
    let version = fields.get("Version").is_none_or(|version| version == "2012-10-17" || version == "2008-10-17");
    let statements = one_or_many(&document["Statement"]);
    known
        && version
        && fields.get("Id").is_none_or(Value::is_string)
        && !statements.is_empty()
        && statements.iter().all(statement_has_syntax)
}

fn statement_has_syntax(statement: &Value) -> bool {
    const FIELDS: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let Some(fields) = statement.as_object() else {
        return false;
    };
    let texts = |name: &str| {
        fields.get(name).is_none_or(|value| one_or_many(value).iter().all(|v| v.is_string() || v.is_null()))
    };
    let both = |one: &str| fields.contains_key(one) && fields.contains_key(&format!("Not{one}"));
    let effect = fields.get("Effect").and_then(Value::as_str).unwrap_or_default();
    fields.keys().all(|key| FIELDS.contains(&key.as_str()))
        && fields.get("Sid").is_none_or(Value::is_string)
        && (effect.eq_ignore_ascii_case("Allow") || effect.eq_ignore_ascii_case("Deny"))
        && ["Action", "NotAction", "Resource", "NotResource"].into_iter().all(texts)
        && !both("Action")
        && !both("Resource")
        && fields.get("Condition").is_none_or(condition_has_syntax)
}

fn condition_has_syntax(condition: &Value) -> bool {
    let is_value = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    condition.as_object().is_some_and(|operators| {
        operators.iter().all(|(operator, keys)| {
            (is_operator(operator) || keys.as_object().is_some_and(|keys| keys.is_empty()))
                && keys
                    .as_object()
                    .is_some_and(|keys| keys.values().all(|wanted| one_or_many(wanted).iter().all(is_value)))
        })
    })
}

/// `StringEquals`, `ForAnyValue:ArnLikeIfExists`, …
fn is_operator(text: &str) -> bool {
    const OPERATORS: [&str; 27] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "Null",
    ];
    let text = text.strip_prefix("ForAllValues:").or(text.strip_prefix("ForAnyValue:")).unwrap_or(text);
    OPERATORS.contains(&text.strip_suffix("IfExists").unwrap_or(text))
}

/// What IAM's older parser does not take: an effect in other letters, an ARN that is too short, a date that is none.
fn fails_legacy_parsing(statement: &Value) -> bool {
    let effect = &statement["Effect"];
    let short = |resource: &Value| {
        let parts: Vec<&str> = resource.as_str().unwrap_or_default().split(':').collect();
        parts[0] == "arn"
            && parts.get(1).is_some_and(|partition| is_partition(partition))
            && ((4..6).contains(&parts.len()) || parts.len() > 3 && parts[2].is_empty())
    };
    let dates = statement["Condition"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(operator, _)| operator.rsplit(':').next().is_some_and(|operator| operator.starts_with("Date")));
    let no_date = |value: &Value| match value.as_str() {
        Some(text) => text.parse::<i64>().is_err() && !is_date(text),
        None => !value.is_number(),
    };
    (effect != "Allow" && effect != "Deny")
        || resources(statement).iter().any(short)
        || dates
            .flat_map(|(_, keys)| keys.as_object().into_iter().flatten())
            .any(|(_, wanted)| one_or_many(wanted).iter().any(no_date))
}

/// A date of ISO 8601, with or without a time; a policy variable can be one.
fn is_date(text: &str) -> bool {
    text.contains("${")
        || text.parse::<jiff::Timestamp>().is_ok()
        || text.parse::<jiff::civil::Date>().is_ok()
        || text.parse::<jiff::civil::DateTime>().is_ok()
        || (text.len() == 4 || text.len() == 7)
            && format!("{text}-01").get(..10).is_some_and(|t| t.parse::<jiff::civil::Date>().is_ok())
        || text.len() == 4 && text.parse::<u16>().is_ok()
}

fn is_partition(text: &str) -> bool {
    text == "aws" || text.starts_with("aws-") || text.contains('*')
}

fn check_resource(resource: &str) -> Result<(), AwsError> {
    if resource == "*" || resource.starts_with('*') {
        return Ok(());
    }
    if !resource.contains(':') {
        return malformed(&format!("Resource {resource} must be in ARN format or \"*\"."));
    }
    let mut parts: Vec<&str> = resource.split(':').collect();
    let vendor = parts.get(2).copied().unwrap_or_default().to_owned();
    if parts[0] == "arn"
        && is_partition(parts[1])
        && (vendor.is_empty() || vendor.contains(['*', '?']))
        && vendor != "*"
    {
        return malformed("Resource vendor must be fully qualified and cannot contain regexes.");
    }
    if !is_partition(parts[1]) {
        parts.resize(parts.len().max(6), "*");
        return malformed(&format!(
            "Partition \"{}\" is not valid for resource \"arn:{}\".",
            parts[1],
            parts[1..].join(":")
        ));
    }
    let (region, rest) = (parts.get(3).copied().unwrap_or_default(), parts.get(5).copied().unwrap_or_default());
    let account = parts.get(4).copied().unwrap_or_default();
    if vendor == "s3" && !region.is_empty() && region != "*" && account.is_empty() {
        return malformed(&format!("Resource {resource} can not contain region information."));
    }
    if vendor == "iam" {
        const PATHS: [&str; 13] = [
            "user/",
            "federated-user/",
            "role/",
            "group/",
            "instance-profile/",
            "mfa/",
            "server-certificate/",
            "policy/",
            "sms-mfa/",
            "saml-provider/",
            "oidc-provider/",
            "report/",
            "access-report/",
        ];
        if !region.is_empty() && region != "*" {
            return malformed(&format!("IAM resource {resource} cannot contain region information."));
        }
        let first = rest.split('/').next().unwrap_or_default();
        let named =
            PATHS.iter().any(|path| rest.starts_with(path)) || first.contains(['*', '?', '$']) || rest == "root";
        if !named {
            return malformed(&format!("IAM resource path must either be \"*\" or start with {}.", PATHS.join(", ")));
        }
    }
    Ok(())
}

fn check_action(action: &str) -> Result<(), AwsError> {
    if action == "*" {
        return Ok(());
    }
    let parts: Vec<&str> = action.split(':').collect();
    match parts[..] {
        [vendor, _]
            if vendor.chars().all(|c| c.is_ascii_alphanumeric() || "-_.*".contains(c)) && !vendor.is_empty() =>
        {
            Ok(())
        }
        [vendor, _] => malformed(&format!("Vendor {vendor} is not valid")),
        [_] => malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        _ => malformed("Actions/Condition can contain only one colon."),
    }
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

    /// What is in a statement besides its effect, and IAM's answer.
    #[test]
    fn what_iam_refuses_is_refused_in_its_words() {
        let legacy = "The policy failed legacy parsing";
        for (statement, told) in [
            (
                r#""Action":"publish","Resource":"*""#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (r#""Action":"sns:a:b","Resource":"*""#, "Actions/Condition can contain only one colon."),
            (r#""Action":"s ns:Publish","Resource":"*""#, "Vendor s ns is not valid"),
            (r#""Action":[],"Resource":"*""#, "Policy statement must contain actions."),
            (r#""Resource":"*""#, "Policy statement must contain actions."),
            (r#""Action":"sns:Publish""#, "Policy statement must contain resources."),
            (r#""Action":"sns:Publish","Resource":"topic""#, "Resource topic must be in ARN format or \"*\"."),
            (r#""Action":"sns:Publish","Resource":"arn:aws:sns:topic""#, legacy),
            (
                r#""Action":"sns:Publish","Resource":"arn:aws""#,
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            (
                r#""Action":"sns:Publish","Resource":"arn:gov:sns:::t""#,
                "Partition \"gov\" is not valid for resource \"arn:gov:sns:::t\".",
            ),
            (
                r#""Action":"iam:ListUsers","Resource":"arn:aws:iam:eu-west-1::user/a""#,
                "IAM resource arn:aws:iam:eu-west-1::user/a cannot contain region information.",
            ),
            (r#""Action":"sns:Publish","NotAction":"sns:Publish","Resource":"*""#, SYNTAX),
            (r#""Action":{},"Resource":"*""#, SYNTAX),
            (r#""Action":"sns:Publish","Resource":"*","Sid":[]"#, SYNTAX),
            (r#""Action":"sns:Publish","Resource":"*","Extra":1"#, SYNTAX),
            (r#""Action":"sns:Publish","Resource":"*","Condition":{"StringIs":{"a":"b"}}"#, SYNTAX),
            (r#""Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":"b"}"#, SYNTAX),
            (r#""Action":"sns:Publish","Resource":"*","Condition":{"DateLessThan":{"a":"soon"}}"#, legacy),
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{statement}}}}}"#);
            let error = check_permissions(&document).expect_err(&document);
            assert_eq!((error.code.as_str(), error.message.as_str()), ("MalformedPolicyDocument", told), "{document}");
        }
    }

    #[test]
    fn a_statement_id_is_unique_and_an_old_version_is_refused() {
        let twice = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"}]}"#;
        let told = |document: &str| check_permissions(document).expect_err("a refusal").message;
        assert_eq!(told(twice), "Statement IDs (SID) in a single policy must be unique.");
        let old = "Policy document must be version 2012-10-17 or greater.";
        assert_eq!(told(&twice.replace("2012", "2008")), old);
        assert_eq!(told(&twice.replace(r#""Version":"2012-10-17","#, "")), old);
        assert_eq!(told(&twice.replace("Allow", "allow")), "The policy failed legacy parsing");
    }

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
