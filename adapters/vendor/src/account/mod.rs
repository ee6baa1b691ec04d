//! The vendor adapter as a program: feeds of any vendor by the settings, and devices counted through the intake.

mod careful;
mod settings;

use std::sync::Arc;

use entente_schemas::count::{Method, Unit};
use entente_sidecar::account::{AccountFeed, Adapter, Budget, Check, Key, OpenError, Parts, Rate, Site, Tables};
use entente_sidecar::ask::{Open, public};
use entente_sidecar::fleet::{Fleet, FleetProfile, Rules};
use entente_sidecar::poll::Failure;
use entente_sidecar::{Address, Ask as _, Normalize};
use futures::future::BoxFuture;

use crate::csaf::Options;
use crate::feeds;
use careful::{Careful, Manner, PERMISSION, in_words};
use settings::{Chosen, Reads};

pub use settings::Feeds;

/// The API of status pages and of RSS.
const PAGE: &str = "vendor.page";
/// The API of providers of CSAF.
const CSAF: &str = "vendor.csaf";

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vendor;

impl Adapter for Vendor {
    type Feeds = Feeds;

    const NAME: &'static str = "vendor";
    const PORT: u16 = 4786;
    const DEFAULTS: &'static str = include_str!("defaults.toml");
    const ENDPOINTS: &'static [&'static str] = &[];
    // Nobody publishes a rate for these. A page is asked four times a minute at most while something is going on; a
    // provider's documents are small files behind a cache.
    const RATES: &'static [Rate] = &[Rate { api: PAGE, per_minute: 20 }, Rate { api: CSAF, per_minute: 300 }];

    fn parse(tables: &mut Tables<'_>) -> Feeds {
        settings::parse(tables)
    }

    fn open(feeds: Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(async move {
            let mut parts = Parts { devices: Some(Arc::new(fleet(&feeds, &site)?)), ..Parts::default() };
            let folder = site.folder("csaf")?;
            for chosen in feeds.feeds {
                let options = options(&chosen, &site, folder.join(format!("{}.json", chosen.feed.slug)));
                parts.checks.push(check(&chosen, &site, &options));
                parts.feeds.push(AccountFeed::new(&chosen.feed.slug, open(&chosen, &site, options)));
            }
            Ok(parts)
        })
    }
}

/// The devices that neighbours report: those of the organisation itself.
fn fleet(feeds: &Feeds, site: &Site) -> Result<Fleet, OpenError> {
    let org = &site.settings.org;
    let profile = FleetProfile {
        provider: org.clone(),
        system: "vendor.intake".to_owned(),
        fleet: site.settings.fleet.clone(),
        org: org.clone(),
        unit: Unit::Device,
        method: Method::ExactEnumeration,
        service_class: feeds.counted.class,
        service: None,
        device_class: feeds.counted.devices.clone(),
        // Whoever reports a device looks at the device itself.
        guest_signal: true,
        approaches: Vec::new(),
        rules: Rules::default(),
    };
    let fleet = Fleet::open(&site.folder("devices")?, profile).map_err(|error| OpenError(error.to_string()))?;
    fleet.lost().iter().for_each(|lost| tracing::warn!("the count of devices: {lost}"));
    Ok(fleet)
}

fn options(chosen: &Chosen, site: &Site, file: std::path::PathBuf) -> Options {
    let reach = if let Reads::Csaf { reach, .. } = &chosen.feed.own { *reach } else { Options::public().reach };
    Options {
        open_to_all: false,
        reach,
        timeout: site.timeout,
        file: Some(file),
        budget: Some((site.budget.clone(), Key::new(&chosen.vendor, "", CSAF))),
    }
}

/// What is asked, with care.
fn open(chosen: &Chosen, site: &Site, options: Options) -> Open {
    let inner = inner(chosen, options);
    let manner = manner(chosen, site);
    Arc::new(move || Ok(Box::new(Careful::new(inner()?, manner.clone()))))
}

fn inner(chosen: &Chosen, options: Options) -> Open {
    let page = |normalize: Arc<dyn Normalize>, url: &url::Url| public(normalize, Address::Url(url.clone()));
    match &chosen.feed.own {
        Reads::Csaf { provider, .. } => feeds::csaf(&chosen.vendor, provider, options),
        Reads::Status(url) => page(feeds::statuspage(&chosen.vendor, url.as_str()), url),
        Reads::Rss(url) => page(feeds::rss(&chosen.vendor, url.as_str()), url),
    }
}

fn manner(chosen: &Chosen, site: &Site) -> Manner {
    let csaf = matches!(chosen.feed.own, Reads::Csaf { .. });
    let key = Key::new(&chosen.vendor, "", PAGE);
    let shared = |budget: &Budget| (budget.clone(), key);
    Manner {
        cadence: chosen.feed.cadence,
        relay: site.settings.relay_of(&chosen.vendor),
        api: if csaf { CSAF } else { PAGE },
        budget: (!csaf).then(|| shared(&site.budget)),
        timeout: (!csaf).then_some(site.timeout),
    }
}

/// Asks once for what the feed would ask first; nothing of it is said.
fn check(chosen: &Chosen, site: &Site, options: &Options) -> Check {
    let api = manner(chosen, site).api;
    let (open, manner) = (inner(chosen, Options { file: None, ..options.clone() }), manner(chosen, site));
    let (clock, skew) = (site.clock, site.skew.clone());
    Check::new(&chosen.feed.slug, api, PERMISSION, async move {
        let inner = open().map_err(|error| Failure::new("address", error.to_string()))?;
        let mut feed = Careful::new(inner, manner);
        let told = feed.ask(clock).await;
        if let Some(offset) = feed.clock_offset_ms() {
            skew.set(offset);
        }
        told.map(drop).map_err(|failure| in_words(failure, api))
    })
}
