//! What can be known before the first write, so that a run fails whole rather than half.

use keyminder_reconcile::{Action, Plan};

use crate::error::{Cause, Error, failed};
use crate::installation::Installation;
use crate::resource::role;

impl Installation {
    /// Checks what the plan leans on and does not make itself: the permissions boundary. Names, sizes and clashes were
    /// checked before; the number of policy versions is made room for.
    ///
    /// # Errors
    /// What would make the plan fail half-way.
    pub async fn preflight(&self, plan: &Plan) -> Result<(), Error> {
        let role = plan.change(role::ADDRESS).is_some_and(|change| change.action != Action::None);
        let Some(boundary) = self.spec.iam.permissions_boundary.as_ref().filter(|_| role) else { return Ok(()) };
        let answer = self.clients.iam.get_policy().policy_arn(boundary).send().await;
        match answer.map_err(failed("iam:GetPolicy", boundary)) {
            Err(error) if error.is_not_found() => {
                Err(Error::usage("NoBoundary", format!("the permissions boundary {boundary} does not exist"))
                    .because(Cause::NoBoundary))
            }
            // Whoever may set a boundary need not be allowed to read it.
            _ => Ok(()),
        }
    }
}
