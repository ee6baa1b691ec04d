//! `entente why`: the reasons in words for which claims are one incident: joins, near misses, and what people said.

use std::fmt::Write as _;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::Place;
use crate::ask::asking;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::marking::Names;
use crate::say;
use crate::view::ViewFlags;

const EXAMPLES: &str = "\
Examples:
  entente why inc-2kq7c4w1xz
  entente why gcp.public:DK3LfKowzJPpZq4Q9YqP azure.rss:1K80-N_8";

/// Say why claims are one incident, or why they are not
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Why {
    /// An incident, by id, alias, short name or the object id of a member
    key: String,
    /// A claim or another incident: only what speaks for or against it belonging there
    other: Option<String>,
    #[command(flatten)]
    view: ViewFlags,
}

/// What is read of an incident.
#[derive(Clone, Debug, Default, Deserialize)]
struct Grounds {
    id: String,
    name: String,
    /// The highest marking of what is shown.
    #[serde(default)]
    tlp: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    members: Vec<Member>,
    #[serde(default)]
    why: Vec<Join>,
    #[serde(default)]
    near: Vec<NearMiss>,
    #[serde(default)]
    constraints: Vec<Opinion>,
}

#[derive(Clone, Debug, Deserialize)]
struct Member {
    object_id: String,
    speaker: String,
    title: String,
    /// Its place in the log, which tells its audience.
    #[serde(default)]
    position: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct Join {
    a: String,
    b: String,
    relation: String,
    reasons: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct NearMiss {
    object_id: String,
    other: String,
    #[serde(default)]
    other_incident: Option<String>,
    speaks_for: String,
    speaks_against: String,
    #[serde(flatten)]
    shared: Shared,
}

#[derive(Clone, Debug, Deserialize)]
struct Opinion {
    kind: String,
    objects: Vec<String>,
    author: String,
    org: String,
    reason: String,
    binds: bool,
    #[serde(flatten)]
    shared: Shared,
}

/// The sharing group that something was said in, with its marking; of what everybody may read neither.
#[derive(Clone, Debug, Default, Deserialize)]
struct Shared {
    #[serde(default)]
    audience: String,
    #[serde(default)]
    tlp: String,
}

impl Shared {
    fn mark(&self, names: &Names) -> String {
        behind(&names.mark(&json!({ "audience": self.audience, "tlp": self.tlp })))
    }
}

/// What is said of the line before it.
fn behind(mark: &str) -> String {
    if mark.is_empty() { String::new() } else { format!("  [{mark}]") }
}

/// Says why.
///
/// # Errors
/// If there is no such incident, or no server can be asked.
pub async fn run(why: Why, place: &Place) -> Result<Exit, Failure> {
    let (incident, other) = asking(place, async |asked, folder| {
        let client = asked.client();
        let query = why.view.query(client, folder.now()).await?;
        let incident = client.json(&["v1", "incidents", &why.key], &query).await?;
        let Some(key) = why.other.clone() else { return Ok((incident, None)) };
        let found = match client.json(&["v1", "incidents", &key], &query).await {
            Ok(found) => Some(found),
            Err(failure) if failure.exit == Exit::NotFound => None,
            Err(failure) => return Err(failure),
        };
        Ok((incident, Some((key, found))))
    })
    .await?;
    let mut grounds = read(&incident)?;
    let other = match other {
        Some((key, found)) => Some(Other { key, grounds: found.as_ref().map(read).transpose()? }),
        None => None,
    };
    if let Some(other) = &other {
        grounds.narrow(other);
    }
    let text = if why.view.json {
        as_json(&incident, &grounds, other.as_ref())
    } else {
        as_text(&grounds, other.as_ref(), &Names::of(&Folder::choose(place.data.as_deref())?))
    };
    say::print(&text)?;
    Ok(Exit::Done)
}

/// What is asked about beside the incident, and the incident that it belongs to, if to any.
struct Other {
    key: String,
    grounds: Option<Grounds>,
}

impl Other {
    fn covers(&self, object: &str) -> bool {
        let members = self.grounds.iter().flat_map(|grounds| &grounds.members);
        let is_object = self.key == object;
        is_object || (self.names_an_incident() && members.into_iter().any(|member| member.object_id == object))
    }

    fn names_an_incident(&self) -> bool {
        self.grounds.as_ref().is_some_and(|grounds| {
            grounds.id == self.key || grounds.name == self.key || grounds.aliases.contains(&self.key)
        })
    }
}

fn read(incident: &Value) -> Result<Grounds, Failure> {
    Grounds::deserialize(incident).map_err(|error| {
        let what = format!("the server's incident cannot be read: {error}");
        Failure::failed(what, "check that command and server are of one version: `entente --version`")
    })
}

impl Member {
    fn place(&self) -> String {
        self.position.as_str().map_or_else(|| self.position.to_string(), str::to_owned)
    }
}

impl Grounds {
    fn narrow(&mut self, other: &Other) {
        self.why.retain(|join| other.covers(&join.a) || other.covers(&join.b));
        self.near.retain(|near| {
            let there = other.grounds.as_ref().map(|grounds| grounds.id.as_str());
            let same = there.is_some_and(|id| id != self.id && near.other_incident.as_deref() == Some(id));
            other.covers(&near.other) || other.covers(&near.object_id) || (other.names_an_incident() && same)
        });
        self.constraints.retain(|opinion| opinion.objects.iter().any(|object| other.covers(object)));
    }
}

fn as_json(incident: &Value, grounds: &Grounds, other: Option<&Other>) -> String {
    let kept = |name: &str, keep: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        let list = incident.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().filter(|element| other.is_none() || keep(element)).collect()
    };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let joins =
        kept("why", &|join| grounds.why.iter().any(|kept| kept.a == text(join, "a") && kept.b == text(join, "b")));
    let near = kept("near", &|near| {
        let (object, other) = (text(near, "object_id"), text(near, "other"));
        grounds.near.iter().any(|kept| kept.object_id == object && kept.other == other)
    });
    let constraints = kept("constraints", &|said| {
        let reason = text(said, "reason");
        grounds.constraints.iter().any(|kept| kept.reason == reason && kept.kind == text(said, "kind"))
    });
    let other = other
        .map(|other| json!({ "key": other.key, "incident": other.grounds.as_ref().map(|grounds| grounds.id.clone()) }));
    let mut answer = json!({ "id": grounds.id, "name": grounds.name, "other": other, "why": joins, "near": near,
                             "constraints": constraints });
    if let (Some(tlp), Some(members)) = (&grounds.tlp, answer.as_object_mut()) {
        members.insert("tlp".to_owned(), json!(tlp));
    }
    format!("{answer:#}\n")
}

fn as_text(grounds: &Grounds, other: Option<&Other>, names: &Names) -> String {
    // Whoever passes the text on must see it first.
    let marking = grounds.tlp.as_ref().map(|tlp| format!("TLP:{}\n", tlp.to_uppercase())).unwrap_or_default();
    let mut text = format!("{marking}{}  {}\n", grounds.id, grounds.name);
    let group_of = |object: &str| {
        let member = grounds.members.iter().find(|member| member.object_id == object);
        member.map(|member| behind(&names.group_at(&member.place()))).unwrap_or_default()
    };
    if let Some(other) = other {
        let _ = writeln!(text, "{}", verdict(grounds, other));
    }
    section(&mut text, "Joined, because", &grounds.why, |join| {
        let link = if join.relation == "part_of" { "is part of" } else { "and" };
        let (a, b) = (group_of(&join.a), group_of(&join.b));
        format!("{}{a} {link} {}{b}: {}", join.a, join.b, join.reasons.join("; "))
    });
    section(&mut text, "Nearly joined", &grounds.near, |near| {
        let there = near.other_incident.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let (for_it, against) = (&near.speaks_for, &near.speaks_against);
        let (own, mark) = (group_of(&near.object_id), near.shared.mark(names));
        let (a, b) = (&near.object_id, &near.other);
        format!("{a}{own} and {b}{there}{mark}: for it: {for_it}; against it: {against}")
    });
    section(&mut text, "People said", &grounds.constraints, |said| {
        let reach = if said.binds { "binds" } else { "an opinion" };
        let who = if said.author == said.org { said.org.clone() } else { format!("{}, {}", said.author, said.org) };
        let mark = said.shared.mark(names);
        format!("{} {} ({who}; {reach}): {}{mark}", said.kind, said.objects.join(" "), said.reason)
    });
    if other.is_none() {
        section(&mut text, "Members", &grounds.members, |member| {
            let group = group_of(&member.object_id);
            format!("{}  {}: {}{group}", member.object_id, member.speaker, member.title)
        });
    }
    say::shown(&text)
}

fn verdict(grounds: &Grounds, other: &Other) -> String {
    match &other.grounds {
        Some(found) if found.id == grounds.id => format!("{} belongs to it", other.key),
        Some(found) => format!("{} does not belong to it, but to {}  {}", other.key, found.id, found.name),
        None => format!("{} belongs to no incident that is known here", other.key),
    }
}

fn section<T>(text: &mut String, title: &str, elements: &[T], line: impl Fn(&T) -> String) {
    if elements.is_empty() {
        let _ = writeln!(text, "\n{title}: nothing");
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for element in elements {
        let _ = writeln!(text, "  {}", line(element));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grounds() -> Grounds {
        let incident = json!({
            "id": "inc-aaaaaaaaaa", "name": "csagent.sys", "members": [
                { "object_id": "gcp.public:1", "speaker": "gcp", "title": "Windows VMs" },
                { "object_id": "local:2", "speaker": "crowdstrike", "title": "Falcon" }],
            "why": [{ "a": "gcp.public:1", "b": "local:2", "relation": "same", "reasons": ["both name csagent.sys"] }],
            "near": [{ "object_id": "gcp.public:1", "other": "azure.rss:3", "other_incident": "inc-bbbbbbbbbb",
                       "speaks_for": "onsets 6 h apart", "speaks_against": "no shared service" }],
            "constraints": [{ "kind": "cannot_link", "objects": ["azure.rss:3"], "author": "Ann", "org": "azure",
                              "reason": "storage", "binds": true }] });
        read(&incident).unwrap()
    }

    #[test]
    fn every_ground_stands_in_words() {
        let text = as_text(&grounds(), None, &Names::default());
        for line in [
            "gcp.public:1 and local:2: both name csagent.sys",
            "gcp.public:1 and azure.rss:3 (inc-bbbbbbbbbb): for it: onsets 6 h apart; against it: no shared service",
            "cannot_link azure.rss:3 (Ann, azure; binds): storage",
            "gcp.public:1  gcp: Windows VMs",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn a_second_key_narrows_to_what_concerns_it() {
        let mut narrowed = grounds();
        let elsewhere = Grounds { id: "inc-bbbbbbbbbb".into(), name: "storage".into(), ..Grounds::default() };
        let other = Other { key: "azure.rss:3".into(), grounds: Some(elsewhere) };
        narrowed.narrow(&other);
        assert_eq!((narrowed.why.len(), narrowed.near.len(), narrowed.constraints.len()), (0, 1, 1));
        let text = as_text(&narrowed, Some(&other), &Names::default());
        assert!(text.contains("azure.rss:3 does not belong to it, but to inc-bbbbbbbbbb  storage"), "{text}");
        assert!(text.contains("Joined, because: nothing"), "{text}");
    }

    #[test]
    fn a_member_asked_about_shows_only_its_own_joins() {
        let mut narrowed = grounds();
        narrowed.why.push(Join { a: "x:1".into(), b: "x:2".into(), relation: "same".into(), reasons: vec![] });
        let other = Other { key: "local:2".into(), grounds: Some(grounds()) };
        narrowed.narrow(&other);
        assert_eq!((narrowed.why.len(), narrowed.near.len()), (1, 0));
        assert!(as_text(&narrowed, Some(&other), &Names::default()).contains("local:2 belongs to it"));
    }

    #[test]
    fn what_is_of_a_group_is_marked_wherever_it_stands() {
        const BANKS: &str = "gbbbbbbbbbbbbbbbb";
        let mut grounds = grounds();
        grounds.tlp = Some("red".into());
        grounds.members[1].position = json!(format!("A_actual_{BANKS}:7"));
        let shared = Shared { audience: BANKS.into(), tlp: "red".into() };
        (grounds.near[0].shared, grounds.constraints[0].shared) = (shared.clone(), shared);
        let text = as_text(&grounds, None, &Names::with("banks", BANKS));
        assert!(text.starts_with("TLP:RED\n"), "{text}");
        for line in [
            "gcp.public:1 and local:2  [in sharing group banks]: both name csagent.sys",
            "azure.rss:3 (inc-bbbbbbbbbb)  [TLP:RED banks]: for it:",
            "storage  [TLP:RED banks]\n",
            "crowdstrike: Falcon  [in sharing group banks]\n",
            "gcp: Windows VMs\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(as_json(&json!({}), &grounds, None).contains("\"tlp\": \"red\""));
    }
}
