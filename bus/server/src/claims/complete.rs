//! Completing a claim: what its author may leave out follows from who writes, what the clock shows and what was said
//! before. Pure; the finished claim is then held to the schema like any other.

use chrono::{DateTime, SecondsFormat, Utc};
use entente_schemas::event::Draft;
use entente_schemas::family::{Claim, Family};
use entente_schemas::header::Certainty;
use entente_schemas::speaker::{Relay, Role};
use entente_schemas::tlp::Tlp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Mistake;
use super::ground::Ground;
use super::request::Request;

/// Who writes, and when.
#[derive(Clone, Debug)]
pub(crate) struct Writer<'a> {
    /// The desk's organisation.
    pub(crate) org: &'a str,
    /// What it is, by the desk's own start.
    pub(crate) role: Role,
    /// The marking, where the request has none.
    pub(crate) tlp: Tlp,
    /// What the clock shows.
    pub(crate) now: DateTime<Utc>,
    /// The event's id, if the caller minted none.
    pub(crate) event: Uuid,
    /// For a new object's id.
    pub(crate) object: Uuid,
}

impl Writer<'_> {
    fn as_started(&self) -> String {
        format!("this desk was started as {}; leave role out, or start the desk anew with another --role", self.role)
    }
}

/// The event that a request asks for.
///
/// # Errors
/// Every mistake at once, each with its path.
pub(crate) fn complete(request: Request, ground: &Ground, writer: &Writer<'_>) -> Result<Draft, Vec<Mistake>> {
    let mut building = Building { claim: request.claim, mistakes: Vec::new() };
    if request.still {
        building.say_again(ground, writer);
    }
    building.name(ground, writer);
    building.speaker(ground, writer);
    building.author(writer);
    building.weight(request.family, writer);
    building.within("times", "observed_at", || json!(stamp(writer.now)));
    building.of_family(request.family, ground);
    let claim = building.finish(request.family)?;
    Ok(Draft {
        id: request.id.unwrap_or(writer.event).to_string(),
        recorded: writer.now,
        causation: request.causation,
        traceparent: request.traceparent,
        tlp: request.tlp.unwrap_or(writer.tlp),
        claim,
    })
}

