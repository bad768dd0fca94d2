//! `keyminder check`: the function's own check, from here.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use keyminder_checker::{ACTIONS, Check, Progress, Scope, emails_to_owners};
use keyminder_keyage::{Context, Deployment, Notice, OwnerEmail, OwnersInformed, Report, Settings, notices};
use keyminder_stack::{IamNames, Names};
use serde::Serialize;
use serde_json::{Value, json};

use super::session::{Account, Session};
use crate::args::{CheckArgs, CheckFormat};
use crate::error::{Error, Exit};
use crate::render::check::Provenance;
use crate::render::{self, CheckDocument};

/// As long as the function can run.
pub(super) const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15 * 60);

pub(crate) async fn run(session: &Session, args: &CheckArgs) -> Result<Exit, Error> {
    let screen = &session.screen;
    let mut settings = session.config.settings(&args.given)?;
    if let Some(Some(kind)) = args.notice {
        settings.notice = kind;
    }
    let at = args.at.as_deref().map(moment).transpose()?;
    let format = format(args, screen.is_json())?;
    let owners = session.config.owners();
    if args.owners && !owners.is_configured() {
        return Err(Error::usage("OwnersNotConfigured", "--owners: owners of keys are not emailed")
            .hint("set from and domains in [owners] in keyminder.toml"));
    }
    if args.many.organization {
        return super::organization::run(session, args, &settings, (format, at)).await;
    }
    let account = session.connect_to_iam().await?;
    if let Some(settings) = session.settings_from() {
        screen.remark(&render::dim(settings));
    }
    let report = read(session, &account, &settings, args, (format, at)).await?;
    let provenance = provenance(session, &account, args);
    let sent = match args.notice.is_some() || args.owners {
        true => Some(Sent::new(session, &account, &report, &settings, at).await?),
        false => None,
    };
    if args.notice.is_some() && account.clients.region_is_assumed() {
        let region = account.clients.region();
        screen.remark(&render::dim(format_args!("no region is configured, so the notice names {region}")));
    }
    let shown = show(session, format, args, &report, &provenance, &settings, sent)?;
    deliver(session, args, shown)?;
    let unread = (!report.complete).then(|| {
        let first = report.errors.first().map(ToString::to_string).unwrap_or_default();
        format!("not everything could be read: {first}")
    });
    Ok(exit(session, args, format, unread, report.has_findings()))
}

/// How a report came about.
pub(super) fn provenance(session: &Session, account: &Account, args: &CheckArgs) -> Provenance {
    Provenance {
        made_by: account.identity.arn.clone(),
        settings_from: session.config.sources(&args.given),
        config_file: session.config.full_path(),
        endpoint: account.clients.endpoints().filter(|_| !session.config.is_of_sandbox()),
    }
}

/// The exit status; and a word about what was not read, if anything, where the report itself is not on screen to say it.
pub(super) fn exit(
    session: &Session,
    args: &CheckArgs,
    format: CheckFormat,
    unread: Option<String>,
    has_findings: bool,
) -> Exit {
    if let Some(unread) = unread {
        if format != CheckFormat::Table || args.save.is_some() {
            session.screen.aside(&format!("{} {unread}", render::bad("error:")));
        }
        return Exit::Failed;
    }
    if args.exit_code && has_findings { Exit::Difference } else { Exit::Done }
}

/// Shows the result, or writes it to the file that was asked for.
pub(super) fn deliver(session: &Session, args: &CheckArgs, shown: Shown) -> Result<(), Error> {
    let screen = &session.screen;
    match &args.save {
        Some(file) => {
            // A file is no terminal.
            let shown = match shown {
                Shown::Text(text) => anstream::adapter::strip_bytes(text.as_bytes()).into_vec(),
                Shown::File(bytes) => bytes,
            };
            render::write_report(file, &shown)?;
            screen.remark(&format!("Wrote {}.", file.display()));
        }
        None => match shown {
            Shown::Text(text) => screen.result(&text),
            Shown::File(bytes) => screen.raw(&bytes),
        },
    }
    Ok(())
}

/// What a run would send.
struct Sent {
    notices: Vec<Notice>,
    /// The emails to owners and the record of them, if owners are emailed.
    owners: Option<(Vec<OwnerEmail>, OwnersInformed)>,
}

impl Sent {
    async fn new(
        session: &Session,
        account: &Account,
        report: &Report,
        settings: &Settings,
        at: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let context = context(session, account, at)?;
        let emails = match session.config.owners().is_configured() {
            true => Some(emails(session, account, &[report], settings, &context).await?),
            false => None,
        };
        let context = Context { owners: emails.as_ref().map(|(_, informed)| informed.clone()), ..context };
        Ok(Self { notices: notices(report, settings, &context), owners: emails })
    }
}

