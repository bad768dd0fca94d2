//! Who a request says it is from. Owns the credential scope and the mapping of access keys to callers; signatures are
//! not verified, for the sandbox holds no secrets.

use crate::calls::Caller;
use crate::protocol::{AwsError, Service};
use crate::world::World;

/// The credential scope of a signed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// Reads `AWS4-HMAC-SHA256 Credential=AKID/DATE/REGION/SERVICE/aws4_request, …`.
    pub(crate) fn parse(authorization: &str) -> Option<Self> {
        let credential = authorization.split_once("Credential=")?.1.split([',', ' ']).next()?;
        // From the right: an access key may hold anything.
        let mut parts = credential.rsplit('/');
        let terminator = parts.next()?;
        let (service, region, _date) = (parts.next()?, parts.next()?, parts.next()?);
        let access_key = parts.next()?;
        (terminator == "aws4_request").then(|| Self {
            access_key: access_key.into(),
            region: region.into(),
            service: service.into(),
        })
    }
}

/// The caller that an access key belongs to: a function's role, or else the deployer.
pub(crate) fn caller(world: &World, service: Service, access_key: &str) -> Result<Caller, AwsError> {
    if access_key.starts_with("ASIAEXPIRED") {
        return Err(service.expired_token());
    }
    let Some(session) = world.sessions.get(access_key) else {
        return Ok(Caller::Deployer(world.arn("iam", "", "user/you")));
    };
    match world.iam.roles.get(&session.role) {
        Some(role) if role.id == session.role_id => Ok(Caller::Function {
            role: session.role.clone(),
            arn: world.arn("sts", "", &format!("assumed-role/{}/{}", session.role, session.name)),
        }),
        _ => Err(service.invalid_token()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_names_key_region_and_service() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=x";
        let scope = Scope::parse(header).expect("a scope");
        assert_eq!((&*scope.access_key, &*scope.region, &*scope.service), ("AKIA1", "eu-west-1", "sns"));
        assert_eq!(Scope::parse("Bearer x"), None);
    }
}
