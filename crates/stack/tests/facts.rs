//! What is found in an account, as facts: why nothing starts the function, what drifted, what a person decides.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use keyminder_reconcile::{Action, Meaning, Plan};
use keyminder_sandbox::Options;
use keyminder_sandbox::world::World;
use keyminder_stack::{Drift, Notify, Obstacle, Recipient, Spec, UnknownSettings};
use keyminder_testkit::account::edits::{self, function, rule};
use keyminder_testkit::account::{Account, CONVERGE, REGION, spec};

/// What prevents the next run, and what drifted. The drift is computed again from a plan in which every field has lost
/// its name.
async fn facts(account: &Account, spec: &Spec) -> (Option<Obstacle>, Vec<Drift>) {
    let installation = account.open(spec).await;
    let stack = installation.stack();
    let seen = stack.observe().await.unwrap();
    let plan = stack.plan(&seen, CONVERGE);
    let drift = installation.drift(&seen, &plan);
    assert_eq!(installation.drift(&seen, &without_names(plan)), drift, "no fact depends on how a field is written");
    (installation.trigger(&seen).err(), drift)
}

fn without_names(mut plan: Plan) -> Plan {
    for field in plan.changes.iter_mut().flat_map(|change| &mut change.fields) {
        field.path = "renamed".into();
    }
    plan
}

#[tokio::test]
async fn nothing_drifts_after_a_setup_and_the_rule_starts_the_function() {
    let account = Account::installed(Options::instant(), &spec()).await;
    assert_eq!(facts(&account, &spec()).await, (None, vec![]));
}

#[tokio::test]
async fn each_way_to_keep_the_function_from_running_is_told_apart() {
    type Edit = fn(&mut World);
    let ways: [(Edit, Obstacle); 7] = [
        (|world| rule(world).enabled = false, Obstacle::RuleDisabled),
        (|world| rule(world).targets.clear(), Obstacle::NoTarget),
        (|world| function(world).statements.clear(), Obstacle::NotPermitted),
        (|world| function(world).concurrency = Some(0), Obstacle::FunctionThrottled),
        (|world| world.iam.roles.values_mut().for_each(|role| role.id.push('X')), Obstacle::FunctionBroken),
        (|world| world.regions.values_mut().for_each(|region| region.functions.clear()), Obstacle::NoFunction),
        (|world| world.regions.values_mut().for_each(|region| region.rules.clear()), Obstacle::NoRule),
    ];
    for (edit, expected) in ways {
        let account = Account::installed(Options::instant(), &spec()).await;
        account.sandbox.edit(edit);
        let (obstacle, drift) = facts(&account, &spec()).await;
        assert_eq!(obstacle, Some(expected));
        assert!(drift.contains(&Drift::Obstacle(expected)), "{expected:?}: {drift:?}");
    }
}

#[tokio::test]
async fn other_settings_and_another_schedule_are_said_as_such() {
    let account = Account::installed(Options::instant(), &spec()).await;
    account.sandbox.edit(|world| rule(world).schedule = "rate(3 days)".to_owned());
    assert_eq!(facts(&account, &spec()).await, (None, vec![Drift::Schedule("rate(3 days)".to_owned())]));
    account.setup(&spec()).await.expect_right();
    let mut other = spec();
    other.check.max_age_days += 1;
    assert_eq!(facts(&account, &other).await, (None, vec![Drift::Settings]));
}

