//! The outcome of a check: every finding, the counts, and what could not be read.
//!
//! Owns the shape that `keyminder check --output json` prints (`keys` and `summary` are contract) and
//! that notices are made from. It must not know how it is rendered.

use jiff::Timestamp;
use serde::Serialize;

use crate::advice::Advice;
use crate::benchmark::Tally;
use crate::exemption::{Exemption, ExemptionRecord, ExemptionSource, ExemptionState};
use crate::key::{CredentialKind, Key, KeyStatus, LastUsed, User};
use crate::settings::{EXEMPT_TAG, Settings};
use crate::verdict::{Assessment, Remedy, Verdict};

/// What a check found at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The account's id.
    pub account: String,
    /// The moment that ages are counted to.
    pub as_of: Timestamp,
    /// The limit for users without one of their own, in days.
    pub max_age_days: u32,
    /// The keys: all, or only those with something to say, as the check was asked. Worst first.
    pub keys: Vec<Finding>,
    /// The counts, of all keys that were read.
    pub summary: Summary,
    /// The account's alias, if it has one and it could be read.
    pub account_alias: Option<String>,
    /// How many access keys the root user has; `None` where that could not be read.
    pub root_access_keys: Option<u32>,
    /// Whether everything was read: no error, no early stop.
    pub complete: bool,
    /// Whether the check stopped early because its time was over.
    pub stopped_early: bool,
    /// The exemptions of the settings, and those in tags that were met.
    pub exemptions: Vec<ExemptionRecord>,
    /// What could not be read.
    pub errors: Vec<ReadError>,
    /// How many errors more there were than `errors` holds.
    pub errors_left_out: u32,
    /// When the account was read.
    pub made_at: Timestamp,
    /// Whether keys are judged as of another moment than `made_at`.
    pub simulated: bool,
    /// Only users with this name were checked, in which `*` and `?` are wildcards; `None` means all users.
    pub user_filter: Option<String>,
    /// In a simulation of the past, how many keys were left out because they did not exist then.
    pub created_later: u32,
    /// What the benchmark's controls are graded by.
    #[serde(skip)]
    pub tally: Tally,
}

/// The counts of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Users there are, as far as known.
    pub users: u32,
    /// Users that were read in full.
    pub users_read: u32,
    /// Users that were not, because of an error or the time.
    pub users_unknown: u32,
    /// Users that were deleted between being listed and being read; `users` leaves them out.
    pub users_gone: u32,
    /// Keys that were read.
    pub keys: u32,
    /// Keys by verdict: over the limit.
    pub old: u32,
    /// Soon over the limit.
    pub due: u32,
    /// Neither.
    pub fresh: u32,
    /// Excused.
    pub exempt: u32,
    /// Switched off.
    pub inactive: u32,
    /// Could not be read. A user whose keys are unknown counts as one.
    pub unknown: u32,
    /// Active keys unused for longer than the settings allow; each is counted by its verdict too.
    pub unused: u32,
    /// The age in days of the oldest active key; `None` where there is none.
    pub oldest_age_days: Option<u32>,
}

impl Summary {
    /// Adds the counts of another account.
    pub fn add(&mut self, other: &Self) {
        self.users += other.users;
        self.users_read += other.users_read;
        self.users_unknown += other.users_unknown;
        self.users_gone += other.users_gone;
        self.keys += other.keys;
        self.old += other.old;
        self.due += other.due;
        self.fresh += other.fresh;
        self.exempt += other.exempt;
        self.inactive += other.inactive;
        self.unknown += other.unknown;
        self.unused += other.unused;
        self.oldest_age_days = self.oldest_age_days.max(other.oldest_age_days);
    }
}

/// One key, judged, or one user whose keys could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The user's name.
    pub user: String,
    /// The key's id; `None` where the user's keys could not be read.
    pub access_key_id: Option<String>,
    /// `Active` or `Inactive`.
    pub status: Option<KeyStatus>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its age in whole days.
    pub age_days: Option<u32>,
    /// When it was last used: a moment, `never`, `unknown`, or null where that was not asked.
    pub last_used: LastUsed,
    /// What it was last used for.
    pub last_used_service: Option<String>,
    /// And where.
    pub last_used_region: Option<String>,
    /// What it is found to be.
    pub verdict: Verdict,
    /// Which sort of credential it is.
    pub kind: CredentialKind,
    /// The limit that holds for it, in days.
    pub limit_days: Option<u32>,
    /// When it reaches its limit: `created` plus the limit. After this moment it is old.
    pub due_at: Option<Timestamp>,
    /// The first second in which it is old: the one after `due_at`.
    pub turns_old: Option<Timestamp>,
    /// Whether it is older than its limit, even if it is exempt or inactive.
    pub over_limit: bool,
    /// How many seconds it is over its limit; 0 if it is not, `None` if it could not be read.
    pub over_by_seconds: Option<u64>,
    /// Since when it has been unused, if that is longer than the settings allow.
    pub unused_since: Option<Timestamp>,
    /// What it needs, if it is reported: `rotate`, `delete` or `replace`.
    pub remedy: Option<Remedy>,
    /// Who is responsible, from the user's owner tag.
    pub owner: Option<String>,
    /// The user's IAM path.
    pub path: String,
    /// Why it is exempt, or what could not be read.
    pub reason: Option<String>,
    /// What could replace it: only for keys that are old, due or unused, and only a guess.
    pub advice: Option<Advice>,
    /// Who approved the exemption that covers it, if one does and says so.
    pub approved_by: Option<String>,
    /// Which of `last_used` and `owner` were not looked up, so that their `null` does not mean "none".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<&'static str>,
    /// When the exemption ended that excused it last, where none holds now.
    #[serde(skip)]
    pub excuse_ended: Option<Timestamp>,
}

