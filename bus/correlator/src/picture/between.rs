//! What passes between desks and their customers: what was told, what is owed, what was decided.

use chrono::{DateTime, Utc};
use entente_schemas::family::{MessageKind, MessageState};
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

/// What one speaker told its customers, against what it says here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// The speaker.
    pub speaker: String,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// The newest statement, cut to 200 characters.
    pub text: String,
    /// Its object id, which leads to the whole text.
    pub notice: String,
    /// Place in the log.
    pub position: Place,
    /// Where it was said.
    pub channel: String,
    /// Its page.
    pub url: Option<String>,
    /// The speaker's word for the status at that time.
    pub native_status: Option<String>,
    /// When it was said, by the speaker's own stamp, or else when it was logged.
    pub said_at: DateTime<Utc>,
    /// How many statements there are.
    pub statements: usize,
    /// What the speaker claims here.
    pub says_here: String,
    /// The statement says less than the speaker's own claims at that time.
    pub says_less: bool,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// Something owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Owed {
    /// The object id of the message, or of the claim with the promise.
    pub object_id: String,
    /// What: `request`, `offer`, `commitment`, `update`.
    pub kind: String,
    /// Who owes: of a request, those who have not answered, or once it is settled all who were asked.
    pub by: Vec<String>,
    /// To whom; empty is to all.
    pub to: Vec<String>,
    /// In words.
    pub text: String,
    /// When it is due; absent if no time was set.
    pub due_at: Option<DateTime<Utc>>,
    /// The time is past.
    pub overdue: bool,
    /// Where it stands.
    pub state: Option<MessageState>,
    /// Nothing is owed any more: a request that each one asked has answered, promised otherwise or declined.
    pub settled: bool,
    /// Who answered a request, and how, the first answer first.
    pub answers: Vec<Reply>,
    /// The incident, if it refers to one.
    pub incident: Option<String>,
    /// Place in the log.
    pub position: Place,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// An answer to a request, by one who was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reply {
    /// The object id of the answer.
    pub object_id: String,
    /// Who answers.
    pub speaker: String,
    /// Note, commitment, decision, ...
    pub kind: MessageKind,
    /// What it makes of the request: acknowledged, committed, fulfilled or declined.
    pub state: MessageState,
    /// In words.
    pub text: String,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// Place in the log.
    pub position: Place,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The object id.
    pub object_id: String,
    /// Whose.
    pub speaker: String,
    /// Decision or note.
    pub kind: MessageKind,
    /// In words.
    pub text: String,
    /// In force or revoked.
    pub state: MessageState,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}
