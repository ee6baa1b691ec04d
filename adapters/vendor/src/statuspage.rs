//! Statuspage v2 and its imitators: each incident or planned work is an item, each of its updates a statement. An item
//! that is gone from the newest 50 says nothing: resolved is read from the incident itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entente_schemas::block::ServiceClass;
use entente_schemas::check::OBJECT_ID_MAX;
use entente_schemas::family::{Body, Impact, ImpactKind, Notice};
use entente_schemas::header::{Certainty, Native, Ref, RefKind, Relation, Times};
use entente_sidecar::decode::{json_item, refuse_item};
use entente_sidecar::item::{FeedProfile, Item, Normalize, Reading, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, MappingError, Member};
use entente_sidecar::reading::{address, gather, updates as sorted_out};
use entente_sidecar::stamp::{MemberError, fidelity, only_observed, optional, utc_seconds};

use crate::component::{Part, blocks, digest_member, parts};
use crate::incident::{Incident, Listed, Update, answer, is_object};
use crate::words::{Words, mapping, words};

/// One vendor's status page.
#[derive(Clone, Debug)]
pub(crate) struct Statuspage {
    pub(crate) profile: FeedProfile,
    /// The address below which each incident has its page.
    pub(crate) page: Option<String>,
    /// The class of what the vendor sells.
    pub(crate) class: ServiceClass,
}

/// Why an item is not taken.
#[derive(Debug, thiserror::Error)]
enum ItemError {
    #[error("the item has no name")]
    NoName,
    #[error("the item's id is empty or has over {OBJECT_ID_MAX} characters")]
    BadId,
    #[error(transparent)]
    Time(#[from] MemberError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// An update, when it was said, and when it was edited.
#[derive(Clone, Copy)]
struct Told<'a> {
    when: Option<DateTime<Utc>>,
    edited: Option<DateTime<Utc>>,
    update: &'a Update,
}

/// What is known of an incident once its words and times are read.
struct Case<'a> {
    incident: &'a Incident,
    id: String,
    object_id: String,
    updates: Vec<Told<'a>>,
    refused: Vec<Refusal>,
    words: Words,
    parts: BTreeMap<String, Part>,
    url: Option<String>,
    observed: DateTime<Utc>,
}

impl Normalize for Statuspage {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        let answer = answer(body)?;
        let page = self.page.as_deref().or(answer.page.as_deref()).and_then(address);
        let mut lookup = Lookup::new(mapping());
        let listed = answer.listed.iter().enumerate();
        let mut reading = gather(listed.map(|(index, raw)| self.listed(raw, index, page, &mut lookup, observed)));
        reading.unmapped = lookup.into_unmapped();
        Ok(reading)
    }
}

impl Statuspage {
    fn listed(
        &self,
        listed: &Listed,
        index: usize,
        page: Option<&str>,
        lookup: &mut Lookup<'_>,
        observed: DateTime<Utc>,
    ) -> Result<Item, Refusal> {
        if !is_object(&listed.raw) {
            return Err(refuse_item(
                "an item is an object",
                format!("item {}", index + 1),
                listed.raw.get().as_bytes(),
            ));
        }
        let incident: Incident = json_item(&listed.raw, index)?;
        let case = self.case(&incident, listed.planned, page, lookup, observed);
        case.and_then(|case| self.item(&case, page, lookup)).map_err(|error| {
            let id: String = incident.id.text().chars().take(80).collect();
            refuse_item(error, format!("item {} {id}", index + 1), listed.raw.get().as_bytes())
        })
    }

