//! `keyminder check`: the function's own check, from here.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use keyminder_checker::{ACTIONS, Check, Progress, Scope};
use keyminder_keyage::{Context, Deployment, Notice, Report, Settings, notices};
use keyminder_stack::{IamNames, Names};
use serde_json::{Value, json};

use super::session::{Account, Session};
use crate::args::{CheckArgs, CheckFormat};
use crate::error::{Error, Exit};
use crate::render::{self, CheckDocument};

/// As long as the function can run.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15 * 60);

pub(crate) async fn run(session: &Session, args: &CheckArgs) -> Result<Exit, Error> {
    let screen = &session.screen;
    let mut settings = session.config.settings(&args.given)?;
    if let Some(Some(kind)) = args.notice {
        settings.notice = kind;
    }
    let at = args.at.as_deref().map(moment).transpose()?;
    let format = match args.format {
        Some(CheckFormat::Json) | None if screen.is_json() => CheckFormat::Json,
        Some(format) if screen.is_json() => {
            return Err(Error::usage(
                "Usage",
                format!("--output json and --format {format:?} cannot both be").to_lowercase(),
            ));
        }
        format => format.unwrap_or_default(),
    };
    let account = session.connect().await?;
    if let Some(settings) = session.settings_from() {
        screen.remark(&render::dim(settings));
    }
    let report = read(session, &account, &settings, args, at).await?;
    let notices = match args.notice {
        Some(_) => Some(notices(&report, &settings, &context(session, &account, at)?)),
        None => None,
    };
    let endpoint = account.clients.endpoints().filter(|_| !session.config.is_of_sandbox());
    let shown = show(session, format, args, (&report, endpoint.as_deref()), &settings, notices)?;
    match &args.save {
        Some(file) => {
            // A file is no terminal.
            let shown = match format {
                CheckFormat::Table => anstream::adapter::strip_bytes(&shown).into_vec(),
                _ => shown,
            };
            render::write_report(file, &shown)?;
            screen.remark(&format!("Wrote {}.", file.display()));
        }
        None if format == CheckFormat::Table => screen.result(&String::from_utf8_lossy(&shown)),
        None => screen.raw(&shown),
    }
    if !report.complete {
        if format != CheckFormat::Table {
            let first = report.errors.first().map(ToString::to_string).unwrap_or_default();
            screen.aside(&format!("{} not everything could be read: {first}", render::bad("error:")));
        }
        return Ok(Exit::Failed);
    }
    Ok(if args.exit_code && report.has_findings() { Exit::Difference } else { Exit::Done })
}

async fn read(
    session: &Session,
    account: &Account,
    settings: &Settings,
    args: &CheckArgs,
    at: Option<Timestamp>,
) -> Result<Report, Error> {
    let scope = Scope { all_keys: true, all_last_used: args.all, user: args.user.clone() };
    let iam = account.clients.iam_for_checking();
    let check = Check::new(&iam, settings.clone(), account.identity.account.clone()).with_scope(scope);
    let bar = session.screen.spinner("reading users");
    let progress = |progress: Progress| {
        let of = progress.users.map(|users| format!(" of {users}")).unwrap_or_default();
        bar.set_message(format!("{}{of} users, {} keys, {} old", progress.users_read, progress.keys, progress.old));
    };
    let deadline = tokio::time::Instant::now() + args.timeout.unwrap_or(TIMEOUT);
    let now = at.unwrap_or_else(Timestamp::now);
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
        // Nothing that was looked at must not read as nothing that was found.
        None if report.summary.users == 0 && args.user.is_some() => {
            let name = args.user.as_deref().unwrap_or_default();
            Err(Error::usage("NoSuchUser", format!("--user: no user of this account is called '{name}'"))
                .hint("names are told apart by case, and * and ? stand for any, as in --user 'ci-*'"))
        }
        _ => Ok(report),
    }
}

fn show(
    session: &Session,
    format: CheckFormat,
    args: &CheckArgs,
    (report, endpoint): (&Report, Option<&str>),
    settings: &Settings,
    notices: Option<Vec<Notice>>,
) -> Result<Vec<u8>, Error> {
    let width = session.screen.width();
    let text = match (format, notices) {
        (CheckFormat::Json, notices) => {
            let notices = notices.unwrap_or_default().iter().map(notice_document).collect();
            let document = CheckDocument::new(report, notices);
            let text =
                serde_json::to_string_pretty(&document).map_err(|error| Error::failed("Json", error.to_string()))?;
            return Ok((render::escaped(text) + "\n").into_bytes());
        }
        (_, Some(notices)) if notices.is_empty() => "Nothing would be sent.\n".to_owned(),
        (_, Some(notices)) => notices.iter().map(|notice| render::notice(notice) + "\n").collect(),
        (CheckFormat::Table, None) => render::check::table(report, endpoint, args.all, width),
        (CheckFormat::Csv, None) => return render::check::csv(report),
        (CheckFormat::Html, None) => render::check::html(report, settings)?,
    };
    Ok(render::gate(&text).into_owned().into_bytes())
}

fn notice_document(notice: &Notice) -> Value {
    let document: Value = serde_json::from_str(&notice.json).unwrap_or(Value::Null);
    json!({ "subject": notice.subject, "text": notice.text, "sms": notice.sms, "document": document })
}

/// The circumstances that a notice speaks of: with `--at`, those of the scheduled run at that time.
fn context(session: &Session, account: &Account, at: Option<Timestamp>) -> Result<Context, Error> {
    let install = session.config.install();
    let region = account.clients.region();
    let names = Names::new(&account.identity, region, &install, "/", &session.config.chosen_names(), IamNames::Plain);
    let deployment = Deployment { topic_arn: names.topic_arn(), install, schedule: session.config.schedule()? };
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
