//! The shared picture: what the fold gives, as plain data. Pages, the API and the command line show this and nothing
//! else. Absent means not shared; nothing here is averaged over speakers; ages follow from `at` alone.

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, Effect, ServiceClass, Severity};
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::{
    AdvisoryCategory, ApproachKind, Automation, CauseStatus, Caution, Coverage, DutyRole, Family, FeedState,
    MessageKind, MessageState, Outcome, Phase, RunState, SaidRate,
};
use entente_schemas::header::{Certainty, Fidelity, Relation};
use entente_schemas::speaker::{Relay, Role};
use entente_schemas::tlp::Tlp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

/// The picture of one universe at one cut of its log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Picture {
    /// The position of the log that was folded.
    pub as_of: String,
    /// What the clock shows.
    pub at: DateTime<Utc>,
    /// When the last folded record was logged; absent in an empty log.
    pub logged: Option<DateTime<Utc>>,
    /// The universe: `actual`, `exercise`, ...
    pub universe: String,
    /// Id of the correlation model.
    pub model: String,
    /// Figures over everything, also what is not listed.
    pub totals: Totals,
    /// Speakers against service classes.
    pub matrix: Matrix,
    /// How many incidents fit what was asked for.
    pub matched: usize,
    /// Incidents, open ones first, then by severity, disagreement and last change; possibly only the first of them.
    pub incidents: Vec<Incident>,
    /// Every feed that ever said something.
    pub feeds: Vec<Feed>,
    /// Who owes what by when, overdue first.
    pub owed: Vec<Owed>,
    /// Who is on duty.
    pub desks: Vec<Desk>,
    /// The newest records that were taken, newest first.
    pub recent: Vec<Line>,
    /// Records that the fold refuses, and retractions that withdraw nothing, newest first.
    pub held_back: Vec<HeldBack>,
    /// Items that adapters could not take, newest first.
    pub rejected: Vec<Rejected>,
    /// The highest marking of all that the picture rests on; absent if everybody may read all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// Figures over everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Incidents, closed ones included.
    pub incidents: usize,
    /// Open incidents.
    pub open: usize,
    /// Closed incidents.
    pub closed: usize,
    /// Closed incidents that changed in the last 72 h.
    pub closed_recently: usize,
    /// Open disagreements.
    pub disagreements: usize,
    /// Promises that are past.
    pub overdue: usize,
    /// Lanes of open incidents that are silent.
    pub silent: usize,
    /// Speakers that cannot be seen.
    pub blind: usize,
    /// Planned works known, which make no incident.
    pub maintenance: usize,
    /// Statements in public.
    pub notices: usize,
    /// Records taken.
    pub claims: u64,
    /// Records that say again what was there.
    pub repeated: u64,
    /// Records held back.
    pub held_back: usize,
    /// Items that adapters could not take.
    pub rejected: usize,
}

/// Speakers against service classes: what each says, the worst state per class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Matrix {
    /// The columns: classes with any claim, in the order of the schema.
    pub columns: Vec<Column>,
    /// Classes of the schema without any claim.
    pub unclaimed: usize,
    /// One row per speaker: clouds, then vendors, then the rest.
    pub rows: Vec<Row>,
}

/// A column of the matrix: a class, split off by operating system where an open incident names one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Column {
    /// The class.
    pub class: ServiceClass,
    /// The family of operating systems, for a split column.
    pub os_family: Option<String>,
}

/// A row of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The speaker.
    pub speaker: String,
    /// What the speaker is.
    pub role: Role,
    /// When a claim or statement of the speaker was last logged.
    pub heard: Option<DateTime<Utc>>,
    /// The speaker's feeds and how they are.
    pub sight: Sight,
    /// Silent since, in an open incident.
    pub silent_since: Option<DateTime<Utc>>,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// What can be seen of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sight {
    /// Feeds that carry the speaker's words. None: people only.
    pub feeds: usize,
    /// Those of them that work.
    pub live: usize,
    /// All are blind, since.
    pub blind_since: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
}

/// What stands in a cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cell {
    /// The speaker claims something.
    Claim(CellClaim),
    /// The speaker's feeds would tell of the class, and nothing was said.
    NotShared,
    /// The class is not the speaker's.
    NotTheirs,
    /// All feeds of the speaker are blind, and nothing was said before.
    CannotSee,
}

