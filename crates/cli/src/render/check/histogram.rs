//! The ages of active keys against the limit, in a few bins.

use keyminder_keyage::key::seconds_beyond;
use keyminder_keyage::{KeyStatus, Report};

use crate::render::style::{Paint, bold};

/// One bin: ages of more than `from` days (the first bin: from 0) up to and including `to`, `None` for no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) from: u32,
    pub(super) to: Option<u32>,
    pub(super) count: usize,
    /// Its keys are over the general limit.
    pub(super) over: bool,
}

impl Bin {
    pub(super) fn label(&self) -> String {
        match self.to {
            Some(to) => format!("{} to {to}", self.from),
            None => format!("over {}", self.from),
        }
    }
}

/// The bins: three up to the limit, four beyond it.
pub(super) fn bins(report: &Report) -> Vec<Bin> {
    let limit = report.max_age_days;
    let mut ends: Vec<u32> =
        [1, 2, 3, 6, 12, 24].iter().map(|n| limit.saturating_mul(*n) / 3).filter(|end| *end > 0).collect();
    ends.dedup();
    let mut bins = Vec::new();
    let mut from = 0;
    for end in ends {
        bins.push(Bin { from, to: Some(end), count: 0, over: from >= limit });
        from = end;
    }
    bins.push(Bin { from, to: None, count: 0, over: true });
    let active = report.keys.iter().filter(|key| key.status == Some(KeyStatus::Active));
    for created in active.filter_map(|key| key.created) {
        // To the second, so that a key that is over the limit by hours stands beyond it.
        let reaches = |to| seconds_beyond(created, to, report.as_of) == 0;
        if let Some(bin) = bins.iter_mut().find(|bin| bin.to.is_none_or(reaches)) {
            bin.count += 1;
        }
    }
    bins
}

/// The histogram for a terminal.
pub(super) fn histogram(report: &Report, width: usize) -> String {
    let bins = bins(report);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let label = bins.iter().map(|bin| bin.label().len()).max().unwrap_or(0);
    let room = width.saturating_sub(label + 16).clamp(10, 48);
    let mut text = bold("Ages of active keys, in days\n");
    let mut limit_shown = false;
    for bin in &bins {
        if bin.over && !limit_shown {
            text.push_str(&format!("  {:>label$} ┄┄ limit: {} days\n", "", report.max_age_days));
            limit_shown = true;
        }
        let paint = if bin.over { Paint::DELETE } else { Paint::ADD };
        let bar = bar(bin.count, most, room);
        let count = if bin.count == 0 { "·".to_owned() } else { bin.count.to_string() };
        let space = if bar.is_empty() { "" } else { " " };
        text.push_str(&format!("  {:>label$} {}{space}{count}\n", bin.label(), paint.on(bar)));
    }
    text
}

/// A bar of `count` in `most`, in eighths of a character; a count that is there is never invisible.
fn bar(count: usize, most: usize, room: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (count * room * 8).div_ceil(most.max(1));
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keyminder_keyage::verdict::assess;
    use keyminder_keyage::{CredentialKind, Finding, Key, LastUsed, Settings, User};

    use super::*;

    #[test]
    fn the_bins_cover_every_age_once_and_the_limit_is_between_two() {
        for limit in [1, 2, 7, 90, 3650] {
            let settings = Settings { max_age_days: limit, ..Settings::default() };
            let bins = bins(&Report::new("1".into(), Timestamp::UNIX_EPOCH, &settings));
            for pair in bins.windows(2) {
                assert_eq!(pair[0].to, Some(pair[1].from), "limit {limit}");
            }
            assert!(bins.iter().any(|bin| bin.to == Some(limit)), "limit {limit}");
            assert!(bins.iter().all(|bin| bin.over == (bin.from >= limit)), "limit {limit}");
        }
    }

    #[test]
    fn a_key_that_is_over_the_limit_by_a_second_stands_beyond_it() {
        let settings = Settings::default();
        let now = Timestamp::from_second(1_000 * 86_400).unwrap();
        for (seconds, over) in [(0, false), (1, true)] {
            let mut report = Report::new("1".into(), now, &settings);
            let key = Key {
                id: "AKIA1".into(),
                kind: CredentialKind::AccessKey,
                status: KeyStatus::Active,
                created: Timestamp::from_second(910 * 86_400 - seconds).unwrap(),
                last_used: LastUsed::NotRead,
            };
            let assessment = assess(&key, &User::default(), &settings, now);
            report.add(Finding::new(key, &User::default(), &assessment, &settings), true);
            let bin = bins(&report).into_iter().find(|bin| bin.count == 1).unwrap();
            assert_eq!(bin.over, over, "{bin:?}");
        }
    }

    #[test]
    fn the_smallest_count_still_has_a_visible_bar() {
        assert_eq!(bar(1, 5000, 40), "▏");
        assert_eq!(bar(5, 5, 4), "████");
        assert_eq!(bar(0, 5, 4), "");
    }
}
