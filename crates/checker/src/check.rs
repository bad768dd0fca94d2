//! One check of an account, which can be one of many that are read at the same time.
//!
//! Owns the order of things: users are listed page by page while the keys of those already listed are
//! read, many at once; at the deadline it stops and says how far it got. It must not know notices.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
#[cfg(feature = "organization")]
use aws_sdk_iam::config::{IdentityCache, SharedCredentialsProvider};
use aws_sdk_iam::types::SummaryKeyType;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{Either, select};
use jiff::Timestamp;
use keyminder_keyage::report::thousands;
use keyminder_keyage::{Glob, ReadError, Report, Settings, User};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::bounded::BoundedAnswers;
use crate::call::{Failure, Pages, attempt, retried};
use crate::call_rate::CallRate;
use crate::publisher::by;
use crate::reading::{Reader, Reading};

/// Users that are read at once. Measured at 20 ms a call: more gains nothing that IAM would allow.
const CONCURRENCY: usize = 24;
/// Users that are listed ahead of being read, so that an account of any size takes the same memory.
const AHEAD: usize = 1_000;
/// How long one attempt of a call can take, unless the client says otherwise.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Users a page: the most that ListUsers allows.
const PAGE: i32 = 1_000;
/// Pages of users, at the most: an account can have 5,000 users ("IAM and AWS STS quotas"), and a page can be short.
const USER_PAGES: usize = 10_000;
/// Errors that are kept; the rest is counted.
const ERRORS_KEPT: usize = 100;

/// A check, ready to be made.
#[derive(Debug, Clone)]
pub struct Check {
    iam: aws_sdk_iam::Client,
    settings: Arc<Settings>,
    account: String,
    scope: Scope,
    concurrency: usize,
    among: Option<Among>,
}

/// What holds for an account that is read at the same time as others.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "organization"), allow(dead_code, reason = "the function reads one account"))]
pub(crate) struct Among {
    /// The calls of all accounts that are under way.
    pub(crate) places: Arc<Semaphore>,
    /// An account that answers nothing for so long is read no further, and a failed call is not tried again.
    pub(crate) patience: Duration,
}

/// How reading an account ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    TimeIsUp,
    /// After so long without an answer.
    Silence(Duration),
}

/// How much a report holds, beyond what there is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Keep fresh keys too, not only count them.
    pub all_keys: bool,
    /// Read the last use of every key and the tags of every user who has one: one more call for each.
    pub all_details: bool,
    /// Only users with this name, in which `*` and `?` are wildcards.
    pub user: Option<String>,
    /// When the check is really made, if keys are judged as of another moment. Keys that did not exist at that moment
    /// are then left out, and a later use of a key does not count.
    pub made_at: Option<Timestamp>,
}

/// How far a check has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Users that are dealt with.
    pub users_read: u32,
    /// Users in the account, where IAM has told.
    pub users: Option<u32>,
    /// Keys that were read.
    pub keys: u32,
    /// Old ones among them.
    pub old: u32,
}

impl Check {
    /// A check of the account that the client's credentials belong to; `account` is its id.
    ///
    /// The client's own retries are set aside: see [`Check::read`].
    #[must_use]
    pub fn new(iam: &aws_sdk_iam::Client, settings: Settings, account: impl Into<String>) -> Self {
        let mut config = iam.config().to_builder().retry_config(RetryConfig::disabled()).interceptor(BoundedAnswers);
        let timeouts = iam.config().timeout_config();
        if timeouts.is_none_or(|timeouts| timeouts.operation_attempt_timeout().is_none()) {
            let timeouts = timeouts.map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
            config = config.timeout_config(timeouts.operation_attempt_timeout(ATTEMPT).build());
        }
        Self {
            iam: aws_sdk_iam::Client::from_conf(config.build()),
            settings: Arc::new(settings),
            account: account.into(),
            scope: Scope::default(),
            concurrency: CONCURRENCY,
            among: None,
        }
    }

    /// The same check of another account among many, with credentials for it unless the client's own are.
    #[cfg(feature = "organization")]
    pub(crate) fn of(
        &self,
        account: &str,
        credentials: Option<SharedCredentialsProvider>,
        among: Among,
        concurrency: usize,
    ) -> Self {
        let iam = match credentials {
            None => self.iam.clone(),
            Some(credentials) => {
                let config = self.iam.config().to_builder().credentials_provider(credentials);
                // A cache of its own, which ends with the reading of the account.
                aws_sdk_iam::Client::from_conf(config.identity_cache(IdentityCache::lazy().build()).build())
            }
        };
        Self { iam, account: account.to_owned(), among: Some(among), concurrency, ..self.clone() }
    }

