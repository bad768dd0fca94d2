//! Plans as people see them.

use keyminder_reconcile::{Address, Extra, FieldChange, Meaning};
use serde_json::{Value, json};

use super::*;

fn change(address: &'static str, action: Action, fields: Vec<FieldChange>) -> Change {
    Change {
        address: Address(address),
        name: format!("the-{address}"),
        action,
        fields,
        extras: vec![],
        not_checked: vec![],
        foreign: None,
        replace: false,
        part_of: None,
    }
}

fn field(path: &str, before: Value, after: Value) -> FieldChange {
    FieldChange { path: path.into(), before, after, meaning: Meaning::Decided }
}

fn shown(plan: &Plan) -> String {
    console::strip_ansi_codes(&super::plan(plan, false, 80)).into_owned()
}

#[test]
fn a_plan_shows_each_field_before_and_after_and_fits_eighty_columns() {
    let long = "word ".repeat(40).trim_end().to_owned();
    let plan = Plan {
        purpose: Purpose::Converge { adopt: false },
        changes: vec![
            change("sns_topic", Action::Create, vec![field("display_name", Value::Null, json!("IAM access keys"))]),
            change(
                "lambda_function",
                Action::Update,
                vec![
                    field("timeout_seconds", json!(60), json!(300)),
                    field("layers", json!([]), json!(["a", "b"])),
                    FieldChange {
                        path: ["tags", "team"].into(),
                        before: json!("x"),
                        after: Value::Null,
                        meaning: Meaning::Derived,
                    },
                    field("description", json!(""), json!(long)),
                ],
            ),
            change("iam_role", Action::None, vec![]),
        ],
    };
    let text = shown(&plan);
    insta::assert_snapshot!(text, @r#"
      + create sns_topic               the-sns_topic
          display_name  IAM access keys
      ~ change lambda_function         the-lambda_function
          timeout_seconds  60 → 300
          layers           [] → [a, b]
          tags.team        x → (none)
          description      "" → word word word word word word word word word word
                           word word word word word word word word word word word
                           word word word word word word word word word word word
                           word word word word word word word word

    1 to create, 1 to change, 1 unchanged.
    "#);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_teardown_lists_what_goes_in_the_order_of_going_and_what_stays_and_why() {
    let mut rule = change("events_rule", Action::Delete, vec![]);
    rule.extras.push(
        Extra::new(keyminder_stack::extras::TARGET, "2")
            .target("arn:aws:sqs:eu-west-1:123456789012:q")
            .blocks_deletion(),
    );
    let mut topic = change("sns_topic", Action::None, vec![]);
    topic.foreign = Some("it carries no keyminder tags".into());
    let plan =
        Plan { purpose: Purpose::Destroy, changes: vec![topic, rule, change("events_target", Action::Delete, vec![])] };
    let text = shown(&plan);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is not in {text}"));
    assert!(at("events_target") < at("events_rule"));
    assert!(at("added by others: target 2") > 0 && at("not created by this installation, left alone:") > 0);
    assert!(text.ends_with("2 to delete."));
    assert_eq!(blockers(&plan).len(), 1);
}

#[test]
fn no_changes_are_said_in_one_line() {
    let plan =
        Plan { purpose: Purpose::Converge { adopt: false }, changes: vec![change("sns_topic", Action::None, vec![])] };
    assert_eq!(shown(&plan), "No changes: all 1 resources are up to date.");
}

#[test]
fn a_list_of_actions_shows_what_is_new_and_what_goes_and_not_the_rest() {
    let (before, after) =
        (json!(["iam:ListUsers", "iam:GetUser", "iam:Old"]), json!(["iam:ListUsers", "iam:GetUser", "iam:New"]));
    let plan = Plan {
        purpose: Purpose::Converge { adopt: false },
        changes: vec![change("iam_policy", Action::Update, vec![field("actions", before, after)])],
    };
    let text = shown(&plan);
    assert!(text.contains("        - iam:Old\n        + iam:New\n"), "{text}");
    assert!(!text.contains("ListUsers"), "{text}");
}
