//! Who gains by what others put beside our objects, and how grave that is: statements, principals and accounts, read
//! from the facts that the resources observed. It asks AWS nothing.

use keyminder_keyage::arn::{Arn, is_account_id};
use keyminder_reconcile::{Effect, Extra, ExtraKind, Severity};
use serde_json::Value;

/// The account that a principal or an endpoint belongs to: an ARN's, or a bare id.
pub(crate) fn account_of(principal: &str) -> Option<String> {
    match Arn::parse(principal) {
        Some(arn) => arn.account_id().map(str::to_owned),
        None => is_account_id(principal).then(|| principal.to_owned()),
    }
}

/// How grave it is that somebody of `account` gains something: other accounts are worse than one's own.
pub(crate) fn severity(account: Option<&str>, own: &str) -> Severity {
    match account {
        Some(account) if account != own => Severity::Critical,
        _ => Severity::Warning,
    }
}

/// A statement of others in the policy of a topic or function, once for each of its principals.
pub(crate) fn statement(kind: ExtraKind, statement: &Value, own: &str) -> Vec<Extra> {
    // A service acts for whoever configures it, so without a source it acts for every account.
    judge(kind, statement, |principal, account| match account {
        None if principal.name == "*" || principal.is_service() => Severity::Critical,
        account => severity(account, own),
    })
}

/// A statement of others in a role's trust policy, once for each of its principals.
pub(crate) fn trust(kind: ExtraKind, statement: &Value, own: &str) -> Vec<Extra> {
    judge(kind, statement, |principal, account| match account {
        // Only this account can give a role to a service (IAM User Guide, "Grant a user permissions to pass a role").
        None if principal.is_service() => Severity::Warning,
        // An identity provider vouches for people outside of AWS.
        _ if principal.kind == "Federated" => Severity::Critical,
        None => Severity::Critical,
        account => severity(account, own),
    })
}

fn judge(kind: ExtraKind, statement: &Value, severity: impl Fn(&Principal, Option<&str>) -> Severity) -> Vec<Extra> {
    let text = |key: &str| statement.get(key).and_then(Value::as_str).unwrap_or_default();
    let sid = text("Sid");
    let name = if sid.is_empty() { "without an id" } else { sid };
    let actions = match statement.get("Action") {
        Some(actions) => list(actions),
        // Everything but what is listed.
        None => vec!["*".to_owned()],
    };
    let narrows = text("Effect") == "Deny";
    let condition = statement.get("Condition");
    let handle = statement.to_string();
    principals(statement)
        .into_iter()
        .map(|principal| {
            let restricted = source_account(condition);
            let account = account_of(&principal.name).or_else(|| restricted.clone());
            let severity = severity(&principal, account.as_deref());
            let extra = Extra::new(kind, name).principal(principal.name).account(account).actions(actions.clone());
            let extra = extra.handle(&handle);
            let extra = match condition.filter(|_| restricted.is_none()) {
                Some(condition) => extra.note(format!("under the condition {condition}")),
                None => extra,
            };
            match narrows {
                true => extra.effect(Effect::Narrows, Severity::Info).note("this statement denies"),
                false => extra.effect(Effect::GivesAccess, severity),
            }
        })
        .collect()
}

/// A principal and what kind of principal it is: `AWS`, `Service`, `Federated`.
struct Principal {
    kind: String,
    name: String,
}

impl Principal {
    fn is_service(&self) -> bool {
        self.name.ends_with(".amazonaws.com")
    }
}

fn principals(statement: &Value) -> Vec<Principal> {
    let of = |kind: &str, names: Vec<String>| {
        names.into_iter().map(|name| Principal { kind: kind.to_owned(), name }).collect::<Vec<_>>()
    };
    match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds.iter().flat_map(|(kind, names)| of(kind, list(names))).collect(),
        Some(principal) => of("AWS", list(principal)),
        // Everybody but those listed.
        None => of("AWS", vec!["*".to_owned()]),
    }
}

