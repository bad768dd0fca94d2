//! Subscription filter policies: whether a message gets through. Knows no subscription.
//!
//! Behaviour: SNS developer guide, "Amazon SNS subscription filter policies".

mod check;
mod scan;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Map, Value};

pub(super) use check::{Refusal, check, parse_failure};

/// A policy without nesting and alternatives: the rules by the key's path, all of which must hold.
type Conditions<'p> = BTreeMap<String, &'p Value>;

/// What a policy asks for: any of these.
fn alternatives<'p>(policy: &'p Map<String, Value>, prefix: &str) -> Vec<Conditions<'p>> {
    let mut all = vec![Conditions::new()];
    for (name, value) in policy {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let here = match value {
            Value::Array(list) if name == "$or" && list.iter().all(Value::is_object) => {
                list.iter().filter_map(Value::as_object).flat_map(|one| alternatives(one, prefix)).collect()
            }
            Value::Object(nested) => alternatives(nested, &path),
            rules => vec![Conditions::from([(path, rules)])],
        };
        all = all
            .iter()
            .flat_map(|so_far| {
                here.iter().map(|more| so_far.iter().chain(more).map(|(k, v)| (k.clone(), *v)).collect())
            })
            .collect();
    }
    all
}

/// What a message says, by path: a path that is missing is absent, one without values is an empty list.
type Facts = BTreeMap<String, Vec<Value>>;

/// A message's body: objects in lists are looked at one at a time, so that what belongs together stays together. Only
/// what is asked for is kept.
fn facts(value: &Value, path: &str, asked: &[String]) -> Vec<Facts> {
    let under = |path: &str| asked.iter().any(|one| one == path || one.starts_with(&format!("{path}.")));
    if !path.is_empty() && !under(path) {
        return vec![Facts::new()];
    }
    match value {
        Value::Object(fields) => {
            let mut all = vec![Facts::new()];
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let here = facts(field, &path, asked);
                all = all.iter().flat_map(|so_far| here.iter().map(|more| joined(so_far, more))).collect();
            }
            all
        }
        Value::Array(list) => {
            let is_plain = |value: &&Value| !value.is_object() && !value.is_array();
            let plain: Vec<Value> = list.iter().filter(is_plain).cloned().collect();
            let deep: Vec<&Value> = list.iter().filter(|value| !is_plain(value)).collect();
            if deep.is_empty() {
                return vec![Facts::from([(path.to_owned(), plain)])];
            }
            let mut all: Vec<Facts> = deep.into_iter().flat_map(|value| facts(value, path, asked)).collect();
            if !plain.is_empty() {
                all.push(Facts::from([(path.to_owned(), plain)]));
            }
            all
        }
        plain => vec![Facts::from([(path.to_owned(), vec![plain.clone()])])],
    }
}

fn joined(a: &Facts, b: &Facts) -> Facts {
    let mut all = a.clone();
    for (path, values) in b {
        all.entry(path.clone()).or_default().extend(values.iter().cloned());
    }
    all
}

fn hold(conditions: &Conditions<'_>, facts: &Facts) -> bool {
    conditions.iter().all(|(path, rules)| fits_any(rules, facts.get(path).map_or(&[][..], Vec::as_slice)))
}

/// Whether message attributes (`{name: {"Type", "Value"}}`) fit a policy.
pub(super) fn fits_attributes(policy: &str, attributes: &Value) -> bool {
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(policy) else {
        return true;
    };
    let facts: Facts = attributes
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, attribute)| (name.clone(), attribute_values(attribute)))
        .collect();
    alternatives(&policy, "").iter().any(|conditions| hold(conditions, &facts))
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
    let alternatives = alternatives(&policy, "");
    let asked: Vec<String> = alternatives.iter().flat_map(|conditions| conditions.keys().cloned()).collect();
    let facts = facts(&body, "", &asked);
    body.is_object() && alternatives.iter().any(|conditions| facts.iter().any(|facts| hold(conditions, facts)))
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
        "cidr" => text.is_some_and(|text| wanted.as_str().is_some_and(|range| in_network(range, text))),
        "numeric" => value.as_f64().is_some_and(|number| in_range(wanted, number)),
        _ => false,
    })
}

/// Whether an address is in a network such as `10.0.0.0/24`.
fn in_network(network: &str, address: &str) -> bool {
    let Some((network, bits)) = network.split_once('/') else {
        return false;
    };
    let shifted = |address: IpAddr, bits: u32| match address {
        IpAddr::V4(address) => u128::from(u32::from(address).checked_shr(32 - bits.min(32)).unwrap_or(0)),
        IpAddr::V6(address) => u128::from(address).checked_shr(128 - bits.min(128)).unwrap_or(0),
    };
    match (network.parse::<IpAddr>(), address.parse::<IpAddr>(), bits.parse()) {
        (Ok(network), Ok(address), Ok(bits)) => {
            network.is_ipv4() == address.is_ipv4() && shifted(network, bits) == shifted(address, bits)
        }
        _ => false,
    }
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

    #[test]
    fn one_of_the_alternatives_is_enough() {
        let policy = json!({
            "$or": [{"a": ["x"]}, {"b": ["y"]}],
            "c": {"d": ["z"], "$or": [{"e": [1]}, {"f": [2]}]},
        });
        let through = |body: Value| fits_body(&policy.to_string(), &body.to_string());
        assert!(through(json!({"a": "x", "c": {"d": "z", "e": 1}})));
        assert!(through(json!({"b": "y", "c": {"d": "z", "f": 2}})));
        assert!(!through(json!({"a": "x", "c": {"d": "z"}})));
        assert!(!through(json!({"c": {"d": "z", "f": 2}})));
        let attributes = json!({"b": {"Type": "String", "Value": "y"}});
        assert!(fits_attributes(r#"{"$or":[{"a":["x"]},{"b":["y"]}]}"#, &attributes));
    }

    #[test]
    fn objects_in_a_list_are_looked_at_one_at_a_time() {
        let policy = json!({"list": {"a": [1], "b": [{"exists": true}]}}).to_string();
        assert!(fits_body(&policy, r#"{"list":[{"a":2},{"a":1,"b":0}]}"#));
        assert!(fits_body(&policy, r#"{"list":[[{"a":1,"b":0}]]}"#));
        assert!(!fits_body(&policy, r#"{"list":[{"a":1},{"b":0}]}"#));
    }

    #[test]
    fn a_network_holds_its_addresses() {
        assert!(in_network("10.0.0.0/24", "10.0.0.255"));
        assert!(!in_network("10.0.0.0/24", "10.0.1.0"));
        assert!(in_network("0.0.0.0/0", "10.0.1.0"));
        assert!(in_network("2001:db8::/32", "2001:db8:1::1"));
        assert!(!in_network("2001:db8::/32", "10.0.0.0"));
    }
}
