//! The feed `gcp-psh`: what Google says to whom it concerns, read from projects or once for a whole organisation. Events
//! stay listed after their end, so one that is missing says nothing.

mod event;
mod normalize;
mod relevance;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::Told;
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Vanishing};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::poll::Failure;
use entente_sidecar::reading::gather;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_servicehealth_v1::model::{EventView, OrganizationEventView, OrganizationImpact};

use super::api::{EVENTS, ORGANIZATION_EVENTS, ORGANIZATION_IMPACTS};
use super::asked::Asked;
use super::feed::{Feed, Read};
use super::google::Google;
use super::pages::Pages;
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

/// Personalized Service Health.
pub(crate) struct Psh {
    profile: FeedProfile,
    words: Mapping,
    services: Mapping,
    parts: Parts,
    /// What each source last told.
    known: Vec<Vec<event::Told>>,
    /// How many projects of the organisation each event hits, as was last told.
    hits: Hits,
    /// Whether an event is open.
    going_on: bool,
}

/// What the feed is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) google: Google,
    pub(crate) sources: Vec<Source>,
    pub(crate) lookback: TimeDelta,
    pub(crate) redact: Redact,
    pub(crate) cadence: Cadence,
    /// The provider, whose words these are.
    pub(crate) speaker: Speaker,
}

/// Projects that are hit, by event.
type Hits = BTreeMap<String, Projects>;

/// What a source told: its events, and where it tells that apart, how many projects each hits.
type Answer = (Vec<event::Told>, Option<Result<Hits, Failure>>);

/// The feed.
pub(crate) fn feed(parts: Parts) -> Feed<Psh> {
    let (words, services) = (mapping(), crate::public::mapping());
    let profile = FeedProfile {
        slug: SLUG.to_owned(),
        system: SYSTEM.to_owned(),
        speaker: Speaker { role: Role::Provider, channel: Some(CHANNEL.to_owned()), ..parts.speaker.clone() },
        address: CHANNEL.to_owned(),
        vanishing: Vanishing::Nothing,
        covers: services.classes(),
        mapping_version: words.version(),
    };
    let (google, cadence) = (parts.google.clone(), parts.cadence);
    let (known, hits) = (Vec::new(), Hits::new());
    Feed::new(Psh { profile, words, services, parts, known, hits, going_on: false }, google, cadence)
}

impl Read for Psh {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        self.look(clock).boxed()
    }

    fn is_hit(&self) -> bool {
        self.going_on
    }
}

impl Psh {
    async fn look(&mut self, clock: Clock) -> Result<Told, Failure> {
        let since = clock.now().checked_sub_signed(self.parts.lookback).unwrap_or(DateTime::UNIX_EPOCH);
        let asking: Vec<_> = self.parts.sources.iter().map(|source| self.events(source, since).boxed()).collect();
        let answers: Vec<_> = stream::iter(asking).buffered(AT_ONCE).collect().await;
        let (asked, events) = self.gathered(answers);
        let (words, services) = (Lookup::new(&self.words), Lookup::new(&self.services));
        let mut reader = Reader { words, services, redact: &self.parts.redact, observed: clock.now() };
        let mut reading = gather(events.values().map(|told| reader.item(told)));
        reading.unmapped = reader.words.into_unmapped();
        reading.unmapped.extend(reader.services.into_unmapped());
        self.going_on = reading.items.iter().filter_map(|item| item.impact()).any(|impact| impact.phase.is_open());
        asked.told(reading)
    }

    /// Every event that the sources tell of. Of a source that does not answer what it told last stands, lest its projects
    /// seem to be hit no more.
    fn gathered(&mut self, answers: Vec<Result<Answer, Failure>>) -> (Asked, BTreeMap<String, event::Told>) {
        let (mut asked, mut events) = (Asked::of("project or organisation"), BTreeMap::new());
        self.known.resize(answers.len(), Vec::new());
        for (answer, known) in answers.into_iter().zip(&mut self.known) {
            if let Some((told, hits)) = asked.note(answer) {
                *known = told;
                match hits {
                    Some(Ok(hits)) => self.hits = hits,
                    Some(Err(failure)) => asked.lack(vec![failure]),
                    None => {}
                }
            }
            for told in known.iter_mut() {
                self.hits.get(told.id()).into_iter().for_each(|hit| told.hits(hit.clone()));
                join(told, &mut events);
            }
        }
        (asked, events)
    }

    async fn events(&self, source: &Source, since: DateTime<Utc>) -> Result<Answer, Failure> {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let filter = format!("category=INCIDENT AND update_time>=\"{since}\"");
        match source {
            Source::Project(project) => Ok((self.project_events(project, filter).await?, None)),
            Source::Organization(number) => self.organization_events(number, filter).await,
        }
    }

    async fn project_events(&self, project: &str, filter: String) -> Result<Vec<event::Told>, Failure> {
        let client = self.parts.google.health(EVENTS).await?;
        let list = client.list_events().set_parent(format!("projects/{project}/locations/global")).set_filter(filter);
        let mut pages = list.set_page_size(PAGE).set_view(EventView::Full).by_page();
        let (mut told, mut turned) = (Vec::new(), Pages::of(EVENTS, PAGES_MAX));
        while let Some(page) = turned.turn((&self.parts.google, project), pages.next()).await? {
            told.extend(page.events.into_iter().map(event::Told::of_project));
        }
        Ok(told)
    }

    async fn organization_events(&self, number: &str, filter: String) -> Result<Answer, Failure> {
        let client = self.parts.google.health(ORGANIZATION_EVENTS).await?;
        let list = client.list_organization_events().set_filter(filter).set_page_size(PAGE);
        let list = list.set_parent(organization(number)).set_view(OrganizationEventView::Full);
        let mut pages = list.by_page();
        let (mut told, mut turned) = (Vec::new(), Pages::of(ORGANIZATION_EVENTS, PAGES_MAX));
        while let Some(page) = turned.turn((&self.parts.google, number), pages.next()).await? {
            told.extend(page.organization_events.into_iter().map(event::Told::of_organization));
        }
        let hit = if told.is_empty() { Ok(Hits::new()) } else { self.projects_hit(number).await };
        Ok((told, Some(hit)))
    }

    /// How many projects each event hits. Of more than can be read the number read is a lower bound.
    async fn projects_hit(&self, number: &str) -> Result<Hits, Failure> {
        let client = self.parts.google.health(ORGANIZATION_IMPACTS).await?;
        let list = client.list_organization_impacts().set_parent(organization(number)).set_page_size(PAGE);
        let mut pages = list.by_page();
        let mut hit: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let (mut more, mut turned) = (true, Pages::of(ORGANIZATION_IMPACTS, PAGES_MAX));
        for _ in 0..PAGES_MAX {
            let Some(page) = turned.turn((&self.parts.google, number), pages.next()).await? else {
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
    // Whatever else of an organisation may be hit is no project.
    let Some(asset) =
        impact.asset.filter(|asset| asset.asset_type.is_empty() || asset.asset_type.ends_with("/Project"))
    else {
        return;
    };
    for event in &impact.events {
        hit.entry(last_part(event)).or_default().insert(asset.asset_name.clone());
    }
}

pub(super) fn organization(number: &str) -> String {
    format!("organizations/{number}/locations/global")
}