impl Finding {
    /// A key and its judgement.
    #[must_use]
    pub fn new(key: Key, user: &User, assessment: &Assessment, settings: &Settings) -> Self {
        let last_used = key.last_used;
        let (last_used_service, last_used_region) = match &last_used {
            LastUsed::At { service, region, .. } => (service.clone(), region.clone()),
            _ => (None, None),
        };
        let reason = assessment.exemption.as_ref().map(|(exemption, state)| match state {
            ExemptionState::Active => format!("exempt until {}: {}", exemption.until, exemption.why()),
            ExemptionState::Expired => format!("exemption expired on {}: {}", exemption.until, exemption.why()),
        });
        let expired = assessment.exemption.as_ref().filter(|(_, state)| *state == ExemptionState::Expired);
        // Someone meant to exempt it: say why it is reported anyway.
        let reported = matches!(assessment.verdict, Verdict::Old | Verdict::Due);
        let misspelt = || {
            let tag = user.tag(EXEMPT_TAG).filter(|_| reported)?;
            Exemption::from_tag(&user.name, tag).err().map(|error| format!("tag {EXEMPT_TAG} has no effect: {error}"))
        };
        let reason = reason.or_else(misspelt);
        Self {
            user: user.name.clone(),
            access_key_id: Some(key.id),
            status: Some(key.status),
            created: Some(key.created),
            age_days: Some(assessment.age_days),
            last_used_service,
            last_used_region,
            verdict: assessment.verdict,
            kind: key.kind,
            limit_days: Some(assessment.limit_days),
            due_at: Some(assessment.due_at),
            turns_old: Some(assessment.turns_old),
            over_limit: assessment.over_by_seconds > 0,
            over_by_seconds: Some(assessment.over_by_seconds),
            unused_since: assessment.unused_since,
            remedy: assessment.remedy,
            owner: user.tag(&settings.owner_tag).filter(|owner| !owner.is_empty()).map(str::to_owned),
            path: user.path.clone(),
            reason,
            advice: None,
            approved_by: assessment.exemption.as_ref().and_then(|(exemption, _)| exemption.approved_by.clone()),
            not_read: not_read(key.kind, &last_used, user),
            last_used,
            excuse_ended: expired.and_then(|(exemption, _)| exemption.end()),
        }
    }

    /// Whether somebody should do something about the key, so that advice is worth having.
    #[must_use]
    pub fn wants_advice(&self) -> bool {
        matches!(self.verdict, Verdict::Old | Verdict::Due) || self.unused_since.is_some()
    }

    /// A user whose keys could not be read, and why.
    #[must_use]
    pub fn unknown(user: &User, reason: String) -> Self {
        Self {
            user: user.name.clone(),
            access_key_id: None,
            status: None,
            created: None,
            age_days: None,
            last_used: LastUsed::NotRead,
            last_used_service: None,
            last_used_region: None,
            verdict: Verdict::Unknown,
            kind: CredentialKind::AccessKey,
            limit_days: None,
            due_at: None,
            turns_old: None,
            over_limit: false,
            over_by_seconds: None,
            unused_since: None,
            remedy: None,
            owner: None,
            path: user.path.clone(),
            reason: Some(reason),
            advice: None,
            approved_by: None,
            not_read: vec!["last_used", "owner"],
            excuse_ended: None,
        }
    }

    /// Its age in words: whole days, and the hours (or less) by which it is over its limit if that is less than
    /// a day, so that a key of 90 days can be over a limit of 90: "412 days", "90 days and 12 hours".
    #[must_use]
    pub fn age_in_words(&self) -> String {
        let counted = |number: u64, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
        let days = counted(self.age_days.unwrap_or(0).into(), "day");
        if !self.is_over_by_less_than_a_day() {
            return days;
        }
        let over = match self.over_by_seconds.unwrap_or(0) {
            seconds @ ..60 => counted(seconds, "second"),
            seconds @ ..3_600 => counted(seconds / 60, "minute"),
            seconds => counted(seconds / 3_600, "hour"),
        };
        format!("{days} and {over}")
    }

    /// Whether it is over its limit, but by less than a day: its age in whole days equals the limit.
    #[must_use]
    pub fn is_over_by_less_than_a_day(&self) -> bool {
        self.over_by_seconds.is_some_and(|seconds| (1..86_400).contains(&seconds))
    }

