//! The field-by-field difference of two states, by way of their serialised form.

use serde::Serialize;
use serde_json::Value;

use crate::FieldPath;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Where it is.
    pub path: FieldPath,
    /// What is there now; null where the field or the whole object is not there.
    pub before: Value,
    /// What will be there; null where it goes away.
    pub after: Value,
    /// What it says to a person, as the resource knows.
    #[serde(skip)]
    pub meaning: Meaning,
}

/// What a field that differs says to a person who does not want to see all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Meaning {
    /// It follows from names and defaults.
    #[default]
    Derived,
    /// A person decides it.
    Decided,
    /// It stands for a whole element of a set that comes or goes.
    Element {
        /// What kind of element: the protocol of a subscription.
        kind: String,
        /// Which one.
        name: String,
    },
    /// It belongs to an element that comes or goes, for which another field stands.
    OfElement,
}

/// Every field in which `after` differs from `before`, in the order of their names. A null, a missing
/// field and an object without fields are the same.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    walk(FieldPath::root(), before, after, &mut found);
    found
}

fn walk(path: FieldPath, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            for (key, value) in a {
                walk(path.key(key), b.get(key).unwrap_or(&Value::Null), value, found);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                walk(path.key(key), value, &Value::Null, found);
            }
        }
        (Value::Null, Value::Object(a)) => {
            for (key, value) in a {
                walk(path.key(key), &Value::Null, value, found);
            }
        }
        (Value::Object(b), Value::Null) => {
            for (key, value) in b {
                walk(path.key(key), value, &Value::Null, found);
            }
        }
        (Value::Array(b), Value::Array(a)) if b.len() == a.len() && a.iter().any(Value::is_object) => {
            for (index, (b, a)) in b.iter().zip(a).enumerate() {
                walk(path.index(index), b, a, found);
            }
        }
        _ => {
            found.push(FieldChange { path, before: before.clone(), after: after.clone(), meaning: Meaning::default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        changes(before, after).into_iter().map(|c| format!("{}: {} -> {}", c.path, c.before, c.after)).collect()
    }

    #[test]
    fn equal_states_have_no_changes() {
        let state = json!({"name": "a", "tags": {"x": "1"}, "layers": []});
        assert!(changes(&state, &state).is_empty());
    }

    #[test]
    fn a_nested_field_is_named_by_its_path() {
        assert_eq!(
            paths(&json!({"a": {"b": {"c": 1}}, "same": 1}), &json!({"a": {"b": {"c": 2}}, "same": 1})),
            ["a.b.c: 1 -> 2"]
        );
    }

    #[test]
    fn an_object_that_is_not_there_yet_lists_every_field_but_the_null_ones() {
        assert_eq!(paths(&Value::Null, &json!({"a": 1, "none": null})), ["a: null -> 1"]);
    }

    #[test]
    fn a_key_that_goes_away_is_shown_with_its_old_value() {
        assert_eq!(paths(&json!({"tags": {"x": "1"}}), &json!({"tags": {}})), ["tags.x: \"1\" -> null"]);
    }

    #[test]
    fn an_object_without_fields_is_as_good_as_none() {
        assert!(changes(&Value::Null, &json!({})).is_empty());
        assert!(changes(&json!({"tags": {}}), &json!({})).is_empty());
    }

    #[test]
    fn lists_of_objects_of_one_length_are_compared_one_by_one() {
        assert_eq!(paths(&json!({"s": [{"a": 1}, {"a": 2}]}), &json!({"s": [{"a": 1}, {"a": 3}]})), ["s[1].a: 2 -> 3"]);
    }

    #[test]
    fn other_lists_are_compared_as_a_whole() {
        assert_eq!(paths(&json!({"s": ["a"]}), &json!({"s": ["a", "b"]})), ["s: [\"a\"] -> [\"a\",\"b\"]"]);
    }
}
