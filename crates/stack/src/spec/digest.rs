//! The digest of the settings, by which a later run knows whether they are those that keyminder last wrote.
//!
//! Recipients are not part of it: if none are configured, those that exist stay. Only what differs from the defaults
//! counts, so a version with more settings gives the same digest.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Spec;

/// What the record leaves out: where the installation is and what it is called, recipients, and what others may attach.
const NOT_RECORDED: [&str; 8] = ["account", "allow", "endpoint_url", "name", "names", "notify", "profile", "region"];

impl Spec {
    /// The digest of everything in which it differs from the defaults.
    pub(crate) fn digest(&self) -> String {
        let mut layout = self.layout.clone();
        // Which code is trusted is the command's business and changes nothing in the account.
        layout.function.trusted_code.clear();
        let mut settings = layout.changed();
        settings.retain(|table, _| !NOT_RECORDED.contains(&table.as_str()));
        let text = Value::Object(settings).to_string();
        Sha256::digest(text.as_bytes()).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use keyminder_keyage::Architecture;

    use super::*;
    use crate::spec::{Notify, Package};

    fn spec() -> Spec {
        Spec::new(Package::new(Architecture::X86_64, |_| Ok(Vec::new())))
    }

    #[test]
    fn settings_that_differ_have_another_digest_and_recipients_do_not_count() {
        let usual = spec().digest();
        let mut other = spec();
        other.notify = Notify::emails(["ops@example.com"]);
        assert_eq!(other.digest(), usual);
        other.names.topic = Some("keys".to_owned());
        other.region = Some("eu-west-1".to_owned());
        other.function.trusted_code = vec!["abc".to_owned()];
        assert_eq!(other.digest(), usual);
        other.check.max_age_days = 60;
        let sixty = other.digest();
        assert_ne!(sixty, usual);
        other.function.memory_mb = 512;
        assert_ne!(other.digest(), sixty);
        // Nothing but the defaults: of no setting that a later version may add.
        assert_eq!(usual, "44136fa355b3678a");
    }
}
