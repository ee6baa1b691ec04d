//! What the benchmarks share: many incidents made up, quantiles, and a private bus with an edge and a reader.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::{Model, State};
use entente_journal::{
    Access, Bus, Identity, NatsServer, Outbox, OutboxOptions, Reader, Scope, ServerOptions, cache_folder, pump,
};
use entente_schemas::digest::{hex, sha256};
use entente_schemas::event::{Draft, machine_id};
use entente_schemas::family::{Claim, Family};
use entente_schemas::record::Position;
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The model that is compiled in.
#[must_use]
pub fn model() -> Arc<Model> {
    Arc::new(Model::v1().expect("the compiled-in model"))
}

/// A claim of the `item`-th item about the `incident`-th of several independent incidents, whose places and times differ.
#[must_use]
pub fn claim(item: usize, incident: usize, rev: usize, now: DateTime<Utc>) -> Value {
    let began = now - TimeDelta::hours(2 * i64::try_from(incident).unwrap_or(0) + 3);
    let phase = ["investigating", "identified", "mitigating", "monitoring"][rev % 4];
    json!({
        "object_id": format!("acme.bench:{item}"), "rev": rev + 1,
        "speaker": {"org": "acme", "role": "vendor", "relay": "own"}, "certainty": "observed",
        "native": {"system": "acme.bench", "id": item.to_string(), "mapping_version": 1,
            "digest": hex(&sha256(format!("{item}-{rev}").as_bytes()))},
        "times": {"observed_at": now, "occurred_at": began, "fidelity": "minute"},
        "kind": "incident", "phase": phase, "severity": "major",
        "title": format!("Elevated error rates of service {} in region {incident}", incident % 97),
        "summary": "We see elevated error rates for a part of the requests and are looking for the cause. Retries succeed. ".repeat(4),
        "blocks": [{"provider": "aws", "service_class": "compute", "services": ["EC2"], "regions": [format!("region-{incident}")],
            "state": "affected_degraded", "severity": "major"}],
    })
}

/// The claim as the adapter of a feed drafts it.
#[must_use]
pub fn draft(feed: &str, item: usize, incident: usize, rev: usize, now: DateTime<Utc>) -> Draft {
    let whole = claim(item, incident, rev, now);
    let claim = Claim::read_strict(Family::Impact, &whole.to_string()).unwrap_or_else(|problems| panic!("{problems}"));
    let (object, digest) = (&claim.header.object_id, claim.header.native.as_ref().map_or("", |native| &native.digest));
    let id = machine_id("actual", &format!("acme/{feed}"), Family::Impact, object, claim.header.rev, digest);
    Draft { id, recorded: now, causation: None, traceparent: None, tlp: Tlp::Clear, claim }
}

/// The value below which `share` per cent of the sorted values lie.
#[must_use]
pub fn quantile(sorted: &[Duration], share: usize) -> Duration {
    let index = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// A private nats-server with edges.
pub struct Station {
    /// The folder of all of it.
    pub folder: tempfile::TempDir,
    /// The server.
    pub server: NatsServer,
    /// A connection with all rights.
    pub bus: Bus,
    /// The key of its user.
    pub identity: Identity,
    /// The stream's scope.
    pub scope: Scope,
    stop: CancellationToken,
    pumps: Vec<tokio::task::JoinHandle<()>>,
}

impl Station {
    /// Starts a server that syncs every write (`durable`) or every ten seconds.
    pub async fn start(durable: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let identity = Identity::open(&folder.path().join("key")).expect("a key");
        let options = ServerOptions {
            data: folder.path().join("nats"),
            binary: None,
            cache: cache_folder().expect("a cache folder"),
            fetch: true,
            durable,
            users: vec![identity.public().to_owned()],
        };
        let server = NatsServer::start(options, &|text: &str| eprintln!("{text}")).await.expect("nats-server");
        let bus = connect(&server, &identity, "bench").await;
        let scope = Scope::actual();
        bus.apply(&scope).await.expect("the streams");
        Self { folder, server, bus, identity, scope, stop: CancellationToken::new(), pumps: Vec::new() }
    }

    /// An edge: an outbox of its own, pumped over a connection of its own.
    pub async fn edge(&mut self, feed: &str) -> Outbox {
        let outbox = outbox(self.folder.path(), feed, &self.identity, &self.scope);
        let bus = connect(&self.server, &self.identity, feed).await;
        self.pumps.push(tokio::spawn(pump(outbox.clone(), bus, self.stop.clone())));
        outbox
    }

    /// Ends the edges, then the server.
    pub async fn stop(self) {
        self.stop.cancel();
        for pump in self.pumps {
            let _ = pump.await;
        }
        self.server.stop().await;
    }
}

async fn connect(server: &NatsServer, identity: &Identity, name: &str) -> Bus {
    let access = Access { urls: vec![server.url()], seed: Some(identity.seed().to_owned()), name: name.to_owned() };
    Bus::connect(&access).await.expect("a connection")
}

fn outbox(folder: &Path, feed: &str, identity: &Identity, scope: &Scope) -> Outbox {
    let options = OutboxOptions {
        dir: folder.join("outbox"),
        org: "acme".to_owned(),
        feed: feed.to_owned(),
        scope: scope.clone(),
        identity: identity.clone(),
        capacity_bytes: OutboxOptions::CAPACITY,
    };
    Outbox::open(options).expect("an outbox")
}

/// Folds what the log has until `taken` records are taken.
pub async fn fold_until(bus: &Bus, scope: &Scope, state: &mut State, taken: usize) {
    let stream = scope.log_stream();
    let mut reader = Reader::new(bus, scope, state.position().sequence(&stream));
    while state.taken() < taken {
        let batch = reader.next().await.expect("an answer");
        batch.records.into_iter().for_each(|record| state.offer(record));
        state.complete(&Position::of(&stream, batch.complete));
    }
}

/// Resident memory of a process in KiB, from the kernel's own count.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