    /// The same check with another scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same check with so many users read at once, at least one.
    #[must_use]
    pub fn with_concurrency(mut self, users: usize) -> Self {
        self.concurrency = users.max(1);
        self
    }

    /// How much its report holds.
    #[cfg(feature = "organization")]
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The settings it goes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads the account, judging ages as of `now`.
    ///
    /// Always answers a report. What could not be read is in its `errors`, and its `complete` is then
    /// false; a user who was deleted meanwhile is no error. A throttled call is repeated at the rate
    /// that IAM allows, a failing one a few times. At the deadline, if there is one, the report says how
    /// many users were read.
    pub async fn read(&self, now: Timestamp, deadline: Option<Instant>, progress: impl Fn(Progress)) -> Report {
        self.read_until(now, |_| deadline, &progress).await
    }

    /// Like [`Check::read`], with a deadline that follows from what was read so far.
    pub(crate) async fn read_until(
        &self,
        now: Timestamp,
        mut deadline: impl FnMut(&Report) -> Option<Instant>,
        progress: &dyn Fn(Progress),
    ) -> Report {
        let mut report = Report::new(self.account.clone(), now, &self.settings);
        report.user_filter.clone_from(&self.scope.user);
        if let Some(made_at) = self.scope.made_at {
            (report.made_at, report.simulated) = (made_at, true);
        }
        let mut listing = Listing::default();
        let rate = self
            .among
            .as_ref()
            .map_or_else(CallRate::new, |among| CallRate::among(Arc::clone(&among.places), among.patience));
        let silence = async {
            match &self.among {
                Some(Among { patience, .. }) => {
                    rate.silence(*patience).await;
                    End::Silence(*patience)
                }
                None => std::future::pending().await,
            }
        };
        let work = async {
            let in_time = self.work(&rate, &mut report, &mut listing, &mut deadline, progress).await;
            in_time.map_or(End::TimeIsUp, |()| End::Done)
        };
        let end = select(pin!(work), pin!(silence)).await.factor_first().0;
        self.finish(&mut report, &listing, end);
        report
    }

    /// `None` where the time was up.
    async fn work(
        &self,
        rate: &CallRate,
        report: &mut Report,
        listing: &mut Listing,
        deadline: &mut dyn FnMut(&Report) -> Option<Instant>,
        progress: &dyn Fn(Progress),
    ) -> Option<()> {
        let reader = Reader {
            iam: &self.iam,
            rate,
            settings: &self.settings,
            now: report.as_of,
            all_details: self.scope.all_details,
            simulated: self.scope.made_at.is_some(),
        };
        let (alias, summary) =
            by(deadline(report), async { futures::join!(self.alias(rate), self.account_summary(rate)) }).await?;
        report.account_alias = alias;
        match summary {
            Ok((root_access_keys, users)) => {
                report.root_access_keys = root_access_keys;
                listing.expected = users.filter(|_| self.scope.user.is_none() && self.scope.made_at.is_none());
            }
            Err(failure) => push(report, failure.into_error("iam:GetAccountSummary", None)),
        }
        let (expected, report_as_of) = (listing.expected, report.as_of);
        let (to_read, listed) = mpsc::channel(AHEAD);
        let list = async {
            self.list(rate, report_as_of, listing, to_read).await;
            std::future::pending::<Infallible>().await
        };
        let read = async {
            let mut readings = listed.map(|user| reader.read(user)).buffer_unordered(self.concurrency);
            while let Some(reading) = by(deadline(report), readings.next()).await? {
                self.note(report, reading);
                progress(Progress {
                    users_read: report.summary.users_read,
                    users: expected,
                    keys: report.summary.keys,
                    old: report.summary.old,
                });
            }
            Some(())
        };
        // Reading ends after the listing that feeds it, or at the deadline, when that is no longer wanted.
        match select(pin!(read), pin!(list)).await {
            Either::Left((in_time, _)) => in_time,
            Either::Right((never, _)) => match never {},
        }
    }

