//! Whatever comes out of a socket, to every feed: all recordings, whole and spoilt in every way that is cheap to think of,
//! and answers that unfold into more than they are. Each is taken rightly or refused with a reason that is told; nothing
//! panics; after each a good answer still works, and nothing that was said is said again. Spoiling is made of seeds, which
//! a failure prints.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use chrono::{DateTime, Utc};
use entente_schemas::digest::{hex, sha256};
use entente_schemas::event::{CHAIN_START, Draft, Event, PAYLOAD_MAX, Place, Source};
use entente_schemas::family::{Body, Family, FeedState};
use entente_sidecar::Normalize;
use entente_sidecar::edge::{Edge, Outcome};
use entente_tests::data::recording;
use serde_json::Value;

/// Files above this are spoilt by excerpt; whole they are read once.
const EXCERPT_ABOVE: usize = 60_000;
const EXCERPT_ITEMS: usize = 8;

fn now() -> DateTime<Utc> {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

// ---- one feed under trial

/// A feed's adapter from end to end, without a bus: what it said, and a good answer of its own to come back to.
struct Trial {
    feed: Arc<dyn Normalize>,
    edge: Edge,
    source: Source,
    system: String,
    good: String,
    /// Revision and digest of what was last said.
    said: BTreeMap<(Family, String), (u64, String)>,
    ids: BTreeSet<String>,
    rejected: BTreeSet<String>,
    taken: usize,
    refused: usize,
}

impl Trial {
    fn new(feed: Arc<dyn Normalize>, good: &str) -> Self {
        let profile = feed.profile().clone();
        let source =
            Source { org: "local".into(), feed: profile.slug.clone(), instance: "01HZZZZZZZZZZZZZZZZZZZZZZZ".into() };
        let edge = Edge::new(profile.clone(), source.clone(), "actual", "all", &profile.address);
        let mut trial = Self {
            feed,
            edge,
            source,
            system: profile.system,
            good: good.to_owned(),
            said: BTreeMap::new(),
            ids: BTreeSet::new(),
            rejected: BTreeSet::new(),
            taken: 0,
            refused: 0,
        };
        let first = trial.answered(good.as_bytes());
        let count = |family| first.drafts.iter().filter(|draft| draft.claim.family() == family).count();
        assert_eq!((count(Family::Impact), count(Family::Notice)), (1, 1), "the good answer of {}", trial.system);
        first.drafts.iter().for_each(|draft| trial.hear(draft));
        trial.edge.taken(&first.drafts);
        trial
    }

    fn answered(&mut self, body: &[u8]) -> Outcome {
        self.edge.answered(self.feed.read(body, now()), now())
    }

    /// A hostile answer, and the good one after it.
    fn bear(&mut self, what: &str, body: &[u8]) {
        let name = format!("{} to {}", what, self.system);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.answered(body)));
        let outcome = outcome.unwrap_or_else(|_| panic!("{name}: a panic"));
        let heard = catch_unwind(AssertUnwindSafe(|| outcome.drafts.iter().for_each(|draft| self.hear(draft))));
        heard.unwrap_or_else(|_| panic!("{name}: what it said"));
        self.edge.taken(&outcome.drafts);
        if outcome.read {
            self.taken += 1;
        } else {
            self.refused += 1;
            self.is_told(&name, body, &outcome.drafts);
        }
        let after = self.answered(self.good.clone().as_bytes());
        assert!(after.read && self.edge.health().state() == FeedState::Live, "{name}: the good answer after it");
        let again: Vec<&Draft> = after.drafts.iter().filter(|draft| draft.claim.header.cause.is_none()).collect();
        assert!(again.is_empty(), "{name}: said again: {again:?}");
        after.drafts.iter().for_each(|draft| self.hear(draft));
        self.edge.taken(&after.drafts);
    }

    /// An answer that was refused whole is told with its digest, or was told before; one of whose items none could be read
    /// is told by its items.
    fn is_told(&self, name: &str, body: &[u8], drafts: &[Draft]) {
        let told = drafts.iter().any(|draft| draft.claim.family() == Family::Rejected);
        let before = || match self.feed.read(body, now()) {
            Ok(reading) => reading.refused.iter().all(|refusal| self.was_told(&refusal.input)),
            Err(refusal) => self.was_told(&refusal.input),
        };
        assert!(told || before(), "{name}: refused and not told");
        let error = self.edge.health().error().map(|error| error.text.clone()).unwrap_or_default();
        assert!(!error.is_empty(), "{name}: refused without a reason");
    }

    fn was_told(&self, input: &[u8]) -> bool {
        self.rejected.contains(&hex(&sha256(input)))
    }

    /// What is said must be what every reader of the bus takes, of this feed, news, and the next revision of its object.
    fn hear(&mut self, draft: &Draft) {
        let claim = &draft.claim;
        claim.check().unwrap();
        let place = Place {
            source: &self.source,
            universe: "actual",
            audience: "all",
            sequence: entente_schemas::count::COUNT_MAX,
            prevhash: CHAIN_START,
        };
        let bytes = draft.seal(place).unwrap();
        assert!(bytes.len() <= PAYLOAD_MAX);
        let read = Event::read(&bytes).unwrap();
        assert_eq!((&read.id, &read.claim), (&draft.id, claim), "what is read is what was said");
        self.makes_sense(&draft.claim.body, &claim.header.object_id);
        assert!(self.ids.insert(draft.id.clone()), "{} is said twice", claim.header.object_id);
        let digest = claim.header.native.as_ref().map(|native| native.digest.clone()).unwrap_or_default();
        let key = (claim.family(), claim.header.object_id.clone());
        let before = self.said.insert(key, (claim.header.rev, digest.clone()));
        let (rev, last) = before.unwrap_or_default();
        assert_eq!(claim.header.rev, rev + 1, "{}", claim.header.object_id);
        assert_ne!(digest, last, "{} says nothing new", claim.header.object_id);
    }

    fn makes_sense(&mut self, body: &Body, object: &str) {
        match body {
            Body::Impact(impact) => {
                assert!(object.starts_with(&format!("{}:", self.system)), "{object}");
                assert!(!impact.title.trim().is_empty(), "{object} has no title");
                let mut words = impact.blocks.iter().flat_map(|block| block.services.iter().chain(&block.regions));
                assert!(words.all(|word| !word.trim().is_empty()), "{object}: a service or region without a name");
                assert_eq!(impact.outcome.is_some(), !impact.phase.is_open(), "{object}: phase and outcome");
            }
            Body::Notice(notice) => {
                assert!(object.starts_with(&format!("{}/", notice.about)), "{object} is about {}", notice.about);
            }
            Body::Rejected(rejected) => {
                assert!(!rejected.reason.is_empty() && rejected.feed == self.source.feed);
                self.rejected.insert(rejected.digest.clone());
            }
            Body::Feed(feed) => assert_eq!(feed.state, FeedState::Live),
            other => panic!("a feed says nothing of family {}", other.family()),
        }
    }
}

