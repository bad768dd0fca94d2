//! Emails to owners: what the function is allowed, and what SES is asked before they begin.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use keyminder_keyage::{Fallback, Owners};
use keyminder_reconcile::Removal;
use keyminder_sandbox::world::EmailIdentity;
use keyminder_sandbox::{Fault, FaultKind, Options};
use keyminder_stack::{Cause, EmailObstacle, Kind, Spec};
use keyminder_testkit::account::edits::policy;
use keyminder_testkit::account::{Account, CONVERGE, REGION, paths, spec};
use serde_json::{Value, json};

fn emailing() -> Spec {
    let (from, domains) = (Some("keys@mail.example.com".to_owned()), vec!["Example.com".to_owned()]);
    let mut emailing = spec();
    emailing.owners = Owners { from, domains, ..Owners::default() };
    emailing
}

fn verify(account: &Account, name: &str, verified: bool, set: Option<&str>) {
    account.sandbox.edit(|world| {
        let identity = EmailIdentity { verified, configuration_set: set.map(str::to_owned) };
        world.region(REGION).ses.identities.insert(name.to_owned(), identity);
    });
}

fn leave_the_sandbox(account: &Account) {
    account.sandbox.edit(|world| world.region(REGION).ses.production = true);
}

/// The statement with this name in the policy in the account.
fn statement(account: &Account, sid: &str) -> Value {
    let document: Value = account.sandbox.edit(|world| serde_json::from_str(policy(world).document()).unwrap());
    let statements = document["Statement"].as_array().unwrap();
    statements.iter().find(|statement| statement["Sid"] == sid).cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_policy_holds_the_function_to_the_sender_and_the_domains_and_is_gone_with_the_setting() {
    let account = Account::installed(Options::instant(), &emailing()).await;
    assert_eq!(
        statement(&account, "EmailOwners"),
        json!({
            "Sid": "EmailOwners",
            "Effect": "Allow",
            "Action": "ses:SendEmail",
            "Resource": "arn:aws:ses:us-east-1:123456789012:identity/*",
            "Condition": {
                "StringEquals": { "ses:FromAddress": "keys@mail.example.com" },
                "ForAllValues:StringLike": { "ses:Recipients": "*@example.com" },
                "Null": { "ses:Recipients": "false" }
            }
        })
    );
    assert_eq!(statement(&account, "ReadSecurityContact"), Value::Null);
    let mut more = emailing();
    more.owners.fallback = Fallback::Account;
    more.owners.configuration_set = Some("keys".to_owned());
    let run = account.setup(&more).await.expect_right();
    assert_eq!(
        paths(&run.plan).into_iter().filter(|path| path.contains("environment")).collect::<Vec<_>>(),
        ["lambda_function.environment.OWNERS_CONFIGURATION_SET", "lambda_function.environment.OWNERS_FALLBACK"]
    );
    let resources = &statement(&account, "EmailOwners")["Resource"];
    let set = "arn:aws:ses:us-east-1:123456789012:configuration-set/keys";
    assert_eq!(*resources, json!([set, "arn:aws:ses:us-east-1:123456789012:identity/*"]));
    let contact = statement(&account, "ReadSecurityContact");
    assert_eq!(contact["Resource"], "arn:aws:account::123456789012:account");
    account.setup(&spec()).await.expect_right();
    assert_eq!(statement(&account, "EmailOwners"), Value::Null);
    assert_eq!(statement(&account, "ReadSecurityContact"), Value::Null);
    account.setup(&emailing()).await.expect_right();
    account.teardown(&emailing(), Removal::default()).await.expect_right();
}

#[tokio::test]
async fn ses_is_asked_nothing_if_owners_are_not_emailed() {
    let account = Account::new().await;
    let installation = account.open(&spec()).await;
    assert_eq!(installation.email_obstacles().await, []);
    installation.preflight(&account.plan(&spec(), CONVERGE).await).await.unwrap();
    let calls = account.operations();
    assert!(calls.iter().all(|call| !call.starts_with("ses:")), "{calls:?}");
}

#[tokio::test]
async fn what_keeps_emails_from_being_sent_is_asked_of_ses() {
    let account = Account::new().await;
    let sandbox = EmailObstacle::Sandbox(vec!["example.com".to_owned()]);
    let obstacles = async |spec: &Spec| account.open(spec).await.email_obstacles().await;
    assert_eq!(obstacles(&emailing()).await, [EmailObstacle::NoIdentity, sandbox.clone()]);
    verify(&account, "keys@mail.example.com", false, None);
    let unverified = EmailObstacle::NotVerified("keys@mail.example.com".to_owned());
    assert_eq!(obstacles(&emailing()).await, [unverified, sandbox]);
    // The domain above covers the sender, and as a verified one the recipients too.
    verify(&account, "example.com", true, None);
    assert_eq!(obstacles(&emailing()).await, []);
    let mut two = emailing();
    two.owners.domains.push("example.org".to_owned());
    assert_eq!(obstacles(&two).await, [EmailObstacle::Sandbox(vec!["example.org".to_owned()])]);
    leave_the_sandbox(&account);
    assert_eq!(obstacles(&two).await, []);
    verify(&account, "keys@mail.example.com", true, Some("keys"));
    let (identity, set) = ("keys@mail.example.com".to_owned(), "keys".to_owned());
    assert_eq!(obstacles(&emailing()).await, [EmailObstacle::DefaultConfigurationSet { identity, set }]);
    let mut named = emailing();
    named.owners.configuration_set = Some("keys".to_owned());
    assert_eq!(obstacles(&named).await, []);
    account.sandbox.edit(|world| world.region(REGION).ses.paused = true);
    assert_eq!(obstacles(&named).await, [EmailObstacle::Paused]);
    account.sandbox.inject(Fault::new("ses:*", FaultKind::AccessDenied));
    let unknown = obstacles(&named).await;
    assert!(
        unknown.iter().all(|one| matches!(one, EmailObstacle::Unknown(why) if why.contains("ses:"))),
        "{unknown:?}"
    );
    assert_eq!(unknown.len(), 2);
}

#[tokio::test]
async fn emails_do_not_begin_from_an_identity_that_another_region_has() {
    let account = Account::new().await;
    account.sandbox.edit(|world| {
        let identity = EmailIdentity { verified: true, configuration_set: None };
        world.region("eu-west-1").ses.identities.insert("example.com".to_owned(), identity);
    });
    let installation = account.open(&emailing()).await;
    let plan = account.plan(&emailing(), CONVERGE).await;
    let refused = installation.preflight(&plan).await.unwrap_err();
    assert_eq!((refused.kind, refused.cause), (Kind::Usage, Cause::CannotEmail(Box::new(EmailObstacle::NoIdentity))));
    assert!(refused.message.contains("identities of other regions do not count"), "{}", refused.message);
    assert_eq!(account.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_identity_that_is_no_longer_verified_keeps_nothing_else_from_being_repaired() {
    let account = Account::new().await;
    verify(&account, "example.com", true, None);
    leave_the_sandbox(&account);
    account.setup(&emailing()).await.expect_right();
    verify(&account, "example.com", false, None);
    let mut other = emailing();
    other.check.max_age_days = 60;
    let plan = account.plan(&other, CONVERGE).await;
    account.open(&other).await.preflight(&plan).await.unwrap();
    other.owners.domains.push("example.org".to_owned());
    let plan = account.plan(&other, CONVERGE).await;
    let refused = account.open(&other).await.preflight(&plan).await.unwrap_err();
    assert_eq!(refused.code, "CannotEmailOwners");
}
