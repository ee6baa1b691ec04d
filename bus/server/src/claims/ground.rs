//! What the log and the outbox say of the object that a claim is about: what its completion rests on.

use entente_correlator::State;
use entente_correlator::picture::Line;
use entente_correlator::select::{EventFilter, Select};
use entente_schemas::event::Event;
use entente_schemas::family::Family;
use entente_schemas::speaker::Role;
use serde_json::{Map, Value};

use super::request::Request;

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
}

/// An event that a retraction names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) object_id: String,
    pub(crate) rev: u64,
    pub(crate) source: String,
}

impl Ground {
    /// What the log says; `desk` is the desk's `<org>/<feed>`.
    pub(crate) fn of_log(state: &mut State, request: &Request, desk: &str) -> Self {
        let last = request.text("object_id").and_then(|id| last_line(state, request.family, id, desk));
        let speaker = request.claim.get("speaker").filter(|speaker| speaker.get("role").is_none());
        let speaker = speaker.and_then(|speaker| speaker.get("org")).and_then(Value::as_str);
        Self {
            last_rev: last.as_ref().map_or(0, |line| line.rev),
            last: last.filter(|_| request.still).and_then(|line| claim_at(state, &line)),
            role: speaker.and_then(|org| role_of(state, org)),
            target: target(state, request),
        }
    }
}

fn last_line(state: &State, family: Family, object: &str, desk: &str) -> Option<Line> {
    let filter = EventFilter { object: Some(object.to_owned()), family: Some(family), speaker: None };
    let lines = state.events(None, usize::MAX, &filter);
    lines.into_iter().filter(|line| line.source == desk).max_by_key(|line| line.rev)
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

fn role_of(state: &mut State, org: &str) -> Option<Role> {
    let at = state.logged()?;
    let rows = state.picture(at, &Select { limit: 0, ..Select::default() }).matrix.rows;
    rows.into_iter().find(|row| row.speaker == org).map(|row| row.role)
}

fn target(state: &State, request: &Request) -> Option<Target> {
    let named = request.claim.get("target").filter(|_| request.family == Family::Retraction)?;
    let key = named.as_str().map_or_else(|| named.to_string(), str::to_owned);
    let (line, payload) = state.event(&key)?;
    let source = Event::read(&payload).ok()?.source.to_string();
    Some(Target { id: line.id, object_id: line.object_id, rev: line.rev, source })
}