/// Every feed, each with a good answer of its own shape.
fn feeds() -> Vec<(Arc<dyn Normalize>, &'static str)> {
    let post = "<rss version=\"2.0\"><channel><title>T</title><item><guid>good</guid><title>Slow in West US</title>\
        <pubDate>Fri, 31 Jul 2026 10:00:00 GMT</pubDate><description>We look</description></item></channel></rss>";
    vec![
        (
            entente_gcp::public(),
            r#"[{"id":"good","begin":"2026-07-31T10:00:00+00:00","modified":"2026-07-31T11:00:00+00:00",
            "external_desc":"Slow","updates":[{"when":"2026-07-31T10:30:00+00:00","status":"SERVICE_DISRUPTION","text":"We look"}]}]"#,
        ),
        (
            entente_aws::current_events(),
            r#"[{"date":"1785000000","arn":"good","status":"2","service":"ec2-us-east-1","summary":"Slow",
            "event_log":[{"message":"We look","status":2,"timestamp":1785000600}]}]"#,
        ),
        (
            entente_aws::data(),
            r#"{"archive":[],"current":[{"service":"good-us-east-1","service_name":"Good","summary":"Slow",
            "date":"1785000000","status":"2","description":"We look"}]}"#,
        ),
        (entente_azure::status_rss(), post),
        (
            entente_vendor::statuspage("acme", "https://status.acme.example/api/v2/summary.json"),
            r#"{"incidents":[{"id":"good","name":"Slow","status":"investigating","updated_at":"2026-07-31T11:00:00Z",
            "incident_updates":[{"id":"u","body":"We look","display_at":"2026-07-31T10:30:00Z"}]}]}"#,
        ),
        (entente_vendor::rss("acme", "https://status.acme.example/history.rss"), post),
    ]
}

