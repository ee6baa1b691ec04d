//! One event of Personalized Service Health into an impact, its notices, and the advice in it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::{Advisory, AdvisoryCategory, Body, Impact, ImpactKind, Notice, Outcome, Phase};
use entente_schemas::header::{Certainty, Native, Ref, RefKind, Relation, Times};
use entente_schemas::speaker::Role;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::item::{Item, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Meaning, Member};
use entente_sidecar::stamp::{MemberError, StampError, fidelity, meant, only_observed, utc_seconds};

use super::event::{Instant, Told, Update};
use super::{CHANNEL, SYSTEM};
use crate::account::redact::Redact;
use crate::normalize::region_of_zone;

/// The greatest number of characters of an event's id.
const ID_MAX: usize = 200;
/// The greatest number of characters of a symptom; its whole text stands in its notice.
const SYMPTOM_MAX: usize = 500;

/// What an event, or an update of one, lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the event has no `name` of at most {ID_MAX} characters, without which it cannot be told from others")]
    Nameless,
    #[error("the update has no `updateTime`, without which it has no name")]
    Undated,
    #[error(transparent)]
    Stamp(#[from] MemberError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// By what an event is read.
pub(crate) struct Reader<'m> {
    /// The words of this service.
    pub(crate) words: Lookup<'m>,
    /// The classes of products.
    pub(crate) services: Lookup<'m>,
    /// What must not be told.
    pub(crate) redact: &'m Redact,
    pub(crate) observed: DateTime<Utc>,
}

/// An event, with its times and statements read.
struct Event<'a> {
    told: &'a Told,
    object_id: String,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    next_update: Option<DateTime<Utc>>,
    times: Times,
    /// Oldest first.
    updates: Vec<(DateTime<Utc>, &'a Update)>,
}