/// The emails to owners that a run would send, and the record of them.
pub(super) async fn emails(
    session: &Session,
    account: &Account,
    reports: &[&Report],
    settings: &Settings,
    context: &Context,
) -> Result<(Vec<OwnerEmail>, OwnersInformed), Error> {
    let (client, owners) = (account.clients.account_for_checking(), session.config.owners());
    let own = &account.identity.account;
    let emails =
        async { Ok::<_, Error>(emails_to_owners(&client, own, reports, &owners, settings, context, None).await) };
    session.interrupt.or(emails).await
}

/// What a run shows.
pub(super) enum Shown {
    /// For people, with styles.
    Text(String),
    /// For a file or a program.
    File(Vec<u8>),
}

impl Shown {
    pub(super) fn json(document: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string_pretty(document).map_err(|error| Error::failed("Json", error.to_string()))?;
        Ok(Self::File((render::escaped(text) + "\n").into_bytes()))
    }

    pub(super) fn page(html: &str) -> Self {
        Self::File(render::gate(html).into_owned().into_bytes())
    }
}

/// The form of the result: as asked for, or by the name of the file.
fn format(args: &CheckArgs, is_json: bool) -> Result<CheckFormat, Error> {
    let both = |one: &str, other: &str| Err(Error::usage("Usage", format!("{one} cannot be combined with {other}")));
    let named = args.save.as_deref().and_then(CheckFormat::of_file);
    let saved = || args.save.as_deref().map(|file| format!("--save {}", file.display())).unwrap_or_default();
    let format = match (args.format, named) {
        (Some(asked), _) if is_json && asked != CheckFormat::Json => {
            return both("--output json", &format!("--format {}", asked.word()));
        }
        (None, Some(named)) if is_json && named != CheckFormat::Json => return both("--output json", &saved()),
        (Some(asked), Some(named)) if asked != named => return both(&format!("--format {}", asked.word()), &saved()),
        _ if is_json => CheckFormat::Json,
        (asked, named) => asked.or(named).unwrap_or_default(),
    };
    match format {
        CheckFormat::Csv | CheckFormat::Html if args.notice.is_some() || args.owners => {
            let flag = if args.notice.is_some() { "--notice" } else { "--owners" };
            both(flag, &args.format.map_or_else(saved, |asked| format!("--format {}", asked.word())))
        }
        format => Ok(format),
    }
}

async fn read(
    session: &Session,
    account: &Account,
    settings: &Settings,
    args: &CheckArgs,
    (format, at): (CheckFormat, Option<Timestamp>),
) -> Result<Report, Error> {
    let made_at = Timestamp::now();
    let scope = Scope {
        all_keys: true,
        // What is handed on has everything. A notice has what the function would have read.
        all_details: args.notice.is_none() && !args.owners && (args.all || format != CheckFormat::Table),
        user: args.user.clone(),
        made_at: at.map(|_| made_at),
    };
    let iam = account.clients.iam_for_checking();
    let check = Check::new(&iam, settings.clone(), account.identity.account.clone()).with_scope(scope);
    let bar = session.screen.spinner("reading users");
    let progress = |progress: Progress| {
        let of = progress.users.map(|users| format!(" of {users}")).unwrap_or_default();
        bar.set_message(format!("{}{of} users, {} keys, {} old", progress.users_read, progress.keys, progress.old));
    };
    let deadline = tokio::time::Instant::now() + args.timeout.unwrap_or(TIMEOUT);
    let now = at.unwrap_or(made_at);
    let reading = async { Ok::<_, Error>(check.read(now, Some(deadline), progress).await) };
    let report = session.interrupt.or(reading).await;
    bar.finish_and_clear();
    let report = report?;
    let listing = report.errors.iter().find(|error| error.operation == "iam:ListUsers");
    match listing {
        Some(first) if report.summary.users_read == 0 => {
            let needed: Vec<_> = ACTIONS.iter().copied().filter(|action| action.starts_with("iam:")).collect();
            let mut error = Error::failed(&first.code, format!("nothing could be read: {first}"));
            if first.code.starts_with("AccessDenied") {
                error = error.hint(format!("a check needs {}", needed.join(", ")));
            }
            error.operation = Some(first.operation.clone());
            Err(error)
        }
        // A check of nobody must not look like a check that found nothing.
        None if report.summary.users == 0 && args.user.is_some() => {
            let name = args.user.as_deref().unwrap_or_default();
            Err(Error::usage("NoSuchUser", format!("--user: no user of this account has a name that matches '{name}'"))
                .hint("names are case-sensitive; * and ? are wildcards, as in --user 'ci-*'"))
        }
        _ => Ok(report),
    }
}

