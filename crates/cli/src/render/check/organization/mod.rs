//! A check of many accounts as a table, as CSV and as one HTML page: accounts first, then keys by account.

mod csv;
mod html;
mod table;
mod words;

use keyminder_keyage::{OrganizationReport, Settings};

pub(crate) use self::csv::csv;
pub(crate) use self::html::html;
pub(crate) use self::table::table;
pub(crate) use self::words::unread;
use super::Provenance;

/// What there is to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// What was found.
    pub(crate) report: &'a OrganizationReport,
    /// How the check was made.
    pub(crate) provenance: &'a Provenance,
    /// The settings that keys were judged by.
    pub(crate) settings: &'a Settings,
    /// The role that was assumed in each account.
    pub(crate) role: &'a str,
    /// The account of the caller.
    pub(crate) caller_account: &'a str,
}