    fn case<'a>(
        &self,
        incident: &'a Incident,
        planned: bool,
        page: Option<&str>,
        lookup: &mut Lookup<'_>,
        observed: DateTime<Utc>,
    ) -> Result<Case<'a>, ItemError> {
        let id = incident.id.text();
        let object_id = format!("{}:{id}", self.profile.system);
        if id.is_empty() || object_id.chars().count() > OBJECT_ID_MAX {
            return Err(ItemError::BadId);
        }
        let (updates, refused) = in_order(incident, observed);
        let words = words(incident, planned, lookup);
        let parts = parts(incident, updates.iter().map(|told| told.update), words.phase.is_open());
        let url =
            incident.link().and_then(address).map(str::to_owned).or_else(|| page.map(|page| item_page(page, &id)));
        Ok(Case { incident, id, object_id, updates, refused, words, parts, url, observed })
    }

    fn item(&self, case: &Case<'_>, page: Option<&str>, lookup: &mut Lookup<'_>) -> Result<Item, ItemError> {
        let words = &case.words;
        let newest = case.updates.last().map(|told| told.update.text()).filter(|text| !text.trim().is_empty());
        Ok(Item {
            object_id: case.object_id.clone(),
            native: self.native(case)?,
            times: times(case)?,
            refs: own_page(case, page),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact {
                kind: words.kind,
                phase: words.phase,
                outcome: words.outcome,
                severity: words.severity,
                blocks: blocks(&self.profile.speaker.org, self.class, &case.parts, words, lookup),
                summary: newest.map(str::to_owned),
                ..incident(case.incident.name().ok_or(ItemError::NoName)?.to_owned())
            }),
            also: case.updates.iter().map(|told| self.statement(case, *told)).collect::<Result<_, _>>()?,
            refused: case.refused.clone(),
        })
    }

    fn native(&self, case: &Case<'_>) -> Result<Native, MappingError> {
        Ok(Native {
            status: case.incident.status().map(str::to_owned),
            severity: case.incident.impact().map(str::to_owned),
            digest: mapping().digest("impact", |name| member(case, name))?,
            ..mapping().native(&self.profile.system, case.id.clone(), case.url.as_deref())
        })
    }

    fn statement(&self, case: &Case<'_>, Told { when, edited, update }: Told<'_>) -> Result<Statement, MappingError> {
        let name = match (&update.id, when) {
            (Some(id), _) => id.text(),
            (None, Some(when)) => utc_seconds(when),
            (None, None) => "text".to_owned(),
        };
        Ok(Statement {
            object_id: format!("{}/{name}", case.object_id),
            native: Native {
                status: update.status.clone(),
                digest: mapping().digest("notice", |name| update_member(update, name))?,
                ..mapping().native(&self.profile.system, format!("{}/{name}", case.id), case.url.as_deref())
            },
            times: Times {
                published_at: edited.or(when),
                occurred_at: when,
                fidelity: when.map(fidelity),
                ..only_observed(case.observed)
            },
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about: case.object_id.clone(),
                channel: self.profile.speaker.channel.clone().unwrap_or_else(|| self.profile.system.clone()),
                url: case.url.clone(),
                audience_told: "public".to_owned(),
                native_status: update.status.clone(),
                text: update.text().to_owned(),
            }),
        })
    }
}

/// Updates, oldest first; those that were said at one time in the order of their ids.
fn in_order(incident: &Incident, observed: DateTime<Utc>) -> (Vec<Told<'_>>, Vec<Refusal>) {
    let told = |update| {
        let when = optional("display_at", Update::when(update), observed)?;
        let edited = optional("updated_at", update.edited(), observed)?;
        Ok::<_, MemberError>(Told { when, edited, update })
    };
    let (mut updates, refused) = sorted_out(&incident.id.text(), incident.updates(), told);
    updates.sort_by_cached_key(|told| (told.when, told.update.id.as_ref().map(crate::incident::Id::text)));
    (updates, refused)
}

fn times(case: &Case<'_>) -> Result<Times, MemberError> {
    let (incident, observed) = (case.incident, case.observed);
    let planned = case.words.kind == ImpactKind::Maintenance;
    let began = if planned {
        optional("scheduled_for", incident.scheduled_for(), observed)?
    } else {
        optional("started_at", incident.started(), observed)?
    };
    let ended = optional("resolved_at", incident.resolved(), observed)?;
    let created = optional("created_at", incident.created(), observed)?;
    let updated = optional("updated_at", incident.updated(), observed)?;
    Ok(Times {
        published_at: updated.or(case.updates.last().and_then(|told| told.when)).or(created),
        occurred_at: began,
        occurred_end: ended.filter(|_| !case.words.phase.is_open()),
        fidelity: began.map(fidelity),
        ..only_observed(observed)
    })
}

fn member(case: &Case<'_>, name: &str) -> Member {
    let incident = case.incident;
    match name {
        "name" => incident.name().into(),
        "status" => incident.status().into(),
        "impact" => incident.impact().into(),
        "started" => incident.started().into(),
        "resolved" => incident.resolved().into(),
        "scheduled_for" => incident.scheduled_for().into(),
        "scheduled_until" => incident.scheduled_until().into(),
        "components" => digest_member(&case.parts).into(),
        _ => match (name.strip_prefix("newest."), case.updates.last()) {
            (Some(name), Some(told)) => update_member(told.update, name),
            _ => Member::Absent,
        },
    }
}

fn update_member(update: &Update, name: &str) -> Member {
    match name {
        "when" => update.when().into(),
        "status" => update.status.as_deref().into(),
        "text" => update.text().into(),
        _ => Member::Absent,
    }
}

fn item_page(page: &str, id: &str) -> String {
    format!("{}/incidents/{id}", page.trim().trim_end_matches('/'))
}

/// The item's long address, under which other texts cite it, where the item itself gives a short one.
fn own_page(case: &Case<'_>, page: Option<&str>) -> Vec<Ref> {
    let long = page.map(|page| item_page(page, &case.id)).filter(|long| case.url.as_ref() != Some(long));
    long.map(|value| Ref { kind: RefKind::Url, value, relation: Relation::Same }).into_iter().collect()
}
