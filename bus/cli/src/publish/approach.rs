//! `entente publish approach`: a way of repairing.

use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use entente_schemas::family::{ApproachKind, Automation, Family};
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{Members, object, stamp};
use super::says::Says;
use crate::figure::{Share, whole};
use crate::moment::length;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish approach \"Rescue VM: attach the disk, delete the file\" --kind offline_disk_repair \\
      --automation scripted --takes 25m --applies-to aws,azure,gcp \\
      --data-loss no --vendor crowdstrike --product falcon \\
      --caution \"Duplicate disk GUIDs when one image is reused\"
  entente publish approach \"Reboot up to 15 times\" --for azure --kind self_recovery_reboot --said-rate 80% --said-by azure

What it prints, object id or position, names the approach for `publish remediation`.";

/// A way of repairing
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Approach {
    /// Its name; the object id is made of it unless --object names one
    pub name: Option<String>,
    /// Its kind (default: other)
    #[arg(long, value_parser = word!(ApproachKind))]
    pub kind: Option<ApproachKind>,
    /// How much of it a machine does (default: manual)
    #[arg(long, value_parser = word!(Automation))]
    pub automation: Option<Automation>,
    /// What must be reachable or at hand: console, recovery_key, local_admin
    #[arg(long, value_name = "TEXT")]
    pub access: Vec<String>,
    /// Whether data can be lost
    #[arg(long, value_name = "YES|NO", value_parser = BoolishValueParser::new())]
    pub data_loss: Option<bool>,
    /// Whether it can be undone
    #[arg(long, value_name = "YES|NO", value_parser = BoolishValueParser::new())]
    pub reversible: Option<bool>,
    /// A file that it uses, with its hash if it is known
    #[arg(long, value_name = "NAME[=SHA256]")]
    pub artifact: Vec<String>,
    /// Work for one unit
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub takes: Option<Duration>,
    /// The approach that it supersedes
    #[arg(long, value_name = "OBJECT")]
    pub replaces: Option<String>,
    /// Another organisation's approach that is this one
    #[arg(long, value_name = "OBJECT")]
    pub same_as: Option<String>,
    /// On whose machines it can be used
    #[arg(long, value_name = "SLUG", value_delimiter = ',')]
    pub applies_to: Vec<String>,
    /// The vendor whose product it repairs
    #[arg(long, value_name = "SLUG")]
    pub vendor: Option<String>,
    /// The product that it repairs
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Something to beware of
    #[arg(long, value_name = "TEXT")]
    pub caution: Vec<String>,
    /// How many units came to harm by what the last --caution warns of
    #[arg(long, value_name = "NUMBER", value_parser = whole, requires = "caution")]
    pub harmed: Option<u64>,
    /// The success that somebody claims, such as 80% or 70..80%: hearsay, shown beside what is observed
    #[arg(long, value_name = "SHARE", requires = "said_by")]
    pub said_rate: Option<Share>,
    /// Who claims it
    #[arg(long, value_name = "WHO", requires = "said_rate")]
    pub said_by: Option<String>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Approach {
    fn family(&self) -> Family {
        Family::Approach
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, desk: &Desk) {
        claim.set("name", self.name.as_deref());
        claim.require("name", "the name of the approach: entente publish approach \"NAME\"");
        if let Some(id) = claim.text("name").and_then(slug_of) {
            claim.default("object_id", format!("{}:{id}", desk.org));
        }
        claim.set("kind", self.kind.map(ApproachKind::as_str));
        claim.default("kind", ApproachKind::Other.as_str());
        claim.set("automation", self.automation.map(Automation::as_str));
        claim.default("automation", Automation::Manual.as_str());
        claim.set("same_as", self.same_as.as_deref());
        claim.list("access", &self.access);
        let truths = [("data_loss", self.data_loss.map(Value::from)), ("reversible", self.reversible.map(Value::from))];
        claim.within("risk", object(truths));
        let artifacts: Vec<Value> = self.artifact.iter().map(|artifact| artifact_of(artifact)).collect();
        claim.list("artifacts", &artifacts);
        claim.set("est_seconds_per_unit", self.takes.map(|takes| takes.as_secs()));
        claim.set("replaces", self.replaces.as_deref());
        claim.list("applies_to", &self.applies_to);
        claim.set("vendor", self.vendor.as_deref());
        claim.set("product", self.product.as_deref());
        let cautions = self.cautions(&stamp(claim.now()));
        claim.list("cautions", &cautions);
        claim.set("said_rate", self.rate());
        self.header.fill_refs(claim, &self.header.about);
    }

    fn names_a_new_object(&self) -> bool {
        self.name.is_some()
    }
}

impl Approach {
    fn cautions(&self, since: &str) -> Vec<Value> {
        let last = self.caution.len().saturating_sub(1);
        let caution = |(index, text): (usize, &String)| {
            let harmed = self.harmed.filter(|_| index == last);
            let members: Map<String, Value> = object([
                ("text", Some(json!(text))),
                ("harm_count", harmed.map(Value::from)),
                ("since", Some(json!(since))),
            ]);
            Value::Object(members)
        };
        self.caution.iter().enumerate().map(caution).collect()
    }

    fn rate(&self) -> Option<Value> {
        let (rate, by) = (self.said_rate?, self.said_by.as_ref()?);
        Some(json!({ "lo": rate.lo, "hi": rate.hi, "by": by }))
    }
}

fn artifact_of(text: &str) -> Value {
    match text.split_once('=') {
        Some((name, hash)) => json!({ "name": name, "sha256": hash }),
        None => json!({ "name": text }),
    }
}

/// The name in small letters, digits and single hyphens, at most 60 characters; none if nothing is left.
fn slug_of(name: &str) -> Option<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").to_ascii_lowercase().chars().take(60).collect();
    Some(slug.trim_end_matches('-').to_owned()).filter(|slug| !slug.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approach_is_named_for_what_it_does() {
        assert_eq!(slug_of("Rescue VM: attach disk!").as_deref(), Some("rescue-vm-attach-disk"));
        assert_eq!(slug_of("  "), None);
    }

    #[test]
    fn harm_belongs_to_the_last_caution() {
        let approach = Approach { caution: vec!["a".into(), "b".into()], harmed: Some(3), ..Approach::default() };
        let expected = [json!({ "text": "a", "since": "t" }), json!({ "text": "b", "harm_count": 3, "since": "t" })];
        assert_eq!(approach.cautions("t"), expected);
    }
}