fn trials() -> impl Iterator<Item = Trial> {
    feeds().into_iter().map(|(feed, good)| Trial::new(feed, good))
}

// ---- spoiling

/// Equal numbers from equal seeds.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides.max(1) as u64).unwrap()
    }
}

/// An answer spoilt in every way, each with its name.
fn spoilt(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = entente_sidecar::decode::text(body).unwrap_or_else(|_| String::from_utf8_lossy(body));
    let mut all = vec![
        ("UTF-16, big, without a mark".to_owned(), text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("UTF-16, little, without a mark".to_owned(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("in Latin-1".to_owned(), latin(&text)),
        ("in a page".to_owned(), format!("<!doctype html><html><pre>{text}</pre></html>").into_bytes()),
        ("with an entity bomb".to_owned(), bombed(&text)),
    ];
    let quarters = (1..4).map(|n| body.len() * n / 4).chain([body.len().saturating_sub(1)]);
    all.extend(quarters.map(|at| (format!("cut at {at}"), body[..at].to_vec())));
    for (name, before, after) in [
        ("in a list", "[", "]"),
        ("in lists", "[[", "]]"),
        ("in a list of incidents", "{\"incidents\":[", "]}"),
        ("as planned work", "{\"scheduled_maintenances\":[", "]}"),
        ("as a current post", "{\"current\":[", "]}"),
        ("in a channel", "<rss><channel>", "</channel></rss>"),
    ] {
        all.push((name.to_owned(), format!("{before}{text}{after}").into_bytes()));
    }
    for (name, from, to) in [
        ("HTML in texts", "\": \"", "\": \"<img src=x onerror='a()'>&amp;"),
        ("HTML in dense texts", "\":\"", "\":\"<script>a()</script>"),
        ("markup in elements", "</title>", "<b>&lt;script&gt;</b><!-- x --></title>"),
        ("names for texts", "\": \"", "\": 7, \"x\": \""),
        ("lists for texts", "\": \"", "\": [], \"x\": \""),
        ("nothing for lists", "\": [", "\": null, \"x\": ["),
        ("nothing said", "\": \"", "\": \"\", \"x\": \""),
        ("before 2000", "20", "19"),
        ("far ahead", "20", "29"),
        ("ended before it began", "end\": \"20", "end\": \"200"),
    ] {
        all.push((name.to_owned(), text.replace(from, to).into_bytes()));
    }
    for number in ["-1", "0", "9", "99999999999999999999999", "1e400", "-253402300800", "0.5"] {
        all.push((format!("{number} for numbers"), numbers(&text, |_| Some(number.to_owned()))));
    }
    for seed in 0..4 {
        all.push((format!("some numbers, seed {seed}"), some_numbers(&text, seed)));
        all.push((format!("some bytes, seed {seed}"), some_bytes(body, seed)));
    }
    all
}

/// Every character of one byte as that byte, with one at least that UTF-8 has no such byte for.
fn latin(text: &str) -> Vec<u8> {
    let text = text.replacen("e", "é", 3);
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

fn bombed(text: &str) -> Vec<u8> {
    let ten = |name: &str, of: &str| format!("<!ENTITY {name} \"{}\">", format!("&{of};").repeat(10));
    let bomb: String =
        ["ab", "bc", "cd", "de", "ef", "fg", "gh"].iter().map(|pair| ten(&pair[1..], &pair[..1])).collect();
    let rest = text.split_once("?>").map_or(text, |(_, rest)| rest);
    let rest = rest.replace("</title>", "&h;</title>");
    format!("<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a \"ha\">{bomb}]>{rest}").into_bytes()
}

/// Runs of digits replaced, where the choice gives something.
fn numbers(text: &str, mut choose: impl FnMut(&str) -> Option<String>) -> Vec<u8> {
    let mut spoilt = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        spoilt.push_str(before);
        spoilt.push_str(&choose(&from[..end]).unwrap_or_else(|| from[..end].to_owned()));
        rest = &from[end..];
    }
    spoilt.push_str(rest);
    spoilt.into_bytes()
}

fn some_numbers(text: &str, seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let odd = ["-1", "0", "00", "7", "4102444800", "18446744073709551616", "1e9", "31", "2026", ""];
    numbers(text, |_| (dice.roll(12) == 0).then(|| odd[dice.roll(odd.len())].to_owned()))
}

fn some_bytes(body: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let mut spoilt = body.to_vec();
    for _ in 0..8 {
        let at = dice.roll(spoilt.len());
        if let Some(byte) = spoilt.get_mut(at) {
            *byte = u8::try_from(dice.roll(256)).unwrap();
        }
    }
    spoilt
}

// ---- the recordings

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// What of a file is spoilt: all of a small one, some items of a list, some lines of many.
fn excerpts(path: &Path, body: &[u8]) -> Vec<Vec<u8>> {
    if path.extension().is_some_and(|end| end == "jsonl") {
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        return [0, lines.len() / 2, lines.len() - 1].iter().map(|line| lines[*line].to_vec()).collect();
    }
    if body.len() <= EXCERPT_ABOVE {
        return vec![body.to_vec()];
    }
    let text = entente_sidecar::decode::text(body).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    shorten(&mut value);
    vec![serde_json::to_vec_pretty(&value).unwrap()]
}

/// Every list and object to its first members.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.truncate(EXCERPT_ITEMS);
            list.iter_mut().for_each(shorten);
        }
        Value::Object(members) => {
            let rest: Vec<String> = members.keys().skip(4 * EXCERPT_ITEMS).cloned().collect();
            rest.iter().for_each(|name| drop(members.remove(name)));
            members.values_mut().for_each(shorten);
        }
        _ => {}
    }
}

