//! What `setup` asks when nothing is configured: the recipients, the limit and the schedule. Explains each in a line and
//! offers to save the answers.

use std::path::Path;

use keyminder_keyage::{Schedule, Settings};
use keyminder_stack::{Layout, Notify, Spec, Subscription};

use super::ask;
use super::session::{Account, Session};
use crate::config::{DEFAULT_FILE, commented, values};
use crate::error::Error;
use crate::render;

/// Asks for what the specification leaves open, and gives it back completed.
///
/// # Errors
/// `Interrupted` and `NoAnswer`.
pub(crate) async fn ask(session: &Session, account: &Account, mut spec: Spec) -> Result<Spec, Error> {
    let screen = &session.screen;
    screen.remark("\nkeyminder is not installed in this account and region yet. Three questions follow; press Enter to accept the \
         default in brackets.\n\n");

    screen
        .remark(&render::dim("Who should be notified about old keys? AWS will ask each address to confirm by email."));
    let emails = ask::line(session, "Email addresses, separated by commas", None, check_emails).await?;
    let mut seen = Vec::new();
    let new = |address: &&str| {
        let known = seen.contains(&address.to_lowercase());
        seen.push(address.to_lowercase());
        !known
    };
    let emails: Vec<String> = addresses(&emails).filter(new).map(str::to_owned).collect();

    screen
        .remark(&render::dim("A key is old when it is older than this many days. CIS and most auditors recommend 90."));
    let limit = spec.check.max_age_days.to_string();
    let limit = ask::line(session, "Limit in days", Some(&limit), check_limit).await?;

    screen.remark(&render::dim(
        "How often should keys be checked? Use rate(1 day), or cron(0 7 ? * MON-FRI *) for 07:00 UTC on weekdays.",
    ));
    let schedule = ask::line(session, "Schedule", Some(&spec.schedule), check_schedule).await?;

    spec.notify = Notify::emails(emails);
    spec.check.max_age_days = limit.parse().unwrap_or(spec.check.max_age_days);
    spec.schedule = schedule;

    if ask::yes(session, &format!("Save these settings to {DEFAULT_FILE}?"), true).await? {
        let connection = session.config.connection();
        let layout = Layout {
            region: Some(account.clients.region().to_owned()),
            account: Some(account.identity.account.clone()),
            profile: connection.profile,
            endpoint_url: connection.endpoint_url,
            ..spec.layout.clone()
        };
        let written = match Path::new(DEFAULT_FILE).exists() {
            true => Err(Error::failed("FileExists", format!("{DEFAULT_FILE} already exists"))),
            false => render::write_file(Path::new(DEFAULT_FILE), commented(&values(&layout)).as_bytes()),
        };
        match written {
            Ok(()) => screen.remark(&format!("Wrote {DEFAULT_FILE}.")),
            // The answers count even if they could not be saved.
            Err(error) => screen.aside(&format!("{} Not saved: {}", render::warn("!"), error.message)),
        }
    } else {
        screen.remark("Not saved. Later runs will use the defaults unless you pass these settings as flags.");
    }
    Ok(spec)
}

fn addresses(answer: &str) -> impl Iterator<Item = &str> {
    answer.split(|c: char| c.is_whitespace() || [',', ';'].contains(&c)).filter(|address| !address.is_empty())
}

fn check_emails(answer: &str) -> Result<(), String> {
    if addresses(answer).next().is_none() {
        return Err("enter at least one address".to_owned());
    }
    addresses(answer).flat_map(|address| Subscription::email(address).problems()).next().map_or(Ok(()), Err)
}

fn check_limit(answer: &str) -> Result<(), String> {
    let max_age_days = answer.trim().parse().map_err(|_| format!("'{answer}' is not a whole number of days"))?;
    let settings = Settings { max_age_days, ..Settings::default() };
    settings.validate().map_err(|problems| problems.into_iter().map(|problem| problem.message).collect())
}

fn check_schedule(answer: &str) -> Result<(), String> {
    Schedule::parse(answer.trim()).map(|_| ()).map_err(|error| error.to_string())
}
