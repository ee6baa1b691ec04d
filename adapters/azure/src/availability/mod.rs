//! How single resources do to the platform's eyes. Of each one that does not work a hidden name is kept; what is told is
//! which kinds of resources, in which regions.

mod book;
mod claim;
mod graph;
mod kept;
mod listed;

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{BlockState, ServiceClass};
use entente_sidecar::mapping::{Lookup, Mapping};
use serde::{Deserialize, Serialize};

use crate::signs;

pub(crate) use book::Book;
pub(crate) use claim::SYSTEM;
pub(crate) use graph::{ANNOTATIONS, AnnotationRow, STATES, StateRow, joined};
pub(crate) use kept::Way;
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
    Out(BlockState),
    /// Nobody can tell.
    Unknown,
}

/// Who or what brought it about that a resource does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Blame {
    /// The platform, as far as is known.
    #[default]
    Host,
    /// A disk of the platform.
    Disk,
    /// The system inside the machine.
    Guest,
    /// Somebody's will: no incident.
    Will,
}

/// How long before a state begins its reason may be told, and how long after.
const AROUND: (TimeDelta, TimeDelta) = (TimeDelta::minutes(15), TimeDelta::minutes(5));

/// Whether an annotation of then goes with a state that began at `since`, and not with one before or after.
fn goes_with(annotated: DateTime<Utc>, since: DateTime<Utc>) -> bool {
    let apart = annotated.signed_duration_since(since);
    -AROUND.0 <= apart && apart <= AROUND.1
}

impl Report {
    /// How the resource does; none where only what goes with a state is told.
    pub(crate) fn standing(&self, lookup: &mut Lookup<'_>) -> Option<Standing> {
        let word = self.state.as_deref()?;
        Some(match lookup.word("state", Some(word), "unknown").state {
            Some(BlockState::NotAffected) => Standing::Well,
            None | Some(BlockState::Unknown) => Standing::Unknown,
            Some(state) => Standing::Out(state),
        })
    }

    /// Who or what brought it about.
    pub(crate) fn blame(&self, lookup: &mut Lookup<'_>) -> Blame {
        let causes: Vec<_> =
            self.causes.iter().map(|cause| lookup.word("cause", Some(cause), "unplanned").state).collect();
        if signs::of_guest(&self.about) || self.causes.iter().any(|cause| signs::of_guest(cause)) {
            Blame::Guest
        } else if causes.contains(&Some(BlockState::Excluded)) || signs::of_wish(&self.about) {
            Blame::Will
        } else if signs::of_storage(&self.about) {
            Blame::Disk
        } else {
            Blame::Host
        }
    }

    /// The class of services that the resource is one of.
    pub(crate) fn class(&self, lookup: &mut Lookup<'_>) -> ServiceClass {
        lookup.class(&self.kind)
    }
}
