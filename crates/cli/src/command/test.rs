//! `keyminder test`: the installed function, run for real.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use keyminder_checker::RunSummary;
use keyminder_keyage::Owners;
use keyminder_keyage::owners::Address;
use keyminder_reconcile::Purpose;
use keyminder_stack::{Installation, SubscriptionState};
use serde_json::{Value, json};

use super::function_runs::{self, Run};
use super::health::{self, Next};
use super::planning::look;
use super::session::Session;
use crate::args::{SpecArgs, TestArgs};
use crate::error::{Error, Exit};
use crate::render::{self, TestDocument};

/// The rule runs within two minutes, a minute late at most, and the log arrives some seconds later.
const RULE_PATIENCE: Duration = Duration::from_secs(300);
const RULE_POLL: Duration = Duration::from_secs(3);
/// AWS refuses requests from clocks that are further off.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The end of a run of the function.
struct Ran {
    ok: bool,
    answer: Value,
    error: Option<String>,
}

pub(crate) async fn run(session: &Session, args: &TestArgs) -> Result<Exit, Error> {
    let wish = session.config.wish(&SpecArgs::default())?;
    let owner = args.owner.as_deref().map(|asked| owner(&wish.spec.owners, asked)).transpose()?;
    let account = session.connect().await?;
    session.headline("test", &account);
    account.must_be_proven()?;
    let opened = session.open(&account, wish.spec).await?;
    let installation = &opened.installation;
    let screen = &session.screen;
    let ran = if args.from_rule {
        from_rule(session, installation).await?
    } else {
        invoke(session, installation, args, owner.as_deref()).await?
    };
    let subscriptions = match &owner {
        Some(_) => Vec::new(),
        None => session.reading(installation.subscriptions()).await?,
    };
    let recipients: Vec<String> = owner
        .iter()
        .map(|address| format!("email: {address}"))
        .chain(subscriptions.iter().filter(|one| one.state == SubscriptionState::Confirmed).map(|one| {
            let filtered = if one.filtered { " (if its filter policy matches)" } else { "" };
            format!("{}: {}{filtered}", one.protocol, one.endpoint)
        }))
        .collect();
    if screen.is_json() {
        let place = session.place(&account, installation);
        screen.document(&TestDocument::new(place, ran.ok, &ran.answer, &recipients))?;
        return Ok(if ran.ok { Exit::Done } else { Exit::Failed });
    }
    let answer: RunSummary = serde_json::from_value(ran.answer.clone()).unwrap_or_default();
    if let (true, Some(owner)) = (ran.ok, &owner) {
        let id = answer.owners.as_ref().and_then(|owners| owners.message_ids.first()).map_or("", String::as_str);
        screen.text(&format!("\n{}", how_it_ran(&answer, false)));
        screen.text(&format!("  Emailed a test to {owner}\n    {}", render::dim(format_args!("message {id}"))));
        return Ok(Exit::Done);
    }
    if ran.ok {
        screen.text(&format!("\n{}", how_it_ran(&answer, args.from_rule)));
        screen.text(&render::fold(&messages(&answer, &recipients), screen.width()));
        return Ok(Exit::Done);
    }
    let why = ran.error.unwrap_or_else(|| ran.answer.to_string());
    Err(Error::failed("FunctionFailed", format!("the function failed: {why}"))
        .hint("to see what drifted, run keyminder status; the log group has the log of every run"))
}

/// The address, if the configuration lets it be emailed.
fn owner(owners: &Owners, asked: &str) -> Result<String, Error> {
    if !owners.is_configured() {
        return Err(Error::usage("OwnersNotConfigured", "--owner: owners of keys are not emailed")
            .hint("set from and domains in [owners] in keyminder.toml, then run: keyminder setup"));
    }
    let refuse = |why: String| Error::usage("NotAnOwner", format!("--owner: {asked:?} cannot be emailed: {why}"));
    let address = Address::parse(asked).map_err(|why| refuse(why.to_owned()))?;
    match owners.includes(&address) {
        true => Ok(address.to_string()),
        false => Err(refuse(format!("it is not in owners.domains ({})", owners.domains().join(", ")))),
    }
}

async fn invoke(
    session: &Session,
    installation: &Installation,
    args: &TestArgs,
    owner: Option<&str>,
) -> Result<Ran, Error> {
    let payload = match () {
        () if owner.is_some() => json!({ "keyminder": "test-owner", "owner": owner }),
        () if args.notice => json!({ "keyminder": "test-notice" }),
        () if args.dry_run => json!({ "keyminder": "dry-run" }),
        () => json!({}),
    };
    let bar = session.screen.spinner("the function is running");
    let invocation = session.reading(installation.invoke(&payload)).await;
    bar.finish_and_clear();
    let invocation = invocation.map_err(|mut error| {
        if error.exit == Exit::Interrupted {
            "Interrupted. The function continues to run, and sends its notices.".clone_into(&mut error.message);
            error
        } else {
            error
        }
    })?;
    let is_of_older_version = || invocation.payload.get("owners").is_none();
    if owner.is_some() && invocation.ok && is_of_older_version() {
        let message = "the installed function does not email owners, and sent nothing";
        return Err(Error::failed("OlderFunction", message).hint("to bring it up to date, run: keyminder setup"));
    }
    let error = invocation.payload.get("errorMessage").and_then(Value::as_str).map(str::to_owned);
    if !invocation.ok && session.screen.is_verbose() {
        session.screen.remark(&render::dim(&invocation.log_tail));
    }
    Ok(Ran { ok: invocation.ok, answer: invocation.payload, error })
}

