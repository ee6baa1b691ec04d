//! A log, a desk and a server of their own in a temporary folder, and a client that asks like any program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use entente_correlator::Model;
use entente_journal::{
    Access, Bus, Identity, Legs, NatsServer, Outbox, OutboxOptions, Scope, ServerOptions as NatsOptions, cache_folder,
    pump,
};
use entente_schemas::speaker::Role;
use entente_server::{Address, Opening, Outboxes, Port, ServerOptions, serve};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Trial {
    pub address: Address,
    pub http: Client,
    pub bus: Bus,
    pub outbox: Outbox,
    pub dir: TempDir,
    pub served: Served,
    pub nats: Option<NatsServer>,
    _pump: DropGuard,
}

pub struct Served {
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

/// Fails the test instead of hanging for ever; the time is no assertion about speed.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("it ends within two minutes")
}

impl Trial {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::open(&dir.path().join("key")).unwrap();
        let nats =
            soon(NatsServer::start(nats_options(dir.path().join("nats"), &identity), &|line| println!("{line}")))
                .await
                .unwrap();
        let access =
            Access { urls: vec![nats.url()], seed: Some(identity.seed().to_owned()), name: "trial".to_owned() };
        let bus = Bus::connect(&access).await.unwrap();
        bus.apply(&Scope::actual()).await.unwrap();
        let outbox = Outbox::open(outbox_options(dir.path().join("outbox"), identity)).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(pump(outbox.clone(), bus.clone(), stop.clone()));
        let (address, served) = start_server(&bus, &outbox, dir.path().to_owned(), Role::Provider).await;
        // The test's own client meets no proxy and follows nothing by itself.
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { address, http, bus, outbox, dir, served, nats: Some(nats), _pump: stop.drop_guard() }
    }

    /// Ends the server and starts another on the same log and outbox.
    pub async fn restart(&mut self) {
        self.restart_as(Role::Provider).await;
    }

    /// The same, with the organisation in this role.
    pub async fn restart_as(&mut self, role: Role) {
        self.served.stop.cancel();
        soon(&mut self.served.task).await.unwrap();
        (self.address, self.served) = start_server(&self.bus, &self.outbox, self.dir.path().to_owned(), role).await;
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> Response {
        soon(self.http.get(self.url(path)).send()).await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}: {}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    pub fn token(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("token")).unwrap().trim().to_owned()
    }

    pub async fn post(&self, body: String) -> Response {
        let request = self.http.post(self.url("/v1/claims")).bearer_auth(self.token()).body(body);
        soon(request.send()).await.unwrap()
    }

    /// Publishes a claim; its place in the log.
    pub async fn publish(&self, family: &str, claim: Value) -> Value {
        let response = self.post(json!({"family": family, "claim": claim}).to_string()).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::CREATED, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.served.stop.cancel();
    }
}

fn nats_options(data: PathBuf, identity: &Identity) -> NatsOptions {
    NatsOptions {
        data,
        binary: std::env::var_os("ENTENTE_NATS_SERVER").map(PathBuf::from),
        cache: cache_folder().expect("HOME or XDG_CACHE_HOME names a place for the cache"),
        fetch: true,
        durable: false,
        users: vec![identity.public().to_owned()],
    }
}

fn outbox_options(dir: PathBuf, identity: Identity) -> OutboxOptions {
    OutboxOptions {
        dir,
        org: "aws".to_owned(),
        feed: "desk".to_owned(),
        scope: Scope::actual(),
        identity,
        capacity_bytes: OutboxOptions::CAPACITY,
    }
}

/// Outboxes of sharing groups, each opened and pumped for as long as the test runs.
fn outboxes(data: &Path, bus: &Bus) -> Outboxes {
    let (dir, identity) = (data.join("outbox"), Identity::open(&data.join("key")).unwrap());
    let bus = bus.clone();
    let open = move |scope: Scope| -> Opening {
        let options = OutboxOptions { scope, ..outbox_options(dir.clone(), identity.clone()) };
        let bus = bus.clone();
        Box::pin(async move {
            let outbox = Outbox::open(options)?;
            tokio::spawn(pump(outbox.clone(), bus, CancellationToken::new()));
            Ok(outbox)
        })
    };
    Outboxes::by(Vec::new(), open)
}

async fn start_server(bus: &Bus, outbox: &Outbox, data: PathBuf, role: Role) -> (Address, Served) {
    let options = ServerOptions {
        bus: bus.clone(),
        universe: "actual".to_owned(),
        role,
        outboxes: outboxes(&data, bus),
        data,
        port: Port::Exactly(0),
        outbox: outbox.clone(),
        model: Arc::new(Model::v1().unwrap()),
        legs: Legs::default(),
    };
    let (ready, told) = oneshot::channel();
    let stop = CancellationToken::new();
    let ending = stop.clone();
    let task = tokio::spawn(async move { serve(options, ready, ending).await.unwrap() });
    (soon(told).await.unwrap(), Served { stop, task })
}

/// An impact that takes nothing for granted but what its author must say.
pub fn impact(title: &str) -> Value {
    json!({"kind": "incident", "phase": "investigating", "severity": "critical", "title": title,
        "blocks": [{"provider": "aws", "service_class": "compute", "regions": ["us-east-1"], "state": "affected_unavailable"}]})
}
