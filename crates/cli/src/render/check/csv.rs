//! A check as CSV: one line for each key, safe to open in a spreadsheet.

use jiff::Timestamp;
use keyminder_keyage::untrusted::csv_field;
use keyminder_keyage::{Finding, LastUsed, Report};

use super::words::Provenance;
use crate::error::Error;

pub(super) const HEADER: [&str; 29] = [
    "account",
    "as_of",
    "user",
    "access_key_id",
    "status",
    "created",
    "age_days",
    "last_used",
    "last_used_service",
    "last_used_region",
    "verdict",
    "limit_days",
    "over_limit",
    "unused_since",
    "kind",
    "owner",
    "path",
    "reason",
    "due_at",
    "over_by_seconds",
    "advice_code",
    "advice",
    "advice_because",
    "approved_by",
    "made_at",
    "made_by",
    "simulated",
    "user_filter",
    "config_file",
];

/// What stands in a field that was not looked up.
const NOT_READ: &str = "not_read";

/// The lines, with a header.
///
/// # Errors
/// None that happens with memory to write to.
pub(crate) fn csv(report: &Report, provenance: &Provenance) -> Result<Vec<u8>, Error> {
    written(&HEADER, report.keys.iter().map(|key| record(report, key, provenance)))
}

/// Lines of any number of columns, with a header.
///
/// # Errors
/// None that happens with memory to write to.
pub(super) fn written<R>(header: &[&str], records: impl Iterator<Item = R>) -> Result<Vec<u8>, Error>
where
    R: IntoIterator<Item = Option<String>>,
{
    let complaint = |error: csv::Error| Error::failed("Csv", error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(complaint)?;
    for record in records {
        let fields = record.into_iter().map(|field| csv_field(field.as_deref().unwrap_or_default()));
        writer.write_record(fields).map_err(complaint)?;
    }
    writer.into_inner().map_err(|error| Error::failed("Csv", error.to_string()))
}

/// The line of a key.
pub(super) fn record(report: &Report, key: &Finding, provenance: &Provenance) -> [Option<String>; 29] {
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let last_used = match &key.last_used {
        LastUsed::NotRead if key.not_read.contains(&"last_used") => Some(NOT_READ.to_owned()),
        LastUsed::NotRead => Some("not_recorded".to_owned()),
        LastUsed::Unknown => Some("unknown".to_owned()),
        LastUsed::Never => Some("never".to_owned()),
        LastUsed::At { at, .. } => moment(Some(*at)),
    };
    let kind = serde_json::to_value(key.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    [
        Some(report.account.clone()),
        moment(Some(report.as_of)),
        Some(key.user.clone()),
        key.access_key_id.clone(),
        key.status.map(|status| status.as_str().to_owned()),
        moment(key.created),
        number(key.age_days),
        last_used,
        key.last_used_service.clone(),
        key.last_used_region.clone(),
        Some(key.verdict.to_string()),
        number(key.limit_days),
        Some(key.over_limit.to_string()),
        moment(key.unused_since),
        kind,
        key.owner.clone().or_else(|| key.not_read.contains(&"owner").then(|| NOT_READ.to_owned())),
        Some(key.path.clone()),
        key.reason.clone(),
        moment(key.due_at),
        key.over_by_seconds.map(|seconds| seconds.to_string()),
        key.advice.as_ref().map(|advice| advice.code.to_string()),
        key.advice.as_ref().map(|advice| advice.text.clone()),
        key.advice.as_ref().map(|advice| advice.because.clone()),
        key.approved_by.clone(),
        moment(Some(report.made_at)),
        Some(provenance.made_by.clone()),
        Some(report.simulated.to_string()),
        report.user_filter.clone(),
        provenance.config_file.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use keyminder_keyage::{Settings, User};

    use super::*;

    #[test]
    fn a_user_name_cannot_become_a_formula_or_another_line() {
        let mut report = Report::new("123456789012".into(), Timestamp::UNIX_EPOCH, &Settings::default());
        let user = User {
            name: "=HYPERLINK(\"http://x\")\nroot".into(),
            path: "/".into(),
            tags: None,
            password_last_used: None,
        };
        report.add(Finding::unknown(&user, "denied".into()), true);
        let bytes = csv(&report, &Provenance::of_test()).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        assert!(rows[0][2].starts_with("'=HYPERLINK"), "{:?}", &rows[0][2]);
        assert!(!rows[0][2].contains('\n'));
        assert_eq!(String::from_utf8_lossy(&bytes).lines().count(), 2);
    }
}
