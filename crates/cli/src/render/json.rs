//! The JSON documents of the command: their shapes are a contract (`"schema": 1`).

use jiff::Timestamp;
use keyminder_keyage::{
    AccountReading, AccountState, Cause, Control, Finding, OrganizationId, OrganizationSummary, ReadError, Report,
    controls,
};
use keyminder_reconcile::{Address, Change, Extra, NotChecked, Plan, Summary};
use keyminder_stack::Allow;
use serde::Serialize;
use serde_json::Value;

use super::check::{Provenance, organization};
use super::status::StatusView;
use crate::error::Error;
use crate::follow_up::FollowUp;

/// The version of every document here.
const SCHEMA: u32 = 1;

/// Where a run took place, and the file that configured it.
#[derive(Debug, Serialize)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) install: &'a str,
    /// Its full path, if one was read.
    pub(crate) config_file: Option<String>,
}

/// What `setup`, `plan` and `teardown` answer.
#[derive(Debug, Serialize)]
pub(crate) struct RunDocument<'a> {
    schema: u32,
    command: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    changes: &'a [Change],
    summary: Summary,
    applied: bool,
    attention: &'a [FollowUp],
    #[serde(flatten)]
    beside: Beside<'a>,
    removed: Vec<Found<'a>>,
}

/// What others added to any resource, and what could not be looked at.
#[derive(Debug, Serialize)]
struct Beside<'a> {
    extras: Vec<Found<'a>>,
    not_checked: Vec<Unseen<'a>>,
}

impl<'a> Beside<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            extras: plan.extras().map(|(address, extra)| Found::new(address, extra)).collect(),
            not_checked: plan.not_checked().map(|(address, one)| Unseen { address, one }).collect(),
        }
    }
}

/// Something that others added, and where.
#[derive(Debug, Serialize)]
struct Found<'a> {
    address: Address,
    #[serde(flatten)]
    extra: &'a Extra,
    /// The entry that allows it, under the address in `[allow]`.
    allowed_by: Option<String>,
}

impl<'a> Found<'a> {
    fn new(address: Address, extra: &'a Extra) -> Self {
        Self { address, extra, allowed_by: Allow::entry(extra) }
    }
}

/// Something that could not be looked at, and where.
#[derive(Debug, Serialize)]
struct Unseen<'a> {
    address: Address,
    #[serde(flatten)]
    one: &'a NotChecked,
}

impl<'a> RunDocument<'a> {
    pub(crate) fn new(
        command: &'static str,
        place: Place<'a>,
        plan: &'a Plan,
        applied: bool,
        attention: &'a [FollowUp],
    ) -> Self {
        let (changes, summary) = (plan.changes.as_slice(), plan.summary());
        let (beside, removed) = (Beside::of(plan), Vec::new());
        Self { schema: SCHEMA, command, place, changes, summary, applied, attention, beside, removed }
    }

    /// The same with what is beside the resources once the run is over, and what of it was removed.
    pub(crate) fn beside(self, now: &'a Plan, removed: &'a [(Address, Extra)]) -> Self {
        let removed = removed.iter().map(|(address, extra)| Found::new(*address, extra)).collect();
        Self { beside: Beside::of(now), removed, ..self }
    }
}

/// What `status` answers.
#[derive(Debug, Serialize)]
pub(crate) struct StatusDocument<'a> {
    schema: u32,
    command: &'static str,
    #[serde(flatten)]
    view: &'a StatusView,
    #[serde(flatten)]
    beside: Beside<'a>,
}

impl<'a> StatusDocument<'a> {
    pub(crate) fn new(view: &'a StatusView) -> Self {
        Self { schema: SCHEMA, command: "status", view, beside: Beside::of(&view.plan) }
    }
}

/// What `check` answers.
#[derive(Debug, Serialize)]
pub(crate) struct CheckDocument<'a> {
    schema: u32,
    command: &'static str,
    #[serde(flatten)]
    report: &'a Report,
    made_by: &'a str,
    config_file: Option<&'a str>,
    controls: [Control; 3],
    notices: Vec<Value>,
    owners: Option<Value>,
}

impl<'a> CheckDocument<'a> {
    pub(crate) fn new(
        report: &'a Report,
        provenance: &'a Provenance,
        notices: Vec<Value>,
        owners: Option<Value>,
    ) -> Self {
        let (made_by, config_file) = (provenance.made_by.as_str(), provenance.config_file.as_deref());
        Self {
            schema: SCHEMA,
            command: "check",
            report,
            made_by,
            config_file,
            controls: controls(report),
            notices,
            owners,
        }
    }
}