pub(crate) fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// The account that a condition restricts the statement to.
fn source_account(condition: Option<&Value>) -> Option<String> {
    const KEYS: [&str; 4] = ["aws:sourceaccount", "aws:sourceowner", "aws:sourcearn", "aws:principalaccount"];
    let operators = condition?.as_object()?;
    // An operator that is negated, or that holds where the key is absent, restricts nothing.
    let positive = operators.iter().filter(|(operator, _)| {
        ["StringEquals", "StringLike", "ArnEquals", "ArnLike", "StringEqualsIgnoreCase"].contains(&operator.as_str())
    });
    let mut found = positive.filter_map(|(_, keys)| keys.as_object()).flatten().filter_map(|(key, value)| {
        let is_source = KEYS.contains(&key.to_ascii_lowercase().as_str());
        match list(value).as_slice() {
            [one] if is_source => account_of(one),
            _ => None,
        }
    });
    found.next()
}

/// The actions that a policy document allows.
pub(crate) fn allowed_actions(document: &Value) -> Vec<String> {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let allows = statements.iter().filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"));
    let mut actions: Vec<String> =
        allows.flat_map(|statement| statement.get("Action").map_or_else(|| vec!["*".to_owned()], list)).collect();
    actions.sort();
    actions.dedup();
    actions
}

/// Whether actions let their holder do nearly everything, or raise its own rights.
pub(crate) fn is_sweeping(actions: &[String]) -> bool {
    actions.iter().any(|action| matches!(action.to_ascii_lowercase().as_str(), "*" | "*:*" | "iam:*" | "sts:*"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWN: &str = "123456789012";
    const KIND: ExtraKind = ExtraKind { code: "statement", words: "statement" };

    fn judged(principal: Value, condition: Value) -> (Severity, Option<String>) {
        let statement = json!({"Sid": "x", "Effect": "Allow", "Action": "lambda:InvokeFunction",
            "Principal": principal, "Condition": condition});
        let found = super::statement(KIND, &statement, OWN);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].effect, Effect::GivesAccess);
        (found[0].severity, found[0].account.clone())
    }

    #[test]
    fn other_accounts_and_anybody_are_grave() {
        let other = Some("999999999999".to_owned());
        assert_eq!(judged(json!("*"), Value::Null), (Severity::Critical, None));
        assert_eq!(judged(json!({"AWS": "999999999999"}), Value::Null), (Severity::Critical, other.clone()));
        assert_eq!(judged(json!({"AWS": "arn:aws:iam::999999999999:user/x"}), Value::Null).0, Severity::Critical);
        assert_eq!(judged(json!({"AWS": OWN}), Value::Null).0, Severity::Warning);
        assert_eq!(judged(json!({"Service": "s3.amazonaws.com"}), Value::Null).0, Severity::Critical);
        let source = json!({"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-west-1:999999999999:rule/x"}});
        assert_eq!(judged(json!({"Service": "events.amazonaws.com"}), source), (Severity::Critical, other));
        let own = json!({"StringEquals": {"aws:SourceAccount": OWN}});
        assert_eq!(judged(json!({"Service": "s3.amazonaws.com"}), own).0, Severity::Warning);
    }

    #[test]
    fn a_condition_that_restricts_nothing_is_not_believed() {
        for condition in [
            json!({"StringNotEquals": {"aws:SourceAccount": OWN}}),
            json!({"StringEqualsIfExists": {"aws:SourceAccount": OWN}}),
            json!({"StringEquals": {"aws:SourceAccount": [OWN, "999999999999"]}}),
            json!({"StringLike": {"aws:SourceAccount": "*"}}),
        ] {
            assert_eq!(judged(json!("*"), condition.clone()).0, Severity::Critical, "{condition}");
        }
    }

    #[test]
    fn a_denial_only_narrows_and_whoever_is_not_named_is_anybody() {
        let found = statement(KIND, &json!({"Effect": "Deny", "Action": "*", "Principal": "*"}), OWN);
        assert_eq!(found[0].effect, Effect::Narrows);
        let found = statement(KIND, &json!({"Effect": "Allow", "NotAction": "x:y", "NotPrincipal": {"AWS": "1"}}), OWN);
        assert_eq!((found[0].principal.as_deref(), found[0].actions.as_slice()), (Some("*"), &["*".to_owned()][..]));
    }
}
