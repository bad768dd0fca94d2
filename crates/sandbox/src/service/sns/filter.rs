//! Subscription filter policies: whether a message gets through. Knows no subscription.
//!
//! Behaviour: SNS developer guide, "Amazon SNS subscription filter policies".

use serde_json::{Map, Value};

/// Whether a filter policy is one; the reason where not.
pub(super) fn check(policy: &str) -> Result<(), String> {
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(policy) else {
        return Err("failed to parse JSON".into());
    };
    check_object(&policy)
}

fn check_object(policy: &Map<String, Value>) -> Result<(), String> {
    for (key, rule) in policy {
        match rule {
            Value::Array(rules) if rules.is_empty() => return Err("Empty arrays are not allowed".into()),
            Value::Array(_) => {}
            Value::Object(nested) => check_object(nested)?,
            _ => return Err(format!("\"{key}\" must be an object or an array")),
        }
    }
    Ok(())
}

/// Whether message attributes (`{name: {"Type", "Value"}}`) fit a policy.
pub(super) fn fits_attributes(policy: &str, attributes: &Value) -> bool {
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(policy) else {
        return true;
    };
    policy.iter().all(|(name, rules)| {
        let values = match attributes.get(name) {
            None => Vec::new(),
            Some(attribute) => attribute_values(attribute),
        };
        fits_any(rules, &values)
    })
}

fn attribute_values(attribute: &Value) -> Vec<Value> {
    let text = attribute["Value"].as_str().unwrap_or_default();
    match attribute["Type"].as_str().unwrap_or_default() {
        kind if kind.starts_with("Number") => vec![serde_json::from_str(text).unwrap_or_default()],
        kind if kind.starts_with("String.Array") => match serde_json::from_str(text) {
            Ok(Value::Array(values)) => values,
            _ => Vec::new(),
        },
        _ => vec![text.into()],
    }
}

/// Whether a message body that is a JSON object fits a policy.
pub(super) fn fits_body(policy: &str, body: &str) -> bool {
    let (Ok(Value::Object(policy)), Ok(body)) =
        (serde_json::from_str::<Value>(policy), serde_json::from_str::<Value>(body))
    else {
        return false;
    };
    fits_object(&policy, &body)
}

fn fits_object(policy: &Map<String, Value>, body: &Value) -> bool {
    policy.iter().all(|(name, rule)| match (rule, &body[name]) {
        (Value::Object(nested), value) => fits_object(nested, value),
        (rules, Value::Null) => fits_any(rules, &[]),
        (rules, Value::Array(values)) => fits_any(rules, values),
        (rules, value) => fits_any(rules, std::slice::from_ref(value)),
    })
}

/// Whether any rule holds for any of the values; no values means that the name is absent.
fn fits_any(rules: &Value, values: &[Value]) -> bool {
    let rules = rules.as_array().map_or(&[][..], Vec::as_slice);
    rules.iter().any(|rule| match rule.get("exists").and_then(Value::as_bool) {
        Some(wanted) => wanted != values.is_empty(),
        None => values.iter().any(|value| fits(rule, value)),
    })
}

fn fits(rule: &Value, value: &Value) -> bool {
    let Value::Object(operators) = rule else {
        return equal(rule, value);
    };
    let text = value.as_str();
    operators.iter().all(|(operator, wanted)| match operator.as_str() {
        "prefix" => text.is_some_and(|text| wanted.as_str().is_some_and(|prefix| text.starts_with(prefix))),
        "suffix" => text.is_some_and(|text| wanted.as_str().is_some_and(|suffix| text.ends_with(suffix))),
        "equals-ignore-case" => {
            text.is_some_and(|text| wanted.as_str().is_some_and(|other| text.eq_ignore_ascii_case(other)))
        }
        "anything-but" => match wanted {
            Value::Array(list) => !list.iter().any(|other| equal(other, value)),
            Value::Object(_) => !fits(wanted, value),
            one => !equal(one, value),
        },
        "numeric" => value.as_f64().is_some_and(|number| in_range(wanted, number)),
        _ => false,
    })
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        _ => a == b,
    }
}

/// `["=", 1]`, `[">", 0, "<=", 90]`, …
fn in_range(conditions: &Value, number: f64) -> bool {
    let conditions = conditions.as_array().map_or(&[][..], Vec::as_slice);
    !conditions.is_empty()
        && conditions.chunks(2).all(|pair| {
            let Some(limit) = pair.get(1).and_then(Value::as_f64) else {
                return false;
            };
            match pair[0].as_str() {
                Some("=") => (number - limit).abs() < 1e-9,
                Some(">") => number > limit,
                Some(">=") => number >= limit,
                Some("<") => number < limit,
                Some("<=") => number <= limit,
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_rule_lets_through_what_it_should() {
        let attributes = json!({
            "verdict": {"Type": "String", "Value": "old"},
            "oldest": {"Type": "Number", "Value": "120"},
            "owners": {"Type": "String.Array", "Value": "[\"ann\",\"bob\"]"},
        });
        for (policy, through) in [
            (json!({"verdict": ["old"]}), true),
            (json!({"verdict": ["due"]}), false),
            (json!({"verdict": [{"prefix": "ol"}]}), true),
            (json!({"verdict": [{"anything-but": ["clean"]}]}), true),
            (json!({"verdict": [{"anything-but": {"prefix": "o"}}]}), false),
            (json!({"oldest": [{"numeric": [">", 90, "<=", 365]}]}), true),
            (json!({"oldest": [{"numeric": ["<", 90]}]}), false),
            (json!({"owners": ["bob"]}), true),
            (json!({"absent": [{"exists": false}]}), true),
            (json!({"verdict": [{"exists": false}]}), false),
            (json!({"verdict": ["old"], "absent": ["x"]}), false),
        ] {
            assert_eq!(fits_attributes(&policy.to_string(), &attributes), through, "{policy}");
        }
    }

    #[test]
    fn a_policy_on_the_body_looks_into_objects() {
        let policy = json!({"summary": {"old": [{"numeric": [">", 0]}]}}).to_string();
        assert!(fits_body(&policy, r#"{"summary":{"old":3}}"#));
        assert!(!fits_body(&policy, r#"{"summary":{"old":0}}"#));
        assert!(!fits_body(&policy, "not json"));
    }
}
