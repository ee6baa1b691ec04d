//! Who sits at this machine, as the settings say, and what their clock shows.

use chrono::{DateTime, Utc};
use entente_schemas::speaker::Role;

use crate::folder::Folder;
use crate::settings::Settings;

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// The organisation.
    pub org: String,
    /// What it is to the incidents.
    pub role: Role,
    /// The person or desk.
    pub person: Option<String>,
    /// What the clock shows.
    pub now: DateTime<Utc>,
}

impl Desk {
    /// The desk of a data folder.
    pub fn of(settings: &Settings, folder: &Folder) -> Self {
        Self {
            org: settings.org.clone(),
            role: settings.role,
            person: settings.person.clone(),
            now: folder.now(),
        }
    }

    /// A new object id for a person's object.
    pub fn new_object(&self) -> String {
        format!("{}:{}", self.org, uuid::Uuid::now_v7())
    }
}
