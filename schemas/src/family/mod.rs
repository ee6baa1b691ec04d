//! The families of claims, one file each, and the claim itself: a common header and the family's own members.

mod advisory;
mod approach;
mod constraint;
mod estimate;
mod feed;
mod impact;
mod message;
mod notice;
mod rejected;
mod remediation;
mod retraction;
mod roster;
mod sitrep;

pub use advisory::{Advisory, AdvisoryCategory, Document};
pub use approach::{Approach, ApproachKind, Artifact, Automation, Caution, Risk, SaidRate};
pub use constraint::{Constraint, ConstraintKind};
pub use estimate::{Estimate, FractionPpm, Population};
pub use feed::{Coverage, Feed, FeedState};
pub use impact::{CauseStatus, Impact, ImpactKind, Outcome, Phase, SuspectedCause};
pub use message::{Message, MessageKind, MessageState};
pub use notice::Notice;
pub use rejected::Rejected;
pub use remediation::{Arm, Remediation, Rollback, RunState, Tally, TimeToRestore};
pub use retraction::{Erasure, Retraction, RetractionReason, Scope};
pub use roster::{DutyRole, Roster};
pub use sitrep::{Sitrep, SitrepVersion};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::check::Problems;
use crate::exact::{self, Skipped};
use crate::header::Header;

macro_rules! families {
    ($($(#[$doc:meta])* $family:ident = $token:literal,)+) => {
        /// A family of claims: the sixth token of a subject and the middle of an event's type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family { $($(#[$doc])* $family,)+ }

        impl Family {
            /// All families of version 1.
            pub const ALL: &'static [Self] = &[$(Self::$family,)+];

            /// The family's token in subjects and types.
            #[must_use]
            pub fn token(self) -> &'static str {
                match self { $(Self::$family => $token,)+ }
            }

            /// The family of a token.
            #[must_use]
            pub fn from_token(token: &str) -> Option<Self> {
                match token { $($token => Some(Self::$family),)+ _ => None }
            }

            /// The JSON Schema that publishers of this family's claims are held to.
            #[must_use]
            pub fn claim_schema(self) -> serde_json::Value {
                match self { $(Self::$family => crate::schema::of_claim::<Flat<$family>>(self),)+ }
            }
        }

        /// What a claim says beside its header.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body { $($(#[$doc])* $family($family),)+ }

        impl Body {
            /// The family that this body is of.
            #[must_use]
            pub fn family(&self) -> Family {
                match self { $(Self::$family(_) => Family::$family,)+ }
            }

            fn read(family: Family, json: &str) -> Result<Self, serde_json::Error> {
                match family { $(Family::$family => exact::from_str(json, Skipped::Checked).map(Self::$family),)+ }
            }

            fn check(&self, problems: &mut Problems) {
                match self { $(Self::$family(body) => body.check(problems),)+ }
            }
        }

        impl Serialize for Claim {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match &self.body {
                    $(Body::$family(body) => FlatRef { header: &self.header, body }.serialize(serializer),)+
                }
            }
        }
    };
}

families! {
    /// What is broken, where, how badly, how many.
    Impact = "impact",
    /// One public statement.
    Notice = "notice",
    /// A statement with consequences.
    Advisory = "advisory",
    /// A way of repairing.
    Approach = "approach",
    /// A run of one approach.
    Remediation = "remediation",
    /// A population-level figure.
    Estimate = "estimate",
    /// A word between desks.
    Message = "message",
    /// Who is on duty for an organisation.
    Roster = "roster",
    /// A person's word on correlation.
    Constraint = "constraint",
    /// An earlier claim is void.
    Retraction = "retraction",
    /// A feed changed state.
    Feed = "feed",
    /// An item that an adapter could not take.
    Rejected = "rejected",
    /// A situation report, approved by a person.
    Sitrep = "sitrep",
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.token())
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.token())
    }
}

impl JsonSchema for Family {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Family".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let tokens: Vec<&str> = Self::ALL.iter().map(|family| family.token()).collect();
        schemars::json_schema!({ "type": "string", "enum": tokens })
    }
}

/// One speaker's whole current claim about one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What every claim says of itself.
    pub header: Header,
    /// The family's own members.
    pub body: Body,
}

impl Claim {
    /// Reads a claim as readers do: unknown members are ignored, unknown words are read as `other`.
    ///
    /// # Errors
    /// If a required member is missing, twice there, of the wrong type or out of its range, with line and column.
    pub fn read(family: Family, json: &str) -> Result<Self, serde_json::Error> {
        // The body comes first: it does not know the header's members and checks them with all else that it skips.
        let body = Body::read(family, json)?;
        Ok(Self { header: exact::from_str(json, Skipped::Passed)?, body })
    }

    /// Reads a claim as publishers are held to it: no unknown member, no unknown word, every limit kept.
    ///
    /// # Errors
    /// All that is wrong, each with its path.
    pub fn read_strict(family: Family, json: &str) -> Result<Self, Problems> {
        let whole = |error: serde_json::Error| Problems::one("(claim)", error.to_string());
        exact::duplicate_free(json).map_err(whole)?;
        let written = serde_json::from_str(json).map_err(whole)?;
        let mut problems = Problems::default();
        crate::strict::against_schema(family, &written, &mut problems);
        match Self::read(family, json) {
            Ok(claim) => {
                claim.check_all(&mut problems);
                if problems.is_empty() { Ok(claim) } else { Err(problems) }
            }
            Err(error) if problems.is_empty() => Err(whole(error)),
            Err(_) => Err(problems),
        }
    }

    /// Checks a claim that was built in code as [`Claim::read_strict`] checks a written one: also words that no publisher
    /// may use, such as `other` where the schema does not list it.
    ///
    /// # Errors
    /// All that is wrong, each with its path.
    pub fn check_strict(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        match serde_json::to_value(self) {
            Ok(written) => crate::strict::against_schema(self.family(), &written, &mut problems),
            Err(error) => problems.add("(claim)", error.to_string()),
        }
        self.check_all(&mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Checks ranges, lengths and what must go together.
    ///
    /// # Errors
    /// All that is wrong, each with its path.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        self.check_into(&mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_all(&self, problems: &mut Problems) {
        self.check_into(problems);
        crate::strict::together(self, problems);
    }

    fn check_into(&self, problems: &mut Problems) {
        self.header.check(problems);
        self.body.check(problems);
    }

    /// The family of the claim.
    #[must_use]
    pub fn family(&self) -> Family {
        self.body.family()
    }

    /// The impact, if the claim is one.
    #[must_use]
    pub fn impact(&self) -> Option<&Impact> {
        if let Body::Impact(impact) = &self.body { Some(impact) } else { None }
    }
}

/// Header and body as they stand on the bus: side by side in one JSON object.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "names the shape for the schema generator; reading and writing go through Claim")]
struct Flat<B> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct FlatRef<'a, B> {
    #[serde(flatten)]
    header: &'a Header,
    #[serde(flatten)]
    body: &'a B,
}
