//! `entente publish estimate`: a figure about a whole population.

use clap::Args;
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::Family;
use serde_json::{Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{Members, object, stamp, text};
use super::says::Says;
use crate::figure::{Figure, Share, whole};
use crate::moment::Moment;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish estimate 8.5M --for microsoft --unit device \\
      --population \"all Windows machines\" --share 0..1% --as-of 2024-07-20
  entente publish estimate --quantity restored --share 97..100% --population \"Windows sensors\" --for crowdstrike";

/// A figure about a whole population
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Estimate {
    /// The figure: 8.5M, "8.5 million", ~1,500, 1200..1500 or 1400@1200..1500
    pub figure: Option<Figure>,
    /// Which part of the population (default: affected)
    #[arg(long, value_parser = word!(Quantity))]
    pub quantity: Option<Quantity>,
    /// What is counted (default: device)
    #[arg(long, value_parser = word!(Unit))]
    pub unit: Option<Unit>,
    /// What belongs to the population, in words
    #[arg(long, value_name = "TEXT")]
    pub population: Option<String>,
    /// How large the population is
    #[arg(long, value_name = "NUMBER", value_parser = whole, requires = "population")]
    pub population_size: Option<u64>,
    /// Which share of the population, such as 97% or 0..1%
    #[arg(long)]
    pub share: Option<Share>,
    /// How the figure came about (default: expert_judgement; with --for, vendor_statement for a cloud or vendor and
    /// third_party for anybody else)
    #[arg(long, value_parser = word!(Method))]
    pub method: Option<Method>,
    /// The moment for which it holds (default: now)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub as_of: Option<Moment>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Estimate {
    fn family(&self) -> Family {
        Family::Estimate
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        let figure = self.figure.unwrap_or_default();
        claim.set("quantity", self.quantity.map(Quantity::as_str));
        claim.default("quantity", Quantity::Affected.as_str());
        claim.set("unit", self.unit.map(Unit::as_str));
        claim.default("unit", Unit::Device.as_str());
        claim.set("value", figure.value);
        claim.set("lo", figure.lo);
        claim.set("hi", figure.hi);
        let population =
            [("value", self.population_size.map(Value::from)), ("definition", text(self.population.as_ref()))];
        claim.within("population", object(population));
        claim.set("fraction_ppm", self.share.map(|share| json!({ "lo": share.lo, "hi": share.hi })));
        if ["value", "lo", "fraction_ppm"].iter().all(|name| claim.get(name).is_none()) {
            claim.mistake(
                "value: missing; expected a figure or a share: entente publish estimate 8.5M, or --share 0..1%",
            );
        }
        claim.set("method", self.method.map(Method::as_str));
        let passed_on = self.header.method_passed_on(claim);
        claim.default("method", passed_on.unwrap_or(Method::ExpertJudgement).as_str());
        claim.moment("as_of", self.as_of);
        claim.default("as_of", stamp(claim.now()));
        self.header.fill_refs(claim, &self.header.about);
    }
}
