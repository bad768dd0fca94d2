//! Keys that may stay old for now.
//!
//! Owns who is excused, until when and why, whether the configuration or a tag on the user says so.
//! It must not know limits: an exemption turns `old` and `due` into `exempt`, and nothing else.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize};

use crate::glob::Glob;

/// An exemption in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// A user name, with `*` and `?` as wildcards.
    pub user: String,
    /// Only this key of that user; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The last day on which it holds, in UTC.
    #[serde(deserialize_with = "date")]
    pub until: Date,
    /// Why, for the people who read notices and reports.
    pub reason: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

impl Exemption {
    /// The reason, and who approved it if that is known.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.approved_by {
            Some(name) => format!("{} (approved by {name})", self.reason),
            None => self.reason.clone(),
        }
    }

    /// Whether it is about that key of that user.
    #[must_use]
    pub fn covers(&self, user: &str, key: &str) -> bool {
        Glob::new(&self.user).matches(user) && self.access_key_id.as_deref().is_none_or(|id| id == key)
    }

    /// Whether it still holds.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ExemptionState {
        if now.to_zoned(TimeZone::UTC).date() <= self.until { ExemptionState::Active } else { ExemptionState::Expired }
    }

    /// The first moment at which it no longer holds; `None` where that is beyond the end of time.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        TimeZone::UTC.to_timestamp(self.until.tomorrow().ok()?.into()).ok()
    }

    /// Reads the value of the tag `keyminder:exempt` of a user: `until=2027-03-31`; then, if it is known,
    /// `approved_by=NAME`; then the reason. Between them is a space or one of `; / : ,`.
    ///
    /// IAM refuses a semicolon in a tag's value ("Rules for tagging in IAM"), though other writers of
    /// the tag may show it so; a space does as well.
    ///
    /// # Errors
    /// What is wrong with the value, in words.
    pub fn from_tag(user: &str, value: &str) -> Result<Self, String> {
        let form = "write until=2027-03-31 and then the reason";
        let rest = value
            .trim_start()
            .strip_prefix("until=")
            .ok_or_else(|| format!("it does not begin with until=: {form}"))?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        let (date, rest) = rest.split_at(end);
        let until = date.parse().map_err(|_| format!("{date:?} is not a date: {form}"))?;
        let between = [' ', ';', '/', ':', ','];
        let rest = rest.trim_start_matches(between);
        let (approved_by, rest) = match rest.strip_prefix("approved_by=") {
            Some(named) => {
                let end = named.find([' ', ';', ',']).unwrap_or(named.len());
                let (name, rest) = named.split_at(end);
                (Some(name).filter(|name| !name.is_empty()), rest.trim_start_matches(between))
            }
            None => (None, rest),
        };
        let reason = rest.strip_prefix("reason=").unwrap_or(rest).trim();
        if reason.is_empty() {
            return Err(format!("it gives no reason: {form}"));
        }
        let approved_by = approved_by.map(str::to_owned);
        Ok(Self { user: user.to_owned(), access_key_id: None, until, reason: reason.to_owned(), approved_by })
    }
}

/// Where an exemption comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExemptionSource {
    /// The settings.
    Configuration,
    /// A tag on the user.
    Tag,
}

/// Whether an exemption holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExemptionState {
    /// It holds.
    Active,
    /// Its last day is over; what it covered is reported again.
    Expired,
}

/// An exemption as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExemptionRecord {
    /// Who says so.
    pub source: ExemptionSource,
    /// Whether it holds.
    pub state: ExemptionState,
    /// What it says.
    #[serde(flatten)]
    pub exemption: Exemption,
    /// The keys that are over the limit, or near it, and that it is about, as user and key id.
    pub keys: Vec<(String, String)>,
}

/// A date, also as TOML writes it without quotes.
fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    struct Written;

    impl<'de> serde::de::Visitor<'de> for Written {
        type Value = Date;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a date such as \"2027-03-31\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
            text.parse().map_err(|_| {
                E::custom(format_args!("{text:?} is not a date: give the last day, such as \"2027-03-31\""))
            })
        }

        // The `toml` crate hands an unquoted date over as a map of one entry.
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Date, A::Error> {
            match map.next_entry::<String, String>()? {
                Some((_, text)) => self.visit_str(&text),
                None => Err(serde::de::Error::custom("expected a date such as \"2027-03-31\"")),
            }
        }
    }

    from.deserialize_any(Written)
}
