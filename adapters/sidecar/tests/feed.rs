//! A feed's whole way, from a web server that misbehaves to the log of a real nats-server. The provider is made up.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod acme;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use chrono::TimeDelta;
use entente_journal::{
    Access, Bus, Clock, Identity, NatsServer, Outbox, OutboxOptions, Reader, Scope, ServerOptions, beat, beats, pump,
    verify,
};
use entente_schemas::event::Event;
use entente_schemas::family::{Body as Claimed, Family, Feed, FeedState, Outcome};
use entente_sidecar::fetch::Fetch;
use entente_sidecar::poll::{Answer, Settled};
use entente_sidecar::{Address, FeedTask, public, run};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use acme::{Acme, answer};

/// Long enough for the slowest machine; what is waited for is a fact, never a time.
const GUARD: Duration = Duration::from_secs(90);

/// A log on a nats-server of its own.
struct World {
    folder: tempfile::TempDir,
    nats: NatsServer,
    bus: Bus,
    identity: Identity,
    scope: Scope,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(&folder.path().join("key")).unwrap();
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
        let scope = Scope::actual();
        bus.apply(&scope).await.unwrap();
        Self { folder, nats, bus, identity, scope }
    }

    fn outbox(&self, dir: &str, capacity_bytes: u64) -> Outbox {
        Outbox::open(OutboxOptions {
            dir: self.folder.path().join(dir),
            org: "local".to_owned(),
            feed: "acme-status".to_owned(),
            scope: self.scope.clone(),
            identity: self.identity.clone(),
            capacity_bytes,
        })
        .unwrap()
    }

    fn play(&self, outbox: &Outbox, address: Address) -> Player {
        let task = FeedTask {
            open: public(Arc::new(Acme::new()), address),
            every: Duration::from_millis(20),
            outbox: outbox.clone(),
            bus: self.bus.clone(),
            scope: self.scope.clone(),
            tlp: None,
            clock: Clock::shifted(TimeDelta::hours(-1)),
        };
        let stop = CancellationToken::new();
        let feed = tokio::spawn({
            let stop = stop.clone();
            async move { run(task, stop).await.unwrap() }
        });
        Player { feed, stop }
    }

    fn pump(&self, outbox: &Outbox) -> Player {
        let stop = CancellationToken::new();
        Player { feed: tokio::spawn(pump(outbox.clone(), self.bus.clone(), stop.clone())), stop }
    }

    /// Everything in the log.
    async fn log(&self) -> Vec<Event> {
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
    async fn log_with(&self, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let waiting = async {
            loop {
                let log = self.log().await;
                if enough(&log) {
                    return log;
                }
            }
        };
        match tokio::time::timeout(GUARD, waiting).await {
            Ok(log) => log,
            Err(_) => panic!("the log stays at {:?}", summary(&self.log().await)),
        }
    }

    async fn end(self) {
        let report = verify(&self.bus, &self.scope).await.unwrap();
        println!("{report:?}");
        assert!(report.problems.is_empty(), "{report:?}");
        self.bus.close().await;
        self.nats.stop().await;
    }
}

struct Player {
    feed: JoinHandle<()>,
    stop: CancellationToken,
}

impl Player {
    async fn end(self) {
        self.stop.cancel();
        self.feed.await.unwrap();
    }
}

/// Waits for a fact.
async fn until(fact: impl Fn() -> bool) {
    let waiting = async {
        while !fact() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(GUARD, waiting).await.is_ok(), "it never came to be");
}

/// Waits for a fact that has to be asked for.
async fn until_async(fact: impl AsyncFn() -> bool) {
    let waiting = async {
        while !fact().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(GUARD, waiting).await.is_ok(), "it never came to be");
}

fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("entente")
}

fn count(log: &[Event], family: Family) -> usize {
    log.iter().filter(|event| event.claim.family() == family).count()
}

fn summary(log: &[Event]) -> BTreeMap<String, usize> {
    log.iter().fold(BTreeMap::new(), |mut counts, event| {
        *counts.entry(event.claim.family().to_string()).or_default() += 1;
        counts
    })
}

