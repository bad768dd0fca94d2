//! A plan: what a run would change, worked out from observation alone.

use serde::Serialize;

use crate::{Address, Extra, FieldChange, NotChecked};

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there and will be.
    Create,
    /// It is there and differs.
    Update,
    /// It is there and will not be.
    Delete,
    /// It stays as it is.
    None,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To have everything as desired. `adopt`: take over what is under our names and carries no mark.
    Converge {
        /// Take over namesakes that are not ours.
        adopt: bool,
    },
    /// To have nothing left of ours.
    Destroy,
}

/// What a plan says of one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Which resource.
    pub address: Address,
    /// What the cloud calls it.
    pub name: String,
    /// What happens to it.
    pub action: Action,
    /// In which fields; empty where the action is `None`.
    pub fields: Vec<FieldChange>,
    /// What others put beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<Extra>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<NotChecked>,
    /// It is there without our mark: taken over by this plan, or left alone by a teardown, as the reason says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<String>,
    /// It is updated by being deleted and made again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
    /// The resource without which this one is nothing.
    #[serde(skip)]
    pub part_of: Option<Address>,
}

impl Change {
    /// It is somebody else's, and this is not the purpose for which it may be touched.
    pub(crate) fn is_left_alone(&self, purpose: Purpose) -> bool {
        self.foreign.is_some() && purpose != (Purpose::Converge { adopt: true })
    }

    /// What it is part of is left alone, so it is as well.
    pub(crate) fn leave_alone(&mut self) {
        if let Some(whole) = self.part_of {
            self.action = Action::None;
            self.fields.clear();
            self.foreign = Some(format!("it is part of {whole}, which is not ours"));
        }
    }
}

/// An object that stands under a name of ours without our mark and may not be touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Which resource.
    pub address: Address,
    /// What the cloud calls it.
    pub name: String,
    /// How we know that it is not ours.
    pub reason: String,
}

/// How many resources each action has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Resources to create.
    pub create: usize,
    /// Resources to update.
    pub update: usize,
    /// Resources to delete.
    pub delete: usize,
    /// Resources that stay.
    pub none: usize,
}

/// What a run would do, in the order of the stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What the plan is for.
    pub purpose: Purpose,
    /// One entry for each resource of the stack.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Nothing differs, and nothing stands in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| change.action == Action::None) && self.refused().is_empty()
    }

    /// How many resources each action has.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let count = |action| self.changes.iter().filter(|change| change.action == action).count();
        Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            delete: count(Action::Delete),
            none: count(Action::None),
        }
    }

    /// The foreign objects because of which a converging plan may not be carried out. A destroying plan passes
    /// foreign objects by and is refused for none.
    #[must_use]
    pub fn refused(&self) -> Vec<Refused> {
        if self.purpose != (Purpose::Converge { adopt: false }) {
            return Vec::new();
        }
        let foreign = |address| self.change(address).is_some_and(|change| change.foreign.is_some());
        self.changes
            .iter()
            .filter(|change| !change.part_of.is_some_and(foreign))
            .filter_map(|change| {
                change.foreign.as_ref().map(|reason| Refused {
                    address: change.address,
                    name: change.name.clone(),
                    reason: reason.clone(),
                })
            })
            .collect()
    }

    /// Other people's additions that keep our own objects from being deleted.
    #[must_use]
    pub fn blockers(&self) -> Vec<(Address, &Extra)> {
        self.changes
            .iter()
            .filter(|change| change.foreign.is_none())
            .flat_map(|change| change.extras.iter().map(move |extra| (change.address, extra)))
            .filter(|(_, extra)| extra.blocks_deletion)
            .collect()
    }

    /// What was found beside the objects.
    pub fn extras(&self) -> impl Iterator<Item = (Address, &Extra)> {
        self.changes.iter().flat_map(|change| change.extras.iter().map(move |extra| (change.address, extra)))
    }

    /// What others added that gives access or takes notices out, and that nobody allowed.
    #[must_use]
    pub fn concerns(&self) -> Vec<(Address, &Extra)> {
        self.extras().filter(|(_, extra)| extra.is_concern()).collect()
    }

    /// What could not be looked at.
    pub fn not_checked(&self) -> impl Iterator<Item = (Address, &NotChecked)> {
        self.changes.iter().flat_map(|change| change.not_checked.iter().map(move |one| (change.address, one)))
    }

    /// The change of one resource.
    #[must_use]
    pub fn change(&self, address: Address) -> Option<&Change> {
        self.changes.iter().find(|change| change.address == address)
    }
}
