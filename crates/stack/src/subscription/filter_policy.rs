//! Filter policies: what SNS would refuse, before it is asked.
//!
//! Behaviour: SNS Developer Guide, "Subscription filter policies", and what SNS answers, in its own words. A policy is
//! applied to message attributes here, never to the body. An operator that this does not know is a warning, as SNS may
//! have learnt it meanwhile; everything else that SNS refuses is an error.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value};

/// The most keys and combinations that SNS accepts.
const MOST_KEYS: usize = 5;
const MOST_COMBINATIONS: usize = 150;

/// The operators of SNS. Of these, anything-but takes prefix only, which is recorded of SNS; EventBridge takes more.
const OPERATORS: [&str; 7] = ["prefix", "suffix", "equals-ignore-case", "cidr", "exists", "numeric", "anything-but"];

/// The largest number that SNS compares, in either direction.
const LARGEST: f64 = 1.0e9;

/// What SNS would say about a policy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It would refuse the policy for this.
    pub(super) errors: Vec<String>,
    /// It might refuse the policy for this.
    pub(super) warnings: Vec<String>,
}

/// Judges a policy.
pub(super) fn judge(policy: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    let Value::Object(rules) = policy else {
        verdict.error("a filter policy is a JSON object");
        return verdict;
    };
    if rules.is_empty() {
        verdict.error("an empty filter policy matches every message: leave it out");
        return verdict;
    }
    verdict.object(rules);
    if verdict.errors.is_empty() && is_nested(rules) {
        verdict.error("Filter policy scope MessageAttributes does not support nested filter policy");
    }
    if verdict.errors.is_empty() {
        let mut keys = BTreeSet::new();
        collect(rules, "", &mut keys);
        if keys.len() > MOST_KEYS {
            verdict.error("Filter policy can not have more than 5 keys");
        } else if combinations(rules) > MOST_COMBINATIONS {
            verdict.error("Filter policy is too complex");
        }
    }
    verdict
}

impl Verdict {
    fn error(&mut self, message: impl Into<String>) {
        self.errors.push(message.into());
    }

    fn object(&mut self, rules: &Map<String, Value>) {
        for (key, rule) in rules {
            match (alternatives(key, rule), rule) {
                (Some(alternatives), _) => alternatives.into_iter().for_each(|rules| self.object(rules)),
                (None, Value::Array(matches)) if matches.is_empty() => self.error("Empty arrays are not allowed"),
                (None, Value::Array(matches)) => matches.iter().for_each(|one| self.value(one)),
                (None, Value::Object(nested)) => self.object(nested),
                (None, _) => self.error(format!("\"{key}\" must be an object or an array")),
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(_) => self.error("Match value must be String, number, true, false, or null"),
            Value::Object(expression) => {
                let mut entries = expression.iter();
                match (entries.next(), entries.next()) {
                    (Some((operator, operand)), None) => self.operator(operator, operand),
                    _ => self.error("Only one key allowed in match expression"),
                }
            }
            _ => {}
        }
    }

    fn operator(&mut self, operator: &str, operand: &Value) {
        match operator {
            "prefix" | "suffix" | "equals-ignore-case" => {
                if !operand.is_string() {
                    self.error(format!("{operator} match pattern must be a string"));
                }
            }
            "cidr" => match operand.as_str() {
                // As SNS words it.
                None => self.error("prefix match pattern must be a string"),
                Some(text) => self.errors.extend(cidr_problem(text)),
            },
            "exists" => {
                if !operand.is_boolean() {
                    self.error("exists match pattern must be either true or false.");
                }
            }
            "numeric" => self.errors.extend(numeric_problem(operand)),
            "anything-but" => self.anything_but(operand),
            _ => self.warnings.push(format!("Unrecognized match type {operator}")),
        }
    }

    fn anything_but(&mut self, operand: &Value) {
        match operand {
            Value::String(_) | Value::Number(_) => {}
            Value::Array(values) if values.is_empty() => self.error("Empty arrays are not allowed"),
            Value::Array(values) => {
                if !values.iter().all(|value| value.is_string() || value.is_number()) {
                    self.error("anything-but takes strings and numbers");
                }
            }
            Value::Object(expression) => {
                let mut entries = expression.iter();
                match (entries.next(), entries.next()) {
                    (Some((operator, operand)), None) if operator == "prefix" => {
                        if !operand.is_string() {
                            self.error("prefix match pattern must be a string");
                        }
                    }
                    (Some((operator, _)), None) => {
                        let words = format!("Unsupported anything-but pattern: {operator}");
                        if OPERATORS.contains(&operator.as_str()) {
                            self.error(words)
                        } else {
                            self.warnings.push(words)
                        }
                    }
                    _ => self.error("Only one key allowed in match expression"),
                }
            }
            _ => self.error("anything-but takes strings and numbers"),
        }
    }
}

/// The rule sets of an `$or`, which is one if it lists at least two of them.
fn alternatives<'p>(key: &str, rule: &'p Value) -> Option<Vec<&'p Map<String, Value>>> {
    let list = rule.as_array().filter(|list| key == "$or" && list.len() > 1)?;
    list.iter().map(Value::as_object).collect()
}

