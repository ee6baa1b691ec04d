//! The feed `gcp-psh`: what Google says to whom it concerns, read from projects or once for a whole organisation. Events
//! stay listed after their end, so one that is missing says nothing.

mod event;
mod normalize;
mod relevance;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Vanishing};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::poll::Failure;
use entente_sidecar::reading::gather;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_servicehealth_v1::model::{EventView, OrganizationEventView, OrganizationImpact};

use super::api::{EVENTS, ORGANIZATION_EVENTS, ORGANIZATION_IMPACTS};
use super::asked::Asked;
use super::google::Google;
use super::redact::Redact;
pub(crate) use event::last_part;
use normalize::Reader;
use relevance::Projects;

/// The native system.
pub(crate) const SYSTEM: &str = "gcp.psh";
pub(crate) const SLUG: &str = "gcp-psh";
const CHANNEL: &str = "https://servicehealth.googleapis.com";

/// Elements of a page; the service gives ten unless told.
const PAGE: i32 = 100;
/// Places that are asked beside each other.
const AT_ONCE: usize = 8;
/// Pages of one list that are read.
const PAGES_MAX: usize = 100;

/// The words of this service.
pub(crate) fn mapping() -> Mapping {
    Mapping::compiled_in(include_str!("../../mapping/psh.toml"))
}

/// Whose events are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The id of a project.
    Project(String),
    /// The number of an organisation.
    Organization(String),
}

/// The feed.
pub(crate) struct Psh {
    pub(crate) profile: FeedProfile,
    pub(crate) words: Arc<Mapping>,
    pub(crate) services: Arc<Mapping>,
    pub(crate) google: Google,
    pub(crate) sources: Vec<Source>,
    pub(crate) lookback: TimeDelta,
    pub(crate) redact: Redact,
    pub(crate) cadence: Cadence,
    /// What each source last told.
    pub(crate) known: Vec<Vec<event::Told>>,
    /// Whether an event is open.
    pub(crate) going_on: bool,
}

/// What does not change about the feed.
pub(crate) fn profile(speaker: Speaker, words: &Mapping, services: &Mapping) -> FeedProfile {
    FeedProfile {
        slug: SLUG.to_owned(),
        system: SYSTEM.to_owned(),
        speaker: Speaker { role: Role::Provider, channel: Some(CHANNEL.to_owned()), ..speaker },
        address: CHANNEL.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: services.classes(),
        mapping_version: words.version(),
    }
}

impl Ask for Psh {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        CHANNEL.to_owned()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            let google = self.google.clone();
            tokio::join!(self.read(clock), google.look_at_clock()).0
        })
    }

    fn pause(&self) -> Option<std::time::Duration> {
        Some(self.cadence.pause(self.going_on))
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.google.skew().offset_ms()
    }
}

impl Psh {
    async fn read(&mut self, clock: Clock) -> Result<Told, Failure> {
        let since = clock.now().checked_sub_signed(self.lookback).unwrap_or(DateTime::UNIX_EPOCH);
        let mut asked = Asked::of("project or organisation");
        let mut events: BTreeMap<String, event::Told> = BTreeMap::new();
        let asking: Vec<_> = self.sources.iter().map(|source| self.events(source, since).boxed()).collect();
        let answers: Vec<_> = stream::iter(asking).buffered(AT_ONCE).collect().await;
        self.known.resize(answers.len(), Vec::new());
        for (answer, known) in answers.into_iter().zip(&mut self.known) {
            // Of a place that does not answer what it told last stands, lest its projects seem to be hit no more.
            if let Some(told) = asked.note(answer) {
                *known = told;
            }
            known.iter().for_each(|told| join(told, &mut events));
        }
        let (words, services) = (Lookup::new(&self.words), Lookup::new(&self.services));
        let mut reader = Reader { words, services, redact: &self.redact, observed: clock.now() };
        let mut reading = gather(events.values().map(|told| reader.item(told)));
        reading.unmapped = reader.words.into_unmapped();
        reading.unmapped.extend(reader.services.into_unmapped());
        self.going_on = reading.items.iter().filter_map(|item| item.impact()).any(|impact| impact.phase.is_open());
        asked.told(reading)
    }

