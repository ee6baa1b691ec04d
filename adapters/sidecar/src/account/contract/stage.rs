//! Where the contract is played: a nats-server, a data folder, and the sidecar between double and bus.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_journal::{
    Access, Bus, Clock, Identity, NatsServer, Reader, Scope, ServerOptions, audience_id, beats, cache_folder, verify,
};
use entente_schemas::beat::Beat;
use entente_schemas::event::Event;
use entente_schemas::family::{Body, Family, FeedState};
use entente_schemas::record::Record;
use rustix::process::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::adapter::Adapter;
use super::super::intake;
use super::super::listen::Listen;
use super::super::mistakes::Mistakes;
use super::super::preflight::{Preflight, preflight};
use super::super::runner::Sidecar;
use super::super::settings::{Layers, Settings};
use super::patience::Patience;
use super::subject::Subject;
use super::way::{Frost, Way};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a sidecar may take to empty its outboxes at its end: as long as it takes.
const DRAIN: &str = "60s";
/// The same where the bus does not answer, and nothing can empty.
pub(super) const BRIEF_DRAIN: &str = "1s";
/// The organisation whose account it is.
pub(super) const ORG: &str = "contract-org";

pub(super) struct Stage<S: Subject> {
    pub(super) subject: S,
    folder: TempDir,
    /// Goes before the server does: one that is frozen cannot end.
    frost: Option<Frost>,
    nats: NatsServer,
    /// By which the sidecar reaches the bus; the contract itself goes another.
    pub(super) way: Way,
    pub(super) bus: Bus,
    pub(super) scope: Scope,
    sidecar: Option<Sidecar>,
    /// What the sidecar told over HTTP, for whoever looks for secrets in it.
    pub(super) told: Vec<String>,
    /// Secrets of the contract's own.
    pub(super) hidden: BTreeSet<String>,
    further: Vec<Scope>,
    http: reqwest::Client,
    /// How long the next sidecar that is started may take to empty its outboxes at its end.
    drain: &'static str,
    pub(super) patience: Patience,
}

