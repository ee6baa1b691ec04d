//! What the log and the outbox say of the object that a claim is about: what its completion rests on.

use entente_correlator::State;
use entente_correlator::picture::Line;
use entente_correlator::select::{EventFilter, Select};
use entente_schemas::event::Event;
use entente_schemas::family::Family;
use entente_schemas::speaker::Role;
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use serde_json::{Map, Value};

use super::request::Request;
use crate::room::Moment;

/// What is known of the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ground {
    /// The greatest revision that the desk gave it; 0 if it is new.
    pub(crate) last_rev: u64,
    /// The desk's last revision of it, for saying it again.
    pub(crate) last: Option<Map<String, Value>>,
    /// What the speaking organisation is, if the claim does not say and it has been heard before.
    pub(crate) role: Option<Role>,
    /// The event that a retraction names.
    pub(crate) target: Option<Target>,
    /// In a sharing group, the marking of what the claim revises or withdraws.
    pub(crate) tlp: Option<Tlp>,
    /// Another audience in which the desk said the object.
    pub(crate) elsewhere: Option<String>,
}

/// An event that a retraction names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) line: Line,
    pub(crate) source: String,
    /// The revisions of the object by the same feed that are not withdrawn.
    pub(crate) standing: Vec<u64>,
}

impl Ground {
    /// What the log says; `desk` is the desk's `<org>/<feed>`, which speaks in an audience.
    pub(crate) fn of_log(moment: &mut Moment<'_>, request: &Request, desk: &str, audience: &str) -> Self {
        let state = &*moment.state;
        let said = request.text("object_id").map(|id| said_by(state, request.family, id, desk)).unwrap_or_default();
        let elsewhere = said.iter().map(audience_of).find(|other| *other != audience).map(str::to_owned);
        let last = said.into_iter().filter(|line| audience_of(line) == audience).max_by_key(|line| line.rev);
        let speaker = request.claim.get("speaker").filter(|speaker| speaker.get("role").is_none());
        let speaker = speaker.and_then(|speaker| speaker.get("org")).and_then(Value::as_str);
        let target = target(state, request);
        let marked = last.as_ref().or(target.as_ref().map(|target| &target.line));
        Self {
            tlp: marked.and_then(|line| line.shared.as_ref()).map(|shared| shared.tlp),
            last_rev: last.as_ref().map_or(0, |line| line.rev),
            last: last.filter(|_| request.still).and_then(|line| claim_at(state, &line)),
            target,
            role: speaker.and_then(|org| role_of(moment, org)),
            elsewhere,
        }
    }
}

/// Where a claim belongs by what it goes on with: the audience in which the desk said its object last, or in which the event
/// stands that it withdraws.
pub(crate) fn home(state: &State, request: &Request, desk: &str) -> Option<String> {
    let target = target(state, request).map(|target| audience_of(&target.line).to_owned());
    target.or_else(|| {
        let said = said_by(state, request.family, request.text("object_id")?, desk);
        said.first().map(|line| audience_of(line).to_owned())
    })
}

/// The audience of a record.
pub(crate) fn audience_of(line: &Line) -> &str {
    line.shared.as_ref().map_or(AUDIENCE_ALL, |shared| &shared.audience)
}

/// What a desk said of an object in any audience, the newest first.
fn said_by(state: &State, family: Family, object: &str, desk: &str) -> Vec<Line> {
    let filter = EventFilter { object: Some(object.to_owned()), family: Some(family), speaker: None };
    let lines = state.events(None, usize::MAX, &filter);
    lines.into_iter().filter(|line| line.source == desk).collect()
}

fn claim_at(state: &State, line: &Line) -> Option<Map<String, Value>> {
    let (_, payload) = state.event(&line.id)?;
    data(&payload)
}

/// The claim in an event's bytes.
pub(crate) fn data(payload: &[u8]) -> Option<Map<String, Value>> {
    let mut event: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    if let Some(Value::Object(claim)) = event.remove("data") { Some(claim) } else { None }
}

/// As it last said itself; of one that has only feeds, as the picture takes it.
fn role_of(moment: &mut Moment<'_>, org: &str) -> Option<Role> {
    let spoken = Family::ALL.iter().filter(|family| !matches!(family, Family::Feed | Family::Rejected));
    let newest = spoken.filter_map(|family| {
        let filter = EventFilter { object: None, family: Some(*family), speaker: Some(org.to_owned()) };
        moment.state.events(None, 1, &filter).pop()
    });
    if let Some(line) = newest.max_by(|a, b| (a.logged, &a.position).cmp(&(b.logged, &b.position))) {
        let (_, payload) = moment.state.event(&line.id)?;
        return Some(Event::read(&payload).ok()?.claim.header.speaker.role);
    }
    let picture = moment.picture(&Select { limit: 0, ..Select::default() });
    picture.matrix.rows.iter().find(|row| row.speaker == org).map(|row| row.role)
}

/// A short name that other claims have is found by neither side as before; its author is told.
pub(crate) fn name_taken(moment: &mut Moment<'_>, request: &Request) -> Vec<String> {
    let name = request.text("name").filter(|_| request.family == Family::Constraint);
    let objects = request.claim.get("objects").and_then(Value::as_array);
    let (Some(name), Some(objects)) = (name, objects) else { return Vec::new() };
    let Some(holder) = moment.state.incident(name, moment.at).filter(|holder| holder.open) else { return Vec::new() };
    if holder.members.iter().any(|member| objects.iter().any(|object| *object == *member.object_id)) {
        return Vec::new();
    }
    let shown: String = name.chars().take(80).collect();
    vec![format!("`{shown}` is the name of {} already, which is open: now the newer one is found by it.", holder.id)]
}

/// A target is named by its event id, its position, or its object id: then what that said last is meant.
fn target(state: &State, request: &Request) -> Option<Target> {
    let named = request.claim.get("target").filter(|_| request.family == Family::Retraction)?;
    let key = named.as_str().map_or_else(|| named.to_string(), str::to_owned);
    let current = || Family::ALL.iter().find_map(|family| state.current(*family, &key));
    let (line, payload) = state.event(&key).or_else(|| state.event(&current()?.event.id))?;
    let source = Event::read(&payload).ok()?.source.to_string();
    let filter = EventFilter { object: Some(line.object_id.clone()), family: Some(line.family), speaker: None };
    let of_feed = |other: &Line| other.source == line.source && audience_of(other) == audience_of(&line);
    let of_feed = state.events(None, usize::MAX, &filter).into_iter().filter(of_feed);
    let standing = of_feed.filter(|other| other.withdrawn_by.is_none()).map(|other| other.rev).collect();
    Some(Target { line, source, standing })
}
