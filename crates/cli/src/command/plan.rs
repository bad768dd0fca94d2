//! `keyminder plan`: what setup would do, and nothing else.

use keyminder_reconcile::Purpose;

use super::run::{document, look};
use super::session::Session;
use super::{attention, build};
use crate::args::PlanArgs;
use crate::error::{Error, Exit};
use crate::render;

pub(crate) async fn run(session: &Session, args: &PlanArgs) -> Result<Exit, Error> {
    let mut wish = session.config.wish(&args.spec)?;
    wish.spec.keep_code = args.keep_code;
    let (account, opened) = session.begin("plan", wish.spec).await?;
    let stack = opened.installation.stack();
    let (seen, plan) = look(session, &stack, Purpose::Converge { adopt: wish.adopt }).await?;
    let subscriptions = opened.installation.subscriptions_in(&seen);
    let mut attention = attention::after_setup(&opened.installation, &subscriptions, true);
    attention.extend(attention::of_code(&plan, opened.installation.spec().package.source()));
    let screen = &session.screen;
    build::remark(session, &account, &plan, wish.origin);
    if screen.is_json() {
        let install = &opened.installation.names().install;
        screen.document(&document("plan", &account, install, &plan, false, &attention))?;
    } else {
        screen.text(&format!("\n{}", render::plan(&plan, screen.is_verbose(), screen.width())));
        show_refusal(session, &plan);
        if !attention.is_empty() {
            screen.text(&render::attention(&attention, screen.width()));
        }
    }
    Ok(if args.exit_code && !plan.is_empty() { Exit::Difference } else { Exit::Done })
}

/// A plan that setup would refuse is still a plan: it says so.
pub(super) fn show_refusal(session: &Session, plan: &keyminder_reconcile::Plan) {
    if let Err(error) = super::run::refuse_foreign(plan) {
        session.screen.text(&format!("setup would refuse:\n{}", render::error(&error, session.screen.width())));
    }
}
