//! The user's own tags: what every service takes, and what fits on every object beside keyminder's own. Whatever is
//! refused here would otherwise fail at one service after another had taken it.

use std::collections::BTreeMap;

use crate::ownership::{self, Tags};

/// So many of a user's own are set on everything.
const MOST: usize = 20;

/// So many characters a tag's value has.
const LONGEST_VALUE: usize = 256;

/// Everything that is wrong with the tags, where so many subscriptions are declared.
pub(super) fn problems(tags: &Tags, subscriptions: usize) -> Vec<String> {
    let mut problems: Vec<String> = tags.iter().filter_map(|(key, value)| problem(key, value)).collect();
    if tags.len() > MOST {
        problems.push(format!("{} tags are more than the {MOST} that keyminder sets on everything", tags.len()));
    }
    let mut by_lower_case: BTreeMap<String, &str> = BTreeMap::new();
    for key in tags.keys() {
        if let Some(other) = by_lower_case.insert(key.to_lowercase(), key) {
            problems
                .push(format!("'{other}' and '{key}' are one tag key to IAM, which ignores case: keep one of them"));
        }
    }
    let ledger = ownership::ledger(tags).chars().count();
    if ledger > LONGEST_VALUE {
        problems.push(format!(
            "the keys of all tags make {ledger} characters, and keyminder records them in one tag of {LONGEST_VALUE}: \
             shorten them or leave some out"
        ));
    }
    // The topic also records each subscription that is ours.
    let on_the_topic = tags.len() + ownership::own_tags(tags) + subscriptions;
    if on_the_topic > ownership::MOST_ON_AN_OBJECT {
        problems.push(format!(
            "{} tags and {subscriptions} subscriptions make {on_the_topic} tags on the topic, which holds \
             {}: leave some tags out, or subscribe a mailing list, a queue or a second install",
            tags.len(),
            ownership::MOST_ON_AN_OBJECT
        ));
    }
    problems
}

/// The form that every service takes (letters, digits, spaces and `_ . : / = + - @`; IAM is the strictest).
fn problem(key: &str, value: &str) -> Option<String> {
    let fits = |s: &str| s.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
    if key.is_empty() || key.chars().count() > 128 || !fits(key) {
        return Some(format!("'{key}' cannot be a tag key: use up to 128 letters, digits, spaces and _ . : / = + - @"));
    }
    let lower = key.to_lowercase();
    if lower.starts_with("aws:") {
        return Some(format!("'{key}' cannot be a tag key: AWS reserves those that begin with aws:"));
    }
    if lower == ownership::MANAGED_BY || lower.starts_with("keyminder:") {
        return Some(format!("'{key}' is a tag that keyminder sets itself, in whatever case"));
    }
    (value.chars().count() > LONGEST_VALUE || !fits(value)).then(|| {
        format!("the value of tag '{key}' is not one: use up to 256 letters, digits, spaces and _ . : / = + - @")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: &[&str]) -> Tags {
        keys.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect()
    }

    #[test]
    fn keys_that_differ_in_case_only_are_refused_and_so_are_our_own_in_any_case() {
        for (keys, word) in [
            (&["Team", "team"][..], "ignores case"),
            (&["Managed-By"], "sets itself"),
            (&["Keyminder:Install"], "sets itself"),
            (&["AWS:x"], "reserves"),
        ] {
            let found = problems(&tags(keys), 1);
            assert_eq!(found.len(), 1, "{keys:?}: {found:?}");
            assert!(found[0].contains(word), "{keys:?}: {found:?}");
        }
        assert_eq!(problems(&tags(&["team", "Cost+Center", "a=b"]), 1), Vec::<String>::new());
    }

    #[test]
    fn keys_that_do_not_fit_into_their_record_are_refused() {
        let long = |n: u8| format!("{}{}", char::from(b'a' + n), "k".repeat(99));
        assert_eq!(problems(&tags(&[&long(0), &long(1)]), 1), Vec::<String>::new());
        let found = problems(&tags(&[&long(0), &long(1), &long(2)]), 1);
        assert!(found[0].contains("302 characters"), "{found:?}");
    }

    #[test]
    fn more_tags_than_the_topic_holds_are_refused_with_those_that_record_subscriptions() {
        let some = tags(&["a", "b", "c"]);
        assert_eq!(problems(&some, 43), Vec::<String>::new());
        let found = problems(&some, 44);
        assert!(found[0].contains("51 tags on the topic"), "{found:?}");
        assert_eq!(problems(&Tags::new(), 47), Vec::<String>::new());
        assert_eq!(problems(&Tags::new(), 48).len(), 1);
    }
}
