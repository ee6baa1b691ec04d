//! The adapter's feed of what its cloud puts into a queue: each message is deleted once the log has what it said.

use std::sync::Arc;

use entente_journal::Clock;
use entente_sidecar::account::{AccountFeed, Feed, Site};
use entente_sidecar::ask::Ask;
use entente_sidecar::item::{FeedProfile, Reading, Refusal};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::{Open, Told};
use futures::future::BoxFuture;
use serde_json::Value;

use super::adapter::{Client, Nothing, item, profile};
use super::flaw::Flaw;

struct Queue {
    profile: FeedProfile,
    client: Client,
    in_hand: Vec<u64>,
}

pub fn queue(feed: &Feed<Nothing>, client: Client, site: &Site) -> AccountFeed {
    let profile = profile(&feed.slug, site.settings.speaker());
    let open: Open =
        Arc::new(move || Ok(Box::new(Queue { profile: profile.clone(), client: client.clone(), in_hand: Vec::new() })));
    AccountFeed::new(&feed.slug, open)
}

impl Ask for Queue {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let answer = self.client.get("acme.Queue", "/queue").await?;
            let (mut items, mut refused) = (Vec::new(), Vec::new());
            self.in_hand.clear();
            for message in answer["messages"].as_array().into_iter().flatten() {
                let id = message["id"].as_u64().unwrap_or(0);
                match (message["broken"].as_u64(), self.client.flaw) {
                    (Some(broken), _) => items.push(item(&format!("acme.queue:{id}"), Some(broken), None, clock.now())),
                    (None, Flaw::Brittle) => return Err(Failure::refused("unreadable", garbled(message))),
                    (None, Flaw::Dropping) => {}
                    (None, _) => refused.push(garbled(message)),
                }
                self.in_hand.push(id);
            }
            Ok(Told::Reading(Reading { items, refused, increment: true, ..Reading::default() }))
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            for id in std::mem::take(&mut self.in_hand) {
                if matches!(settled, Settled::Read | Settled::Doubtful) {
                    let request = self.client.http.delete(format!("{}/queue/{id}", self.client.cloud.as_str()));
                    // What is not deleted comes again.
                    self.client.call("acme.Queue", request).await.ok();
                }
            }
        })
    }

    fn settles_in_log(&self) -> bool {
        self.client.flaw != Flaw::Hasty
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.client.skew.offset_ms()
    }
}

fn garbled(message: &Value) -> Refusal {
    Refusal {
        reason: "`broken`: expected a number".to_owned(),
        position: Some("a message".to_owned()),
        input: message["broken"].to_string().into_bytes(),
    }
}