/// Answers and their names: each recording whole, its lines where it has some, and its excerpts spoilt.
fn recorded(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut answers, mut seen) = (Vec::new(), BTreeSet::new());
    for path in files(folder) {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let body = std::fs::read(&path).unwrap();
        // Some lie there twice.
        if !seen.insert(sha256(&body)) {
            continue;
        }
        for (index, excerpt) in excerpts(&path, &body).into_iter().enumerate() {
            let spoilt = spoilt(&excerpt).into_iter();
            answers.extend(spoilt.map(|(how, bytes)| (format!("{name}, part {index}, {how}"), bytes)));
            answers.push((format!("{name}, part {index}"), excerpt));
        }
        answers.push((name, body));
    }
    answers
}

static RECORDED: LazyLock<Vec<(String, Vec<u8>)>> =
    LazyLock::new(|| recording("").map(|folder| recorded(&folder)).unwrap_or_default());

fn bear_all(system: &str) {
    if recording("").is_none() {
        return;
    }
    let (answers, started) = (&*RECORDED, Instant::now());
    let mut trial = trials().find(|trial| trial.system == system).unwrap();
    answers.iter().for_each(|(name, body)| trial.bear(name, body));
    let Trial { taken, refused, said, .. } = trial;
    let seconds = started.elapsed().as_secs_f64();
    println!("{system}: {taken} answers taken, {refused} refused, {} objects, {seconds:.1} s", said.len());
    assert!(taken > 0 && refused > taken, "most of it is not of this feed");
}