fn feeds(log: &[Event]) -> Vec<Feed> {
    let feed = |event: &Event| if let Claimed::Feed(feed) = &event.claim.body { Some(feed.clone()) } else { None };
    log.iter().filter_map(feed).collect()
}

fn reasons(log: &[Event]) -> Vec<String> {
    let reason = |event: &Event| {
        if let Claimed::Rejected(rejected) = &event.claim.body { Some(rejected.reason.clone()) } else { None }
    };
    log.iter().filter_map(reason).collect()
}

/// A provider's web server: it gives its answers one by one and stays at the last.
#[derive(Clone, Default)]
struct Provider {
    script: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

#[derive(Clone, Default)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    fn status(status: u16) -> Self {
        Self { status, ..Self::ok("no") }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Provider {
    fn then(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().extend(replies);
    }

    fn asked(&self) -> Vec<HeaderMap> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve(&self) -> Address {
        async fn reply(State(provider): State<Provider>, headers: HeaderMap) -> Response<Body> {
            provider.asked.lock().unwrap().push(headers);
            let mut script = provider.script.lock().unwrap();
            let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
            let next = next.unwrap_or_default();
            let mut response = Response::builder().status(next.status.max(200));
            for (name, value) in next.headers {
                response = response.header(name, value);
            }
            response.body(Body::from(next.body)).unwrap()
        }
        let router = Router::new().fallback(reply).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Address::parse(&format!("http://{address}/feed?token=secret")).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_web_says_reaches_the_log_once() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    provider.then([
        Reply::ok(answer(&[("a", "open", "We look", 1), ("b", "closed", "Over", 1)])).with("etag", "\"one\""),
        Reply::status(304),
        Reply::ok(answer(&[("a", "open", "Worse", 2), ("b", "closed", "Over", 1)])).with("etag", "\"two\""),
        // A stale copy out of some cache.
        Reply::ok(answer(&[("a", "open", "We look", 1), ("b", "closed", "Over", 1)])),
        Reply::ok("<html>Back soon</html>").with("content-type", "text/html"),
        Reply::status(503).with("retry-after", "0"),
        Reply::status(500),
        Reply::status(502),
        Reply::ok(answer(&[("a", "closed", "Done", 3)])).with("last-modified", "Fri, 19 Jul 2024 04:09:00 GMT"),
    ]);
    let (feed, pump) = (world.play(&outbox, provider.serve().await), world.pump(&outbox));
    let log = world.log_with(|log| feeds(log).len() == 3 && count(log, Family::Impact) == 4).await;
    assert_eq!(count(&log, Family::Notice), 4, "every text once: {:?}", summary(&log));
    let backfill: Vec<(&str, bool)> = log
        .iter()
        .filter(|event| event.claim.family() == Family::Impact)
        .map(|event| (event.claim.header.object_id.as_str(), event.claim.header.backfill))
        .collect();
    assert_eq!(backfill, [("acme:a", false), ("acme:b", true), ("acme:a", false), ("acme:a", false)]);
    assert_eq!(reasons(&log), ["a web page or XML where JSON was expected"]);
    let said: Vec<(FeedState, String)> = feeds(&log).into_iter().map(|feed| (feed.state, feed.reason)).collect();
    assert_eq!(said[0], (FeedState::Live, "first poll".into()));
    assert_eq!(said[1].0, FeedState::Blind);
    assert!(said[1].1.contains("500"), "the third failure in a row: {said:?}");
    assert_eq!(said[2], (FeedState::Live, "recovered".into()));
    let shown = feeds(&log)[0].address.clone().unwrap();
    assert!(shown.starts_with("http://127.0.0.1:") && !shown.contains("secret"), "{shown}");

    let asked = provider.asked();
    let condition = |n: usize, name: &str| asked[n].get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(condition(0, "if-none-match"), None);
    assert_eq!(condition(1, "if-none-match").as_deref(), Some("\"one\""));
    assert_eq!(condition(2, "if-none-match").as_deref(), Some("\"one\""), "304 changes nothing");
    assert_eq!(condition(3, "if-none-match").as_deref(), Some("\"two\""));
    assert_eq!(condition(4, "if-none-match"), None, "an answer without a mark is not known");
    assert_eq!(condition(5, "if-none-match"), None, "what was not read is not known");
    let observed = log[0].claim.header.times.observed_at;
    assert!(chrono::Utc::now() - observed > TimeDelta::minutes(59), "by the player's clock");

    feed.end().await;
    let beats = beats(&world.bus, &world.scope).await.unwrap();
    assert_eq!((beats.len(), beats[0].1.as_str(), beats[0].2.state), (1, "acme-status", FeedState::Live));
    assert!(beats[0].2.clock_offset_ms.is_some() && beats[0].2.last_good.is_some());
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_adds_nothing_with_the_outbox_and_without_it() {
    let world = World::new().await;
    let provider = Provider::default();
    let address = provider.serve().await;
    let words: Vec<String> = (1..=40).map(|n| format!("Word {}", n / 2)).collect();
    let state = |n| if n < 40 { "open" } else { "closed" };
    let poll = |(word, n): (&String, i64)| Reply::ok(answer(&[("a", state(n), word, n)]));
    let polls: Vec<Reply> = words.iter().zip(1..).map(poll).collect();
    for dir in ["outbox", "outbox", "another"] {
        let outbox = world.outbox(dir, OutboxOptions::CAPACITY);
        let before = provider.asked().len();
        provider.then(polls.iter().cloned());
        let (feed, pump) = (world.play(&outbox, address.clone()), world.pump(&outbox));
        until(|| provider.asked().len() > before + polls.len() + 1).await;
        feed.end().await;
        until(|| outbox.backlog().events == 0).await;
        pump.end().await;
        let log = world.log().await;
        let impacts = log.iter().filter(|event| event.claim.family() == Family::Impact);
        let revs: Vec<u64> = impacts.map(|event| event.claim.header.rev).collect();
        assert_eq!(revs, (1..=21).collect::<Vec<u64>>(), "{dir}");
        assert_eq!((count(&log, Family::Notice), feeds(&log).len()), (21, 1), "{dir}");
    }
    world.end().await;
}

/// A feed that has nothing new says nothing, so only its beat tells that it is read.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_beat_tells_of_this_run_s_polls() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    let address = provider.serve().await;
    provider.then([Reply::ok("[]").with("etag", "\"one\"")]);
    let pump = world.pump(&outbox);
    for run in 0..2 {
        let began = Clock::shifted(TimeDelta::hours(-1)).now();
        let feed = world.play(&outbox, address.clone());
        until_async(async || {
            let beat = beats(&world.bus, &world.scope).await.unwrap().pop();
            beat.is_some_and(|(_, _, beat)| beat.last_good >= Some(began) && beat.state == FeedState::Live)
        })
        .await;
        feed.end().await;
        assert_eq!(feeds(&world.log_with(|log| !log.is_empty()).await).len(), 1, "run {run}");
    }
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_sent_away_for_a_day_is_blind_at_once_and_says_until_when() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    provider.then([Reply::ok("[]"), Reply::status(429).with("retry-after", "86400")]);
    let (feed, pump) = (world.play(&outbox, provider.serve().await), world.pump(&outbox));
    let log = world.log_with(|log| feeds(log).len() == 2).await;
    let blind = feeds(&log).pop().unwrap();
    assert_eq!(blind.state, FeedState::Blind);
    assert!(blind.reason.contains("429") && blind.reason.contains("not to be asked before"), "{}", blind.reason);
    assert_eq!(provider.asked().len(), 2, "nobody asks meanwhile");
    feed.end().await;
    pump.end().await;
    world.end().await;
}

#[tokio::test]
async fn only_an_answer_that_left_no_doubt_is_asked_for_by_its_changes() {
    let provider = Provider::default();
    provider.then([Reply::ok("[]").with("etag", "\"one\"")]);
    let Address::Url(url) = provider.serve().await else { panic!("an address on the web") };
    let mut fetch = Fetch::new(url).unwrap();
    for settled in [Settled::Read, Settled::Doubtful, Settled::Refused, Settled::NotTaken] {
        assert_eq!(fetch.ask().await, Ok(Answer::Body(b"[]".as_slice().into())));
        fetch.settle(settled);
    }
    fetch.ask().await.unwrap();
    let conditional: Vec<bool> = provider.asked().iter().map(|headers| headers.contains_key("if-none-match")).collect();
    assert_eq!(conditional, [false, true, false, false, false]);
}

#[tokio::test]
async fn an_answer_may_come_from_another_host_and_packed_and_a_stray_304_is_none() {
    let (here, there) = (Provider::default(), Provider::default());
    let Address::Url(moved) = there.serve().await else { panic!("an address on the web") };
    let Address::Url(url) = here.serve().await else { panic!("an address on the web") };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"\xEF\xBB\xBF[]\r\n").unwrap();
    here.then([Reply::status(302).with("location", moved.as_str())]);
    there.then([
        Reply::status(304),
        Reply::ok(packed.finish().unwrap()).with("content-encoding", "gzip").with("etag", "\"one\""),
        Reply::status(304),
        Reply::status(304),
        Reply { status: 307, ..Reply::ok("") }.with("location", moved.as_str()),
    ]);
    let mut fetch = Fetch::new(url).unwrap();
    let mut ask = async || {
        let answer = fetch.ask().await;
        fetch.settle(if answer.is_ok() { Settled::Read } else { Settled::Refused });
        answer.map_err(|failure| failure.error.code)
    };
    assert_eq!(ask().await, Err("http-304".to_owned()), "nothing was asked for that could be unchanged");
    assert_eq!(ask().await, Ok(Answer::Body(b"\xEF\xBB\xBF[]\r\n".as_slice().into())));
    assert_eq!(
        [ask().await, ask().await],
        [Ok(Answer::Unchanged), Ok(Answer::Unchanged)],
        "it keeps its mark without a new"
    );
    assert_eq!(ask().await, Err("redirects".to_owned()));
}

/// While nobody read the feed, whoever watches said so under the feed's own object; that word must not be the last.
#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_comes_back_after_it_was_missed_says_that_it_is_there() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    let address = provider.serve().await;
    provider.then([Reply::ok("[]")]);
    let pump = world.pump(&outbox);
    let feed = world.play(&outbox, address.clone());
    world.log_with(|log| feeds(log).len() == 1).await;
    until_async(async || !beats(&world.bus, &world.scope).await.unwrap().is_empty()).await;
    feed.end().await;
    let (org, slug, mut last) = beats(&world.bus, &world.scope).await.unwrap().remove(0);
    last.beat_at -= TimeDelta::minutes(10);
    beat(&world.bus, &world.scope, &org, &slug, &last).await.unwrap();
    let feed = world.play(&outbox, address);
    let log = world.log_with(|log| feeds(log).len() == 2).await;
    let told = &feeds(&log)[1];
    assert_eq!((told.state, told.reason.as_str()), (FeedState::Live, "its adapter is heard again"));
    let events: Vec<&Event> = log.iter().filter(|event| event.claim.family() == Family::Feed).collect();
    assert!(events[0].claim.header.times.observed_at < events[1].claim.header.times.observed_at);
    feed.end().await;
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_cannot_be_reached_is_blind_and_says_why() {
    let world = World::new().await;
    let outbox = world.outbox("outbox", OutboxOptions::CAPACITY);
    // Bound and given free again: nobody listens there.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let address = Address::parse(&format!("http://127.0.0.1:{port}/?token=secret")).unwrap();
    let (feed, pump) = (world.play(&outbox, address), world.pump(&outbox));
    let log = world.log_with(|log| !feeds(log).is_empty()).await;
    let told = &feeds(&log)[0];
    assert_eq!((told.state, told.last_good_poll), (FeedState::Blind, None));
    assert!(told.reason.starts_with("the provider cannot be reached: "), "{}", told.reason);
    assert!(!told.reason.contains("secret"));
    feed.end().await;
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answers_are_told_and_the_next_good_one_is_read() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    let good = answer(&[("a", "open", "Zürich", 1)]);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let wide: Vec<u8> = std::iter::once(0xFEFF).chain(good.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&good);
    let mixed = good.replace("[{", "[{\"id\":-17},7,[1],{");
    provider.then([
        Reply::ok(bomb.finish().unwrap()).with("content-encoding", "gzip"),
        Reply::ok(&good.as_bytes()[..good.len() - 9]),
        Reply::ok(latin.to_vec()),
        Reply::ok(wide).with("content-type", "application/json;charset=utf-16"),
        Reply::ok(latin.to_vec()).with("content-type", "application/json; charset=\"ISO-8859-1\""),
        Reply::ok(mixed),
    ]);
    let (feed, pump) = (world.play(&outbox, provider.serve().await), world.pump(&outbox));
    let log = world.log_with(|log| count(log, Family::Rejected) == 6).await;
    assert_eq!((count(&log, Family::Impact), count(&log, Family::Notice)), (1, 1), "one text in three encodings");
    let told = reasons(&log).join("\n");
    for expected in ["33554432 bytes", "EOF", "UTF-8", "not an item of this feed"] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    let states: Vec<FeedState> = feeds(&log).iter().map(|feed| feed.state).collect();
    assert_eq!(states, [FeedState::Blind, FeedState::Live], "never good: blind from the first failure");
    feed.end().await;
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_makes_the_feed_blind_and_loses_nothing() {
    let world = World::new().await;
    let folder = world.folder.path().join("polls");
    std::fs::create_dir(&folder).unwrap();
    let outbox = world.outbox("outbox", 12_000);
    for n in 0..20 {
        let text = format!("Word {n:02}");
        let file = folder.join(format!("{n:02}.json"));
        std::fs::write(file, answer(&[("a", "open", &text, n + 1)])).unwrap();
    }
    let feed = world.play(&outbox, Address::parse(folder.to_str().unwrap()).unwrap());
    let blind = async {
        loop {
            let beat = beats(&world.bus, &world.scope).await.unwrap().pop();
            if let Some((_, _, beat)) = beat
                && beat.error.as_ref().is_some_and(|error| error.code == "outbox")
            {
                return beat;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let beat = tokio::time::timeout(GUARD, blind).await.unwrap();
    assert_eq!(beat.state, FeedState::Blind);
    assert!(beat.outbox.events > 0 && beat.error.unwrap().text.contains("full"));
    let pump = world.pump(&outbox);
    let log = world.log_with(|log| count(log, Family::Notice) == 20).await;
    assert_eq!(count(&log, Family::Impact), 20);
    feed.end().await;
    pump.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_feed_ends_after_two_polls_also_across_a_restart() {
    let world = World::new().await;
    let (provider, outbox) = (Provider::default(), world.outbox("outbox", OutboxOptions::CAPACITY));
    let address = provider.serve().await;
    provider.then([Reply::ok(answer(&[("a", "open", "We look", 1)]))]);
    let (feed, pump) = (world.play(&outbox, address.clone()), world.pump(&outbox));
    world.log_with(|log| count(log, Family::Impact) == 1).await;
    feed.end().await;
    provider.then([Reply::ok("[]").with("etag", "\"empty\""), Reply::ok("[]").with("etag", "\"empty\"")]);
    let feed = world.play(&outbox, address);
    let log = world.log_with(|log| count(log, Family::Impact) == 2).await;
    let closing = log.iter().rfind(|event| event.claim.family() == Family::Impact).unwrap();
    assert_eq!(closing.claim.impact().unwrap().outcome, Some(Outcome::Vanished));
    feed.end().await;
    pump.end().await;
    world.end().await;
}
