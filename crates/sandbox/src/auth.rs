//! Who calls: access keys, their secrets, and whose they are.

use std::fmt;

use axum::http::request::Parts;
use jiff::Timestamp;

use crate::calls::Caller;
use crate::names::Ids;
use crate::protocol::{AwsError, Service};
use crate::signature::{Authorization, Rejection};
use crate::world::World;

/// The credentials of the account's one user, random at each start unless the options say which.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl Credentials {
    pub(crate) fn new(ids: &mut Ids) -> Self {
        Self { access_key_id: ids.secret_key_id("AKIA"), secret_access_key: ids.secret() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The holder of an access key, and what a request needs to prove it.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) caller: Caller,
    secret: String,
    token: Option<String>,
}

/// Whose access key it is: a user's, if `user` was found for it, or that of a role's session. `now` is the sandbox's
/// time.
pub(crate) fn holder(
    world: &World,
    user: Option<(String, Credentials)>,
    service: Service,
    access_key: &str,
    now: Timestamp,
) -> Result<Holder, AwsError> {
    if access_key.starts_with("ASIAEXPIRED") {
        return Err(service.expired_token());
    }
    if let Some((name, credentials)) = user {
        let caller = Caller::Deployer(world.arn("iam", "", &format!("user/{name}")));
        return Ok(Holder { caller, secret: credentials.secret_access_key, token: None });
    }
    let session = world.sessions.get(access_key).ok_or_else(|| service.invalid_token())?;
    if session.expires.is_some_and(|expires| expires <= now) {
        return Err(service.expired_token());
    }
    let home = world.of(&session.account);
    let (role, arn) =
        (session.role.clone(), home.arn("sts", "", &format!("assumed-role/{}/{}", session.role, session.name)));
    match home.iam.roles.get(&session.role) {
        Some(known) if known.id == session.role_id && world.is_active(&session.account) => Ok(Holder {
            // Only a session that was assumed ends before its holder.
            caller: if session.expires.is_none() {
                Caller::Function { role, arn }
            } else {
                Caller::Role { role, arn, key: access_key.to_owned(), of_function: session.of_function }
            },
            secret: session.secret_access_key.clone(),
            token: Some(session.token.clone()),
        }),
        _ => Err(service.invalid_token()),
    }
}

impl Holder {
    /// Checks that the holder of the secret made this request. `now` is the machine's time, as signers go by that.
    pub(crate) fn verify(
        &self,
        service: Service,
        authorization: &Authorization,
        head: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), AwsError> {
        authorization.verify(head, body, &self.secret, now).map_err(|rejection| match rejection {
            Rejection::Incomplete(reason) => AwsError::new("IncompleteSignature", reason).status(403),
            Rejection::Skewed(message) => service.bad_signature(message),
            Rejection::Mismatch => service.bad_signature(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ),
        })?;
        let sent = head.headers.get("x-amz-security-token").and_then(|token| token.to_str().ok());
        if sent == self.token.as_deref() { Ok(()) } else { Err(service.invalid_token()) }
    }
}
