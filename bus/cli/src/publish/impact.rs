//! `entente publish impact`: what is broken, where, how badly, how many.

use clap::Args;
use entente_schemas::block::{Effect, ServiceClass, Severity};
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::{CauseStatus, Family, ImpactKind, Outcome, Phase};
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{Members, object, stamp, text};
use super::place::{FurtherBlock, PlaceFlags};
use super::says::Says;
use crate::figure::Figure;
use crate::moment::Moment;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish impact \"Windows VMs in boot loop\" --class compute --os windows --provider aws \\
      --region us-east-1 --state affected_unavailable --severity critical --since 2024-07-19T04:09Z \\
      --affected 1200..1500 --cause-vendor crowdstrike --cause-product falcon --artifact C-00000291 \\
      --next-update +2h
  entente publish impact \"Update reverted, machines that are down stay down\" --for crowdstrike --phase mitigating \\
      --class security_agent --at 2024-07-19T05:27Z
  entente publish impact --object 12 --phase monitoring --restored 900
  entente publish impact --still 12
  echo '{\"title\": \"DNS slow\", \"severity\": \"minor\"}' | entente publish impact --file - --class dns

The 12 is the position in the log that the impact's own command printed; its object id and event id do as well.";

/// What is broken, where, how badly, how many
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Impact {
    /// What is broken, in one line of at most 500 characters
    pub title: Option<String>,
    /// Incident or planned work (default: incident)
    #[arg(long, value_parser = word!(ImpactKind))]
    pub kind: Option<ImpactKind>,
    /// How far you have come (default: investigating)
    #[arg(long, value_parser = word!(Phase))]
    pub phase: Option<Phase>,
    /// How it ended, with --phase resolved
    #[arg(long, value_parser = word!(Outcome))]
    pub outcome: Option<Outcome>,
    /// How bad it is (default: not_stated)
    #[arg(long, value_parser = word!(Severity))]
    pub severity: Option<Severity>,
    /// What users notice
    #[arg(long, value_delimiter = ',', value_parser = word!(Effect))]
    pub effect: Vec<Effect>,
    /// More of it, at most 4,000 characters
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,
    /// A sign to know it by: a bugcheck, a driver, an error code
    #[arg(long, value_name = "TEXT")]
    pub symptom: Vec<String>,
    /// By when you will say more
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub next_update: Option<Moment>,
    #[command(flatten)]
    pub place: PlaceFlags,
    /// A further block, such as class=dns,provider=gcp,region=europe-west1+us-east1,state=restored
    #[arg(long, value_name = "KEY=VALUE,...", help_heading = "What is hit and where")]
    pub block: Vec<FurtherBlock>,
    #[command(flatten)]
    pub cause: CauseFlags,
    #[command(flatten)]
    pub counts: CountFlags,
    #[command(flatten)]
    pub header: HeaderFlags,
}

/// The cause that the speaker names.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Suspected cause")]
pub struct CauseFlags {
    /// The kind of cause: own_change, third_party_update, hardware, power, attack
    #[arg(long, value_name = "KIND")]
    pub cause_class: Option<String>,
    /// The vendor concerned
    #[arg(long, value_name = "SLUG")]
    pub cause_vendor: Option<String>,
    /// The product concerned
    #[arg(long, value_name = "NAME")]
    pub cause_product: Option<String>,
    /// The version concerned
    #[arg(long, value_name = "VERSION")]
    pub cause_version: Option<String>,
    /// The file, driver or update concerned
    #[arg(long, value_name = "NAME")]
    pub artifact: Option<String>,
    /// How far the cause has been established (default: hypothesis)
    #[arg(long, value_name = "STATUS", value_parser = word!(CauseStatus))]
    pub cause_status: Option<CauseStatus>,
}

/// How many.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How many (1200, ~1,500, 1200..1500, 1400@1200..1500, 8.5M)")]
pub struct CountFlags {
    /// Ever hit
    #[arg(long, value_name = "FIGURE")]
    pub affected: Option<Figure>,
    /// Still hit
    #[arg(long, value_name = "FIGURE")]
    pub remaining: Option<Figure>,
    /// Working again
    #[arg(long, value_name = "FIGURE")]
    pub restored: Option<Figure>,
    /// Hit again after having been restored
    #[arg(long, value_name = "FIGURE")]
    pub relapsed: Option<Figure>,
    /// Could be hit
    #[arg(long, value_name = "FIGURE")]
    pub at_risk: Option<Figure>,
    /// Known not to be hit
    #[arg(long, value_name = "FIGURE")]
    pub unaffected: Option<Figure>,
    /// What is counted (default: vm for class compute, else device)
    #[arg(long, value_parser = word!(Unit))]
    pub unit: Option<Unit>,
    /// How the figures came about (default: exact_enumeration for a number written out, else expert_judgement; with
    /// --for, vendor_statement for a cloud or vendor and third_party for anybody else)
    #[arg(long, value_parser = word!(Method))]
    pub method: Option<Method>,
    /// The moment for which they hold (default: now)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub counted_at: Option<Moment>,
    /// The population counted: fleet:PROVIDER where it overlaps with nobody else's
    #[arg(long, value_name = "TEXT")]
    pub population: Option<String>,
    /// Figures of one such domain may be counted once
    #[arg(long, value_name = "TEXT")]
    pub overlap_domain: Option<String>,
}

