//! `keyminder check --organization`: the same check of many accounts, through a role in each.

use jiff::Timestamp;
use keyminder_checker::{
    Caller, ORGANIZATION_ACTIONS, OrganizationCheck, OrganizationClients, OrganizationError, OrganizationProgress,
    Scope, Selection, UNIT_ACTIONS,
};
use keyminder_keyage::{Cause, OrganizationReport, Settings};

use super::check::{Shown, TIMEOUT, context, deliver, emails, exit, owners_document, provenance};
use super::session::{Account, Session};
use crate::args::{CheckArgs, CheckFormat, ROLE};
use crate::error::{Error, Exit};
use crate::render::check::organization::{self, View};
use crate::render::{self, OrganizationDocument};

pub(super) async fn run(
    session: &Session,
    args: &CheckArgs,
    settings: &Settings,
    (format, at): (CheckFormat, Option<Timestamp>),
) -> Result<Exit, Error> {
    let screen = &session.screen;
    let account = session.connect_to_iam().await?;
    if let Some(settings) = session.settings_from() {
        screen.remark(&render::dim(settings));
    }
    let role = args.many.role.as_deref().unwrap_or(ROLE);
    let report = read(session, &account, settings, args, role, (format, at)).await?;
    unmatched(session, args, &report);
    let provenance = provenance(session, &account, args);
    let owners = match args.owners {
        true => {
            let reports: Vec<_> = report.reports().collect();
            let context = context(session, &account, at)?;
            Some(emails(session, &account, &reports, settings, &context).await?)
        }
        false => None,
    };
    let view =
        View { report: &report, provenance: &provenance, settings, role, caller_account: &account.identity.account };
    let shown = match (format, owners) {
        (CheckFormat::Json, owners) => {
            let owners = owners.map(|(emails, informed)| owners_document(&emails, &informed));
            Shown::json(&OrganizationDocument::new(&view, owners))?
        }
        (_, Some((emails, informed))) => Shown::Text(render::owners(&emails, &informed, screen.width())),
        (CheckFormat::Table, None) => Shown::Text(organization::table(&view, args.all, screen.width())),
        (CheckFormat::Csv, None) => Shown::File(organization::csv(&view)?),
        (CheckFormat::Html, None) => Shown::page(&organization::html(&view)?),
    };
    deliver(session, args, shown)?;
    let unread = (!report.is_complete()).then(|| {
        let (what, first) = organization::unread(&report);
        format!("{what}: {first}")
    });
    Ok(exit(session, args, format, unread, report.has_findings()))
}

async fn read(
    session: &Session,
    account: &Account,
    settings: &Settings,
    args: &CheckArgs,
    role: &str,
    (format, at): (CheckFormat, Option<Timestamp>),
) -> Result<OrganizationReport, Error> {
    let made_at = Timestamp::now();
    let scope = Scope {
        // The table lists what needs attention, and everything else only with --all.
        all_keys: args.all || format != CheckFormat::Table,
        // Each is one more call for every key, in the trails of every account.
        all_details: args.all,
        user: args.user.clone(),
        made_at: at.map(|_| made_at),
    };
    let clients = OrganizationClients {
        iam: account.clients.iam_for_checking(),
        organizations: account.clients.organizations_for_checking(),
        sts: account.clients.sts_for_checking(),
    };
    let selection = Selection {
        role: role.to_owned(),
        external_id: args.many.external_id.clone(),
        accounts: args.many.accounts.clone(),
        except: args.many.except.clone(),
        units: args.many.units.clone(),
    };
    let caller = Caller { account: account.identity.account.clone(), partition: account.identity.partition.clone() };
    let check = OrganizationCheck::new(&clients, settings.clone(), selection, caller).with_scope(scope);
    let bar = session.screen.spinner("listing accounts");
    let progress = |progress: OrganizationProgress| {
        let OrganizationProgress { accounts_done, accounts, all_listed, keys, old, .. } = progress;
        let so_far = if all_listed { "" } else { " so far" };
        bar.set_message(format!("{accounts_done} of {accounts}{so_far} accounts, {keys} keys, {old} old"));
    };
    let deadline = tokio::time::Instant::now() + args.timeout.unwrap_or(TIMEOUT);
    let reading = async { Ok::<_, Error>(check.read(at.unwrap_or(made_at), Some(deadline), progress).await) };
    let report = session.interrupt.or(reading).await;
    bar.finish_and_clear();
    let report = report?.map_err(|error| explained(&error, args))?;
    // A check of nobody must not look like a check that found nothing.
    match args.user.as_deref() {
        Some(name) if report.is_complete() && report.summary().keys.users == 0 => {
            let message = format!("--user: no user of any account has a name that matches '{name}'");
            Err(Error::usage("NoSuchUser", message)
                .hint("names are case-sensitive; * and ? are wildcards, as in --user 'ci-*'"))
        }
        _ => Ok(report),
    }
}

/// Says which accounts that were to be skipped are not there: a mistyped account would be read, and one that left is fine.
fn unmatched(session: &Session, args: &CheckArgs, report: &OrganizationReport) {
    let is_there = |id: &&String| report.accounts.iter().any(|account| account.id == **id);
    let missing: Vec<&str> = args.many.except.iter().filter(|id| !is_there(id)).map(String::as_str).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        session
            .screen
            .remark(&render::warn(format_args!("! --except: not among the accounts that were listed: {missing}")));
    }
}

/// Why there is no report, and what to do about it.
fn explained(error: &OrganizationError, args: &CheckArgs) -> Error {
    match error {
        OrganizationError::NoOrganization => {
            Error::usage("NoOrganization", "these credentials belong to an account that is in no organization")
                .hint("use credentials of the management account, or of a delegated administrator's account")
                .hint("to check this account alone, leave out --organization")
        }
        OrganizationError::NoSuchAccount(missing) => {
            let within =
                if args.many.units.is_empty() { "in the organization" } else { "in the units named by --unit" };
            Error::usage("NoSuchAccount", format!("--accounts: not {within}: {}", missing.join(", ")))
                .hint("to list the accounts, run: aws organizations list-accounts")
        }
        OrganizationError::NoSuchUnit(unit) => {
            Error::usage("NoSuchUnit", format!("--unit: the organization has no unit {unit}"))
                .hint("to list the units below one, run: aws organizations list-organizational-units-for-parent")
        }
        OrganizationError::NotListed(first) => {
            let mut error = Error::failed(&first.code, format!("the accounts could not be listed: {first}"));
            if matches!(Cause::of(first), Cause::NotAllowed | Cause::ControlPolicy) {
                let more = if args.many.units.is_empty() { &[] } else { UNIT_ACTIONS };
                let needed: Vec<_> = ORGANIZATION_ACTIONS.iter().chain(more).copied().collect();
                error = error
                    .hint("only the management account and delegated administrators can list the accounts")
                    .hint(format!("a check of the organization needs {}", needed.join(", ")))
                    .hint("to read accounts that you name, without listing them, use --accounts");
            }
            error.operation = Some(first.operation.clone());
            error
        }
    }
}