/// Has the rule start the function, which proves its permission and target as well. Its schedule is restored in any
/// case.
async fn from_rule(session: &Session, installation: &Installation) -> Result<Ran, Error> {
    let screen = &session.screen;
    let usual = session.reading(installation.schedule()).await?;
    let (seen, _) = look(session, &installation.stack(), Purpose::Converge { adopt: false }).await?;
    if let Next::Never(never) = health::next(installation.trigger(&seen), &[], Timestamp::now()) {
        return Err(Error::failed("RuleDidNotRun", format!("the rule cannot start the function: {}", never.why()))
            .hint("to see the differences, run keyminder plan; to fix them, run keyminder setup"));
    }
    let now = Timestamp::now();
    // This machine's clock may be ahead of AWS's: earlier runs are recognised by name and not by time.
    let from = now.saturating_sub(CLOCK_SKEW).unwrap_or_default();
    let before = function_runs::since(session, installation, from).await?;
    // From here on the call may have been made whatever becomes of its answer, so the schedule is restored in any case.
    let begun = installation.probe(now).await;
    let found = match begun {
        Ok(()) => {
            screen.remark(
                "The rule will start the function in a minute or two. It sends its notices as in any other run.",
            );
            let bar = screen.spinner("waiting for the rule to start the function");
            let found = wait_for_scheduled_run(session, installation, from, &before).await;
            bar.finish_and_clear();
            found.map_err(|mut error| {
                if error.exit == Exit::Interrupted {
                    "Interrupted. The rule has its own schedule again.".clone_into(&mut error.message);
                }
                error
            })
        }
        Err(error) => Err(error.into()),
    };
    installation.reschedule(&usual).await.map_err(|error| {
        let mut error = Error::from(error);
        error.message = format!("{}; the rule may be running every hour now", error.message);
        error.hint(format!("to fix it, run keyminder setup; the schedule was {usual}"))
    })?;
    screen.remark(&format!("The schedule is {usual} again."));
    let run = found?.ok_or_else(|| {
        Error::failed(
            "RuleDidNotRun",
            format!("the rule did not start the function within {} minutes", RULE_PATIENCE.as_secs() / 60),
        )
        .hint("to see what is wrong with the rule, permission or target, run: keyminder plan")
    })?;
    let answer = serde_json::to_value(&run.answer).map_err(|error| Error::failed("Json", error.to_string()))?;
    Ok(Ran { ok: run.error.is_none(), answer, error: run.error })
}

async fn wait_for_scheduled_run(
    session: &Session,
    installation: &Installation,
    from: Timestamp,
    before: &[Run],
) -> Result<Option<Run>, Error> {
    let start = Instant::now();
    while start.elapsed() < RULE_PATIENCE {
        let runs = function_runs::since(session, installation, from).await?;
        let found = runs.into_iter().find(|run| run.is_scheduled() && !before.contains(run));
        if found.is_some() {
            return Ok(found);
        }
        tokio::select! {
            () = tokio::time::sleep(RULE_POLL) => {}
            () = session.interrupt.asked() => return Err(Error::interrupted()),
        }
    }
    Ok(None)
}

fn how_it_ran(answer: &RunSummary, from_rule: bool) -> String {
    let who = if from_rule { "The rule started the function, which ran" } else { "The function ran" };
    let how = format!("{} {who} in {}.", render::good("✓"), render::took(answer.duration_ms));
    if matches!(answer.mode.as_str(), "test-notice" | "test-owner") {
        return how;
    }
    format!(
        "{how}\n  {} users, {} keys: {} old, {} due, {} exempt, {} inactive, {} unknown",
        answer.users, answer.keys, answer.old, answer.due, answer.exempt, answer.inactive, answer.unknown
    )
}

fn messages(answer: &RunSummary, recipients: &[String]) -> String {
    if answer.published.is_empty() {
        return if answer.subjects.is_empty() {
            "  There was nothing to send.".to_owned()
        } else {
            format!("  Would have sent: {}", answer.subjects.join("; "))
        };
    }
    let mut text = String::new();
    for (id, subject) in answer.published.iter().zip(&answer.subjects) {
        text.push_str(&format!("  Sent {subject:?}\n    {}\n", render::dim(format_args!("message {id}"))));
    }
    if recipients.is_empty() {
        text.push_str(&format!("  {} No subscription is confirmed, so nobody will receive this.", render::warn("!")));
    } else {
        text.push_str(&format!("  To {}", recipients.join(", ")));
    }
    text
}
