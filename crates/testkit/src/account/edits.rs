//! What other people do to an install.

use keyminder_sandbox::World;
use keyminder_sandbox::world::{Group, PolicyVersion, Subscription, Target, User};
use serde_json::json;

use super::REGION;

const TOPIC: &str = "IAM-Access-Key-Rotation-Topic";
const ROLE: &str = "rotate-old-access-keys-notification-role";
const FUNCTION: &str = "rotate-old-access-keys-notification-sender";
const RULE: &str = "Rotate-Old-Access-Keys-Notification-Scheduler";
const LOG_GROUP: &str = "/aws/lambda/rotate-old-access-keys-notification-sender";
const POLICY: &str = "arn:aws:iam::123456789012:policy/rotate-old-access-keys-notification-policy";

/// The topic.
pub fn topic(world: &mut World) -> &mut keyminder_sandbox::world::Topic {
    world.region(REGION).topics.get_mut(TOPIC).unwrap()
}

/// The role.
pub fn role(world: &mut World) -> &mut keyminder_sandbox::world::Role {
    world.iam.roles.get_mut(ROLE).unwrap()
}

/// The policy.
pub fn policy(world: &mut World) -> &mut keyminder_sandbox::world::Policy {
    world.iam.policies.values_mut().find(|policy| policy.arn == POLICY).unwrap()
}

/// The function.
pub fn function(world: &mut World) -> &mut keyminder_sandbox::world::Function {
    world.region(REGION).functions.get_mut(FUNCTION).unwrap()
}

/// The rule.
pub fn rule(world: &mut World) -> &mut keyminder_sandbox::world::Rule {
    world.region(REGION).rules.get_mut(RULE).unwrap()
}

/// The log group.
pub fn log_group(world: &mut World) -> &mut keyminder_sandbox::world::LogGroup {
    world.region(REGION).log_groups.get_mut(LOG_GROUP).unwrap()
}

/// A neighbour's topic has subscriptions as well.
fn is_ours(subscription: &Subscription) -> bool {
    subscription.topic_arn.ends_with(TOPIC)
}

/// The subscription with this protocol.
pub fn subscription<'w>(world: &'w mut World, protocol: &str) -> &'w mut Subscription {
    world.region(REGION).subscriptions.iter_mut().find(|s| is_ours(s) && s.protocol == protocol).unwrap()
}

/// The rule's target.
pub fn target(world: &mut World) -> &mut Target {
    rule(world).targets.get_mut("1").unwrap()
}

fn log_as_json(world: &mut World, level: &str) {
    let logging = json!({"LogFormat": "JSON", "LogGroup": LOG_GROUP, "ApplicationLogLevel": level,
        "SystemLogLevel": level});
    function(world).settings.insert("LoggingConfig".into(), logging);
}

/// A change made from outside.
pub type Edit = fn(&mut World);

