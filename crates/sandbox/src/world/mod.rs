//! The state of the emulated account: plain data with public fields, so that a test can break anything.
//!
//! It knows nothing of HTTP. Operations under `service/` are the only code that changes it on a client's behalf.

mod email;
mod iam;
mod lambda;
mod organization;
mod others;
mod sns;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub use email::{AlternateContact, Email, EmailIdentity, Ses};
pub use iam::{AccessKey, Credential, Group, Iam, LastUsed, Policy, PolicyVersion, Role, User};
pub use lambda::{Function, InvokeSettings, Plant};
pub(crate) use organization::trust_in;
pub use organization::{Member, Organization, Unit};
pub use others::{LogEvent, LogGroup, LogStream, Message, Queue, Rule, Target};
pub use sns::{Delivery, Mail, MailKind, Subscription, Topic};

use crate::names::Ids;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Everything in the account.
#[derive(Clone, Debug)]
pub struct World {
    /// The account's twelve digits.
    pub account: String,
    /// The partition in every ARN.
    pub partition: String,
    /// Users, roles and policies: the same in every region.
    pub iam: Iam,
    /// What each region holds, by the region's name.
    pub regions: BTreeMap<String, Region>,
    /// Every e-mail that was sent, oldest first.
    pub outbox: Vec<Mail>,
    /// Every message delivered otherwise than by e-mail, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Every email that SES accepted, oldest first.
    pub emails: Vec<Email>,
    /// The alternate contacts, by type: `BILLING`, `OPERATIONS`, `SECURITY`.
    pub contacts: BTreeMap<String, AlternateContact>,
    /// The temporary credentials that were given out, by access key id.
    pub sessions: BTreeMap<String, Session>,
    /// The policy that the deployer's calls are checked against; none allows everything.
    pub deployer: Option<Value>,
    /// The organization that the account is in, if any.
    pub organization: Option<Organization>,
    /// The other accounts, by their ids. Only the account itself has credentials from the start, an organization and other
    /// accounts; in the others, one acts by assuming a role.
    pub others: BTreeMap<String, World>,
    pub(crate) ids: Ids,
}

/// What one region holds.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// SNS topics by name.
    pub topics: BTreeMap<String, Topic>,
    /// SNS subscriptions, oldest first.
    pub subscriptions: Vec<Subscription>,
    /// Lambda functions by name.
    pub functions: BTreeMap<String, Function>,
    /// EventBridge rules of the default bus by name.
    pub rules: BTreeMap<String, Rule>,
    /// Log groups by name.
    pub log_groups: BTreeMap<String, LogGroup>,
    /// SQS queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// SES: its identities and its state.
    pub ses: Ses,
}

/// Temporary credentials of a role.
#[derive(Clone, Debug)]
pub struct Session {
    /// The account that the role is in.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// The role's id when the credentials were made: they die with the role.
    pub role_id: String,
    /// The session's name: Lambda takes the function's.
    pub name: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub token: String,
    /// When they expire, if that is before their holder's end.
    pub expires: Option<Timestamp>,
    /// The session policy: what the role's own policies allow, and this does not, is not allowed.
    pub policy: Option<Value>,
    /// Whether a function holds them, or assumed the role.
    pub of_function: bool,
}

impl World {
    pub(crate) fn new(account: &str, partition: &str, ids: Ids) -> Self {
        Self {
            account: account.into(),
            partition: partition.into(),
            iam: Iam::with_aws_managed(partition),
            regions: BTreeMap::new(),
            outbox: Vec::new(),
            deliveries: Vec::new(),
            emails: Vec::new(),
            contacts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            deployer: None,
            organization: None,
            others: BTreeMap::new(),
            ids,
        }
    }

    /// Makes an access key id and credentials of a role, as a function holds them: for as long as it runs.
    pub(crate) fn new_session(&mut self, account: &str, role: &str, role_id: &str, name: &str) -> (String, Session) {
        let key = self.ids.secret_key_id("ASIA");
        let session = Session {
            account: account.to_owned(),
            role: role.to_owned(),
            role_id: role_id.to_owned(),
            name: name.to_owned(),
            secret_access_key: self.ids.secret(),
            token: self.ids.token(128),
            expires: None,
            policy: None,
            of_function: true,
        };
        (key, session)
    }

    /// Puts a role in place, past every check, and gives it for changes.
    pub fn add_role(&mut self, path: &str, name: &str, trust: &str, now: Timestamp) -> &mut Role {
        let role = Role {
            arn: self.arn("iam", "", &format!("role{path}{name}")),
            id: self.ids.iam("AROA"),
            name: name.to_owned(),
            path: path.to_owned(),
            description: String::new(),
            trust: trust.to_owned(),
            max_session: 3600,
            boundary: None,
            tags: Tags::new(),
            inline: BTreeMap::new(),
            attached: Vec::new(),
            created: now,
        };
        self.iam.roles.remove(name);
        self.iam.roles.entry(name.to_owned()).or_insert(role)
    }

    /// What the region of that name holds; an empty one where nothing was made there yet.
    pub fn region(&mut self, name: &str) -> &mut Region {
        self.regions.entry(name.into()).or_default()
    }

    /// The ARN of something in a region of this account; IAM's take an empty region.
    #[must_use]
    pub fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{resource}", self.partition, self.account)
    }

    /// What time alone does: subscriptions that were never confirmed go after 48 hours.
    pub(crate) fn age(&mut self, now: Timestamp) {
        for region in self.regions.values_mut() {
            region.subscriptions.retain(|subscription| !subscription.has_lapsed(now));
        }
    }
}