fn show(
    session: &Session,
    format: CheckFormat,
    args: &CheckArgs,
    report: &Report,
    provenance: &Provenance,
    settings: &Settings,
    sent: Option<Sent>,
) -> Result<Shown, Error> {
    let width = session.screen.width();
    Ok(match (format, sent) {
        (CheckFormat::Json, sent) => {
            let (notices, owners) = sent.map(|sent| (sent.notices, sent.owners)).unwrap_or_default();
            let notices = notices.iter().filter(|_| args.notice.is_some()).map(notice_document).collect();
            let owners = owners.filter(|_| args.owners).map(|(emails, informed)| owners_document(&emails, &informed));
            let document = CheckDocument::new(report, provenance, notices, owners);
            Shown::json(&document)?
        }
        (_, Some(Sent { notices, owners })) => {
            let mut text: String = match notices.as_slice() {
                _ if args.notice.is_none() => String::new(),
                [] => "Nothing would be sent.\n".to_owned(),
                notices => notices.iter().map(|notice| render::notice(notice) + "\n").collect(),
            };
            if let Some((emails, informed)) = owners.filter(|_| args.owners) {
                match args.notice {
                    Some(_) => text.extend(emails.iter().map(|email| render::owner_email(email) + "\n")),
                    None => text.push_str(&render::owners(&emails, &informed, width)),
                }
            }
            Shown::Text(render::check::remarks(report, width) + &text)
        }
        (CheckFormat::Table, None) => Shown::Text(render::check::table(report, provenance, args.all, width)),
        (CheckFormat::Csv, None) => Shown::File(render::check::csv(report, provenance)?),
        (CheckFormat::Html, None) => Shown::page(&render::check::html(report, settings, provenance)?),
    })
}

fn notice_document(notice: &Notice) -> Value {
    let document: Value = serde_json::from_str(&notice.json).unwrap_or(Value::Null);
    // In the text form, the message repeats the texts and the document.
    let chat = if notice.structured { Value::Null } else { serde_json::from_str(&notice.message).unwrap_or_default() };
    json!({
        "subject": notice.subject,
        "text": notice.text,
        "sms": notice.sms,
        "document": document,
        "chat": chat,
    })
}

pub(super) fn owners_document(emails: &[OwnerEmail], informed: &OwnersInformed) -> Value {
    let email = |email: &OwnerEmail| {
        json!({
            "address": email.to,
            "as_owner": email.as_owner,
            "subject": email.subject,
            "text": email.text,
            "html": email.html,
            "keys": email.keys,
        })
    };
    let contact = |(account, why): &(String, String)| json!({ "account": account, "reason": why });
    json!({
        "emails": emails.iter().map(email).collect::<Vec<_>>(),
        "without_owner": informed.without_owner,
        "contacts_not_emailed": informed.contacts.iter().map(contact).collect::<Vec<_>>(),
    })
}

/// The circumstances that a notice speaks of: with `--at`, those of the scheduled run at that time.
pub(super) fn context(session: &Session, account: &Account, at: Option<Timestamp>) -> Result<Context, Error> {
    let install = session.config.install();
    let region = account.clients.region();
    let names = Names::new(&account.identity, region, &install, "/", &session.config.chosen_names(), IamNames::Plain);
    let deployment = Deployment {
        topic_arn: names.topic_arn(),
        install,
        schedule: session.config.schedule()?,
        owners: session.config.owners(),
    };
    Ok(match at {
        Some(at) => Context::scheduled(&deployment, at),
        None => Context::by_hand(&deployment, Timestamp::now()),
    })
}

/// A date (its first moment in UTC), or a moment.
fn moment(text: &str) -> Result<Timestamp, Error> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return date
            .to_zoned(TimeZone::UTC)
            .map(|zoned| zoned.timestamp())
            .map_err(|error| Error::usage("BadDate", format!("--at: {error}")));
    }
    let short = text.replacen('Z', ":00Z", 1);
    text.parse::<Timestamp>()
        .or_else(|_| short.parse::<Timestamp>())
        .or_else(|_| text.parse::<Zoned>().map(|zoned| zoned.timestamp()))
        .map_err(|_| {
            Error::usage("BadDate", format!("--at: '{text}' is not a date"))
                .hint("give a date such as 2027-01-31, or a moment such as 2027-01-31T09:00:00Z")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment_in_utc() {
        assert_eq!(moment("2027-01-31").unwrap().to_string(), "2027-01-31T00:00:00Z");
        assert_eq!(moment("2027-01-31T09:00Z").unwrap().to_string(), "2027-01-31T09:00:00Z");
        assert_eq!(moment("2027-01-31T09:00:00+02:00").unwrap().to_string(), "2027-01-31T07:00:00Z");
        for bad in ["tomorrow", "2027-02-30", "", "31.01.2027"] {
            assert_eq!(moment(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }
}
