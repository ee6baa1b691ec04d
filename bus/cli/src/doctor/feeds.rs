//! The public feeds: as the running server has them, or asked once where none runs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Finding, machine};
use crate::client::{Client, reason};
use crate::feeds::{Wishes, choose};
use crate::marking::Names;
use crate::settings::Settings;

const ANSWER: Duration = Duration::from_secs(10);
/// With this word the server says that a feed's adapter is gone.
const GONE: &str = "adapter_gone";
/// How long an adapter is missed before it counts as put away.
const PUT_AWAY_AFTER: TimeDelta = TimeDelta::days(1);

/// Every feed of the running server: live or blind, since when, why, and what to do.
pub async fn states(client: &Client, names: &Names) -> Vec<Finding> {
    let answer = match client.json(&["v1", "feeds"], &[]).await {
        Ok(answer) => answer,
        Err(failure) => return vec![Finding::bad("feeds", failure.what, failure.next)],
    };
    let feeds = answer.get("feeds").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut findings: Vec<Finding> = unread(&answer);
    findings.extend(feeds.iter().filter_map(|feed| state(feed, names)));
    let offset = |feed: &Value| Some((feed.pointer("/beat/clock_offset_ms")?.as_i64()?, text(feed, "feed")));
    let widest = feeds.iter().filter_map(offset).min_by_key(|(offset, _)| offset.unsigned_abs());
    findings.extend(widest.map(|(offset, feed)| machine::clock_offset(offset, &format!("feed {feed}"))));
    if findings.is_empty() {
        findings.push(Finding::note(
            "feeds",
            "none has said anything yet",
            "wait for a first poll, or name one with --feed",
        ));
    }
    findings
}

/// The streams that the running server does not read, of which it shows what it read before.
fn unread(answer: &Value) -> Vec<Finding> {
    let bad = |about: &str, lost: &Value| {
        let what =
            format!("not read by the server since {}: {}", to_the_second(&text(lost, "since")), text(lost, "reason"));
        Finding::bad(about, what, "do what the reason says; until then it shows what it read before")
    };
    let log = answer.get("log").filter(|log| text(log, "state") == "lost").map(|log| bad("log", log));
    let groups = answer.pointer("/log/missing").and_then(Value::as_array).into_iter().flatten();
    let groups = groups.map(|group| bad(&format!("sharing group {}", text(group, "name")), group));
    log.into_iter().chain(groups).collect()
}

