//! A check's report as a table, as CSV and as one HTML page.

mod csv;
mod histogram;
mod html;
pub(crate) mod organization;
mod table;
mod words;

pub(crate) use csv::csv;
pub(crate) use html::html;
pub(crate) use table::table;
pub(crate) use words::{Provenance, remarks};
