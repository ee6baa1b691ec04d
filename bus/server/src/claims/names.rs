//! What a claim names beside itself. People write ids, aliases, positions and short names; the log is to hold ids that
//! something on it answers to, so each name is looked up and written as that id, or refused.

use chrono::{DateTime, Utc};
use entente_correlator::picture::Line;
use entente_correlator::select::EventFilter;
use entente_correlator::{Place, incident_id};
use entente_schemas::family::{Body, Family};
use serde_json::{Value, json};

use super::Mistake;
use super::desk::Revisions;
use super::request::Request;
use super::sight::Sight;
use crate::room::Moment;

/// What a name is to stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whatever was said, as an object id; an incident stands for the member that gave it its id.
    Object,
    /// A claim of what is broken, as an object id; an incident stands for the desk's own member where it has one, for
    /// only of that its word binds, and otherwise as above.
    Impact,
    /// The message that began a thread, as an object id.
    Thread,
    /// A way of repairing, as an object id.
    Approach,
    /// One event, as its id; an object stands for what it last said.
    Event,
}

impl Kind {
    fn takes(self, family: Family) -> bool {
        match self {
            Self::Object | Self::Event => true,
            Self::Impact => family == Family::Impact,
            Self::Thread => family == Family::Message,
            Self::Approach => family == Family::Approach,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Object => {
                "an object id, or an incident by its id, an alias or its short name; `entente picture` and /v1/picture list the incidents, /v1/events what was said"
            }
            Self::Impact => {
                "the object id of an impact, or an incident by its id, an alias or its short name; `entente picture` and /v1/picture list the incidents with their members"
            }
            Self::Thread => {
                "the object id, event id or position of a message; /v1/events?family=message lists what there is"
            }
            Self::Approach => "the object id of an approach; /v1/events?family=approach lists what there is",
            Self::Event => "an event id, a position of the log or an object id; /v1/events lists what there is",
        }
    }
}

/// Looks up what a claim names, and what it answers.
pub(super) struct Naming<'a, 'b> {
    moment: &'a mut Moment<'b>,
    /// The desk's organisation.
    own: &'a str,
    /// What the outbox took; the log may not have it yet.
    taken: &'a Revisions,
    /// What the claim may tell of.
    sight: Sight<'a>,
    /// Whether the log has been read to its end.
    whole: bool,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) remarks: Vec<String>,
}

impl<'a, 'b> Naming<'a, 'b> {
    pub(super) fn new(
        moment: &'a mut Moment<'b>,
        own: &'a str,
        taken: &'a Revisions,
        sight: Sight<'a>,
        whole: bool,
    ) -> Self {
        Self { moment, own, taken, sight, whole, mistakes: Vec::new(), remarks: Vec::new() }
    }

    /// Writes every name of a request as the id that it stands for.
    pub(super) fn settle(&mut self, request: &mut Request) {
        if let Some(answered) = request.causation.take() {
            request.causation = Some(self.named("(request).causation", &answered, Kind::Event));
        }
        // What is said again was looked up when it was said.
        if request.still {
            return;
        }
        let own = request.text("object_id").map(str::to_owned);
        match request.family {
            Family::Notice => self.member(request, "about", Kind::Object),
            Family::Message if own.is_none() || own.as_deref() != request.text("thread_id") => {
                self.member(request, "thread_id", Kind::Thread);
            }
            Family::Remediation => self.member(request, "approach_id", Kind::Approach),
            Family::Approach => {
                self.member(request, "same_as", Kind::Approach);
                self.member(request, "replaces", Kind::Approach);
            }
            Family::Retraction => self.member(request, "replacement", Kind::Event),
            Family::Constraint => {
                let objects = request.claim.get_mut("objects").and_then(Value::as_array_mut);
                for (index, name) in objects.into_iter().flatten().enumerate() {
                    self.value(&format!("objects.{index}"), name, Kind::Impact);
                }
            }
            _ => {}
        }
        self.references(request);
    }

    fn references(&mut self, request: &mut Request) {
        let references = request.claim.get_mut("refs").and_then(Value::as_array_mut);
        for (index, reference) in references.into_iter().flatten().enumerate() {
            let kind = match reference.get("kind").and_then(Value::as_str) {
                Some("incident") => Kind::Object,
                Some("event") => Kind::Event,
                _ => continue,
            };
            if let Some(name) = reference.get_mut("value") {
                self.value(&format!("refs.{index}.value"), name, kind);
            }
        }
    }

    fn member(&mut self, request: &mut Request, path: &str, kind: Kind) {
        if let Some(name) = request.claim.get_mut(path) {
            self.value(path, name, kind);
        }
    }

    /// What is no text, or none at all, is for the schema.
    fn value(&mut self, path: &str, value: &mut Value, kind: Kind) {
        if let Some(name) = value.as_str().map(str::trim).filter(|name| !name.is_empty()) {
            *value = json!(self.named(path, name, kind));
        }
    }

