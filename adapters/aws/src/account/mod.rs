//! The feeds of an account: checks of machines, Health by its API or by a queue, repairs by Systems Manager. All of them only
//! read; what the queue is told to delete was put there for this adapter.

mod api;
mod call;
mod check;
mod client;
mod config;
mod ec2;
mod events;
mod health;
mod machine;
mod patience;
mod profile;
mod regions;
mod round;
mod scrub;
mod share;
mod ssm;
mod strangers;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod trouble;
mod whole;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_sidecar::Ask;
use entente_sidecar::account::{AccountFeed, Adapter, DeviceSink, Feed, OpenError, Parts, Rate, Site, Tables};
use entente_sidecar::fleet::{Counter, Fleet, FleetProfile, KnownApproach, Rules, known_approaches};
use entente_sidecar::mapping::Mapping;
use futures::future::BoxFuture;

use call::Caller;
use client::{Clients, Making};
pub use config::Config;
use config::{Ec2, Events, Health, Ssm, delta};
use ec2::{Ec2Ask, Planner};
use events::EventsAsk;
use health::HealthAsk;
use regions::Regions;
use share::{Part, Share};
use ssm::SsmAsk;

/// The longest that a call waits at a queue.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aws;

impl Adapter for Aws {
    type Feeds = Config;

    const NAME: &'static str = "aws";
    const PORT: u16 = 7071;
    const DEFAULTS: &'static str = include_str!("defaults.toml");
    const ENDPOINTS: &'static [&'static str] = config::ENDPOINTS;
    const RATES: &'static [Rate] = api::RATES;

    fn parse(tables: &mut Tables<'_>) -> Config {
        Config::read(tables)
    }

    fn open(config: Config, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(async move { Opening::new(config, site)?.parts() })
    }
}

/// What the feeds are made of.
struct Opening {
    config: Config,
    site: Site,
    caller: Caller,
    mapping: Mapping,
    fleet: Fleet,
}

impl Opening {
    fn new(config: Config, site: Site) -> Result<Self, OpenError> {
        let caller = Caller::new(Arc::new(Clients::new(making(&config, &site))), site.budget.clone());
        let mapping = Mapping::compiled_in(include_str!("../../mapping.toml"));
        let fleet = Fleet::open(&site.folder("fleet")?, fleet_profile(&config, &site)?);
        let fleet = fleet.map_err(|error| OpenError(error.to_string()))?;
        Ok(Self { config, site, caller, mapping, fleet })
    }

    fn parts(self) -> Result<Parts, OpenError> {
        let mut parts = Parts { devices: Some(self.devices()), ..Parts::default() };
        if let Some(feed) = &self.config.ec2 {
            parts.feeds.push(self.ec2(feed)?);
            parts.checks.extend(check::ec2(&self.caller, &feed.own.regions));
        }
        if let Some(feed) = &self.config.ssm {
            parts.feeds.push(self.ssm(feed)?);
            parts.checks.extend(check::ssm(&self.caller, &feed.own.regions));
        }
        if let Some(feed) = &self.config.health {
            parts.feeds.push(self.health(feed));
            parts.checks.extend(check::health(&self.caller, feed));
        }
        if let Some(feed) = &self.config.events {
            parts.feeds.push(self.events(feed));
            parts.checks.extend(check::events(&self.caller, feed));
        }
        Ok(parts)
    }

    /// What neighbours report of machines is said by the feed that says the fleet's impacts, else by the intake itself.
    fn devices(&self) -> Arc<dyn DeviceSink> {
        if self.config.ec2.is_some() || self.config.ssm.is_some() {
            Arc::new(Counter(self.fleet.clone()))
        } else {
            Arc::new(self.fleet.clone())
        }
    }

    /// These regions, or those that the account has enabled.
    fn regions(&self, given: &[String]) -> Result<Regions, OpenError> {
        let file = self.site.folder("regions")?.join("enabled");
        Ok(Regions::new(self.caller.clone(), given.to_vec(), file))
    }

    fn ec2(&self, feed: &Feed<Ec2>) -> Result<AccountFeed, OpenError> {
        let profile = profile::own(&self.site.settings, &feed.slug, ec2::SYSTEM, profile::EC2, &self.mapping);
        let regions = self.regions(&feed.own.regions)?;
        let (caller, cadence) = (self.caller.clone(), feed.cadence);
        let share = Share::new(self.fleet.clone(), Part::AllBut(self.config.ssm.as_ref().map(|_| ssm::SYSTEM)));
        let (sweep_every, mapping, fleet) =
            (delta(feed.own.sweep), self.mapping.clone(), self.site.settings.fleet.clone());
        let planned = self.site.folder(&feed.slug)?.join("planned");
        let told = feed.own.scheduled;
        let open = move || {
            let planner = told.then(|| Planner::new(mapping.clone(), fleet.clone(), planned.clone()));
            let (profile, caller) = (profile.clone(), caller.clone());
            Ec2Ask::new(profile, caller, regions.clone(), share.clone(), cadence, sweep_every, planner)
        };
        Ok(account_feed(&feed.slug, open))
    }