fn is_nested(rules: &Map<String, Value>) -> bool {
    rules.iter().any(|(key, rule)| match alternatives(key, rule) {
        Some(alternatives) => alternatives.into_iter().any(is_nested),
        None => rule.is_object(),
    })
}

/// The attributes that a policy is about.
fn collect(rules: &Map<String, Value>, inside: &str, keys: &mut BTreeSet<String>) {
    for (key, rule) in rules {
        match (alternatives(key, rule), rule) {
            (Some(alternatives), _) => alternatives.into_iter().for_each(|rules| collect(rules, inside, keys)),
            (None, Value::Object(nested)) => collect(nested, &format!("{inside}{key}."), keys),
            (None, _) => drop(keys.insert(format!("{inside}{key}"))),
        }
    }
}

/// The product of the numbers of values; the alternatives of an `$or` add up.
fn combinations(rules: &Map<String, Value>) -> usize {
    rules.iter().fold(1, |product: usize, (key, rule)| {
        let count = match (alternatives(key, rule), rule) {
            (Some(alternatives), _) => alternatives.into_iter().map(combinations).fold(0, usize::saturating_add),
            (None, Value::Array(values)) => values.len(),
            (None, Value::Object(nested)) => combinations(nested),
            (None, _) => 1,
        };
        product.saturating_mul(count)
    })
}

fn cidr_problem(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let [address, mask] = parts[..] else { return Some("Malformed CIDR, one '/' required".to_owned()) };
    let Ok(mask) = mask.parse::<u32>() else {
        return Some("Malformed CIDR, mask bits must be an integer".to_owned());
    };
    let Ok(parsed) = address.parse::<IpAddr>() else { return Some(format!("Nonstandard IP address: {address}")) };
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    (mask > most).then(|| format!("Malformed CIDR, mask bits must be at most {most}"))
}

