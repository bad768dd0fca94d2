//! What can be known before the first write, so that a run fails whole rather than half.

use keyminder_reconcile::{Action, FieldChange, PathPart, Plan};

use crate::error::{Cause, Error, failed};
use crate::installation::Installation;
use crate::resource::{function, role};

impl Installation {
    /// Checks what the plan leans on and does not make itself: the permissions boundary, and the sender of emails to owners
    /// if the plan is what has owners emailed. Names, sizes and clashes were
    /// checked before; the number of policy versions is made room for.
    ///
    /// # Errors
    /// What would make the plan fail half-way.
    pub async fn preflight(&self, plan: &Plan) -> Result<(), Error> {
        if self.begins_to_email(plan) {
            self.refuse_unsendable().await?;
        }
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

    /// The plan gives the function settings for emails that it does not have. Where it has them already, an identity that
    /// is no longer verified must not keep anything else from being repaired.
    fn begins_to_email(&self, plan: &Plan) -> bool {
        let Some(change) = plan.change(function::ADDRESS) else { return false };
        let is_of_owners = |field: &FieldChange| match field.path.parts() {
            [PathPart::Key(environment), PathPart::Key(variable)] => {
                environment == "environment" && variable.starts_with("OWNERS_") && !field.after.is_null()
            }
            _ => false,
        };
        self.spec.owners.is_configured() && (change.action == Action::Create || change.fields.iter().any(is_of_owners))
    }
}