#[tokio::test]
async fn what_a_person_decides_is_said_before_and_after_a_setup() {
    let account = Account::new().await;
    let mut wanted = spec();
    wanted.notify = Notify::emails(["a.b@example.com".to_owned()]);
    let installation = account.open(&wanted).await;
    let decisions = installation.decisions(&installation.stack().observe().await.unwrap());
    let recipient = |endpoint: &str, action| Recipient { protocol: "email".into(), endpoint: endpoint.into(), action };
    assert_eq!(decisions.recipients, Some(vec![recipient("a.b@example.com", Action::Create)]));
    assert_eq!((decisions.limit.before, decisions.schedule.before), (None, None));
    account.setup(&wanted).await.expect_right();
    account.sandbox.confirm("a.b@example.com");
    let limit = wanted.check.max_age_days;
    wanted.notify = Notify::emails(["c@example.com".to_owned()]);
    wanted.check.max_age_days += 1;
    let installation = account.open(&wanted).await;
    let decisions = installation.decisions(&installation.stack().observe().await.unwrap());
    let both = vec![recipient("c@example.com", Action::Create), recipient("a.b@example.com", Action::Delete)];
    assert_eq!(decisions.recipients, Some(both));
    assert_eq!((decisions.limit.before, decisions.limit.after), (Some(limit), limit + 1));
    assert_eq!(decisions.schedule.before, Some(wanted.layout.schedule));
}

#[tokio::test]
async fn each_resource_says_which_of_its_fields_a_person_decides() {
    let account = Account::new().await;
    let mut wanted = spec();
    wanted.notify = Notify::emails(["a.b@example.com".to_owned()]);
    let plan = account.plan(&wanted, CONVERGE).await;
    let fields = plan.changes.iter().flat_map(|change| &change.fields);
    let decided = |meaning: &Meaning| !matches!(meaning, Meaning::Derived | Meaning::OfElement);
    let paths: Vec<_> = fields.filter(|field| decided(&field.meaning)).map(|field| field.path.to_string()).collect();
    for expected in [
        "display_name",
        "retention_days",
        "schedule",
        "email a.b@example.com.managed",
        "architecture",
        "environment.MAX_AGE_DAYS",
        "memory_mb",
        "timeout_seconds",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{expected} is not in {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.starts_with("tags") || path.contains("TOPIC_ARN")), "{paths:?}");
}

#[tokio::test]
async fn settings_that_differ_are_drift_if_the_record_has_the_defaults_and_unknown_if_it_does_not() {
    const SETTINGS: [&str; 9] = [
        "sns_topic.display_name",
        "sns_topic.kms_key",
        "lambda_log_group.retention_days",
        "lambda_function.architecture",
        "lambda_function.timeout_seconds",
        "lambda_function.memory_mb",
        "lambda_function.environment.MAX_AGE_DAYS",
        "events_rule.schedule",
        "events_target.dead_letter_queue",
    ];
    let account = Account::installed(Options::instant(), &spec()).await;
    let unknown = async |spec: &Spec| {
        let installation = account.open(spec).await;
        let stack = installation.stack();
        let seen = stack.observe().await.unwrap();
        match installation.unknown_settings(&seen, &stack.plan(&seen, CONVERGE))? {
            UnknownSettings::Deleted => Some(vec!["deleted".to_owned()]),
            UnknownSettings::Different(fields) => {
                Some(fields.iter().map(|(address, path)| format!("{address}.{path}")).collect())
            }
        }
    };
    let mut edited = Vec::new();
    for (field, edit) in edits::DRIFT.iter().filter(|(field, _)| SETTINGS.contains(field)) {
        account.sandbox.edit(*edit);
        edited.push(*field);
    }
    assert_eq!(edited.len(), SETTINGS.len(), "{edited:?}");
    assert_eq!(unknown(&spec()).await, None, "what keyminder last wrote were the defaults");
    account.sandbox.edit(|world| drop(function(world).tags.remove("keyminder:settings")));
    let named = unknown(&spec()).await.unwrap();
    assert!(SETTINGS.iter().all(|field| named.iter().any(|named| named == field)), "{named:?}");
    assert_eq!(named.len(), SETTINGS.len(), "{named:?}");
    account.setup(&spec()).await.expect_right();
    let mut others = spec();
    others.tags.insert("team".to_owned(), "x".to_owned());
    account.setup(&others).await.expect_right();
    assert_eq!(unknown(&spec()).await, Some(vec![]), "the record alone says that something was chosen");
    account.sandbox.edit(|world| world.region(REGION).functions.clear());
    assert_eq!(unknown(&spec()).await, Some(vec!["deleted".to_owned()]));
}