struct Building {
    claim: Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Building {
    fn mistake(&mut self, path: &str, what: impl Into<String>) {
        self.mistakes.push(Mistake::new(path, what));
    }

    fn default(&mut self, name: &str, value: impl FnOnce() -> Value) {
        if self.claim.get(name).is_none_or(Value::is_null) {
            self.claim.insert(name.to_owned(), value());
        }
    }

    /// Fills a member of a member, unless that is something else than an object: then the schema refuses it.
    fn within(&mut self, name: &str, member: &str, value: impl FnOnce() -> Value) {
        self.default(name, || Value::Object(Map::new()));
        if let Some(Value::Object(inner)) = self.claim.get_mut(name)
            && inner.get(member).is_none_or(Value::is_null)
        {
            inner.insert(member.to_owned(), value());
        }
    }

    fn text(&self, name: &str, member: &str) -> Option<&str> {
        self.claim.get(name)?.get(member)?.as_str()
    }

    /// Nothing moves but when it was confirmed.
    fn say_again(&mut self, ground: &Ground, writer: &Writer<'_>) {
        let Some(last) = &ground.last else {
            self.mistake("object_id", "this desk has said nothing of the object that could be said again");
            return;
        };
        let asked = std::mem::replace(&mut self.claim, last.clone());
        let confirmed = asked.get("times").and_then(|times| times.get("confirmed_at")).cloned();
        if let Some(name) = asked.keys().find(|name| !matches!(name.as_str(), "object_id" | "times" | "author")) {
            let what =
                "saying again that it holds moves nothing else; leave it out, or publish a revision without still";
            self.mistake(name, what);
        }
        for name in ["rev", "author"] {
            self.claim.remove(name);
        }
        self.claim.extend(asked.get("author").map(|author| ("author".to_owned(), author.clone())));
        self.claim.insert("cause".to_owned(), json!("still"));
        if let Some(Value::Object(times)) = self.claim.get_mut("times") {
            times.insert("confirmed_at".to_owned(), confirmed.unwrap_or_else(|| json!(stamp(writer.now))));
        }
    }

    fn name(&mut self, ground: &Ground, writer: &Writer<'_>) {
        self.default("object_id", || json!(format!("{}:{}", writer.org, writer.object)));
        let next = ground.last_rev + 1;
        self.default("rev", || json!(next));
        if self.claim.get("rev") != Some(&json!(next)) {
            self.mistake("rev", format!("this desk's next revision of the object is {next}; leave rev out"));
        }
    }

    fn speaker(&mut self, ground: &Ground, writer: &Writer<'_>) {
        self.within("speaker", "org", || json!(writer.org));
        let org = self.text("speaker", "org").unwrap_or(writer.org).to_owned();
        let own = org == writer.org;
        let (relay, certainty) =
            if own { (Relay::Own, Certainty::Observed) } else { (Relay::Relayed, Certainty::Likely) };
        match if own { Some(writer.role) } else { ground.role } {
            Some(role) => self.within("speaker", "role", || json!(role)),
            None if self.text("speaker", "role").is_none() => {
                let words = Role::WORDS.join(", ");
                self.mistake("speaker.role", format!("{org} has not been heard yet; say what it is: {words}"));
                self.within("speaker", "role", || json!(Role::Observer));
            }
            None => {}
        }
        self.within("speaker", "relay", || json!(relay));
        if self.text("speaker", "relay").is_some_and(|said| said != relay.as_str()) {
            let whose = if own { "own words" } else { "another organisation's words" };
            self.mistake("speaker.relay", format!("{whose} are `{relay}` when a desk publishes them"));
        }
        self.default("certainty", || json!(certainty));
    }

    fn author(&mut self, writer: &Writer<'_>) {
        self.within("author", "org", || json!(writer.org));
        self.within("author", "role", || json!(writer.role));
        if self.text("author", "org").is_some_and(|org| org != writer.org) {
            self.mistake("author.org", format!("claims of this desk are written for {}", writer.org));
        }
        if self.text("author", "role").is_some_and(|role| role != writer.role.as_str()) {
            self.mistake("author.role", writer.as_started());
        }
    }

    /// Nobody coordinates by a word in a claim: not for oneself, and not in the name of another where that word binds.
    fn weight(&mut self, family: Family, writer: &Writer<'_>) {
        let binds = matches!(family, Family::Constraint | Family::Retraction);
        let own = self.text("speaker", "org") == Some(writer.org);
        let coordinates = self.text("speaker", "role") == Some(Role::Coordinator.as_str());
        if coordinates && (own || binds) && writer.role != Role::Coordinator {
            self.mistake("speaker.role", writer.as_started());
        }
    }

    fn of_family(&mut self, family: Family, ground: &Ground) {
        match family {
            Family::Message => {
                let own = self.claim.get("object_id").cloned().unwrap_or_default();
                self.default("thread_id", || own);
                let decision = self.claim.get("kind") == Some(&json!("decision"));
                self.default("state", || json!(if decision { "in_force" } else { "open" }));
            }
            Family::Retraction => self.target(ground),
            Family::Feed | Family::Rejected => {
                self.mistake(
                    "(request).family",
                    format!("{family} is what adapters say; people publish the other families"),
                );
            }
            _ => {}
        }
    }

    fn target(&mut self, ground: &Ground) {
        let named = ["target_object", "target_rev", "target_source"].iter().all(|name| self.claim.contains_key(*name));
        match &ground.target {
            Some(target) => {
                self.claim.insert("target".to_owned(), json!(target.line.id));
                self.default("target_object", || json!(target.line.object_id));
                self.default("target_rev", || json!(target.line.rev));
                self.default("target_source", || json!(target.source));
            }
            None if named => {}
            None => self.mistake("target", "the log has no such event; expected an event id or a position"),
        }
    }

    /// A claim whose completion failed is checked all the same, so that all its mistakes are told at once.
    fn finish(mut self, family: Family) -> Result<Claim, Vec<Mistake>> {
        let read = Claim::read_strict(family, &Value::Object(self.claim).to_string());
        match read {
            Ok(claim) if self.mistakes.is_empty() => Ok(claim),
            Ok(_) => Err(self.mistakes),
            Err(problems) => {
                self.mistakes.extend(problems.list().iter().map(Mistake::from));
                Err(self.mistakes)
            }
        }
    }
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use entente_correlator::picture::Line;

    use super::super::ground::Target;
    use super::*;

    const NOW: &str = "2024-07-19T05:10:00Z";

    fn writer() -> Writer<'static> {
        let id = |last| Uuid::parse_str(&format!("01912b6e-1111-7000-8000-00000000000{last}")).unwrap();
        let now = NOW.parse().unwrap();
        Writer { org: "aws", role: Role::Provider, tlp: Tlp::Green, now, event: id(1), object: id(2) }
    }

