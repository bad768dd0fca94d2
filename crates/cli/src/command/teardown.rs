//! `keyminder teardown`: show, confirm, delete, look again, give a receipt.

use keyminder_reconcile::{Action, Plan, Purpose, Removal};

use super::attention;
use super::run::{PATIENCE, conclude, confirm_plan, document, look};
use super::session::Session;
use crate::args::{Overrides, SpecArgs, TeardownArgs};
use crate::error::{Error, Exit};
use crate::render;

pub(crate) async fn run(session: &Session, args: &TeardownArgs) -> Result<Exit, Error> {
    let screen = &session.screen;
    let spec = SpecArgs { given: Overrides::clone(&args.given).into(), adopt: false };
    let wish = session.config.wish(&spec)?;
    let (account, opened) = session.begin("teardown", wish.spec).await?;
    let installation = &opened.installation;
    let install = installation.names().install.clone();
    let stack = installation.stack();
    let looked = look(session, &stack, Purpose::Destroy).await?;
    let width = screen.width();
    screen.text(&format!("\n{}", render::plan(&looked.1, screen.is_verbose(), width)));
    // Asked for before anything goes: afterwards nobody knows which addresses were still pending.
    let attention = attention::of_teardown(&installation.subscriptions_in(&looked.0));

    let nothing = looked.1.summary().delete == 0;
    if !nothing && !attention.is_empty() {
        screen.text(&render::attention(&attention, width));
    }
    if nothing || args.dry_run {
        if screen.is_json() {
            screen.document(&document("teardown", &account, &install, &looked.1, false, &attention))?;
        } else if args.dry_run {
            screen.text("Dry run: nothing was deleted.");
        }
        return Ok(Exit::Done);
    }
    refuse_blocked(&looked.1, args.force)?;
    let (_, plan) = if args.yes {
        looked
    } else {
        let question =
            |plan: &Plan| format!("Delete these {} from account {}?", plan.summary().delete, account.identity.account);
        confirm_plan(session, &stack, looked, question, "teardown").await?
    };
    refuse_blocked(&plan, args.force)?;
    screen.remark("");
    let removal = Removal { force: args.force };
    let outcome = stack.destroy(&plan, removal, opened.progress.as_ref(), session.interrupt.token()).await;
    let done = outcome.done.clone();
    conclude(outcome, "teardown")?;
    let (_, after) = stack.verify(Purpose::Destroy, PATIENCE, session.interrupt.token()).await?;
    let left = after.changes.iter().filter(|change| change.action == Action::Delete);
    let after: Vec<_> = left.map(|change| change.address.to_string()).collect();
    if !screen.is_json() {
        screen.text(&format!("\n{}", render::receipt(&done, &after, width)));
    }
    if !after.is_empty() {
        return Err(Error::failed("StillThere", format!("still there after deleting: {}", after.join(", ")))
            .hint("run keyminder teardown again: it goes on from here"));
    }
    if screen.is_json() {
        screen.document(&document("teardown", &account, &install, &plan, true, &attention))?;
    }
    Ok(Exit::Done)
}

fn refuse_blocked(plan: &Plan, force: bool) -> Result<(), Error> {
    let blockers = render::blockers(plan);
    if force || blockers.is_empty() {
        return Ok(());
    }
    Err(Error::failed("InUse", format!("what others attached stands in the way: {}", blockers.join("; ")))
        .hint("keyminder teardown --force detaches it first"))
}
