//! The account as a whole: its summary and its alias.

use serde_json::{Value, json};

use super::exists;
use crate::names::is_name;
use crate::protocol::Answer;
use crate::protocol::query::ENTRIES;
use crate::service::{Operation, Request, anything, read, write};

pub(super) const OPERATIONS: &[Operation] = &[
    read("GetAccountSummary", anything, summary),
    read("ListAccountAliases", anything, aliases),
    write("CreateAccountAlias", anything, create_alias),
    write("DeleteAccountAlias", anything, delete_alias),
];

fn summary(request: &mut Request<'_>) -> Answer {
    let iam = &request.world.iam;
    let policies = iam.policies.values().filter(|policy| !policy.is_aws_managed()).count();
    let map = json!({
        "AccountAccessKeysPresent": iam.root_access_keys,
        "AccountMFAEnabled": u8::from(iam.root_mfa),
        "AccountSigningCertificatesPresent": 0,
        "AccessKeysPerUserQuota": 2,
        "Users": iam.users.len(),
        "UsersQuota": 5000,
        "Roles": iam.roles.len(),
        "RolesQuota": 1000,
        "Policies": policies,
        "PoliciesQuota": 1500,
        "PolicySizeQuota": 6144,
        "VersionsPerPolicyQuota": 5,
        "AttachedPoliciesPerRoleQuota": 10,
    });
    Ok(json!({ "SummaryMap": { ENTRIES: map } }))
}

fn aliases(request: &mut Request<'_>) -> Answer {
    Ok(json!({"AccountAliases": request.world.iam.aliases, "IsTruncated": false}))
}

fn create_alias(request: &mut Request<'_>) -> Answer {
    let alias = request.input.required("AccountAlias")?;
    if alias.len() < 3 || !is_name(&alias, 63, "-") || alias.chars().any(char::is_uppercase) {
        return Err(request.input.invalid("The specified value for accountAlias is invalid."));
    }
    if request.world.iam.aliases.contains(&alias) {
        return Err(exists(format!("The account alias {alias} already exists.")));
    }
    request.world.iam.aliases = vec![alias];
    Ok(Value::Null)
}

fn delete_alias(request: &mut Request<'_>) -> Answer {
    let alias = request.input.required("AccountAlias")?;
    request.world.iam.aliases.retain(|known| *known != alias);
    Ok(Value::Null)
}