    fn asked(family: Family, claim: Value) -> Request {
        Request::new(family, claim.as_object().unwrap().clone())
    }

    fn impact() -> Value {
        json!({"kind": "incident", "phase": "investigating", "severity": "critical", "title": "Windows VMs stop"})
    }

    fn and(mut claim: Value, more: Value) -> Value {
        claim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claim
    }

    fn paths(result: Result<Draft, Vec<Mistake>>) -> Vec<String> {
        result.unwrap_err().into_iter().map(|mistake| mistake.path).collect()
    }

    #[test]
    fn what_is_left_out_follows_from_who_writes_and_when() {
        let draft = complete(asked(Family::Impact, impact()), &Ground::default(), &writer()).unwrap();
        let header = &draft.claim.header;
        assert_eq!(draft.id, "01912b6e-1111-7000-8000-000000000001");
        assert_eq!(header.object_id, "aws:01912b6e-1111-7000-8000-000000000002");
        assert_eq!((header.rev, header.certainty), (1, Certainty::Observed));
        assert_eq!(
            (header.speaker.org.as_str(), header.speaker.role, header.speaker.relay),
            ("aws", Role::Provider, Relay::Own)
        );
        let author = header.author.as_ref().unwrap();
        assert_eq!((author.org.as_str(), author.role), ("aws", Some(Role::Provider)));
        assert_eq!(header.times.observed_at, writer().now);
    }

    #[test]
    fn what_another_said_is_relayed_and_at_most_likely() {
        let told = and(impact(), json!({"speaker": {"org": "crowdstrike"}}));
        let ground = Ground { role: Some(Role::Vendor), ..Ground::default() };
        let draft = complete(asked(Family::Impact, told.clone()), &ground, &writer()).unwrap();
        let header = &draft.claim.header;
        assert_eq!(
            (header.speaker.relay, header.speaker.role, header.certainty),
            (Relay::Relayed, Role::Vendor, Certainty::Likely)
        );
        assert_eq!(header.author.as_ref().unwrap().org, "aws");
        assert!(header.object_id.starts_with("aws:"));
        assert_eq!(
            paths(complete(asked(Family::Impact, told.clone()), &Ground::default(), &writer())),
            ["speaker.role"]
        );
        let sure = and(told, json!({"certainty": "observed"}));
        assert_eq!(paths(complete(asked(Family::Impact, sure), &ground, &writer())), ["certainty"]);
        let forged = and(impact(), json!({"speaker": {"org": "crowdstrike", "role": "vendor", "relay": "own"}}));
        assert_eq!(paths(complete(asked(Family::Impact, forged), &ground, &writer())), ["speaker.relay"]);
    }

    #[test]
    fn a_revision_follows_the_last_one() {
        let ground = Ground { last_rev: 4, ..Ground::default() };
        let again = and(impact(), json!({"object_id": "aws:1"}));
        assert_eq!(complete(asked(Family::Impact, again.clone()), &ground, &writer()).unwrap().claim.header.rev, 5);
        let fork = and(again, json!({"rev": 4}));
        assert_eq!(paths(complete(asked(Family::Impact, fork), &ground, &writer())), ["rev"]);
    }