/// The worst claim of one speaker about one class.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CellClaim {
    /// The incident it belongs to.
    pub incident: String,
    /// The state claimed.
    pub state: BlockState,
    /// The severity claimed.
    pub severity: Severity,
    /// The phase claimed.
    pub phase: Phase,
    /// The speaker's own word.
    pub native: Option<String>,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// When the claim last changed.
    pub changed: DateTime<Utc>,
    /// Whether service and region are exact, or the claim holds somewhere within several.
    pub exact: bool,
    /// The promised next update.
    pub next_update_by: Option<DateTime<Utc>>,
    /// That promise is past.
    pub overdue: bool,
    /// The incident has an open disagreement in which the speaker has a position.
    pub disagrees: bool,
    /// The state that the clock makes: cannot be seen any more.
    pub stale: bool,
    /// How many further claims of the speaker stand behind this one.
    pub others: usize,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Incident {
    /// `inc-` and ten characters: of the member that was logged first.
    pub id: String,
    /// Other ids under which it is found.
    pub aliases: Vec<String>,
    /// The declared name, or one built from data.
    pub name: String,
    /// Who declared the name; absent if it is built.
    pub declared_by: Option<String>,
    /// Whether any lane is open.
    pub open: bool,
    /// Logged time of the member that was logged first.
    pub first_logged: DateTime<Utc>,
    /// The earliest start that any speaker claims, and who.
    pub started: Option<Claimed<DateTime<Utc>>>,
    /// The worst severity claimed in an open lane (in any, when closed), and who.
    pub worst: Option<Claimed<Severity>>,
    /// The last change of any member.
    pub changed: Change,
    /// The objects that belong to it, the first logged first.
    pub members: Vec<Member>,
    /// One lane per speaker.
    pub lanes: Vec<Lane>,
    /// Where speakers differ.
    pub disagreements: Vec<Disagreement>,
    /// What nobody said.
    pub unknowns: Vec<Unknown>,
    /// Causes as claimed.
    pub causes: Vec<Cause>,
    /// Ways of repairing, and how they fare.
    pub approaches: Vec<Approach>,
    /// Advice.
    pub advisories: Vec<Advice>,
    /// How many.
    pub counts: Vec<CountGroup>,
    /// What customers were told, against what is said here.
    pub told: Vec<Told>,
    /// Requests, offers, commitments, and promised updates.
    pub owed: Vec<Owed>,
    /// Decisions in force or revoked.
    pub decisions: Vec<Decision>,
    /// Why its members are one incident.
    pub why: Vec<Join>,
    /// What was nearly joined, and why it was not.
    pub near: Vec<NearMiss>,
    /// What people said about the joining.
    pub constraints: Vec<Opinion>,
    /// Records of its members and of what refers to them, newest first, at most 200.
    pub events: Vec<Line>,
    /// How many records there are.
    pub events_total: usize,
    /// The eight answers.
    pub brief: Brief,
    /// The highest marking of what is shown of it; absent if everybody may read all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<Tlp>,
}

/// A value and whose claim it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Claimed<T> {
    /// The value.
    pub value: T,
    /// Whose.
    pub speaker: String,
}

/// The last change of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// When it was logged.
    pub at: DateTime<Utc>,
    /// By whom.
    pub speaker: String,
    /// What, in words.
    pub what: String,
}

/// An object of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Member {
    /// The object id.
    pub object_id: String,
    /// Its family.
    pub family: Family,
    /// Whose words.
    pub speaker: String,
    /// How many public statements it carries.
    pub notices: usize,
    /// Its title, name or first words.
    pub title: String,
    /// `same` for what is the incident, `part_of` for a consequence, `related` for what refers to it.
    pub relation: Relation,
    /// Place in the log of its current revision.
    pub position: Place,
    /// Revisions logged.
    pub revisions: usize,
}

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

/// Where speakers differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Disagreement {
    /// `start`, `end`, `phase`, `severity`, `cause`, `scope`, `count`, `product`, `success`.
    pub kind: String,
    /// The question that divides them.
    pub question: String,
    /// Who says what, in lane order.
    pub positions: Vec<Stance>,
    /// Logged time from which they differ.
    pub since: DateTime<Utc>,
    /// Whether it still stands.
    pub open: bool,
}

/// One speaker's position in a disagreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stance {
    /// The speaker.
    pub speaker: String,
    /// What it says.
    pub says: String,
    /// Place in the log of the claim.
    pub position: Place,
}

