//! Policy documents in one canonical form, so that documents equal in meaning are equal values.
//!
//! AWS stores and returns what it was sent in other words: keys in another order, a list of one as a string, an
//! account id as its root ARN, condition keys in another case (IAM User Guide, "Grammar of the IAM JSON policy
//! language"; AWS Lambda and SNS rewrite more freely than IAM).

use keyminder_keyage::arn::Arn;
use serde_json::{Map, Value, json};

/// The elements of a statement whose values are sets.
const SETS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// The canonical form of a policy document. What is not a policy document comes back as it is, and so differs.
pub(crate) fn canonical(document: &Value) -> Value {
    let Value::Object(document) = document else { return document.clone() };
    let mut result = Map::new();
    result.insert("Version".to_owned(), document.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17")));
    if let Some(id) = document.get("Id") {
        result.insert("Id".to_owned(), id.clone());
    }
    let mut statements: Vec<Value> = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().map(statement).collect(),
        Some(one) => vec![statement(one)],
        None => Vec::new(),
    };
    statements.sort_by_key(Value::to_string);
    result.insert("Statement".to_owned(), Value::Array(statements));
    Value::Object(result)
}

/// The canonical form of one statement.
pub(crate) fn statement(statement: &Value) -> Value {
    let Value::Object(statement) = statement else { return statement.clone() };
    statement
        .iter()
        .filter(|(key, value)| !(key.as_str() == "Sid" && value.as_str() == Some("")))
        .map(|(key, value)| {
            let value = match key.as_str() {
                "Action" | "NotAction" => set(value, action),
                key if SETS.contains(&key) => set(value, str::to_owned),
                "Principal" | "NotPrincipal" => principal(value),
                "Condition" => condition(value),
                _ => value.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}

/// Whether a canonical statement is the one that this text is.
pub(crate) fn is(statement: &Value, text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|other| other == *statement)
}

/// What of a policy is ours, and the statements that are not.
pub(crate) fn split(mut policy: Value, is_own: impl Fn(&Value) -> bool) -> (Value, Vec<Value>) {
    let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) else {
        return (policy, Vec::new());
    };
    let (own, others) = std::mem::take(statements).into_iter().partition(is_own);
    *statements = own;
    (policy, others)
}

/// Our policy, with the statements that others added.
pub(crate) fn with(policy: &Value, others: &[Value]) -> Value {
    let mut policy = policy.clone();
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.extend(others.iter().cloned());
    }
    policy
}

/// The same, with `otherwise` in place of a policy that would have no statements: AWS refuses one.
pub(crate) fn with_some(policy: &Value, others: &[Value], otherwise: &Value) -> Value {
    let is_empty = policy.get("Statement").and_then(Value::as_array).is_none_or(Vec::is_empty);
    with(if is_empty && others.is_empty() { otherwise } else { policy }, others)
}

/// A string, or a sorted list of at least two.
fn set(value: &Value, normal: impl Fn(&str) -> String) -> Value {
    let text = |value: &Value| match value {
        Value::String(text) => normal(text),
        other => other.to_string(),
    };
    let mut items: Vec<String> = match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    };
    items.sort();
    items.dedup();
    match items.as_slice() {
        [one] => json!(one),
        _ => json!(items),
    }
}

/// The service prefix of an action is case-insensitive; SNS returns it in capitals.
fn action(action: &str) -> String {
    match action.split_once(':') {
        Some((service, name)) => format!("{}:{name}", service.to_ascii_lowercase()),
        None => action.to_owned(),
    }
}

/// An account's root ARN and its bare id are one principal; the id is the shorter form.
fn principal(value: &Value) -> Value {
    match value {
        Value::Object(kinds) => kinds.iter().map(|(kind, value)| (kind.clone(), set(value, account))).collect(),
        other => other.clone(),
    }
}

fn account(principal: &str) -> String {
    match Arn::parse(principal) {
        Some(Arn { service: "iam", account, resource: "root", .. }) => account.to_owned(),
        _ => principal.to_owned(),
    }
}

/// Global condition keys are case-insensitive; Lambda writes `AWS:SourceArn`.
fn condition(value: &Value) -> Value {
    let Value::Object(operators) = value else { return value.clone() };
    operators
        .iter()
        .map(|(operator, keys)| {
            let keys = match keys {
                Value::Object(keys) => keys
                    .iter()
                    .map(|(key, value)| {
                        let key = if key.to_ascii_lowercase().starts_with("aws:") {
                            format!("aws:{}", &key[4..])
                        } else {
                            key.clone()
                        };
                        (key, set(value, str::to_owned))
                    })
                    .collect(),
                other => other.clone(),
            };
            (operator.clone(), keys)
        })
        .collect()
}

/// Parses a document as IAM returns it: URL-encoded (RFC 3986). Emulators return it plain, which decodes to itself
/// as a JSON document has no `%` of its own in any policy we write.
pub(crate) fn decode(text: &str) -> Value {
    let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&plain).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_equal_in_meaning_are_equal() {
        let ours = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "B", "Effect": "Allow", "Action": ["sns:Publish", "sns:Subscribe"], "Resource": "r",
             "Principal": {"AWS": "123456789012"}, "Condition": {"ArnLike": {"aws:SourceArn": "x"}}},
            {"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"}]});
        let theirs = json!({"Statement": [
            {"Resource": ["*"], "Action": ["*"], "Effect": "Deny", "Sid": "A"},
            {"Effect": "Allow", "Sid": "B", "Action": ["SNS:Subscribe", "SNS:Publish"], "Resource": ["r"],
             "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
             "Condition": {"ArnLike": {"AWS:SourceArn": ["x"]}}}], "Version": "2012-10-17"});
        assert_eq!(canonical(&ours), canonical(&theirs));
    }

    #[test]
    fn documents_that_allow_something_else_differ() {
        let document = |action: &str, principal: Value| {
            canonical(&json!({"Version": "2012-10-17", "Statement":
                {"Effect": "Allow", "Action": action, "Resource": "*", "Principal": principal}}))
        };
        assert_ne!(document("sns:Publish", json!("*")), document("sns:*", json!("*")));
        assert_ne!(document("sns:Publish", json!({"AWS": "1"})), document("sns:Publish", json!({"AWS": "2"})));
        assert_ne!(document("sns:Publish", json!("*")), document("sns:Publish", json!({"Service": "*"})));
    }

    #[test]
    fn an_encoded_document_is_decoded() {
        assert_eq!(decode("%7B%22Version%22%3A%20%222012-10-17%22%7D"), json!({"Version": "2012-10-17"}));
    }

    #[test]
    fn a_broken_document_is_no_reason_to_fail() {
        assert_eq!(decode("not json"), json!("not json"));
        assert_eq!(canonical(&json!("not json")), json!("not json"));
    }
}
