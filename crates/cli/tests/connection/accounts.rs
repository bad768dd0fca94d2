//! Services at endpoints of their own: each has to be in the account that STS names before anything is written.

use keyminder_sandbox::world::Topic;
use keyminder_sandbox::{Credentials, Options};
use keyminder_testkit::command::{Ran, World, contains, finish};

const OURS: &str = "123456789012";
const THEIRS: &str = "999999999999";
const SETUP: &[&str] = &["setup", "--yes", "--email", "ops@example.com"];

/// Each service: as errors name it, its variable, and whether it gives an empty account away.
const SERVICES: &[(&str, &str, bool)] = &[
    ("IAM", "AWS_ENDPOINT_URL_IAM", true),
    ("SNS", "AWS_ENDPOINT_URL_SNS", true),
    ("Lambda", "AWS_ENDPOINT_URL_LAMBDA", true),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE", true),
    ("CloudWatch Logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", false),
];

/// A sandbox that takes the same credentials as the others.
fn account(id: &str) -> World {
    let credentials = Credentials { access_key_id: "AKIASAMEEVERYWHERE".into(), secret_access_key: "same".into() };
    World::with(Options { account: id.into(), credentials: Some(credentials), ..Options::instant() })
}

/// Runs a command against the first sandbox, with these services at the second.
fn run(first: &World, second: &World, variables: &[&str], arguments: &[&str]) -> Ran {
    let mut command = first.command(arguments);
    command.envs(variables.iter().map(|name| (*name, second.sandbox.url())));
    finish(command)
}

#[test]
fn a_service_in_another_account_is_found_out_before_the_first_write() {
    for (service, variable, names_itself) in SERVICES {
        let (ours, theirs) = (account(OURS), account(THEIRS));
        let ran = run(&ours, &theirs, &[variable], SETUP);
        assert_eq!(ran.code, 64, "{service}: {ran:#?}");
        let endpoint = format!("{service} ({})", theirs.sandbox.url());
        match names_itself {
            true => contains(&ran.stderr, &["error[OtherAccount]", &endpoint, THEIRS, OURS]),
            false => contains(&ran.stderr, &["error[UnprovenAccount]", &endpoint, OURS]),
        }
        assert_eq!((ours.writes(), theirs.writes()), (0, 0), "{service}");
    }
}

#[test]
fn sts_in_one_account_and_everything_else_in_another_writes_nothing() {
    let (ours, theirs) = (account(OURS), account(THEIRS));
    let ran = run(&theirs, &ours, &["AWS_ENDPOINT_URL_STS"], SETUP);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["error[OtherAccount]", THEIRS, OURS]);
    assert_eq!((ours.writes(), theirs.writes()), (0, 0));
}

#[test]
fn a_topic_or_a_log_group_of_the_other_account_gives_it_away() {
    let (ours, theirs) = (account(OURS), account(THEIRS));
    theirs.sandbox.edit(|world| {
        let topic = Topic {
            name: "x".into(),
            arn: format!("arn:aws:sns:us-east-1:{THEIRS}:x"),
            attributes: Default::default(),
            tags: Default::default(),
            created: "2026-01-01T00:00:00Z".parse().unwrap(),
            subscriptions_deleted: 0,
        };
        world.region("us-east-1").topics.insert("x".into(), topic);
    });
    let ran = run(&ours, &theirs, &["AWS_ENDPOINT_URL_SNS"], &["status"]);
    assert_eq!(ran.code, 64, "nothing is reported about a mixture: {ran:#?}");
    contains(&ran.stderr, &["error[OtherAccount]", THEIRS]);
}

#[test]
fn what_shows_nothing_can_be_read_and_is_not_written_to() {
    let (ours, theirs) = (account(OURS), account(OURS));
    for arguments in [&["plan"][..], &["status"], &["setup", "--dry-run"]] {
        let ran = run(&ours, &theirs, &["AWS_ENDPOINT_URL_SNS"], arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:#?}");
    }
    ours.install();
    ours.sandbox.forget_calls();
    for arguments in [&["teardown", "--yes"][..], &["test"], &["confirm", "--resend"]] {
        let ran = run(&ours, &theirs, &["AWS_ENDPOINT_URL_SNS"], arguments);
        assert_eq!(ran.code, 64, "{arguments:?}: {ran:#?}");
        contains(&ran.stderr, &["error[UnprovenAccount]", "create any SNS topic"]);
        assert_eq!((ours.writes(), theirs.writes()), (0, 0), "{arguments:?}");
    }
}

#[test]
fn a_service_at_an_endpoint_of_its_own_is_used_once_it_has_shown_the_account() {
    let (ours, more) = (account(OURS), account(OURS));
    let ran = run(&ours, &more, &["AWS_ENDPOINT_URL_EVENTBRIDGE"], SETUP);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ours.writes() > 0 && more.writes() > 0);
}

#[test]
fn one_endpoint_that_contradicts_itself_is_found_out_by_what_it_answers_anyway() {
    let world = account(OURS);
    world.install();
    world.sandbox.edit(|account| {
        let function = account.region("us-east-1").functions.values_mut().next().unwrap();
        function.arn = function.arn.replace(OURS, THEIRS);
    });
    world.sandbox.forget_calls();
    let ran = world.run(SETUP);
    assert_eq!(ran.code, 64, "{ran:#?}");
    contains(&ran.stderr, &["error[OtherAccount]", "Lambda works in account", THEIRS]);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_run_at_one_endpoint_asks_nothing_more() {
    let world = account(OURS);
    world.ok(&["plan"]);
    let asked: Vec<_> = world.sandbox.calls().into_iter().map(|call| call.operation).collect();
    for extra in ["GetUser", "ListRoles", "ListTopics", "DescribeEventBus"] {
        assert!(!asked.iter().any(|operation| operation == extra), "{asked:?}");
    }
}