#[test]
fn google_bears_every_recording() {
    bear_all("gcp.public");
}

#[test]
fn amazon_bears_every_recording() {
    bear_all("aws.currentevents");
}

#[test]
fn amazon_s_older_feed_bears_every_recording() {
    bear_all("aws.data");
}

#[test]
fn azure_bears_every_recording() {
    bear_all("azure.rss");
}

#[test]
fn status_pages_bear_every_recording() {
    bear_all("statuspage.acme");
}

#[test]
fn syndication_bears_every_recording() {
    bear_all("rss.acme");
}

// ---- answers that are more than they seem

fn repeated(before: &str, unit: impl Fn(usize) -> String, after: &str, bytes: usize) -> Vec<u8> {
    let mut body = before.as_bytes().to_vec();
    let mut count = 0;
    while body.len() < bytes {
        body.extend_from_slice(unit(count).as_bytes());
        count += 1;
    }
    body.extend_from_slice(after.as_bytes());
    body
}

fn all_bear(answers: &[(&str, Vec<u8>)]) {
    for mut trial in trials() {
        for (name, body) in answers {
            let started = Instant::now();
            trial.bear(name, body);
            println!("{name} to {}: {:.2} s", trial.system, started.elapsed().as_secs_f64());
        }
    }
}

#[test]
fn a_hundred_megabytes_of_anything_are_refused() {
    let size = 100_000_000;
    let same = |byte: u8| vec![byte; size];
    let mut string = same(b'a');
    (string[0], string[1], string[size - 2], string[size - 1]) = (b'[', b'"', b'"', b']');
    all_bear(&[
        ("100 MB of spaces", same(b' ')),
        ("100 MB of one string", string),
        ("100 MB of nested lists", same(b'[')),
        ("100 MB of nested elements", repeated("<rss><channel>", |_| "<a>".to_owned(), "", size)),
        ("100 MB of nulls", same(0)),
    ]);
}

/// Bytes of an answer that is below the limit, and of one item.
const ANSWER: usize = 2_000_000;
const ITEM: usize = 500_000;

/// An answer that repeats one thing, numbered where it says `%`: its name, its beginning, the thing, its end.
type Repeated = (&'static str, &'static str, &'static str, &'static str);

fn many(answers: &[Repeated], bytes: usize) -> Vec<(&'static str, Vec<u8>)> {
    let body = |(name, before, unit, after): &Repeated| {
        (*name, repeated(before, |n| unit.replace('%', &n.to_string()), after, bytes))
    };
    answers.iter().map(body).collect()
}

const DATED: &str = "<rss><channel><item><guid>x</guid><pubDate>Fri, 31 Jul 2026 10:00:00 GMT</pubDate>";