fn numeric_problem(operand: &Value) -> Option<String> {
    let Value::Array(terms) = operand else { return Some("Value of numeric must be an array.".to_owned()) };
    let mut terms = terms.iter();
    let operator = match terms.next() {
        Some(Value::String(operator)) => operator.as_str(),
        Some(other) => return Some(format!("Invalid member in numeric match: {other}")),
        None => return Some("Invalid member in numeric match: ]".to_owned()),
    };
    let name = if operator == "=" { "equals" } else { operator };
    let number = |name: &str, term: Option<&Value>| {
        let number = term.and_then(Value::as_f64).ok_or_else(|| format!("Value of {name} must be numeric"))?;
        if number.abs() > LARGEST {
            return Err("Value must be between -1.0E9 and 1.0E9, inclusive".to_owned());
        }
        Ok(number)
    };
    if !["=", "<", "<=", ">", ">="].contains(&operator) {
        return Some(format!("Unrecognized numeric range operator: {operator}"));
    }
    let bottom = match number(name, terms.next()) {
        Ok(bottom) => bottom,
        Err(problem) => return Some(problem),
    };
    let closing = terms.next()?;
    if !operator.starts_with('>') {
        return Some("Too many elements in numeric expression".to_owned());
    }
    let closing = match closing {
        Value::String(closing) if ["<", "<="].contains(&closing.as_str()) => closing,
        Value::String(other) => return Some(format!("Bad numeric range operator: {other}")),
        other => return Some(format!("Bad value in numeric range: {other}")),
    };
    match number(closing, terms.next()) {
        Err(problem) => Some(problem),
        Ok(top) if bottom >= top => Some("Bottom must be less than top".to_owned()),
        Ok(_) => terms.next().map(|_| "Too many terms in numeric range expression".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("v{n}")).collect()
    }

    /// Each policy, and what SNS answered when it was given that.
    #[test]
    fn what_sns_refuses_is_refused_in_its_words() {
        for (policy, words) in [
            (json!({"key": [["value"]]}), "Match value must be String, number, true, false, or null"),
            (json!({"key": [{"suffix": "a", "prefix": "b"}]}), "Only one key allowed in match expression"),
            (json!({"key": []}), "Empty arrays are not allowed"),
            (json!({"key": [{"suffix": 100}]}), "suffix match pattern must be a string"),
            (json!({"key": [{"suffix": null}]}), "suffix match pattern must be a string"),
            (json!({"key": [{"suffix": []}]}), "suffix match pattern must be a string"),
            (json!({"key": [{"suffix": ["a", "b"]}]}), "suffix match pattern must be a string"),
            (json!({"key": {"suffix": "value"}}), "\"suffix\" must be an object or an array"),
            (json!({"key": {"not-an-operator": "value"}}), "\"not-an-operator\" must be an object or an array"),
            (json!({"key": "value"}), "\"key\" must be an object or an array"),
            (json!({"key": [{"cidr": ["bad-filter"]}]}), "prefix match pattern must be a string"),
            (json!({"key": [{"cidr": "bad-filter"}]}), "Malformed CIDR, one '/' required"),
            (json!({"key": [{"cidr": "bad-filter/64"}]}), "Nonstandard IP address: bad-filter"),
            (json!({"key": [{"cidr": "bad-/64filter"}]}), "Malformed CIDR, mask bits must be an integer"),
            (json!({"key": [{"cidr": "xx.11.xx/8"}]}), "Nonstandard IP address: xx.11.xx"),
            (json!({"key": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}), "Nonstandard IP address: xxxx:db8:1234:1a00::"),
            (json!({"key": [{"numeric": []}]}), "Invalid member in numeric match: ]"),
            (json!({"key": [{"numeric": ["operator"]}]}), "Unrecognized numeric range operator: operator"),
            (json!({"key": [{"numeric": [1, "<="]}]}), "Invalid member in numeric match: 1"),
            (json!({"key": [{"numeric": ["=", "000"]}]}), "Value of equals must be numeric"),
            (json!({"key": [{"numeric": [">="]}]}), "Value of >= must be numeric"),
            (json!({"key": [{"numeric": ["<", 100, ">", 10]}]}), "Too many elements in numeric expression"),
            (json!({"key": [{"numeric": [">=", 1, ">", 2]}]}), "Bad numeric range operator: >"),
            (json!({"key": [{"numeric": [">", 3, "<", 1]}]}), "Bottom must be less than top"),
            (json!({"key": [{"numeric": [">", 20, "<="]}]}), "Value of <= must be numeric"),
            (json!({"key": [{"numeric": [">", 20, 30]}]}), "Bad value in numeric range: 30"),
            (json!({"key": [{"numeric": [">", 20, "test"]}]}), "Bad numeric range operator: test"),
            (json!({"key": [{"numeric": [">", "20", "<", "30"]}]}), "Value of > must be numeric"),
            (json!({"key": [{"numeric": [">", 20, "<", "30"]}]}), "Value of < must be numeric"),
            (json!({"key": [{"numeric": [">", 20, "<", 30, "<", 50]}]}), "Too many terms in numeric range expression"),
            (json!({"key": [{"exists": null}]}), "exists match pattern must be either true or false."),
            (json!({"key": [{"exists": "no"}]}), "exists match pattern must be either true or false."),
            (json!({"key": [{"anything-but": {"prefix": false}}]}), "prefix match pattern must be a string"),
            (json!({"key": [{"anything-but": {"suffix": "test"}}]}), "Unsupported anything-but pattern: suffix"),
            (json!({"key": [{"anything-but": {"exists": false}}]}), "Unsupported anything-but pattern: exists"),
            (
                json!({"a": {"b": ["value"]}}),
                "Filter policy scope MessageAttributes does not support nested filter policy",
            ),
            (json!({"key": values(151)}), "Filter policy is too complex"),
            (json!({"a": values(100), "b": values(51)}), "Filter policy is too complex"),
            (
                json!({"a": ["1"], "b": ["2"], "c": ["3"], "d": ["4"], "e": ["5"], "f": ["6"]}),
                "Filter policy can not have more than 5 keys",
            ),
            // (4 * 6) + (4 * 4 * 4) + (4 * 4 * 4) = 152
            (
                json!({"s": values(4), "$or": [{"n": values(6)}, {"t": values(4), "$or": [{"i": values(4)}, {"p": values(4)}]}]}),
                "Filter policy is too complex",
            ),
        ] {
            let verdict = judge(&policy);
            assert_eq!(verdict.errors, [words], "{policy}");
            assert_eq!(verdict.warnings, [""; 0], "{policy}");
        }
    }

    #[test]
    fn an_operator_that_is_not_known_is_a_warning() {
        for (policy, words) in [
            (json!({"key": [{"wrong-operator": true}]}), "Unrecognized match type wrong-operator"),
            (
                json!({"key": [{"anything-but": {"wrong-operator": null}}]}),
                "Unsupported anything-but pattern: wrong-operator",
            ),
            (json!({"key": [{"wildcard": "a*b"}]}), "Unrecognized match type wildcard"),
        ] {
            assert_eq!(judge(&policy), Verdict { errors: vec![], warnings: vec![words.to_owned()] }, "{policy}");
        }
    }

    #[test]
    fn what_sns_accepts_passes() {
        for policy in [
            json!({"verdict": ["old", "root", "unknown"]}),
            json!({"key": [1, true, null, "x", {"prefix": "a"}, {"suffix": "b"}, {"equals-ignore-case": "c"}]}),
            json!({"key": [{"anything-but": {"prefix": "test-"}}]}),
            json!({"key": [{"anything-but": ["test", "test2"]}, {"anything-but": "test"}]}),
            json!({"key": [{"numeric": [">", 20, "<=", 30]}, {"numeric": ["=", 5.5]}, {"numeric": ["<", 0]}]}),
            json!({"key": [{"exists": false}], "ip": [{"cidr": "10.0.0.0/8"}, {"cidr": "2001:db8::/32"}]}),
            json!({"key": values(150)}),
            // (3 * 6) + (3 * 4 * 4) + (3 * 4 * 7) = 150, and five keys.
            json!({"s": values(3), "$or": [{"n": values(6)}, {"t": values(4), "$or": [{"i": values(4)}, {"p": values(7)}]}]}),
        ] {
            assert_eq!(judge(&policy), Verdict::default(), "{policy}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_reported() {
        let verdict = judge(&json!({"a": [], "b": "x", "c": [{"exists": 1}, {"new-one": 1}]}));
        assert_eq!((verdict.errors.len(), verdict.warnings.len()), (3, 1));
        assert_eq!(judge(&json!([])).errors.len(), 1);
        assert_eq!(judge(&json!({})).errors.len(), 1, "SNS removes a policy for which this is set");
    }
}