    /// Whether it says anything that a notice could carry.
    #[must_use]
    pub fn is_remarkable(&self) -> bool {
        match self.verdict {
            Verdict::Old | Verdict::Due | Verdict::Exempt | Verdict::Unknown => true,
            Verdict::Inactive => self.over_limit,
            Verdict::Fresh => self.unused_since.is_some(),
        }
    }
}

/// What was not looked up. IAM keeps no record of the last use of other credentials than access keys.
fn not_read(kind: CredentialKind, last_used: &LastUsed, user: &User) -> Vec<&'static str> {
    let last_use = kind == CredentialKind::AccessKey && *last_used == LastUsed::NotRead;
    let fields = [("last_used", last_use), ("owner", user.tags.is_none())];
    fields.into_iter().filter(|(_, missing)| *missing).map(|(field, _)| field).collect()
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadError {
    /// The user it was about, if about one.
    pub user: Option<String>,
    /// The AWS operation, such as `iam:ListAccessKeys`.
    pub operation: String,
    /// AWS's error code, or a word for what happened before an answer came.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.operation)?;
        if let Some(user) = &self.user {
            write!(f, " for {user}")?;
        }
        write!(f, ": {}", self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl Report {
    /// An empty report for an account, to be filled, as of that second.
    #[must_use]
    pub fn new(account: String, as_of: Timestamp, settings: &Settings) -> Self {
        let as_of = Timestamp::from_second(as_of.as_second()).unwrap_or(as_of);
        Self {
            account,
            as_of,
            max_age_days: settings.max_age_days,
            keys: Vec::new(),
            summary: Summary::default(),
            account_alias: None,
            root_access_keys: None,
            complete: true,
            stopped_early: false,
            exemptions: settings
                .exemptions
                .iter()
                .map(|exemption| ExemptionRecord {
                    source: ExemptionSource::Configuration,
                    state: exemption.state(as_of),
                    exemption: exemption.clone(),
                    keys: Vec::new(),
                })
                .collect(),
            errors: Vec::new(),
            errors_left_out: 0,
            made_at: as_of,
            simulated: false,
            user_filter: None,
            created_later: 0,
            tally: Tally::default(),
        }
    }

    /// How many users were read, of how many where that is more: "3,120 of 5,000 users", "12 users".
    #[must_use]
    pub fn users_read(&self) -> String {
        let Summary { users, users_read, .. } = self.summary;
        let noun = if users.max(users_read) == 1 { "user" } else { "users" };
        if users > users_read {
            format!("{} of {} {noun}", thousands(users_read), thousands(users))
        } else {
            format!("{} {noun}", thousands(users_read))
        }
    }

    /// Counts a finding, and keeps it where `keep` says so or it is remarkable.
    pub fn add(&mut self, finding: Finding, keep: bool) {
        let summary = &mut self.summary;
        let counter = match finding.verdict {
            Verdict::Old => &mut summary.old,
            Verdict::Due => &mut summary.due,
            Verdict::Fresh => &mut summary.fresh,
            Verdict::Exempt => &mut summary.exempt,
            Verdict::Inactive => &mut summary.inactive,
            Verdict::Unknown => &mut summary.unknown,
        };
        *counter += 1;
        self.tally.count(&finding, self.as_of);
        if finding.access_key_id.is_some() {
            summary.keys += 1;
        }
        if finding.unused_since.is_some() {
            summary.unused += 1;
        }
        if finding.status == Some(KeyStatus::Active) {
            summary.oldest_age_days = summary.oldest_age_days.max(finding.age_days);
        }
        if keep || finding.is_remarkable() {
            self.keys.push(finding);
        }
    }

    /// Notes that an exemption was met on a key.
    pub fn exempt(&mut self, assessment: &Assessment, user: &str, key: &str) {
        let Some((exemption, state)) = &assessment.exemption else { return };
        let met = (user.to_owned(), key.to_owned());
        if let Some(known) = self.exemptions.iter_mut().find(|known| known.exemption == *exemption) {
            known.keys.push(met);
        } else {
            self.exemptions.push(ExemptionRecord {
                source: ExemptionSource::Tag,
                state: *state,
                exemption: exemption.clone(),
                keys: vec![met],
            });
        }
    }

    /// Puts the worst first, in an order that does not depend on which answer came first.
    pub fn sort(&mut self) {
        let rank = |finding: &Finding| finding.verdict.rank();
        self.keys.sort_by(|a, b| {
            (rank(a), std::cmp::Reverse(a.age_days), &a.user, &a.access_key_id).cmp(&(
                rank(b),
                std::cmp::Reverse(b.age_days),
                &b.user,
                &b.access_key_id,
            ))
        });
        for record in &mut self.exemptions {
            record.keys.sort();
        }
        self.errors.sort_by(|a, b| (&a.user, &a.operation).cmp(&(&b.user, &b.operation)));
    }

    /// Whether a key is over its limit, or the root user has one: what `--exit-code` answers 2 for. What
    /// could not be read is no finding but a failure: see `complete`.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.summary.old > 0 || self.root_access_keys.is_some_and(|keys| keys > 0)
    }
}

/// A number with a comma between thousands.
#[must_use]
pub fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
