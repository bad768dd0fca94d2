//! The part of a run that is for the owners of keys.
//!
//! Owns who is emailed in a run, and the test email. Which key has which owner, and the words, are `keyage`'s.

use jiff::Timestamp;
use keyminder_keyage::notice::{Context, OwnersInformed, owner_test_email};
use keyminder_keyage::owners::Address;
use keyminder_keyage::{Report, Untrusted};
use tokio::time::Instant;

use super::Function;
use super::allowance::Allowance;
use crate::event::{Event, Mode};
use crate::mailer::{Mailed, Mailer};
use crate::owners::emails_to_owners;
use crate::run_summary::{FinishedRun, OwnersSummary, RunSummary};

impl Function {
    /// Emails the owners of keys that this run reports; in a dry run, only says whom. `None` if owners are not emailed.
    pub(super) async fn write_to_owners(
        &self,
        report: &Report,
        context: &Context,
        mode: Mode,
        deadline: Option<Instant>,
    ) -> Option<(OwnersInformed, OwnersSummary)> {
        let (mailer, account) = self.mailer.as_ref()?;
        let (owners, settings) = (mailer.owners(), self.check.settings());
        let (emails, informed) =
            emails_to_owners(account, &report.account, &[report], owners, settings, context, deadline).await;
        let mailed = match mode {
            Mode::DryRun => Mailed::default(),
            _ => mailer.send(&emails, deadline).await,
        };
        let informed = informed.with_outcomes(&mailed.outcomes);
        let summary = OwnersSummary::new(&informed, mailed);
        Some((informed, summary))
    }

    /// Emails a test to the address in the event.
    pub(super) async fn test_owner(&self, event: &Event, now: Timestamp, allowance: Option<Allowance>) -> FinishedRun {
        let answer = RunSummary { as_of: now, complete: true, ..RunSummary::of(event) };
        let asked = event.owner.as_deref().unwrap_or_default();
        let mailer = self.mailer.as_ref().map(|(mailer, _)| mailer).ok_or_else(|| NOT_CONFIGURED.to_owned());
        let (mailer, to) = match mailer.and_then(|mailer| Ok((mailer, checked(mailer, asked)?))) {
            Ok(found) => found,
            Err(reason) => return FinishedRun { answer, error: Some(reason) },
        };
        let context = Context::by_hand(&self.deployment, now);
        let email = owner_test_email(&to, self.deployment.account(), self.check.settings(), &context);
        let deadline = allowance.map(|allowance| allowance.publish_until());
        let mailed = mailer.send(&[email], deadline).await;
        let failure = mailed.outcomes.first().cloned().flatten();
        let owners = OwnersSummary {
            sent: u32::from(failure.is_none()),
            unsent: u32::from(failure.is_some()),
            to: vec![to.clone()],
            message_ids: mailed.message_ids,
            errors: failure.iter().map(|why| format!("{to}: {why}")).collect(),
            keys_without_owner: 0,
        };
        let error = failure.map(|why| format!("keyminder could not email {to}: {}", Untrusted::new(&why).cut(500)));
        FinishedRun { answer: RunSummary { owners: Some(owners), ..answer }, error }
    }
}

const NOT_CONFIGURED: &str = "the installed function does not email owners: set owners.from and owners.domains, then run \
                              keyminder setup";

/// The address, if it can be emailed.
fn checked(mailer: &Mailer, asked: &str) -> Result<String, String> {
    let shown = || Untrusted::without_links(asked).cut(254);
    let address = Address::parse(asked).map_err(|reason| format!("{:?} cannot be emailed: {reason}", shown()))?;
    if !mailer.owners().includes(&address) {
        let domains = mailer.owners().domains().join(", ");
        return Err(format!("{} is not in owners.domains ({domains}), so it is never emailed", shown()));
    }
    Ok(address.to_string())
}
