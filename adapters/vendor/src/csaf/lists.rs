//! A provider's lists, and what each named when it was last read: asked for only if it changed.

use chrono::{DateTime, Utc};
use entente_sidecar::decode::ANSWER_MAX;
use entente_sidecar::fetch::Validators;
use entente_sidecar::item::Refusal;
use entente_sidecar::poll::Failure;
use url::Url;

use super::discovery::{Found, Home};
use super::hosts::{HostError, Hosts};
use super::listing::{Listed, Listing, Reader};
use super::metadata::{Kind, Source, provider};
use super::table::table;
use super::web::{Got, Web, is_closed};

/// The lists of one provider.
#[derive(Debug)]
pub(crate) struct Lists {
    home: Home,
    /// Whether everybody may read what is said.
    open_to_all: bool,
    known: Validators,
    shelves: Vec<Shelved>,
}

#[derive(Debug)]
struct Shelved {
    source: Source,
    known: Validators,
    listed: Vec<Listed>,
}

/// What looking at the lists told.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) refused: Vec<Refusal>,
    /// The first list that did not answer; the others were looked at.
    pub(crate) failure: Option<Failure>,
    /// Whether another did.
    pub(crate) answered: bool,
}

impl Lists {
    pub(crate) fn new(home: Url, open_to_all: bool) -> Self {
        Self { home: Home::new(home), open_to_all, known: Validators::default(), shelves: Vec::new() }
    }

    /// Asks for all of it next time, whether it changed or not.
    pub(crate) fn forget(&mut self) {
        self.known = Validators::default();
        self.shelves.iter_mut().for_each(|shelved| shelved.known = Validators::default());
    }

    /// The documents that the lists name.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.shelves.iter().flat_map(|shelved| shelved.listed.iter())
    }

    /// The marking of the first list that names a document.
    pub(crate) fn label(&self, url: &Url) -> Option<&str> {
        let shelved = self.shelves.iter().find(|shelved| shelved.listed.iter().any(|listed| listed.url == *url))?;
        shelved.source.label.as_deref()
    }

    /// Looks at the provider's metadata and at its lists.
    ///
    /// # Errors
    /// If the metadata do not answer or are none, or the provider asks us to stay away.
    pub(crate) async fn look(
        &mut self,
        web: &mut Web,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Looked, Failure> {
        let mut looked = Looked::default();
        self.metadata(web, &mut looked).await?;
        let (open_to_all, hosts) = (self.open_to_all, web.hosts());
        for shelved in &mut self.shelves {
            if let Some(refusal) = closed(&shelved.source, open_to_all) {
                looked.refused.push(refusal);
                continue;
            }
            match shelved.look(web, &hosts, since, now).await {
                Ok(refused) => {
                    looked.refused.extend(refused);
                    looked.answered = true;
                }
                Err(failure) if failure.retry_after.is_some() => return Err(failure),
                Err(failure) if is_closed(&failure) && !shelved.source.is_open() => {
                    looked.refused.push(locked(&shelved.source, &failure));
                }
                Err(failure) => looked.failure = looked.failure.or(Some(failure)),
            }
        }
        Ok(looked)
    }

    async fn metadata(&mut self, web: &mut Web, looked: &mut Looked) -> Result<(), Failure> {
        let Found::Whole(body, known, at) = self.home.ask(web, &self.known).await? else { return Ok(()) };
        let foreign = |error: HostError| Failure::new("foreign-host", error.to_string());
        let mut hosts = Hosts::of(self.home.given()).map_err(foreign)?;
        hosts.name(&at).map_err(foreign)?;
        let read = provider(&body, &at, &mut hosts);
        let provider = read.map_err(|refusal| Failure::refused("unreadable", refusal))?;
        web.know(hosts);
        looked.refused.extend(provider.refused);
        let mut before = std::mem::take(&mut self.shelves);
        self.shelves = provider.sources.into_iter().map(|source| Shelved::again(source, &mut before)).collect();
        self.known = known;
        Ok(())
    }
}

