//! An account in the sandbox, and clients to it.

use std::collections::BTreeMap;

use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use jiff::{SignedDuration, Timestamp};
use keyminder_checker::{Check, Function, Scope};
use keyminder_keyage::{Deployment, Owners, Report, Schedule, Settings};
use keyminder_sandbox::world::{AccessKey, LastUsed, User};
use keyminder_sandbox::{Clock, Options, Sandbox};

/// The account of every test.
pub const ACCOUNT: &str = "123456789012";

/// The time at which the clock of [`sandbox`] stands still.
pub fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

/// That many days before [`now`].
pub fn ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// A sandbox whose time stands still.
pub async fn sandbox() -> Sandbox {
    Sandbox::start(Options { users_page: 7, ..Options::instant() }.with_clock(Clock::held(now()))).await.unwrap()
}

/// An active access key of that age, used yesterday.
pub fn key(id: &str, age_days: i64) -> AccessKey {
    let last_used = LastUsed { at: ago(1), service: "s3".to_owned(), region: "eu-west-1".to_owned() };
    AccessKey { id: id.to_owned(), active: true, created: ago(age_days), last_used: Some(last_used) }
}

/// Adds a user with these tags and keys.
pub fn add_user(sandbox: &Sandbox, name: &str, tags: &[(&str, &str)], keys: Vec<AccessKey>) {
    let user = User {
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AIDA{name}"),
        created: ago(1000),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
        access_keys: keys,
        service_specific_credentials: Vec::new(),
        ssh_public_keys: Vec::new(),
        signing_certificates: Vec::new(),
    };
    sandbox.edit(|world| world.iam.users.insert(name.to_owned(), user));
}

/// Users `u000`, `u001`, …, each with one key of that age.
pub fn add_users(sandbox: &Sandbox, number: usize, age_days: i64) {
    for n in 0..number {
        add_user(sandbox, &format!("u{n:03}"), &[], vec![key(&format!("AKIAIOSFODNN7U{n:06}"), age_days)]);
    }
}

/// A function that runs against an emulator of others at this URL, in this region.
pub fn function_at(url: &str, region: &str, topic_arn: &str, owners: Owners) -> Function {
    macro_rules! client {
        ($sdk:ident) => {
            $sdk::Client::from_conf(
                $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new(region.to_owned()))
                    .endpoint_url(url)
                    .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                    .http_client(Builder::new().build_http())
                    .build(),
            )
        };
    }
    let schedule = Schedule::parse("rate(1 day)").unwrap();
    let deployment = Deployment { topic_arn: topic_arn.to_owned(), install: "default".to_owned(), schedule, owners };
    let function = Function::new(&client!(aws_sdk_iam), client!(aws_sdk_sns), Settings::default(), deployment);
    function.with_owners(&client!(aws_sdk_sesv2), &client!(aws_sdk_account))
}

fn credentials(sandbox: &Sandbox) -> Credentials {
    let keys = sandbox.credentials();
    Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test")
}

macro_rules! client {
    ($sdk:ident, $sandbox:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-west-1"))
                .endpoint_url($sandbox.url())
                .credentials_provider(credentials($sandbox))
                .http_client(Builder::new().build_http())
                .build(),
        )
    };
}

/// An IAM client.
pub fn iam(sandbox: &Sandbox) -> aws_sdk_iam::Client {
    client!(aws_sdk_iam, sandbox)
}

/// An Organizations client.
pub fn organizations(sandbox: &Sandbox) -> aws_sdk_organizations::Client {
    client!(aws_sdk_organizations, sandbox)
}

/// An STS client.
pub fn sts(sandbox: &Sandbox) -> aws_sdk_sts::Client {
    client!(aws_sdk_sts, sandbox)
}

/// An SNS client.
pub fn sns(sandbox: &Sandbox) -> aws_sdk_sns::Client {
    client!(aws_sdk_sns, sandbox)
}

/// A check by hand: the keys that need attention.
pub async fn read(sandbox: &Sandbox, settings: Settings) -> Report {
    Check::new(&iam(sandbox), settings, ACCOUNT).read(now(), None, |_| {}).await
}

/// A check by hand: every key.
pub async fn read_all(sandbox: &Sandbox, settings: Settings) -> Report {
    let scope = Scope { all_keys: true, ..Scope::default() };
    Check::new(&iam(sandbox), settings, ACCOUNT).with_scope(scope).read(now(), None, |_| {}).await
}

/// How often an operation was called.
pub fn calls_of(sandbox: &Sandbox, operation: &str) -> usize {
    sandbox.calls().iter().filter(|call| call.operation == operation).count()
}

/// The function of an install whose topic ops@example.com and a queue listen to.
pub async fn function(sandbox: &Sandbox, settings: Settings, schedule: &str) -> Function {
    function_for(sandbox, settings, schedule, Owners::default()).await
}

/// The same function, which emails owners by these settings.
pub async fn function_for(sandbox: &Sandbox, settings: Settings, schedule: &str, owners: Owners) -> Function {
    let sns_client = sns(sandbox);
    let topic = sns_client.create_topic().name("topic").send().await.unwrap().topic_arn.unwrap();
    for (protocol, endpoint) in [("email", "ops@example.com"), ("sms", "+15550100")] {
        sns_client.subscribe().topic_arn(&topic).protocol(protocol).endpoint(endpoint).send().await.unwrap();
    }
    sandbox.confirm("ops@example.com");
    sandbox.forget_calls();
    let (install, schedule) = ("default".to_owned(), Schedule::parse(schedule).unwrap());
    let deployment = Deployment { topic_arn: topic, install, schedule, owners };
    let function = Function::new(&iam(sandbox), sns_client, settings, deployment);
    function.with_owners(&client!(aws_sdk_sesv2, sandbox), &client!(aws_sdk_account, sandbox))
}
