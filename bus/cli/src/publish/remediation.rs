//! `entente publish remediation`: a run of one approach, counted.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use entente_schemas::family::{Family, RunState};
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{Members, object, text};
use super::place::PlaceFlags;
use super::says::Says;
use crate::figure::{number, whole};
use crate::moment::length;
use crate::word::{nearest, word};

const EXAMPLES: &str = "\
Examples:
  entente publish remediation 16 --provider aws --class compute --os windows \\
      --targeted 1200 --attempted 900 --succeeded 840 --failed 35 --in-progress 25 --p50 22m --p90 1h --timed 840
  entente publish remediation 17 --arm device=laptop,targeted=5000,attempted=400,succeeded=390 \\
      --arm device=kiosk,targeted=800,attempted=0
  entente publish remediation 16 --run-state rolled_back --rollback \"Disks came back read-only\" --harmed 12

The 16 and 17 are positions in the log that `publish approach` printed; the object ids do as well.";

/// A run of one approach, counted
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Remediation {
    /// The approach, by its object id or its position in the log
    pub approach: Option<String>,
    /// Who runs it (default: not stated)
    #[arg(long, value_name = "WHO")]
    pub operator: Option<String>,
    /// The state of the run (default: running)
    #[arg(long, value_name = "STATE", value_parser = word!(RunState))]
    pub run_state: Option<RunState>,
    #[command(flatten)]
    pub place: PlaceFlags,
    #[command(flatten)]
    pub tally: TallyFlags,
    /// A further part of the run, such as device=kiosk,targeted=800,attempted=120,succeeded=100
    #[arg(long, value_name = "KEY=VALUE,...", help_heading = "How many units stand where")]
    pub arm: Vec<FurtherArm>,
    /// Half of the units are back after this time
    #[arg(long, value_name = "LENGTH", value_parser = length, requires = "timed")]
    pub p50: Option<Duration>,
    /// Nine in ten are back after this time
    #[arg(long, value_name = "LENGTH", value_parser = length, requires = "timed")]
    pub p90: Option<Duration>,
    /// From how many units these times come
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub timed: Option<u64>,
    /// Why it was undone
    #[arg(long, value_name = "REASON")]
    pub rollback: Option<String>,
    /// How many units came to harm by it
    #[arg(long, value_name = "NUMBER", value_parser = whole, requires = "rollback")]
    pub harmed: Option<u64>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

/// How many units stand where.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How many units stand where")]
pub struct TallyFlags {
    /// The class of devices: cloud_vm, vdi, physical_server, laptop, kiosk
    #[arg(long = "device", value_name = "CLASS")]
    pub device_class: Option<String>,
    /// Chosen for the run; never falls
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub targeted: Option<u64>,
    /// Begun; never falls
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub attempted: Option<u64>,
    /// Under way
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub in_progress: Option<u64>,
    /// Working again
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub succeeded: Option<u64>,
    /// Partly working again
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub partial: Option<u64>,
    /// Not helped
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub failed: Option<u64>,
    /// Cannot be helped this way
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub unsupported: Option<u64>,
    /// No longer there
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub not_found: Option<u64>,
    /// Called off
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub cancelled: Option<u64>,
    /// Outcome unknown
    #[arg(long, value_name = "NUMBER", value_parser = whole)]
    pub lost_to_followup: Option<u64>,
}

const TALLIES: [&str; 10] = [
    "targeted",
    "attempted",
    "in_progress",
    "succeeded",
    "partial",
    "failed",
    "unsupported",
    "not_found",
    "cancelled",
    "lost_to_followup",
];

impl TallyFlags {
    fn tally(&self) -> Map<String, Value> {
        let numbers = [
            self.targeted,
            self.attempted,
            self.in_progress,
            self.succeeded,
            self.partial,
            self.failed,
            self.unsupported,
            self.not_found,
            self.cancelled,
            self.lost_to_followup,
        ];
        let given = TALLIES.into_iter().zip(numbers);
        given.filter_map(|(name, number)| Some((name.to_owned(), Value::from(number?)))).collect()
    }
}

/// A further arm in one argument.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherArm(Map<String, Value>);

impl FromStr for FurtherArm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut arm, mut tally) = (Map::new(), Map::new());
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}`: expected KEY=VALUE"))?;
            if key == "device" {
                arm.insert("device_class".to_owned(), json!(value));
            } else if TALLIES.contains(&key) {
                let number = number(value).ok_or_else(|| format!("`{part}`: expected a whole number"))?;
                tally.insert(key.to_owned(), json!(number));
            } else {
                let hint = nearest(key, TALLIES).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                return Err(format!("unknown key `{key}`{hint} expected: device, {}", TALLIES.join(", ")));
            }
        }
        arm.insert("tally".to_owned(), Value::Object(tally));
        Ok(Self(arm))
    }
}

impl Says for Remediation {
    fn family(&self) -> Family {
        Family::Remediation
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, desk: &Desk) {
        claim.set("approach_id", self.approach.as_deref());
        claim.require("approach_id", "the approach that is run: entente publish remediation ORG:APPROACH");
        claim.set("operator", self.operator.as_deref());
        claim.set("state", self.run_state.map(RunState::as_str));
        let undone = self.rollback.is_some();
        claim.default("state", if undone { RunState::RolledBack } else { RunState::Running }.as_str());
        match self.arms(claim, desk) {
            Ok(arms) => claim.list("arms", &arms),
            Err(mistake) => claim.mistake(mistake),
        }
        let seconds = |length: Option<Duration>| length.map(|length| Value::from(length.as_secs()));
        let times = [("p50_s", seconds(self.p50)), ("p90_s", seconds(self.p90)), ("n", self.timed.map(Value::from))];
        claim.within("ttr", object(times));
        let rollback = [("reason", text(self.rollback.as_ref())), ("harm_count", self.harmed.map(Value::from))];
        claim.within("rollback", object(rollback));
        self.header.fill_refs(claim, &self.header.about);
    }
}

impl Remediation {
    /// The first arm comes from the flags, over that of an earlier revision; further ones replace those after it.
    fn arms(&self, claim: &Members, desk: &Desk) -> Result<Vec<Value>, String> {
        let old = claim.get("arms").and_then(Value::as_array).cloned().unwrap_or_default();
        let speaker = self.header.speaker.as_ref().unwrap_or(&desk.org);
        let provider = self.place.provider.as_ref().unwrap_or(speaker);
        let mut first = old.first().and_then(Value::as_object).cloned().unwrap_or_default();
        let block: Vec<Value> = first.get("block").cloned().into_iter().collect();
        let blocks = self.place.blocks(&block, provider, None)?;
        if blocks.len() > 1 {
            return Err("--class: one arm has one class; give further arms by --arm".to_owned());
        }
        let said =
            object([("block", blocks.into_iter().next()), ("device_class", text(self.tally.device_class.as_ref()))]);
        let mut tally = first.get("tally").and_then(Value::as_object).cloned().unwrap_or_default();
        tally.extend(self.tally.tally());
        first.extend(said);
        let has_first = !first.is_empty() || !tally.is_empty();
        first.insert("tally".to_owned(), Value::Object(tally));
        let further: Vec<Value> = if self.arm.is_empty() {
            old.into_iter().skip(1).collect()
        } else {
            self.arm.iter().map(|arm| Value::Object(arm.0.clone())).collect()
        };
        Ok(has_first.then_some(Value::Object(first)).into_iter().chain(further).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_fits_one_argument() {
        let arm: FurtherArm = "device=kiosk,targeted=1.2k,succeeded=3".parse().unwrap();
        let expected = json!({ "device_class": "kiosk", "tally": { "targeted": 1200, "succeeded": 3 } });
        assert_eq!(Value::Object(arm.0), expected);
        assert!("suceeded=3".parse::<FurtherArm>().unwrap_err().contains("did you mean `succeeded`?"));
        assert!("failed=some".parse::<FurtherArm>().unwrap_err().contains("whole number"));
    }
}