fn text(feed: &Value, name: &str) -> String {
    feed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn to_the_second(time: &str) -> String {
    time.parse::<DateTime<Utc>>()
        .map_or_else(|_| time.to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// People's desks have no state and are left out.
fn state(feed: &Value, names: &Names) -> Option<Finding> {
    let unspoken = feed.pointer("/beat/state");
    let state = feed.get("state").filter(|state| !state.is_null()).or(unspoken).and_then(Value::as_str)?;
    let group = Some(text(feed, "audience")).filter(|id| !id.is_empty());
    let group = group.map(|id| format!(" into {}", names.name(&id))).unwrap_or_default();
    let about = format!("feed {}{group}", text(feed, "feed"));
    let (since, why, address) = (to_the_second(&text(feed, "since")), text(feed, "reason"), text(feed, "address"));
    if state == "live" {
        return Some(Finding::good(&about, format!("live since {since}")));
    }
    let what = format!("{state} since {since}: {why}");
    if why.starts_with(GONE) {
        return Some(gone(feed, &about, what));
    }
    // The adapter knows best what is missing; who reads a public feed by this machine's word can name another address.
    let told = text(feed.pointer("/beat/error").unwrap_or(&Value::Null), "text");
    let next = [told, why].iter().find_map(|told| Some(told.rsplit_once("; ")?.1.to_owned()));
    let next = next.unwrap_or_else(|| match address.as_str() {
        "" => "see that its adapter runs".to_owned(),
        address => format!("see whether {address} answers from where its adapter runs"),
    });
    Some(Finding::bad(&about, what, next))
}

/// A feed whose adapter is not there any more. After a day it may well have been put away: that is no fault that lasts.
fn gone(feed: &Value, about: &str, what: String) -> Finding {
    let since = text(feed, "since").parse::<DateTime<Utc>>().ok();
    if since.is_some_and(|since| Utc::now() - since > PUT_AWAY_AFTER) {
        return Finding::note(about, what, "start its adapter again, or leave it so if it was put away");
    }
    Finding::bad(about, what, "start its adapter again")
}

/// Asks each feed that is on the web once, if nothing forbids it, and compares clocks with the first that answers.
pub async fn reachable(settings: &Settings, offline: bool) -> Vec<Finding> {
    if offline {
        return vec![Finding::note("feeds", "not asked", "leave --offline out to ask each once")];
    }
    let chosen = match choose(settings, &Wishes::default()) {
        Ok(chosen) => chosen,
        Err(failure) => return vec![Finding::bad("feeds", failure.what, failure.next)],
    };
    let Ok(http) = reqwest::Client::builder().timeout(ANSWER).build() else {
        return vec![Finding::bad(
            "feeds",
            "no HTTP client can be made",
            "see whether the system's certificates are there",
        )];
    };
    let asked = chosen.iter().filter(|feed| feed.address.starts_with("http"));
    let asked = asked.map(|feed| ask(&http, feed.name.to_string(), feed.address.clone()));
    let answers = futures::future::join_all(asked).await;
    let clock = answers.iter().find_map(|(_, clock)| clock.clone());
    answers.into_iter().map(|(finding, _)| finding).chain(clock).collect()
}

async fn ask(http: &reqwest::Client, name: String, address: String) -> (Finding, Option<Finding>) {
    let about = format!("feed {name}");
    let before = Utc::now();
    let answer = http.get(&address).send().await;
    let after = Utc::now();
    match answer {
        Ok(response) => {
            let status = response.status();
            let date = response.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
            let theirs = date.and_then(|date| httpdate::parse_http_date(date).ok()).map(DateTime::<Utc>::from);
            let host = response.url().host_str().unwrap_or(&name).to_owned();
            let clock = theirs.map(|theirs| machine::clock(before, theirs, after, &host));
            let finding = if status.is_success() {
                Finding::good(&about, format!("{address} answers"))
            } else {
                Finding::bad(&about, format!("{address} answers {status}"), "another address is given by --feed")
            };
            (finding, clock)
        }
        Err(error) => {
            let what = format!("{address} does not answer: {}", reason(&error));
            (Finding::bad(&about, what, "see whether this machine may reach it, or leave it out with --no-feed"), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_blind_feed_says_since_when_and_why() {
        let feed = json!({ "feed": "gcp-public", "state": "blind", "since": "2024-07-19T11:58:00Z",
                           "reason": "timeout", "address": "https://status.example" });
        let finding = state(&feed, &Names::default()).unwrap();
        assert_eq!(
            (finding.state, finding.what.as_str()),
            (State::Bad, "blind since 2024-07-19 11:58:00 UTC: timeout")
        );
        assert!(finding.next.contains("https://status.example"));
        assert_eq!(state(&json!({ "feed": "desk", "state": null }), &Names::default()), None);
    }

    #[test]
    fn a_sidecars_feed_gives_its_own_next_step_and_one_that_is_long_gone_is_no_fault() {
        let text = "DescribeEvents: the call is not permitted; grant health:DescribeEvents to the sidecar's identity";
        let mut feed = json!({ "feed": "aws-health", "state": "blind", "since": "2024-07-19T11:58:00Z",
                               "reason": "forbidden", "address": "https://health.example",
                               "beat": { "error": { "code": "forbidden", "text": text } } });
        let finding = state(&feed, &Names::default()).unwrap();
        assert_eq!(
            (finding.state, finding.next.as_str()),
            (State::Bad, "grant health:DescribeEvents to the sidecar's identity")
        );
        feed["reason"] = json!("adapter_gone: its adapter has missed three beats");
        let gone = state(&feed, &Names::default()).unwrap();
        assert_eq!(gone.state, State::Note);
        feed["since"] = json!(Utc::now());
        let missed = state(&feed, &Names::default()).unwrap();
        assert_eq!((missed.state, missed.next.as_str()), (State::Bad, "start its adapter again"));
    }

    #[tokio::test]
    async fn offline_asks_nobody() {
        let folder = crate::folder::Folder::choose(Some(std::path::Path::new("/nowhere"))).unwrap();
        let settings = Settings::read(&folder, &crate::settings::Layer::new()).unwrap();
        let findings = reachable(&settings, true).await;
        assert_eq!((findings.len(), findings[0].state), (1, State::Note));
    }
}
