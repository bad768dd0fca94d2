//! STS: who am I, and the credentials of a role.

use serde_json::{Value, json};

use super::{Operation, Request, Site, anything, read};
use crate::calls::Caller;
use crate::clock::{later, to_the_second};
use crate::names::{account_of, is_name, resource_of};
use crate::permission::{Need, not_authorized, trusts};
use crate::protocol::{Answer, AwsError, Service};
use crate::world::Session;

pub(crate) const OPERATIONS: &[Operation] =
    &[read("GetCallerIdentity", anything, get_caller_identity), read("AssumeRole", asked_role, assume_role)];

/// The unique id of the user that ordinary credentials belong to.
pub(crate) const DEPLOYER_ID: &str = "AIDASANDBOXDEPLOYER00";

/// How long a session lasts unless it is asked to last longer or shorter, in seconds, and the shortest.
const DURATION: u64 = 3600;
const SHORTEST: u64 = 900;

/// The longest session of someone who has a role's credentials already ("Role chaining" in the IAM user guide).
const LONGEST_CHAINED: u64 = 3600;

/// The longest session policy, in characters.
const LARGEST_POLICY: usize = 2048;

fn get_caller_identity(request: &mut Request<'_>) -> Answer {
    let id = match request.caller {
        Caller::Deployer(_) => DEPLOYER_ID.to_owned(),
        Caller::Function { role, arn } | Caller::Role { role, arn, .. } => {
            let session = arn.rsplit('/').next().unwrap_or_default();
            let role = request.world.iam.roles.get(role).map_or("", |role| &role.id);
            format!("{role}:{session}")
        }
    };
    Ok(json!({"Arn": request.caller.arn(), "UserId": id, "Account": request.world.account}))
}

fn asked_role(site: &Site<'_>) -> Vec<String> {
    vec![site.text("RoleArn").to_owned()]
}

fn assume_role(request: &mut Request<'_>) -> Answer {
    let input = request.input;
    let (arn, name) = (input.required("RoleArn")?, input.required("RoleSessionName")?);
    if name.len() < 2 || !is_name(&name, 64, "_+=,.@-") {
        return Err(input.invalid(format!(
            "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let account = account_of(&arn);
    if !arn.starts_with("arn:") || account.len() != 12 || !resource_of(&arn).starts_with("role/") {
        return Err(input.invalid(format!("{arn} is invalid")));
    }
    let seconds = input.number("DurationSeconds").unwrap_or(DURATION);
    if !(SHORTEST..=43_200).contains(&seconds) {
        return Err(input.invalid(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value greater than or equal to 900"
        )));
    }
    let policy = session_policy(request)?;
    let caller = request.caller;
    let refused = || {
        let message = not_authorized(caller.arn(), &Need::new("sts:AssumeRole", &*arn));
        Service::Sts.access_denied(message)
    };
    // A role that does not exist, and one in an account that is closed, are answered like one that trusts nobody.
    let known = request.open_account(account).and_then(|world| world.iam.role_by_arn(&arn)).ok_or_else(refused)?;
    let organization = request.home().organization_of(caller.account());
    let trusted = trusts(request.world, organization, &known.trust, caller, input.text("ExternalId"), &name);
    if !trusted || !request.is_past(known.created, request.options.role_delay) {
        return Err(refused());
    }
    let known = known.clone();
    let chained = caller.role().is_some();
    if seconds > known.max_session || chained && seconds > LONGEST_CHAINED {
        return Err(input.invalid(if chained && seconds <= known.max_session {
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        } else {
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        }));
    }
    let expires = later(request.now, std::time::Duration::from_secs(seconds));
    let (key, session) = request.world.new_session(account, &known.name, &known.id, &name);
    let session = Session { expires: Some(expires), policy, of_function: caller.is_function(), ..session };
    let answer = json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.token,
            "Expiration": to_the_second(expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{name}", known.id),
            "Arn": format!("arn:{}:sts::{account}:assumed-role/{}/{name}", request.world.partition, known.name),
        },
    });
    let now = request.now;
    let sessions = &mut request.home_mut().sessions;
    // Those that have expired are of no use to anyone.
    if sessions.len() >= SESSIONS_KEPT {
        sessions.retain(|_, session| session.expires.is_none_or(|expires| expires > now));
    }
    sessions.insert(key, session);
    Ok(answer)
}

/// Sessions beyond which those that have expired are forgotten.
const SESSIONS_KEPT: usize = 1_000;

fn session_policy(request: &Request<'_>) -> Result<Option<Value>, AwsError> {
    let Some(text) = request.input.text("Policy") else {
        return Ok(None);
    };
    if text.len() > LARGEST_POLICY {
        return Err(request.input.invalid(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less \
             than or equal to 2048",
        ));
    }
    let malformed = || AwsError::new("MalformedPolicyDocument", "The policy is not in the valid JSON format.");
    let policy: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    if policy["Statement"].is_null() { Err(malformed()) } else { Ok(Some(policy)) }
}
