//! An event as both lists of Personalized Service Health show it, that of a project and that of an organisation; the two
//! differ in their types, in the relevance that only a project's has, and in nothing else.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use google_cloud_servicehealth_v1::model::{Event, EventImpact, EventUpdate, OrganizationEvent};

use super::relevance::Projects;

/// An event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The last part of its name, which holds no project and no organisation.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) category: Option<String>,
    pub(super) detailed_category: Option<String>,
    pub(super) state: Option<String>,
    pub(super) detailed_state: Option<String>,
    /// Product and location.
    pub(super) impacts: BTreeSet<(String, String)>,
    pub(super) updates: Vec<Update>,
    /// The last part of the name of the event that it was merged into.
    pub(super) parent: Option<String>,
    pub(super) updated: Option<Instant>,
    pub(super) start: Option<Instant>,
    pub(super) end: Option<Instant>,
    pub(super) next_update: Option<Instant>,
    /// How many projects it concerns, and how.
    pub(super) projects: Projects,
}

/// One statement of an event.
#[derive(Clone, Debug, Default)]
pub(super) struct Update {
    pub(super) when: Option<Instant>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) symptom: String,
    pub(super) workaround: String,
}

/// A time as the service's own type holds it; nothing if it is outside the calendar.
pub(super) type Instant = Option<DateTime<Utc>>;

/// The time of a member.
macro_rules! instant {
    ($time:expr) => {
        $time.as_ref().map(|time| DateTime::from_timestamp(time.seconds(), time.nanos().unsigned_abs()))
    };
}

/// The word of an enum: its name, or the number that stands for a name which this client does not know.
macro_rules! word {
    ($word:expr) => {
        spoken($word.name(), $word.value())
    };
}

/// What both kinds of events have in common.
macro_rules! told {
    ($event:expr, $projects:expr) => {
        Told {
            id: last_part(&$event.name),
            category: word!($event.category),
            detailed_category: word!($event.detailed_category),
            state: word!($event.state),
            detailed_state: word!($event.detailed_state),
            impacts: $event.event_impacts.into_iter().map(pair).collect(),
            updates: $event.updates.into_iter().map(Update::from).collect(),
            parent: Some(last_part(&$event.parent_event)).filter(|parent| !parent.is_empty()),
            updated: instant!($event.update_time),
            start: instant!($event.start_time),
            end: instant!($event.end_time),
            next_update: instant!($event.next_update_time),
            projects: $projects,
            title: $event.title,
            description: $event.description,
        }
    };
}

impl Told {
    /// An event of a project, with what it is to that project.
    pub(crate) fn of_project(event: Event) -> Self {
        let relevance = word!(event.relevance);
        told!(event, Projects::one(relevance.as_deref()))
    }

    /// An event of an organisation; how many projects it hits is told elsewhere.
    pub(crate) fn of_organization(event: OrganizationEvent) -> Self {
        told!(event, Projects::default())
    }

    /// The last part of its name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Takes note of how many projects of the organisation it hits.
    pub(crate) fn hits(&mut self, projects: Projects) {
        self.projects = projects;
    }

    /// Joins what another list says of the same event: the later version speaks, the projects add up.
    pub(crate) fn join(&mut self, mut other: Self) {
        if other.updated.flatten() > self.updated.flatten() {
            std::mem::swap(self, &mut other);
        }
        self.projects.add(&other.projects);
    }
}

impl From<EventUpdate> for Update {
    fn from(update: EventUpdate) -> Self {
        Self {
            when: instant!(update.update_time),
            title: update.title,
            description: update.description,
            symptom: update.symptom,
            workaround: update.workaround,
        }
    }
}

fn pair(impact: EventImpact) -> (String, String) {
    let product = impact.product.map(|product| product.product_name).unwrap_or_default();
    let location = impact.location.map(|location| location.location_name).unwrap_or_default();
    (product.trim().to_owned(), location.trim().to_owned())
}

/// Nought says nothing, whatever its name.
fn spoken(name: Option<&str>, value: Option<i32>) -> Option<String> {
    if value == Some(0) {
        return None;
    }
    name.map(str::to_owned).or_else(|| value.map(|value| value.to_string())).filter(|word| !word.is_empty())
}

/// `projects/P/locations/global/events/E` without all that says whose it is.
pub(crate) fn last_part(name: &str) -> String {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}
