//! `message`: a word between desks (ICS-213): notes, requests, offers, commitments, decisions.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::word::words;

words! {
    /// What the message is.
    MessageKind {
        /// For the record.
        Note = "note",
        /// Asks for something.
        Request = "request",
        /// Offers something.
        Offer = "offer",
        /// Promises something.
        Commitment = "commitment",
        /// Settles something.
        Decision = "decision",
    }
}

words! {
    /// Where it stands.
    MessageState {
        /// Not answered.
        Open = "open",
        /// Seen.
        Acknowledged = "acknowledged",
        /// Promised.
        Committed = "committed",
        /// Done.
        Fulfilled = "fulfilled",
        /// Refused.
        Declined = "declined",
        /// A decision that holds.
        InForce = "in_force",
        /// A decision that no longer holds.
        Revoked = "revoked",
    }
}

impl MessageState {
    /// Whether somebody still owes something.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged | Self::Committed | Self::Other)
    }
}

/// A word between desks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The thread: object id of its first message.
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub thread_id: String,
    /// What it is.
    pub kind: MessageKind,
    /// The organisations that are addressed; none means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,23}$")))]
    pub to: Vec<String>,
    /// The text, at most 32,000 characters.
    #[schemars(length(min = 1, max = 32000))]
    pub text: String,
    /// When an answer or a deed is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub state: MessageState,
}

impl Message {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.object_id("thread_id", &self.thread_id);
        for (index, org) in self.to.iter().enumerate() {
            problems.slug(&format!("to.{index}"), org);
        }
        problems.present("text", &self.text);
        problems.length("text", &self.text, super::notice::NOTICE_MAX);
        problems.time("due_at", self.due_at);
    }
}
