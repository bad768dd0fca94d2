//! Opening an install: which of the two possible IAM names it has.
//!
//! IAM is global and the rest is regional, so the roles of both names are read first. Nothing else has to be known for
//! that, not even whose account it is: both questions can be asked at once.

use std::rc::Rc;

use futures::future::try_join;
use keyminder_reconcile::{CancellationToken, Progress};

use crate::connection::{Clients, Identity};
use crate::error::{Cause, Error};
use crate::installation::Installation;
use crate::names::{IamNames, Names, role_name};
use crate::ownership::{self, Ownership, Tags};
use crate::resource::{iam, shared};
use crate::spec::Spec;

/// The tags of the roles that an install could have, as far as there are such roles.
pub struct Roles {
    plain: Option<Tags>,
    with_region: Option<Tags>,
}

impl Roles {
    /// Reads both roles.
    ///
    /// # Errors
    /// What IAM answers.
    pub async fn read(clients: &Clients, spec: &Spec) -> Result<Self, Error> {
        let tags = async |iam| {
            let name = role_name(clients.region(), &spec.name, &spec.names, iam);
            let role = shared::live_role(clients, &name).await?;
            Ok(role.map(|role| iam::tags_of(role.tags())))
        };
        let (plain, with_region) = try_join(tags(IamNames::Plain), tags(IamNames::WithRegion)).await?;
        Ok(Self { plain, with_region })
    }

    /// The region's own IAM names if they are in use, or if the plain ones are another region's. The role decides: it
    /// is created before the policy and deleted after it, so there is never a policy of this installation without a
    /// role.
    fn choose(&self, plain: Names, with_region: Names) -> (Names, Option<&Tags>) {
        let is_own = |tags| !matches!(Ownership::of(tags, &with_region), Ownership::Foreign(_));
        let is_taken = |tags| ownership::of_another_region(tags, &plain);
        if self.with_region.as_ref().is_some_and(is_own) || self.plain.as_ref().is_some_and(is_taken) {
            (with_region, self.with_region.as_ref())
        } else {
            (plain, self.plain.as_ref())
        }
    }
}

/// Refuses an installation that a newer version laid out in a way that this version does not know.
fn refuse_newer(role: Option<&Tags>, names: &Names) -> Result<(), Error> {
    let own = role.filter(|tags| !matches!(Ownership::of(tags, names), Ownership::Foreign(_)));
    let Some((format, known)) = own.and_then(ownership::newer_format) else { return Ok(()) };
    let message = format!(
        "a newer version of keyminder set up the installation '{}': its role {} records format {format}, and this \
         version understands formats up to {known}",
        names.install, names.role
    );
    Err(Error::usage("NewerVersion", message).because(Cause::NewerVersion))
}

impl Installation {
    /// Opens an install: reads the roles and works out the names.
    ///
    /// `watch` learns what resources wait for; `interrupted` ends such waits.
    ///
    /// # Errors
    /// What IAM answers; a newer version's installation; settings that do not fit into the function.
    pub async fn open(
        clients: Clients,
        identity: &Identity,
        spec: Spec,
        watch: Rc<dyn Progress>,
        interrupted: CancellationToken,
    ) -> Result<Self, Error> {
        let roles = Roles::read(&clients, &spec).await?;
        Self::with_roles(clients, identity, spec, &roles, watch, interrupted)
    }

    /// Opens an install whose roles were read already.
    ///
    /// # Errors
    /// A newer version's installation; settings that do not fit into the function.
    pub fn with_roles(
        clients: Clients,
        identity: &Identity,
        spec: Spec,
        roles: &Roles,
        watch: Rc<dyn Progress>,
        interrupted: CancellationToken,
    ) -> Result<Self, Error> {
        let names = |iam| Names::new(identity, clients.region(), &spec.name, &spec.iam.path, &spec.names, iam);
        let (names, role) = roles.choose(names(IamNames::Plain), names(IamNames::WithRegion));
        refuse_newer(role, &names)?;
        Self::new(clients, names, spec, watch, interrupted)
    }
}
