//! A log on a nats-server of its own, and a sidecar's settings on a data folder of its own.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_journal::{Access, Bus, Clock, Identity, NatsServer, Reader, Scope, ServerOptions, audience_id, verify};
use entente_schemas::event::Event;
use entente_schemas::family::Family;
use entente_sidecar::account::{Adapter, Layers, Listen, Settings, Sidecar};
use serde_json::Value;

/// Long enough for the slowest machine; what is waited for is a fact, never a time.
pub const GUARD: Duration = Duration::from_secs(180);

pub struct World {
    pub folder: tempfile::TempDir,
    pub nats: NatsServer,
    pub bus: Bus,
    pub scope: Scope,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let identity = Identity::open(&folder.path().join("data/key")).unwrap();
        let options = ServerOptions {
            data: folder.path().join("nats"),
            binary: None,
            cache: cache(),
            fetch: true,
            durable: false,
            users: vec![identity.public().to_owned()],
        };
        let nats = NatsServer::start(options, &|line| println!("{line}")).await.unwrap();
        let access = Access { urls: vec![nats.url()], seed: Some(identity.seed().to_owned()), name: "test".to_owned() };
        let bus = Bus::connect(&access).await.unwrap();
        let scope = Scope { universe: "test".to_owned(), audience: audience_id([7; 10]) };
        bus.apply(&scope).await.unwrap();
        Self { folder, nats, bus, scope }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Settings as a file: those of this world, then the tables.
    pub fn text(&self, listen: &str, tables: &str) -> String {
        format!(
            "org = \"bank\"\naudience = \"{}\"\nuniverse = \"test\"\nbus = [\"{}\"]\ndata = \"{}\"\nlisten = \"{listen}\"\n\
             every = \"200ms\"\nincident_every = \"100ms\"\ntimeout = \"1s\"\ndrain = \"10s\"\noutbox_mib = 1\n{tables}",
            self.scope.audience,
            self.nats.url(),
            self.data().display(),
        )
    }

    pub fn settings<A: Adapter>(&self, tables: &str) -> (Settings, A::Feeds) {
        read::<A>(&self.text("127.0.0.1:0", tables)).unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn start<A: Adapter>(&self, tables: &str) -> Sidecar {
        let (settings, feeds) = self.settings::<A>(tables);
        Sidecar::start::<A>(settings, feeds, Clock::wall()).await.unwrap()
    }

    pub fn token(&self) -> String {
        std::fs::read_to_string(self.data().join("intake-token")).unwrap().trim().to_owned()
    }

    /// Everything in the log.
    pub async fn log(&self) -> Vec<Event> {
        let mut reader = Reader::new(&self.bus, &self.scope, 0);
        let mut events = Vec::new();
        loop {
            let records = reader.next().await.unwrap().records;
            if records.is_empty() {
                return events;
            }
            events.extend(records.iter().map(|record| Event::read(&record.payload).unwrap()));
        }
    }

    /// Waits until the log is as `enough` asks.
    pub async fn log_with(&self, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let waiting = async {
            loop {
                let log = self.log().await;
                if enough(&log) {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(GUARD, waiting).await {
            Ok(log) => log,
            Err(_) => panic!("the log stays at {:?}", summary(&self.log().await)),
        }
    }

    pub async fn end(self) {
        let report = verify(&self.bus, &self.scope).await.unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        self.bus.close().await;
        self.nats.stop().await;
    }
}

pub fn read<A: Adapter>(text: &str) -> Result<(Settings, A::Feeds), String> {
    let file = Some(("acme.toml".to_owned(), text.to_owned()));
    Settings::read::<A>(&Layers { file, ..Layers::default() }).map_err(|mistakes| mistakes.to_string())
}

pub fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("entente")
}

pub fn of(log: &[Event], family: Family) -> Vec<Event> {
    log.iter().filter(|event| event.claim.family() == family).cloned().collect()
}

pub fn summary(log: &[Event]) -> Vec<String> {
    log.iter()
        .map(|event| format!("{} {} {}", event.source.feed, event.claim.header.object_id, event.claim.header.rev))
        .collect()
}

/// What is asked of a running sidecar.
pub struct Caller {
    pub base: String,
    http: reqwest::Client,
    token: String,
}

impl Caller {
    pub fn new(address: &Listen, token: String) -> Self {
        // A connection whose request was refused before it was read whole is closed, and may be just as it is used again.
        let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
        let (base, builder) = match address {
            Listen::Port(address) => (format!("http://{address}"), builder),
            Listen::Socket(path) => ("http://localhost".to_owned(), builder.unix_socket(path.clone())),
        };
        Self { base, http: builder.build().unwrap(), token }
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn ready(&self) -> Value {
        serde_json::from_str(&self.get("/readyz").await.1).unwrap()
    }

    /// Waits until what is told of readiness is as `enough` asks.
    pub async fn ready_with(&self, enough: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let ready = self.ready().await;
                if enough(&ready) {
                    return ready;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(GUARD, waiting).await {
            Ok(ready) => ready,
            Err(_) => panic!("it stays at {}", self.ready().await),
        }
    }

    pub fn request(&self, path: &str, media: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base)).header("content-type", media).body(body);
        request.bearer_auth(&self.token)
    }

    pub async fn send(&self, media: &str, body: &Value) -> (u16, Value) {
        answered(self.request("/v1/events", media, body.to_string())).await
    }

    /// The status of the answer, if there is one.
    pub async fn tried(&self, media: &str, body: &Value) -> Option<u16> {
        let answer = self.request("/v1/events", media, body.to_string()).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    pub async fn event(&self, body: &Value) -> (u16, Value) {
        self.send("application/cloudevents+json", body).await
    }
}

pub async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
