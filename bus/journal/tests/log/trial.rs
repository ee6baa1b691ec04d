//! A nats-server of its own in a temporary folder, and claims to send through it.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use entente_journal::{
    Access, Bus, Identity, NatsServer, Outbox, OutboxError, OutboxOptions, Reader, Scope, ServerOptions, cache_folder,
    pump,
};
use entente_schemas::beat::{Backlog, Beat, Lag};
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Claim, FeedState, Message, MessageKind, MessageState};
use entente_schemas::header::{Certainty, Header, Times};
use entente_schemas::record::Record;
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::tlp::Tlp;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Trial {
    pub dir: TempDir,
    pub server: NatsServer,
    pub identity: Identity,
    pub bus: Bus,
}

pub fn scope() -> Scope {
    Scope { universe: "test".to_owned(), audience: "all".to_owned() }
}

pub fn server_options(data: PathBuf, identity: &Identity, durable: bool) -> ServerOptions {
    ServerOptions {
        data,
        binary: std::env::var_os("ENTENTE_NATS_SERVER").map(PathBuf::from),
        cache: cache_folder().expect("HOME or XDG_CACHE_HOME names a place for the cache"),
        fetch: true,
        durable,
        users: vec![identity.public().to_owned()],
    }
}

impl Trial {
    pub async fn start() -> Self {
        let trial = Self::bare(false).await;
        trial.bus.apply(&scope()).await.unwrap();
        trial
    }

    /// Without streams.
    pub async fn bare(durable: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::open(&dir.path().join("key")).unwrap();
        let options = server_options(dir.path().join("nats"), &identity, durable);
        let server = NatsServer::start(options, &|line| println!("{line}")).await.unwrap();
        let bus = connect(&server.url(), &identity).await;
        Self { dir, server, identity, bus }
    }

    pub fn options(&self, feed: &str) -> OutboxOptions {
        OutboxOptions {
            dir: self.dir.path().join("outbox"),
            org: "local".to_owned(),
            feed: feed.to_owned(),
            scope: scope(),
            identity: self.identity.clone(),
            capacity_bytes: OutboxOptions::CAPACITY,
        }
    }

    pub fn outbox(&self, feed: &str) -> Outbox {
        Outbox::open(self.options(feed)).unwrap()
    }

    /// Pumps until the guard is dropped.
    pub fn pump(&self, outbox: &Outbox) -> DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(pump(outbox.clone(), self.bus.clone(), stop.clone()));
        stop.drop_guard()
    }

    /// Everything that the log has.
    pub async fn records(&self) -> Vec<Record> {
        let mut reader = Reader::new(&self.bus, &scope(), 0);
        let mut all = Vec::new();
        loop {
            let batch = soon(reader.next()).await.unwrap();
            if batch.records.is_empty() {
                return all;
            }
            all.extend(batch.records);
        }
    }

    /// Has the server remember message ids for a tenth of a second instead of ten minutes.
    pub async fn forget_message_ids_at_once(&self) {
        let raw = self.raw().await;
        let stream = scope().log_stream();
        let answer = raw.request(format!("$JS.API.STREAM.INFO.{stream}"), "".into()).await.unwrap();
        let mut info: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        info["config"]["duplicate_window"] = 100_000_000.into();
        let config = info["config"].to_string();
        let answer = raw.request(format!("$JS.API.STREAM.UPDATE.{stream}"), config.into()).await.unwrap();
        assert!(!String::from_utf8_lossy(&answer.payload).contains("\"error\""));
    }

    /// A client of no rules.
    pub async fn raw(&self) -> async_nats::Client {
        let options = async_nats::ConnectOptions::with_nkey(self.identity.seed().to_owned());
        options.skip_subject_validation(true).connect(self.server.url()).await.unwrap()
    }
}

pub async fn connect(url: &str, identity: &Identity) -> Bus {
    let access =
        Access { urls: vec![url.to_owned()], seed: Some(identity.seed().to_owned()), name: "trial".to_owned() };
    Bus::connect(&access).await.unwrap()
}

/// Fails the test instead of hanging for ever; the time is no assertion about speed.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("it ends within two minutes")
}

pub fn time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 7, 19, 5, 27, 0).unwrap()
}

/// A note of a person, the `number`th, in its `rev`th revision.
pub fn note(number: u64, rev: u64) -> Draft {
    let object_id = format!("local:note-{number}");
    let header = Header {
        object_id: object_id.clone(),
        rev,
        speaker: Speaker { org: "local".to_owned(), role: Role::Observer, channel: None, relay: Relay::Own },
        author: None,
        headline: None,
        invented: true,
        times: Times {
            published_at: Some(time()),
            occurred_at: None,
            occurred_end: None,
            fidelity: None,
            observed_at: time(),
            confirmed_at: None,
        },
        certainty: Certainty::Observed,
        native: None,
        backfill: false,
        refs: Vec::new(),
        trimmed: Vec::new(),
        cause: None,
    };
    let message = Message {
        thread_id: object_id,
        kind: MessageKind::Note,
        to: Vec::new(),
        text: format!("note {number}, revision {rev}"),
        due_at: None,
        state: MessageState::Open,
    };
    Draft {
        id: format!("event-{number}-{rev}"),
        recorded: time(),
        causation: None,
        traceparent: None,
        tlp: Tlp::Green,
        claim: Claim { header, body: Body::Message(message) },
    }
}

pub fn notes(numbers: std::ops::Range<u64>) -> Vec<Draft> {
    numbers.map(|number| note(number, 1)).collect()
}

/// Waits until the log has everything that an outbox took.
pub async fn settled(outbox: &Outbox) {
    soon(async {
        while outbox.backlog().events > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub async fn try_offer(outbox: &Outbox, number: u64) -> Result<u64, OutboxError> {
    Ok(outbox.offer(vec![note(number, 1)]).await?[0].sequence)
}

/// A beat of a feed that failed this often.
pub fn beat_of(failures: u64) -> Beat {
    Beat {
        state: FeedState::Live,
        last_good: None,
        last_poll: None,
        next_try: None,
        failures,
        error: None,
        lag: Lag::default(),
        outbox: Backlog::default(),
        unknown_words: Vec::new(),
        mapping_version: 1,
        clock_offset_ms: None,
        beat_at: time(),
    }
}
