//! The live stream: notices as they come, beats, and resuming where one was.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use reqwest::Response;
use serde_json::{Value, json};

use super::trial::{Trial, impact, soon};

/// One message of a stream.
#[derive(Debug)]
pub struct Message {
    pub event: String,
    pub id: Option<String>,
    pub data: Value,
}

/// A stream, read message by message.
pub struct Stream {
    body: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: String,
}

impl Stream {
    pub async fn open(trial: &Trial, query: &str, last: Option<&str>) -> Self {
        let mut request = trial.http.get(trial.url(&format!("/v1/live?{query}")));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response: Response = soon(request.send()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.bytes_stream().map(|piece| piece.map(|bytes| bytes.to_vec())).boxed(),
            text: String::new(),
        }
    }

    /// The next message, beats included.
    pub async fn next(&mut self) -> Message {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| -> Vec<&str> {
                    message.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
                };
                let data = serde_json::from_str(&field("data").join("\n")).unwrap();
                let event = field("event").first().map_or("message", |event| *event).to_owned();
                return Message { event, id: field("id").first().map(|id| (*id).to_owned()), data };
            }
            let piece = soon(self.body.next()).await.expect("the stream goes on").unwrap();
            self.text.push_str(&String::from_utf8(piece).unwrap());
        }
    }

    /// The next message of a kind.
    pub async fn next_of(&mut self, event: &str) -> Message {
        loop {
            let message = self.next().await;
            if message.event == event {
                return message;
            }
        }
    }
}