impl Shelved {
    /// A list, with what is known of it from before.
    fn again(source: Source, before: &mut Vec<Self>) -> Self {
        match before.iter().position(|shelved| shelved.source == source) {
            Some(place) => before.swap_remove(place),
            None => Self { source, known: Validators::default(), listed: Vec::new() },
        }
    }

    async fn look(
        &mut self,
        web: &mut Web,
        hosts: &Hosts,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Refusal>, Failure> {
        let base = self.source.url.clone();
        let reader = Reader { base: &base, hosts, since, observed: now };
        let read = match self.source.kind {
            Kind::Rolie => match web.get(&base, &self.known, ANSWER_MAX).await? {
                Got::Absent => return Err(absent("feed stands where the provider's metadata say")),
                got => self.read(got, |body| reader.rolie(body))?,
            },
            Kind::Directory => match web.get(&within(&base, "changes.csv")?, &self.known, ANSWER_MAX).await {
                Ok(Got::Absent) => {
                    self.index(web, &reader, absent("changes.csv or index.txt stands in the provider's folder")).await?
                }
                Err(failure) if is_closed(&failure) => self.index(web, &reader, failure).await?,
                got => self.read(got?, |body| reader.changes(body))?,
            },
        };
        Ok(read)
    }

    /// Reads a folder's list without times; where there is none, that is why.
    async fn index(&mut self, web: &mut Web, reader: &Reader<'_>, none: Failure) -> Result<Vec<Refusal>, Failure> {
        match web.get(&within(reader.base, "index.txt")?, &self.known, ANSWER_MAX).await {
            Ok(Got::Absent) => Err(none),
            Err(failure) if is_closed(&failure) => Err(none),
            got => self.read(got?, |body| reader.index(body)),
        }
    }

    fn read(
        &mut self,
        got: Got,
        read: impl FnOnce(&[u8]) -> Result<Listing, Refusal>,
    ) -> Result<Vec<Refusal>, Failure> {
        match got {
            Got::Whole(body, known) => {
                let listing = read(&body).map_err(|refusal| Failure::refused("unreadable", refusal))?;
                (self.listed, self.known) = (listing.listed, known);
                Ok(listing.refused)
            }
            Got::Unchanged => Ok(Vec::new()),
            Got::Absent => Err(absent("list stands where the provider's metadata say")),
            Got::TooLarge => Err(too_large("a list of the provider has")),
        }
    }
}

/// The refusal of a list that this audience may not read.
fn closed(source: &Source, open_to_all: bool) -> Option<Refusal> {
    let tlp = source.label.as_deref().and_then(|label| table().tlp(label))?;
    (open_to_all && !tlp.fits_all()).then(|| Refusal {
        reason: format!("a list is marked TLP {tlp}, which only a sharing group may read; read this feed into one"),
        position: None,
        input: format!("{:?}\n{}", source.kind, source.url).into_bytes(),
    })
}

/// The refusal of a list for few that wants to know who we are.
fn locked(source: &Source, failure: &Failure) -> Refusal {
    let label = source.label.as_deref().unwrap_or_default();
    Refusal {
        reason: format!(
            "a list is marked {label} and is kept to those who log in, which this feed does not: {}",
            failure.error.text
        ),
        position: None,
        input: format!("{:?}\n{}\nlocked", source.kind, source.url).into_bytes(),
    }
}

fn within(base: &Url, name: &str) -> Result<Url, Failure> {
    base.join(name).map_err(|error| Failure::new("address", format!("the provider's folder has no address: {error}")))
}

pub(crate) fn absent(what: &str) -> Failure {
    Failure::new("http-404", format!("no {what}; look whether the provider has moved them"))
}

pub(crate) fn too_large(what: &str) -> Failure {
    Failure::new("too-large", format!("{what} more than {ANSWER_MAX} bytes; larger ones are not taken"))
}
