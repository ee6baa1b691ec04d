//! What is read at the address of a feed: a page that is asked for whole each time, or the advisories of a provider in CSAF,
//! of which only what is new is asked for. What a vendor has at an address is seen by asking it once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entente_sidecar::ask::Open;
use entente_sidecar::item::{FeedProfile, Normalize};
use entente_sidecar::{Address, public};
use entente_vendor::{Kind, Options};
use tokio::time::timeout;

use crate::feeds::{Chosen, Name};

/// How long an address is asked what it has.
const LOOK: Duration = Duration::from_secs(10);
/// The shortest pause between two looks at a provider's lists: advisories are no status page.
const ADVISORIES_EVERY: Duration = Duration::from_secs(600);

/// What is read at an address.
#[derive(Clone)]
pub enum Reads {
    /// An answer that holds all that there is.
    Page(Arc<dyn Normalize>),
    /// A provider's lists and documents in CSAF.
    Advisories(Box<FeedProfile>),
}

impl Reads {
    /// What a vendor has at an address, as far as the address says.
    pub fn of_vendor(vendor: &str, address: &str) -> Self {
        if entente_vendor::is_csaf(address) {
            Self::Advisories(Box::new(entente_vendor::csaf_profile(vendor, address)))
        } else {
            Self::Page(entente_vendor::feed(vendor, address))
        }
    }

    /// What does not change about the feed.
    pub fn profile(&self) -> &FeedProfile {
        match self {
            Self::Page(normalize) => normalize.profile(),
            Self::Advisories(profile) => profile,
        }
    }

    /// Whether it can be read at an address.
    ///
    /// # Errors
    /// If advisories are to be read from a file, or where anybody on the way could change them.
    pub fn fits(&self, address: &Address) -> Result<(), String> {
        match (self, address) {
            (Self::Page(_), _) => Ok(()),
            (Self::Advisories(_), Address::Url(url)) => entente_vendor::may_be_asked(url),
            (Self::Advisories(_), Address::File(_) | Address::Dir(_)) => {
                Err("advisories in CSAF are read from their provider; give the https address of its metadata"
                    .to_owned())
            }
        }
    }

    /// What is asked; `folder` keeps which advisories were read.
    pub fn open(&self, address: &Address, folder: &Path) -> Open {
        match self {
            Self::Page(normalize) => public(Arc::clone(normalize), address.clone()),
            Self::Advisories(profile) => {
                let file = folder.join("csaf").join(format!("{}.json", profile.slug));
                let options = Options { file: Some(file), ..Options::public() };
                entente_vendor::csaf(&profile.speaker.org, &profile.address, options)
            }
        }
    }

    /// The pause between two polls, where `every` is that of pages.
    pub fn every(&self, every: Duration) -> Duration {
        if matches!(self, Self::Advisories(_)) { every.max(ADVISORIES_EVERY) } else { every }
    }
}

/// Asks each address that somebody named for a vendor what it has, all at once. One that does not tell is read as its end
/// says.
pub async fn recognised(chosen: Vec<(Chosen, Address)>) -> Vec<(Chosen, Address)> {
    futures::future::join_all(chosen.into_iter().map(recognise)).await
}

async fn recognise((mut feed, address): (Chosen, Address)) -> (Chosen, Address) {
    if let (true, Name::Vendor(vendor), Address::Url(url)) = (feed.named, &feed.name, &address) {
        let kind = timeout(LOOK, entente_vendor::kind(url)).await.ok().flatten();
        let at = feed.address.as_str();
        feed.reads = match kind {
            Some(Kind::Csaf) => Reads::Advisories(Box::new(entente_vendor::csaf_profile(vendor, at))),
            Some(Kind::Statuspage) => Reads::Page(entente_vendor::statuspage(vendor, at)),
            Some(Kind::Rss) => Reads::Page(entente_vendor::rss(vendor, at)),
            None => feed.reads,
        };
    }
    (feed, address)
}
