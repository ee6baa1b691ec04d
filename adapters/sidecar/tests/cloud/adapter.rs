//! The adapter: its settings, its two feeds that ask, and its webhook.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use entente_journal::Clock;
use entente_schemas::block::{Block, BlockState, Layer, ServiceClass, Severity};
use entente_schemas::count::{Count, Method, Quantity, Unit};
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::family::{Body, Impact, Phase};
use entente_schemas::header::{Certainty, Native, Times};
use entente_schemas::speaker::Speaker;
use entente_sidecar::account::{
    AccountFeed, Adapter, Budget, Cadence, Check, Endpoint, Feed, Inbox, Key, OpenError, Parcel, Parts, Rate, Sender,
    Site, Skew, Tables, Trouble,
};
use entente_sidecar::ask::Ask;
use entente_sidecar::item::{FeedProfile, Item, Reading, Vanishing, incident};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Open, Told};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::flaw::Flaw;
use super::queue::queue;

pub struct Acme;

/// What the tables say.
pub struct Feeds {
    cloud: Endpoint,
    flaw: Flaw,
    machines: Option<Feed<Machines>>,
    queue: Option<Feed<Nothing>>,
    push: Option<Feed<Nothing>>,
}

/// The feed of the machines.
pub const SLUG: &str = "acme-vm";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machines {
    /// Whether machines tell that their guest answers.
    #[serde(default)]
    pub guest_signal: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What the adapter has in common.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    #[serde(default)]
    flaw: Flaw,
}

impl Adapter for Acme {
    type Feeds = Feeds;

    const NAME: &'static str = "acme";
    const PORT: u16 = 4_799;
    const DEFAULTS: &'static str = "\
[acme]
# flaw = 'none'

# The machines.
# [feeds.acme-vm]
# guest_signal = false

# What the cloud puts into a queue.
# [feeds.acme-queue]

# What it sends by itself, to /hooks/acme.
# [feeds.acme-push]
";
    const ENDPOINTS: &'static [&'static str] = &["acme"];
    const RATES: &'static [Rate] =
        &[Rate { api: "acme.List", per_minute: 6_000 }, Rate { api: "acme.Queue", per_minute: 6_000 }];

    fn parse(tables: &mut Tables<'_>) -> Feeds {
        let cloud = tables.endpoint("acme");
        if cloud.is_none() {
            tables.mistake("endpoints.acme", "this cloud has no address of its own; name one");
        }
        let flaw = tables.own::<Common>().flaw;
        Feeds {
            cloud: cloud.unwrap_or_else(|| "http://localhost:1".parse().unwrap()),
            flaw,
            machines: tables.feed(SLUG).or_else(|| flaw.untold_feed()),
            queue: tables.feed("acme-queue"),
            push: tables.feed("acme-push"),
        }
    }

    fn open(feeds: Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(async move {
            let now = site.clock.now();
            feeds.flaw.blurt(&site, item("acme.vm:blurted", Some(1), Some(now), now)).await;
            opened(feeds, &site)
        })
    }
}

fn opened(feeds: Feeds, site: &Site) -> Result<Parts, OpenError> {
    let client = Client::new(&feeds.cloud, feeds.flaw, site).map_err(|error| OpenError(error.to_string()))?;
    feeds.flaw.lose(site);
    let mut parts = Parts { devices: feeds.flaw.devices(), ..Parts::default() };
    if let Some(feed) = feeds.machines {
        parts.checks.push(client.check(&feed.slug, "acme.List", "/machines"));
        parts.feeds.push(machines(&feed, client.clone(), site));
    }
    if let Some(feed) = feeds.queue.filter(|_| feeds.flaw != Flaw::Absent) {
        parts.checks.push(client.check(&feed.slug, "acme.Queue", "/queue"));
        parts.feeds.push(queue(&feed, client, site));
    }
    if let Some(feed) = feeds.push {
        let (inbox, waiting) = site.inbox(profile(&feed.slug, site.settings.speaker()))?;
        parts.feeds.push(waiting);
        parts.routes = Router::new().route("/hooks/acme", post(hook)).with_state((inbox, site.clone()));
    }
    Ok(parts)
}

/// The cloud's API.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub cloud: Endpoint,
    pub flaw: Flaw,
    budget: Budget,
    pub skew: Skew,
}

