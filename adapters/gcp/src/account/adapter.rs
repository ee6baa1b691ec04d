//! The adapter as a program: from its settings to its feeds, which share one identity and one fleet.

use std::sync::Arc;

use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::Ask;
use entente_sidecar::account::{AccountFeed, Adapter, DeviceSink, OpenError, Parts, Rate, Site, Tables};
use entente_sidecar::ask::Open;
use entente_sidecar::fleet::{Counter, Fleet, FleetProfile, Rules, known_approaches};
use futures::future::BoxFuture;
use google_cloud_auth::credentials::{self, anonymous};

use super::atlas::Atlas;
use super::clients::Identity;
use super::config::{self, ENDPOINTS, Feeds, Own};
use super::google::{Google, Means};
use super::psh::{Psh, Source};
use super::redact::Redact;
use super::{api, check, compute, operations, osconfig, psh};

/// The sidecar of Google Cloud.
#[derive(Clone, Copy, Debug)]
pub struct Gcp;

impl Adapter for Gcp {
    type Feeds = Feeds;

    const NAME: &'static str = "gcp";
    const PORT: u16 = 4832;
    const DEFAULTS: &'static str = include_str!("defaults.toml");
    const ENDPOINTS: &'static [&'static str] = ENDPOINTS;
    const RATES: &'static [Rate] = api::RATES;

    fn parse(tables: &mut Tables<'_>) -> Feeds {
        config::read(tables)
    }

    fn open(feeds: Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(std::future::ready(open(&feeds, &site)))
    }
}

fn open(feeds: &Feeds, site: &Site) -> Result<Parts, OpenError> {
    let identity = identity(&feeds.own)?;
    let means = Means { timeout: site.timeout, budget: site.budget.clone(), skew: site.skew.clone() };
    let google = Google::new(identity, feeds.endpoints.clone(), means);
    let fleet = fleet(feeds, site)?;
    let mut made = Vec::new();
    let atlas = Atlas::new(site.timeout);
    if let Some(feed) = &feeds.compute {
        let parts = compute::Parts {
            google: google.clone(),
            fleet: fleet.clone(),
            guest: feed.own.signals(),
            atlas: atlas.clone(),
            projects: feeds.own.projects.clone(),
            secret: site.secret.clone(),
            cadence: feed.cadence,
            speaker: site.settings.speaker(),
        };
        made.push(account_feed(&feed.slug, move || Box::new(compute::Feed::new(parts.clone()))));
    }
    if let Some(feed) = &feeds.operations {
        let parts = operations::Parts {
            google: google.clone(),
            fleet: fleet.clone(),
            atlas,
            lookback: feed.own.lookback(),
            cadence: feed.cadence,
            speaker: site.settings.speaker(),
            cursor: site.folder(operations::SLUG)?.join("told"),
        };
        made.push(account_feed(&feed.slug, move || Box::new(operations::Feed::new(parts.clone()))));
    }
    if let Some(feed) = &feeds.osconfig {
        let parts = osconfig::Parts {
            google: google.clone(),
            fleet: fleet.clone(),
            projects: feeds.own.projects.clone(),
            jobs: feed.own.jobs.clone(),
            lookback: feed.own.lookback(),
            cadence: feed.cadence,
            speaker: site.settings.speaker(),
            cursor: site.folder(osconfig::SLUG)?.join("told"),
        };
        made.push(account_feed(&feed.slug, move || Box::new(osconfig::Feed::new(parts.clone()))));
    }
    if let Some(feed) = &feeds.psh {
        made.push(account_feed(&feed.slug, health(feeds, site, &google, feed.cadence, feed.own.lookback())));
    }
    // What neighbours report of machines is said where the machines are; without that feed the intake says it.
    let devices: Arc<dyn DeviceSink> = if feeds.compute.is_some() { Arc::new(Counter(fleet)) } else { Arc::new(fleet) };
    Ok(Parts { feeds: made, checks: check::checks(feeds, &google), devices: Some(devices), ..Parts::default() })
}

fn account_feed(slug: &str, make: impl Fn() -> Box<dyn Ask> + Send + Sync + 'static) -> AccountFeed {
    let open: Open = Arc::new(move || Ok(make()));
    AccountFeed::new(slug, open)
}

fn health(
    feeds: &Feeds,
    site: &Site,
    google: &Google,
    cadence: entente_sidecar::account::Cadence,
    lookback: chrono::TimeDelta,
) -> impl Fn() -> Box<dyn Ask> + Send + Sync + 'static {
    let Own { projects, organization, .. } = &feeds.own;
    let sources: Vec<Source> = match organization.as_str() {
        "" => projects.iter().cloned().map(Source::Project).collect(),
        number => vec![Source::Organization(number.to_owned())],
    };
    let (words, services) = (Arc::new(psh::mapping()), Arc::new(crate::public::mapping()));
    let relay = site.settings.relay_of("gcp");
    let speaker = Speaker { org: "gcp".to_owned(), role: Role::Provider, channel: None, relay };
    let profile = psh::profile(speaker, &words, &services);
    let redact = Redact::new(projects.iter().map(String::as_str).chain([organization.as_str()]));
    let google = google.clone();
    move || {
        Box::new(Psh {
            profile: profile.clone(),
            words: Arc::clone(&words),
            services: Arc::clone(&services),
            google: google.clone(),
            sources: sources.clone(),
            lookback,
            redact: redact.clone(),
            cadence,
            known: Vec::new(),
            going_on: false,
        })
    }
}

/// What finds credentials; that it finds any now is seen before anything runs.
fn identity(own: &Own) -> Result<Identity, OpenError> {
    let (from, quota_project) = (own.credentials, own.quota_project.clone());
    let identity: Identity = Arc::new(move || {
        if from == config::Credentials::None {
            return Ok(anonymous::Builder::new().build());
        }
        let builder = credentials::Builder::default();
        if quota_project.is_empty() { builder } else { builder.with_quota_project_id(&quota_project) }.build()
    });
    identity().map_err(|error| {
        let what = "the credentials that Google's clients found cannot be used";
        OpenError(format!("{what}: {error}; mend the file that GOOGLE_APPLICATION_CREDENTIALS names, or remove it"))
    })?;
    Ok(identity)
}

fn fleet(feeds: &Feeds, site: &Site) -> Result<Fleet, OpenError> {
    let compute = feeds.compute.as_ref().map(|feed| &feed.own);
    let rules = compute.map_or_else(Rules::default, |compute| Rules {
        correlated_machines: compute.correlated_machines,
        together: compute.together(),
        ..Rules::default()
    });
    let approaches = known_approaches("gcp").map_err(|error| OpenError(error.to_string()))?;
    let profile = FleetProfile {
        provider: "gcp".to_owned(),
        system: compute::SYSTEM.to_owned(),
        fleet: site.settings.fleet.clone(),
        org: site.settings.org.clone(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("Google Compute Engine".to_owned()),
        device_class: "cloud_vm".to_owned(),
        guest_signal: compute.is_some_and(|compute| compute.signals().any()),
        approaches,
        rules,
    };
    Fleet::open(&site.folder("fleet")?, profile).map_err(|error| OpenError(error.to_string()))
}
