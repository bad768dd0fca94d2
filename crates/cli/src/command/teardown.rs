//! `keyminder teardown`: show, confirm, delete, verify, print a summary.

use keyminder_reconcile::{Action, Plan, Purpose, Removal};

use super::follow_ups;
use super::planning::{PATIENCE, conclude, confirm_plan, document, look};
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
    let stack = installation.stack();
    let looked = look(session, &stack, Purpose::Destroy).await?;
    let width = screen.width();
    let shown = format!("\n{}", render::plan(&looked.1, screen.is_verbose(), width));
    if args.yes {
        screen.note(&shown)
    } else {
        screen.text(&shown)
    }
    // Asked for before anything is deleted: afterwards it is unknown which addresses had yet to confirm.
    let follow_ups = follow_ups::of_teardown(&installation.subscriptions_in(&looked.0));

    let nothing = looked.1.summary().delete == 0;
    if !nothing && !follow_ups.is_empty() {
        screen.note(&render::follow_ups(&follow_ups, width));
    }
    if nothing || args.dry_run {
        if screen.is_json() {
            screen.document(&document(
                "teardown",
                session.place(&account, installation),
                &looked.1,
                false,
                &follow_ups,
            ))?;
        } else if args.dry_run {
            screen.note("Dry run: nothing was deleted.");
        }
        return Ok(Exit::Done);
    }
    refuse_blocked(&looked.1, args.force)?;
    account.must_be_proven()?;
    let (_, plan) = if args.yes {
        looked
    } else {
        let question = |plan: &Plan| {
            let (count, account) = (plan.summary().delete, &account.identity.account);
            format!("Delete {count} {} from account {account}?", if count == 1 { "resource" } else { "resources" })
        };
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
        screen.note(&format!("\n{}", render::receipt(&done, &after, width)));
    }
    if !after.is_empty() {
        return Err(Error::failed("StillThere", format!("still present after deleting: {}", after.join(", ")))
            .hint("run keyminder teardown again; it continues from here"));
    }
    if screen.is_json() {
        screen.document(&document("teardown", session.place(&account, installation), &plan, true, &follow_ups))?;
    }
    Ok(Exit::Done)
}

fn refuse_blocked(plan: &Plan, force: bool) -> Result<(), Error> {
    let blockers = render::blockers(plan);
    if force || blockers.is_empty() {
        return Ok(());
    }
    Err(Error::failed("InUse", format!("things attached by others prevent the deletion: {}", blockers.join("; ")))
        .hint("to detach them first, run: keyminder teardown --force"))
}
