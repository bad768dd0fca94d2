//! `keyminder plan`: what setup would change, without changing anything.

use keyminder_reconcile::{Plan, Purpose};
use keyminder_stack::UnknownSettings;

use super::planning::{document, look, refuse_foreign};
use super::refusals::{is_configured, refuse_unknown, unknown_settings};
use super::session::Session;
use super::{build, follow_ups};
use crate::args::PlanArgs;
use crate::error::{Error, Exit};
use crate::follow_up::{FollowUp, Topic};
use crate::render;

pub(crate) async fn run(session: &Session, args: &PlanArgs) -> Result<Exit, Error> {
    let mut wish = session.config.wish(&args.spec)?;
    wish.spec.keep_code = args.keep_code;
    let (account, opened) = session.begin("plan", wish.spec).await?;
    let stack = opened.installation.stack();
    let (seen, plan) = look(session, &stack, Purpose::Converge { adopt: wish.adopt }).await?;
    let subscriptions = opened.installation.subscriptions_in(&seen);
    let mut follow_ups = follow_ups::after_setup(&opened.installation, &subscriptions, true);
    let effects = opened.installation.effects(&seen, &plan);
    let obstacles = session.email_obstacles(&opened.installation).await?;
    follow_ups.extend(follow_ups::of_owners(&opened.installation, &obstacles));
    follow_ups.extend(follow_ups::of_version(&effects));
    follow_ups.extend(follow_ups::of_concerns(&plan));
    follow_ups.extend(follow_ups::of_not_checked(&plan));
    follow_ups.extend(follow_ups::of_code(&effects, opened.installation.spec().package.source()));
    let is_configured = is_configured(session, &args.spec);
    let unknown = unknown_settings(&opened.installation, &seen, &plan, is_configured);
    let refusal = refuse_unknown(unknown.as_ref()).err();
    follow_ups.extend(refusal.map(|error| FollowUp::new(Topic::UnknownSettings, error.message)));
    let screen = &session.screen;
    build::remark(session, &account, &effects, wish.origin);
    if screen.is_json() {
        let place = session.place(&account, &opened.installation);
        screen.document(&document("plan", place, &plan, false, &follow_ups))?;
    } else {
        let decisions = opened.installation.decisions(&seen);
        screen.text(&format!("\n{}", render::plan_with(&decisions, &plan, screen.is_verbose(), screen.width())));
        show_refusal(session, &plan, unknown.as_ref());
        follow_ups.retain(|one| one.code != Topic::UnknownSettings);
        if !follow_ups.is_empty() {
            screen.note(&render::follow_ups(&follow_ups, screen.width()));
        }
    }
    Ok(if args.exit_code && !(plan.is_empty() && plan.concerns().is_empty()) { Exit::Difference } else { Exit::Done })
}

/// Says so if setup would refuse the plan.
pub(super) fn show_refusal(session: &Session, plan: &Plan, unknown: Option<&UnknownSettings>) {
    if let Err(error) = refuse_foreign(plan).and_then(|()| refuse_unknown(unknown)) {
        let shown = render::error(&error, session.screen.width());
        session.screen.text(&format!("\nsetup would refuse this plan:\n{shown}"));
    }
}
