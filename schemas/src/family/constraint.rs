//! `constraint`: a person's word on correlation. It binds as far as its author's word reaches (EVENTS 6).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::word::words;

words! {
    /// What the person says of the objects.
    ConstraintKind {
        /// They are one incident.
        MustLink = "must_link",
        /// They are not.
        CannotLink = "cannot_link",
        /// They stay where they are.
        Pin = "pin",
        /// They are an incident no longer.
        Dissolve = "dissolve",
        /// They are an incident of this name.
        Declare = "declare",
        /// The incident is over.
        Close = "close",
    }
}

/// A person's word on correlation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Constraint {
    /// What is said.
    pub kind: ConstraintKind,
    /// Object ids of the members concerned.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub objects: Vec<String>,
    /// The short name, with `declare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub name: Option<String>,
    /// Why.
    #[schemars(length(min = 1, max = 2000))]
    pub reason: String,
    /// Until when it holds; absent is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
}

impl Constraint {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.present("reason", &self.reason);
        problems.length("reason", &self.reason, 2_000);
        let least = if matches!(self.kind, ConstraintKind::MustLink | ConstraintKind::CannotLink) { 2 } else { 1 };
        if self.objects.len() < least {
            problems.add("objects", format!("{} needs at least {least}", self.kind));
        }
        for (index, object) in self.objects.iter().enumerate() {
            problems.present(&format!("objects.{index}"), object);
        }
        problems.time("expires", self.expires);
        if self.kind == ConstraintKind::Declare && self.name.as_deref().is_none_or(|name| name.trim().is_empty()) {
            problems.add("name", "declare needs the incident's short name");
        }
        problems.length("name", self.name.as_deref().unwrap_or_default(), 80);
    }
}
