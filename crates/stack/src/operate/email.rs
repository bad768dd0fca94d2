//! Whether emails to owners can be sent: the sender's identity in SES, and the account's own state there.
//!
//! Asks SES: GetEmailIdentity, GetAccount. Nothing here is created or changed: identities are verified by whoever owns the
//! domain.

use futures::future::{join, try_join_all};

use crate::actions::{Actions, On};
use crate::error::{Cause, Error, failed};
use crate::installation::Installation;

/// What these calls need to be allowed.
pub(super) const ACTIONS: Actions = &[(On::Anything, &["ses:GetAccount"]), (On::Identities, &["ses:GetEmailIdentity"])];

/// Why owners would not be emailed, or not all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailObstacle {
    /// SES has no identity in this region that covers the sender.
    NoIdentity,
    /// The identity that covers the sender is not verified.
    NotVerified(String),
    /// The identity has this default configuration set, which the function is not allowed to use.
    DefaultConfigurationSet {
        /// The identity.
        identity: String,
        /// Its configuration set.
        set: String,
    },
    /// The account is in SES's sandbox in this region, and these of the owners' domains are not verified there.
    Sandbox(Vec<String>),
    /// SES has stopped sending for the account, or somebody has.
    Paused,
    /// SES could not be asked; why.
    Unknown(String),
}

impl EmailObstacle {
    /// No email at all can be sent, and a setting or an identity has to be changed.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NoIdentity | Self::NotVerified(_) | Self::DefaultConfigurationSet { .. })
    }
}

/// An identity that exists in SES.
struct Identity {
    name: String,
    verified: bool,
    configuration_set: Option<String>,
}

impl Installation {
    /// What keeps owners from being emailed, asked of SES; empty if owners are not emailed. That SES cannot be asked is an
    /// obstacle too, not an error.
    pub async fn email_obstacles(&self) -> Vec<EmailObstacle> {
        let Some(from) = self.spec.owners.from.as_deref() else { return Vec::new() };
        let (identity, account) = join(self.sender_obstacle(from), self.account_obstacle()).await;
        let seen = |obstacle: Result<Option<EmailObstacle>, Error>| {
            obstacle.unwrap_or_else(|error| Some(EmailObstacle::Unknown(error.to_string())))
        };
        [seen(identity), seen(account)].into_iter().flatten().collect()
    }

    /// An address is covered by an identity of its own, and by those of its domain and of every domain above that. The
    /// narrowest one that exists decides on the configuration set (SES Developer Guide, "Creating and verifying
    /// identities in Amazon SES").
    async fn sender_obstacle(&self, from: &str) -> Result<Option<EmailObstacle>, Error> {
        let found = try_join_all(covering(from).map(|name| self.identity(name))).await?;
        let found: Vec<Identity> = found.into_iter().flatten().collect();
        let Some(narrowest) = found.first() else { return Ok(Some(EmailObstacle::NoIdentity)) };
        if !found.iter().any(|identity| identity.verified) {
            return Ok(Some(EmailObstacle::NotVerified(narrowest.name.clone())));
        }
        let default = narrowest.configuration_set.clone().filter(|_| self.spec.owners.configuration_set.is_none());
        let identity = narrowest.name.clone();
        Ok(default.map(|set| EmailObstacle::DefaultConfigurationSet { identity, set }))
    }

    async fn identity(&self, name: String) -> Result<Option<Identity>, Error> {
        let answer = self.clients.ses.get_email_identity().email_identity(&name).send().await;
        match answer.map_err(failed("ses:GetEmailIdentity", &name)) {
            Ok(answer) => Ok(Some(Identity {
                name,
                verified: answer.verified_for_sending_status,
                configuration_set: answer.configuration_set_name.filter(|set| !set.is_empty()),
            })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn account_obstacle(&self) -> Result<Option<EmailObstacle>, Error> {
        let account = self.clients.ses.get_account().send().await.map_err(failed("ses:GetAccount", ""))?;
        if !account.sending_enabled || account.enforcement_status.as_deref() == Some("SHUTDOWN") {
            return Ok(Some(EmailObstacle::Paused));
        }
        if account.production_access_enabled {
            return Ok(None);
        }
        let unverified = |domain: String| async move {
            let found = try_join_all(domains_above(&domain).map(|name| self.identity(name))).await?;
            let is_verified = found.into_iter().flatten().any(|identity| identity.verified);
            Ok::<_, Error>((!is_verified).then_some(domain))
        };
        let unverified = try_join_all(self.spec.owners.domains().into_iter().map(unverified)).await?;
        let unverified: Vec<String> = unverified.into_iter().flatten().collect();
        Ok((!unverified.is_empty()).then_some(EmailObstacle::Sandbox(unverified)))
    }

    /// Refuses to begin emailing owners if no email could be sent.
    pub(super) async fn refuse_unsendable(&self) -> Result<(), Error> {
        let obstacles = self.email_obstacles().await;
        let Some(obstacle) = obstacles.into_iter().find(EmailObstacle::is_final) else { return Ok(()) };
        let from = self.spec.owners.from.as_deref().unwrap_or_default();
        let message = format!("owners cannot be emailed from {from}: {}", self.why_not(&obstacle));
        Err(Error::usage("CannotEmailOwners", message).because(Cause::CannotEmail(Box::new(obstacle))))
    }

    /// An obstacle in words, as a clause.
    #[must_use]
    pub fn why_not(&self, obstacle: &EmailObstacle) -> String {
        let region = &self.names.region;
        match obstacle {
            EmailObstacle::NoIdentity => format!(
                "SES in {region} has no identity for this address or its domain, and identities of other regions do not \
                 count"
            ),
            EmailObstacle::NotVerified(identity) => format!("the identity {identity} in {region} is not verified"),
            EmailObstacle::DefaultConfigurationSet { identity, set } => format!(
                "the identity {identity} has the default configuration set {set}, which the function is not allowed to \
                 use"
            ),
            EmailObstacle::Sandbox(domains) => format!(
                "the account is in SES's sandbox in {region}, where SES only accepts emails to verified addresses and \
                 domains, and these are not verified: {}",
                domains.join(", ")
            ),
            EmailObstacle::Paused => format!("sending is paused for the account in {region}"),
            EmailObstacle::Unknown(why) => format!("SES could not be asked: {why}"),
        }
    }
}

/// The names of the identities that cover an address, the narrowest first.
fn covering(from: &str) -> impl Iterator<Item = String> {
    let domain = from.rsplit_once('@').map_or(from, |(_, domain)| domain);
    std::iter::once(from.to_owned()).chain(domains_above(domain))
}

/// A domain, and every domain above it but the last label.
fn domains_above(domain: &str) -> impl Iterator<Item = String> {
    let mut domain = Some(domain).filter(|domain| domain.contains('.'));
    std::iter::from_fn(move || {
        let this = domain?;
        domain = this.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.contains('.'));
        Some(this.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_covered_by_its_own_identity_and_those_of_its_domains() {
        let names: Vec<_> = covering("keys@mail.eu.example.com").collect();
        assert_eq!(names, ["keys@mail.eu.example.com", "mail.eu.example.com", "eu.example.com", "example.com"]);
    }
}
