//! `estimate`: a figure about a whole population.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Problems;
use crate::count::{COUNT_MAX, Method, Quantity, Unit, check_interval};

/// The population that a figure is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Population {
    /// Its size, where claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub value: Option<u64>,
    /// What belongs to it, in words.
    #[schemars(length(min = 1))]
    pub definition: String,
}

/// A share of the population, parts per million.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FractionPpm {
    /// Lower end.
    #[schemars(range(max = 1_000_000))]
    pub lo: u32,
    /// Upper end.
    #[schemars(range(max = 1_000_000))]
    pub hi: u32,
}

/// A figure about a whole population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Which part of the population.
    pub quantity: Quantity,
    /// What is counted.
    pub unit: Unit,
    /// The figure, where one is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub value: Option<u64>,
    /// Lower end of the interval; absent if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub lo: Option<u64>,
    /// Upper end of the interval; absent if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COUNT_MAX))]
    pub hi: Option<u64>,
    /// The population.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// The share of the population.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction_ppm: Option<FractionPpm>,
    /// How the figure came about.
    pub method: Method,
    /// The moment for which it holds.
    pub as_of: DateTime<Utc>,
}

impl Estimate {
    pub(crate) fn check(&self, problems: &mut Problems) {
        check_interval("", self.value, self.lo, self.hi, problems);
        if let Some(population) = &self.population {
            problems.number("population.value", population.value);
            problems.present("population.definition", &population.definition);
        }
        if let Some(fraction) = &self.fraction_ppm {
            super::approach::check_ppm("fraction_ppm", fraction.lo, fraction.hi, problems);
        }
        if self.value.is_none() && self.lo.is_none() && self.hi.is_none() && self.fraction_ppm.is_none() {
            problems.add("value", "an estimate needs a value, an interval or a fraction");
        }
        problems.time("as_of", Some(self.as_of));
    }
}
