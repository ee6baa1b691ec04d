//! What an adapter hands over to become a program: its settings, its feeds, and a check of each call that it makes.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use entente_journal::Clock;
use futures::future::BoxFuture;

use super::budget::Budget;
use super::devices::DeviceSink;
use super::inbox::{Inbox, InboxError};
use super::secret::Secret;
use super::settings::Settings;
use super::skew::Skew;
use super::tables::Tables;
use crate::ask::Open;
use crate::item::FeedProfile;
use crate::poll::Failure;

/// An adapter with an account. Everything fixed about it stands in constants; what its tables say is a type of its own.
pub trait Adapter: Send + Sync + 'static {
    /// What the adapter's tables in the settings say, once they are read without a mistake.
    type Feeds: Send + 'static;

    /// Its name, a slug: the program is `entente-<name>`, its intake's feed `<name>-intake`, its own table `[<name>]`.
    const NAME: &'static str;

    /// The port that it answers on unless told otherwise; another one for each adapter, so that all run on one machine.
    const PORT: u16;

    /// Its tables as a commented file: `[<name>]` if it has one, and every `[feeds.SLUG]` that it can read, commented out or
    /// with `enabled = false`, since a feed with a table is read.
    const DEFAULTS: &'static str;

    /// The names of APIs whose address can be set under `[endpoints]`.
    const ENDPOINTS: &'static [&'static str];

    /// How often each API is called at most, for each account and region.
    const RATES: &'static [Rate];

    /// Reads the tables. Mistakes are told to `tables`; what is returned is used only if there were none.
    fn parse(tables: &mut Tables<'_>) -> Self::Feeds;

    /// Makes the feeds, without waiting for any provider: a feed whose provider does not answer has a shown state, and the
    /// others go on.
    fn open(feeds: Self::Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>>;
}

/// How often one API is called at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The API's name, as in `acme.ListMachines`; equal in [`Key`](super::Key), in the settings and in checks.
    pub api: &'static str,
    /// Calls a minute for each account and region: a fifth of what the provider publishes.
    pub per_minute: u32,
}

/// What an adapter finds on its machine.
#[derive(Clone)]
pub struct Site {
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// The buckets that every call takes a token from.
    pub budget: Budget,
    /// The clock that everything is stamped with.
    pub clock: Clock,
    /// Hides native ids that must not be told: `site.secret.hide(id)`.
    pub secret: Secret,
    /// This machine's clock beside the provider's: every client of the adapter notes the `Date` headers of its answers here.
    pub skew: Skew,
    /// The intake's token, for routes of the adapter's own.
    pub token: Secret,
    /// How long one call may take.
    pub timeout: Duration,
    pub(super) state: PathBuf,
}

impl Site {
    /// A folder of the data folder for what a part of the adapter keeps, such as the fleet's ledger. It is made.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, OpenError> {
        let folder = self.settings.data.join(name);
        std::fs::create_dir_all(&folder).map_err(|error| {
            OpenError(format!("the folder {} cannot be made: {error}; mend its permissions", folder.display()))
        })?;
        Ok(folder)
    }

    /// An inbox and the feed that reads it, for what a provider sends by itself: a webhook that pushes into it answers only
    /// once what it brought is on disk.
    ///
    /// # Errors
    /// If what was taken before cannot be read.
    pub fn inbox(&self, profile: FeedProfile) -> Result<(Inbox, AccountFeed), OpenError> {
        let slug = profile.slug.clone();
        let inbox = Inbox::open(&self.state, profile).map_err(|error: InboxError| OpenError(error.to_string()))?;
        let feed = AccountFeed::waiting(&slug, inbox.feed(None));
        Ok((inbox, feed))
    }
}

/// What an adapter is made of.
#[derive(Default)]
pub struct Parts {
    /// The feeds.
    pub feeds: Vec<AccountFeed>,
    /// One check for each call that the feeds make.
    pub checks: Vec<Check>,
    /// Routes of the adapter's own, below `/hooks/`. Foreign names are refused and bodies capped before they are reached;
    /// who calls is theirs to check, with [`Site::token`].
    pub routes: Router,
    /// Where neighbours' reports of devices are counted, if the adapter counts that fleet itself. Without it they are counted
    /// in a fleet of the organisation's own devices, which the intake's feed tells of.
    pub devices: Option<Arc<dyn DeviceSink>>,
}

/// A feed of an account.
#[derive(Clone)]
pub struct AccountFeed {
    /// Its slug, which has a table in the settings.
    pub slug: String,
    /// Makes what is asked.
    pub open: Open,
    /// The pause after which it is asked again; none: the settings' own. A feed that waits to be called asks again soon after
    /// nothing could be taken.
    pub every: Option<Duration>,
}

impl AccountFeed {
    /// A feed that is asked as often as the settings say.
    #[must_use]
    pub fn new(slug: &str, open: Open) -> Self {
        Self { slug: slug.to_owned(), open, every: None }
    }

    /// A feed that waits to be called.
    pub(super) fn waiting(slug: &str, open: Open) -> Self {
        Self { every: Some(Duration::from_secs(1)), ..Self::new(slug, open) }
    }
}

/// One call, made once to see whether it is permitted.
pub struct Check {
    /// The feed that needs it.
    pub feed: String,
    /// The API.
    pub api: String,
    /// The permission, as the provider names it.
    pub permission: String,
    /// Makes the call, as small as it can be.
    pub call: BoxFuture<'static, Result<(), Failure>>,
}

impl Check {
    /// The check of a call.
    #[must_use]
    pub fn new(
        feed: &str,
        api: &str,
        permission: &str,
        call: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Self {
        let (feed, api, permission) = (feed.to_owned(), api.to_owned(), permission.to_owned());
        Self { feed, api, permission, call: Box::pin(call) }
    }
}

/// Why an adapter cannot begin, with the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);
