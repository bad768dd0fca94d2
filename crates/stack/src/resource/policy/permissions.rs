//! What the function may do, as a policy document. It asks AWS nothing.

use keyminder_keyage::Settings;
use serde_json::{Value, json};

use crate::installation::Installation;

/// What a check reads with these settings, from the function or from anywhere else.
pub(crate) fn of_check(settings: &Settings) -> Vec<&'static str> {
    let mut read = vec![
        "iam:GetAccessKeyLastUsed",
        "iam:GetAccountSummary",
        "iam:ListAccessKeys",
        "iam:ListAccountAliases",
        "iam:ListUserTags",
        "iam:ListUsers",
    ];
    if settings.other_credentials {
        read.extend(["iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates"]);
    }
    read
}

/// What the checker needs, and nothing that could change or use a key.
pub(super) fn document(install: &Installation) -> Value {
    let names = &install.names;
    let read = of_check(&install.spec.settings);
    let mut statements = vec![
        json!({ "Sid": "ReadUsersAndKeys", "Effect": "Allow", "Action": read, "Resource": "*" }),
        json!({ "Sid": "Notify", "Effect": "Allow", "Action": "sns:Publish", "Resource": names.topic_arn() }),
        json!({
            "Sid": "WriteOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": format!("{}:*", names.log_group_arn())
        }),
    ];
    // Publishing to a topic under a key of the account's own needs that key (SNS Developer Guide, "Key management").
    if let Some(key) = install.spec.topic.kms_key().and_then(|key| key.resource(names)) {
        statements.push(json!({
            "Sid": "EncryptNotices",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key,
            "Condition": { "StringLike": { "kms:ViaService": "sns.*" } }
        }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}
