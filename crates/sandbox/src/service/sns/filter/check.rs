//! Whether a filter policy is one that SNS takes, and what SNS says where it is not.
//!
//! Behaviour: SNS developer guide, "Filter policy constraints in Amazon SNS"; the words are those of SNS's answers.

use serde_json::{Map, Value};

use super::scan::{Scanner, Token};

/// The most keys of a policy.
const MOST_KEYS: usize = 5;

/// The most combinations of values.
const MOST_COMBINATIONS: u64 = 150;

/// The reason why SNS refuses a policy, if it does. `nesting` says whether keys may be nested: they may where the policy
/// is about the message's body.
pub(in super::super) fn check(policy: &str, nesting: bool) -> Result<(), Refusal> {
    let value: Value =
        serde_json::from_str(policy).map_err(|error| Refusal::Policy(parse_failure(policy, &error.to_string())))?;
    let Value::Object(policy_keys) = &value else {
        return Err(Refusal::Policy("Filter is not an object".into()));
    };
    let mut scanner = Scanner::new(policy);
    scanner.advance();
    object(&mut scanner).map_err(Refusal::Policy)?;
    if !nesting && is_nested(policy_keys) {
        return Err(Refusal::Scope);
    }
    if count_keys(policy_keys) > MOST_KEYS {
        return Err(Refusal::Policy(format!("Filter policy can not have more than {MOST_KEYS} keys")));
    }
    if combinations(policy_keys, 1) > MOST_COMBINATIONS {
        return Err(Refusal::Policy("Filter policy is too complex".into()));
    }
    Ok(())
}

/// Why a policy is refused.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    /// The policy itself is at fault.
    Policy(String),
    /// It nests keys, and its scope is the message's attributes.
    Scope,
}

/// How SNS's parser words what is no JSON. Only its two commonest complaints are known.
pub(in super::super) fn parse_failure(text: &str, otherwise: &str) -> String {
    let place = |column: usize| {
        format!(
            "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
        )
    };
    let complaint = match text.strip_prefix('{').and_then(|rest| rest.chars().next()) {
        Some(first) if first != '"' && first != '}' => format!(
            "Unexpected character ('{first}' (code {})): was expecting double-quote to start field name{}",
            u32::from(first),
            place(2)
        ),
        _ => {
            let token: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if token.is_empty() {
                otherwise.to_owned()
            } else {
                format!(
                    "Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false'){}",
                    place(token.chars().count() + 1)
                )
            }
        }
    };
    format!("failed to parse JSON. {complaint}")
}

/// The fields of an object whose brace was read.
fn object(scanner: &mut Scanner) -> Result<(), String> {
    while let Token::Name(name) = scanner.advance() {
        match scanner.advance() {
            Token::StartObject => object(scanner)?,
            Token::StartArray if name == "$or" && scanner.peek() == Token::StartObject => {
                while scanner.advance() == Token::StartObject {
                    object(scanner)?;
                }
            }
            Token::StartArray => rules(scanner)?,
            _ => return Err(scanner.met(&format!("\"{name}\" must be an object or an array"))),
        }
    }
    Ok(())
}

/// The rules of a key, whose bracket was read.
fn rules(scanner: &mut Scanner) -> Result<(), String> {
    if scanner.peek() == Token::EndArray {
        scanner.advance();
        return Err(scanner.met("Empty arrays are not allowed"));
    }
    loop {
        match scanner.advance() {
            Token::EndArray | Token::End => return Ok(()),
            Token::Text(_) | Token::Literal(_) => {}
            Token::StartObject => operator(scanner)?,
            _ => return Err(scanner.met("Match value must be String, number, true, false, or null")),
        }
    }
}

/// One operator and its operand, whose brace was read.
fn operator(scanner: &mut Scanner) -> Result<(), String> {
    let Token::Name(name) = scanner.advance() else {
        return Err(scanner.met("Match expression name not found"));
    };
    match name.as_str() {
        "prefix" | "suffix" | "equals-ignore-case" => text(scanner, &name)?,
        "cidr" => cidr(scanner)?,
        "anything-but" => anything_but(scanner)?,
        "numeric" => numeric(scanner)?,
        "exists" => match scanner.advance() {
            Token::Literal(Value::Bool(_)) => {}
            _ => return Err(scanner.met("exists match pattern must be either true or false.")),
        },
        unknown => return Err(scanner.met(&format!("Unrecognized match type {unknown}"))),
    }
    match scanner.advance() {
        Token::EndObject => Ok(()),
        _ => Err(scanner.met("Only one key allowed in match expression")),
    }
}

