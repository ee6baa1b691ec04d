//! A feed beside the double of its provider, and the edge that says what is news.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_exercise::Served;
use entente_exercise::csaf::{METADATA, Provider};
use entente_schemas::event::{Draft, Source};
use entente_schemas::family::{Body, Family};
use entente_sidecar::ask::{Ask, Clock, Told};
use entente_sidecar::edge::{Edge, Outcome};
use entente_sidecar::item::Reading;
use entente_sidecar::poll::{Failure, Settled};
use entente_vendor::Options;
use serde_json::{Value, json};

/// When the tests play.
pub fn now() -> DateTime<Utc> {
    at("2024-07-19T07:00:00Z")
}

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

pub fn options() -> Options {
    Options { timeout: Duration::from_millis(500), ..Options::public() }
}

/// A document of a tracking id and version, with these remediations.
pub fn document(id: &str, version: &str, released: &str, remediations: Value) -> Vec<u8> {
    let document = json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": format!("about {id}"),
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "tracking": { "id": id, "status": "final", "version": version, "current_release_date": released },
        },
        "vulnerabilities": [{ "cve": "CVE-2024-0042", "remediations": remediations }],
    });
    document.to_string().into_bytes()
}

/// A feed, asked by hand.
pub struct Bench {
    pub provider: Provider,
    pub served: Served,
    pub feed: Box<dyn Ask>,
    pub edge: Edge,
    pub now: DateTime<Utc>,
}

impl Bench {
    pub async fn new(provider: Provider, options: Options) -> Self {
        let served = provider.serve().await.unwrap();
        let feed = open(&served, options);
        let edge = edge(feed.as_ref());
        Self { provider, served, feed, edge, now: now() }
    }

    /// The feed and its adapter are started anew; what was said is remembered if `edge` is.
    pub fn restart(&mut self, options: Options) {
        self.feed = open(&self.served, options);
    }

    pub async fn ask(&mut self) -> Result<Told, Failure> {
        self.feed.ask(Clock::showing(self.now)).await
    }

    /// Asks, and settles as the loop does; gives what is news.
    pub async fn poll(&mut self) -> Vec<Draft> {
        match self.ask().await {
            Ok(Told::Reading(reading)) => {
                let outcome = self.edge.answered(Ok(reading), self.now);
                self.taken(outcome).await
            }
            Ok(Told::Unchanged) => {
                let outcome = self.edge.unchanged(self.now);
                self.taken(outcome).await
            }
            Err(failure) => {
                let refused = failure.refusal.as_deref().map_or(&[][..], std::slice::from_ref);
                let drafts = self.edge.failed(failure.error, refused, None, self.now);
                self.edge.taken(&drafts);
                self.feed.settle(Settled::Refused).await;
                drafts
            }
        }
    }

    async fn taken(&mut self, outcome: Outcome) -> Vec<Draft> {
        self.edge.taken(&outcome.drafts);
        self.feed.settle(if outcome.doubtful { Settled::Doubtful } else { Settled::Read }).await;
        outcome.drafts
    }

    /// Polls until nothing more waits.
    pub async fn all(&mut self) -> Vec<Draft> {
        let mut drafts = self.poll().await;
        while self.feed.pause().is_some() {
            drafts.extend(self.poll().await);
        }
        drafts
    }

    /// A moment later.
    pub fn later(&mut self, by: TimeDelta) {
        self.now += by;
    }

    /// How often the double was asked for what ends so.
    pub fn asked(&self, ending: &str) -> usize {
        self.served.calls().iter().filter(|call| call.target.ends_with(ending)).count()
    }
}

fn open(served: &Served, options: Options) -> Box<dyn Ask> {
    entente_vendor::csaf("acme", &(served.url() + METADATA), options)().unwrap()
}

fn edge(feed: &dyn Ask) -> Edge {
    let profile = feed.profile().clone();
    let instance = "01J0000000000000000000000A".to_owned();
    let source = Source { org: "local".into(), feed: profile.slug.clone(), instance };
    Edge::new(profile, source, "actual", "all", &feed.shown())
}

pub fn reading(told: Result<Told, Failure>) -> Reading {
    match told {
        Ok(Told::Reading(reading)) => reading,
        other => panic!("{other:?}"),
    }
}

/// Families and object ids.
pub fn said(drafts: &[Draft]) -> Vec<(Family, &str)> {
    let of = |draft: &'_ Draft| draft.claim.family() != Family::Feed;
    let drafts = drafts.iter().filter(|draft| of(draft));
    drafts.map(|draft| (draft.claim.family(), draft.claim.header.object_id.as_str())).collect()
}

/// Why something was rejected.
pub fn reasons(drafts: &[Draft]) -> Vec<String> {
    let reason = |draft: &Draft| match &draft.claim.body {
        Body::Rejected(rejected) => Some(rejected.reason.clone()),
        _ => None,
    };
    drafts.iter().filter_map(reason).collect()
}
