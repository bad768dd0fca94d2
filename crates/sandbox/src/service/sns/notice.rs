//! A message that SNS accepted, and the text of it that each protocol gets.

use serde_json::Value;

/// A message as it was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) subject: Option<String>,
    /// The message, or with [`Self::structured`] the JSON object of one per protocol.
    pub(crate) message: String,
    pub(crate) structured: bool,
    /// `{name: {"Type", "Value"}}`.
    pub(crate) attributes: Value,
}

impl Notice {
    /// The text for a protocol.
    pub(crate) fn text_for(&self, protocol: &str) -> String {
        if !self.structured {
            return self.message.clone();
        }
        let texts: Value = serde_json::from_str(&self.message).unwrap_or_default();
        let text = texts[protocol].as_str().or_else(|| texts["default"].as_str());
        text.unwrap_or_default().to_owned()
    }
}
