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
use super::psh::Source;
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
    let opening = Opening { feeds, site, google: &google, fleet: &fleet, atlas: Atlas::new(site.timeout) };
    let made = [opening.compute()?, opening.operations()?, opening.osconfig()?, opening.psh()];
    // What neighbours report of machines is said where the machines are; without that feed the intake says it.
    let devices: Arc<dyn DeviceSink> = if feeds.compute.is_some() { Arc::new(Counter(fleet)) } else { Arc::new(fleet) };
    let checks = check::checks(feeds, &google);
    Ok(Parts { feeds: made.into_iter().flatten().collect(), checks, devices: Some(devices), ..Parts::default() })
}

/// What the feeds are made of; each is made if the settings have its table.
struct Opening<'a> {
    feeds: &'a Feeds,
    site: &'a Site,
    google: &'a Google,
    fleet: &'a Fleet,
    atlas: Atlas,
}

impl Opening<'_> {
    fn compute(&self) -> Result<Option<AccountFeed>, OpenError> {
        let Some(feed) = &self.feeds.compute else { return Ok(None) };
        let parts = compute::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            guest: feed.own.signals(),
            atlas: self.atlas.clone(),
            projects: self.feeds.own.projects.clone(),
            secret: self.site.secret.clone(),
            cadence: feed.cadence,
            speaker: self.site.settings.speaker(),
            symptoms: self.site.folder(compute::SLUG)?.join("symptoms"),
        };
        Ok(Some(account_feed(&feed.slug, move || Box::new(compute::feed(parts.clone())))))
    }

    fn operations(&self) -> Result<Option<AccountFeed>, OpenError> {
        let Some(feed) = &self.feeds.operations else { return Ok(None) };
        let parts = operations::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            atlas: self.atlas.clone(),
            lookback: feed.own.lookback(),
            cadence: feed.cadence,
            speaker: self.site.settings.speaker(),
            cursor: self.site.folder(operations::SLUG)?.join("told"),
        };
        Ok(Some(account_feed(&feed.slug, move || Box::new(operations::feed(parts.clone())))))
    }

    fn osconfig(&self) -> Result<Option<AccountFeed>, OpenError> {
        let Some(feed) = &self.feeds.osconfig else { return Ok(None) };
        let parts = osconfig::Parts {
            google: self.google.clone(),
            fleet: self.fleet.clone(),
            projects: self.feeds.own.projects.clone(),
            jobs: feed.own.jobs.clone(),
            lookback: feed.own.lookback(),
            cadence: feed.cadence,
            speaker: self.site.settings.speaker(),
            told: self.site.folder(osconfig::SLUG)?.join("told"),
        };
        Ok(Some(account_feed(&feed.slug, move || Box::new(osconfig::feed(parts.clone())))))
    }

    fn psh(&self) -> Option<AccountFeed> {
        let feed = self.feeds.psh.as_ref()?;
        let Own { projects, organization, .. } = &self.feeds.own;
        let sources = match organization.as_str() {
            "" => projects.iter().cloned().map(Source::Project).collect(),
            number => vec![Source::Organization(number.to_owned())],
        };
        let relay = self.site.settings.relay_of("gcp");
        let parts = psh::Parts {
            google: self.google.clone(),
            sources,
            lookback: feed.own.lookback(),
            redact: Redact::new(projects.iter().map(String::as_str).chain([organization.as_str()])),
            cadence: feed.cadence,
            speaker: Speaker { org: "gcp".to_owned(), role: Role::Provider, channel: None, relay },
        };
        Some(account_feed(&feed.slug, move || Box::new(psh::feed(parts.clone()))))
    }
}

fn account_feed(slug: &str, make: impl Fn() -> Box<dyn Ask> + Send + Sync + 'static) -> AccountFeed {
    let open: Open = Arc::new(move || Ok(make()));
    AccountFeed::new(slug, open)
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
