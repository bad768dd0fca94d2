//! The tags by which we know what is ours, and which tags on it are ours to change.

use std::collections::BTreeMap;

use crate::names::Names;

/// Says which tool looks after an object.
pub(crate) const MANAGED_BY: &str = "managed-by";
/// The value of that tag.
const TOOL: &str = "keyminder";
/// Says which install it belongs to.
pub(crate) const INSTALL: &str = "keyminder:install";
/// Says which region's install it belongs to; IAM is global and would not know otherwise.
pub(crate) const REGION: &str = "keyminder:region";
/// Lists the user's own tag keys that we set, so that one dropped from the configuration is dropped from the object.
const LEDGER: &str = "keyminder:tags";
/// Says how an installation is laid out. The role has it, because roles are read before anything else.
pub(crate) const FORMAT: &str = "keyminder:format";
/// The format that this version writes and, with every earlier one, understands. It goes up with the first change after
/// which an older version would damage an installation or leave parts of it behind.
const CURRENT_FORMAT: u32 = 1;
/// Begins the topic's tags that record which subscriptions are ours.
pub(crate) const SUBSCRIPTION: &str = "keyminder:subscription:";
/// Says that the topic was just created, so subscriptions of a deleted topic of the same name may still be listed on it.
pub(crate) const NEW_TOPIC: &str = "keyminder:new-topic";

/// The most tags that an object can have (IAM User Guide, "IAM and AWS STS quotas"; the same for the other services).
pub(crate) const MOST_ON_AN_OBJECT: usize = 50;

/// Tags, as every service of AWS means them.
pub type Tags = BTreeMap<String, String>;

/// The tags that everything of an install carries.
pub(crate) fn desired(names: &Names, chosen: &Tags) -> Tags {
    let mut tags = chosen.clone();
    for key in [MANAGED_BY, INSTALL, REGION] {
        tags.insert(key.to_owned(), own_value(key, names).to_owned());
    }
    if !chosen.is_empty() {
        tags.insert(LEDGER.to_owned(), ledger(chosen));
    }
    tags
}

/// The tag that records the format of the installation.
pub(crate) fn format_record() -> (String, String) {
    (FORMAT.to_owned(), CURRENT_FORMAT.to_string())
}

/// The format that these tags record. What is not a number is no record.
fn format(tags: &Tags) -> Option<u32> {
    tags.get(FORMAT)?.parse().ok()
}

/// The recorded format and the newest one that this version understands, if a newer version wrote the record.
pub(crate) fn newer_format(tags: &Tags) -> Option<(u32, u32)> {
    format(tags).filter(|format| *format > CURRENT_FORMAT).map(|format| (format, CURRENT_FORMAT))
}

/// Whether an older version wrote these tags: they lack the record of the format, or it is an older one.
pub(crate) fn is_of_older_format(tags: &Tags) -> bool {
    format(tags).is_none_or(|format| format < CURRENT_FORMAT)
}

/// How many tags of its own [`desired`] adds.
pub(crate) fn own_tags(chosen: &Tags) -> usize {
    if chosen.is_empty() { 3 } else { 4 }
}

/// The keys of these tags as one value, joined by `+`. No character is allowed in a value that is not allowed in a key,
/// so a `+` within a key has a `=` before it, and so has a `=`.
pub(crate) fn ledger(chosen: &Tags) -> String {
    let keys: Vec<_> = chosen.keys().map(|key| key.replace('=', "==").replace('+', "=+")).collect();
    keys.join("+")
}

/// The keys that [`ledger`] wrote.
fn keys_in(ledger: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut letters = ledger.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '+' => {
                keys.push(String::new());
                continue;
            }
            '=' => letters.next().unwrap_or('='),
            other => other,
        };
        if let Some(key) = keys.last_mut() {
            key.push(letter);
        }
    }
    keys
}

/// Whose an object is, as its tags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// All three tags are there and name this install.
    Ours,
    /// What is there names this install, and these tags are missing: somebody removed them, or wrote the others.
    Damaged(Vec<&'static str>),
    /// None of the tags is there, or one names somebody else.
    Foreign(String),
}

impl Ownership {
    /// Whose an object with these tags is. A missing tag never counts as matching.
    pub(crate) fn of(live: &Tags, names: &Names) -> Self {
        let tag = |key: &str| live.get(key).map(String::as_str);
        if let Some(other) = tag(MANAGED_BY).filter(|other| *other != TOOL) {
            return Self::Foreign(format!("its tag {MANAGED_BY} is '{other}'"));
        }
        if let Some(other) = tag(INSTALL).filter(|other| *other != names.install) {
            return Self::Foreign(format!("it belongs to the keyminder install '{other}'"));
        }
        if let Some(other) = tag(REGION).filter(|other| *other != names.region) {
            return Self::Foreign(format!("it belongs to a keyminder install in {other}"));
        }
        let missing: Vec<_> =
            [MANAGED_BY, INSTALL, REGION].into_iter().filter(|key| !live.contains_key(*key)).collect();
        match missing.len() {
            0 => Self::Ours,
            3 => Self::Foreign("it has no keyminder tags".to_owned()),
            _ => Self::Damaged(missing),
        }
    }

    /// Why the object is not to be touched; `None` if it is ours.
    pub(crate) fn objection(self, names: &Names) -> Option<String> {
        match self {
            Self::Ours => None,
            Self::Foreign(reason) => Some(reason),
            Self::Damaged(missing) => {
                let tags: Vec<_> = missing.iter().map(|key| format!("{key} = {}", own_value(key, names))).collect();
                Some(format!(
                    "damaged: its keyminder tags are incomplete; if it is this install's, add the missing {}, or run \
                     keyminder setup --adopt",
                    tags.join(" and ")
                ))
            }
        }
    }
}

