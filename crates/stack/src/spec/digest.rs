//! The digest of the settings, by which a later run knows whether they are those that keyminder last wrote.
//!
//! Recipients are not part of it: if none are configured, those that exist stay. Only what differs from the defaults
//! counts, so a version with more settings gives the same digest.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Package, Spec};

impl Spec {
    /// The digest of everything in which it differs from the defaults.
    pub(crate) fn digest(&self) -> String {
        let usual = settings(&Self::new(Package::new(self.package.architecture(), |_| Ok(Vec::new()))));
        let text = match (settings(self), usual) {
            (Value::Object(settings), Value::Object(usual)) => Value::Object(changed(settings, &usual)).to_string(),
            _ => String::new(),
        };
        Sha256::digest(text.as_bytes()).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

fn settings(spec: &Spec) -> Value {
    // Which code is trusted is the command's business and changes nothing in the account.
    let mut function = json!(spec.function);
    if let Some(function) = function.as_object_mut() {
        function.remove("trusted_code");
    }
    json!({
        "schedule": spec.schedule,
        "check": spec.settings,
        "function": function,
        "rule": spec.rule,
        "topic": spec.topic,
        "iam": spec.iam,
        "tags": spec.tags,
    })
}

/// What differs, table by table; the keys of a table are in order.
fn changed(values: Map<String, Value>, usual: &Map<String, Value>) -> Map<String, Value> {
    let differs = |(key, value): (String, Value)| match (value, usual.get(&key)) {
        (Value::Object(inner), Some(Value::Object(usual))) => {
            Some(changed(inner, usual)).filter(|inner| !inner.is_empty()).map(|inner| (key, Value::Object(inner)))
        }
        (value, Some(usual)) if value == *usual => None,
        (value, _) => Some((key, value)),
    };
    values.into_iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use keyminder_keyage::Architecture;

    use super::*;
    use crate::spec::Notify;

    fn spec() -> Spec {
        Spec::new(Package::new(Architecture::X86_64, |_| Ok(Vec::new())))
    }

    #[test]
    fn settings_that_differ_have_another_digest_and_recipients_do_not_count() {
        let usual = spec().digest();
        let mut other = spec();
        other.notify = Notify::emails(["ops@example.com"]);
        assert_eq!(other.digest(), usual);
        other.function.trusted_code = vec!["abc".to_owned()];
        assert_eq!(other.digest(), usual);
        other.settings.max_age_days = 60;
        let sixty = other.digest();
        assert_ne!(sixty, usual);
        other.function.memory_mb = 512;
        assert_ne!(other.digest(), sixty);
        // Nothing but the defaults: of no setting that a later version may add.
        assert_eq!(usual, "44136fa355b3678a");
    }
}
