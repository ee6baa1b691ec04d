//! The public feeds of `up`, as tasks of its process: each reads its address, remembers, and says what is new. One that
//! ends is started again.

use std::path::Path;
use std::time::Duration;

use entente_journal::Clock;
use entente_sidecar::supervise::{Patience, keep};
use entente_sidecar::{Address, FeedTask};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::carrier::Carrier;
use crate::exit::{Exit, Failure};
use crate::feeds::{Chosen, Redirect};
use crate::folder::Folder;
use crate::log::Log;
use crate::reads::{Reads, recognised};
use crate::say;
use crate::settings::Settings;

/// Feeds that are being read.
pub struct Readers {
    stop: CancellationToken,
    feeds: Vec<(JoinHandle<()>, Carrier)>,
}

/// Addresses of the chosen feeds, all mistakes at once. What was not given by a flag stands in the settings.
///
/// # Errors
/// If one is neither an address nor a file or folder that is there.
pub fn addresses(chosen: Vec<Chosen>, flags: &[Redirect]) -> Result<Vec<(Chosen, Address)>, Failure> {
    let mut mistakes = Vec::new();
    let mut feeds = Vec::new();
    for feed in chosen {
        let parsed = Address::parse(&feed.address).map_err(|error| error.to_string());
        let fits = |address: Address| feed.reads.fits(&address).map(|()| address);
        match parsed.and_then(there).and_then(fits) {
            Ok(address) => feeds.push((feed, address)),
            Err(what) if flags.iter().any(|flag| flag.name == feed.name) => {
                mistakes.push(format!("--feed {}={}: {what}", feed.name, feed.address));
            }
            Err(what) => mistakes.push(format!("feeds.{} = \"{}\" in config.toml: {what}", feed.name, feed.address)),
        }
    }
    if mistakes.is_empty() {
        return Ok(feeds);
    }
    let what = format!("nothing was started:\n  {}", mistakes.join("\n  "));
    Err(Failure::new(Exit::Mistake, what, "name a file, a folder or an https address"))
}

/// An address; of a file or folder only if it is there.
fn there(address: Address) -> Result<Address, String> {
    let (path, kind) = match &address {
        Address::Url(_) => return Ok(address),
        Address::File(path) => (path, "file"),
        Address::Dir(path) => (path, "folder"),
    };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() == (kind == "folder") => Ok(address),
        Ok(_) => Err(format!("this is no {kind}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!("there is no such {kind}")),
        Err(error) => Err(format!("the {kind} cannot be looked at: {error}")),
    }
}

/// Feeds at their usual addresses on one line, each other one on its own.
fn say_what_is_read(chosen: &[(Chosen, Address)]) {
    let (named, usual): (Vec<_>, Vec<_>) = chosen.iter().map(|(feed, _)| feed).partition(|feed| feed.named);
    for feed in named {
        let what = if matches!(feed.reads, Reads::Advisories(_)) { ", advisories in CSAF" } else { "" };
        say::progress(&format!("reading feed {} at {}{what}", feed.name, feed.address));
    }
    if !usual.is_empty() {
        let names: Vec<String> = usual.iter().map(|feed| feed.name.to_string()).collect();
        say::progress(&format!("reading {} public feeds: {}", names.len(), names.join(", ")));
    }
}

impl Readers {
    /// Starts to read. A feed whose outbox cannot be opened is said and left out, so that the others are read.
    pub async fn start(
        folder: &Folder,
        settings: &Settings,
        log: &Log,
        clock: Clock,
        chosen: Vec<(Chosen, Address)>,
    ) -> Self {
        let mut readers = Self { stop: CancellationToken::new(), feeds: Vec::new() };
        let chosen = recognised(chosen).await;
        say_what_is_read(&chosen);
        for (feed, address) in chosen {
            let slug = feed.reads.profile().slug.clone();
            match Carrier::start(folder, settings, log, &slug).await {
                Ok(carrier) => {
                    let task = task((settings, folder.path()), log, clock, (&feed, &address), &carrier);
                    let reader = readers.reader(task, slug);
                    readers.feeds.push((reader, carrier));
                }
                Err(failure) => say::progress(&format!("feed {slug} is not read: {}", failure.lines().trim_end())),
            }
        }
        readers
    }

    fn reader(&self, task: FeedTask, slug: String) -> JoinHandle<()> {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let said = |why: &str, wait: Duration| {
                say::progress(&format!("feed {slug} stopped: {why}; starting it again in {} s", wait.as_secs()));
            };
            keep(Patience::default(), &stop, said, || entente_sidecar::run(task.clone(), stop.clone())).await;
        })
    }

    /// Stops reading. What was said waits in the outboxes.
    pub async fn end(self) -> Vec<Carrier> {
        self.stop.cancel();
        let mut carriers = Vec::new();
        for (reader, carrier) in self.feeds {
            if let Err(error) = reader.await {
                tracing::error!(%error, "a feed's task");
            }
            carriers.push(carrier);
        }
        carriers
    }
}

fn task(
    (settings, folder): (&Settings, &Path),
    log: &Log,
    clock: Clock,
    (feed, address): (&Chosen, &Address),
    carrier: &Carrier,
) -> FeedTask {
    FeedTask {
        open: feed.reads.open(address, folder),
        every: feed.reads.every(settings.poll_every),
        outbox: carrier.outbox.clone(),
        bus: log.bus.clone(),
        scope: log.scope.clone(),
        tlp: None,
        clock,
    }
}