fn positions(message: &Message) -> Vec<u64> {
    message.data["lines"].as_array().unwrap().iter().map(|line| line["position"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn notices_come_as_records_do_and_resume_after_the_last_one_seen() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let mut stream = Stream::open(&trial, "view=json", None).await;
    let beat = stream.next_of("beat").await;
    assert_eq!((beat.data["position"].as_u64(), beat.data["log"]["state"].as_str()), (Some(1), Some("live")));
    trial.publish("impact", impact("Two")).await;
    let notice = stream.next_of("message").await;
    assert_eq!((positions(&notice), notice.id.as_deref()), (vec![2], Some("2")));
    assert!(notice.data["lines"][0]["says"].as_str().unwrap().contains("Two"));
    assert_eq!(notice.data["incidents"].as_array().unwrap().len(), 1);
    drop(stream);
    for title in ["Three", "Four", "Five"] {
        trial.publish("impact", impact(title)).await;
    }
    let mut resumed = Stream::open(&trial, "view=json", Some("2")).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(positions(&resumed.next_of("message").await));
    }
    assert_eq!(seen, [3, 4, 5]);
    let mut from_a_page = Stream::open(&trial, "view=json&as_of=4", None).await;
    assert_eq!(positions(&from_a_page.next_of("message").await), [5]);
}

#[tokio::test]
async fn a_stream_ends_with_its_server_and_a_position_of_another_log_asks_to_load_anew() {
    let mut trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let mut stream = Stream::open(&trial, "view=json", Some("999")).await;
    let reload = stream.next_of("reload").await;
    assert_eq!(reload.id.as_deref(), Some("1"));
    trial.restart().await;
    let ended = soon(async {
        while let Some(piece) = stream.body.next().await {
            if piece.is_err() {
                break;
            }
        }
    });
    ended.await;
}

#[tokio::test]
async fn an_open_page_gets_the_pieces_that_a_reload_would_show() {
    let trial = Trial::start().await;
    let mut claim = impact("One");
    claim["object_id"] = json!("aws:one");
    trial.publish("impact", claim.clone()).await;
    let id = trial.json("/v1/incidents/aws:one").await["id"].as_str().unwrap().to_owned();
    let views = [
        ("/".to_owned(), "board".to_owned()),
        (format!("/incidents/{id}"), format!("incidents/{id}")),
        ("/feeds".into(), "feeds".into()),
    ];
    for (count, (path, view)) in (1..).zip(views) {
        let page = trial.get(&path).await.text().await.unwrap();
        let mut stream = Stream::open(&trial, &format!("view={view}&as_of={count}"), None).await;
        stream.next_of("beat").await;
        claim["title"] = json!(format!("One, looked at again {count}"));
        claim["phase"] = json!(if count == 1 { "identified" } else { "mitigating" });
        trial.publish("impact", claim.clone()).await;
        let mut shown: BTreeMap<String, String> = entente_console::fragments(&page).into_iter().collect();
        let mut seen = String::new();
        while seen != (count + 1).to_string() {
            let piece = stream.next_of("message").await;
            shown
                .insert(piece.data["id"].as_str().unwrap().to_owned(), piece.data["html"].as_str().unwrap().to_owned());
            seen = piece.id.unwrap_or(seen);
        }
        let reloaded = trial.get(&path).await.text().await.unwrap();
        for (id, html) in entente_console::fragments(&reloaded) {
            assert_eq!(shown.get(&id), Some(&html), "{view}: {id}");
        }
    }
}

#[tokio::test]
async fn a_page_that_was_away_shows_what_a_reload_would() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let page = trial.get("/").await.text().await.unwrap();
    let mut cut = Stream::open(&trial, "view=board&as_of=1", None).await;
    let seen = cut.next_of("beat").await.id.unwrap();
    drop(cut);
    for title in ["Two", "Three"] {
        trial.publish("impact", impact(title)).await;
    }
    let mut stream = Stream::open(&trial, "view=board&as_of=1", Some(&seen)).await;
    let mut shown: BTreeMap<String, String> = entente_console::fragments(&page).into_iter().collect();
    loop {
        let piece = stream.next_of("message").await;
        shown.insert(piece.data["id"].as_str().unwrap().to_owned(), piece.data["html"].as_str().unwrap().to_owned());
        if piece.id.as_deref() == Some("3") {
            break;
        }
    }
    let reloaded = trial.get("/").await.text().await.unwrap();
    for (id, html) in entente_console::fragments(&reloaded) {
        assert_eq!(shown.get(&id), Some(&html), "{id}");
    }
    let refused = trial.get("/v1/live?view=attic").await;
    assert_eq!(refused.status(), reqwest::StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stream_that_is_cut_before_its_first_record_loses_none() {
    let trial = Trial::start().await;
    trial.publish("impact", impact("One")).await;
    let mut stream = Stream::open(&trial, "view=json", None).await;
    let mut last = stream.next_of("beat").await.id.expect("a beat says where its reader stands");
    assert_eq!(last, "1");
    let mut seen = Vec::new();
    for cut in 0..3 {
        drop(stream);
        for title in ["While it was away", "and once more"] {
            trial.publish("impact", impact(&format!("{title} {cut}"))).await;
        }
        stream = Stream::open(&trial, "view=json", Some(&last)).await;
        let mut here = Vec::new();
        while here.len() < 2 {
            let message = stream.next().await;
            assert!(!here.is_empty() || message.event == "message", "what was missed comes before a sign of life");
            last = message.id.clone().unwrap_or(last);
            if message.event == "message" {
                here.extend(positions(&message));
            } else {
                // A beat does not run ahead of what was told.
                assert_eq!(last, (1 + seen.len() + here.len()).to_string());
            }
        }
        seen.extend(here);
    }
    assert_eq!(seen, [2, 3, 4, 5, 6, 7]);
    let request = trial.http.get(trial.url("/v1/live")).header("last-event-id", "yesterday");
    assert_eq!(soon(request.send()).await.unwrap().status(), reqwest::StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn streams_are_bounded_and_a_place_is_free_again_when_its_reader_goes() {
    let trial = Trial::start().await;
    let asked = || async { soon(trial.http.get(trial.url("/v1/live")).send()).await.unwrap() };
    let mut open: Vec<Response> = futures::future::join_all((0..256).map(|_| asked())).await;
    assert!(open.iter().all(|response| response.status() == reqwest::StatusCode::OK));
    let refused = asked().await;
    assert_eq!(refused.status(), reqwest::StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().await.unwrap().contains("256 live streams"));
    open.pop();
    while asked().await.status() != reqwest::StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(trial.get("/v1/picture").await.status(), reqwest::StatusCode::OK);
}
