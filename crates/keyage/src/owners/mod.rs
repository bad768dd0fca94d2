//! The `[owners]` table: emails to the people who own the keys.
//!
//! Owns the settings with their bounds. Who owns a key is in [`sort`], what an address is in [`address`], and the words of
//! an email in [`crate::notice::owner`].

use serde::{Deserialize, Serialize};

use crate::settings::{Problem, Settings, words};

pub mod address;
pub mod sort;

pub use address::Address;
pub use sort::{Contact, Contacts, KeyId, Letter, NoOwner, Ownerless, Sorted};

/// More domains than this would not fit into the function's environment and its policy.
const MOST_DOMAINS: usize = 20;

/// Whether the owners of keys are emailed, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Owners {
    /// The sender: an address that a verified SES identity of the account and region covers. `None`: owners are not
    /// emailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The domains of owners' addresses. Nobody outside of them is ever emailed, whatever a tag says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The user tag that names the owner of a user's keys. The same setting as `check.owner_tag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Who gets the email about keys without an owner.
    pub fallback: Fallback,
    /// The SES configuration set that emails are sent with: needed if the sender's identity has a default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_set: Option<String>,
}

words! {
    /// Who gets the email about keys without an owner.
    pub enum Fallback {
        /// Nobody: the digest lists these keys.
        #[default]
        None = "none",
        /// The security contact of the account.
        Account = "account",
    }
}

impl Owners {
    /// Whether owners are emailed.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.from.is_some()
    }

    /// The domains as they are compared: in lower case, each once, in order.
    #[must_use]
    pub fn domains(&self) -> Vec<String> {
        let mut domains: Vec<String> = self.domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    /// Whether an address is in one of the domains. A subdomain is another domain.
    #[must_use]
    pub fn includes(&self, address: &Address) -> bool {
        self.domains.iter().any(|domain| domain.eq_ignore_ascii_case(address.domain()))
    }

    /// The settings of the check with the tag that is set here, if one is.
    #[must_use]
    pub fn with_tag(&self, settings: Settings) -> Settings {
        match &self.tag {
            Some(tag) => Settings { owner_tag: tag.clone(), ..settings },
            None => settings,
        }
    }

    /// Everything that is wrong with them; paths begin with `owners`. `settings` are those of the check.
    #[must_use]
    pub fn problems(&self, settings: &Settings) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |path: String, message: String| problems.push(Problem { path, message });
        if let Some(from) = &self.from
            && let Err(reason) = Address::parse(from)
        {
            let example = "use a plain address without a name, such as iam-keys@example.com";
            add("owners.from".to_owned(), format!("{from:?} cannot be the sender: {reason}; {example}"));
        }
        for (index, domain) in self.domains.iter().enumerate() {
            if let Some(reason) = address::domain_problem(domain) {
                let message = format!("{domain:?} is not a domain: {reason}; use a name such as example.com");
                add(format!("owners.domains[{index}]"), message);
            }
        }
        if self.domains.len() > MOST_DOMAINS {
            let message = format!("there are {} domains, and at most {MOST_DOMAINS} fit", self.domains.len());
            add("owners.domains".to_owned(), message);
        }
        if let Some(tag) = &self.tag
            && (tag.is_empty() || tag.chars().count() > 128)
        {
            let message = "it is empty or longer than 128 characters: use the key of a user tag, such as \"owner\"";
            add("owners.tag".to_owned(), message.to_owned());
        }
        match (&self.from, self.domains.is_empty()) {
            (Some(_), true) => add(
                "owners.domains".to_owned(),
                "it is missing: list the domains that owners' addresses are in, such as [\"example.com\"]; nobody \
                 outside of them is emailed"
                    .to_owned(),
            ),
            (None, no_domains)
                if !no_domains || self.fallback != Fallback::None || self.configuration_set.is_some() =>
            {
                add(
                    "owners.from".to_owned(),
                    "it is missing, so no owner would be emailed: set it to an address that you have verified in SES"
                        .to_owned(),
                )
            }
            _ => {}
        }
        if let Some(tag) = &self.tag
            && settings.owner_tag != *tag
            && settings.owner_tag != Settings::default().owner_tag
        {
            let message = format!(
                "check.owner_tag is {:?}, which is the same setting: remove one of the two",
                settings.owner_tag
            );
            add("owners.tag".to_owned(), message);
        }
        if let Some(set) = &self.configuration_set {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if !(1..=64).contains(&set.len()) || !set.bytes().all(is_allowed) {
                let message = format!(
                    "{set:?} is not the name of an SES configuration set: it has up to 64 letters, digits, hyphens and \
                     underscores"
                );
                add("owners.configuration_set".to_owned(), message);
            }
        }
        if self.is_configured() && !settings.read_user_tags && self.fallback == Fallback::None {
            add(
                "owners.from".to_owned(),
                "owners are named in users' tags, but check.read_user_tags is false: set it to true, or set \
                 owners.fallback = \"account\""
                    .to_owned(),
            );
        }
        problems
    }
}

/// The variables of the function that hold these settings.
const FROM: &str = "OWNERS_FROM";
const DOMAINS: &str = "OWNERS_DOMAINS";
const FALLBACK: &str = "OWNERS_FALLBACK";
const CONFIGURATION_SET: &str = "OWNERS_CONFIGURATION_SET";

impl Owners {
    /// Writes the settings as environment variables: none if owners are not emailed. The tag is a setting of the check.
    pub(crate) fn to_environment(&self) -> Vec<(&'static str, String)> {
        let Some(from) = &self.from else { return Vec::new() };
        let mut variables = vec![(FROM, from.clone()), (DOMAINS, self.domains().join(","))];
        if self.fallback != Fallback::default() {
            variables.push((FALLBACK, self.fallback.as_str().to_owned()));
        }
        variables.extend(self.configuration_set.clone().map(|set| (CONFIGURATION_SET, set)));
        variables
    }

    /// Reads the settings back.
    ///
    /// # Errors
    /// The first variable that cannot be used, and why.
    pub(crate) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
        settings: &Settings,
    ) -> Result<Self, (&'static str, String)> {
        let domains = variable(DOMAINS).map(|text| crate::settings::variable::read(&text)).transpose();
        let fallback = variable(FALLBACK).map(|text| crate::settings::variable::read(&text)).transpose();
        let owners = Self {
            from: variable(FROM),
            domains: domains.map_err(|message| (DOMAINS, message))?.unwrap_or_default(),
            tag: None,
            fallback: fallback.map_err(|message| (FALLBACK, message))?.unwrap_or_default(),
            configuration_set: variable(CONFIGURATION_SET),
        };
        let Some(problem) = owners.problems(settings).into_iter().next() else { return Ok(owners) };
        let of = |setting: &str| problem.path.starts_with(&format!("owners.{setting}"));
        let name = [("domains", DOMAINS), ("fallback", FALLBACK), ("configuration_set", CONFIGURATION_SET)];
        let name = name.into_iter().find(|(setting, _)| of(setting)).map_or(FROM, |(_, name)| name);
        Err((name, problem.message))
    }
}
