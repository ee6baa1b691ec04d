//! Lanes: what each speaker says about an incident, in its own words, never averaged. Of several claims of one speaker its
//! own outrank the polled, the polled the relayed; then the open, the most severe and the newest speaks.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::{Body, Family, Phase};
use entente_schemas::speaker::{Relay, Role};

use crate::join::scene::{Hit, Scene};
use crate::picture::{Assessment, Beside, Lane, LaneClaim, NativeWords, Restatement, Sight};
use crate::record::entry::{Entry, Order};
use crate::record::objects::Object;
use crate::words;

/// The lanes of an incident: clouds, vendors, then others, in the order of names. What the clock decides is left open.
pub(crate) fn lanes(scene: &Scene<'_>) -> Vec<Lane> {
    let mut speakers: BTreeMap<(u8, String), (Role, Vec<&Hit<'_>>)> = BTreeMap::new();
    let own = own_roles(scene);
    for hit in &scene.hits {
        let (role, org) = (role(&own, hit.entry), hit.entry.speaker().to_owned());
        speakers.entry((role_rank(role), org)).or_insert((role, Vec::new())).1.push(hit);
    }
    for entry in scene.attached.iter().filter(|entry| entry.family() != Family::Message) {
        let known = speakers.keys().any(|(_, org)| org == entry.speaker());
        if !known {
            let role = role(&own, entry);
            speakers.insert((role_rank(role), entry.speaker().to_owned()), (role, Vec::new()));
        }
    }
    for vendor in named_vendors(scene) {
        if !speakers.keys().any(|(_, org)| *org == vendor) {
            speakers.insert((role_rank(Role::Vendor), vendor), (Role::Vendor, Vec::new()));
        }
    }
    let heard = Heard::by_speaker(scene);
    let words = newest_words(scene);
    speakers
        .into_iter()
        .map(|((_, org), (role, hits))| {
            let heard = heard.get(org.as_str());
            Lane {
                heard: heard.map(|heard| heard.last.order.logged),
                told_by: heard.and_then(Heard::told_by),
                ..lane(scene, &words, org, role, &hits)
            }
        })
        .collect()
}

/// What speakers say here that they are, not what others say of them; of several the newest word.
fn own_roles<'a>(scene: &Scene<'a>) -> BTreeMap<&'a str, (&'a Order, Role)> {
    let mut roles: BTreeMap<&str, (&Order, Role)> = BTreeMap::new();
    for entry in scene.all().filter(|entry| entry.header().speaker.relay != Relay::Relayed) {
        let said = (&entry.order, entry.header().speaker.role);
        let known = roles.entry(entry.speaker()).or_insert(said);
        if known.0 < said.0 {
            *known = said;
        }
    }
    roles
}

/// What the speaker of a claim is: by a claim that was only heard of, as far as the speaker does not say it itself.
fn role(own: &BTreeMap<&str, (&Order, Role)>, entry: &Entry) -> Role {
    let speaker = &entry.header().speaker;
    let heard_of = speaker.relay == Relay::Relayed;
    own.get(speaker.org.as_str()).filter(|_| heard_of).map_or(speaker.role, |(_, role)| *role)
}

/// What of a speaker was logged last, and whether any of it came from the speaker itself or its channels.
struct Heard<'a> {
    last: &'a Arc<Entry>,
    only_told: bool,
}

impl<'a> Heard<'a> {
    fn by_speaker(scene: &Scene<'a>) -> BTreeMap<&'a str, Self> {
        let mut all: BTreeMap<&str, Self> = BTreeMap::new();
        for entry in scene.all() {
            let heard = all.entry(entry.speaker()).or_insert(Self { last: entry, only_told: true });
            heard.only_told &= entry.header().speaker.relay == Relay::Relayed;
            if entry.order > heard.last.order {
                heard.last = entry;
            }
        }
        all
    }

    fn told_by(&self) -> Option<String> {
        self.only_told.then(|| told_by(self.last)).flatten()
    }
}

/// The newest statement about each object.
type Newest<'a> = BTreeMap<&'a str, &'a Arc<Entry>>;

fn newest_words<'a>(scene: &Scene<'a>) -> Newest<'a> {
    let about = scene.notices.iter().filter_map(|notice| match &notice.claim().body {
        Body::Notice(body) => Some((body.about.as_str(), *notice)),
        _ => None,
    });
    about.collect()
}

fn named_vendors(scene: &Scene<'_>) -> Vec<String> {
    let vertices = scene.hits.iter().filter_map(|hit| scene.ground.graph.vertex(&hit.entry.header().object_id));
    let vendors: std::collections::BTreeSet<String> =
        vertices.flat_map(|vertex| vertex.facets.vendors.iter().cloned()).collect();
    vendors.into_iter().filter(|vendor| entente_schemas::subject::is_slug(vendor)).collect()
}

/// Clouds first, then vendors, then everybody else.
pub(crate) fn role_rank(role: Role) -> u8 {
    match role {
        Role::Provider => 0,
        Role::Vendor => 1,
        Role::Customer => 2,
        Role::Observer => 3,
        Role::Coordinator | Role::Other => 4,
    }
}

