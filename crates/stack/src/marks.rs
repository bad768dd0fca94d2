//! The tags by which we know what is ours, and which tags on it are ours to change.

use std::collections::BTreeMap;

use crate::names::Names;

/// Says which tool looks after an object.
pub(crate) const MANAGED_BY: &str = "managed-by";
/// Says which install it belongs to.
pub(crate) const INSTALL: &str = "keyminder:install";
/// Says which region's install it belongs to; IAM is global and would not know otherwise.
pub(crate) const REGION: &str = "keyminder:region";
/// Lists the user's own tag keys that we set, so that one dropped from the configuration is dropped from the object.
const LEDGER: &str = "keyminder:tags";
/// Begins the topic's tags that record which subscriptions are ours.
pub(crate) const SUBSCRIPTION: &str = "keyminder:subscription:";

/// Tags, as every service of AWS means them.
pub type Tags = BTreeMap<String, String>;

/// The tags that everything of an install carries.
pub(crate) fn desired(names: &Names, chosen: &Tags) -> Tags {
    let mut tags = chosen.clone();
    tags.insert(MANAGED_BY.to_owned(), "keyminder".to_owned());
    tags.insert(INSTALL.to_owned(), names.install.clone());
    tags.insert(REGION.to_owned(), names.region.clone());
    if !chosen.is_empty() {
        tags.insert(LEDGER.to_owned(), ledger(chosen));
    }
    tags
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

/// Why an object with these tags is not this install's; `None` where it is.
pub(crate) fn foreign(live: &Tags, names: &Names) -> Option<String> {
    let tag = |key: &str| live.get(key).map(String::as_str);
    match (tag(MANAGED_BY), tag(INSTALL), tag(REGION)) {
        (Some(other), _, _) if other != "keyminder" => Some(format!("its tag {MANAGED_BY} says '{other}'")),
        (_, Some(other), _) if other != names.install => Some(format!("it belongs to keyminder's install '{other}'")),
        (_, Some(_), Some(other)) if other != names.region => {
            Some(format!("it belongs to keyminder's install '{}' in {other}", names.install))
        }
        (_, Some(_), _) => None,
        (_, None, _) => Some(format!("it has no tag {INSTALL}")),
    }
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
        assert_eq!(foreign(&ours, &names()), None);
        assert!(foreign(&Tags::new(), &names()).is_some());
        for (key, value) in [(MANAGED_BY, "terraform"), (INSTALL, "other"), (REGION, "us-east-1")] {
            let mut theirs = ours.clone();
            theirs.insert(key.into(), value.into());
            assert!(foreign(&theirs, &names()).is_some_and(|reason| reason.contains(value)), "{key}");
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