/// What `check --organization` answers.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationDocument<'a> {
    schema: u32,
    command: &'static str,
    organization: Option<&'a OrganizationId>,
    as_of: Timestamp,
    max_age_days: u32,
    accounts: Vec<AccountDocument<'a>>,
    keys: Vec<KeyDocument<'a>>,
    summary: OrganizationSummary,
    complete: bool,
    stopped_early: bool,
    errors: &'a [ReadError],
    made_at: Timestamp,
    made_by: &'a str,
    simulated: bool,
    created_later: u32,
    user_filter: Option<&'a str>,
    role: &'a str,
    config_file: Option<&'a str>,
    owners: Option<Value>,
}

/// An account in it.
#[derive(Debug, Serialize)]
struct AccountDocument<'a> {
    id: &'a str,
    name: Option<&'a str>,
    state: AccountState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    users: Option<u32>,
    users_read: Option<u32>,
    keys: Option<u32>,
    old: Option<u32>,
    root_access_keys: Option<u32>,
}

/// A key in it.
#[derive(Debug, Serialize)]
struct KeyDocument<'a> {
    account: &'a str,
    #[serde(flatten)]
    key: &'a Finding,
}

impl<'a> OrganizationDocument<'a> {
    pub(crate) fn new(view: &organization::View<'a>, owners: Option<Value>) -> Self {
        let organization::View { report, provenance, role, .. } = *view;
        let account = |account: &'a AccountReading| {
            let found = account.report.as_ref();
            AccountDocument {
                id: &account.id,
                name: account.name.as_deref(),
                state: account.state,
                reason: account.reason.as_deref(),
                cause: account.cause,
                hint: view.what_to_do(account),
                users: found.map(|found| found.summary.users),
                users_read: found.map(|found| found.summary.users_read),
                keys: found.map(|found| found.summary.keys),
                old: found.map(|found| found.summary.old),
                root_access_keys: found.and_then(|found| found.root_access_keys),
            }
        };
        Self {
            schema: SCHEMA,
            command: "check",
            organization: report.organization.as_ref(),
            as_of: report.as_of,
            max_age_days: report.max_age_days,
            accounts: report.accounts.iter().map(account).collect(),
            keys: report.keys().into_iter().map(|(account, key)| KeyDocument { account: &account.id, key }).collect(),
            summary: report.summary(),
            complete: report.is_complete(),
            stopped_early: report.stopped_early,
            errors: &report.errors,
            made_at: report.made_at,
            made_by: &provenance.made_by,
            simulated: report.simulated,
            created_later: report.reports().map(|report| report.created_later).sum(),
            user_filter: report.user_filter.as_deref(),
            role,
            config_file: provenance.config_file.as_deref(),
            owners,
        }
    }
}

/// What `test` answers.
#[derive(Debug, Serialize)]
pub(crate) struct TestDocument<'a> {
    schema: u32,
    command: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    /// The function came to its end without an error.
    ok: bool,
    answer: &'a Value,
    /// Who receives the messages, as far as they confirmed.
    told: &'a [String],
}

impl<'a> TestDocument<'a> {
    pub(crate) fn new(place: Place<'a>, ok: bool, answer: &'a Value, told: &'a [String]) -> Self {
        Self { schema: SCHEMA, command: "test", place, ok, answer, told }
    }
}

/// What `confirm` answers: what it confirmed, or to whom it had the mail sent again.
#[derive(Debug, Serialize)]
pub(crate) struct ConfirmDocument<'a> {
    schema: u32,
    command: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(flatten)]
    outcome: ConfirmOutcome<'a>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ConfirmOutcome<'a> {
    /// A subscription was confirmed.
    Confirmed {
        /// Whom it tells.
        confirmed: &'a str,
        /// Its ARN.
        arn: &'a str,
        /// A click in a forwarded mail cannot end it.
        safe_from_one_click_unsubscribing: bool,
        /// Who has yet to confirm.
        waiting: &'a [&'a str],
    },
    /// The mail was sent again.
    Resent {
        /// To whom.
        resent: &'a [String],
    },
}

impl<'a> ConfirmDocument<'a> {
    pub(crate) fn new(place: Place<'a>, outcome: ConfirmOutcome<'a>) -> Self {
        Self { schema: SCHEMA, command: "confirm", place, outcome }
    }
}

/// What any command answers where it failed.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDocument<'a> {
    schema: u32,
    error: &'a Error,
}

impl<'a> ErrorDocument<'a> {
    pub(crate) fn new(error: &'a Error) -> Self {
        Self { schema: SCHEMA, error }
    }
}