fn text(scanner: &mut Scanner, operator: &str) -> Result<(), String> {
    match scanner.advance() {
        Token::Text(_) => Ok(()),
        _ => Err(scanner.met(&format!("{operator} match pattern must be a string"))),
    }
}

fn cidr(scanner: &mut Scanner) -> Result<(), String> {
    let Token::Text(range) = scanner.advance() else {
        return Err(scanner.met("prefix match pattern must be a string"));
    };
    let parts: Vec<&str> = range.split('/').collect();
    let [address, bits] = parts[..] else {
        return Err("Malformed CIDR, one '/' required".into());
    };
    let Ok(bits) = bits.parse::<u32>() else {
        return Err("Malformed CIDR, mask bits must be an integer".into());
    };
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return Err(format!("Nonstandard IP address: {address}"));
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most {
        return Err(format!("Malformed CIDR, mask bits must not be greater than {most}"));
    }
    Ok(())
}

fn anything_but(scanner: &mut Scanner) -> Result<(), String> {
    match scanner.advance() {
        Token::StartObject => {
            let Token::Name(name) = scanner.advance() else {
                return Err(scanner.met("Anything-But expression name not found"));
            };
            if name != "prefix" {
                return Err(scanner.met(&format!("Unsupported anything-but pattern: {name}")));
            }
            text(scanner, "prefix")?;
            match scanner.advance() {
                Token::EndObject => Ok(()),
                _ => Err(scanner.met("Only one key allowed in match expression")),
            }
        }
        Token::StartArray => loop {
            match scanner.advance() {
                Token::EndArray => return Ok(()),
                Token::Text(_) | Token::Literal(Value::Number(_)) => {}
                _ => return Err(scanner.met("Inside anything but list, start|null|boolean is not supported.")),
            }
        },
        Token::Text(_) | Token::Literal(Value::Number(_)) => Ok(()),
        _ => Err(scanner.met("Value of anything-but must be an array or single string/number value.")),
    }
}

/// `["=", 1]`, `[">", 0]`, `[">", 0, "<=", 90]`.
fn numeric(scanner: &mut Scanner) -> Result<(), String> {
    if scanner.advance() != Token::StartArray {
        return Err(scanner.met("Value of numeric must be an array."));
    }
    let first = scanner.advance();
    let Token::Text(operator) = first else {
        return Err(scanner.met(&format!("Invalid member in numeric match: {}", first.shown())));
    };
    let low = match operator.as_str() {
        "=" => number(scanner, "equals")?,
        "<" | "<=" | ">" | ">=" => number(scanner, &operator)?,
        unknown => {
            scanner.advance();
            return Err(scanner.met(&format!("Unrecognized numeric range operator: {unknown}")));
        }
    };
    match scanner.advance() {
        Token::EndArray => return Ok(()),
        _ if !operator.starts_with('>') => {
            return Err(scanner.met("Too many elements in numeric expression"));
        }
        Token::Text(second) if second == "<" || second == "<=" => {
            let high = number(scanner, &second)?;
            if scanner.advance() != Token::EndArray {
                return Err(scanner.met("Too many terms in numeric range expression"));
            }
            if low >= high {
                return Err(scanner.met("Bottom must be less than top"));
            }
        }
        Token::Text(second) => return Err(scanner.read(&format!("Bad numeric range operator: {second}"))),
        other => return Err(scanner.met(&format!("Bad value in numeric range: {}", other.shown()))),
    }
    Ok(())
}

fn number(scanner: &mut Scanner, of: &str) -> Result<f64, String> {
    match scanner.advance() {
        Token::Literal(Value::Number(number)) => Ok(number.as_f64().unwrap_or_default()),
        _ => Err(scanner.met(&format!("Value of {of} must be numeric"))),
    }
}

/// The alternatives of an `$or`, where this is one.
fn alternatives<'v>(name: &str, value: &'v Value) -> Option<Vec<&'v Map<String, Value>>> {
    let list = value.as_array().filter(|list| name == "$or" && list.iter().all(Value::is_object))?;
    Some(list.iter().filter_map(Value::as_object).collect())
}

fn is_nested(policy: &Map<String, Value>) -> bool {
    policy.iter().any(|(name, value)| match alternatives(name, value) {
        Some(alternatives) => alternatives.into_iter().any(is_nested),
        None => value.is_object(),
    })
}

/// Only the outermost keys count.
fn count_keys(policy: &Map<String, Value>) -> usize {
    let of = |(name, value): (&String, &Value)| match alternatives(name, value) {
        Some(alternatives) => alternatives.into_iter().map(count_keys).sum(),
        None => 1,
    };
    policy.iter().map(of).sum()
}

