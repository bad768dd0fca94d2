//! IAM users' access keys, and the other credentials that a user may hold.

use serde_json::{Value, json};

use super::users::{asked, seen};
use super::{limit, listed, missing, user_arn};
use crate::clock::to_the_second;
use crate::protocol::{Answer, AwsError};
use crate::service::{Operation, Request, read, write};
use crate::world::{AccessKey, Credential};

/// The quota of access keys for a user.
const MOST_KEYS: usize = 2;

pub(super) const OPERATIONS: &[Operation] = &[
    write("CreateAccessKey", user_arn, create),
    read("ListAccessKeys", user_arn, list),
    write("UpdateAccessKey", user_arn, update),
    write("DeleteAccessKey", user_arn, delete),
    read("GetAccessKeyLastUsed", crate::service::anything, last_used),
    read("ListServiceSpecificCredentials", user_arn, service_specific),
    read("ListSSHPublicKeys", user_arn, ssh),
    read("ListSigningCertificates", user_arn, certificates),
];

fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

fn key<'a>(keys: &'a mut [AccessKey], id: &str) -> Result<&'a mut AccessKey, AwsError> {
    keys.iter_mut()
        .find(|key| key.id == id)
        .ok_or_else(|| missing(format!("The Access Key with id {id} cannot be found")))
}

fn create(request: &mut Request<'_>) -> Answer {
    let now = request.now;
    let (id, secret) = (request.world.ids.key("AKIA"), request.world.ids.secret());
    let user = asked(request)?;
    if user.access_keys.len() >= MOST_KEYS {
        return Err(limit(format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}")));
    }
    user.access_keys.push(AccessKey { id: id.clone(), active: true, created: now, last_used: None });
    Ok(json!({"AccessKey": {
        "UserName": user.name,
        "AccessKeyId": id,
        "Status": "Active",
        "SecretAccessKey": secret,
        "CreateDate": to_the_second(now),
    }}))
}

fn list(request: &mut Request<'_>) -> Answer {
    let user = seen(request)?;
    let show = |(_, key): &(usize, AccessKey)| {
        json!({
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": status(key.active),
            "CreateDate": to_the_second(key.created),
        })
    };
    let keys: Vec<_> = user.access_keys.iter().cloned().enumerate().collect();
    Ok(listed(request, "AccessKeyMetadata", keys, |(index, _)| format!("{index:04}"), show))
}

fn update(request: &mut Request<'_>) -> Answer {
    let (id, status) = (request.input.required("AccessKeyId")?, request.input.required("Status")?);
    if status != "Active" && status != "Inactive" {
        return Err(request.input.invalid(
            "Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
        ));
    }
    key(&mut asked(request)?.access_keys, &id)?.active = status == "Active";
    Ok(Value::Null)
}

fn delete(request: &mut Request<'_>) -> Answer {
    let id = request.input.required("AccessKeyId")?;
    let keys = &mut asked(request)?.access_keys;
    key(keys, &id)?;
    keys.retain(|key| key.id != id);
    Ok(Value::Null)
}

fn last_used(request: &mut Request<'_>) -> Answer {
    let id = request.input.required("AccessKeyId")?;
    let holder = request
        .world
        .iam
        .users
        .values()
        .find_map(|user| user.access_keys.iter().find(|key| key.id == id).map(|key| (user, key)));
    // AWS denies access where the key is no one's, lest ids be guessed (IAM API reference, GetAccessKeyLastUsed).
    let Some((user, key)) = holder else {
        let message = format!(
            "User: {} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {id}",
            request.caller
        );
        return Err(AwsError::new("AccessDenied", message).status(403));
    };
    let used = match &key.last_used {
        Some(used) => {
            json!({"LastUsedDate": to_the_second(used.at), "ServiceName": used.service, "Region": used.region})
        }
        None => json!({"ServiceName": "N/A", "Region": "N/A"}),
    };
    Ok(json!({"UserName": user.name, "AccessKeyLastUsed": used}))
}

fn by_id(credential: &Credential) -> String {
    credential.id.clone()
}

fn service_specific(request: &mut Request<'_>) -> Answer {
    let wanted = request.input.text("ServiceName").map(str::to_owned);
    const SERVICES: [&str; 3] = ["codecommit.amazonaws.com", "cassandra.amazonaws.com", "bedrock.amazonaws.com"];
    if let Some(unknown) = wanted.as_deref().filter(|wanted| !SERVICES.contains(wanted)) {
        return Err(missing(format!("No such service {unknown} is supported for Service Specific Credentials")));
    }
    let user = seen(request)?;
    let shown = user
        .service_specific_credentials
        .iter()
        .filter(|credential| wanted.as_ref().is_none_or(|wanted| *wanted == credential.service))
        .map(|credential| {
            json!({
                "UserName": user.name,
                "ServiceSpecificCredentialId": credential.id,
                "ServiceUserName": format!("{}-at-{}", user.name, request.world.account),
                "ServiceName": credential.service,
                "Status": status(credential.active),
                "CreateDate": to_the_second(credential.created),
            })
        });
    Ok(json!({ "ServiceSpecificCredentials": shown.collect::<Value>() }))
}

fn ssh(request: &mut Request<'_>) -> Answer {
    let user = seen(request)?;
    let show = |credential: &Credential| {
        json!({
            "UserName": user.name,
            "SSHPublicKeyId": credential.id,
            "Status": status(credential.active),
            "UploadDate": to_the_second(credential.created),
        })
    };
    Ok(listed(request, "SSHPublicKeys", user.ssh_public_keys.clone(), by_id, show))
}

fn certificates(request: &mut Request<'_>) -> Answer {
    let user = seen(request)?;
    let show = |credential: &Credential| {
        json!({
            "UserName": user.name,
            "CertificateId": credential.id,
            "CertificateBody": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "Status": status(credential.active),
            "UploadDate": to_the_second(credential.created),
        })
    };
    Ok(listed(request, "Certificates", user.signing_certificates.clone(), by_id, show))
}
