//! Whether IAM policy documents allow an action. Knows no world: documents, action, resource in, verdict out.
//!
//! Conditions are evaluated for the string and ARN operators on the keys that the caller supplies. One that cannot be
//! evaluated is taken as met in an Allow and as not met in a Deny.

use std::collections::BTreeMap;

use serde_json::Value;

/// What policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// No statement allows it.
    Unmentioned,
    /// A statement denies it.
    Denied,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    /// The forms of the resource's ARN: CloudWatch Logs, for one, knows a group's with and without `:*`.
    pub(crate) resources: &'a [String],
    /// Condition keys and their values.
    pub(crate) context: BTreeMap<String, String>,
}

/// Evaluates the documents together.
pub(crate) fn evaluate<'d>(documents: impl IntoIterator<Item = &'d Value>, question: &Question<'_>) -> Verdict {
    let mut verdict = Verdict::Unmentioned;
    for statement in documents.into_iter().flat_map(|document| one_or_many(&document["Statement"])) {
        let deny = statement["Effect"] == "Deny";
        if applies(statement, question, deny) {
            if deny {
                return Verdict::Denied;
            }
            verdict = Verdict::Allowed;
        }
    }
    verdict
}

fn applies(statement: &Value, question: &Question<'_>, deny: bool) -> bool {
    let action = question.action.to_ascii_lowercase();
    let named = |list: &Value| texts(list).any(|pattern| matches(&pattern.to_ascii_lowercase(), &action));
    let held = |list: &Value| {
        let patterns: Vec<&str> = texts(list).collect();
        patterns.iter().any(|pattern| question.resources.iter().any(|arn| matches(pattern, arn)))
    };
    let action_fits = match statement.get("NotAction") {
        Some(list) => !named(list),
        None => named(&statement["Action"]),
    };
    let resource_fits = match (statement.get("NotResource"), statement.get("Resource")) {
        (Some(list), _) => !held(list),
        (None, Some(list)) => held(list),
        (None, None) => true,
    };
    action_fits && resource_fits && conditions_met(&statement["Condition"], &question.context, deny)
}

fn conditions_met(conditions: &Value, context: &BTreeMap<String, String>, deny: bool) -> bool {
    let Some(operators) = conditions.as_object() else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, wanted)| {
            let known = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
            met(operator, wanted, known).unwrap_or(!deny)
        })
    })
}

/// Whether one condition holds; `None` where it cannot be told.
fn met(operator: &str, wanted: &Value, known: Option<&String>) -> Option<bool> {
    let value = known?;
    let any = |test: &dyn Fn(&str) -> bool| Some(texts(wanted).any(test));
    match operator.trim_end_matches("IfExists") {
        "StringEquals" => any(&|wanted| wanted == value),
        "StringNotEquals" => Some(texts(wanted).all(|wanted| wanted != value)),
        "StringEqualsIgnoreCase" => any(&|wanted| wanted.eq_ignore_ascii_case(value)),
        "StringLike" | "ArnLike" | "ArnEquals" => any(&|wanted| matches(wanted, value)),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Some(!texts(wanted).any(|wanted| matches(wanted, value))),
        _ => None,
    }
}

/// One value or a list of them, as policy documents write either.
pub(crate) fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    one_or_many(value).iter().filter_map(Value::as_str)
}

/// Whether `text` fits `pattern`, where `*` is any run of characters and `?` any one.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(document: &Value, action: &str, resource: &str) -> Verdict {
        let context = BTreeMap::from([("aws:RequestedRegion".to_owned(), "eu-west-1".to_owned())]);
        evaluate([document], &Question { action, resources: &[resource.to_owned()], context })
    }

    #[test]
    fn wildcards_match_any_run_of_characters() {
        assert!(matches("arn:aws:sns:*:1:a*c", "arn:aws:sns:eu:1:abbc"));
        assert!(matches("*", ""));
        assert!(!matches("iam:List?sers", "iam:ListRoles"));
    }

    #[test]
    fn a_deny_beats_an_allow_and_silence_is_no_permission() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Action": "sns:*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["sns:Delete*"], "Resource": "arn:x"},
        ]});
        assert_eq!(verdict(&document, "sns:Publish", "arn:x"), Verdict::Allowed);
        assert_eq!(verdict(&document, "sns:DeleteTopic", "arn:x"), Verdict::Denied);
        assert_eq!(verdict(&document, "sns:DeleteTopic", "arn:y"), Verdict::Allowed);
        assert_eq!(verdict(&document, "iam:ListUsers", "*"), Verdict::Unmentioned);
    }

    #[test]
    fn not_action_and_conditions_narrow_a_statement() {
        let document = json!({"Statement": {
            "Effect": "Allow", "NotAction": "iam:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}},
        }});
        assert_eq!(verdict(&document, "sns:Publish", "x"), Verdict::Allowed);
        assert_eq!(verdict(&document, "iam:ListUsers", "x"), Verdict::Unmentioned);
        let elsewhere = json!({"Statement": {
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        }});
        assert_eq!(verdict(&elsewhere, "sns:Publish", "x"), Verdict::Unmentioned);
    }
}