/// One edit a row, and the path that the plan has to show.
pub const DRIFT: &[(&str, Edit)] = &[
    ("sns_topic.display_name", |w| drop(topic(w).attributes.insert("DisplayName".into(), "x".into()))),
    ("sns_topic.kms_key", |w| drop(topic(w).attributes.insert("KmsMasterKeyId".into(), "alias/x".into()))),
    ("sns_topic.policy", |w| {
        let open = json!({"Version": "2012-10-17", "Statement": [{"Sid": "ThisAccount", "Effect": "Allow", "Principal": "*",
            "Action": "sns:Publish", "Resource": topic(w).arn.clone()}]});
        topic(w).attributes.insert("Policy".into(), open.to_string());
    }),
    ("sns_subscriptions.sqs", |w| w.region(REGION).subscriptions.retain(|s| !is_ours(s) || s.protocol != "sqs")),
    ("sns_subscriptions.email", |w| w.region(REGION).subscriptions.retain(|s| !is_ours(s) || s.protocol != "email")),
    ("sns_subscriptions.sqs", |w| {
        subscription(w, "sqs").attributes.insert("FilterPolicy".into(), r#"{"verdict":["old"]}"#.into());
    }),
    ("sns_subscriptions.sqs", |w| {
        subscription(w, "sqs").attributes.insert("RawMessageDelivery".into(), "true".into());
    }),
    ("sns_subscriptions.email", |w| topic(w).tags.retain(|key, _| !key.starts_with("keyminder:subscription:"))),
    ("iam_policy.document", |w| {
        let default = policy(w).default_version.clone();
        let version = policy(w).versions.iter_mut().find(|version| version.id == default).unwrap();
        version.document = r#"{"Version":"2012-10-17","Statement":[]}"#.into();
    }),
    ("iam_policy.document", |w| {
        let mut other: PolicyVersion = policy(w).versions[0].clone();
        other.id = "v9".into();
        other.document = r#"{"Version":"2012-10-17","Statement":[]}"#.into();
        policy(w).versions.push(other);
        policy(w).default_version = "v9".into();
    }),
    ("iam_role.trust", |w| role(w).trust = role(w).trust.replace("sts:AssumeRole", "sts:TagSession")),
    ("iam_role.description", |w| role(w).description = "x".into()),
    ("create iam_role_attachment", |w| role(w).attached.clear()),
    ("lambda_log_group.retention_days", |w| log_group(w).retention = None),
    ("lambda_function.code_sha256", |w| function(w).code_sha256 = "x".into()),
    ("lambda_function.runtime", |w| function(w).runtime = "nodejs6.10".into()),
    ("lambda_function.handler", |w| function(w).handler = "index.handler".into()),
    ("lambda_function.architecture", |w| function(w).architecture = "arm64".into()),
    ("lambda_function.timeout_seconds", |w| function(w).timeout = 3),
    ("lambda_function.memory_mb", |w| function(w).memory = 128),
    ("lambda_function.environment.MAX_AGE_DAYS", |w| {
        function(w).environment.insert("MAX_AGE_DAYS".into(), "900".into());
    }),
    ("lambda_function.environment.EXTRA", |w| drop(function(w).environment.insert("EXTRA".into(), "x".into()))),
    ("lambda_function.description", |w| function(w).description = "x".into()),
    ("lambda_function.role", |w| function(w).role = "arn:aws:iam::123456789012:role/other".into()),
    ("lambda_function.layers", |w| {
        let layer = json!([{"Arn": "arn:aws:lambda:us-east-1:123456789012:layer:x:1", "CodeSize": 1}]);
        function(w).settings.insert("Layers".into(), layer);
    }),
    ("lambda_function.tracing", |w| {
        drop(function(w).settings.insert("TracingConfig".into(), json!({"Mode": "Active"})));
    }),
    ("lambda_function.subnets", |w| {
        let vpc = json!({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"});
        function(w).settings.insert("VpcConfig".into(), vpc);
    }),
    ("lambda_function.dead_letter_target", |w| {
        let queue = json!({"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"});
        function(w).settings.insert("DeadLetterConfig".into(), queue);
    }),
    ("lambda_function.log_group", |w| {
        let elsewhere = json!({"LogFormat": "Text", "LogGroup": "/elsewhere"});
        function(w).settings.insert("LoggingConfig".into(), elsewhere);
    }),
    ("lambda_function.log_format", |w| log_as_json(w, "INFO")),
    ("lambda_function.application_log_level", |w| log_as_json(w, "WARN")),
    ("lambda_function.system_log_level", |w| log_as_json(w, "WARN")),
    ("lambda_function.kms_key", |w| {
        let key = json!("arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab");
        function(w).settings.insert("KMSKeyArn".into(), key);
    }),
    ("lambda_function.file_systems", |w| {
        let vpc = json!({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"});
        function(w).settings.insert("VpcConfig".into(), vpc);
        let access_point = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1";
        let mount = json!([{"Arn": access_point, "LocalMountPath": "/mnt/x"}]);
        function(w).settings.insert("FileSystemConfigs".into(), mount);
    }),
    ("lambda_function.tenancy", |w| {
        drop(function(w).settings.insert("TenancyConfig".into(), json!({"TenantIsolationMode": "PER_TENANT"})));
    }),
    ("lambda_function.package_type", |w| drop(function(w).settings.insert("PackageType".into(), json!("Image")))),
    ("lambda_function.reserved_concurrency", |w| function(w).concurrency = Some(0)),
    ("lambda_function.state", |w| function(w).failed = Some("out of luck".into())),
    ("lambda_function.last_update", |w| function(w).update_failed = Some("out of luck".into())),
    ("lambda_function.role_grant", |w| {
        let id = role(w).id.clone();
        role(w).id = format!("{id}NEW");
    }),
    ("lambda_function.role_grant", |w| drop(function(w).tags.remove("keyminder:role-id"))),
    ("lambda_invoke_settings.maximum_retry_attempts", |w| {
        function(w).invoke_settings.as_mut().unwrap().retries = Some(2);
    }),
    ("lambda_invoke_settings.on_failure", |w| function(w).invoke_settings.as_mut().unwrap().on_failure = None),
    ("create lambda_invoke_settings", |w| function(w).invoke_settings = None),
    ("events_rule.schedule", |w| rule(w).schedule = "rate(30 days)".into()),
    ("events_rule.state", |w| rule(w).enabled = false),
    ("events_rule.description", |w| rule(w).description = "x".into()),
    ("events_rule.event_pattern", |w| rule(w).pattern = r#"{"source":["aws.ec2"]}"#.into()),
    ("events_rule.role", |w| rule(w).role = "arn:aws:iam::123456789012:role/other".into()),
    ("lambda_permission.source_arn", |w| {
        for statement in &mut function(w).statements {
            *statement = serde_json::from_str(&statement.to_string().replace("Rotate-Old", "Another")).unwrap();
        }
    }),
    ("lambda_permission.principal", |w| {
        for statement in &mut function(w).statements {
            statement["Principal"] = json!({"Service": "s3.amazonaws.com"});
        }
    }),
    ("create lambda_permission", |w| function(w).statements.clear()),
    ("events_target.arn", |w| {
        target(w).settings["Arn"] = json!("arn:aws:lambda:us-east-1:123456789012:function:other")
    }),
    ("events_target.input", |w| target(w).settings["Input"] = json!("{}")),
    ("events_target.dead_letter_queue", |w| {
        target(w).settings["DeadLetterConfig"] = json!({"Arn": "arn:aws:sqs:us-east-1:123456789012:theirs"});
    }),
    ("events_target.retries_limited", |w| target(w).settings["RetryPolicy"] = json!({"MaximumRetryAttempts": 0})),
    ("create events_target", |w| rule(w).targets.clear()),
];

/// What it is, where it has to be named, by which words, and how it is done.
pub type Hijack = (&'static str, &'static str, &'static str, Edit);

/// What somebody does to an install to gain by it.
pub const HIJACKS: &[Hijack] = &[
    ("another account's queue is subscribed", "sns_subscriptions", "arn:aws:sqs:us-east-1:999999999999:theirs", |w| {
        let mut theirs = subscription(w, "sqs").clone();
        theirs.endpoint = "arn:aws:sqs:us-east-1:999999999999:theirs".into();
        theirs.arn.push('x');
        w.region(REGION).subscriptions.push(theirs);
    }),
    ("anybody may invoke the function", "lambda_permission", "anybody may lambda:InvokeFunction", |w| {
        state(w, &json!("*"), "lambda:InvokeFunction");
    }),
    ("another account may change its code", "lambda_permission", "999999999999 may lambda:UpdateFunctionCode", |w| {
        state(w, &json!({"AWS": "arn:aws:iam::999999999999:root"}), "lambda:UpdateFunctionCode");
    }),
    ("every account's buckets may invoke it", "lambda_permission", "s3.amazonaws.com may lambda:InvokeFunction", |w| {
        state(w, &json!({"Service": "s3.amazonaws.com"}), "lambda:InvokeFunction");
    }),
    ("the role is an administrator", "iam_role_attachment", "arn:aws:iam::aws:policy/AdministratorAccess", |w| {
        role(w).attached.push("arn:aws:iam::aws:policy/AdministratorAccess".into());
    }),
    ("an inline policy allows everything", "iam_role_attachment", "inline policy x: allows *", |w| {
        let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        role(w).inline.insert("x".into(), all.into());
    }),
    ("a second target runs as an administrator", "events_target", "arn:aws:iam::123456789012:role/admin", |w| {
        let mut second = target(w).clone();
        second.id = "2".into();
        second.settings["Id"] = json!("2");
        second.settings["RoleArn"] = json!("arn:aws:iam::123456789012:role/admin");
        rule(w).targets.insert("2".into(), second);
    }),
    ("another account's bus is a target", "events_target", "arn:aws:events:us-east-1:999999999999:event-bus/x", |w| {
        let mut second = target(w).clone();
        second.id = "2".into();
        second.settings["Id"] = json!("2");
        second.settings["Arn"] = json!("arn:aws:events:us-east-1:999999999999:event-bus/x");
        rule(w).targets.insert("2".into(), second);
    }),
    ("another account may act as the role", "iam_role", "999999999999 may sts:AssumeRole", |w| {
        trust(w, json!({"AWS": "arn:aws:iam::999999999999:root"}));
    }),
    ("people of an identity provider may act as the role", "iam_role", "accounts.google.com may sts:AssumeRole", |w| {
        trust(w, json!({"Federated": "accounts.google.com"}));
    }),
    ("another service may act as the role", "iam_role", "ec2.amazonaws.com may sts:AssumeRole", |w| {
        trust(w, json!({"Service": "ec2.amazonaws.com"}));
    }),
    ("a user has the function's rights", "iam_policy", "attached to the user mallory", |w| {
        let arn = policy(w).arn.clone();
        w.iam.users.insert("mallory".into(), user("mallory"));
        w.iam.user_policies.insert("mallory".into(), vec![arn]);
    }),
    ("another account may subscribe", "sns_topic", "999999999999 may sns:Subscribe", |w| {
        let statement = json!({"Sid": "x", "Effect": "Allow", "Principal": {"AWS": "999999999999"},
            "Action": "sns:Subscribe", "Resource": topic(w).arn.clone()});
        let mut policy: serde_json::Value = serde_json::from_str(&topic(w).attributes["Policy"]).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(statement);
        topic(w).attributes.insert("Policy".into(), policy.to_string());
    }),
];

/// Adds a statement to the role's trust policy.
fn trust(world: &mut World, principal: serde_json::Value) {
    let mut trust: serde_json::Value = serde_json::from_str(&role(world).trust).unwrap();
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    match trust["Statement"].as_array_mut() {
        Some(statements) => statements.push(statement),
        None => trust["Statement"] = json!([trust["Statement"].clone(), statement]),
    }
    role(world).trust = trust.to_string();
}

fn state(world: &mut World, principal: &serde_json::Value, action: &str) {
    let resource = function(world).statements[0]["Resource"].clone();
    function(world).statements.push(json!({"Sid": "x", "Effect": "Allow", "Principal": principal, "Action": action,
        "Resource": resource}));
}

/// Removes a tag from an object.
pub type RemoveTag = fn(&mut World, &str);

/// Each object that carries tags, and how to remove one.
pub const TAGGED: &[(&str, RemoveTag)] = &[
    ("sns_topic", |w, tag| drop(topic(w).tags.remove(tag))),
    ("iam_role", |w, tag| drop(role(w).tags.remove(tag))),
    ("lambda_log_group", |w, tag| drop(log_group(w).tags.remove(tag))),
    ("events_rule", |w, tag| drop(rule(w).tags.remove(tag))),
    ("iam_policy", |w, tag| drop(policy(w).tags.remove(tag))),
    ("lambda_function", |w, tag| drop(function(w).tags.remove(tag))),
];

/// What is deleted, how, and what the next setup has to do.
pub const DELETIONS: &[(&str, Edit, &[&str])] = &[
    (
        "topic",
        |w| {
            let region = w.region(REGION);
            region.topics.remove(TOPIC);
            region.subscriptions.retain(|subscription| !is_ours(subscription));
        },
        &["create sns_topic", "create sns_subscriptions"],
    ),
    (
        "role",
        |w| drop(w.iam.roles.remove(ROLE)),
        &[
            "create iam_role",
            "create iam_role_attachment",
            "update lambda_function",
            "create lambda_invoke_settings",
            "create lambda_permission",
        ],
    ),
    (
        "policy",
        |w| {
            role(w).attached.clear();
            w.iam.policies.retain(|_, policy| policy.arn != POLICY);
        },
        &["create iam_policy", "create iam_role_attachment"],
    ),
    ("log group", |w| drop(w.region(REGION).log_groups.remove(LOG_GROUP)), &["create lambda_log_group"]),
    (
        "function",
        |w| drop(w.region(REGION).functions.remove(FUNCTION)),
        &["create lambda_function", "create lambda_invoke_settings", "create lambda_permission"],
    ),
    ("rule", |w| drop(w.region(REGION).rules.remove(RULE)), &["create events_rule", "create events_target"]),
];

/// Puts something of somebody else's on everything of ours that can take it.
pub fn add_extras(world: &mut World) {
    let mut second = target(world).clone();
    second.id = "2".into();
    second.settings["Id"] = json!("2");
    rule(world).targets.insert("2".into(), second);
    role(world).attached.push("arn:aws:iam::aws:policy/IAMReadOnlyAccess".into());
    role(world).inline.insert("theirs".into(), r#"{"Version":"2012-10-17","Statement":[]}"#.into());
    let mut statement = function(world).statements[0].clone();
    statement["Sid"] = json!("Theirs");
    function(world).statements.push(statement);
    let mut theirs = subscription(world, "sqs").clone();
    theirs.endpoint = "arn:aws:sqs:us-east-1:123456789012:theirs".into();
    theirs.arn.push('x');
    world.region(REGION).subscriptions.push(theirs);
}

fn user(name: &str) -> User {
    User {
        name: name.into(),
        path: "/".into(),
        id: format!("AIDA{name}"),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        tags: Default::default(),
        access_keys: Vec::new(),
        service_specific_credentials: Vec::new(),
        ssh_public_keys: Vec::new(),
        signing_certificates: Vec::new(),
    }
}

/// Somebody puts our policy on a user, a group and a role of theirs.
pub fn attach_to_others(world: &mut World) {
    let arn = policy(world).arn.clone();
    let mut theirs = role(world).clone();
    (theirs.name, theirs.attached) = ("theirs".into(), vec![arn.clone()]);
    theirs.inline.clear();
    world.iam.roles.insert("theirs".into(), theirs);
    world.iam.users.insert("ann".into(), user("ann"));
    world.iam.user_policies.insert("ann".into(), vec![arn.clone()]);
    let admins = Group { name: "admins".into(), path: "/".into(), id: "AGPAADMINS".into(), attached: vec![arn] };
    world.iam.groups.insert("admins".into(), admins);
}
