//! One event of AWS Health, whichever way it came, API or queue: into an impact with its text as a notice, or into an
//! advisory. Pure. What names an account or its resources is counted or cut here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use entente_schemas::block::{Block, BlockState, Severity};
use entente_schemas::count::{Count, Method, Quantity, Unit};
use entente_schemas::family::{Advisory, AdvisoryCategory, Body, Impact, ImpactKind, Notice, Phase};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use entente_schemas::speaker::Role;
use entente_sidecar::account::Secret;
use entente_sidecar::item::{Item, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Member};
use entente_sidecar::stamp::only_observed;

use crate::account::scrub;

/// The native system.
pub(crate) const SYSTEM: &str = "aws.health";
/// The page that people see; the same for every event, so it is shown and is never evidence.
const PAGE: &str = "https://health.aws.amazon.com/health/home";
/// The greatest number of characters in an event's name.
const NAME_MAX: usize = 400;
/// The greatest number of characters in any other word of AWS that is no text.
const WORD_MAX: usize = 200;

/// An event as AWS tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HealthEvent {
    /// Its name, which is not one account's alone.
    pub(crate) arn: String,
    pub(crate) service: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) start: Option<DateTime<Utc>>,
    pub(crate) end: Option<DateTime<Utc>>,
    /// When it, or what it hits, was last written.
    pub(crate) updated: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
    pub(crate) affected: Affected,
    /// Members that could not be read; the event stands without them.
    pub(crate) unread: Vec<String>,
}

/// What an event hits, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affected {
    /// Machines by AWS's word for their status; empty where none is stated.
    pub(crate) machines: BTreeMap<String, u64>,
    /// All resources by AWS's word for their status.
    pub(crate) resources: BTreeMap<String, u64>,
    /// Accounts, where an organisation is looked at.
    pub(crate) accounts: Option<u64>,
    /// Whether all of it was seen. What is counted of a part is not told.
    pub(crate) whole: bool,
    /// Names that must not be told.
    pub(crate) names: BTreeSet<String>,
}

impl Affected {
    /// Takes note of one resource.
    pub(crate) fn add(&mut self, value: &str, status: Option<&str>) {
        let status = status.unwrap_or_default().to_owned();
        *self.resources.entry(status.clone()).or_default() += 1;
        if value.starts_with("i-") {
            *self.machines.entry(status).or_default() += 1;
        }
        if !matches!(value, "UNKNOWN" | "AWS_ACCOUNT" | "") {
            self.names.insert(value.to_owned());
        }
    }

    /// Takes note of what another page of the same statement holds.
    pub(crate) fn add_all(&mut self, other: &Self) {
        let pairs = [(&mut self.machines, &other.machines), (&mut self.resources, &other.resources)];
        for (counts, others) in pairs {
            others.iter().for_each(|(word, count)| *counts.entry(word.clone()).or_default() += count);
        }
        self.names.extend(other.names.iter().cloned());
    }
}

/// Which events are told, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling<'a> {
    /// Hides what must not be told.
    pub(crate) secret: &'a Secret,
    /// Whether planned work is told.
    pub(crate) scheduled: bool,
    /// Whether notifications of an account are told.
    pub(crate) notifications: bool,
    /// When the event was seen.
    pub(crate) observed: DateTime<Utc>,
}

/// What an event lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the event has no ARN: it cannot be told from others")]
    Nameless,
    #[error("the event's ARN has over {NAME_MAX} characters; no event has such a name")]
    LongName,
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// What is said of an event; nothing of one that is not to be told.
pub(crate) fn item(
    event: &HealthEvent,
    telling: &Telling<'_>,
    lookup: &mut Lookup<'_>,
) -> Result<Option<Item>, Refusal> {
    let reader = Reader { event, telling, name: scrub::name(event.arn.trim(), telling.secret) };
    reader.item(lookup).map_err(|fault| Refusal {
        reason: fault.to_string(),
        position: Some(reader.name.chars().take(NAME_MAX).collect()).filter(|name: &String| !name.is_empty()),
        // Equal from poll to poll, and without a word that names a resource.
        input: reader.name.clone().into_bytes(),
    })
}

struct Reader<'a> {
    event: &'a HealthEvent,
    telling: &'a Telling<'a>,
    /// The event's name without an account in it.
    name: String,
}

