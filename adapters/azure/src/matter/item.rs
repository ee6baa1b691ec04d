//! A matter into an item of the bus: what is hit and how badly, what was said of it, and what is advised.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::count::{Count, Method, Quantity, Unit};
use entente_schemas::family::{Advisory, AdvisoryCategory, Body, Impact, ImpactKind, Notice, Phase};
use entente_schemas::header::{Certainty, Native, Ref, RefKind, Relation, Times};
use entente_schemas::speaker::Role;
use entente_schemas::tlp::Tlp;
use entente_sidecar::item::{Item, Reading, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, Mapping, Meaning, Member};
use entente_sidecar::reading::gather;
use entente_sidecar::stamp::{fidelity, only_observed, utc_seconds};

use super::kind::{Told, told};
use super::{Matter, MatterError, Stated, Update};
use crate::place::{Hit, blocks};
use crate::scrub::scrub;
use crate::status_rss::SERVICES;

static WORDS: LazyLock<Mapping> = LazyLock::new(|| Mapping::compiled_in(include_str!("../../service-health.toml")));

/// The version of the table that matters are read by.
pub(crate) fn mapping_version() -> u32 {
    WORDS.version()
}

/// Where the statements stand, and who could read them.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    /// Native system of the objects; one matter is one object, whichever feed tells of it.
    pub(crate) system: &'a str,
    /// The page that everybody sees, or what customers see.
    pub(crate) channel: &'a str,
    /// `public` or `customers`.
    pub(crate) audience: &'a str,
    /// Whether all that know of a matter were heard, so that the number of subscriptions that it hits is known.
    pub(crate) whole: bool,
}

