//! What the function can do, as a policy document. It asks AWS nothing.

use keyminder_keyage::{Fallback, Owners, Settings};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::names::Names;

/// The reading that a check does with these settings, from the function or from anywhere else, as policy statements.
///
/// IAM knows no resource for the first four actions; the others act on one user (Service Authorization Reference,
/// "Actions defined by AWS Identity and Access Management (IAM)").
pub(crate) fn reading(settings: &Settings, names: &Names) -> [Value; 2] {
    let mut of_users = vec!["iam:ListAccessKeys"];
    if settings.read_user_tags {
        of_users.push("iam:ListUserTags");
    }
    if settings.other_credentials {
        of_users.extend(["iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials", "iam:ListSigningCertificates"]);
    }
    of_users.sort_unstable();
    let users = names.iam_arn("user/*");
    let of_account = ["iam:GetAccessKeyLastUsed", "iam:GetAccountSummary", "iam:ListAccountAliases", "iam:ListUsers"];
    [
        json!({ "Sid": "ReadAccount", "Effect": "Allow", "Action": of_account, "Resource": "*" }),
        json!({ "Sid": "ReadUsersAndKeys", "Effect": "Allow", "Action": of_users, "Resource": users }),
    ]
}

/// What the checker needs, and nothing that could change or use a key.
pub(super) fn document(install: &Installation) -> Value {
    let names = &install.names;
    let mut statements = Vec::from(reading(&install.spec.check, names));
    statements.extend([
        json!({ "Sid": "Notify", "Effect": "Allow", "Action": "sns:Publish", "Resource": names.topic_arn() }),
        json!({
            "Sid": "WriteOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": format!("{}:*", names.log_group_arn())
        }),
    ]);
    // Publishing to a topic that is encrypted with the account's own key needs that key (SNS Developer Guide, "Key
    // management").
    if let Some(key) = install.spec.topic.kms_key().and_then(|key| key.resource(names)) {
        // The service's name ends in amazonaws.com, or in what takes its place in another partition.
        let via = format!("sns.{}.*", names.region);
        statements.push(json!({
            "Sid": "EncryptNotices",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key,
            "Condition": { "StringLike": { "kms:ViaService": via } }
        }));
    }
    statements.extend(emailing(&install.spec.owners, names));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Emailing owners, from the one sender to the domains and nowhere else; nothing if owners are not emailed.
///
/// SES authorizes the sender's identity, the identity of each recipient that is verified in the account, and the
/// configuration set, so a statement that named the sender's identity alone would refuse some recipients (SES Developer
/// Guide, "Using identity policies"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon
/// Simple Email Service v2"). `ForAllValues` is also met if there is no recipient at all, which `Null` rules out.
fn emailing(owners: &Owners, names: &Names) -> Vec<Value> {
    let Some(from) = &owners.from else { return Vec::new() };
    let ses = format!("arn:{}:ses:{}:{}", names.partition, names.region, names.account);
    let set = owners.configuration_set.iter().map(|set| format!("{ses}:configuration-set/{set}"));
    let resources: Vec<String> = std::iter::once(format!("{ses}:identity/*")).chain(set).collect();
    let recipients: Vec<String> = owners.domains().iter().map(|domain| format!("*@{domain}")).collect();
    let mut statements = vec![json!({
        "Sid": "EmailOwners",
        "Effect": "Allow",
        "Action": "ses:SendEmail",
        "Resource": resources,
        "Condition": {
            "StringEquals": { "ses:FromAddress": from },
            "ForAllValues:StringLike": { "ses:Recipients": recipients },
            "Null": { "ses:Recipients": "false" }
        }
    })];
    if owners.fallback == Fallback::Account {
        statements.push(json!({
            "Sid": "ReadSecurityContact",
            "Effect": "Allow",
            "Action": "account:GetAlternateContact",
            "Resource": format!("arn:{}:account::{}:account", names.partition, names.account),
            "Condition": { "ForAnyValue:StringEquals": { "account:AlternateContactTypes": "SECURITY" } }
        }));
    }
    statements
}
