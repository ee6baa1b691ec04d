//! How single resources do to the platform's eyes. Of each one that does not work a hidden name is kept; what is told is
//! which kinds of resources, in which regions.

mod book;
mod claim;
mod graph;
mod listed;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, ServiceClass};
use entente_sidecar::mapping::{Lookup, Mapping};

use crate::signs;

pub(crate) use book::{Book, Way};
pub(crate) use claim::SYSTEM;
pub(crate) use graph::{ANNOTATIONS, AnnotationRow, STATES, StateRow, joined};
pub(crate) use listed::{notification, region, status};

static WORDS: LazyLock<Mapping> = LazyLock::new(|| Mapping::compiled_in(include_str!("../../resource-health.toml")));

/// The table that availability is read by.
pub(crate) fn words() -> &'static Mapping {
    &WORDS
}

/// What is said of one resource.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its id; it goes no further than to the book, which hides it.
    pub(crate) resource: String,
    /// Its type, in lower case.
    pub(crate) kind: String,
    /// Its region's code; empty where it is not stated.
    pub(crate) region: String,
    /// The state, in Azure's word; none where only what goes with it is told.
    pub(crate) state: Option<String>,
    /// Who or what brought it about, in Azure's words.
    pub(crate) causes: Vec<String>,
    /// What Azure says of it.
    pub(crate) about: String,
    /// Since when.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// The id must not stand in a log line either.
impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("kind", &self.kind).field("state", &self.state).finish_non_exhaustive()
    }
}

/// How a resource does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Available to the platform; its guest is another matter.
    Well,
    /// Not, or not as it should be.
    Out {
        /// How badly.
        state: BlockState,
        /// Whether a disk is to blame.
        storage: bool,
    },
    /// By somebody's will: no incident.
    Excluded,
    /// Nobody can tell.
    Unknown,
}

impl Report {
    /// What the report comes to.
    pub(crate) fn standing(&self, lookup: &mut Lookup<'_>) -> Standing {
        let state = lookup.word("state", self.state.as_deref(), "unknown").state;
        let causes: Vec<_> =
            self.causes.iter().map(|cause| lookup.word("cause", Some(cause), "unplanned").state).collect();
        let willed = causes.contains(&Some(BlockState::Excluded));
        match state.unwrap_or(BlockState::Unknown) {
            BlockState::NotAffected => Standing::Well,
            BlockState::Unknown if self.state.is_some() || !willed => Standing::Unknown,
            _ if willed => Standing::Excluded,
            state => Standing::Out { state, storage: signs::of_storage(&self.about) },
        }
    }

    /// The class of services that the resource is one of.
    pub(crate) fn class(&self, lookup: &mut Lookup<'_>) -> ServiceClass {
        lookup.class(&self.kind)
    }
}