fn lane(scene: &Scene<'_>, words: &Newest<'_>, speaker: String, role: Role, hits: &[&Hit<'_>]) -> Lane {
    let mut ranked: Vec<&&Hit<'_>> = hits.iter().collect();
    ranked.sort_by_key(|hit| rank(hit));
    let speaking = ranked.first().map(|hit| **hit);
    Lane {
        claim: speaking.map(|hit| claim(scene, words, hit, hits)),
        heard: None,
        told_by: None,
        sight: Sight::default(),
        silent_since: None,
        overdue_since: None,
        beside: speaking.map(|hit| beside(scene, hit, &ranked)).unwrap_or_default(),
        restated: speaking.map(|hit| restated(scene, hit.entry)).unwrap_or_default(),
        speaker,
        role,
    }
}

type Rank<'a> = (u8, bool, Reverse<u8>, Reverse<(DateTime<Utc>, DateTime<Utc>, &'a str)>);

/// By what the claims themselves carry, so that another order in the log gives the same lane.
fn rank<'a>(hit: &Hit<'a>) -> Rank<'a> {
    let relay = hit.entry.header().speaker.relay.rank();
    let newest = (hit.entry.said_at(), hit.entry.event.recorded, hit.entry.event.id.as_str());
    (relay, !hit.impact.phase.is_open(), Reverse(hit.impact.severity.rank()), Reverse(newest))
}

fn claim(scene: &Scene<'_>, words: &Newest<'_>, hit: &Hit<'_>, hits: &[&Hit<'_>]) -> LaneClaim {
    let (entry, impact, header) = (hit.entry, hit.impact, hit.entry.header());
    let object = scene.ground.objects.get(Family::Impact, &header.object_id);
    let others = hits.iter().map(|other| &other.entry.header().object_id).filter(|id| **id != header.object_id);
    LaneClaim {
        object_id: header.object_id.clone(),
        rev: header.rev,
        position: entry.position(),
        relay: header.speaker.relay,
        told_by: told_by(entry),
        seen_by: object.map(seen_by).unwrap_or_default(),
        phase: impact.phase,
        outcome: impact.outcome,
        severity: impact.severity,
        state: worst_state(hit),
        effect: impact.effect.clone(),
        certainty: header.certainty,
        title: impact.title.clone(),
        words: own_words(words, hit),
        native: header.native.as_ref().map(|native| NativeWords {
            system: native.system.clone(),
            id: native.id.clone(),
            url: native.url.clone(),
            status: native.status.clone(),
            severity: native.severity.clone(),
            category: native.category.clone(),
        }),
        blocks: impact.blocks.clone(),
        occurred_at: header.times.occurred_at,
        occurred_end: header.times.occurred_end,
        fidelity: header.times.fidelity,
        known: object.and_then(Object::first_order).map_or(entry.order.logged, |order| order.logged),
        changed: object.map_or(entry.order.logged, |object| changed(object, entry)),
        confirmed: header.times.confirmed_at,
        next_update_by: impact.next_update_by,
        assessed: assessed(words, hit),
        symptoms: impact.symptoms.clone(),
        invented: header.invented,
        backfill: header.backfill,
        clock_suspect: entry.clock_suspect,
        others: others.cloned().collect(),
        trimmed: header.trimmed.clone(),
        shared: entry.shared(),
    }
}

/// Who passed the words on, where a person did.
pub(crate) fn told_by(entry: &Entry) -> Option<String> {
    let header = entry.header();
    (header.speaker.relay == Relay::Relayed).then(|| match &header.author {
        Some(author) => {
            let org = words::org(&author.org);
            author.person.as_ref().map_or(org.clone(), |person| format!("{person}, {org}"))
        }
        None => words::org(&entry.event.source.org),
    })
}

/// Transmitters of the current digest, the first logged first.
fn seen_by(object: &Object) -> Vec<String> {
    let mut first: BTreeMap<String, &Order> = BTreeMap::new();
    for entry in object.entries() {
        let order = first.entry(entry.event.source.org_feed()).or_insert(&entry.order);
        *order = (*order).min(&entry.order);
    }
    let mut observers: Vec<(&Order, String)> = first.into_iter().map(|(observer, order)| (order, observer)).collect();
    observers.sort();
    observers.into_iter().map(|(_, observer)| observer).collect()
}

/// The worst state of a claim's blocks. Closed without blocks is restored by the speaker's word; else it is unknown.
pub(crate) fn worst_state(hit: &Hit<'_>) -> BlockState {
    let worst = hit.impact.blocks.iter().map(|block| block.state).max_by_key(|state| words::state_rank(*state));
    worst.unwrap_or(if hit.impact.phase == Phase::Resolved { BlockState::Restored } else { BlockState::Unknown })
}

