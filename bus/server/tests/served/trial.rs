//! A log, a desk and a server of their own in a temporary folder, and a client that asks like any program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entente_correlator::Model;
use entente_journal::{
    Access, Audiences, Bus, Identity, Legs, NatsServer, Outbox, OutboxOptions, Scope, ServerOptions as NatsOptions,
    audience_id, cache_folder, pump,
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
    desks: Desks,
    _pump: DropGuard,
}

/// The desk's outboxes in sharing groups, which outlive the server that opened them.
type Desks = Arc<Mutex<BTreeMap<Scope, Outbox>>>;

pub struct Served {
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

/// Fails the test instead of hanging for ever; the time is no assertion about speed.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(180), work).await.expect("it ends within three minutes")
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
        let desks = Desks::default();
        let (address, served) = start_server(&bus, &outbox, dir.path().to_owned(), Role::Provider, &desks).await;
        // The test's own client meets no proxy and follows nothing by itself.
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { address, http, bus, outbox, dir, served, nats: Some(nats), desks, _pump: stop.drop_guard() }
    }

    /// Ends the server and starts another on the same log and outbox.
    pub async fn restart(&mut self) {
        self.restart_as(Role::Provider).await;
    }

    /// The same, with the organisation in this role.
    pub async fn restart_as(&mut self, role: Role) {
        self.served.stop.cancel();
        soon(&mut self.served.task).await.unwrap();
        let data = self.dir.path().to_owned();
        (self.address, self.served) = start_server(&self.bus, &self.outbox, data, role, &self.desks).await;
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

    /// Makes a sharing group beside the running server, and waits until that reads it; its id.
    pub async fn group(&self, name: &str) -> String {
        let id = audience_id(uuid::Uuid::new_v4().into_bytes()[..10].try_into().unwrap());
        self.bus.apply(&group_scope(&id)).await.unwrap();
        Audiences::add(&self.dir.path().join("audiences.toml"), name, &id).unwrap();
        self.until("/v1/picture", |picture| picture["as_of"].as_str().unwrap().contains(&id)).await;
        id
    }

    /// Asks until the answer is as it should be.
    pub async fn until(&self, path: &str, right: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.json(path).await;
                if right(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon(asking).await
    }

    /// Publishes a claim in an audience.
    pub async fn say(&self, audience: &str, family: &str, claim: Value) -> Value {
        let (status, answer) = self.ask(json!({"family": family, "audience": audience, "claim": claim})).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    /// Hands a request over.
    pub async fn ask(&self, request: Value) -> (StatusCode, Value) {
        let response = self.post(request.to_string()).await;
        (response.status(), response.json().await.unwrap())
    }

    /// The outbox of another feed, for as long as the test runs.
    pub fn feed(&self, scope: Scope, org: &str, feed: &str) -> Outbox {
        let identity = Identity::open(&self.dir.path().join("key")).unwrap();
        let (org, feed) = (org.to_owned(), feed.to_owned());
        let outbox =
            Outbox::open(OutboxOptions { org, feed, scope, ..outbox_options(self.dir.path().join("feeds"), identity) });
        let outbox = outbox.unwrap();
        tokio::spawn(pump(outbox.clone(), self.bus.clone(), CancellationToken::new()));
        outbox
    }

    /// Another organisation's server on the same log, which reads these sharing groups beside what everybody reads.
    pub async fn neighbour(&self, groups: &[(&str, &str)]) -> Neighbour {
        let dir = tempfile::tempdir().unwrap();
        for (name, id) in groups {
            Audiences::add(&dir.path().join("audiences.toml"), name, id).unwrap();
        }
        let identity = Identity::open(&dir.path().join("key")).unwrap();
        let options = OutboxOptions { org: "gcp".to_owned(), ..outbox_options(dir.path().join("outbox"), identity) };
        let outbox = Outbox::open(options).unwrap();
        let data = dir.path().to_owned();
        let (address, served) = start_server(&self.bus, &outbox, data, Role::Provider, &Desks::default()).await;
        Neighbour { address, http: self.http.clone(), served, dir }
    }

    /// Kills the log's server as a fault would; it is started again by itself.
    pub fn kill_nats(&self) {
        let pid = self.nats.as_ref().and_then(NatsServer::pid);
        let pid = pid.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()));
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    /// Publishes a claim; its place in the log.
    pub async fn publish(&self, family: &str, claim: Value) -> Value {
        let response = self.post(json!({"family": family, "claim": claim}).to_string()).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::CREATED, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// See [`Trial::neighbour`].
pub struct Neighbour {
    address: Address,
    http: Client,
    served: Served,
    pub dir: TempDir,
}

impl Neighbour {
    /// What it answers, whatever that is.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = soon(self.http.get(format!("{}{path}", self.address)).send()).await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Asks until an answer is right.
    pub async fn until(&self, path: &str, right: impl Fn(&str) -> bool) -> String {
        let asking = async {
            loop {
                let (_, answer) = self.get(path).await;
                if right(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon(asking).await
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.served.stop.cancel();
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.served.stop.cancel();
    }
}

/// The scope of a sharing group.
pub fn group_scope(id: &str) -> Scope {
    Scope { audience: id.to_owned(), ..Scope::actual() }
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

/// Outboxes of sharing groups, each opened once, and pumped for as long as the test runs.
fn outboxes(data: &Path, bus: &Bus, desks: &Desks) -> Outboxes {
    let (dir, identity) = (data.join("outbox"), Identity::open(&data.join("key")).unwrap());
    let kept = desks.lock().unwrap().keys().cloned().collect();
    let (bus, desks) = (bus.clone(), Arc::clone(desks));
    let open = move |scope: Scope| -> Opening {
        let options = OutboxOptions { scope: scope.clone(), ..outbox_options(dir.clone(), identity.clone()) };
        let (bus, desks) = (bus.clone(), Arc::clone(&desks));
        Box::pin(async move {
            if let Some(outbox) = desks.lock().unwrap().get(&scope) {
                return Ok(outbox.clone());
            }
            let outbox = Outbox::open(options)?;
            tokio::spawn(pump(outbox.clone(), bus, CancellationToken::new()));
            desks.lock().unwrap().insert(scope, outbox.clone());
            Ok(outbox)
        })
    };
    Outboxes::by(kept, open)
}

async fn start_server(bus: &Bus, outbox: &Outbox, data: PathBuf, role: Role, desks: &Desks) -> (Address, Served) {
    let options = ServerOptions {
        bus: bus.clone(),
        universe: "actual".to_owned(),
        role,
        outboxes: outboxes(&data, bus, desks),
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