/// Matters into a reading: several copies of one are one.
pub(crate) fn reading(
    matters: impl IntoIterator<Item = Result<Matter, Refusal>>,
    desk: Desk<'_>,
    observed: DateTime<Utc>,
) -> Reading {
    let mut kept: BTreeMap<String, Matter> = BTreeMap::new();
    let mut refused = Vec::new();
    for matter in matters {
        match matter {
            Ok(matter) => {
                let matter = match kept.remove(&matter.id) {
                    Some(known) => known.with(matter),
                    None => matter,
                };
                kept.insert(matter.id.clone(), matter);
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    let mut words = Words { words: Lookup::new(&WORDS), services: Lookup::new(&SERVICES), desk, observed };
    let items: Vec<_> = kept.values().filter_map(|matter| words.item(matter).transpose()).collect();
    let mut reading = gather(items);
    reading.refused.extend(refused);
    reading.unmapped = words.words.into_unmapped();
    reading.unmapped.extend(words.services.into_unmapped());
    reading
}

struct Words<'a> {
    words: Lookup<'a>,
    services: Lookup<'a>,
    desk: Desk<'a>,
    observed: DateTime<Utc>,
}

impl Words<'_> {
    fn item(&mut self, matter: &Matter) -> Result<Option<Item>, Refusal> {
        let told = told(&matter.kind).unwrap_or_else(|| {
            self.words.note("kind", &matter.kind, "advisory");
            Told::Advisory
        });
        let made = match told {
            Told::Impact => self.impact(matter),
            Told::Advisory | Told::Security => self.advisory(matter, told),
            Told::Nothing => return Ok(None),
        };
        made.map(Some).map_err(|error| Refusal {
            reason: scrub(&error.to_string()).into_owned(),
            position: Some(matter.id.clone()),
            input: format!("{}\n{}", matter.id, matter.updated.as_ref().map_or("", |stated| &stated.text)).into_bytes(),
        })
    }

    fn impact(&mut self, matter: &Matter) -> Result<Item, MatterError> {
        let status = self.words.word("status", matter.status.as_deref(), "investigating");
        let level = self.words.word("level", matter.level.as_deref(), "not_stated");
        let kind = self.words.word("kind", Some(&matter.kind), "incident");
        let (phase, outcome) = self.standing(matter, &kind, &status);
        let severity = level.severity.unwrap_or(Severity::NotStated);
        let planned = status.kind.or(kind.kind) == Some(ImpactKind::Maintenance);
        let hits = self.hits(matter, phase, planned, level.state);
        let body = Impact {
            kind: if planned { ImpactKind::Maintenance } else { ImpactKind::Incident },
            phase,
            outcome,
            severity,
            blocks: blocks(&hits, severity, &mut self.services),
            summary: self.newest(matter).map(str::to_owned),
            counts: self.counts(matter),
            ..incident(title(matter))
        };
        let certainty = status.certainty.or(kind.certainty).unwrap_or(Certainty::Observed);
        let mut also = self.notices(matter)?;
        also.extend(self.actions(matter)?);
        self.whole(matter, "impact", certainty, None, Body::Impact(body), also)
    }

    /// How far it has come: the status says so, the kind where the status leaves it open, a tag once it is resolved.
    fn standing(
        &mut self,
        matter: &Matter,
        kind: &Meaning,
        status: &Meaning,
    ) -> (Phase, Option<entente_schemas::family::Outcome>) {
        let over = status.phase.is_some_and(|phase| !phase.is_open());
        if !over {
            let open = kind.phase.filter(|_| matter.status.as_deref() != Some("InProgress"));
            return (open.or(status.phase).unwrap_or(Phase::Investigating), None);
        }
        let mut standing = (status.phase.unwrap_or(Phase::Resolved), status.outcome);
        for tag in &matter.tags {
            let tag = self.words.word("tag", Some(tag), "nothing");
            standing = (tag.phase.unwrap_or(standing.0), tag.outcome.or(standing.1));
        }
        if kind.phase == Some(Phase::Postmortem) {
            standing.0 = Phase::Postmortem;
        }
        standing
    }

    fn hits<'m>(&mut self, matter: &'m Matter, phase: Phase, planned: bool, level: Option<BlockState>) -> Vec<Hit<'m>> {
        let open = if planned { BlockState::Excluded } else { level.unwrap_or(BlockState::Unknown) };
        let hits = matter.places.iter().map(|place| {
            let own = self.words.word("status", place.status.as_deref(), "as the whole").state;
            let state = match own {
                Some(state) if !planned => state,
                _ if !phase.is_open() && !planned => BlockState::Restored,
                _ => open,
            };
            Hit { service: &place.service, region: &place.region, state }
        });
        hits.collect()
    }

    fn counts(&self, matter: &Matter) -> Vec<Count> {
        let as_of = matter.updated.as_ref().map_or(self.observed, |stated| stated.time);
        let count = |unit, number: u64, whole: bool, population| Count {
            unit,
            quantity: Quantity::Affected,
            value: whole.then_some(number),
            lo: (!whole).then_some(number),
            hi: None,
            method: Method::VendorStatement,
            as_of,
            overlap_domain: None,
            population,
        };
        let population = |what: &str| Some(format!("{what} that Azure names for {}", matter.id));
        let subscriptions = matter.subscriptions.len() as u64;
        let mut counts = Vec::new();
        if subscriptions > 0 {
            counts.push(count(Unit::Subscription, subscriptions, self.desk.whole, population("subscriptions")));
        }
        if let Some(named) = matter.named.filter(|named| named.machines > 0) {
            counts.push(count(Unit::Vm, named.machines, named.whole, population("virtual machines")));
        }
        counts
    }

    fn advisory(&mut self, matter: &Matter, told: Told) -> Result<Item, MatterError> {
        let products: std::collections::BTreeSet<&String> =
            matter.places.iter().map(|place| &place.service).filter(|service| !service.is_empty()).collect();
        let body = Advisory {
            issuer_role: Role::Provider,
            category: AdvisoryCategory::Statement,
            title: title(matter),
            text: self.advice(matter),
            vendor: Some("azure".to_owned()),
            products: products.into_iter().cloned().collect(),
            artifacts: Vec::new(),
            restart_required: None,
            preconditions: Vec::new(),
            documents: Vec::new(),
        };
        // Who may read it is decided by its sharing group; this only keeps it from being marked less.
        let tlp = (told == Told::Security).then_some(Tlp::AmberStrict);
        self.whole(matter, "advisory", Certainty::Observed, tlp, Body::Advisory(body), self.notices(matter)?)
    }

    fn advice(&self, matter: &Matter) -> Option<String> {
        let texts: Vec<&str> =
            self.newest(matter).into_iter().chain(matter.actions.iter().map(String::as_str)).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    fn whole(
        &self,
        matter: &Matter,
        digest: &str,
        certainty: Certainty,
        tlp: Option<Tlp>,
        body: Body,
        also: Vec<Statement>,
    ) -> Result<Item, MatterError> {
        let over = !matches!(&body, Body::Impact(impact) if impact.phase.is_open());
        Ok(Item {
            object_id: self.object(matter),
            native: self.native(matter, digest, matter.id.clone(), |name| self.member(matter, name))?,
            times: Times {
                occurred_at: matter.begin.as_ref().map(|stated| stated.time),
                fidelity: matter.begin.as_ref().map(|stated| fidelity(stated.time)),
                occurred_end: matter.end.as_ref().filter(|_| over).map(|stated| stated.time),
                ..self.times(matter.updated.as_ref())
            },
            refs: self.refs(matter),
            certainty,
            tlp,
            body,
            also,
            refused: Vec::new(),
        })
    }

    fn object(&self, matter: &Matter) -> String {
        format!("{}:{}", self.desk.system, matter.id)
    }

    fn times(&self, updated: Option<&Stated>) -> Times {
        Times { published_at: updated.map(|stated| stated.time), ..only_observed(self.observed) }
    }

    /// The tracking id is one for all channels; a banner has none.
    fn refs(&self, matter: &Matter) -> Vec<Ref> {
        let tracked = !matter.id.starts_with("banner/");
        let reference = Ref { kind: RefKind::TrackingId, value: matter.id.clone(), relation: Relation::Same };
        tracked.then_some(reference).into_iter().collect()
    }

    fn native(
        &self,
        matter: &Matter,
        digest: &str,
        id: String,
        member: impl Fn(&str) -> Member,
    ) -> Result<Native, MatterError> {
        Ok(Native {
            status: matter.status.clone(),
            severity: matter.level.clone(),
            category: Some(matter.kind.clone()).filter(|kind| !kind.is_empty()),
            digest: WORDS.digest(digest, member)?,
            ..WORDS.native(self.desk.system, id, None)
        })
    }

    fn member(&self, matter: &Matter, name: &str) -> Member {
        let stated = |stated: &Option<Stated>| stated.as_ref().map(|stated| stated.text.as_str()).into();
        match name {
            "kind" => matter.kind.as_str().into(),
            "status" => matter.status.as_deref().into(),
            "level" => matter.level.as_deref().into(),
            "title" => matter.title.as_deref().into(),
            "summary" => matter.summary.as_deref().into(),
            "begin" => stated(&matter.begin),
            "end" => stated(&matter.end),
            "places" => places(matter).into(),
            "tags" => matter.tags.iter().cloned().collect::<Vec<_>>().into(),
            "actions" => matter.actions.clone().into(),
            "named" => counted(matter).into(),
            "newest" => matter.updates.last().map(|update| update.when.text.as_str()).into(),
            _ => Member::Absent,
        }
    }

    /// The newest statement, else what the matter itself says.
    fn newest<'m>(&self, matter: &'m Matter) -> Option<&'m str> {
        matter.updates.last().map(|update| update.text.as_str()).or(matter.summary.as_deref())
    }

    fn notices(&self, matter: &Matter) -> Result<Vec<Statement>, MatterError> {
        let mut notices =
            matter.updates.iter().map(|update| self.notice(matter, update)).collect::<Result<Vec<_>, _>>()?;
        let said = |text: &str| matter.updates.iter().any(|update| update.text == text);
        if let Some(text) = matter.summary.as_deref().filter(|text| !said(text)) {
            let when = matter.updated.as_ref();
            notices.push(self.statement(matter, "text", when, text, self.times(when))?);
        }
        Ok(notices)
    }

    fn notice(&self, matter: &Matter, update: &Update) -> Result<Statement, MatterError> {
        let when = &update.when;
        let name = update.id.clone().unwrap_or_else(|| utc_seconds(when.time));
        let times =
            Times { occurred_at: Some(when.time), fidelity: Some(fidelity(when.time)), ..self.times(Some(when)) };
        self.statement(matter, &name, Some(when), &update.text, times)
    }

    fn statement(
        &self,
        matter: &Matter,
        name: &str,
        when: Option<&Stated>,
        text: &str,
        times: Times,
    ) -> Result<Statement, MatterError> {
        let (id, about) = (format!("{}/{name}", matter.id), self.object(matter));
        let native = self.native(matter, "notice", id, |member| match member {
            "when" => when.map(|stated| stated.text.as_str()).into(),
            "text" => text.into(),
            _ => Member::Absent,
        })?;
        Ok(Statement {
            object_id: format!("{about}/{name}"),
            times,
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about,
                channel: self.desk.channel.to_owned(),
                url: None,
                audience_told: self.desk.audience.to_owned(),
                native_status: matter.status.clone(),
                text: text.to_owned(),
            }),
            native,
        })
    }

    /// What Azure recommends beside a matter of the platform.
    fn actions(&self, matter: &Matter) -> Result<Option<Statement>, MatterError> {
        if matter.actions.is_empty() {
            return Ok(None);
        }
        let id = format!("{}/actions", matter.id);
        let related = Ref { kind: RefKind::TrackingId, value: self.object(matter), relation: Relation::Related };
        Ok(Some(Statement {
            object_id: format!("{}/actions", self.object(matter)),
            native: self.native(matter, "actions", id, |name| self.member(matter, name))?,
            times: self.times(matter.updated.as_ref()),
            refs: vec![related],
            body: Body::Advisory(Advisory {
                issuer_role: Role::Provider,
                category: AdvisoryCategory::Mitigation,
                title: title(matter),
                text: Some(matter.actions.join("\n")),
                vendor: Some("azure".to_owned()),
                products: Vec::new(),
                artifacts: Vec::new(),
                restart_required: None,
                preconditions: Vec::new(),
                documents: Vec::new(),
            }),
        }))
    }
}

fn title(matter: &Matter) -> String {
    matter.title.clone().unwrap_or_else(|| format!("Azure {}", matter.id))
}

fn places(matter: &Matter) -> Vec<String> {
    let place = |place: &super::Place| {
        format!("{}|{}|{}", place.service, place.region, place.status.as_deref().unwrap_or_default())
    };
    matter.places.iter().map(place).collect()
}

/// The figures as they enter the digest: a change of one is a change.
fn counted(matter: &Matter) -> Vec<String> {
    let named = matter.named.map(|named| {
        let least = if named.whole { "" } else { "at least " };
        format!("resources {least}{} {}", named.machines, named.others)
    });
    named.into_iter().chain([format!("subscriptions {}", matter.subscriptions.len())]).collect()
}
