//! One incident of the public feed into an impact and its notices. Pure. While an incident is open its newest update
//! speaks, once it is closed the incident itself; `end` closes it whatever the newest update says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::{Body, Impact, Notice, Outcome, Phase};
use entente_schemas::header::{Certainty, Native, Times};
use entente_sidecar::decode::{List, Part, refuse_item};
use entente_sidecar::item::{Item, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Meaning, Member};
use entente_sidecar::reading::{address, updates};
use entente_sidecar::stamp::{MemberError, fidelity, member as stamp, only_observed, optional, utc_seconds};
use indexmap::IndexSet;
use serde::Deserialize;

use crate::public::PAGES;

/// The native system of the public feed.
pub(crate) const SYSTEM: &str = "gcp.public";

/// The greatest number of characters in a name that the claims of one incident repeat.
const NAME_MAX: usize = 400;

/// The name that the feed gives where several products are hit; they stand in a list of their own.
const SEVERAL: &str = "Multiple Products";

/// An incident as the feed writes it. Members that make no claim are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Incident {
    id: Option<String>,
    begin: Option<String>,
    created: Option<String>,
    end: Option<String>,
    modified: Option<String>,
    external_desc: Option<String>,
    updates: Option<List<Part<Update>>>,
    status_impact: Option<String>,
    severity: Option<String>,
    service_name: Option<String>,
    affected_products: Option<List<Product>>,
    currently_affected_locations: Option<List<Location>>,
    previously_affected_locations: Option<List<Location>>,
    uri: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Update {
    when: Option<String>,
    created: Option<String>,
    status: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Product {
    title: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Location {
    id: Option<String>,
    title: Option<String>,
}

/// What an incident lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("`id` has over {NAME_MAX} characters; no incident has such a name")]
    LongName,
    #[error("a location's id has over {NAME_MAX} characters; no place has such a name")]
    LongPlace,
    #[error("the update has neither `when` nor `created`, without which it has no name")]
    Undated,
    #[error(transparent)]
    Stamp(#[from] MemberError),
    #[error("neither `id` nor `created`: the incident cannot be told from others")]
    Nameless,
    #[error("neither `begin` nor `created`: no incident of this feed")]
    Timeless,
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// An update and when it was said.
type Told<'a> = (DateTime<Utc>, &'a Update);

/// What all parts of one incident need.
struct Reader<'a, 'm> {
    observed: DateTime<Utc>,
    lookup: &'a mut Lookup<'m>,
    native_id: String,
    url: Option<String>,
    modified: Option<DateTime<Utc>>,
    /// The updates that could be read, oldest first; those of one instant as the feed has them.
    told: Vec<Told<'a>>,
}

impl Incident {
    /// Reads the incident into the bus's words.
    pub(crate) fn item(self, raw: &str, observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Item, Refusal> {
        self.read(observed, lookup).map_err(|fault| {
            let position = self.name();
            refuse_item(fault, position, raw.as_bytes())
        })
    }

    /// What a refusal calls it.
    fn name(&self) -> String {
        let name = present(self.id.as_deref()).or(present(self.created.as_deref())).or(present(self.begin.as_deref()));
        name.unwrap_or("an incident without a name").chars().take(NAME_MAX).collect()
    }

    fn read(&self, observed: DateTime<Utc>, lookup: &mut Lookup<'_>) -> Result<Item, Fault> {
        let native_id = self.native_id(observed)?;
        if present(self.begin.as_deref()).or(present(self.created.as_deref())).is_none() {
            return Err(Fault::Timeless);
        }
        if self.places_named().any(|code| code.chars().count() > NAME_MAX) {
            return Err(Fault::LongPlace);
        }
        let url = self.page();
        let modified = optional("modified", self.modified.as_deref(), observed)?;
        let (told, refused) = self.told(observed);
        let reader = &mut Reader { observed, lookup, native_id, url, modified, told };
        let begin = optional("begin", self.begin.as_deref(), observed)?;
        let end = optional("end", self.end.as_deref(), observed)?;
        Ok(Item {
            object_id: format!("{SYSTEM}:{}", reader.native_id),
            native: self.native(reader)?,
            times: Times { occurred_at: begin, occurred_end: end, fidelity: begin.map(fidelity), ..reader.times() },
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(self.impact(end.is_some(), reader)),
            also: reader.told.iter().map(|told| statement(*told, reader)).collect::<Result<_, _>>()?,
            refused,
        })
    }

    fn told(&self, observed: DateTime<Utc>) -> (Vec<Told<'_>>, Vec<Refusal>) {
        let (mut told, refused) = updates(&self.name(), self.updates.iter().flatten(), |update: &Update| {
            Ok::<_, Fault>((stamp("when", update.when().ok_or(Fault::Undated)?, observed)?, update))
        });
        told.sort_by_key(|(when, _)| *when);
        (told, refused)
    }

    /// The feed's id, else the second in which the incident was created: the older schema has none.
    fn native_id(&self, observed: DateTime<Utc>) -> Result<String, Fault> {
        match (present(self.id.as_deref()), present(self.created.as_deref())) {
            (Some(id), _) if id.chars().count() > NAME_MAX => Err(Fault::LongName),
            (Some(id), _) => Ok(id.to_owned()),
            (None, Some(created)) => Ok(stamp("created", created, observed)?.timestamp().to_string()),
            (None, None) => Err(Fault::Nameless),
        }
    }

    fn places_named(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.currently_affected_locations, &self.previously_affected_locations];
        let locations = lists.into_iter().flatten().flatten();
        locations.flat_map(|location| [&location.id, &location.title]).flatten().map(String::as_str)
    }

    fn page(&self) -> Option<String> {
        let uri = self.uri.as_deref().and_then(address).filter(|uri| !uri.contains(':')).map(str::to_owned);
        let own = present(self.id.as_deref()).filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()));
        let path = uri.or_else(|| own.map(|id| format!("incidents/{id}")))?;
        Some(format!("{PAGES}/{}", path.trim_start_matches('/')))
    }

    fn native(&self, reader: &Reader<'_, '_>) -> Result<Native, MappingError> {
        let mapping = reader.lookup.mapping();
        Ok(Native {
            status: reader.newest().and_then(|update| update.status.clone()),
            severity: self.severity.clone(),
            category: self.status_impact.clone(),
            digest: mapping.digest("impact", |name| self.member(name, reader.newest()))?,
            ..mapping.native(SYSTEM, reader.native_id.clone(), reader.url.as_deref())
        })
    }

    fn member(&self, name: &str, newest: Option<&Update>) -> Member {
        match name {
            "begin" => self.begin.as_deref().into(),
            "end" => self.end.as_deref().into(),
            "external_desc" => self.external_desc.as_deref().into(),
            "severity" => self.severity.as_deref().into(),
            "status_impact" => self.status_impact.as_deref().into(),
            "affected_products.title" => self.products().map(|title| title.to_owned()).collect::<Vec<_>>().into(),
            "currently_affected_locations.id" => codes(self.currently_affected_locations.as_deref()).into(),
            "previously_affected_locations.id" => codes(self.previously_affected_locations.as_deref()).into(),
            "newest.when" => newest.and_then(Update::when).into(),
            "newest.status" => newest.and_then(|update| update.status.as_deref()).into(),
            "newest.text" => newest.and_then(|update| update.text.as_deref()).into(),
            _ => Member::Absent,
        }
    }

    fn products(&self) -> impl Iterator<Item = &str> {
        self.affected_products.iter().flatten().filter_map(|product| product.title.as_deref())
    }

    fn impact(&self, ended: bool, reader: &mut Reader<'_, '_>) -> Impact {
        let update = reader.newest();
        let newest = reader.lookup.status(update.and_then(|update| update.status.as_deref()));
        let closed = ended || newest.phase == Some(Phase::Resolved);
        let severity = self.severity(closed, &newest, reader);
        let state = if closed { BlockState::Restored } else { newest.state.unwrap_or(BlockState::Unknown) };
        Impact {
            phase: if closed { Phase::Resolved } else { newest.phase.unwrap_or(Phase::Investigating) },
            outcome: closed.then_some(Outcome::Restored),
            severity,
            blocks: self.blocks(state, severity, reader),
            summary: update.and_then(|update| update.text.clone()),
            ..incident(self.title())
        }
    }

    fn title(&self) -> String {
        let said = present(self.external_desc.as_deref()).or(present(self.service_name.as_deref()));
        said.unwrap_or("Incident without a description").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// `status_impact` wins over `severity` where both stand; both are final values, so an open incident takes its newest
    /// update's word first.
    fn severity(&self, closed: bool, newest: &Meaning, reader: &mut Reader<'_, '_>) -> Severity {
        let impact = reader.lookup.status(self.status_impact.as_deref()).severity;
        let own = reader.lookup.word("severity", self.severity.as_deref(), "not_stated").severity;
        let newest = newest.severity.filter(|_| !closed);
        newest.or(impact).or(own).unwrap_or(Severity::NotStated)
    }

    /// One block a class and state: where it is hit still, and where it was.
    fn blocks(&self, state: BlockState, severity: Severity, reader: &mut Reader<'_, '_>) -> Vec<Block> {
        let services = self.services(reader);
        let places = self.places(state);
        let all = places.iter().flat_map(|place| services.iter().map(move |service| (place, service)));
        all.map(|((state, place), (group, names))| place.block(*group, names, *state, severity)).collect()
    }

    fn places(&self, state: BlockState) -> Vec<(BlockState, Places)> {
        let mut now = Places::of(self.currently_affected_locations.as_deref());
        let mut before = Places::of(self.previously_affected_locations.as_deref());
        if state == BlockState::Restored {
            now.join(before);
            return vec![(state, now)];
        }
        before.leave_out(&now);
        let mut places = vec![(state, now)];
        if !before.is_empty() {
            places.push((BlockState::Restored, before));
        }
        places
    }

    /// The native names by class; those that are global by nature apart, since they have no region.
    fn services(&self, reader: &mut Reader<'_, '_>) -> BTreeMap<Group, Names> {
        let mut titles: Vec<&str> = self.products().map(str::trim).filter(|title| !title.is_empty()).collect();
        if titles.is_empty() {
            titles.extend(present(self.service_name.as_deref()).filter(|name| *name != SEVERAL));
        }
        let mut services: BTreeMap<Group, Names> = BTreeMap::new();
        for title in titles {
            let group = (reader.lookup.class(title), reader.lookup.mapping().is_global(title));
            services.entry(group).or_default().insert(title.to_owned());
        }
        if services.is_empty() {
            services.insert((ServiceClass::Other, false), Names::new());
        }
        services
    }
}

/// A class, and whether its services are global by nature.
type Group = (ServiceClass, bool);

/// Each name once, in the feed's order.
type Names = IndexSet<String>;

impl Update {
    /// When it was said; one that does not say so, when it was entered.
    fn when(&self) -> Option<&str> {
        present(self.when.as_deref()).or(present(self.created.as_deref()))
    }
}

fn statement((when, update): Told<'_>, reader: &Reader<'_, '_>) -> Result<Statement, MappingError> {
    let id = format!("{}/{}", reader.native_id, utc_seconds(when));
    let mapping = reader.lookup.mapping();
    let digest = mapping.digest("notice", |name| match name {
        "when" => update.when().into(),
        "status" => update.status.as_deref().into(),
        "text" => update.text.as_deref().into(),
        _ => Member::Absent,
    })?;
    let native = mapping.native(SYSTEM, id, reader.url.as_deref());
    Ok(Statement {
        object_id: format!("{SYSTEM}:{}", native.id),
        native: Native { status: update.status.clone(), digest, ..native },
        times: Times { occurred_at: Some(when), fidelity: Some(fidelity(when)), ..reader.times() },
        refs: Vec::new(),
        body: Body::Notice(Notice {
            about: format!("{SYSTEM}:{}", reader.native_id),
            channel: PAGES.to_owned(),
            url: reader.url.clone(),
            audience_told: "public".to_owned(),
            native_status: update.status.clone(),
            text: update.text.clone().unwrap_or_default(),
        }),
    })
}

impl<'a> Reader<'a, '_> {
    /// The update with the greatest time; of several the feed's first.
    fn newest(&self) -> Option<&'a Update> {
        let (latest, _) = self.told.last()?;
        self.told.iter().find(|(when, _)| when == latest).map(|(_, update)| *update)
    }

    /// The clocks of a claim that was read from this version of the incident.
    fn times(&self) -> Times {
        Times { published_at: self.modified, ..only_observed(self.observed) }
    }
}