impl Says for Impact {
    fn family(&self) -> Family {
        Family::Impact
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, desk: &Desk) {
        claim.set("title", self.title.as_deref());
        claim.require("title", "what is broken: entente publish impact \"TITLE\"");
        claim.set("kind", self.kind.map(ImpactKind::as_str));
        claim.default("kind", "incident");
        claim.set("phase", self.phase.map(Phase::as_str));
        claim.default("phase", if claim.text("kind") == Some("maintenance") { "scheduled" } else { "investigating" });
        claim.set("outcome", self.outcome.map(Outcome::as_str));
        claim.set("severity", self.severity.map(Severity::as_str));
        claim.default("severity", Severity::NotStated.as_str());
        let effect: Vec<&str> = self.effect.iter().map(|effect| effect.as_str()).collect();
        claim.list("effect", &effect);
        claim.set("summary", self.summary.as_deref());
        claim.list("symptoms", &self.symptom);
        claim.moment("next_update_by", self.next_update);
        self.fill_blocks(claim, desk);
        self.cause.fill(claim);
        let passed_on = self.header.method_passed_on(claim);
        self.counts.fill(claim, self.place.class.contains(&ServiceClass::Compute), passed_on);
        self.header.fill_refs_of_impact(claim);
    }
}

impl Impact {
    fn fill_blocks(&self, claim: &mut Members, desk: &Desk) {
        let speaker = self.header.speaker.as_ref().unwrap_or(&desk.org);
        let provider = self.place.provider.as_ref().unwrap_or(speaker);
        let old = claim.get("blocks").and_then(Value::as_array).cloned().unwrap_or_default();
        match self.place.blocks(&old, provider, self.severity) {
            Ok(mut blocks) => {
                blocks.extend(self.block.iter().map(|block| block.block(provider)));
                claim.list("blocks", &blocks);
            }
            Err(mistake) if self.block.is_empty() => claim.mistake(mistake),
            Err(_) => claim.mistake("--block: give the first block by --class, or every block by --block alone"),
        }
    }
}

impl CauseFlags {
    fn fill(&self, claim: &mut Members) {
        let mut cause = object([
            ("class", text(self.cause_class.as_ref())),
            ("vendor", text(self.cause_vendor.as_ref())),
            ("product", text(self.cause_product.as_ref())),
            ("version", text(self.cause_version.as_ref())),
            ("artifact", text(self.artifact.as_ref())),
            ("status", self.cause_status.map(|status| json!(status))),
        ]);
        let has_status = claim.get("suspected_cause").is_some_and(|cause| cause.get("status").is_some());
        if !cause.is_empty() && !has_status {
            cause.entry("status").or_insert_with(|| json!(CauseStatus::Hypothesis));
        }
        claim.within("suspected_cause", cause);
    }
}

impl CountFlags {
    fn given(&self) -> impl Iterator<Item = (Quantity, Figure)> {
        let all = [
            (Quantity::Affected, self.affected),
            (Quantity::Remaining, self.remaining),
            (Quantity::Restored, self.restored),
            (Quantity::Relapsed, self.relapsed),
            (Quantity::AtRisk, self.at_risk),
            (Quantity::Unaffected, self.unaffected),
        ];
        all.into_iter().filter_map(|(quantity, figure)| Some((quantity, figure?)))
    }

    fn fill(&self, claim: &mut Members, machines: bool, passed_on: Option<Method>) {
        let mut counts = claim.get("counts").and_then(Value::as_array).cloned().unwrap_or_default();
        let earlier = counts.first().and_then(|count| count.get("unit")).cloned();
        let usual = earlier.unwrap_or_else(|| json!(if machines { Unit::Vm } else { Unit::Device }));
        let unit = self.unit.map_or(usual, |unit| json!(unit));
        let now = claim.now();
        let as_of = stamp(self.counted_at.map_or(now, |moment| moment.settle(now)));
        for (quantity, figure) in self.given() {
            counts.retain(|old| old.get("quantity") != Some(&json!(quantity)) || old.get("unit") != Some(&unit));
            let method = self.method.or(passed_on).unwrap_or_else(|| usual_method(figure));
            counts.push(Value::Object(self.count(quantity, figure, method, &unit, &as_of)));
        }
        claim.list("counts", &counts);
    }

    fn count(
        &self,
        quantity: Quantity,
        figure: Figure,
        method: Method,
        unit: &Value,
        as_of: &str,
    ) -> Map<String, Value> {
        object([
            ("unit", Some(unit.clone())),
            ("quantity", Some(json!(quantity))),
            ("value", figure.value.map(Value::from)),
            ("lo", figure.lo.map(Value::from)),
            ("hi", figure.hi.map(Value::from)),
            ("method", Some(json!(method))),
            ("as_of", Some(json!(as_of))),
            ("overlap_domain", text(self.overlap_domain.as_ref())),
            ("population", text(self.population.as_ref())),
        ])
    }
}

/// How one's own figure came about if nothing else is said: what is written out to the last unit was counted.
fn usual_method(figure: Figure) -> Method {
    if figure.counted { Method::ExactEnumeration } else { Method::ExpertJudgement }
}
