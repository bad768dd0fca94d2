//! Whatever somebody changes from outside is shown in the plan and put right by the next setup.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use keyminder_reconcile::{Removal, changes};
use keyminder_sandbox::Options;
use keyminder_testkit::account::edits::{DELETIONS, DRIFT, add_extras, role, subscription, topic};
use keyminder_testkit::account::{Account, CONVERGE, actions, paths, spec};
use serde_json::json;

#[tokio::test]
async fn every_owned_field_changed_from_outside_is_shown_and_put_right() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let right = account.sandbox.snapshot();
    let mut wrong = Vec::new();
    for (path, edit) in DRIFT {
        account.sandbox.edit(edit);
        let run = account.setup(&spec()).await;
        let shown = paths(&run.plan).into_iter().chain(actions(&run.plan)).any(|shown| shown.starts_with(path));
        account.sandbox.confirm("ops@example.com");
        if !shown {
            wrong.push(format!("{path} is not in the plan: {:?}", paths(&run.plan)));
        } else if !run.is_right() {
            wrong.push(format!("{path} is not put right: {:?} {:?}", run.outcome, run.then.map(|plan| paths(&plan))));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut now = account.sandbox.snapshot();
    // The versions of a policy are its history; all else is as it was.
    let (then, now_versions) = (versions(&right), versions(&now));
    now = serde_json::from_str(&now.to_string().replace(&now_versions, &then)).unwrap();
    assert_eq!(changes(&without_ids(right), &without_ids(now)), []);
}

/// A role that was made again has another id, and the function is tagged with it; subscriptions are recorded with
/// their time.
fn without_ids(mut snapshot: serde_json::Value) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.remove("keyminder:role-id");
                map.retain(|key, _| !key.starts_with("keyminder:subscription:"));
                map.values_mut().for_each(strip);
                // Spelt out or left out, these mean the same.
                map.retain(|_, value| *value != json!({}) && *value != json!("false"));
            }
            serde_json::Value::Array(list) => {
                list.iter_mut().for_each(strip);
                list.sort_by_key(|value| value.get("endpoint").map(ToString::to_string));
            }
            _ => {}
        }
    }
    strip(&mut snapshot);
    snapshot
}

fn versions(snapshot: &serde_json::Value) -> String {
    fn find(value: &serde_json::Value) -> Option<&serde_json::Value> {
        match value {
            serde_json::Value::Object(map) => map.iter().find_map(|(key, value)| {
                if key == "versions" && value.to_string().contains("ReadUsersAndKeys") {
                    Some(value)
                } else {
                    find(value)
                }
            }),
            serde_json::Value::Array(list) => list.iter().find_map(find),
            _ => None,
        }
    }
    find(snapshot).map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn each_resource_deleted_from_outside_is_made_again_with_all_that_hung_on_it() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let right = account.sandbox.snapshot();
    for (what, delete, expected) in DELETIONS {
        account.sandbox.edit(delete);
        let run = account.setup(&spec()).await.expect_right();
        account.sandbox.confirm("ops@example.com");
        assert_eq!(actions(&run.plan), *expected, "{what}");
        assert_eq!(changes(&without_ids(right.clone()), &without_ids(account.sandbox.snapshot())), [], "{what}");
    }
}

#[tokio::test]
async fn documents_equal_in_meaning_are_no_drift() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| {
        let root = topic(world).attributes["Policy"]
            .replace(r#""AWS":"123456789012""#, r#""AWS":["arn:aws:iam::123456789012:root"]"#);
        topic(world).attributes.insert("Policy".into(), root.replace("sns:Publish", "SNS:Publish"));
        role(world).trust =
            r#"{"Statement":{"Action":["sts:AssumeRole"],"Principal":{"Service":["lambda.amazonaws.com"]},
            "Effect":"Allow"},"Version":"2012-10-17"}"#
                .into();
    });
    let plan = account.plan(&spec(), CONVERGE).await;
    assert!(plan.is_empty(), "{:?}", paths(&plan));
}

#[tokio::test]
async fn a_scope_that_sns_does_not_show_does_not_change_what_a_new_filter_policy_means() {
    let account = Account::installed(Options::instant(), &spec()).await;
    let scope = |account: &Account| {
        account.sandbox.edit(|world| subscription(world, "sqs").attributes.get("FilterPolicyScope").cloned())
    };
    account.sandbox.edit(|world| {
        subscription(world, "sqs").attributes.insert("FilterPolicyScope".into(), "MessageBody".into());
    });
    assert!(account.plan(&spec(), CONVERGE).await.is_empty(), "a scope without a policy has no effect");

    let mut filtered = spec();
    filtered.notify.subscriptions.as_mut().unwrap()[1].filter_policy = Some(json!({"verdict": ["old"]}));
    account.setup(&filtered).await.expect_right();
    assert_eq!(scope(&account).as_deref(), Some("MessageAttributes"));

    // Somebody's nested policy, which SNS takes only for the body, is replaced together with its scope.
    account.sandbox.edit(|world| {
        let attributes = &mut subscription(world, "sqs").attributes;
        attributes.insert("FilterPolicy".into(), r#"{"a":{"b":["c"]}}"#.into());
        attributes.insert("FilterPolicyScope".into(), "MessageBody".into());
    });
    account.setup(&filtered).await.expect_right();
    assert_eq!(scope(&account).as_deref(), Some("MessageAttributes"));

    account.sandbox.edit(|world| {
        subscription(world, "sqs").attributes.insert("FilterPolicyScope".into(), "MessageBody".into());
    });
    account.setup(&spec()).await.expect_right();
    assert_eq!(scope(&account).as_deref(), Some("MessageBody"), "no scope is sent without a policy");
}

#[tokio::test]
async fn what_others_added_is_reported_and_left_alone_and_named_when_it_stands_in_the_way() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(add_extras);
    let before = account.sandbox.snapshot();
    let run = account.setup(&spec()).await.expect_right();
    assert!(run.plan.is_empty());
    assert_eq!(account.sandbox.snapshot(), before, "setup leaves them");
    let extras: Vec<_> = run.plan.changes.iter().flat_map(|change| &change.extras).map(ToString::to_string).collect();
    assert_eq!(extras.len(), 5, "{extras:?}");

    let plan = account.plan(&spec(), keyminder_reconcile::Purpose::Destroy).await;
    let blockers: Vec<_> = plan.blockers().iter().map(|(address, _)| address.0).collect();
    assert_eq!(blockers, ["iam_role_attachment", "iam_role_attachment", "events_target"]);
    let empty = Account::new().await.sandbox.snapshot();
    account.teardown(&spec(), Removal { force: true }).await.expect_right();
    assert_eq!(account.sandbox.snapshot(), empty);
}
