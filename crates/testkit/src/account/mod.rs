//! An account in the sandbox and an install in it: what the tests of this crate start from.

pub mod edits;

use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use keyminder_keyage::Architecture;
use keyminder_reconcile::{Action, CancellationToken, Outcome, Plan, Purpose, Removal, Silent};
use keyminder_sandbox::world::Plant;
use keyminder_sandbox::{FaultKind, Options, Sandbox};
use keyminder_stack::{
    Clients, Connection, Credentials, Error, Installation, Observation, Package, Spec, Stack, Subscription,
};
use serde_json::Value;
use zip::write::SimpleFileOptions;

/// The region of an account, unless a test asks for another.
pub const REGION: &str = "us-east-1";
/// A setup.
pub const CONVERGE: Purpose = Purpose::Converge { adopt: false };
/// A setup with `--adopt`.
pub const ADOPT: Purpose = Purpose::Converge { adopt: true };

/// Every way in which a call goes wrong.
pub const FAULTS: [FaultKind; 6] = [
    FaultKind::Throttle,
    FaultKind::ServerError,
    FaultKind::DropConnection,
    FaultKind::LoseAnswer,
    FaultKind::AccessDenied,
    FaultKind::FailedEntries,
];

/// A sandbox and how to reach it.
pub struct Account {
    /// The emulated AWS.
    pub sandbox: Sandbox,
    /// The region that clients use.
    pub region: String,
    /// How long a run waits for something that will not come, in tests of just that.
    pub longest_wait: Option<Duration>,
    /// How long a call may take, in tests of just that.
    pub attempt_timeout: Option<Duration>,
}

/// What a setup or a teardown came to.
#[derive(Debug)]
pub struct Run {
    /// What the run showed beforehand.
    pub plan: Plan,
    /// What it did.
    pub outcome: Outcome<Error>,
    /// What a further run would do; not there where the run failed.
    pub then: Option<Plan>,
}

impl Run {
    /// It did all it set out to do, and there is nothing left to do.
    pub fn is_right(&self) -> bool {
        self.outcome.is_complete() && self.then.as_ref().is_some_and(Plan::is_empty)
    }

    /// Fails the test unless [`Run::is_right`].
    #[track_caller]
    pub fn expect_right(self) -> Self {
        assert!(self.is_right(), "{self:#?}");
        self
    }
}

/// A snapshot without what differs between any two installs: the tags that record a role's id or a time.
pub fn comparable(mut snapshot: Value) -> Value {
    fn mask(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if name == "keyminder:role-id" || name.starts_with("keyminder:subscription:") {
                        *value = "recorded".into();
                    }
                    mask(value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(mask),
            _ => {}
        }
    }
    mask(&mut snapshot);
    snapshot
}

/// A package of a few bytes: the real one is for the tests that run it.
pub fn package() -> Package {
    package_with("the checker")
}

/// A package with other code.
pub fn package_with(code: &'static str) -> Package {
    package_for(Architecture::X86_64, code)
}

/// A package for a processor.
pub fn package_for(architecture: Architecture, code: &'static str) -> Package {
    Package::new(architecture, move |settings| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file("bootstrap", options).map_err(|error| error.to_string())?;
        zip.write_all(code.as_bytes()).map_err(|error| error.to_string())?;
        let zip = zip.finish().map_err(|error| error.to_string())?.into_inner();
        match settings {
            Some(settings) => keyminder_bundle::join(&zip, settings).map_err(|error| error.to_string()),
            None => Ok(zip),
        }
    })
}

/// What the tests install: one person and one queue.
pub fn spec() -> Spec {
    let mut spec = Spec::new(package());
    spec.notify.subscriptions = Some(vec![
        Subscription::email("ops@example.com"),
        "sqs=arn:aws:sqs:us-east-1:123456789012:queue".parse().unwrap(),
    ]);
    spec
}

impl Account {
    /// An empty account.
    pub async fn new() -> Self {
        Self::with(Options::instant()).await
    }

    /// An empty account in a sandbox with these options.
    pub async fn with(options: Options) -> Self {
        let region = options.region.clone();
        Self { sandbox: Sandbox::start(options).await.unwrap(), region, longest_wait: None, attempt_timeout: None }
    }

