//! A check of many accounts as CSV: the columns for one account and three more. An account that was not read in full has
//! a line of its own, so that no account is missing without a word.

use keyminder_keyage::{AccountReading, AccountState, Report};

use super::View;
use crate::error::Error;
use crate::render::check::csv::{HEADER, record, written};

const MORE: [&str; 3] = ["account_name", "account_state", "account_reason"];

/// The lines, with a header.
///
/// # Errors
/// None that happens with memory to write to.
pub(crate) fn csv(view: &View<'_>) -> Result<Vec<u8>, Error> {
    let header: Vec<&str> = HEADER.into_iter().chain(MORE).collect();
    let about = |account: &AccountReading| {
        [account.name.clone(), Some(account.state.as_str().to_owned()), account.reason.clone()]
    };
    let accounts = view.report.accounts.iter().filter(|account| account.state != AccountState::Read);
    let accounts = accounts.map(|account| without_key(view, account).into_iter().chain(about(account)).collect());
    let keys = view.report.accounts.iter().flat_map(|account| {
        account.report.iter().flat_map(move |report| {
            let line = move |key| record(report, key, view.provenance).into_iter().chain(about(account)).collect();
            report.keys.iter().map(line)
        })
    });
    written(&header, accounts.chain(keys).collect::<Vec<Vec<_>>>().into_iter())
}

/// The line of an account that was not read in full.
fn without_key(view: &View<'_>, account: &AccountReading) -> [Option<String>; 29] {
    let report = Report { account: account.id.clone(), ..view.report.overall() };
    let user = keyminder_keyage::User::default();
    let finding = keyminder_keyage::Finding::unknown(&user, account.reason.clone().unwrap_or_default());
    let mut line = record(&report, &finding, view.provenance);
    for (name, value) in HEADER.iter().zip(&mut line) {
        match *name {
            "verdict" if account.state != AccountState::Unknown => *value = None,
            "over_limit" | "kind" | "last_used" | "owner" => *value = None,
            _ => {}
        }
    }
    line
}