/// Where something is hit, in the feed's order.
#[derive(Clone, Debug, Default)]
struct Places {
    regions: Names,
    zones: Names,
}

impl Places {
    fn of(locations: Option<&[Location]>) -> Self {
        let mut places = Self::default();
        for code in codes(locations) {
            match region_of_zone(&code).map(str::to_owned) {
                Some(region) => {
                    places.regions.insert(region);
                    places.zones.insert(code);
                }
                None => {
                    places.regions.insert(code);
                }
            }
        }
        places
    }

    fn join(&mut self, other: Self) {
        self.regions.extend(other.regions);
        self.zones.extend(other.zones);
    }

    fn leave_out(&mut self, other: &Self) {
        self.regions.retain(|region| !other.regions.contains(region));
        self.zones.retain(|zone| !other.zones.contains(zone));
    }

    fn is_empty(&self) -> bool {
        self.regions.is_empty() && self.zones.is_empty()
    }

    fn block(&self, (class, global): Group, names: &Names, state: BlockState, severity: Severity) -> Block {
        let everywhere = global && self.is_empty();
        Block {
            provider: "gcp".to_owned(),
            service_class: class,
            services: names.iter().cloned().collect(),
            regions: if everywhere { vec!["global".to_owned()] } else { self.regions.iter().cloned().collect() },
            zones: self.zones.iter().cloned().collect(),
            state,
            severity,
            layer: None,
            asset: None,
        }
    }
}

/// A zone is its region with one more letter: `us-central1-a`; those for AI have one more word, `us-central1-ai1a`.
pub(crate) fn region_of_zone(code: &str) -> Option<&str> {
    let (region, letter) = code.rsplit_once('-')?;
    let zone = match letter.as_bytes() {
        [letter] => letter.is_ascii_lowercase(),
        // Zones for AI are set apart: `us-central1-ai1a`.
        [b'a', b'i', number, letter] => number.is_ascii_digit() && letter.is_ascii_lowercase(),
        _ => false,
    };
    (zone && region.ends_with(|c: char| c.is_ascii_digit())).then_some(region)
}

fn codes(locations: Option<&[Location]>) -> Vec<String> {
    let named = locations
        .unwrap_or_default()
        .iter()
        .filter_map(|location| present(location.id.as_deref()).or(present(location.title.as_deref())));
    named.map(|code| code.trim().to_owned()).collect()
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}