    /// Clients in the account's region.
    pub async fn clients(&self) -> Clients {
        self.clients_in(&self.region).await
    }

    /// Clients in another region.
    pub async fn clients_in(&self, region: &str) -> Clients {
        self.connect(region, self.sandbox.credentials()).await
    }

    async fn connect(&self, region: &str, user: &keyminder_sandbox::Credentials) -> Clients {
        Clients::connect(&Connection {
            region: Some(region.to_owned()),
            endpoint_url: Some(self.sandbox.url().to_owned()),
            retry_pause: Some(Duration::from_millis(2)),
            longest_wait: self.longest_wait,
            attempt_timeout: self.attempt_timeout,
            credentials: Some(Credentials::from_keys(&user.access_key_id, &user.secret_access_key, None)),
            ..Connection::default()
        })
        .await
        .unwrap()
    }

    /// Opens the installation as another user of the account.
    pub async fn open_as(&self, user: &keyminder_sandbox::Credentials, spec: &Spec) -> Result<Installation, Error> {
        let clients = self.connect(&self.region, user).await;
        let identity = clients.identity().await?;
        Installation::open(clients, &identity, spec.clone(), Rc::new(Silent), CancellationToken::new()).await
    }

    /// Opens the installation.
    pub async fn try_open(&self, spec: &Spec) -> Result<Installation, Error> {
        let clients = self.clients().await;
        let identity = clients.identity().await?;
        Installation::open(clients, &identity, spec.clone(), Rc::new(Silent), CancellationToken::new()).await
    }

    /// Opens the installation; fails the test if that fails.
    pub async fn open(&self, spec: &Spec) -> Installation {
        self.try_open(spec).await.unwrap()
    }

    /// Opens the installation in another region.
    pub async fn open_in(&self, region: &str, spec: &Spec) -> Installation {
        let clients = self.clients_in(region).await;
        let identity = clients.identity().await.unwrap();
        Installation::open(clients, &identity, spec.clone(), Rc::new(Silent), CancellationToken::new()).await.unwrap()
    }

    /// A whole setup, as the command does it.
    pub async fn try_setup(&self, spec: &Spec, purpose: Purpose) -> Result<Run, Error> {
        setup(&self.try_open(spec).await?, purpose).await
    }

    /// A whole setup.
    pub async fn setup(&self, spec: &Spec) -> Run {
        self.try_setup(spec, CONVERGE).await.unwrap()
    }

    /// An install that is complete, with its calls forgotten.
    pub async fn installed(options: Options, spec: &Spec) -> Self {
        let account = Self::with(options).await;
        account.setup(spec).await.expect_right();
        account.sandbox.confirm("ops@example.com");
        account.sandbox.forget_calls();
        account
    }

    /// What the run showed beforehand.
    pub async fn plan(&self, spec: &Spec, purpose: Purpose) -> Plan {
        let installation = self.open(spec).await;
        let stack = installation.stack();
        let seen = stack.observe().await.unwrap();
        stack.plan(&seen, purpose)
    }

    /// A whole teardown.
    pub async fn teardown(&self, spec: &Spec, removal: Removal) -> Run {
        self.try_teardown(spec, removal).await.unwrap()
    }

    /// A whole teardown, as the command does it.
    pub async fn try_teardown(&self, spec: &Spec, removal: Removal) -> Result<Run, Error> {
        teardown(&self.try_open(spec).await?, removal).await
    }

    /// The operations called since they were last forgotten, as `iam:CreateRole`.
    pub fn operations(&self) -> Vec<String> {
        self.sandbox.calls().iter().map(|call| format!("{}:{}", call.service, call.operation)).collect()
    }

    /// Those of them that change something.
    pub fn writes(&self) -> Vec<String> {
        let calls = self.sandbox.calls();
        calls.iter().filter(|call| call.write).map(|call| format!("{}:{}", call.service, call.operation)).collect()
    }
}

/// A whole setup.
pub async fn setup(installation: &Installation, purpose: Purpose) -> Result<Run, Error> {
    let stack = installation.stack();
    let seen = stack.observe().await?;
    let plan = stack.plan(&seen, purpose);
    let outcome = apply(&stack, &seen, &plan).await;
    let then = if outcome.is_complete() { Some(verify(&stack, purpose).await?) } else { None };
    Ok(Run { plan, outcome, then })
}