    #[test]
    fn saying_again_moves_only_the_confirmation() {
        let first = complete(asked(Family::Impact, impact()), &Ground::default(), &writer()).unwrap();
        let Ok(Value::Object(last)) = serde_json::to_value(&first.claim) else { panic!("a claim is an object") };
        let ground = Ground { last_rev: 1, last: Some(last), ..Ground::default() };
        let later = Writer { now: "2024-07-19T06:00:00Z".parse().unwrap(), ..writer() };
        let still = |claim| Request { still: true, ..asked(Family::Impact, claim) };
        let again = complete(still(json!({"object_id": first.claim.header.object_id})), &ground, &later).unwrap().claim;
        let mut expected = first.claim.clone();
        expected.header.rev = 2;
        expected.header.times.confirmed_at = Some(later.now);
        expected.header.cause = Some("still".into());
        assert_eq!(again, expected);
        assert_eq!(paths(complete(still(json!({"object_id": "aws:1", "title": "y"})), &ground, &later)), ["title"]);
        assert!(
            paths(complete(still(json!({"object_id": "aws:1"})), &Ground::default(), &later))
                .contains(&"object_id".to_owned())
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_paths() {
        let claim = json!({"kind": "incident", "phase": "fixed", "severity": "critical", "title": "", "sevrity": 1,
            "author": {"org": "gcp"}, "rev": 7});
        let found = paths(complete(asked(Family::Impact, claim), &Ground::default(), &writer()));
        for path in ["rev", "author.org", "phase", "sevrity", "title"] {
            assert!(found.iter().any(|found| found == path), "{path} is not among {found:?}");
        }
    }

    #[test]
    fn nobody_takes_another_role_than_the_desk_was_started_with() {
        let apart = json!({"kind": "cannot_link", "objects": ["aws:1", "gcp:1"], "reason": "x"});
        let found = |family, claim: &Value, more, role| {
            let writer = Writer { role, ..writer() };
            let known = Ground { role: Some(Role::Coordinator), ..Ground::default() };
            complete(asked(family, and(claim.clone(), more)), &known, &writer).map(drop).map_err(|_| ())
        };
        let author = |role: &str| json!({"author": {"role": role}});
        let told = |role: &str| json!({"speaker": {"org": "cisa", "role": role}});
        let (provider, coordinator) = (Role::Provider, Role::Coordinator);
        assert_eq!(found(Family::Constraint, &apart, author("provider"), provider), Ok(()));
        assert_eq!(found(Family::Constraint, &apart, author("coordinator"), coordinator), Ok(()));
        assert_eq!(found(Family::Constraint, &apart, author("coordinator"), provider), Err(()));
        assert_eq!(found(Family::Constraint, &apart, author("provider"), coordinator), Err(()));
        assert_eq!(found(Family::Constraint, &apart, json!({"speaker": {"role": "coordinator"}}), provider), Err(()));
        assert_eq!(found(Family::Constraint, &apart, told("coordinator"), provider), Err(()));
        assert_eq!(found(Family::Constraint, &apart, json!({"speaker": {"org": "cisa"}}), provider), Err(()));
        assert_eq!(found(Family::Impact, &impact(), told("coordinator"), provider), Ok(()));
        let coordinates = asked(Family::Constraint, and(apart, author("coordinator")));
        assert_eq!(paths(complete(coordinates, &Ground::default(), &writer())), ["author.role"]);
    }

    #[test]
    fn a_message_opens_its_own_thread() {
        let message = |kind| asked(Family::Message, json!({"kind": kind, "text": "Which repair works?"}));
        let request = complete(message("request"), &Ground::default(), &writer()).unwrap();
        let json = serde_json::to_value(&request.claim).unwrap();
        assert_eq!((json["thread_id"].as_str(), json["state"].as_str()), (json["object_id"].as_str(), Some("open")));
        let decision =
            serde_json::to_value(complete(message("decision"), &Ground::default(), &writer()).unwrap().claim).unwrap();
        assert_eq!(decision["state"], "in_force");
    }

    #[test]
    fn a_retraction_finds_its_target_in_the_log() {
        let retract = json!({"target": "120", "scope": "revision", "reason": "wrong_fact"});
        let source = "//aws/desk/01J00000000000000000000000".to_owned();
        let line = Line {
            position: 120.into(),
            id: "e1".into(),
            logged: writer().now,
            speaker: "aws".into(),
            source: "aws/desk".into(),
            family: Family::Impact,
            object_id: "aws:1".into(),
            rev: 2,
            says: String::new(),
            incident: None,
            withdrawn_by: None,
            shared: None,
        };
        let ground =
            Ground { target: Some(Target { line, source: source.clone(), standing: vec![2] }), ..Ground::default() };
        let claim = complete(asked(Family::Retraction, retract.clone()), &ground, &writer()).unwrap().claim;
        let json = serde_json::to_value(&claim).unwrap();
        assert_eq!((json["target"].as_str(), json["target_source"].as_str()), (Some("e1"), Some(source.as_str())));
        assert!(
            paths(complete(asked(Family::Retraction, retract), &Ground::default(), &writer()))
                .contains(&"target".to_owned())
        );
    }

    #[test]
    fn what_adapters_say_is_not_for_people() {
        let found = paths(complete(asked(Family::Feed, json!({})), &Ground::default(), &writer()));
        assert!(found.contains(&"(request).family".to_owned()), "{found:?}");
    }
}
