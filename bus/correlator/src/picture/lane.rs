//! What one speaker says about an incident: the claim that speaks, its own words, and what ranks below.

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, Effect, Severity};
use entente_schemas::family::{Outcome, Phase};
use entente_schemas::header::{Certainty, Fidelity};
use entente_schemas::speaker::{Relay, Role};
use schemars::JsonSchema;
use serde::Serialize;

use super::Sight;
use crate::record::place::Place;
use crate::record::shared::Shared;

/// What one speaker says about the incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Lane {
    /// The speaker.
    pub speaker: String,
    /// What the speaker is.
    pub role: Role,
    /// The claim that speaks; absent if the speaker is only named, or only said other things.
    pub claim: Option<LaneClaim>,
    /// When anything of the speaker about this incident was last logged.
    pub heard: Option<DateTime<Utc>>,
    /// Who passed its words on, where none of them came from the speaker itself or its channels; absent otherwise.
    pub told_by: Option<String>,
    /// The speaker's feeds.
    pub sight: Sight,
    /// Nothing was said for two hours although the feed works and the lane is open.
    pub silent_since: Option<DateTime<Utc>>,
    /// The promised next update is past, since.
    pub overdue_since: Option<DateTime<Utc>>,
    /// Lower-ranked words of the same speaker that differ: what was polled or told beside its own.
    pub beside: Vec<Beside>,
    /// Times that were restated, newest first.
    pub restated: Vec<Restatement>,
}

/// The claim that speaks in a lane.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LaneClaim {
    /// Its object.
    pub object_id: String,
    /// Its revision.
    pub rev: u64,
    /// Its place in the log.
    pub position: Place,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed them on, for `relayed`.
    pub told_by: Option<String>,
    /// Who transmitted them: `<org>/<feed>`, first first.
    pub seen_by: Vec<String>,
    /// The phase claimed.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The severity claimed.
    pub severity: Severity,
    /// The worst state of its blocks; unknown without any.
    pub state: BlockState,
    /// What users notice.
    pub effect: Vec<Effect>,
    /// How sure.
    pub certainty: Certainty,
    /// The title.
    pub title: String,
    /// The speaker's own words: the headline, or the newest statement's beginning.
    pub words: Option<String>,
    /// The speaker's own words for status, severity and category, as sent.
    pub native: Option<NativeWords>,
    /// Where.
    pub blocks: Vec<Block>,
    /// When it began; absent if not stated.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it ended; absent if not stated.
    pub occurred_end: Option<DateTime<Utc>>,
    /// To which unit.
    pub fidelity: Option<Fidelity>,
    /// When the object was first logged: known here.
    pub known: DateTime<Utc>,
    /// When the claim last changed.
    pub changed: DateTime<Utc>,
    /// When the unchanged claim was last affirmed, by a person or by a live feed.
    pub confirmed: Option<DateTime<Utc>>,
    /// The promised next update.
    pub next_update_by: Option<DateTime<Utc>>,
    /// What the texts say beyond the claimed phase and severity.
    pub assessed: Vec<Assessment>,
    /// Signs to know it by.
    pub symptoms: Vec<String>,
    /// Figures are made up for an exercise.
    pub invented: bool,
    /// Already closed when its feed was first read.
    pub backfill: bool,
    /// The record's clock ran ahead of the log's by more than 5 s.
    pub clock_suspect: bool,
    /// Further impact objects of the speaker in this incident.
    pub others: Vec<String>,
    /// What was left out for size.
    pub trimmed: Vec<String>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A provider's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NativeWords {
    /// The native system.
    pub system: String,
    /// The item's id there.
    pub id: String,
    /// The item's page.
    pub url: Option<String>,
    /// Its word for the status.
    pub status: Option<String>,
    /// Its word for the severity.
    pub severity: Option<String>,
    /// Its word for the category.
    pub category: Option<String>,
}

/// What a text says that its claim does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Assessment {
    /// `phase` or `severity`.
    pub member: String,
    /// The value read from the text.
    pub value: String,
    /// The words that were read, and where.
    pub reason: String,
}

/// Words of a speaker that rank below the ones that speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Beside {
    /// The object.
    pub object_id: String,
    /// How these words came here, and by whom.
    pub relay: Relay,
    /// Who passed them on or observed them.
    pub by: String,
    /// What they say.
    pub says: String,
}

/// A time that was restated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Restatement {
    /// `start` or `end`.
    pub what: String,
    /// What was claimed before; absent if nothing.
    pub from: Option<DateTime<Utc>>,
    /// What is claimed since; absent if withdrawn.
    pub to: Option<DateTime<Utc>>,
    /// When the restatement was logged.
    pub at: DateTime<Utc>,
}