    async fn list(&self, rate: &CallRate, as_of: Timestamp, listing: &mut Listing, mut to_read: mpsc::Sender<User>) {
        use futures::SinkExt;
        let wanted = self.scope.user.as_deref().map(Glob::new);
        let (mut marker, mut pages) = (None, Pages::of(USER_PAGES));
        loop {
            let page =
                match retried(rate, attempt!(self.iam.list_users().max_items(PAGE).set_marker(marker.clone()))).await {
                    Ok(page) => page,
                    Err(failure) => {
                        listing.error = Some(failure.into_error("iam:ListUsers", None));
                        return;
                    }
                };
            let next = pages.next(page.is_truncated, page.marker.as_deref());
            let is_later = |user: &aws_sdk_iam::types::User| user.create_date.secs() > as_of.as_second();
            let users = page.users.into_iter().filter(|user| {
                wanted.is_none_or(|wanted| wanted.matches(&user.user_name))
                    && !(self.scope.made_at.is_some() && is_later(user))
            });
            let users: Vec<User> = users.map(user_of).collect();
            listing.listed += u32::try_from(users.len()).unwrap_or(u32::MAX);
            listing.complete = matches!(next, Ok(None));
            for user in users {
                // Fails only where the reading side is gone, and with it the whole check.
                if to_read.send(user).await.is_err() {
                    return;
                }
            }
            match next {
                Ok(Some(next)) => marker = Some(next),
                Ok(None) => return,
                Err(failure) => {
                    listing.error = Some(failure.into_error("iam:ListUsers", None));
                    return;
                }
            }
        }
    }

    fn note(&self, report: &mut Report, reading: Reading) {
        match reading {
            Reading::Gone => report.summary.users_gone += 1,
            Reading::Unknown { finding, error } => {
                report.summary.users_unknown += 1;
                report.add(*finding, true);
                push(report, error);
            }
            Reading::Read { keys, created_later, errors } => {
                report.summary.users_read += 1;
                report.created_later += created_later;
                for (finding, assessment) in keys {
                    if let Some(id) = finding.access_key_id.as_deref() {
                        report.exempt(&assessment, &finding.user, id);
                    }
                    report.add(finding, self.scope.all_keys);
                }
                for error in errors {
                    push(report, error);
                }
            }
        }
    }

    fn finish(&self, report: &mut Report, listing: &Listing, end: End) {
        let summary = &mut report.summary;
        let known = listing.listed.saturating_sub(summary.users_gone);
        summary.users = if listing.complete { known } else { known.max(listing.expected.unwrap_or(0)) };
        summary.users_unknown = summary.users.saturating_sub(summary.users_read).max(summary.users_unknown);
        let unread = format!(
            "{} of {} users read; the rest is unknown",
            thousands(summary.users_read),
            if listing.complete || listing.expected.is_some() {
                thousands(summary.users)
            } else {
                "an unknown number of".to_owned()
            }
        );
        if let Some(mut error) = listing.error.clone() {
            error.message = if error.message.is_empty() { unread } else { format!("{} ({unread})", error.message) };
            report.errors.insert(0, error);
        } else if end != End::Done {
            report.stopped_early = true;
            let (code, message) = match end {
                End::Silence(time) => ("NoAnswer", format!("no answer for {} seconds ({unread})", time.as_secs())),
                End::Done | End::TimeIsUp => ("TimeIsUp", unread),
            };
            let (code, operation) = (code.to_owned(), "check".to_owned());
            report.errors.insert(0, ReadError { user: None, operation, code, message });
        }
        report.complete = end == End::Done && report.errors.is_empty();
        report.sort();
    }

    /// The alias is a comfort: without it the account's id does. An organization has names for its accounts.
    async fn alias(&self, rate: &CallRate) -> Option<String> {
        if self.among.is_some() {
            return None;
        }
        let answer = retried(rate, attempt!(self.iam.list_account_aliases())).await.ok()?;
        answer.account_aliases.into_iter().next()
    }

    async fn account_summary(&self, rate: &CallRate) -> Result<(Option<u32>, Option<u32>), Failure> {
        let answer = retried(rate, attempt!(self.iam.get_account_summary())).await?;
        let map = answer.summary_map.unwrap_or_default();
        let count = |key| map.get(&key).and_then(|&number: &i32| u32::try_from(number).ok());
        Ok((count(SummaryKeyType::AccountAccessKeysPresent), count(SummaryKeyType::Users)))
    }
}

/// How far the listing of users got.
#[derive(Debug, Default)]
struct Listing {
    /// Users in the account by its summary, which may lag behind.
    expected: Option<u32>,
    listed: u32,
    complete: bool,
    error: Option<ReadError>,
}

fn user_of(user: aws_sdk_iam::types::User) -> User {
    let password_last_used = user.password_last_used.and_then(|at| Timestamp::from_second(at.secs()).ok());
    User { name: user.user_name, path: user.path, tags: None, password_last_used }
}

fn push(report: &mut Report, error: ReadError) {
    if report.errors.len() < ERRORS_KEPT {
        report.errors.push(error);
    } else {
        report.errors_left_out += 1;
    }
}