/// Something that nobody, or one who should, has not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unknown {
    /// `start`, `region`, `state`, `count`, `cause`, `speaker`, `end`, `sight`.
    pub kind: String,
    /// Whose gap it is; absent if everybody's.
    pub speaker: Option<String>,
    /// The gap in words.
    pub text: String,
}

/// A cause as one speaker claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// The speaker.
    pub speaker: String,
    /// How far it has been established.
    pub status: CauseStatus,
    /// The kind of cause.
    pub class: Option<String>,
    /// The vendor named.
    pub vendor: Option<String>,
    /// The product named.
    pub product: Option<String>,
    /// The artifact named.
    pub artifact: Option<String>,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// Logged time of the claim that first said so.
    pub since: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A way of repairing and how it fares.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Approach {
    /// The object id.
    pub object_id: String,
    /// Whose description.
    pub speaker: String,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ApproachKind,
    /// How much a machine does.
    pub automation: Automation,
    /// What must be at hand.
    pub access: Vec<String>,
    /// Whether data can be lost.
    pub data_loss: Option<bool>,
    /// On whose machines it can be used; empty if not stated.
    pub applies_to: Vec<String>,
    /// What to beware of.
    pub cautions: Vec<Caution>,
    /// Hearsay about its success.
    pub said_rate: Option<SaidRate>,
    /// One per operator that runs it.
    pub runs: Vec<Run>,
    /// All runs together, where at least one outcome is known.
    pub pooled: Option<Success>,
    /// Figures are made up for an exercise.
    pub invented: bool,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// One speaker's runs of an approach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run {
    /// Who reports it.
    pub speaker: String,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// The state of the newest run.
    pub state: RunState,
    /// Units with a known outcome and how many of them work again.
    pub success: Success,
    /// Units whose outcome is unknown.
    pub lost: u64,
    /// Median time to restore, seconds.
    pub p50_s: Option<u64>,
    /// Why it was undone.
    pub rollback: Option<String>,
    /// When the report last changed.
    pub changed: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// An observed success rate; parts per million, with the 95 % Wilson interval. Below 30 outcomes it is too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Success {
    /// Units with a known outcome.
    pub n: u64,
    /// Those that work again.
    pub succeeded: u64,
    /// The rate, parts per million; absent without outcomes.
    pub ppm: Option<u32>,
    /// Lower end of the interval.
    pub lo_ppm: Option<u32>,
    /// Upper end of the interval.
    pub hi_ppm: Option<u32>,
    /// Fewer than 30 outcomes.
    pub too_early: bool,
}

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Advice {
    /// The object id.
    pub object_id: String,
    /// Whose.
    pub speaker: String,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// What kind.
    pub category: AdvisoryCategory,
    /// Its title.
    pub title: String,
    /// The advice in words.
    pub text: Option<String>,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// Figures of one unit and quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CountGroup {
    /// The unit.
    pub unit: Unit,
    /// The quantity.
    pub quantity: Quantity,
    /// `one speaker`, `disjoint`, `range`, `dedup`: how the speakers' figures may be read together.
    pub regime: String,
    /// Lower end over the speakers, where the regime allows one.
    pub lo: Option<u64>,
    /// Upper end over the speakers, where the regime allows one.
    pub hi: Option<u64>,
    /// The speakers' own figures.
    pub figures: Vec<Figure>,
}

/// One speaker's figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figure {
    /// The speaker.
    pub speaker: String,
    /// How the words came here.
    pub relay: Relay,
    /// Who passed the words on, where they were only heard of; absent otherwise.
    pub told_by: Option<String>,
    /// The figure; absent if only an interval was given.
    pub value: Option<u64>,
    /// Lower end; absent if no interval was given.
    pub lo: Option<u64>,
    /// Upper end; absent if no interval was given.
    pub hi: Option<u64>,
    /// A share of the population, parts per million, lower end.
    pub fraction_lo_ppm: Option<u32>,
    /// A share of the population, parts per million, upper end.
    pub fraction_hi_ppm: Option<u32>,
    /// The population.
    pub population: Option<String>,
    /// How it came about.
    pub method: Method,
    /// The moment for which it holds.
    pub as_of: DateTime<Utc>,
    /// Made up for an exercise.
    pub invented: bool,
    /// Place in the log.
    pub position: Place,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

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

