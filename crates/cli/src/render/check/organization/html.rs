//! A check of many accounts as one HTML page that needs nothing else: accounts first, then the keys.
//!
//! Owns what the page is told; how it looks is in `assets/organization.html`, and in the style and script of the page for
//! one account.

use keyminder_keyage::{AccountState, Untrusted};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::View;
use super::words::{accounts, root_keys, root_keys_unknown, subject};
use crate::error::Error;
use crate::render::check::html::{KEYS, Row, SCRIPT, STYLE, hash, row, special_limit};
use crate::render::check::words::{counts, limits_differ, limits_of_scope, moment, outcome_by};

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
    let complaint = |error: minijinja::Error| Error::failed("Html", format!("the page could not be written: {error}"));
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine.add_template("organization.html", TEMPLATE).map_err(complaint)?;
    engine.add_template("keys.html", KEYS).map_err(complaint)?;
    let template = engine.get_template("organization.html").map_err(complaint)?;
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
    let partial = limits_of_scope(&overall);
    let simulated = if report.simulated { "Simulation: " } else { "" };
    let summary = report.summary();
    let unknown_roots = root_keys_unknown(report);
    let clean = overall.complete && overall.summary.old == 0 && root_keys(report).is_none() && unknown_roots == 0;
    template
        .render(context! {
            style => STYLE,
            style_hash => hash(STYLE),
            script => SCRIPT,
            script_hash => hash(SCRIPT),
            title => format!("{simulated}IAM access keys of {}, {}", subject(report), moment(report.as_of)),
            coverage => accounts(report),
            counts => counts(&overall),
            outcome => outcome_by(&overall, report.reports().any(limits_differ)),
            partial => partial,
            clean => clean,
            complete => overall.complete,
            simulated => report.simulated,
            as_of => moment(report.as_of),
            made_at => moment(report.made_at),
            made_by => Untrusted::new(&view.provenance.made_by).to_string(),
            role => view.role,
            settings_from => Untrusted::new(&view.provenance.settings_from).to_string(),
            endpoint => view.provenance.endpoint.clone(),
            limit => report.max_age_days,
            limits => view.settings.limits.iter().map(special_limit).collect::<Vec<_>>(),
            warn_days => view.settings.warn_days.iter().max(),
            inactive => Serde(view.settings.inactive),
            root_keys => root_keys(report),
            root_keys_unknown => unknown_roots,
            summary => Serde(&summary),
            accounts => account_rows,
            rows => Serde(&keys),
            by_account => true,
            errors => report.errors.iter().map(|error| Untrusted::new(&error.to_string()).to_string()).collect::<Vec<_>>(),
            to_do => view.things_to_do().iter().map(|thing| Untrusted::new(thing).to_string()).collect::<Vec<_>>(),
            version => env!("CARGO_PKG_VERSION"),
        })
        .map_err(complaint)
}
