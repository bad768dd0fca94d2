//! The figures in `docs/` that tests count: a test fails if a figure is not what it counted, or with
//! `KEYMINDER_UPDATE_DOCS=1` writes what it counted.

use std::path::Path;
use std::sync::Mutex;

/// Tests of several threads write to one file.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Compares a row of a table in `docs/reliability.md` with what was counted, or updates it. `section` is the heading that
/// the table follows; the first cell tells which row.
///
/// # Panics
/// If the document has no such row, or has other figures.
pub fn record(section: &str, cells: &[&str]) {
    let _one = DOCUMENT.lock();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reliability.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let heading = format!("\n## {section}\n");
    let (before, after) = text.split_at(text.find(&heading).expect("docs/reliability.md has the section"));
    let name = format!("| {} | ", cells[0]);
    let present = after.lines().find(|line| line.starts_with(&name)).expect("the section has the row");
    let row = format!("| {} |", cells.join(" | "));
    if std::env::var_os("KEYMINDER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{}", after.replacen(present, &row, 1))).unwrap();
    } else {
        assert_eq!(present, row, "run the tests with KEYMINDER_UPDATE_DOCS=1 to bring docs/reliability.md up to date");
    }
}
