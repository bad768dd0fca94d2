//! What others put beside an install to gain by it: it is named, it stays, and only the file allows it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use keyminder_reconcile::{Effect, Severity};
use keyminder_sandbox::Options;
use keyminder_stack::{Allow, Notify, Spec};
use keyminder_testkit::account::edits::{self, HIJACKS};
use keyminder_testkit::account::{Account, CONVERGE, spec};

/// A way to read an install without saying who is notified, as `status` without a file does.
fn silent() -> Spec {
    let mut spec = spec();
    spec.notify = Notify::default();
    spec
}

#[tokio::test]
async fn every_hijack_is_named_with_who_gains_and_is_left_to_people() {
    for (what, address, words, edit) in HIJACKS {
        let account = Account::installed(Options::instant(), &spec()).await;
        account.sandbox.edit(edit);
        for spec in [spec(), silent()] {
            let plan = account.plan(&spec, CONVERGE).await;
            assert!(plan.is_empty(), "{what}: {:?}", edits_of(&plan));
            let concerns = plan.concerns();
            assert_eq!(concerns.len(), 1, "{what}: {concerns:?}");
            assert_eq!(concerns[0].0.0, *address, "{what}");
            assert!(concerns[0].1.to_string().contains(words), "{what}: {}", concerns[0].1);
        }
        let before = account.sandbox.snapshot();
        account.setup(&spec()).await.expect_right();
        assert_eq!(account.sandbox.snapshot(), before, "{what}: a setup takes nothing of others away");
    }
}

fn edits_of(plan: &keyminder_reconcile::Plan) -> Vec<String> {
    keyminder_testkit::account::actions(plan)
}

#[tokio::test]
async fn other_accounts_and_anybody_are_the_gravest() {
    for (what, _, _, edit) in HIJACKS.iter().filter(|one| one.2.contains("999999999999") || one.2.contains("anybody")) {
        let account = Account::installed(Options::instant(), &spec()).await;
        account.sandbox.edit(edit);
        assert_eq!(account.plan(&spec(), CONVERGE).await.concerns()[0].1.severity, Severity::Critical, "{what}");
    }
}

#[tokio::test]
async fn what_the_file_allows_is_no_concern_any_more_and_nothing_else_is_allowed_with_it() {
    for (what, address, _, edit) in HIJACKS {
        let account = Account::installed(Options::instant(), &spec()).await;
        account.sandbox.edit(edit);
        let plan = account.plan(&spec(), CONVERGE).await;
        let extra = plan.concerns()[0].1.clone();
        let entry = Allow::entry(&extra).unwrap();
        let allowing = |what: String| {
            let mut spec = spec();
            spec.allow = Allow([((*address).to_owned(), vec![what])].into());
            spec
        };
        let spec = allowing(entry.clone());
        assert!(spec.problems().is_empty(), "{:?}", spec.problems());
        let plan = account.plan(&spec, CONVERGE).await;
        assert!(plan.concerns().is_empty(), "{what}");
        let spec = allowing(format!("{entry}x"));
        assert_eq!(account.plan(&spec, CONVERGE).await.concerns().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_healthy_install_has_no_concerns_with_or_without_a_file() {
    let account = Account::installed(Options::instant(), &spec()).await;
    for spec in [spec(), silent()] {
        assert!(account.plan(&spec, CONVERGE).await.concerns().is_empty());
    }
}

#[tokio::test]
async fn what_only_narrows_is_shown_and_stays() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| edits::role(world).boundary = Some("arn:aws:iam::123456789012:policy/limit".into()));
    account.sandbox.edit(|world| {
        let mut policy: serde_json::Value = serde_json::from_str(&edits::topic(world).attributes["Policy"]).unwrap();
        let deny = serde_json::json!({"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish",
            "Resource": edits::topic(world).arn.clone(), "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        policy["Statement"].as_array_mut().unwrap().push(deny);
        edits::topic(world).attributes.insert("Policy".into(), policy.to_string());
        edits::topic(world).attributes.insert("DisplayName".into(), "x".into());
    });
    let run = account.setup(&spec()).await.expect_right();
    let narrowing: Vec<_> =
        run.plan.changes.iter().flat_map(|c| &c.extras).filter(|extra| extra.effect == Effect::Narrows).collect();
    assert_eq!(narrowing.len(), 2, "{narrowing:?}");
    assert!(run.plan.concerns().is_empty());
    account.sandbox.edit(|world| {
        assert!(edits::role(world).boundary.is_some());
        assert!(edits::topic(world).attributes["Policy"].contains("SecureTransport"));
    });
}