impl<S: Subject> Stage<S> {
    pub(super) async fn new(subject: S, patience: Patience) -> Self {
        // A program installs it first thing; a test that ran before may have.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("the data folder");
        let identity = Identity::open(&folder.path().join("data/key")).expect("a key");
        let options = ServerOptions {
            data: folder.path().join("nats"),
            binary: None,
            cache: cache_folder().unwrap_or_else(std::env::temp_dir),
            fetch: true,
            durable: false,
            users: vec![identity.public().to_owned()],
        };
        let nats = NatsServer::start(options, &|line| println!("{line}")).await.expect("a nats-server");
        let seed = Some(identity.seed().to_owned());
        let access = Access { urls: vec![nats.url()], seed, name: "contract".to_owned() };
        let bus = Bus::connect(&access).await.expect("a bus");
        let scope = Scope { universe: "test".to_owned(), audience: audience_id([9; 10]) };
        bus.apply(&scope).await.expect("a log");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (told, hidden, further) = (Vec::new(), BTreeSet::new(), Vec::new());
        let (frost, sidecar, drain, way) = (None, None, DRAIN, Way::to(&nats.url()).await);
        Self { subject, folder, frost, nats, way, bus, scope, sidecar, told, hidden, further, http, drain, patience }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The settings that stand outside tables.
    fn head(&self, scope: &Scope, data: &Path) -> String {
        format!(
            "org = \"{ORG}\"\naudience = \"{}\"\nuniverse = \"{}\"\nbus = [\"{}\"]\ndata = \"{}\"\nkey = \"{}\"\n\
             listen = \"127.0.0.1:0\"\nevery = \"200ms\"\nincident_every = \"100ms\"\ntimeout = \"1s\"\ndrain = \"{}\"\n\
             outbox_mib = 1\n",
            scope.audience,
            scope.universe,
            self.way.url(),
            data.display(),
            self.data().join("key").display(),
            self.drain,
        )
    }

    /// Reads settings: those of the contract, then these.
    pub(super) fn read(
        &self,
        head: &str,
        tables: &str,
    ) -> Result<(Settings, <S::Adapter as Adapter>::Feeds), Mistakes> {
        let file = Some(("contract.toml".to_owned(), format!("{head}{tables}")));
        Settings::read::<S::Adapter>(&Layers { file, ..Layers::default() })
    }

    pub(super) fn settings(&self) -> (Settings, <S::Adapter as Adapter>::Feeds) {
        let read = self.read(&self.head(&self.scope, &self.data()), &self.subject.settings());
        read.unwrap_or_else(|mistakes| panic!("the subject's settings cannot be read: {mistakes}"))
    }

    /// Every feed, that of the intake among them.
    pub(super) fn slugs(&self) -> Vec<String> {
        self.sidecar.as_ref().map(|sidecar| sidecar.slugs().to_vec()).unwrap_or_default()
    }

    pub(super) fn intake(&self) -> String {
        intake::slug(S::Adapter::NAME)
    }

    /// Starts the sidecar if it does not run, lifts every fault, ends every trouble, and waits until every feed is live.
    pub(super) async fn calm(&mut self) {
        self.subject.lift();
        self.subject.cure();
        self.start().await;
        let asking = self.subject.asking();
        self.ready_with("every feed is live", |ready| {
            ready["ready"] == true
                && asking.iter().all(|slug| feed(ready, slug)["state"] == "live" && code(ready, slug).is_none())
        })
        .await;
    }

    pub(super) async fn start(&mut self) {
        if self.sidecar.is_none() {
            let (settings, feeds) = self.settings();
            let started = Sidecar::start::<S::Adapter>(settings, feeds, Clock::wall()).await;
            self.sidecar = Some(started.unwrap_or_else(|error| panic!("the sidecar does not start: {error}")));
        }
    }

    /// Starts it anew, all being well, so that at its end it waits for a bus that does not answer only briefly; or again for
    /// as long as it takes.
    pub(super) async fn start_anew(&mut self, drain: Option<&'static str>) {
        self.stop().await;
        self.drain = drain.unwrap_or(DRAIN);
        self.calm().await;
    }

    /// Waits until each outbox was seen to be empty: all that was said before is in the log.
    pub(super) async fn emptied(&mut self) {
        let mut full: BTreeSet<String> = self.slugs().into_iter().collect();
        self.ready_with("all that was said is in the log", |ready| {
            full.retain(|slug| feed(ready, slug)["waiting"] != 0);
            full.is_empty()
        })
        .await;
    }

    /// Ends the sidecar in order, and gives how many events wait.
    pub(super) async fn stop(&mut self) -> u64 {
        match self.sidecar.take() {
            Some(sidecar) => sidecar.end().await,
            None => 0,
        }
    }

    /// Runs a second sidecar on other tables, in a universe of its own and on a data folder of its own; gives its log's scope.
    pub(super) async fn beside(&mut self, tables: &str) -> (Sidecar, Scope) {
        let scope = Scope { universe: "exercise-sightless".to_owned(), audience: self.scope.audience.clone() };
        self.bus.apply(&scope).await.expect("a log");
        self.further.push(scope.clone());
        let head = self.head(&scope, &self.folder.path().join("beside"));
        let read = self.read(&head, tables).unwrap_or_else(|mistakes| panic!("settings without sight: {mistakes}"));
        let started = Sidecar::start::<S::Adapter>(read.0, read.1, Clock::wall()).await;
        (started.unwrap_or_else(|error| panic!("the sidecar does not start: {error}")), scope)
    }

    pub(super) async fn preflight(&mut self) -> Preflight {
        let (settings, feeds) = self.settings();
        let found = preflight::<S::Adapter>(settings, feeds).await;
        let found = found.unwrap_or_else(|error| panic!("the preflight cannot be made: {error}"));
        self.told.push(found.to_string());
        found
    }

    /// The scopes that were written to.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        std::iter::once(&self.scope).chain(&self.further).cloned().collect()
    }

    pub(super) async fn records(&self, scope: &Scope) -> Vec<Record> {
        // A sidecar that never stops talking must not keep us reading.
        let until = self.bus.events_of(scope).await.expect("the log answers").unwrap_or(0);
        let mut reader = Reader::new(&self.bus, scope, 0);
        let mut all: Vec<Record> = Vec::new();
        while all.last().is_none_or(|last| last.sequence < until) {
            let records = reader.next().await.expect("the log answers").records;
            if records.is_empty() {
                break;
            }
            all.extend(records);
        }
        all
    }

    pub(super) async fn log_of(&self, scope: &Scope) -> Vec<Event> {
        let records = self.records(scope).await;
        records.iter().map(|record| Event::read(&record.payload).expect("an event that can be read")).collect()
    }

    pub(super) async fn log(&self) -> Vec<Event> {
        self.log_of(&self.scope).await
    }

