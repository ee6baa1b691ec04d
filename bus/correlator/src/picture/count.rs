//! How many: the speakers' own figures, and how they may be read together.

use chrono::{DateTime, Utc};
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::speaker::Relay;
use schemars::JsonSchema;
use serde::Serialize;

use crate::record::place::Place;
use crate::record::shared::Shared;

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
