//! What this desk last said of an object, as the log has it: the ground for a revision and for saying it again.

use entente_schemas::family::Family;
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{object, stamp};
use crate::client::Client;
use crate::exit::{Exit, Failure};

/// Members of a revision that the next one is given anew.
const OF_ONE_REVISION: [&str; 4] = ["rev", "author", "cause", "trimmed"];
const TIMES_OF_ONE_REVISION: [&str; 2] = ["observed_at", "confirmed_at"];

/// The id of the object that a key names: an object id names itself, an event id or a position what was said there.
///
/// # Errors
/// If the log has no such record, or the server does not answer.
pub async fn object_id(client: &Client, key: &str) -> Result<String, Failure> {
    // A sequence behind a colon may be the place of a record in a sharing group.
    let may_be_place = key.rsplit_once(':').is_some_and(|(_, end)| end.bytes().all(|b| b.is_ascii_digit()));
    if key.contains(':') && !may_be_place {
        return Ok(key.to_owned());
    }
    let record = match client.json(&["v1", "events", key], &[]).await {
        Err(failure) if failure.exit == Exit::NotFound && may_be_place => return Ok(key.to_owned()),
        record => record,
    };
    let record = record.map_err(|failure| match failure.exit {
        Exit::NotFound => {
            let what = format!("the log has no record `{key}`; expected an object id, an event id or a position");
            Failure::new(Exit::NotFound, what, "`entente events` lists positions and, last in the line, object ids")
        }
        _ => failure,
    })?;
    record.pointer("/line/object_id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        let next = "check that command and server are of one version: `entente --version`";
        Failure::failed(format!("the server does not say of what object the record `{key}` is"), next)
    })
}

/// The id of the event with which a desk last said something of an object.
///
/// # Errors
/// If there is none, or the server does not answer.
pub async fn last_event(client: &Client, family: Family, id: &str) -> Result<String, Failure> {
    let query = [("object", id.to_owned()), ("family", family.token().to_owned())];
    let lines = client.json(&["v1", "events"], &query).await?;
    let lines = lines.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_desk = lines.iter().find(|line| text(line, "source").ends_with("/desk"));
    of_desk.map(|line| text(line, "id").to_owned()).ok_or_else(|| {
        let what = format!("no desk has published {family} {id}: there is nothing to revise or to say again");
        let next = match family {
            Family::Approach => "`entente events` lists object ids last in the line; with its name a new approach takes the id of --object",
            _ => "`entente events` lists object ids last in the line; a new claim is published without --object and --still",
        };
        Failure::new(Exit::NotFound, what, next)
    })
}

/// The last revision of an object that a desk published, without what belongs to that revision only.
///
/// # Errors
/// If there is none, or the server does not answer.
pub async fn last(client: &Client, family: Family, id: &str) -> Result<Map<String, Value>, Failure> {
    let event = last_event(client, family, id).await?;
    let event = client.json(&["v1", "events", &event], &[]).await?;
    let claim = event.pointer("/payload/data").and_then(Value::as_object).cloned();
    claim.map(stripped).ok_or_else(|| {
        let what = format!("the last revision of {family} {id} cannot be read");
        Failure::failed(what, "give the whole claim with --file, and --object for what it revises")
    })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn stripped(mut claim: Map<String, Value>) -> Map<String, Value> {
    claim.retain(|name, _| !OF_ONE_REVISION.contains(&name.as_str()));
    if let Some(Value::Object(times)) = claim.get_mut("times") {
        times.retain(|name, _| !TIMES_OF_ONE_REVISION.contains(&name.as_str()));
    }
    claim
}

/// What is asked of the server to say the last revision again: nothing moves but when it was confirmed, and by whom.
pub fn still(header: &HeaderFlags, desk: &Desk, object_id: String) -> Map<String, Value> {
    let confirmed = header.occurred_at.map(|moment| json!({ "confirmed_at": stamp(moment.settle(desk.now)) }));
    let author = object([("person", header.person.clone().or_else(|| desk.person.clone()).map(Value::from))]);
    object([
        ("object_id", Some(Value::from(object_id))),
        ("times", confirmed),
        ("author", (!author.is_empty()).then_some(Value::Object(author))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_keeps_what_was_said_and_not_when() {
        let claim = json!({ "object_id": "local:1", "rev": 3, "title": "DNS", "cause": "still", "trimmed": ["summary"],
            "author": { "org": "local" }, "times": { "occurred_at": "a", "observed_at": "b", "confirmed_at": "c" } });
        let expected = json!({ "object_id": "local:1", "title": "DNS", "times": { "occurred_at": "a" } });
        assert_eq!(Value::Object(stripped(claim.as_object().cloned().unwrap())), expected);
    }
}
