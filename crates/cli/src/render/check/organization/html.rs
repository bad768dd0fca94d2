//! A check of many accounts as one HTML page that needs nothing else: accounts first, then the keys.
//!
//! Owns what the page is told; how it looks is in `assets/organization.html`, and in what every page of a report has.

use keyminder_keyage::{AccountState, Untrusted};
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::View;
use super::words::{accounts, root_keys, root_keys_unknown, subject};
use crate::error::Error;
use crate::render::check::html::{Row, errors, page, row};
use crate::render::check::words::{limits_differ, outcome_by};

const TEMPLATE: &str = include_str!("../../../../../../assets/organization.html");

/// A key and its account.
#[derive(Serialize)]
struct KeyRow<'a> {
    account: &'a str,
    account_name: String,
    #[serde(flatten)]
    key: Row,
}

/// The page.
///
/// # Errors
/// None but a template that is broken.
pub(crate) fn html(view: &View<'_>) -> Result<String, Error> {
    let report = view.report;
    let overall = report.overall();
    let plain = |text: Option<&str>| text.map(|text| Untrusted::new(text).to_string()).unwrap_or_default();
    let account_rows: Vec<_> = report
        .accounts
        .iter()
        .map(|account| {
            let summary = account.report.as_ref().map(|report| &report.summary);
            context! {
                id => account.id.clone(),
                name => plain(account.name.as_deref()),
                state => account.state.to_string(),
                rank => account.state as u8,
                users => summary.map(|summary| summary.users),
                users_read => summary.map(|summary| summary.users_read),
                keys => summary.map(|summary| summary.keys),
                old => summary.map(|summary| summary.old),
                due => summary.map(|summary| summary.due),
                oldest => summary.and_then(|summary| summary.oldest_age_days),
                root => account.has_root_keys(),
                reason => plain(account.reason.as_deref()),
                to_do => view.what_to_do(account).map(|thing| Untrusted::new(&thing).to_string()),
                bad => account.state == AccountState::Unknown || account.has_root_keys(),
            }
        })
        .collect();
    let keys: Vec<_> = report
        .keys()
        .into_iter()
        .map(|(account, key)| KeyRow {
            account: &account.id,
            account_name: plain(account.name.as_deref()),
            key: row(key),
        })
        .collect();
    let unknown_roots = root_keys_unknown(report);
    let clean = overall.complete && overall.summary.old == 0 && root_keys(report).is_none() && unknown_roots == 0;
    let own = context! {
        coverage => accounts(report),
        outcome => outcome_by(&overall, report.reports().any(limits_differ)),
        clean => clean,
        role => view.role,
        root_keys => root_keys(report),
        root_keys_unknown => unknown_roots,
        summary => Serde(&report.summary()),
        accounts => account_rows,
        rows => Serde(&keys),
        by_account => true,
        errors => errors(&report.errors),
        to_do => view.things_to_do().iter().map(|thing| Untrusted::new(thing).to_string()).collect::<Vec<_>>(),
    };
    page(TEMPLATE, &subject(report), &overall, view.settings, view.provenance, own)
}
