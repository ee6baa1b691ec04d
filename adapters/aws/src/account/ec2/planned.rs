//! Work that EC2 plans on machines, as a whole listing of their checks names it: told as sums, one object a kind of work. What
//! is planned no longer is closed, also by another run of this program, for which a file says what was told of where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use aws_sdk_ec2::types::{EventCode, InstanceStatus, InstanceStatusEvent};
use chrono::{DateTime, SecondsFormat, Utc};
use entente_schemas::block::{Block, BlockState, Layer, ServiceClass, Severity};
use entente_schemas::count::{Count, Method, Quantity, Unit};
use entente_schemas::family::{Body, Impact, ImpactKind, Phase};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use entente_sidecar::item::{Item, incident};
use entente_sidecar::mapping::{Mapping, MappingError, Member};
use entente_sidecar::stamp::only_observed;

use super::SYSTEM;
use crate::account::config::is_region;
use crate::account::strangers::Strangers;
use crate::account::table::table;
use crate::account::time::time;

/// The kind of work that is none of those that are known.
const OTHER: &str = "other";
/// What the description of work begins with that is done or called off; it is listed for a week more.
const DONE: [&str; 3] = ["[Completed]", "[Canceled]", "[Cancelled]"];

/// Work on the machines of one region, by its kind.
pub(super) type Plans = BTreeMap<&'static str, Work>;

/// Work of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    machines: u64,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

/// Takes note of what is planned for one machine.
pub(super) fn note(plans: &mut Plans, status: &InstanceStatus, strangers: &mut Strangers) {
    let mut kinds = BTreeSet::new();
    for event in status.events().iter().filter(is_ahead) {
        let code = event.code().map(EventCode::as_str).unwrap_or_default();
        let known = table().planned.get_key_value(code).map(|(code, _)| code.as_str());
        let kind = known.unwrap_or_else(|| {
            strangers.note("event code", code);
            OTHER
        });
        let work = plans.entry(kind).or_default();
        let (from, to) = (event.not_before().and_then(time), event.not_after().and_then(time));
        work.from = [work.from, from].into_iter().flatten().min();
        work.to = work.to.max(to);
        kinds.insert(kind);
    }
    for kind in kinds {
        plans.entry(kind).or_default().machines += 1;
    }
}

fn is_ahead(event: &&InstanceStatusEvent) -> bool {
    let description = event.description().unwrap_or_default();
    !DONE.iter().any(|done| description.starts_with(done))
}

/// Tells what is planned for a fleet.
pub(crate) struct Planner {
    mapping: Mapping,
    fleet: String,
    file: PathBuf,
    open: Open,
    next: Option<Open>,
}

/// Kinds that were told and not closed, and the regions that they were told of.
type Open = BTreeMap<String, BTreeSet<String>>;

impl Planner {
    /// For a fleet of this name; what was told stands in a file.
    pub(crate) fn new(mapping: Mapping, fleet: String, file: PathBuf) -> Self {
        let open = std::fs::read_to_string(&file).unwrap_or_default().lines().filter_map(kept).collect();
        Self { mapping, fleet, file, open, next: None }
    }

    /// What is planned in these regions, by their codes. What is planned no longer is closed once every region that it was
    /// told of is among them.
    ///
    /// # Errors
    /// If the mapping does not say what makes a change.
    pub(super) fn items<'a>(
        &mut self,
        regions: impl Iterator<Item = (&'a str, &'a Plans)>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Item>, MappingError> {
        let (mut kinds, mut seen) = (BTreeMap::<&str, Kind>::new(), BTreeSet::new());
        for (region, plans) in regions {
            seen.insert(region);
            plans.iter().for_each(|(kind, work)| kinds.entry(kind).or_default().add(region, work));
        }
        let mut next = Open::new();
        for (kind, regions) in &self.open {
            if regions.iter().all(|region| seen.contains(region.as_str())) {
                kinds.entry(kind).or_default();
            } else {
                // For want of sight nothing falls and nothing ends.
                kinds.remove(kind.as_str());
                next.insert(kind.clone(), regions.clone());
            }
        }
        let ahead = kinds.iter().filter(|(_, of)| of.work.machines > 0);
        next.extend(ahead.map(|(kind, of)| ((*kind).to_owned(), of.regions.iter().cloned().collect())));
        let items = kinds.iter().map(|(kind, of)| self.item(kind, of, now)).collect();
        self.next = Some(next);
        items
    }