/// The value that this install gives to one of the three tags.
fn own_value<'a>(key: &str, names: &'a Names) -> &'a str {
    match key {
        INSTALL => &names.install,
        REGION => &names.region,
        _ => TOOL,
    }
}

/// Why an object with these tags is not to be touched; `None` if it is this install's.
pub(crate) fn objection(live: &Tags, names: &Names) -> Option<String> {
    Ownership::of(live, names).objection(names)
}

/// Whether an IAM object belongs to the install of the same name in another region.
pub(crate) fn of_another_region(live: &Tags, names: &Names) -> bool {
    live.get(INSTALL) == Some(&names.install) && live.get(REGION).is_some_and(|region| *region != names.region)
}

/// The tags of a live object that are ours to change: those we want, and those we once set and no longer want.
pub(crate) fn owned(live: &Tags, desired: &Tags) -> Tags {
    let once_set = live.get(LEDGER).map(|ledger| keys_in(ledger)).unwrap_or_default();
    live.iter()
        .filter(|(key, _)| desired.contains_key(*key) || *key == LEDGER || once_set.contains(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What to set and what to remove to get from the owned tags of a live object to the desired ones. Remove first: once
/// the new list of the user's keys is set, an interrupted run's leftovers would be nobody's.
pub(crate) struct TagChanges {
    /// Remove these keys.
    pub(crate) remove: Vec<String>,
    /// Then set these.
    pub(crate) set: Tags,
}

/// Works out the changes from `owned` to `desired`.
pub(crate) fn changes(owned: &Tags, desired: &Tags) -> TagChanges {
    TagChanges {
        set: desired.iter().filter(|(k, v)| owned.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone())).collect(),
        remove: owned.keys().filter(|key| !desired.contains_key(*key)).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Identity;
    use crate::names::{ChosenNames, IamNames};

    fn names() -> Names {
        let identity = Identity { account: "1".into(), partition: "aws".into(), arn: String::new() };
        Names::new(&identity, "eu-west-1", "default", "/", &ChosenNames::default(), IamNames::Plain)
    }

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn what_we_tag_is_ours_and_what_we_did_not_is_not() {
        let ours = desired(&names(), &Tags::new());
        assert_eq!(Ownership::of(&ours, &names()), Ownership::Ours);
        assert!(matches!(Ownership::of(&Tags::new(), &names()), Ownership::Foreign(_)));
        for (key, value) in [(MANAGED_BY, "terraform"), (INSTALL, "other"), (REGION, "us-east-1")] {
            let mut theirs = ours.clone();
            theirs.insert(key.into(), value.into());
            assert!(
                matches!(Ownership::of(&theirs, &names()), Ownership::Foreign(reason) if reason.contains(value)),
                "{key}"
            );
        }
    }

    #[test]
    fn a_record_of_a_later_format_is_newer_and_a_missing_one_is_older() {
        let with = |format: &str| tags(&[(FORMAT, format)]);
        let current = Tags::from([format_record()]);
        assert_eq!((newer_format(&current), is_of_older_format(&current)), (None, false));
        assert_eq!((newer_format(&Tags::new()), is_of_older_format(&Tags::new())), (None, true));
        assert_eq!((newer_format(&with("7")), is_of_older_format(&with("7"))), (Some((7, CURRENT_FORMAT)), false));
        assert_eq!((newer_format(&with("x")), is_of_older_format(&with("x"))), (None, true));
    }

    #[test]
    fn a_missing_tag_never_counts_as_matching() {
        let ours = desired(&names(), &Tags::new());
        for kept in 1..7_usize {
            let present = |index: usize| kept & (1 << index) != 0;
            let keys = [MANAGED_BY, INSTALL, REGION];
            let live: Tags = ours
                .iter()
                .filter(|(key, _)| keys.iter().position(|one| one == key).is_some_and(present))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let missing: Vec<_> = keys.into_iter().filter(|key| !live.contains_key(*key)).collect();
            assert_eq!(Ownership::of(&live, &names()), Ownership::Damaged(missing.clone()));
            let said = objection(&live, &names()).unwrap();
            assert!(said.starts_with("damaged") && missing.iter().all(|key| said.contains(*key)), "{said}");
        }
    }

    #[test]
    fn the_record_of_keys_gives_back_whatever_keys_there_are() {
        for keys in [&["team"][..], &["a+b", "c"], &["+b", "a"], &["a+", "b"], &["=", "a=+b", "z="], &["a b", "c:d"]] {
            let chosen: Tags = keys.iter().map(|key| ((*key).to_owned(), String::new())).collect();
            assert_eq!(keys_in(&ledger(&chosen)), keys, "{}", ledger(&chosen));
        }
    }

    #[test]
    fn a_dropped_tag_with_a_plus_in_its_key_is_removed_and_a_colleagues_with_a_part_of_it_is_not() {
        let mut live = desired(&names(), &tags(&[("cost+center", "1")]));
        live.insert("center".into(), "colleague's".into());
        let after = desired(&names(), &Tags::new());
        assert_eq!(changes(&owned(&live, &after), &after).remove, ["cost+center", LEDGER]);
    }

    #[test]
    fn a_tag_dropped_from_the_configuration_is_removed_and_a_colleagues_tag_is_not() {
        let before = desired(&names(), &tags(&[("team", "a"), ("cost", "1")]));
        let mut live = before.clone();
        live.insert("colleague".into(), "x".into());
        let after = desired(&names(), &tags(&[("team", "b")]));
        let changes = changes(&owned(&live, &after), &after);
        assert_eq!(changes.remove, ["cost"]);
        assert_eq!(changes.set, tags(&[("team", "b"), (LEDGER, "team")]));
    }
}