impl Reader<'_> {
    fn item(&self, lookup: &mut Lookup<'_>) -> Result<Option<Item>, Fault> {
        if self.name.is_empty() {
            return Err(Fault::Nameless);
        }
        if self.name.chars().count() > NAME_MAX {
            return Err(Fault::LongName);
        }
        let category = lookup.word("eventTypeCategory", self.event.category.as_deref(), "incident");
        let advice = self.event.category.as_deref() == Some("accountNotification");
        let kind = category.kind.unwrap_or(ImpactKind::Incident);
        let untold =
            (advice && !self.telling.notifications) || (kind == ImpactKind::Maintenance && !self.telling.scheduled);
        if untold {
            return Ok(None);
        }
        let body = if advice { Body::Advisory(self.advisory()) } else { Body::Impact(self.impact(kind, lookup)) };
        let also = if advice { Vec::new() } else { self.notice(lookup)?.into_iter().collect() };
        Ok(Some(Item {
            object_id: format!("{SYSTEM}:{}", self.name),
            native: Native {
                status: self.told(self.event.status.as_deref()),
                category: self.told(self.event.category.as_deref()),
                digest: lookup.mapping().digest("health_event", |name| self.member(name))?,
                ..lookup.mapping().native(SYSTEM, self.name.clone(), Some(PAGE))
            },
            times: self.times(),
            refs: Vec::new(),
            certainty: category.certainty.unwrap_or(Certainty::Observed),
            tlp: None,
            body,
            also,
            refused: self.event.unread.iter().map(|what| self.unread(what)).collect(),
        }))
    }

    fn unread(&self, what: &str) -> Refusal {
        let reason = self.told(Some(what)).unwrap_or_default();
        Refusal { input: format!("{}\n{reason}", self.name).into_bytes(), reason, position: Some(self.name.clone()) }
    }

    fn times(&self) -> Times {
        Times {
            published_at: self.event.updated,
            occurred_at: self.event.start,
            occurred_end: self.event.end.filter(|end| *end <= self.telling.observed || self.is_planned()),
            fidelity: self.event.start.map(|_| Fidelity::Second),
            ..only_observed(self.telling.observed)
        }
    }

    fn is_planned(&self) -> bool {
        self.event.category.as_deref() == Some("scheduledChange")
    }

    fn impact(&self, kind: ImpactKind, lookup: &mut Lookup<'_>) -> Impact {
        let phase = self.phase(kind, lookup);
        Impact {
            kind,
            phase,
            outcome: (phase == Phase::Resolved).then_some(entente_schemas::family::Outcome::Restored),
            severity: Severity::NotStated,
            blocks: vec![self.block(kind, phase, lookup)],
            summary: self.text(),
            counts: self.counts(),
            ..incident(self.title())
        }
    }

    /// The word for the status; older deliveries have none, and say it by their times.
    fn phase(&self, kind: ImpactKind, lookup: &mut Lookup<'_>) -> Phase {
        let field = if kind == ImpactKind::Maintenance { "planned statusCode" } else { "statusCode" };
        let stated = lookup.word(field, self.event.status.as_deref(), "the event's times").phase;
        let past = |time: Option<DateTime<Utc>>| time.is_some_and(|time| time <= self.telling.observed);
        stated.unwrap_or(match kind {
            _ if past(self.event.end) && self.event.end != self.event.start => Phase::Resolved,
            ImpactKind::Maintenance if !past(self.event.start) => Phase::Scheduled,
            ImpactKind::Maintenance => Phase::InProgress,
            _ => Phase::Investigating,
        })
    }

    fn block(&self, kind: ImpactKind, phase: Phase, lookup: &mut Lookup<'_>) -> Block {
        let service = self.told(self.event.service.as_deref()).unwrap_or_default();
        let global = lookup.mapping().is_global(&service);
        let region = self.told(self.event.region.as_deref()).filter(|region| region != "global" || global);
        Block {
            provider: "aws".to_owned(),
            service_class: if service.is_empty() {
                entente_schemas::block::ServiceClass::Other
            } else {
                lookup.class(&service)
            },
            services: Some(service).filter(|service| !service.is_empty()).into_iter().collect(),
            regions: region.into_iter().collect(),
            zones: self.told(self.event.zone.as_deref()).into_iter().collect(),
            state: self.state(kind, phase, lookup),
            severity: Severity::NotStated,
            layer: None,
            asset: None,
        }
    }

    /// The worst state of what is hit; where AWS states none, that of the event.
    fn state(&self, kind: ImpactKind, phase: Phase, lookup: &mut Lookup<'_>) -> BlockState {
        if kind == ImpactKind::Maintenance {
            return BlockState::Excluded;
        }
        if !phase.is_open() {
            return BlockState::Restored;
        }
        let words: Vec<&String> = self.event.affected.resources.keys().filter(|word| !word.is_empty()).collect();
        let states: Vec<BlockState> = words
            .into_iter()
            .filter_map(|word| lookup.word("entity statusCode", Some(word), "unknown").state)
            .collect();
        let worst = [
            BlockState::AffectedDegraded,
            BlockState::Restoring,
            BlockState::Unknown,
            BlockState::Restored,
            BlockState::NotAffected,
        ];
        let stated = worst.into_iter().find(|state| states.contains(state));
        let category = lookup.word("eventTypeCategory", self.event.category.as_deref(), "incident");
        stated.or(category.state).unwrap_or(BlockState::Unknown)
    }

    /// Figures of the account that looks: of a part of what is hit nothing is claimed.
    fn counts(&self) -> Vec<Count> {
        let affected = &self.event.affected;
        let machines = |words: &[&str]| {
            let of = affected.machines.iter().filter(|(word, _)| words.contains(&word.as_str()));
            of.map(|(_, count)| *count).sum::<u64>()
        };
        let hit = machines(&["IMPAIRED", "PENDING", "RESOLVED", ""]);
        let mut counts = Vec::new();
        if affected.whole && hit > 0 {
            counts.push(self.count(Unit::Vm, Quantity::Affected, hit));
            if machines(&[""]) == 0 {
                counts.push(self.count(Unit::Vm, Quantity::Remaining, machines(&["IMPAIRED", "PENDING"])));
                counts.push(self.count(Unit::Vm, Quantity::Restored, machines(&["RESOLVED"])));
            }
        }
        if affected.whole && machines(&["UNKNOWN"]) > 0 {
            counts.push(self.count(Unit::Vm, Quantity::Unknown, machines(&["UNKNOWN"])));
        }
        counts.extend(
            affected
                .accounts
                .filter(|accounts| *accounts > 0)
                .map(|accounts| self.count(Unit::Account, Quantity::Affected, accounts)),
        );
        counts
    }

    fn count(&self, unit: Unit, quantity: Quantity, value: u64) -> Count {
        Count {
            unit,
            quantity,
            value: Some(value),
            lo: None,
            hi: None,
            method: Method::VendorStatement,
            as_of: self.event.updated.unwrap_or(self.telling.observed),
            overlap_domain: None,
            population: None,
        }
    }

    fn advisory(&self) -> Advisory {
        Advisory {
            issuer_role: Role::Provider,
            category: AdvisoryCategory::Statement,
            title: self.title(),
            text: self.text(),
            vendor: Some("aws".to_owned()),
            products: self.told(self.event.service.as_deref()).into_iter().collect(),
            artifacts: Vec::new(),
            restart_required: None,
            preconditions: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// The text, which AWS overwrites: each version is a revision.
    fn notice(&self, lookup: &Lookup<'_>) -> Result<Option<Statement>, MappingError> {
        let Some(text) = self.text() else { return Ok(None) };
        let id = format!("{}/text", self.name);
        let status = self.told(self.event.status.as_deref());
        let digest = lookup.mapping().digest("health_notice", |name| self.member(name))?;
        Ok(Some(Statement {
            object_id: format!("{SYSTEM}:{id}"),
            native: Native { status: status.clone(), digest, ..lookup.mapping().native(SYSTEM, id, Some(PAGE)) },
            times: Times {
                published_at: self.event.updated,
                occurred_at: self.event.updated,
                ..only_observed(self.telling.observed)
            },
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about: format!("{SYSTEM}:{}", self.name),
                channel: PAGE.to_owned(),
                url: Some(PAGE.to_owned()),
                audience_told: if self.event.scope.as_deref() == Some("PUBLIC") { "public" } else { "customers" }
                    .to_owned(),
                native_status: status,
                text,
            }),
        }))
    }

    /// `AWS_EC2_OPERATIONAL_ISSUE` in words: `EC2 operational issue`.
    fn title(&self) -> String {
        let service = self.told(self.event.service.as_deref()).unwrap_or_default();
        let code = self.told(self.event.code.as_deref()).unwrap_or_default();
        let bare = code.strip_prefix("AWS_").unwrap_or(&code);
        let bare = bare.strip_prefix(&format!("{service}_")).unwrap_or(bare).replace('_', " ").to_lowercase();
        let title = format!("{service} {bare}").trim().to_owned();
        if title.is_empty() { self.name.clone() } else { title }
    }

    fn text(&self) -> Option<String> {
        let text = self.event.text.as_deref().filter(|text| !text.trim().is_empty())?;
        Some(scrub::text(text, &self.event.affected.names))
    }

    /// A word of AWS that is no text: within its length, and without names.
    fn told(&self, word: Option<&str>) -> Option<String> {
        let word = word.map(str::trim).filter(|word| !word.is_empty())?;
        let word: String = word.chars().filter(|c| !c.is_control()).take(WORD_MAX).collect();
        Some(scrub::text(&word, &BTreeSet::new()))
    }

    fn member(&self, name: &str) -> Member {
        let event = self.event;
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        let counted = |counts: &BTreeMap<String, u64>| {
            counts
                .iter()
                .filter(|_| event.affected.whole)
                .map(|(word, count)| format!("{word} {count}"))
                .collect::<Vec<_>>()
        };
        match name {
            "service" => event.service.as_deref().into(),
            "eventTypeCode" => event.code.as_deref().into(),
            "eventTypeCategory" => event.category.as_deref().into(),
            "statusCode" => event.status.as_deref().into(),
            "region" => event.region.as_deref().into(),
            "availabilityZone" => event.zone.as_deref().into(),
            "startTime" => time(event.start).as_deref().into(),
            "endTime" => time(event.end).as_deref().into(),
            "lastUpdatedTime" => time(event.updated).as_deref().into(),
            "latestDescription" => self.text().as_deref().into(),
            "entities" => counted(&event.affected.resources).into(),
            "accounts" => event.affected.accounts.map(|accounts| accounts.to_string()).as_deref().into(),
            _ => Member::Absent,
        }
    }
}
