//! The services: a table of operations each, and what all operations are given. One file or folder per service.

pub(crate) mod account;
pub(crate) mod events;
pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod logs;
pub(crate) mod organizations;
pub(crate) mod passing;
pub(crate) mod ses;
pub(crate) mod sns;
pub(crate) mod sqs;
pub(crate) mod sts;

use std::time::Duration;

use jiff::Timestamp;

use crate::calls::Caller;
use crate::clock::later;
use crate::execution::{Invocation, Order};
use crate::options::Options;
use crate::permission::Need;
use crate::protocol::{Answer, Input, Service};
use crate::world::{Region, World};

/// What an operation works on.
pub(crate) struct Request<'a> {
    /// The account that the caller is in.
    pub(crate) world: &'a mut World,
    /// The account that holds the organization and the others, where the caller is in another one.
    pub(crate) elsewhere: Option<&'a mut World>,
    pub(crate) input: &'a Input,
    /// The operation's name.
    pub(crate) operation: &'static str,
    pub(crate) region: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
    pub(crate) options: &'a Options,
    /// The sandbox's own address, for links.
    pub(crate) endpoint: &'a str,
    /// Whether an operation on several entries is to fail each of them.
    pub(crate) fail_entries: bool,
    /// What is to happen once the world is let go.
    pub(crate) effects: &'a mut Effects,
}

/// What an operation sets going.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// A function to run while the client waits.
    pub(crate) order: Option<Order>,
    /// Functions to run later.
    pub(crate) invocations: Vec<Invocation>,
}

impl Request<'_> {
    /// The account that holds the organization and the other accounts. The caller's own is none of those meanwhile.
    pub(crate) fn home(&self) -> &World {
        self.elsewhere.as_deref().unwrap_or(self.world)
    }

    /// An account that exists and is not suspended or closed.
    pub(crate) fn open_account(&self, id: &str) -> Option<&World> {
        let home = self.home();
        let own = Some(&*self.world).filter(|world| world.account == id);
        let account = own.or(Some(home).filter(|home| home.account == id)).or_else(|| home.others.get(id))?;
        home.is_active(id).then_some(account)
    }

    pub(crate) fn home_mut(&mut self) -> &mut World {
        self.elsewhere.as_deref_mut().unwrap_or(self.world)
    }

    /// What this request's region holds.
    pub(crate) fn here(&mut self) -> &mut Region {
        self.world.region(self.region)
    }

    /// Whether reads see an object of that age already.
    pub(crate) fn sees(&self, created: Timestamp) -> bool {
        self.is_past(created, self.options.list_lag)
    }

    pub(crate) fn is_past(&self, since: Timestamp, delay: Duration) -> bool {
        delay.is_zero() || later(since, delay) <= self.now
    }

    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        self.world.arn(service, self.region, resource)
    }
}

/// What a resource's ARN is worked out from.
pub(crate) struct Site<'a> {
    pub(crate) world: &'a World,
    pub(crate) input: &'a Input,
    pub(crate) region: &'a str,
}

impl Site<'_> {
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        self.world.arn(service, self.region, resource)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.input.text(name).unwrap_or_default()
    }
}

/// The forms of the ARN that an operation's IAM action is checked against.
pub(crate) type Resource = fn(&Site<'_>) -> Vec<String>;

/// For actions that IAM does not scope to a resource.
pub(crate) fn anything(_: &Site<'_>) -> Vec<String> {
    vec!["*".into()]
}

/// One row of a service's table.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) write: bool,
    /// The IAM action where it is not simply the service and the operation.
    action: Option<&'static str>,
    /// The HTTP status of success.
    pub(crate) status: u16,
    resource: Resource,
    pub(crate) run: fn(&mut Request<'_>) -> Answer,
}

pub(crate) const fn read(name: &'static str, resource: Resource, run: fn(&mut Request<'_>) -> Answer) -> Operation {
    Operation { name, write: false, action: None, status: 200, resource, run }
}

pub(crate) const fn write(name: &'static str, resource: Resource, run: fn(&mut Request<'_>) -> Answer) -> Operation {
    Operation { name, write: true, action: None, status: 200, resource, run }
}

impl Operation {
    pub(crate) const fn action(mut self, action: &'static str) -> Self {
        self.action = Some(action);
        self
    }

    pub(crate) const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// What the caller must be allowed to do.
    pub(crate) fn needs(&self, service: Service, site: &Site<'_>) -> Vec<Need> {
        let action = self.action.map_or_else(|| format!("{}:{}", service.name(), self.name), str::to_owned);
        let resources = (self.resource)(site);
        let mut needs = vec![Need::on(action, resources.clone())];
        if (service, self.name) == (Service::Ses, "SendEmail") {
            needs[0].conditions = ses::conditions(site);
            needs.extend(ses::further_needs(site, &needs[0]));
        }
        if service == Service::Account {
            needs[0].conditions = account::conditions(site);
        }
        if site.input.has("Tags") && !site.input.tags("Tags").is_empty() || !site.input.tags("tags").is_empty() {
            let action = match (service, self.name) {
                (Service::Iam, "CreateRole") => Some("iam:TagRole"),
                (Service::Iam, "CreatePolicy") => Some("iam:TagPolicy"),
                (Service::Iam, "CreateUser") => Some("iam:TagUser"),
                (Service::Sns, "CreateTopic") => Some("sns:TagResource"),
                (Service::Lambda, "CreateFunction") => Some("lambda:TagResource"),
                (Service::Events, "PutRule") => Some("events:TagResource"),
                (Service::Logs, "CreateLogGroup") => Some("logs:TagResource"),
                (Service::Sqs, "CreateQueue") => Some("sqs:TagQueue"),
                _ => None,
            };
            needs.extend(action.map(|action| Need::on(action, resources)));
        }
        let passed = match (service, self.name) {
            (Service::Lambda, "CreateFunction" | "UpdateFunctionConfiguration") => site.input.text("Role"),
            (Service::Events, "PutRule") => site.input.text("RoleArn"),
            _ => None,
        };
        needs.extend(passed.filter(|role| !role.is_empty()).map(|role| Need::new("iam:PassRole", role)));
        needs
    }
}

/// The operations of a service.
pub(crate) fn operations(service: Service) -> &'static [&'static [Operation]] {
    match service {
        Service::Account => &[account::OPERATIONS],
        Service::Iam => iam::OPERATIONS,
        Service::Sts => &[sts::OPERATIONS],
        Service::Sns => sns::OPERATIONS,
        Service::Lambda => lambda::OPERATIONS,
        Service::Events => &[events::OPERATIONS],
        Service::Logs => &[logs::GROUPS, logs::streams::OPERATIONS],
        Service::Organizations => &[organizations::OPERATIONS],
        Service::Ses => &[ses::OPERATIONS],
        Service::Sqs => &[sqs::OPERATIONS],
    }
}

/// The operation of that name.
pub(crate) fn operation(service: Service, name: &str) -> Option<&'static Operation> {
    operations(service).iter().flat_map(|table| table.iter()).find(|operation| operation.name == name)
}
