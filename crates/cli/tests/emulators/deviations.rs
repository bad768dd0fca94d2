//! Where each emulator is known to differ from AWS, as far as this program would notice; each with what it keeps
//! the flows from showing, and a probe. A deviation that no longer shows fails the tests, so that the list stays
//! true, and a difference is either in it or a mistake of ours.

use serde_json::json;

use crate::server::{ACCOUNT, Emulator, Kind};
use crate::wire::{REGION, Wire, texts};

/// A difference from AWS.
pub(crate) struct Deviation {
    /// What the emulator does.
    pub(crate) name: &'static str,
    /// What AWS does, and what the flows therefore cannot show there.
    pub(crate) instead: &'static str,
    on: &'static [Kind],
    /// Whether the emulator does it, tried on an emulator that is empty at first.
    shows: fn(Wire) -> bool,
}

impl Deviation {
    /// Those of one emulator.
    pub(crate) fn of(kind: Kind) -> impl Iterator<Item = &'static Self> {
        DEVIATIONS.iter().filter(move |deviation| deviation.on.contains(&kind))
    }

    pub(crate) fn shows_on(&self, emulator: &Emulator) -> bool {
        (self.shows)(emulator.wire)
    }
}

const MOTO: &[Kind] = &[Kind::Moto];
const MINISTACK: &[Kind] = &[Kind::Ministack];
const BOTH: &[Kind] = &[Kind::Moto, Kind::Ministack];

/// A zip file with an empty script named `bootstrap`, in base64.
const ZIP: &str = "UEsDBBQAAAAAAAAAIQAdnfsECgAAAAoAAAAJAAAAYm9vdHN0cmFwIyEvYmluL3NoClBLAQIUAxQAAAAAAAAAIQAdnfsECgAAAAoAAAAJAAAAAAAAAAAAAADtAQAAAABib290c3RyYXBQSwUGAAAAAAEAAQA3AAAAMQAAAAAA";
const NO_ZIP: &str = "bm90IGEgemlwIGZpbGU=";
const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

static DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "an e-mail subscription is confirmed at once",
        instead: "it is pending until a person follows the link, so pending, lapsed and resent show in the sandbox only",
        on: BOTH,
        shows: |wire| {
            let topic = topic(wire, "deviation-email");
            wire.query(
                "sns",
                "Subscribe",
                &[("TopicArn", &topic), ("Protocol", "email"), ("Endpoint", "ops@example.com")],
            )
            .ok();
            let list = wire.query("sns", "ListSubscriptionsByTopic", &[("TopicArn", &topic)]);
            list.text("SubscriptionArn").starts_with("arn:")
        },
    },
    Deviation {
        name: "CreateTopic with other attributes than the topic's is accepted",
        instead: "InvalidParameter, so creating over a namesake goes unnoticed",
        on: BOTH,
        shows: |wire| {
            topic(wire, "deviation-topic");
            wire.query(
                "sns",
                "CreateTopic",
                &[
                    ("Name", "deviation-topic"),
                    ("Attributes.entry.1.key", "DisplayName"),
                    ("Attributes.entry.1.value", "another"),
                ],
            )
            .is_success()
        },
    },
    Deviation {
        name: "a subject over 100 characters is accepted",
        instead: "InvalidParameter, so an overlong subject shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| {
            let topic = topic(wire, "deviation-subject");
            let subject = "s".repeat(101);
            wire.query("sns", "Publish", &[("TopicArn", &topic), ("Subject", &subject), ("Message", "m")]).is_success()
        },
    },
    Deviation {
        name: "policy documents come back as they were sent",
        instead: "they come URL-encoded, so decoding is put to the test by ministack and the sandbox only",
        on: MOTO,
        shows: |wire| {
            let arn = policy(wire, "deviation-encoding");
            let version = wire.query("iam", "GetPolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v1")]);
            version.text("Document").contains('{')
        },
    },
    Deviation {
        name: "a policy that is attached can be deleted",
        instead: "DeleteConflict, so a wrong order of deletion shows on ministack and in the sandbox only",
        on: MOTO,
        shows: |wire| {
            let arn = policy(wire, "deviation-attached");
            role(wire, "deviation-attached");
            attach(wire, "deviation-attached", &arn);
            wire.query("iam", "DeletePolicy", &[("PolicyArn", &arn)]).is_success()
        },
    },
    Deviation {
        name: "a policy with versions besides the default one can be deleted",
        instead: "DeleteConflict, so versions left behind show in the sandbox only",
        on: BOTH,
        shows: |wire| {
            let arn = policy(wire, "deviation-versions");
            let version = [("PolicyArn", arn.as_str()), ("PolicyDocument", ALLOW), ("SetAsDefault", "true")];
            wire.query("iam", "CreatePolicyVersion", &version).ok();
            wire.query("iam", "DeletePolicy", &[("PolicyArn", &arn)]).is_success()
        },
    },
    Deviation {
        name: "a policy that does not exist can be attached",
        instead: "NoSuchEntity, so attaching too early shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| {
            role(wire, "deviation-missing-policy");
            attach(wire, "deviation-missing-policy", &format!("arn:aws:iam::{ACCOUNT}:policy/none"))
        },
    },
    Deviation {
        name: "all users are listed on one page",
        instead: "at most the page asked for, so reading on shows in the sandbox only",
        on: BOTH,
        shows: |wire| {
            for user in ["deviation-1", "deviation-2", "deviation-3"] {
                wire.query("iam", "CreateUser", &[("UserName", user)]).ok();
            }
            let users = wire.query("iam", "ListUsers", &[("MaxItems", "1")]).ok();
            texts(&users, "UserName").count() >= 3
        },
    },
    Deviation {
        name: "a third access key is accepted",
        instead: "LimitExceeded; nothing here makes keys, but who seeds an emulator should know",
        on: MINISTACK,
        shows: |wire| {
            wire.query("iam", "CreateUser", &[("UserName", "deviation-keys")]).ok();
            (0..3).all(|_| wire.query("iam", "CreateAccessKey", &[("UserName", "deviation-keys")]).is_success())
        },
    },
    Deviation {
        name: "a function whose role does not exist is accepted",
        instead: "InvalidParameterValueException, so a function made before its role shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| function(wire, "deviation-role", "deviation-no-such-role", ZIP),
    },
    Deviation {
        name: "a package that is no zip file is accepted",
        instead: "InvalidParameterValueException, so a broken package shows on ministack and in the sandbox only",
        on: MOTO,
        shows: |wire| {
            role(wire, "deviation-garbage");
            function(wire, "deviation-garbage", "deviation-garbage", NO_ZIP)
        },
    },
    Deviation {
        name: "a new function is active at once",
        instead: "it is Pending for some seconds, so waiting for it shows on ministack and in the sandbox only",
        on: MOTO,
        shows: |wire| {
            role(wire, "deviation-active");
            function(wire, "deviation-active", "deviation-active", ZIP);
            let live = wire.lambda("GET", "/deviation-active", &json!(null)).json();
            live["Configuration"]["State"] == "Active"
        },
    },
    Deviation {
        name: "a statement can be added to a function's policy twice",
        instead: "ResourceConflictException, so a doubled statement shows on ministack and in the sandbox only",
        on: MOTO,
        shows: |wire| {
            role(wire, "deviation-statement");
            function(wire, "deviation-statement", "deviation-statement", ZIP);
            permit(wire, "deviation-statement");
            permit(wire, "deviation-statement")
        },
    },
    Deviation {
        name: "a function without a policy answers an empty one",
        instead: "ResourceNotFoundException, so reading that as absent shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| {
            role(wire, "deviation-policy");
            function(wire, "deviation-policy", "deviation-policy", ZIP);
            wire.lambda("GET", "/deviation-policy/policy", &json!(null)).is_success()
        },
    },
    Deviation {
        name: "rate(1 days) is accepted",
        instead: "ValidationException, so a malformed schedule must be found by the command itself",
        on: BOTH,
        shows: |wire| rule(wire, json!({"Name": "deviation-rate", "ScheduleExpression": "rate(1 days)"})),
    },
    Deviation {
        name: "PutRule keeps a description that it is not told",
        instead: "it is cleared, so sending all of a rule each time shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| {
            let schedule = "rate(1 day)";
            let whole = json!({"Name": "deviation-rule", "ScheduleExpression": schedule, "Description": "kept"});
            rule(wire, whole);
            rule(wire, json!({"Name": "deviation-rule", "ScheduleExpression": schedule}));
            let live = wire.json("events", "DescribeRule", &json!({"Name": "deviation-rule"})).json();
            live["Description"] == "kept"
        },
    },
    Deviation {
        name: "a rule can be deleted while it has targets",
        instead: "ValidationException, so a wrong order of deletion shows on moto and in the sandbox only",
        on: MINISTACK,
        shows: |wire| {
            rule(wire, json!({"Name": "deviation-targets", "ScheduleExpression": "rate(1 day)"}));
            let target = json!({"Id": "1", "Arn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:none")});
            wire.json("events", "PutTargets", &json!({"Rule": "deviation-targets", "Targets": [target]})).ok();
            wire.json("events", "DeleteRule", &json!({"Name": "deviation-targets"})).is_success()
        },
    },
    Deviation {
        name: "a retention of 31 days is accepted",
        instead: "InvalidParameterException, so an impossible retention must be found by the command itself",
        on: MOTO,
        shows: |wire| {
            wire.json("logs", "CreateLogGroup", &json!({"logGroupName": "deviation"})).ok();
            let retention = json!({"logGroupName": "deviation", "retentionInDays": 31});
            wire.json("logs", "PutRetentionPolicy", &retention).is_success()
        },
    },
];

fn topic(wire: Wire, name: &str) -> String {
    wire.query("sns", "CreateTopic", &[("Name", name)]).text("TopicArn")
}

fn policy(wire: Wire, name: &str) -> String {
    wire.query("iam", "CreatePolicy", &[("PolicyName", name), ("PolicyDocument", ALLOW)]).text("Arn")
}

fn role(wire: Wire, name: &str) {
    wire.query("iam", "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).ok();
}

fn attach(wire: Wire, role: &str, policy: &str) -> bool {
    wire.query("iam", "AttachRolePolicy", &[("RoleName", role), ("PolicyArn", policy)]).is_success()
}

fn function(wire: Wire, name: &str, role: &str, zip: &str) -> bool {
    let function = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
        "Code": {"ZipFile": zip},
    });
    wire.lambda("POST", "", &function).is_success()
}

fn permit(wire: Wire, function: &str) -> bool {
    let statement = json!({
        "StatementId": "LambdaPermission",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/deviation"),
    });
    wire.lambda("POST", &format!("/{function}/policy"), &statement).is_success()
}

fn rule(wire: Wire, rule: serde_json::Value) -> bool {
    wire.json("events", "PutRule", &rule).is_success()
}