/// The product over the keys, each of whose values counts as often as it is deep; alternatives add up.
fn combinations(policy: &Map<String, Value>, depth: u64) -> u64 {
    let of = |(name, value): (&String, &Value)| match (alternatives(name, value), value) {
        (Some(alternatives), _) => {
            alternatives.into_iter().map(|one| combinations(one, depth)).fold(0, u64::saturating_add)
        }
        (None, Value::Object(nested)) => combinations(nested, depth + 1),
        (None, Value::Array(rules)) => depth.saturating_mul(rules.len() as u64),
        _ => 1,
    };
    policy.iter().map(of).fold(1, u64::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &str) -> String {
        match check(policy, true) {
            Err(Refusal::Policy(reason)) => reason,
            other => panic!("{policy}: {other:?}"),
        }
    }

    #[test]
    fn a_refusal_has_the_words_of_sns_and_the_place_up_to_which_it_had_read() {
        for (policy, reason, column) in [
            (r#"{"key":[["value"]]}"#, "Match value must be String, number, true, false, or null", 10),
            (r#"{"key":[{"wrong":true}]}"#, "Unrecognized match type wrong", 22),
            (r#"{"key":[{"suffix":"a","prefix":"b"}]}"#, "Only one key allowed in match expression", 33),
            (r#"{"key":[{"prefix":1}]}"#, "prefix match pattern must be a string", 20),
            (r#"{"key":[]}"#, "Empty arrays are not allowed", 10),
            (r#"{"key":{"prefix":"a"}}"#, "\"prefix\" must be an object or an array", 19),
            (r#"{"key":[{"exists":"no"}]}"#, "exists match pattern must be either true or false.", 20),
            (r#"{"key":[{"numeric":[]}]}"#, "Invalid member in numeric match: ]", 22),
            (r#"{"key":[{"numeric":["about",1]}]}"#, "Unrecognized numeric range operator: about", 30),
            (r#"{"key":[{"numeric":["=","0"]}]}"#, "Value of equals must be numeric", 26),
            (r#"{"key":[{"numeric":["<",9,">",1]}]}"#, "Too many elements in numeric expression", 28),
            (r#"{"key":[{"numeric":[">",1,">",2]}]}"#, "Bad numeric range operator: >", 30),
            (r#"{"key":[{"numeric":[">",3,"<",1]}]}"#, "Bottom must be less than top", 33),
            (r#"{"key":[{"numeric":[">",2,3]}]}"#, "Bad value in numeric range: 3", 28),
            (r#"{"key":[{"anything-but":{"suffix":"a"}}]}"#, "Unsupported anything-but pattern: suffix", 36),
        ] {
            let expected = format!("{reason}\n at [Source: (String)\"{policy}\"; line: 1, column: {column}]");
            assert_eq!(refused(policy), expected);
            let spaced = policy.replace(':', " : ").replace(',', " ,\n");
            assert_eq!(refused(&spaced), expected, "blanks do not count");
        }
    }

    #[test]
    fn a_policy_has_at_most_five_keys_and_150_combinations() {
        let values = |n: usize| vec!["x"; n];
        let policy = |value: Value| check(&value.to_string(), true);
        let complex = Err(Refusal::Policy("Filter policy is too complex".into()));
        assert_eq!(policy(serde_json::json!({"a": values(150)})), Ok(()));
        assert_eq!(policy(serde_json::json!({"a": values(151)})), complex);
        assert_eq!(policy(serde_json::json!({"a": {"b": values(75)}})), Ok(()), "two levels deep: twice");
        assert_eq!(policy(serde_json::json!({"a": {"b": values(76)}})), complex);
        assert_eq!(policy(serde_json::json!({"$or": [{"a": values(75)}, {"b": values(75)}]})), Ok(()));
        assert_eq!(policy(serde_json::json!({"$or": [{"a": values(75)}, {"b": values(76)}]})), complex);
        let keys = |n: u8| (b'a'..b'a' + n).map(|key| (char::from(key).to_string(), serde_json::json!(["x"])));
        assert_eq!(policy(Value::Object(keys(5).collect())), Ok(()));
        let many = Err(Refusal::Policy("Filter policy can not have more than 5 keys".into()));
        assert_eq!(policy(Value::Object(keys(6).collect())), many);
    }

    #[test]
    fn keys_nest_only_where_the_body_is_filtered() {
        assert_eq!(check(r#"{"a":{"b":["x"]}}"#, false), Err(Refusal::Scope));
        assert_eq!(check(r#"{"a":{"b":["x"]}}"#, true), Ok(()));
    }
}
