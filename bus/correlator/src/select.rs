//! Which incidents a view lists, and in which order. Figures over everything never follow from what is listed.

use entente_schemas::block::ServiceClass;
use entente_schemas::family::Family;

/// Which incidents are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// How many at most.
    pub limit: usize,
    /// Only open or only closed ones.
    pub state: Option<StateFilter>,
    /// Only those about this provider: one that speaks, or that a block names.
    pub provider: Option<String>,
    /// Only those with a block of this class.
    pub class: Option<ServiceClass>,
    /// Only those with an open disagreement, or something overdue.
    pub with: Option<With>,
    /// Only those in which this organisation has a lane.
    pub lane: Option<String>,
    /// In which order.
    pub sort: Sort,
}

impl Select {
    /// The greatest number of incidents that one answer lists.
    pub const MOST: usize = 200;
}

impl Default for Select {
    fn default() -> Self {
        Self {
            limit: Self::MOST,
            state: None,
            provider: None,
            class: None,
            with: None,
            lane: None,
            sort: Sort::default(),
        }
    }
}

/// Open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    /// At least one lane is open.
    Open,
    /// No lane is.
    Closed,
}

/// What an incident must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// An open disagreement.
    Disagreement,
    /// A promise that is past.
    Overdue,
}

/// The order of a list. Open ones stand first in every order but that of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The worst first, then disagreement, then the last change.
    #[default]
    Severity,
    /// The last change first.
    Changed,
    /// The latest start first.
    Started,
    /// By name.
    Name,
}

/// Which records a list of events holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of this object.
    pub object: Option<String>,
    /// Only this speaker's.
    pub speaker: Option<String>,
    /// Only those of this family.
    pub family: Option<Family>,
}
