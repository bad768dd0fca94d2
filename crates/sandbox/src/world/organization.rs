//! AWS Organizations' state: accounts, units, who administers them, and service control policies. Knows nothing of
//! requests, nor of what the accounts hold: each account has a [`World`] of its own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Tags, World};

/// An organization.
#[derive(Clone, Debug)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The id of the management account.
    pub management_account: String,
    /// The id of the root, `r-…`.
    pub root: String,
    /// Units by id, `ou-…`.
    pub units: BTreeMap<String, Unit>,
    /// Accounts by id, the management account among them.
    pub accounts: BTreeMap<String, Member>,
    /// The accounts that administer a service for the organization, and the service principals.
    pub delegated: BTreeMap<String, BTreeSet<String>>,
    /// The service principals with trusted access.
    pub trusted_services: BTreeSet<String>,
    /// Service control policies: what they are attached to (an account, a unit, the root) and their documents. The policy
    /// that allows everything is attached everywhere, so these need only deny.
    pub control_policies: Vec<(String, Value)>,
    /// Whether each listing begins with a page that is empty and still names a next one.
    pub empty_pages: bool,
    /// Whether accounts have a `Status` and no `State`, as they had before 2026.
    pub status_only: bool,
}

/// An account as Organizations knows it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its root user's e-mail address.
    pub email: String,
    /// `PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    pub state: String,
    /// When it joined.
    pub joined: Timestamp,
    /// The unit or the root that it is in.
    pub parent: String,
    /// Its tags.
    pub tags: Tags,
}

/// An organizational unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// The unit or the root that it is in.
    pub parent: String,
}

/// A trust policy that lets one principal assume the role.
pub(crate) fn trust_in(principal: &str) -> String {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

impl Organization {
    /// The account, the units that it is in, and the root.
    fn line_of(&self, account: &str) -> Vec<&str> {
        let Some((id, member)) = self.accounts.get_key_value(account) else {
            return Vec::new();
        };
        let mut line = vec![id.as_str(), member.parent.as_str()];
        let mut place = member.parent.as_str();
        while let Some(unit) = self.units.get(place) {
            place = &unit.parent;
            line.push(place);
        }
        line
    }

    /// The service control policies that hold for an account. None holds for the management account.
    pub(crate) fn policies_of(&self, account: &str) -> Vec<&Value> {
        if account == self.management_account {
            return Vec::new();
        }
        let line = self.line_of(account);
        let hold = self.control_policies.iter().filter(|(target, _)| line.contains(&target.as_str()));
        hold.map(|(_, document)| document).collect()
    }

    /// Whether calls about the organization are answered to this account.
    pub(crate) fn is_administered_by(&self, account: &str) -> bool {
        account == self.management_account || self.delegated.contains_key(account)
    }
}

impl World {
    /// Makes this account the management account of a new organization, if it is in none.
    pub fn found_organization(&mut self, now: Timestamp) -> &mut Organization {
        let (account, ids) = (self.account.clone(), &mut self.ids);
        self.organization.get_or_insert_with(|| {
            let digits = ids.hex(10);
            let root = format!("r-{}", &digits[..4]);
            let member = Member {
                name: "management".into(),
                email: "aws+management@example.com".into(),
                state: "ACTIVE".into(),
                joined: now,
                parent: root.clone(),
                tags: Tags::new(),
            };
            Organization {
                id: format!("o-{digits}"),
                management_account: account.clone(),
                root,
                units: BTreeMap::new(),
                accounts: BTreeMap::from([(account, member)]),
                delegated: BTreeMap::new(),
                trusted_services: BTreeSet::new(),
                control_policies: Vec::new(),
                empty_pages: false,
                status_only: false,
            }
        })
    }

    /// Adds a unit to the organization, in another unit or (for an empty `parent`) in the root, and gives its id.
    pub fn add_unit(&mut self, name: &str, parent: &str) -> String {
        let digits = self.ids.hex(8);
        let Some(organization) = &mut self.organization else {
            return String::new();
        };
        let root = organization.root.clone();
        let id = format!("ou-{}-{digits}", root.trim_start_matches("r-"));
        let parent = if parent.is_empty() { root } else { parent.to_owned() };
        organization.units.insert(id.clone(), Unit { name: name.to_owned(), parent });
        id
    }

    /// Has an account join the organization, which is founded if need be; gives the account for changes. With a new
    /// account comes the role `OrganizationAccountAccessRole`, which trusts the management account.
    pub fn join(&mut self, account: &str, name: &str, now: Timestamp) -> &mut World {
        let partition = self.partition.clone();
        let organization = self.found_organization(now);
        let member = Member {
            name: name.to_owned(),
            email: format!("aws+{name}@example.com"),
            state: "ACTIVE".into(),
            joined: now,
            parent: organization.root.clone(),
            tags: Tags::new(),
        };
        organization.accounts.insert(account.to_owned(), member);
        let trust = trust_in(&format!("arn:{partition}:iam::{}:root", organization.management_account));
        let administrator = format!("arn:{partition}:iam::aws:policy/AdministratorAccess");
        let Self { ids, others, .. } = self;
        others.entry(account.to_owned()).or_insert_with(|| {
            let mut world = World::new(account, &partition, ids.for_account(account));
            world.add_role("/", "OrganizationAccountAccessRole", &trust, now).attached.push(administrator);
            world
        })
    }

    /// Has an account leave the organization. It goes on as an account of its own.
    pub fn leave(&mut self, account: &str) {
        if let Some(organization) = &mut self.organization {
            organization.accounts.remove(account);
            organization.delegated.remove(account);
        }
    }

    /// How Organizations knows an account, for changes: its state, its unit, its tags.
    pub fn member(&mut self, account: &str) -> Option<&mut Member> {
        self.organization.as_mut()?.accounts.get_mut(account)
    }

    /// An account: this one or another one of the same sandbox.
    pub fn account(&mut self, id: &str) -> Option<&mut World> {
        if self.account == id { Some(self) } else { self.others.get_mut(id) }
    }

    /// The same to be looked at only.
    pub(crate) fn of(&self, account: &str) -> &World {
        self.others.get(account).unwrap_or(self)
    }

    /// Whether an account is not suspended or closed, as far as Organizations knows it.
    pub(crate) fn is_active(&self, account: &str) -> bool {
        let member = self.organization.as_ref().and_then(|organization| organization.accounts.get(account));
        member.is_none_or(|member| member.state == "ACTIVE")
    }

    /// The id of the organization that an account is in.
    pub(crate) fn organization_of(&self, account: &str) -> Option<&str> {
        let organization = self.organization.as_ref()?;
        organization.accounts.contains_key(account).then_some(&organization.id)
    }
}