impl Client {
    fn new(cloud: &Endpoint, flaw: Flaw, site: &Site) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(site.timeout).build()?;
        Ok(Self { http, cloud: cloud.clone(), flaw, budget: site.budget.clone(), skew: site.skew.clone() })
    }

    fn check(&self, feed: &str, api: &'static str, path: &'static str) -> Check {
        let client = self.clone();
        Check::new(feed, api, api, async move {
            let called = client.get(api, path).await.map(drop);
            if client.flaw == Flaw::Credulous { Ok(()) } else { called }
        })
    }

    pub async fn get(&self, api: &'static str, path: &str) -> Result<Value, Failure> {
        self.call(api, self.http.get(format!("{}{path}", self.cloud.as_str()))).await
    }

    pub async fn call(&self, api: &'static str, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.budget.take(&Key::new("", "", api)).await;
        let answer = self.answer(request).await.map_err(|(trouble, detail)| trouble.failure(api, api, &detail));
        answer.map_err(|mut failure| {
            match self.flaw {
                Flaw::Curt => failure.error.text = "no".to_owned(),
                Flaw::Impatient => failure.retry_after = None,
                _ => {}
            }
            self.skew.explain(failure)
        })
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, (Trouble, String)> {
        let response = request.send().await.map_err(|error| (broken(&error), String::new()))?;
        let headers = response.headers();
        if let Some(date) = headers.get("date").and_then(|date| date.to_str().ok()) {
            self.skew.note(date);
        }
        let wish =
            headers.get("retry-after").and_then(|wish| wish.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let status = response.status();
        let text = response.text().await.map_err(|_| (Trouble::Truncated, String::new()))?;
        let body: Value = serde_json::from_str(&text).map_err(|_| (Trouble::Truncated, String::new()))?;
        if status.is_success() {
            return Ok(body);
        }
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        let trouble = match code.as_str() {
            "ExpiredKey" => Trouble::Expired,
            "SignedTooEarly" => Trouble::Clock,
            _ => Trouble::of_status(status.as_u16(), wish),
        };
        Err((trouble, code))
    }
}

fn broken(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() { Trouble::Stalled } else { Trouble::Unreachable }
}

pub fn profile(slug: &str, speaker: Speaker) -> FeedProfile {
    FeedProfile {
        slug: slug.to_owned(),
        system: slug.replacen('-', ".", 1),
        speaker,
        address: "https://acme.example".to_owned(),
        vanishing: Vanishing::Nothing,
        covers: vec![ServiceClass::Compute],
        mapping_version: 1,
    }
}

/// An impact of so many machines; none where that is not known.
pub fn item(object_id: &str, broken: Option<u64>, stamp: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Item {
    let state = match broken {
        None => BlockState::Unknown,
        Some(0) => BlockState::Restored,
        Some(_) => BlockState::AffectedPartial,
    };
    let block = Block {
        provider: "acme".into(),
        service_class: ServiceClass::Compute,
        services: Vec::new(),
        regions: vec!["acme-1".into()],
        zones: Vec::new(),
        state,
        severity: Severity::NotStated,
        layer: Some(Layer::Guest),
        asset: None,
    };
    let digest = hex(&length_prefixed([object_id.to_owned(), format!("{broken:?}")]));
    let certainty = if broken.is_some() { Certainty::Observed } else { Certainty::Unknown };
    Item {
        object_id: object_id.to_owned(),
        native: Native {
            system: "acme.vm".into(),
            id: object_id.to_owned(),
            url: None,
            status: None,
            severity: None,
            category: None,
            mapping_version: 1,
            digest,
        },
        times: Times {
            published_at: stamp,
            occurred_at: None,
            occurred_end: None,
            fidelity: None,
            observed_at: now,
            confirmed_at: None,
        },
        refs: Vec::new(),
        certainty,
        tlp: None,
        body: Body::Impact(Impact {
            phase: if broken == Some(0) { Phase::Resolved } else { Phase::Investigating },
            blocks: vec![block],
            counts: broken.filter(|broken| *broken > 0).map(|broken| count(broken, now)).into_iter().collect(),
            ..incident("Machines do not answer".into())
        }),
        also: Vec::new(),
        refused: Vec::new(),
    }
}

fn count(value: u64, now: DateTime<Utc>) -> Count {
    Count {
        unit: Unit::Vm,
        quantity: Quantity::Remaining,
        value: Some(value),
        lo: Some(value),
        hi: Some(value),
        method: Method::ExactEnumeration,
        as_of: now,
        overlap_domain: None,
        population: None,
    }
}

struct Listing {
    profile: FeedProfile,
    client: Client,
    guest_signal: bool,
    cadence: Cadence,
    /// How many did not answer when last seen, and since when; none if nothing was ever wrong.
    last: Option<(Option<u64>, DateTime<Utc>)>,
    began: Option<DateTime<Utc>>,
    failed: bool,
}

fn machines(feed: &Feed<Machines>, client: Client, site: &Site) -> AccountFeed {
    let mut speaker = site.settings.speaker();
    if client.flaw == Flaw::Posing {
        "acme".clone_into(&mut speaker.org);
    }
    let (profile, signal, cadence) = (profile(&feed.slug, speaker), feed.own.guest_signal, feed.cadence);
    let open: Open = Arc::new(move || {
        let (profile, client) = (profile.clone(), client.clone());
        Ok(Box::new(Listing { profile, client, guest_signal: signal, cadence, last: None, began: None, failed: false }))
    });
    AccountFeed::new(&feed.slug, open)
}

impl Listing {
    async fn broken(&self) -> Result<Option<u64>, Failure> {
        let (mut page, mut broken) = (0, 0);
        loop {
            if self.client.flaw == Flaw::Meddling {
                self.client.get("acme.List", "/stop").await?;
            }
            let answer = self.client.get("acme.List", &format!("/machines?page={page}")).await?;
            let machines = answer["machines"].as_array().cloned().unwrap_or_default();
            broken += machines.iter().filter(|machine| machine["answers"] == false).count() as u64;
            match answer["next"].as_u64() {
                Some(next) => page = next,
                None => return Ok(self.guest_signal.then_some(broken)),
            }
        }
    }
}

impl Listing {
    /// The item as the flaw makes it.
    fn flawed(&mut self, mut item: Item, now: DateTime<Utc>) -> Item {
        let began = *self.began.get_or_insert(now);
        let since = match self.client.flaw {
            Flaw::Chatter => now,
            Flaw::Forgetful => began,
            _ => return self.worded(item),
        };
        item.native.digest = hex(&length_prefixed([since.to_rfc3339()]));
        item.times.published_at = Some(since);
        item
    }

    fn worded(&self, mut item: Item) -> Item {
        let Body::Impact(impact) = &mut item.body else { return item };
        match self.client.flaw {
            Flaw::Garrulous => impact.title = "fin-prod-0001 does not answer".to_owned(),
            Flaw::Blithe => {
                let nobody = Count { quantity: Quantity::Affected, ..count(0, item.times.observed_at) };
                impact.counts = vec![nobody];
            }
            _ => {}
        }
        item
    }
}

impl Ask for Listing {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            if self.client.flaw == Flaw::Sulky && self.failed {
                return Err(Failure::new("sulky", "it was refused once; it asks no more"));
            }
            let now = clock.now();
            let broken = match self.broken().await {
                Err(_) if self.client.flaw == Flaw::Hopeful && !std::mem::replace(&mut self.failed, true) => Some(0),
                Err(failure) => {
                    self.failed = true;
                    return Err(failure);
                }
                Ok(None) if self.client.flaw == Flaw::Blithe => Some(0),
                Ok(broken) => {
                    self.failed = false;
                    broken
                }
            };
            let fresh = self.last.is_none_or(|(last, _)| last != broken);
            if fresh && (self.last.is_some() || broken != Some(0) || self.client.flaw == Flaw::Blithe) {
                self.last = Some((broken, now));
            }
            let items = self.last.map(|(broken, since)| item("acme.vm:main/guest", broken, Some(since), now));
            let items: Vec<Item> = items.into_iter().map(|item| self.flawed(item, now)).collect();
            Ok(Told::Reading(Reading { items, ..Reading::default() }))
        })
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.cadence.pause(self.last.is_some_and(|(broken, _)| broken.is_some_and(|broken| broken > 0))))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.client.skew.offset_ms()
    }
}

/// Whoever calls shows the intake's token.
async fn hook(
    State((inbox, site)): State<(Inbox, Site)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let token = headers.get("x-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if !site.token.is(token) {
        return (StatusCode::UNAUTHORIZED, Json(json!({})));
    }
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let items =
        vec![item(&format!("acme.push:{}", site.secret.hide(&id)), body["broken"].as_u64(), None, site.clock.now())];
    let sender = Some(Sender { source: "acme".into(), id });
    match inbox.push(Parcel { sender, items }).await {
        Ok(receipt) => (StatusCode::OK, Json(json!({"receipt": format!("{receipt:?}")}))),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": error.to_string()}))),
    }
}
