//! What this desk last said of an object, as the log has it: the ground for a revision, a re-affirmation, a retraction.

use entente_schemas::family::Family;
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::{Members, object, stamp};
use crate::client::Client;
use crate::exit::{Exit, Failure};

/// Members of a revision that the next one is given anew.
const OF_ONE_REVISION: [&str; 3] = ["rev", "cause", "trimmed"];
const TIMES_OF_ONE_REVISION: [&str; 2] = ["observed_at", "confirmed_at"];

/// The last revision of an object that this organisation's desk published.
///
/// # Errors
/// If there is none, or the server does not answer.
pub async fn last(client: &Client, family: Family, id: &str, desk: &Desk) -> Result<Map<String, Value>, Failure> {
    let query = [("object", id.to_owned()), ("family", family.token().to_owned())];
    let lines = client.json(&["v1", "events"], &query).await?;
    let lines = lines.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    let ours = format!("//{}/desk/", desk.org);
    let is_ours = |line: &&Value| line.get("source").and_then(Value::as_str).is_some_and(|source| source.starts_with(&ours));
    let Some(position) = lines.iter().find(is_ours).and_then(|line| line.get("position")) else {
        let what = format!("{} has said nothing of {family} {id} that could be revised", desk.org);
        return Err(Failure::new(Exit::NotFound, what, "`entente picture` shows what there is; publish it without --object"));
    };
    let event = client.json(&["v1", "events", &position.to_string()], &[]).await?;
    event.pointer("/payload/data").and_then(Value::as_object).cloned().ok_or_else(|| {
        let what = format!("the event at position {position} cannot be read");
        Failure::failed(what, "give the whole claim with --file, and --object for what it revises")
    })
}

/// The last revision, without what belongs to that revision only.
///
/// # Errors
/// If there is none, or the server does not answer.
pub async fn revisable(client: &Client, family: Family, id: &str, desk: &Desk) -> Result<Map<String, Value>, Failure> {
    Ok(stripped(last(client, family, id, desk).await?))
}

fn stripped(mut claim: Map<String, Value>) -> Map<String, Value> {
    claim.retain(|name, _| !OF_ONE_REVISION.contains(&name.as_str()));
    if let Some(Value::Object(times)) = claim.get_mut("times") {
        times.retain(|name, _| !TIMES_OF_ONE_REVISION.contains(&name.as_str()));
    }
    claim
}

/// The last revision said again: nothing moves but when it was confirmed.
pub fn still(last: Map<String, Value>, header: &HeaderFlags, desk: &Desk) -> Map<String, Value> {
    let confirmed = header.occurred_at.map_or(desk.now, |moment| moment.settle(desk.now));
    let mut claim = Members::over(stripped(last), desk.now);
    claim.within("times", object([("confirmed_at", Some(json!(stamp(confirmed))))]));
    claim.set("cause", Some("still"));
    claim.finish().unwrap_or_default()
}

/// Completes a retraction whose target is named by position or event id only.
///
/// # Errors
/// If the log has no such event.
pub async fn fill_target(client: &Client, claim: &mut Map<String, Value>) -> Result<(), Failure> {
    if claim.contains_key("target_object") {
        return Ok(());
    }
    let key = claim.get("target").and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = client.json(&["v1", "events", &key], &[]).await?;
    let line = event.get("line").cloned().unwrap_or_default();
    for (member, of_line) in
        [("target", "id"), ("target_object", "object_id"), ("target_rev", "rev"), ("target_source", "source")]
    {
        claim.insert(member.to_owned(), line.get(of_line).cloned().unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_said() -> Map<String, Value> {
        let claim = json!({ "object_id": "local:1", "rev": 3, "title": "DNS", "cause": "still", "trimmed": ["summary"],
            "times": { "occurred_at": "a", "observed_at": "b", "confirmed_at": "c" } });
        claim.as_object().cloned().unwrap()
    }

    #[test]
    fn a_revision_keeps_what_was_said_and_not_when() {
        let expected = json!({ "object_id": "local:1", "title": "DNS", "times": { "occurred_at": "a" } });
        assert_eq!(Value::Object(stripped(last_said())), expected);
    }

    #[test]
    fn saying_it_still_holds_moves_only_the_confirmation() {
        let now = "2024-07-19T05:00:00Z".parse().unwrap();
        let desk = Desk { org: "local".into(), role: entente_schemas::speaker::Role::Observer, person: None, now };
        let claim = still(last_said(), &HeaderFlags::default(), &desk);
        let times = json!({ "occurred_at": "a", "confirmed_at": "2024-07-19T05:00:00Z" });
        let expected = json!({ "object_id": "local:1", "title": "DNS", "times": times, "cause": "still" });
        assert_eq!(Value::Object(claim), expected);
    }
}
