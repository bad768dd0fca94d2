//! What others added beside the installation: which of it a person wants removed, and its removal.
//!
//! Nothing is removed unless somebody asked for just that, on a terminal or with `--remove-foreign`. `--yes` answers none
//! of these questions.

use std::time::{Duration, Instant};

use keyminder_reconcile::{Address, Extra, Plan};
use keyminder_stack::{Observation, Stack};

use super::ask;
use super::planning::{PATIENCE, look};
use super::session::{OpenInstallation, Session};
use crate::error::{Error, Exit};
use crate::render;

/// What is to be removed.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) extras: Vec<(Address, Extra)>,
    /// Each was asked for by name: there is nothing left to confirm about them.
    pub(super) is_confirmed: bool,
}

/// Works out what is to be removed: everything of concern at the `named` addresses, and, if somebody can be asked, what
/// they say of the rest.
///
/// # Errors
/// `CannotRemove`, and as [`ask::yes`].
pub(super) async fn choose(session: &Session, plan: &Plan, named: &[String], may_ask: bool) -> Result<Chosen, Error> {
    let is_named = |address: Address| named.iter().any(|one| one == address.0);
    let (by_flag, others): (Vec<_>, Vec<_>) = plan.concerns().into_iter().partition(|(address, _)| is_named(*address));
    if let Some((address, extra)) = by_flag.iter().find(|(_, extra)| extra.handle.is_none()) {
        return Err(Error::failed("CannotRemove", format!("{address}: keyminder cannot remove {extra}"))
            .hint("remove it by other means, then run setup again without --remove-foreign for this address"));
    }
    let mut chosen = Chosen { is_confirmed: by_flag.is_empty(), extras: owned(&by_flag) };
    for address in named.iter().filter(|named| !by_flag.iter().any(|(address, _)| address.0 == **named)) {
        session.screen.note(&format!("{address}: there is nothing of others to remove."));
    }
    if !may_ask {
        return Ok(chosen);
    }
    let mut asked: Vec<(Address, &Extra, bool)> = Vec::new();
    for (address, extra) in others.into_iter().filter(|(_, extra)| extra.handle.is_some()) {
        // A statement with several principals goes as a whole.
        let same = asked.iter().find(|(at, one, _)| *at == address && one.handle == extra.handle);
        let goes = match same {
            Some((_, _, goes)) => *goes,
            None => {
                let what = format!("{address}: others added {extra}.");
                session.screen.aside(&format!("\n{}", render::fold(&what, session.screen.width())));
                ask::yes(session, "Remove it?", false).await?
            }
        };
        asked.push((address, extra, goes));
    }
    chosen.extras.extend(asked.into_iter().filter(|(_, _, goes)| *goes).map(|(at, extra, _)| (at, extra.clone())));
    Ok(chosen)
}

fn owned(extras: &[(Address, &Extra)]) -> Vec<(Address, Extra)> {
    extras.iter().map(|(address, extra)| (*address, (*extra).clone())).collect()
}

/// Removes what was chosen, and looks until it is gone: reads may lag behind writes.
///
/// # Errors
/// What AWS answers, `StillThere`, `Interrupted`.
pub(super) async fn remove(
    session: &Session,
    opened: &OpenInstallation,
    stack: &Stack<'_>,
    chosen: &Chosen,
    plan: &Plan,
) -> Result<(Observation, Plan), Error> {
    let token = session.interrupt.token();
    stack.remove(&chosen.extras, opened.progress.as_ref(), token).await?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        if token.is_cancelled() {
            return Err(Error::stopped("Interrupted", "Interrupted. Not everything was removed.", Exit::Interrupted)
                .hint("To see what is left, run: keyminder plan"));
        }
        let (seen, now) = look(session, stack, plan.purpose).await?;
        let is_left = |(at, extra): &&(Address, Extra)| {
            now.concerns().iter().any(|(address, one)| address == at && one.handle == extra.handle)
        };
        let Some((address, extra)) = chosen.extras.iter().find(is_left) else { return Ok((seen, now)) };
        if start.elapsed() + pause > PATIENCE {
            return Err(Error::failed("StillThere", format!("still present after removing: {address}: {extra}"))
                .hint("someone may be adding it again; to look again, run: keyminder plan"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(3));
    }
}