    fn ssm(&self, feed: &Feed<Ssm>) -> Result<AccountFeed, OpenError> {
        let profile = profile::own(&self.site.settings, &feed.slug, ssm::SYSTEM, profile::SSM, &self.mapping);
        let regions = self.regions(&feed.own.regions)?;
        let note = self.site.folder(&feed.slug)?.join("told-until");
        let common = ssm::Common {
            caller: self.caller.clone(),
            fleet: self.fleet.clone(),
            documents: feed.own.all(),
            lookback: delta(feed.own.lookback),
        };
        let part = if self.config.ec2.is_some() { Part::Runs(ssm::SYSTEM) } else { Part::AllBut(None) };
        let (share, cadence) = (Share::new(self.fleet.clone(), part), feed.cadence);
        let open =
            move || SsmAsk::new(profile.clone(), regions.clone(), common.clone(), share.clone(), cadence, note.clone());
        Ok(account_feed(&feed.slug, open))
    }

    fn health(&self, feed: &Feed<Health>) -> AccountFeed {
        let profile =
            profile::provider(&self.site.settings, &feed.slug, health::SYSTEM, profile::HEALTH, &self.mapping);
        let manner = health::Manner {
            cadence: feed.cadence,
            lookback: TimeDelta::days(feed.own.lookback_days.into()),
            scheduled: feed.own.scheduled,
            notifications: feed.own.notifications,
        };
        let (caller, secret, mapping) = (self.caller.clone(), self.site.secret.clone(), self.mapping.clone());
        let (regions, organisation) = (feed.own.regions.clone(), feed.own.organisation);
        let open = move || HealthAsk {
            profile: profile.clone(),
            mapping: mapping.clone(),
            source: health::Source::new(caller.clone(), regions.clone(), organisation),
            secret: secret.clone(),
            manner: manner.clone(),
            progress: health::Progress::default(),
        };
        account_feed(&feed.slug, open)
    }

    fn events(&self, feed: &Feed<Events>) -> AccountFeed {
        let profile =
            profile::provider(&self.site.settings, &feed.slug, health::SYSTEM, profile::EVENTS, &self.mapping);
        let manner = events::Manner {
            cadence: feed.cadence,
            queue_url: feed.own.queue_url.clone(),
            region: feed.own.region().unwrap_or_else(|| self.config.own.home_region.clone()),
            sources: feed.own.sources.clone(),
            // A call that waits must be over before it counts as stalled.
            wait: (self.site.timeout / 2).min(WAIT_MAX),
            scheduled: feed.own.scheduled,
            notifications: feed.own.notifications,
        };
        let (caller, secret, mapping) = (self.caller.clone(), self.site.secret.clone(), self.mapping.clone());
        let open =
            move || EventsAsk::new(profile.clone(), mapping.clone(), caller.clone(), secret.clone(), manner.clone());
        account_feed(&feed.slug, open)
    }
}

/// A feed whose pace is its own: its settings hold how often it is asked.
fn account_feed<A: Ask + 'static>(slug: &str, open: impl Fn() -> A + Send + Sync + 'static) -> AccountFeed {
    AccountFeed { slug: slug.to_owned(), open: Arc::new(move || Ok(Box::new(open()))), every: None }
}

fn making(config: &Config, site: &Site) -> Making {
    let file = |path: &PathBuf| Some(path.clone()).filter(|path| !path.as_os_str().is_empty());
    Making {
        home: config.own.home_region.clone(),
        profile: Some(config.own.profile.clone()).filter(|name| !name.is_empty()),
        config_file: file(&config.own.config_file),
        credentials_file: file(&config.own.credentials_file),
        endpoints: config.endpoints.clone(),
        timeout: site.timeout,
        attempts: config.own.attempts,
        skew: site.skew.clone(),
    }
}

/// The fleet that checks and repairs are counted in. AWS shows from outside whether a guest answers, so there is a signal
/// wherever checks are read.
fn fleet_profile(config: &Config, site: &Site) -> Result<FleetProfile, OpenError> {
    let rules = config.ec2.as_ref().map_or_else(Rules::default, |feed| Rules {
        correlated_machines: feed.own.correlated_machines,
        together: delta(feed.own.together),
        ..Rules::default()
    });
    Ok(FleetProfile {
        provider: Aws::NAME.to_owned(),
        system: ec2::SYSTEM.to_owned(),
        fleet: site.settings.fleet.clone(),
        org: site.settings.org.clone(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("EC2".to_owned()),
        device_class: "cloud_vm".to_owned(),
        guest_signal: config.ec2.is_some(),
        approaches: approaches(config)?,
        rules,
    })
}

/// Those that every fleet knows, and those that the settings describe.
fn approaches(config: &Config) -> Result<Vec<KnownApproach>, OpenError> {
    let known = known_approaches(Aws::NAME);
    let mut known = known.map_err(|error| OpenError(format!("the table of approaches cannot be read: {error}")))?;
    let mut slugs: BTreeSet<String> = known.iter().map(|approach| approach.slug.clone()).collect();
    for document in config.ssm.iter().flat_map(|feed| feed.own.all()) {
        let described = document.described(ssm::SYSTEM).filter(|approach| slugs.insert(approach.slug.clone()));
        known.extend(described);
    }
    Ok(known)
}
