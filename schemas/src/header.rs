//! What every claim says of itself beside its family's own members: which object, which revision, whose words, when.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{OBJECT_ID_MAX, Problems, plausible};
use crate::count::COUNT_MAX;
use crate::speaker::{Author, Relay, Role, Speaker};
use crate::word::words;

words! {
    /// How sure the speaker is (CAP 1.2's words).
    Certainty {
        /// Has happened or is going on.
        Observed = "observed",
        /// More probable than not.
        Likely = "likely",
        /// Possible.
        Possible = "possible",
        /// Not expected.
        Unlikely = "unlikely",
        /// Not known.
        Unknown = "unknown",
    }
}

words! {
    /// The unit to which a stated time can be trusted.
    Fidelity {
        /// To the second.
        Second = "second",
        /// To the minute.
        Minute = "minute",
        /// To the hour.
        Hour = "hour",
        /// To the day.
        Day = "day",
    }
}

impl Fidelity {
    /// The unit in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Second | Self::Other => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

words! {
    /// What a reference points at.
    RefKind {
        /// A CVE number.
        Cve = "cve",
        /// A vendor's bulletin.
        VendorBulletin = "vendor_bulletin",
        /// A provider's tracking id.
        TrackingId = "tracking_id",
        /// An address on the web.
        Url = "url",
        /// A knowledge base article.
        Kb = "kb",
        /// An incident of Entente, by id or by the object id of a member.
        Incident = "incident",
        /// An event on the bus, by event id.
        Event = "event",
    }
}

words! {
    /// What a reference means.
    Relation {
        /// The same thing.
        Same = "same",
        /// A part or consequence of it.
        PartOf = "part_of",
        /// Caused by it.
        CausedBy = "caused_by",
        /// Has to do with it.
        Related = "related",
        /// Expressly another thing.
        DistinctFrom = "distinct_from",
    }
}

/// The clocks that a claim carries. The fourth, when the log took it, is the record's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Times {
    /// The provider's own stamp of this version of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// When it began. Absent where the speaker states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_end: Option<DateTime<Utc>>,
    /// To which unit the occurrence can be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// When the transmitter saw it.
    pub observed_at: DateTime<Utc>,
    /// When an unchanged claim was last affirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// The provider's own item behind a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Native {
    /// The native system: `gcp.public`, `statuspage.<vendor>`.
    #[schemars(length(min = 1, max = 500))]
    pub system: String,
    /// The item's id there.
    #[schemars(length(min = 1, max = 500))]
    pub id: String,
    /// The item's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The provider's word for the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The provider's word for the severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The provider's word for the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Version of the mapping table that was used.
    pub mapping_version: u32,
    /// Lower-case hex SHA-256 over the members that make a real change of the item.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub digest: String,
}

/// A reference to something outside this object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ref {
    /// What it points at.
    pub kind: RefKind,
    /// The id, number or address.
    #[schemars(length(min = 1, max = 2000))]
    pub value: String,
    /// What it means.
    pub relation: Relation,
}

/// The common header of every claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// `<native system>:<native id>`, or `<org>:<UUIDv7>` for a person's object.
    #[schemars(length(max = 500), regex(pattern = r"^[^:\s]+:\S"))]
    pub object_id: String,
    /// Revision of the object by this source, from 1.
    #[schemars(range(min = 1, max = COUNT_MAX))]
    pub rev: u64,
    /// Whose words these are.
    pub speaker: Speaker,
    /// The person who wrote the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// One quotable line, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub headline: Option<String>,
    /// The figures are made up for an exercise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invented: bool,
    /// The clocks.
    pub times: Times,
    /// How sure the speaker is.
    pub certainty: Certainty,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// The item was already closed at the feed's first successful poll: no knowledge lag, no alert.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// References.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<Ref>,
    /// What was left out to keep the payload below its limit, in the order in which it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trimmed: Vec<String>,
    /// Why a revision was made when the item itself did not change: `remap`, `vanished`, `still`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub cause: Option<String>,
}

/// The greatest number of characters in a headline.
pub const HEADLINE_MAX: usize = 200;
/// The greatest number of characters in a reference.
pub const REF_MAX: usize = 2_000;

impl Header {
    /// Whether the author of a claim acts as coordinator (EVENTS 6).
    #[must_use]
    pub fn acts_as_coordinator(&self) -> bool {
        let author = self.author.as_ref().and_then(|author| author.role);
        author == Some(Role::Coordinator) || self.speaker.role == Role::Coordinator
    }

    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.object_id("object_id", &self.object_id);
        problems.ordinal("rev", self.rev);
        self.speaker.check(problems);
        if let Some(author) = &self.author {
            author.check(problems);
        }
        problems.length("headline", self.headline.as_deref().unwrap_or_default(), HEADLINE_MAX);
        problems.length("cause", self.cause.as_deref().unwrap_or_default(), 200);
        self.check_times(problems);
        self.check_native(problems);
        self.check_refs(problems);
        if self.speaker.relay == Relay::Relayed && self.certainty == Certainty::Observed {
            problems.add("certainty", "what another organisation said is at most `likely`");
        }
    }

    fn check_times(&self, problems: &mut Problems) {
        let times = &self.times;
        problems.time("times.observed_at", Some(times.observed_at));
        let stated = [
            ("times.published_at", times.published_at),
            ("times.occurred_at", times.occurred_at),
            ("times.occurred_end", times.occurred_end),
            ("times.confirmed_at", times.confirmed_at),
        ];
        for (path, time) in stated {
            if time.is_some_and(|time| !plausible(time, times.observed_at)) {
                problems.add(path, "a time before 2000 or over ten years after observed_at is not taken");
            }
        }
    }

    fn check_refs(&self, problems: &mut Problems) {
        for (index, reference) in self.refs.iter().enumerate() {
            let path = format!("refs.{index}.value");
            problems.present(&path, &reference.value);
            problems.length(&path, &reference.value, REF_MAX);
        }
    }

    fn check_native(&self, problems: &mut Problems) {
        let Some(native) = &self.native else { return };
        for (path, text) in [("native.system", &native.system), ("native.id", &native.id)] {
            problems.present(path, text);
            problems.length(path, text, OBJECT_ID_MAX);
        }
        problems.hash("native.digest", &native.digest);
    }
}
