//! `keyminder confirm`: confirms a subscription so that only an authenticated call can cancel it, or has the
//! confirmation email sent again.

use keyminder_stack::{Confirmed, SubscriptionState};

use super::ask;
use super::session::Session;
use crate::args::{ConfirmArgs, SpecArgs};
use crate::error::{Error, Exit};
use crate::render::{self, ConfirmDocument, ConfirmOutcome};

pub(crate) async fn run(session: &Session, args: ConfirmArgs) -> Result<Exit, Error> {
    let wish = session.config.wish(&SpecArgs::default())?;
    let account = session.connect().await?;
    session.headline("confirm", &account);
    account.must_be_proven()?;
    let opened = session.open(&account, wish.spec).await?;
    let installation = &opened.installation;
    let screen = &session.screen;
    let place = session.place(&account, installation);
    if let Some(endpoint) = args.resend {
        let sent = installation.resend(endpoint.as_deref()).await?;
        if let (Some(endpoint), true) = (endpoint, sent.is_empty()) {
            return Err(Error::failed(
                "NotPending",
                format!("{endpoint} has no subscription that is waiting for confirmation; nothing was sent"),
            )
            .hint("to see all subscriptions, run: keyminder status"));
        }
        if screen.is_json() {
            screen.document(&ConfirmDocument::new(place, ConfirmOutcome::Resent { resent: &sent }))?;
        } else if sent.is_empty() {
            screen.text("No subscription is waiting for confirmation. Nothing was sent.");
        } else {
            let text = format!(
                "{} Sent a new confirmation email to {}. It is valid for 48 hours.",
                render::good("✓"),
                sent.join(", ")
            );
            screen.text(&render::fold(&text, screen.width()));
        }
        return Ok(Exit::Done);
    }
    let link = match args.link {
        Some(link) => link,
        None if screen.can_ask() => {
            let question =
                "Paste the link behind 'Confirm subscription' in the email (right-click, copy; do not open it)";
            ask::line(session, question, None, ask::anything).await?
        }
        None => {
            return Err(Error::usage("NoLink", "no link was given")
                .hint("copy the link behind 'Confirm subscription' in the email, and run: keyminder confirm 'LINK'"));
        }
    };
    let confirmed = session.reading(installation.confirm(&link)).await?;
    let subscriptions = session.reading(installation.subscriptions()).await?;
    // A list may lag behind a confirmation.
    let waiting = subscriptions.iter().filter(|one| one.state == SubscriptionState::Pending);
    let waiting: Vec<_> =
        waiting.map(|one| one.endpoint.as_str()).filter(|endpoint| *endpoint != confirmed.endpoint).collect();
    let Confirmed { arn, endpoint, safe_from_one_click_unsubscribing: safe } = &confirmed;
    if screen.is_json() {
        screen.document(&ConfirmDocument::new(
            place,
            ConfirmOutcome::Confirmed {
                confirmed: endpoint,
                arn,
                safe_from_one_click_unsubscribing: *safe,
                waiting: &waiting,
            },
        ))?;
        return Ok(Exit::Done);
    }
    let how =
        if *safe { "and protected from one-click unsubscribing" } else { "but one click in a notice can cancel it" };
    screen.text(&format!("{} {endpoint} is confirmed, {how}.", render::good("✓")));
    // A scheduled run reports a key when its reminder is due; a run by hand reports all of them.
    screen.remark("To send a report now, run: keyminder test");
    if !waiting.is_empty() {
        screen.text(&format!("{} Not confirmed yet: {}", render::warn("!"), waiting.join(", ")));
    }
    Ok(Exit::Done)
}