/// Why two members are one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Join {
    /// One member.
    pub a: String,
    /// The other.
    pub b: String,
    /// `same` or `part_of` (then `a` is part of `b`).
    pub relation: Relation,
    /// The reasons in words, the strongest first.
    pub reasons: Vec<String>,
}

/// Two objects that were not joined although something speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NearMiss {
    /// The member.
    pub object_id: String,
    /// The other object.
    pub other: String,
    /// The incident of the other object.
    pub other_incident: Option<String>,
    /// What speaks for it.
    pub speaks_for: String,
    /// What is missing or speaks against it.
    pub speaks_against: String,
    /// The sharing group that the other object was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// What a person said about the joining.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Opinion {
    /// The object id of the constraint.
    pub object_id: String,
    /// `must_link`, `cannot_link`, `pin`, `dissolve`, `declare`, `close`.
    pub kind: String,
    /// The objects.
    pub objects: Vec<String>,
    /// The person or desk.
    pub author: String,
    /// The author's organisation.
    pub org: String,
    /// Why.
    pub reason: String,
    /// Whether it binds the shared picture; an opinion otherwise.
    pub binds: bool,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A record in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// Place in the log.
    pub position: Place,
    /// The event's id.
    pub id: String,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// Whose words.
    pub speaker: String,
    /// Who transmitted them.
    pub source: String,
    /// The family.
    pub family: Family,
    /// The object.
    pub object_id: String,
    /// The revision.
    pub rev: u64,
    /// What it says, in one line.
    pub says: String,
    /// The incident that it belongs to now.
    pub incident: Option<String>,
    /// Who withdrew it.
    pub withdrawn_by: Option<String>,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A feed and its transmitter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Feed {
    /// The transmitting organisation.
    pub org: String,
    /// The feed's slug.
    pub feed: String,
    /// Live or blind; absent if it never said (people's desks do not).
    pub state: Option<FeedState>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
    /// When it last answered as it should, as last published.
    pub last_good_poll: Option<DateTime<Utc>>,
    /// The address that is read.
    pub address: Option<String>,
    /// What it would tell of.
    pub coverage: Coverage,
    /// When anything from it was last logged.
    pub heard: Option<DateTime<Utc>>,
    /// Records taken.
    pub claims: u64,
    /// Sequence numbers that are missing.
    pub gaps: u64,
    /// Records held back.
    pub held_back: usize,
    /// Items that could not be taken.
    pub rejected: usize,
    /// Outboxes it has had; more than one means one was lost.
    pub instances: usize,
    /// The sharing group that it transmits into, with the highest marking of what it said; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// Who is on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Desk {
    /// The organisation.
    pub org: String,
    /// The desk or person.
    pub desk: String,
    /// The duty.
    pub role: DutyRole,
    /// How to reach them.
    pub bridge_url: Option<String>,
    /// How to reach them.
    pub phone: Option<String>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Who takes over.
    pub handing_over_to: Option<String>,
    /// The time is past.
    pub expired: bool,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// A record that the fold refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldBack {
    /// Place in the log.
    pub position: Place,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// The subject that it was published under, cut to 200 characters.
    pub subject: String,
    /// Why, and how to mend it.
    pub reason: String,
}

/// An item that an adapter could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rejected {
    /// The feed's slug.
    pub feed: String,
    /// What was wrong.
    pub reason: String,
    /// Where in the answer.
    pub position: Option<String>,
    /// Digest of the input.
    pub digest: String,
    /// Size of the input in bytes.
    pub bytes: u64,
    /// When it was logged.
    pub logged: DateTime<Utc>,
    /// How often it was said.
    pub times: u64,
    /// The sharing group that it was said in, with its marking; absent if everybody may read it.
    #[serde(flatten)]
    pub shared: Option<Shared>,
}

/// The eight answers that every incident opens with (CORRELATION 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Brief {
    /// Who is affected.
    pub affected: Answer,
    /// How many.
    pub count: Answer,
    /// Cause and certainty.
    pub cause: Answer,
    /// Which approach works where.
    pub working: Answer,
    /// Who owes what by when.
    pub owes: Answer,
    /// What customers were told.
    pub told: Answer,
    /// What is unknown.
    pub unknown: Answer,
    /// How fresh this is.
    pub fresh: Answer,
}

/// One answer: a line that can be said aloud, and a smaller one beneath it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// The answer.
    pub lead: String,
    /// What to know beside it.
    pub detail: String,
}
