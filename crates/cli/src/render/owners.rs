//! Who would be emailed about which keys.

use std::collections::BTreeSet;
use std::fmt::Write;

use keyminder_keyage::notice::{Emailed, OwnersInformed};
use keyminder_keyage::owners::KeyId;
use keyminder_keyage::{OwnerEmail, Untrusted};

use super::style::{bold, dim, hang, warn};

/// Each person with their keys and the subject of their email, then the keys that have no owner and why.
pub(crate) fn owners(emails: &[OwnerEmail], informed: &OwnersInformed, width: usize) -> String {
    let mut text = String::new();
    let keys = informed.emails.iter().flat_map(|email| &email.keys);
    let keys = keys.chain(informed.without_owner.iter().map(|one| &one.key));
    let accounts: BTreeSet<&str> = keys.map(|key| key.account.as_str()).collect();
    let key = |key: &KeyId| {
        let account = if accounts.len() > 1 { format!("{}  ", key.account) } else { String::new() };
        format!("{account}{}  {}", Untrusted::new(&key.user), Untrusted::new(&key.access_key_id))
    };
    for (email, Emailed { to, as_owner, keys, .. }) in emails.iter().zip(&informed.emails) {
        let whose = if *as_owner { "" } else { " (the account's security contact)" };
        let _ = writeln!(text, "{}{whose}: {}", bold(to), hang(&email.subject, 2, width));
        keys.iter().for_each(|one| text.push_str(&format!("  {}\n", key(one))));
    }
    if emails.is_empty() {
        text.push_str("No owner would be emailed.\n");
    }
    for (account, why) in &informed.contacts {
        let line = format!("! The security contact of account {account} would not be emailed: {why}");
        let _ = writeln!(text, "{}", warn(hang(&line, 2, width)));
    }
    if !informed.without_owner.is_empty() {
        let _ = writeln!(text, "\n{}", bold("Keys without an owner"));
        for one in &informed.without_owner {
            let _ = writeln!(text, "  {}  {}", key(&one.key), dim(hang(&one.reason, 4, width)));
        }
    }
    text
}