    async fn events(&self, source: &Source, since: DateTime<Utc>) -> Result<Vec<event::Told>, Failure> {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let filter = format!("category=INCIDENT AND update_time>=\"{since}\"");
        match source {
            Source::Project(project) => self.project_events(project, filter).await,
            Source::Organization(number) => self.organization_events(number, filter).await,
        }
    }

    async fn project_events(&self, project: &str, filter: String) -> Result<Vec<event::Told>, Failure> {
        let client = self.google.health(EVENTS).await?;
        let list = client.list_events().set_parent(format!("projects/{project}/locations/global")).set_filter(filter);
        let mut pages = list.set_page_size(PAGE).set_view(EventView::Full).by_page();
        let mut told = Vec::new();
        for _ in 0..PAGES_MAX {
            let next = async { pages.next().await.transpose() };
            let Some(page) = self.google.call(EVENTS, project, next).await? else { return Ok(told) };
            told.extend(page.events.into_iter().map(event::Told::of_project));
        }
        Err(endless(EVENTS.name))
    }

    async fn organization_events(&self, number: &str, filter: String) -> Result<Vec<event::Told>, Failure> {
        let client = self.google.health(ORGANIZATION_EVENTS).await?;
        let list = client.list_organization_events().set_filter(filter).set_page_size(PAGE);
        let list = list.set_parent(organization(number)).set_view(OrganizationEventView::Full);
        let mut pages = list.by_page();
        let mut told: Vec<event::Told> = Vec::new();
        for _ in 0..PAGES_MAX {
            let next = async { pages.next().await.transpose() };
            let Some(page) = self.google.call(ORGANIZATION_EVENTS, number, next).await? else {
                let hit = if told.is_empty() { BTreeMap::new() } else { self.projects_hit(number).await? };
                told.iter_mut()
                    .for_each(|event| hit.get(event.id()).into_iter().for_each(|hit| event.hits(hit.clone())));
                return Ok(told);
            };
            told.extend(page.organization_events.into_iter().map(event::Told::of_organization));
        }
        Err(endless(ORGANIZATION_EVENTS.name))
    }

    /// How many projects each event hits. Of more than can be read the number read is a lower bound.
    async fn projects_hit(&self, number: &str) -> Result<BTreeMap<String, Projects>, Failure> {
        let client = self.google.health(ORGANIZATION_IMPACTS).await?;
        let list = client.list_organization_impacts().set_parent(organization(number)).set_page_size(PAGE);
        let mut pages = list.by_page();
        let mut hit: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut more = true;
        for _ in 0..PAGES_MAX {
            let next = async { pages.next().await.transpose() };
            let Some(page) = self.google.call(ORGANIZATION_IMPACTS, number, next).await? else {
                more = false;
                break;
            };
            page.organization_impacts.into_iter().for_each(|impact| note(impact, &mut hit));
        }
        Ok(hit.into_iter().map(|(event, projects)| (event, Projects::hit(projects.len() as u64, more))).collect())
    }
}

fn join(told: &event::Told, events: &mut BTreeMap<String, event::Told>) {
    match events.get_mut(told.id()) {
        Some(known) => known.join(told.clone()),
        None => {
            events.insert(told.id().to_owned(), told.clone());
        }
    }
}

fn note(impact: OrganizationImpact, hit: &mut BTreeMap<String, BTreeSet<String>>) {
    let Some(asset) = impact.asset else { return };
    for event in &impact.events {
        hit.entry(last_part(event)).or_default().insert(asset.asset_name.clone());
    }
}

pub(super) fn organization(number: &str) -> String {
    format!("organizations/{number}/locations/global")
}

fn endless(api: &str) -> Failure {
    let text = format!("{api}: the list has over {PAGES_MAX} pages; look at a shorter time back (`lookback_days`)");
    Failure::new("too-many", text)
}