#[test]
fn a_million_small_things_are_taken_or_refused_and_cost_what_they_count() {
    let (list, end) = ("<rss><channel>", "</channel></rss>");
    let mut answers = many(
        &[
            ("nested lists", "", "[", ""),
            ("a list of numbers", "[0", ",0", "]"),
            ("a list of empty items", "[{}", ",{}", "]"),
            ("incidents without anything", "{\"incidents\":[{}", ",{}", "]}"),
            ("posts without anything", "{\"archive\":[{}", ",{}", "]}"),
            ("entries without anything", list, "<item/>", end),
            ("entries with a name", list, "<item><guid>%</guid></item>", end),
            ("attributes", "<rss><channel><item><link ", "a%='1' ", "/></item></channel></rss>"),
        ],
        ANSWER,
    );
    let dated = |what: &str, unit: &str, after: &str| {
        let after = format!("{after}</item></channel></rss>");
        repeated(&format!("{DATED}{what}"), |n| unit.replace('%', &n.to_string()), &after, ANSWER)
    };
    answers.push(("spaces", vec![b' '; ANSWER]));
    answers.push(("a title", dated("<title>", "long % ", "</title>")));
    answers.push(("entities", dated("<description>", "&#%;&amp;&#x1F600;&z%;", "</description>")));
    answers.push(("categories", dated("", "<category>Service %</category>", "")));
    all_bear(&answers);
}

/// The items that each feed takes, with tens of thousands of names, places or statements in one.
#[test]
fn one_item_of_endless_lists_is_no_burden() {
    let gcp = |rest: &str| format!("[{{\"id\":\"x\",\"begin\":\"2026-07-31T10:00:00Z\",{rest}");
    let page = |rest: &str| format!("{{\"incidents\":[{{\"id\":\"x\",\"name\":\"X\",{rest}");
    let aws =
        |rest: &str| format!("[{{\"date\":\"1785000000\",\"arn\":\"x\",\"status\":\"2\",\"service\":\"s\",{rest}");
    let two = "\"affected_products\":[{\"title\":\"a\"},{\"title\":\"Cloud DNS\"}],";
    let fill =
        |before: String, unit: &str, after: &str| repeated(&before, |n| unit.replace('%', &n.to_string()), after, ITEM);
    let update = "{\"when\":\"2026-07-31T10:00:00Z\",\"text\":\"%\"}";
    let entry = "{\"timestamp\":1785000000,\"message\":\"%\"}";
    let service = ",\"s%-us-east-1\":{\"service_name\":\"S%\",\"current\":\"%\",\"max\":\"3\"}";
    let places = gcp(&format!("{two}\"currently_affected_locations\":[{{\"id\":\"a\"}}"));
    let first = "\"impacted_services\":{\"a\":{\"current\":\"1\",\"max\":\"1\"}";
    let edited = "\"updated_at\":\"2026-07-31T10:00:00Z\",\"incident_updates\":[{}";
    let long = "l".repeat(ITEM);
    let with_long = |text: String| text.replace('%', &long).into_bytes();
    all_bear(&[
        ("products", fill(gcp("\"affected_products\":[{\"title\":\"a\"}"), ",{\"title\":\"P%\"}", "]}]")),
        ("locations", fill(places, ",{\"id\":\"l%-a\"}", "]}]")),
        ("updates of one second", fill(gcp(&format!("\"updates\":[{update}")), &format!(",{update}"), "]}]")),
        ("components", fill(page("\"components\":[{\"name\":\"a\"}"), ",{\"name\":\"C%\"}", "]}]}")),
        ("updates without anything", fill(page("\"incident_updates\":[{}"), ",{}", "]}]}")),
        ("updates that are none", fill(page("\"incident_updates\":[7"), ",7", "]}]}")),
        ("updates with an id", fill(page(edited), ",{\"id\":%,\"body\":\"b\"}", "]}]}")),
        ("services", fill(aws(first), service, "}}]")),
        ("log entries", fill(aws(&format!("\"event_log\":[{entry}")), &format!(",{entry}"), "]}]")),
        ("an endless id", with_long(gcp("\"x\":1}]").replace("\"x\",", "\"%\","))),
        ("an endless place", with_long(gcp("\"currently_affected_locations\":[{\"id\":\"%\"}]}]"))),
        ("an endless address", with_long(page("\"shortlink\":\"%\",\"incident_updates\":[{\"body\":\"b\"}]}]}"))),
        ("an endless arn", with_long(aws("\"x\":1}]").replace("\"x\",", "\"%\","))),
    ]);
}