    /// Waits until the log tells of every asking feed that it is in this state, and gives the log; of no account is what
    /// stands among its first events, so many.
    pub(super) async fn told(&self, what: &str, before: usize, state: FeedState) -> Vec<Event> {
        let asking = self.subject.asking();
        let told = |log: &[Event], slug: &String| {
            let mut states = log.get(before..).unwrap_or_default().iter().filter_map(|event| match &event.claim.body {
                Body::Feed(told) if told.feed == *slug => Some(told.state),
                _ => None,
            });
            states.any(|told| told == state)
        };
        self.log_with(what, |log| asking.iter().all(|slug| told(log, slug))).await
    }

    /// Waits until the log is as `enough` asks, and gives it.
    pub(super) async fn log_with(&self, what: &str, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        self.log_of_with(&self.scope, what, enough).await
    }

    pub(super) async fn log_of_with(&self, scope: &Scope, what: &str, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let waiting = async {
            loop {
                let log = self.log_of(scope).await;
                if enough(&log) {
                    return log;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(self.patience.with(what), waiting).await {
            Ok(log) => log,
            Err(_) => panic!("{what}: the log stays at {:#?}", summary(&self.log_of(scope).await)),
        }
    }

    /// Makes the trouble and waits until it is told; gives the log.
    pub(super) async fn troubled(&self) -> Vec<Event> {
        let before = self.log().await.len();
        self.subject.trouble();
        let family = self.subject.tells();
        let new = |log: &[Event]| log[before.min(log.len())..].iter().any(|event| event.claim.family() == family);
        self.log_with("the trouble is told", new).await
    }

    pub(super) async fn beats(&self) -> BTreeMap<String, Beat> {
        let all = beats(&self.bus, &self.scope).await.expect("beats can be read");
        all.into_iter().map(|(_, feed, beat)| (feed, beat)).collect()
    }

    pub(super) async fn beats_with(&self, what: &str, enough: impl Fn(&BTreeMap<String, Beat>) -> bool) {
        let waiting = async {
            while !enough(&self.beats().await) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(self.patience.with(what), waiting).await.is_err() {
            panic!("{what}: the beats stay at {:#?}", self.beats().await);
        }
    }

    pub(super) fn base(&self) -> String {
        match self.sidecar.as_ref().map(Sidecar::address) {
            Some(Listen::Port(address)) => format!("http://{address}"),
            _ => panic!("the sidecar does not run"),
        }
    }

    pub(super) fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base()))
    }

    pub(super) async fn get(&mut self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.base())).send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a text"));
        self.told.push(text.clone());
        (status, text)
    }

    /// What is told of readiness.
    pub(super) async fn ready(&mut self) -> Value {
        serde_json::from_str(&self.get("/readyz").await.1).expect("readiness is JSON")
    }

    /// Waits until what is told of readiness is as `enough` asks.
    pub(super) async fn ready_with(&mut self, what: &str, mut enough: impl FnMut(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let text = self.get("/readyz").await.1;
            let ready: Value = serde_json::from_str(&text).expect("readiness is JSON");
            if enough(&ready) {
                return ready;
            }
            assert!(began.elapsed() < self.patience.with(what), "{what}: readiness stays at {text}");
            self.told.pop();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the sidecar's figures are as `enough` asks.
    pub(super) async fn figures_with(&mut self, what: &str, mut enough: impl FnMut(&str) -> bool) {
        let began = Instant::now();
        loop {
            let (_, figures) = self.get("/metrics").await;
            if enough(&figures) {
                return;
            }
            assert!(began.elapsed() < self.patience.with(what), "{what}: the figures stay at {figures}");
            self.told.pop();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until each asking feed has given so many good answers more.
    pub(super) async fn answered(&mut self, more: u64) {
        let (first, asking) = (answers(&self.get("/metrics").await.1), self.subject.asking());
        let count = |answers: &BTreeMap<String, u64>, slug: &String| answers.get(slug).copied().unwrap_or(0);
        self.figures_with("every feed is asked again and answers", |figures| {
            let now = answers(figures);
            asking.iter().all(|slug| count(&now, slug) >= count(&first, slug) + more)
        })
        .await;
    }

    /// Looks for a while that something does not happen.
    pub(super) async fn never(&self, what: &str, happened: impl Fn(&S) -> bool) {
        let began = Instant::now();
        while began.elapsed() < self.patience.absence {
            assert!(!happened(&self.subject), "{what}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the double was called as `enough` asks.
    pub(super) async fn called_with(&self, what: &str, enough: impl Fn(&S) -> bool) {
        let began = Instant::now();
        while !enough(&self.subject) {
            assert!(began.elapsed() < self.patience.with(what), "{what}: it does not come about");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) fn token(&self) -> String {
        std::fs::read_to_string(self.data().join("intake-token")).expect("a token").trim().to_owned()
    }

    /// Sends events to the intake, in the form that the media type names.
    pub(super) async fn send(&mut self, media: &str, body: &Value) -> (u16, Value) {
        let request = self.request("/v1/events").header("content-type", media).bearer_auth(self.token());
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a text"));
        self.told.push(text.clone());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Reports a run of so many.
    pub(super) async fn report(&mut self, id: &str, object: &str, attempted: u64) -> (u16, Value) {
        self.send("application/cloudevents+json", &run(id, object, attempted)).await
    }

    /// Reports a run of so many, again until it is taken, as a neighbour does whom a slow disk keeps waiting. Gives what
    /// became of it.
    pub(super) async fn reported(&mut self, id: &str, object: &str, attempted: u64) -> &'static str {
        let (began, what) = (Instant::now(), format!("the report {id} is taken"));
        let mut first = true;
        loop {
            let (status, told) = self.report(id, object, attempted).await;
            match (status, told["outcome"].as_str()) {
                (202, Some("taken")) => return "taken",
                (200, Some("repeated")) => return if first { "repeated" } else { "taken" },
                (503, Some("not_taken")) if began.elapsed() < self.patience.with(&what) => first = false,
                _ => panic!("{what}: it is answered {status} {told}"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops the bus from answering, as a machine does that is frozen.
    pub(super) async fn freeze(&mut self) {
        let pid = self.nats.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        self.frost = Some(Frost::over(pid.expect("the nats-server runs")).await);
    }

    /// Lets the bus answer again.
    pub(super) fn thaw(&mut self) {
        self.frost = None;
    }

    pub(super) async fn end(mut self) {
        self.stop().await;
        for scope in self.scopes() {
            let report = verify(&self.bus, &scope).await.expect("the log can be verified");
            assert!(report.problems.is_empty(), "{report:?}");
        }
        self.bus.close().await;
        self.nats.stop().await;
    }
}

/// Good answers by feed, as the figures tell them.
fn answers(figures: &str) -> BTreeMap<String, u64> {
    let figure = |line: &str| {
        let (feed, count) = line.strip_prefix("entente_feed_answers_total{feed=\"")?.split_once("\"} ")?;
        Some((feed.to_owned(), count.trim().parse().ok()?))
    };
    figures.lines().filter_map(figure).collect()
}

/// An event that reports a run.
pub(super) fn run(id: &str, object: &str, attempted: u64) -> Value {
    let data = json!({
        "approach_id": format!("{ORG}:rescue"),
        "state": "running",
        "arms": [{"tally": {"targeted": 1_000, "attempted": attempted}}],
    });
    json!({"specversion": "1.0", "id": id, "source": "//contract/tool", "type": "io.entente.remediation.v1",
        "subject": object, "data": data})
}

/// What readiness tells of a feed.
pub(super) fn feed<'a>(ready: &'a Value, slug: &str) -> &'a Value {
    let feeds = ready["feeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    feeds.iter().find(|feed| feed["feed"] == slug).unwrap_or(&Value::Null)
}

/// The code of its last failure, if its last answer was one.
pub(super) fn code<'a>(ready: &'a Value, slug: &str) -> Option<&'a str> {
    feed(ready, slug)["code"].as_str()
}

/// The events about an object of the own organisation.
pub(super) fn about<'a>(log: &'a [Event], object: &str) -> Vec<&'a Event> {
    let id = format!("{ORG}:{object}");
    log.iter().filter(|event| event.claim.header.object_id == id).collect()
}

/// The claims that are no feed's state.
pub(super) fn claims(log: &[Event]) -> Vec<&Event> {
    log.iter().filter(|event| event.claim.family() != Family::Feed).collect()
}

pub(super) fn summary(log: &[Event]) -> Vec<String> {
    let line = |event: &Event| {
        let header = &event.claim.header;
        format!("{} {} {} rev {}", event.source.feed, event.claim.family(), header.object_id, header.rev)
    };
    log.iter().rev().take(40).rev().map(line).collect()
}