    fn named(&mut self, path: &str, name: &str, kind: Kind) -> String {
        let found = match kind {
            Kind::Event => self.event(name),
            Kind::Thread => self.object(name, kind).map(|message| self.thread_of(message)),
            _ => self.object(name, kind),
        };
        if let Some(id) = found {
            let hidden = self.sight.hides(self.moment.state, &id);
            self.mistakes.extend(hidden.map(|group| self.sight.refused(path, name, group)));
            return id;
        }
        let shown: String = name.chars().take(120).collect();
        if self.whole {
            self.mistakes.push(Mistake::new(
                path,
                format!("nothing on the log answers to `{shown}` here; expected {}", kind.expected()),
            ));
        } else {
            self.remarks.push(format!(
                "`{shown}` in {path} was left as it is: the log has not been read to its end, so nobody can tell whether it stands for something."
            ));
        }
        name.to_owned()
    }

    fn event(&self, name: &str) -> Option<String> {
        let name = &*self.moment.key(name);
        let state = &self.moment.state;
        if let Some((line, _)) = state.event(name) {
            return Some(line.id);
        }
        let current = Family::ALL.iter().find_map(|family| state.current(*family, name));
        current.map(|entry| entry.event.id.clone()).or_else(|| self.said_of(name).map(|line| line.id))
    }

    fn object(&mut self, name: &str, kind: Kind) -> Option<String> {
        let name = &*self.moment.key(name);
        let state = &self.moment.state;
        let known = |family: &Family| {
            state.current(*family, name).is_some() || self.taken.contains_key(&(*family, name.to_owned()))
        };
        if Family::ALL.iter().filter(|family| kind.takes(**family)).any(known) {
            return Some(name.to_owned());
        }
        let said = state.event(name).map(|(line, _)| line).or_else(|| self.said_of(name));
        match said {
            Some(line) => kind.takes(line.family).then_some(line.object_id),
            None if kind == Kind::Impact => self.own_member(name).or_else(|| self.anchor(name)),
            None if kind.takes(Family::Impact) => self.anchor(name),
            None => None,
        }
    }

    /// The thread of a message: that which it began, or the one that it answers in.
    fn thread_of(&self, message: String) -> String {
        let said = self.moment.state.current(Family::Message, &message).map(|entry| &entry.claim().body);
        if let Some(Body::Message(said)) = said { said.thread_id.clone() } else { message }
    }

    /// The first that the desk's organisation said to be broken in an incident. Not of an incident by a former id: that
    /// stands for what it was made of.
    fn own_member(&mut self, name: &str) -> Option<String> {
        let incident = self.moment.state.incident(name, self.moment.at)?;
        let former = incident.id != name && self.moment.state.resolve(name) != name;
        let members = incident.members.into_iter().filter(|member| !former && member.family == Family::Impact);
        let own = members.filter(|member| member.speaker == self.own).map(|member| member.object_id);
        let own = own.filter(|object| self.sight.hides(self.moment.state, object).is_none());
        own.min_by_key(|object| self.first_said_of(object))
    }

    fn first_said_of(&self, object: &str) -> Option<(DateTime<Utc>, Place)> {
        let filter = EventFilter { object: Some(object.to_owned()), family: Some(Family::Impact), speaker: None };
        let first = self.moment.state.events(None, usize::MAX, &filter).pop();
        first.map(|line| (line.logged, line.position))
    }

    /// The member that gave an incident its id. The id itself may have become an alias: then it stands for the member
    /// that it was made of. Where the claim may not tell of that one, the first that it may tell of.
    fn anchor(&mut self, name: &str) -> Option<String> {
        let resolved = self.moment.state.resolve(name).to_owned();
        let is_resolved = resolved != name;
        if is_resolved && self.sight.hides(self.moment.state, &resolved).is_none() {
            return Some(resolved);
        }
        let incident = self.moment.state.incident(name, self.moment.at);
        let members = incident.iter().flat_map(|incident| &incident.members);
        let impacts =
            || members.clone().filter(|member| member.family == Family::Impact).map(|member| &member.object_id);
        let gave = |id: &&String| incident.as_ref().is_some_and(|incident| incident_id(id) == incident.id);
        let anchor = if is_resolved { Some(resolved) } else { impacts().find(gave).cloned() };
        let hidden = |id: &String| self.sight.hides(self.moment.state, id).is_some();
        let told = anchor.clone().filter(|id| !hidden(id)).or_else(|| impacts().find(|id| !hidden(id)).cloned());
        told.or(anchor)
    }

    /// The newest that was said of an object, even if it was withdrawn.
    fn said_of(&self, name: &str) -> Option<Line> {
        let filter = EventFilter { object: Some(name.to_owned()), family: None, speaker: None };
        self.moment.state.events(None, 1, &filter).pop()
    }
}