impl Reader<'_> {
    /// Reads an event into the bus's words. An update that cannot be read costs only itself.
    ///
    /// # Errors
    /// If the event cannot be named, or a time of its own cannot be meant.
    pub(crate) fn item(&mut self, told: &Told) -> Result<Item, Refusal> {
        self.read(told).map_err(|fault| refuse_item(fault, told.id.clone(), format!("{told:?}").as_bytes()))
    }

    fn read(&mut self, told: &Told) -> Result<Item, Fault> {
        if told.id.is_empty() || told.id.chars().count() > ID_MAX {
            return Err(Fault::Nameless);
        }
        let (updates, refused) = self.updates(told);
        let published_at = self.time("updateTime", told.updated)?;
        let event = Event {
            told,
            object_id: format!("{SYSTEM}:{}", told.id),
            start: self.time("startTime", told.start)?,
            end: self.time("endTime", told.end)?,
            next_update: self.time("nextUpdateTime", told.next_update)?,
            times: Times { published_at, ..only_observed(self.observed) },
            updates,
        };
        let meaning = self.meaning(told);
        Ok(Item {
            object_id: event.object_id.clone(),
            native: self.native(&event)?,
            times: Times {
                occurred_at: event.start,
                occurred_end: event.end,
                fidelity: event.start.map(fidelity),
                ..event.times.clone()
            },
            refs: event.parent(),
            certainty: meaning.certainty.unwrap_or(Certainty::Observed),
            tlp: None,
            body: Body::Impact(self.impact(&event, &meaning)),
            also: self.statements(&event)?,
            refused,
        })
    }

    fn updates<'a>(&self, told: &'a Told) -> (Vec<(DateTime<Utc>, &'a Update)>, Vec<Refusal>) {
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for (index, update) in told.updates.iter().enumerate() {
            match self.time("updateTime", update.when).and_then(|when| when.ok_or(Fault::Undated)) {
                Ok(when) => good.push((when, update)),
                Err(fault) => {
                    let position = format!("{}, update {}", told.id, index + 1);
                    refused.push(refuse_item(fault, position, format!("{update:?}").as_bytes()));
                }
            }
        }
        good.sort_by_key(|(when, _)| *when);
        (good, refused)
    }

    fn time(&self, member: &'static str, time: Option<Instant>) -> Result<Option<DateTime<Utc>>, Fault> {
        let Some(time) = time else { return Ok(None) };
        let time = time.ok_or_else(|| StampError::Implausible("outside the calendar".to_owned()));
        let time = time.and_then(|time| meant(time, self.observed));
        Ok(Some(time.map_err(|error| MemberError { member, error })?))
    }

    /// The detailed state speaks, else the plain one; whatever is less sure wins.
    fn meaning(&mut self, told: &Told) -> Meaning {
        let detailed = self.words.word("detailed_state", told.detailed_state.as_deref(), "investigating");
        let plain = self.words.word("state", told.state.as_deref(), "investigating");
        let sort = self.words.word("detailed_category", told.detailed_category.as_deref(), "observed");
        let kind = self.words.word("category", told.category.as_deref(), "incident").kind;
        for word in told.projects.unknown_words() {
            self.words.note("relevance", word, "unknown");
        }
        let state = if detailed == Meaning::default() { plain } else { detailed };
        Meaning { certainty: state.certainty.max(sort.certainty), kind, ..state }
    }

    fn native(&self, event: &Event<'_>) -> Result<Native, MappingError> {
        let mapping = self.words.mapping();
        let told = event.told;
        Ok(Native {
            status: told.detailed_state.clone().or_else(|| told.state.clone()),
            category: told.detailed_category.clone().or_else(|| told.category.clone()),
            digest: mapping.digest("impact", |name| event.member(name))?,
            ..mapping.native(SYSTEM, told.id.clone(), None)
        })
    }

    fn impact(&mut self, event: &Event<'_>, meaning: &Meaning) -> Impact {
        let phase = meaning.phase.unwrap_or(Phase::Investigating);
        let remedied = event.updates.iter().any(|(_, update)| !update.workaround.trim().is_empty());
        let phase = if phase == Phase::Investigating && remedied { Phase::Identified } else { phase };
        let told = event.told;
        let newest = event.updates.last().map(|(_, update)| update.description.as_str());
        let summary = newest.filter(|text| !text.trim().is_empty()).unwrap_or(&told.description);
        Impact {
            kind: meaning.kind.unwrap_or(ImpactKind::Incident),
            phase,
            outcome: meaning.outcome.filter(|_| phase == Phase::Resolved && meaning.outcome != Some(Outcome::Other)),
            severity: Severity::NotStated,
            blocks: self.blocks(told, meaning.state.unwrap_or(BlockState::Unknown)),
            summary: Some(self.redact.text(summary)).filter(|text| !text.trim().is_empty()),
            symptoms: self.symptoms(event),
            counts: told.projects.counts(event.times.published_at.unwrap_or(self.observed)),
            next_update_by: event.next_update.filter(|_| phase.is_open()),
            ..incident(self.title(told))
        }
    }

    fn title(&self, told: &Told) -> String {
        let said = [&told.title, &told.description].into_iter().find(|text| !text.trim().is_empty());
        let text = said.map_or("Event without a title", String::as_str);
        self.redact.text(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The newest sign by which it is known.
    fn symptoms(&self, event: &Event<'_>) -> Vec<String> {
        let said = event.updates.iter().rev().map(|(_, update)| update.symptom.trim());
        let newest = said.into_iter().find(|text| !text.is_empty());
        newest.map(|text| self.redact.text(text).chars().take(SYMPTOM_MAX).collect()).into_iter().collect()
    }

    /// One block for all products of one class that are hit in the same places.
    fn blocks(&mut self, told: &Told, state: BlockState) -> Vec<Block> {
        let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (product, location) in &told.impacts {
            places.entry(product).or_default().insert(location);
        }
        let mut groups: BTreeMap<(ServiceClass, Places), Vec<String>> = BTreeMap::new();
        for (product, locations) in places {
            let class = if product.is_empty() { ServiceClass::Other } else { self.services.class(product) };
            let everywhere = self.services.mapping().is_global(product);
            let services = groups.entry((class, Places::of(&locations, everywhere))).or_default();
            services.extend(Some(product.to_owned()).filter(|product| !product.is_empty()));
        }
        groups.into_iter().map(|((class, places), services)| places.block(class, services, state)).collect()
    }

    fn statements(&self, event: &Event<'_>) -> Result<Vec<Statement>, MappingError> {
        let mut said = Vec::new();
        let mut advice = "";
        for (when, update) in &event.updates {
            said.push(self.notice(event, *when, update)?);
            let workaround = update.workaround.trim();
            // Each later update repeats the advice; it is said when it changes.
            if !workaround.is_empty() && workaround != advice {
                said.push(self.advisory(event, *when, update)?);
                advice = workaround;
            }
        }
        Ok(said)
    }

    fn notice(&self, event: &Event<'_>, when: DateTime<Utc>, update: &Update) -> Result<Statement, MappingError> {
        let body = Body::Notice(Notice {
            about: event.object_id.clone(),
            channel: CHANNEL.to_owned(),
            url: None,
            audience_told: "customers concerned".to_owned(),
            native_status: event.told.detailed_state.clone(),
            text: self.redact.text(&update.text()),
        });
        self.statement(event, when, "notice", update, (utc_seconds(when), body))
    }

    fn advisory(&self, event: &Event<'_>, when: DateTime<Utc>, update: &Update) -> Result<Statement, MappingError> {
        let products = event.told.impacts.iter().map(|(product, _)| product.clone());
        let products: BTreeSet<String> = products.filter(|product| !product.is_empty()).collect();
        let body = Body::Advisory(Advisory {
            issuer_role: Role::Provider,
            category: AdvisoryCategory::Workaround,
            title: self.title(event.told),
            text: Some(self.redact.text(update.workaround.trim())),
            vendor: None,
            products: products.into_iter().collect(),
            artifacts: Vec::new(),
            restart_required: None,
            preconditions: Vec::new(),
            documents: Vec::new(),
        });
        let id = format!("{}/workaround", utc_seconds(when));
        let said = self.statement(event, when, "advisory", update, (id, body))?;
        Ok(Statement { refs: vec![refer(&event.object_id, Relation::Related)], ..said })
    }

    fn statement(
        &self,
        event: &Event<'_>,
        when: DateTime<Utc>,
        list: &str,
        update: &Update,
        (id, body): (String, Body),
    ) -> Result<Statement, MappingError> {
        let mapping = self.words.mapping();
        let native = mapping.native(SYSTEM, format!("{}/{id}", event.told.id), None);
        let digest = mapping.digest(list, |name| update.member(name))?;
        Ok(Statement {
            object_id: format!("{SYSTEM}:{}", native.id),
            native: Native { status: event.told.detailed_state.clone(), digest, ..native },
            times: Times { occurred_at: Some(when), fidelity: Some(fidelity(when)), ..event.times.clone() },
            refs: Vec::new(),
            body,
        })
    }
}

impl Event<'_> {
    fn parent(&self) -> Vec<Ref> {
        let parent = self.told.parent.iter().filter(|parent| **parent != self.told.id);
        parent.map(|parent| refer(&format!("{SYSTEM}:{parent}"), Relation::PartOf)).collect()
    }

    fn member(&self, name: &str) -> Member {
        let told = self.told;
        let newest = self.updates.last().map(|(_, update)| *update);
        let time = |time: Option<DateTime<Utc>>| time.map(utc_seconds).as_deref().into();
        match name {
            "title" => told.title.as_str().into(),
            "description" => told.description.as_str().into(),
            "category" => told.category.as_deref().into(),
            "detailed_category" => told.detailed_category.as_deref().into(),
            "state" => told.state.as_deref().into(),
            "detailed_state" => told.detailed_state.as_deref().into(),
            "projects" => told.projects.told().into(),
            "parent" => told.parent.as_deref().into(),
            "start" => time(self.start),
            "end" => time(self.end),
            "next_update" => time(self.next_update),
            "impacts" => {
                told.impacts.iter().map(|(product, place)| format!("{product} @ {place}")).collect::<Vec<_>>().into()
            }
            _ => match (newest, name.strip_prefix("newest.")) {
                (Some(update), Some(member)) => update.member(member),
                _ => Member::Absent,
            },
        }
    }
}

impl Update {
    /// All that it says; what it has to say of signs and remedies is named as such.
    fn text(&self) -> String {
        let said = [&self.description, &self.title].into_iter().find(|text| !text.trim().is_empty());
        let mut text = said.cloned().unwrap_or_default();
        for (name, part) in [("Symptom", &self.symptom), ("Workaround", &self.workaround)] {
            if !part.trim().is_empty() {
                text.push_str(&format!("\n\n{name}: {part}"));
            }
        }
        text
    }

    fn member(&self, name: &str) -> Member {
        match name {
            "when" => self.when.flatten().map(utc_seconds).as_deref().into(),
            "title" => self.title.as_str().into(),
            "description" => self.description.as_str().into(),
            "symptom" => self.symptom.as_str().into(),
            "workaround" => self.workaround.as_str().into(),
            _ => Member::Absent,
        }
    }
}

fn refer(object_id: &str, relation: Relation) -> Ref {
    Ref { kind: RefKind::Incident, value: object_id.to_owned(), relation }
}

/// Where products are hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Places {
    regions: BTreeSet<String>,
    zones: BTreeSet<String>,
}

impl Places {
    /// `global` is a place of services that are global by nature; of others it says that no place is stated.
    fn of(locations: &BTreeSet<&str>, everywhere: bool) -> Self {
        let mut places = Self::default();
        for location in locations.iter().filter(|location| !location.is_empty()) {
            if location.eq_ignore_ascii_case("global") {
                places.regions.extend(everywhere.then(|| "global".to_owned()));
            } else if let Some(region) = region_of_zone(location) {
                places.regions.insert(region.to_owned());
                places.zones.insert((*location).to_owned());
            } else {
                places.regions.insert((*location).to_owned());
            }
        }
        places
    }

    fn block(self, class: ServiceClass, services: Vec<String>, state: BlockState) -> Block {
        Block {
            provider: "gcp".to_owned(),
            service_class: class,
            services,
            regions: self.regions.into_iter().collect(),
            zones: self.zones.into_iter().collect(),
            state,
            severity: Severity::NotStated,
            layer: None,
            asset: None,
        }
    }
}