    /// What was told is safe on disk, or is told again.
    pub(super) fn settle(&mut self, safe: bool) {
        let Some(next) = self.next.take().filter(|next| safe && *next != self.open) else { return };
        let line = |(kind, regions): (&String, &BTreeSet<String>)| {
            regions.iter().fold(kind.clone(), |line, region| format!("{line} {region}"))
        };
        let lines: Vec<String> = next.iter().map(line).collect();
        let beside = self.file.with_extension("new");
        let kept = std::fs::write(&beside, lines.join("\n")).and_then(|()| std::fs::rename(&beside, &self.file));
        match kept {
            Ok(()) => self.open = next,
            Err(error) => tracing::warn!(%error, "which work is planned is not kept; its end may be told twice"),
        }
    }

    fn item(&self, kind: &str, of: &Kind, now: DateTime<Utc>) -> Result<Item, MappingError> {
        let id = format!("{}/planned/{kind}", self.fleet);
        let phase = of.phase(now);
        let digest = self.mapping.digest("ec2_planned", |name| of.member(name, kind, phase))?;
        Ok(Item {
            object_id: format!("{SYSTEM}:{id}"),
            native: Native { digest, ..self.mapping.native(SYSTEM, id, None) },
            times: Times {
                occurred_at: of.work.from,
                occurred_end: of.work.to,
                fidelity: of.work.from.map(|_| Fidelity::Minute),
                ..only_observed(now)
            },
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact {
                kind: ImpactKind::Maintenance,
                phase,
                blocks: of.block().into_iter().collect(),
                counts: of.count(now).into_iter().collect(),
                ..incident(self.title(kind))
            }),
            also: Vec::new(),
            refused: Vec::new(),
        })
    }

    fn title(&self, kind: &str) -> String {
        let title = table().planned.get(kind).map_or(kind, String::as_str);
        format!("{title} (aws fleet {})", self.fleet)
    }
}

/// One line of what an earlier run of this program told: a kind, and the regions that it was told of.
fn kept(line: &str) -> Option<(String, BTreeSet<String>)> {
    let mut words = line.split_whitespace();
    let kind = words.next().filter(|kind| table().planned.contains_key(*kind))?;
    Some((kind.to_owned(), words.filter(|region| is_region(region)).map(str::to_owned).collect()))
}

/// Work of one kind in all regions.
#[derive(Debug, Default)]
struct Kind {
    regions: Vec<String>,
    work: Work,
}

impl Kind {
    fn add(&mut self, region: &str, work: &Work) {
        self.regions.push(region.to_owned());
        self.work.machines += work.machines;
        self.work.from = [self.work.from, work.from].into_iter().flatten().min();
        self.work.to = self.work.to.max(work.to);
    }

    fn phase(&self, now: DateTime<Utc>) -> Phase {
        match self.work.from {
            _ if self.work.machines == 0 => Phase::Resolved,
            Some(from) if from <= now => Phase::InProgress,
            _ => Phase::Scheduled,
        }
    }

    fn block(&self) -> Option<Block> {
        (self.work.machines > 0).then(|| Block {
            provider: "aws".to_owned(),
            service_class: ServiceClass::Compute,
            services: vec!["EC2".to_owned()],
            regions: self.regions.clone(),
            zones: Vec::new(),
            state: BlockState::Excluded,
            severity: Severity::NotStated,
            layer: Some(Layer::Platform),
            asset: None,
        })
    }

    fn count(&self, now: DateTime<Utc>) -> Option<Count> {
        let count = Count {
            unit: Unit::Vm,
            quantity: Quantity::AtRisk,
            value: Some(self.work.machines),
            lo: None,
            hi: None,
            method: Method::ExactEnumeration,
            as_of: now,
            overlap_domain: None,
            population: None,
        };
        Some(count).filter(|_| self.work.machines > 0)
    }

    fn member(&self, name: &str, kind: &str, phase: Phase) -> Member {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        match name {
            "code" => kind.into(),
            "phase" => phase.to_string().as_str().into(),
            "from" => time(self.work.from).as_deref().into(),
            "to" => time(self.work.to).as_deref().into(),
            "regions" => self.regions.clone().into(),
            "machines" => self.work.machines.to_string().as_str().into(),
            _ => Member::Absent,
        }
    }
}
