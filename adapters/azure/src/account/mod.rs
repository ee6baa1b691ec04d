//! What makes the adapter a program: its settings, the feeds that it opens, and a check of each call that they make.

pub(crate) mod api;
pub(crate) mod beside;
mod checks;
pub(crate) mod covered;
pub(crate) mod lack;
mod opening;
pub(crate) mod settings;
pub(crate) mod subscriptions;

use entente_sidecar::account::{Adapter, OpenError, Parts, Rate, Site, Tables};
use futures::future::BoxFuture;

use opening::Opening;
use settings::Feeds;

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Azure;

impl Adapter for Azure {
    type Feeds = Feeds;

    const NAME: &'static str = "azure";
    const PORT: u16 = 4783;
    const DEFAULTS: &'static str = include_str!("defaults.toml");
    const ENDPOINTS: &'static [&'static str] = &["arm", "login"];
    const RATES: &'static [Rate] = api::RATES;

    fn parse(tables: &mut Tables<'_>) -> Feeds {
        settings::parse(tables)
    }

    fn open(feeds: Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(async move { Opening::begin(&feeds, site)?.parts(feeds) })
    }
}