/// A whole teardown.
pub async fn teardown(installation: &Installation, removal: Removal) -> Result<Run, Error> {
    let stack = installation.stack();
    let seen = stack.observe().await?;
    let plan = stack.plan(&seen, Purpose::Destroy);
    let outcome = stack.destroy(&plan, removal, &Silent, &CancellationToken::new()).await;
    let then = if outcome.is_complete() { Some(verify(&stack, Purpose::Destroy).await?) } else { None };
    Ok(Run { plan, outcome, then })
}

async fn apply(stack: &Stack<'_>, seen: &Observation, plan: &Plan) -> Outcome<Error> {
    stack.apply(seen, plan, &Silent, &CancellationToken::new()).await
}

async fn verify(stack: &Stack<'_>, purpose: Purpose) -> Result<Plan, Error> {
    Ok(stack.verify(purpose, Duration::from_secs(10), &CancellationToken::new()).await?.1)
}

/// The paths that a plan would change, as `lambda_function.timeout_seconds`.
pub fn paths(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .filter(|change| change.action == Action::Update)
        .flat_map(|change| change.fields.iter().map(move |field| format!("{}.{}", change.address, field.path)))
        .collect()
}

/// The resources that a plan would act on, as `create sns_topic`.
pub fn actions(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .filter(|change| change.action != Action::None)
        .map(|change| format!("{:?} {}", change.action, change.address).to_lowercase())
        .collect()
}

/// Clients for doing by hand what others do in an account.
pub struct Aws {
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// SNS.
    pub sns: aws_sdk_sns::Client,
}

impl Account {
    /// Clients that go round the program under test.
    pub async fn aws(&self) -> Aws {
        let clients = self.clients().await;
        let config = clients.sdk_config();
        Aws {
            events: aws_sdk_eventbridge::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
        }
    }

    /// Leaves the account as the nine calls of the original procedure do, with the function's runtime of that time.
    pub async fn set_up_by_hand(&self) {
        let (function, role_name) =
            ("rotate-old-access-keys-notification-sender", "rotate-old-access-keys-notification-role");
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sns:Publish","iam:ListUsers",
        "iam:ListAccessKeys"],"Resource":"*"}]}"#;
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},
        "Action":"sts:AssumeRole"}]}"#;
        let aws = self.aws().await;
        let topic = aws.sns.create_topic().name("IAM-Access-Key-Rotation-Topic").send().await.unwrap();
        let subscribe = aws.sns.subscribe().topic_arn(topic.topic_arn().unwrap());
        subscribe.protocol("email").endpoint("ops@example.com").send().await.unwrap();
        let name = "rotate-old-access-keys-notification-policy";
        let policy = aws.iam.create_policy().policy_name(name).policy_document(policy).send().await.unwrap();
        let role = aws.iam.create_role().role_name(role_name).assume_role_policy_document(trust).send().await.unwrap();
        let attach =
            aws.iam.attach_role_policy().role_name(role_name).policy_arn(policy.policy().unwrap().arn().unwrap());
        attach.send().await.unwrap();
        let plant = Plant {
            region: self.region.clone(),
            name: function.into(),
            runtime: "nodejs6.10".into(),
            handler: "index.handler".into(),
            role: role.role().unwrap().arn().into(),
            environment: [("SNS_TOPIC_ARN".to_owned(), topic.topic_arn().unwrap().to_owned())].into(),
            tags: Default::default(),
            code: b"a zip of index.js".to_vec(),
        };
        let now = self.sandbox.clock().now();
        let function_arn = self.sandbox.edit(|world| world.plant_function(plant, now).arn.clone());
        let rule = "Rotate-Old-Access-Keys-Notification-Scheduler";
        let put = aws.events.put_rule().name(rule).schedule_expression("rate(1 day)").send().await.unwrap();
        let permit = aws.lambda.add_permission().function_name(function).statement_id("LambdaPermission");
        let permit = permit.action("lambda:InvokeFunction").principal("events.amazonaws.com");
        permit.source_arn(put.rule_arn().unwrap()).send().await.unwrap();
        let target = aws_sdk_eventbridge::types::Target::builder().id("1").arn(function_arn).build().unwrap();
        aws.events.put_targets().rule(rule).targets(target).send().await.unwrap();
    }
}