/// The headline, or the beginning of the newest statement about the object.
fn own_words(newest: &Newest<'_>, hit: &Hit<'_>) -> Option<String> {
    let header = hit.entry.header();
    let stated = || match &newest.get(header.object_id.as_str())?.claim().body {
        Body::Notice(notice) => Some(words::cut(&notice.text, 200)),
        _ => None,
    };
    header.headline.clone().or_else(stated).or_else(|| hit.impact.summary.as_ref().map(|s| words::cut(s, 200)))
}

/// When the claim last said something new: affirming it does not count.
pub(crate) fn changed(object: &Object, current: &Entry) -> DateTime<Utc> {
    let own = object.entries().filter(|entry| entry.is_by_observer_of(current));
    let news = own.filter(|entry| entry.header().cause.as_deref() != Some("still"));
    news.filter(|entry| entry.header().rev <= current.header().rev)
        .map(|entry| entry.order.logged)
        .max()
        .unwrap_or(current.order.logged)
}

fn assessed(newest: &Newest<'_>, hit: &Hit<'_>) -> Vec<Assessment> {
    let newest = newest.get(hit.entry.header().object_id.as_str());
    let facets = newest.map_or(&hit.entry.facets, |notice| &notice.facets);
    let beyond = facets.assessed.iter().filter(|found| match found.member.as_str() {
        "phase" => hit.impact.phase.is_open() && phase_rank(&found.value) > hit.impact.phase.rank(),
        "severity" => hit.impact.phase.is_open() && severity_rank(&found.value) > hit.impact.severity.rank(),
        _ => false,
    });
    let mut best: BTreeMap<&str, &Assessment> = BTreeMap::new();
    for found in beyond {
        let kept = best.entry(found.member.as_str()).or_insert(found);
        if phase_rank(&found.value) > phase_rank(&kept.value) {
            *kept = found;
        }
    }
    best.into_values().cloned().collect()
}

fn phase_rank(word: &str) -> u8 {
    word.parse::<Phase>().map_or(0, Phase::rank)
}

fn severity_rank(word: &str) -> u8 {
    word.parse::<Severity>().map_or(0, Severity::rank)
}

/// Lower-ranked words of the speaker that differ from those that speak, and other observers of the same object.
fn beside(scene: &Scene<'_>, speaking: &Hit<'_>, ranked: &[&&Hit<'_>]) -> Vec<Beside> {
    let said = |hit: &Hit<'_>| format!("{}, {}", hit.impact.phase, words::severity(hit.impact.severity));
    let main = said(speaking);
    let relay = speaking.entry.header().speaker.relay.rank();
    let lower = ranked.iter().filter(|hit| hit.entry.header().speaker.relay.rank() > relay && said(hit) != main);
    let mut beside: Vec<Beside> = lower
        .map(|hit| Beside {
            object_id: hit.entry.header().object_id.clone(),
            relay: hit.entry.header().speaker.relay,
            by: told_by(hit.entry).unwrap_or_else(|| hit.entry.event.source.org_feed()),
            says: said(hit),
        })
        .collect();
    let id = &speaking.entry.header().object_id;
    let object = scene.ground.objects.get(Family::Impact, id);
    let observed = object.into_iter().flat_map(|object| scene.ground.objects.observed(object));
    let digest = |entry: &Entry| entry.header().native.as_ref().map(|native| native.digest.clone());
    let forks = object.into_iter().flat_map(|object| object.same_revision(speaking.entry));
    let forks = forks.filter(|fork| fork.event.id != speaking.entry.event.id);
    for fork in forks {
        if let Some(impact) = fork.claim().impact() {
            beside.push(Beside {
                object_id: id.clone(),
                relay: fork.header().speaker.relay,
                by: format!("{}, under the same revision", fork.event.source.org_feed()),
                says: format!("{}, {}", impact.phase, words::severity(impact.severity)),
            });
        }
    }
    for other in observed.filter(|other| digest(other) != digest(speaking.entry)) {
        if let Some(impact) = other.claim().impact() {
            beside.push(Beside {
                object_id: id.clone(),
                relay: other.header().speaker.relay,
                by: other.event.source.org_feed(),
                says: format!("{}, {}", impact.phase, words::severity(impact.severity)),
            });
        }
    }
    beside
}

/// Times that the speaking observer restated, the newest first.
fn restated(scene: &Scene<'_>, current: &Arc<Entry>) -> Vec<Restatement> {
    let Some(object) = scene.ground.objects.get(Family::Impact, &current.header().object_id) else { return Vec::new() };
    let mut own: Vec<&Arc<Entry>> = object.entries().filter(|entry| entry.is_by_observer_of(current)).collect();
    own.sort_by_key(|entry| (entry.header().rev, entry.event.recorded));
    let mut list = Vec::new();
    for (before, after) in own.iter().zip(own.iter().skip(1)) {
        let (old, new) = (&before.header().times, &after.header().times);
        let pairs = [("start", old.occurred_at, new.occurred_at), ("end", old.occurred_end, new.occurred_end)];
        for (what, from, to) in pairs.into_iter().filter(|(_, from, to)| from.is_some() && from != to) {
            list.push(Restatement { what: what.to_owned(), from, to, at: after.order.logged });
        }
    }
    list.reverse();
    list
}
