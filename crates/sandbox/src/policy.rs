//! Whether IAM policy documents allow an action. Knows no world: documents, action, resource in, verdict out.
//!
//! Conditions are evaluated for the string and ARN operators on the keys that the caller supplies or knows to be absent.
//! One that cannot be evaluated is taken as met in an Allow and as not met in a Deny; where all keys are known, as not met
//! in either.

use std::collections::BTreeMap;

use serde_json::Value;
use wildmatch::WildMatch;

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
    /// Condition keys that have several values, or none.
    pub(crate) lists: &'a [(&'static str, Vec<String>)],
    /// Which condition keys are known to be absent.
    pub(crate) absent: Absent,
}

/// What is known of the condition keys that have no value.
#[derive(Clone, Debug)]
pub(crate) enum Absent {
    /// These are absent; of others nothing is known.
    These(Vec<&'static str>),
    /// Whatever has no value is absent.
    AllOthers,
}

impl Question<'_> {
    fn lacks(&self, key: &str) -> bool {
        match &self.absent {
            Absent::These(keys) => keys.iter().any(|known| known.eq_ignore_ascii_case(key)),
            Absent::AllOthers => true,
        }
    }
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
    action_fits && resource_fits && conditions_met(&statement["Condition"], question, deny)
}

fn conditions_met(conditions: &Value, question: &Question<'_>, deny: bool) -> bool {
    let Some(operators) = conditions.as_object() else {
        return true;
    };
    let otherwise = !deny && matches!(question.absent, Absent::These(_));
    operators.iter().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, wanted)| {
            let list = question.lists.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            if let Some((_, values)) = list {
                return met_by_all_or_any(operator, wanted, values).unwrap_or(otherwise);
            }
            let known = question.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            met(operator, wanted, known.map(|(_, value)| value), question.lacks(key)).unwrap_or(otherwise)
        })
    })
}

/// Whether one condition holds for a key with several values, or none (IAM user guide, "Set operators for multivalued
/// context keys"). Without a set operator it holds for a key with one value alone.
fn met_by_all_or_any(operator: &str, wanted: &Value, values: &[String]) -> Option<bool> {
    let holds = |operator: &str, value: &String| met(operator, wanted, Some(value), false);
    match operator.split_once(':') {
        Some(("ForAllValues", operator)) => {
            values.iter().map(|value| holds(operator, value)).try_fold(true, |all, one| Some(all && one?))
        }
        Some(("ForAnyValue", operator)) => {
            values.iter().map(|value| holds(operator, value)).try_fold(false, |any, one| Some(any || one?))
        }
        Some(_) => None,
        None => met(operator, wanted, values.first(), values.is_empty()),
    }
}

/// Whether one condition holds; `None` where it cannot be told.
fn met(operator: &str, wanted: &Value, known: Option<&String>, absent: bool) -> Option<bool> {
    if operator == "Null" && (absent || known.is_some()) {
        return Some(texts(wanted).any(|wanted| wanted == if known.is_none() { "true" } else { "false" }));
    }
    let value = match known {
        Some(value) => value,
        // A key that is absent meets only what asks for it to differ or leaves it open (IAM user guide, "Condition
        // operators").
        None if absent => return Some(operator.ends_with("IfExists") || operator.contains("Not")),
        None => return None,
    };
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
    WildMatch::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(document: &Value, action: &str, resource: &str) -> Verdict {
        let context = BTreeMap::from([("aws:RequestedRegion".to_owned(), "eu-west-1".to_owned())]);
        let absent = Absent::These(vec!["aws:PrincipalOrgID"]);
        evaluate([document], &Question { action, resources: &[resource.to_owned()], context, lists: &[], absent })
    }

    #[test]
    fn wildcards_match_any_run_of_characters() {
        assert!(matches("arn:aws:sns:*:1:a*c", "arn:aws:sns:eu:1:abbc"));
        assert!(matches("*", ""));
        assert!(!matches("iam:List?sers", "iam:ListRoles"));
    }

    #[test]
    fn all_of_several_values_have_to_fit_and_none_fits_unless_it_is_ruled_out() {
        let allowed = |condition: Value, values: &[&str]| {
            let document =
                json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}});
            let lists = [("ses:Recipients", values.iter().map(|value| (*value).to_owned()).collect())];
            let (context, absent) = (BTreeMap::new(), Absent::These(Vec::new()));
            let resources = ["x".to_owned()];
            let question = Question { action: "ses:SendEmail", resources: &resources, context, lists: &lists, absent };
            evaluate([&document], &question) == Verdict::Allowed
        };
        let all = json!({"ForAllValues:StringLike": {"ses:Recipients": "*@a.b"}});
        assert!(allowed(all.clone(), &["x@a.b", "y@a.b"]) && !allowed(all.clone(), &["x@a.b", "y@c.d"]));
        assert!(allowed(all.clone(), &[]));
        let guarded =
            json!({"ForAllValues:StringLike": {"ses:Recipients": "*@a.b"}, "Null": {"ses:Recipients": "false"}});
        assert!(allowed(guarded.clone(), &["x@a.b"]) && !allowed(guarded, &[]));
        let any = json!({"ForAnyValue:StringLike": {"ses:Recipients": "*@a.b"}});
        assert!(allowed(any.clone(), &["x@a.b", "y@c.d"]) && !allowed(any.clone(), &["y@c.d"]) && !allowed(any, &[]));
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

    #[test]
    fn a_condition_key_that_is_absent_equals_nothing_and_differs_from_everything() {
        let allowed = |operator: &str, value: &str| {
            let document = json!({"Statement": {
                "Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {operator: {"aws:PrincipalOrgID": value}},
            }});
            verdict(&document, "sns:Publish", "x") == Verdict::Allowed
        };
        assert!(!allowed("StringEquals", "o-1") && !allowed("StringLike", "*") && !allowed("Null", "false"));
        assert!(allowed("StringNotEquals", "o-1") && allowed("StringEqualsIfExists", "o-1") && allowed("Null", "true"));
    }
}
