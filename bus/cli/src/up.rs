//! `entente up`: everything on one machine: a nats-server of its own, the server with the console, the public feeds.

use chrono::Datelike as _;
use clap::Args;
use entente_journal::Clock;
use entente_schemas::speaker::Role;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::feeds::{self, Name, Redirect, Wishes};
use crate::folder::Folder;
use crate::log::Log;
use crate::moment::Moment;
use crate::readers::{self, Readers};
use crate::say;
use crate::settings::{self, Layer};
use crate::station::{self, Station, port};
use crate::stop::Stop;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente up
  entente up --org gcp --role provider --port 8080
  entente up --feed gcp=incidents.json --feed vendor:acme=https://status.acme.example/api/v2/incidents.json
  entente up --feed vendor:redhat=https://security.access.redhat.com/data/csaf/v2/provider-metadata.json
  entente up --no-public-feeds --feed gcp=polls/ --poll-every 1s --clock-from 2024-07-19T04:00Z
  entente up --print-config

A vendor's feed is a status page, RSS or Atom, or a provider of advisories in CSAF, named by its metadata or by its host
alone (https://www.acme.example); which it is shows in what its address answers.

The files of a folder, in the order of their names, are successive polls; so are the lines of a file that ends in
.jsonl. The first Ctrl-C ends all in order, the second at once; nothing that was taken is lost either way.";

/// Run everything on this machine: nats-server, the console, the public feeds
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Up {
    /// The organisation that this machine transmits for; kept for the next start
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// What the organisation is to the incidents; kept for the next start
    #[arg(long, value_parser = word!(Role))]
    role: Option<Role>,
    /// The console's port; without this flag 4790 or, if it is taken, the next that is free
    #[arg(long)]
    port: Option<String>,
    /// Read a feed from elsewhere: gcp, aws, aws-data, azure or vendor:NAME from a file, an address or a folder
    #[arg(long, value_name = "NAME=FILE|URL|DIR")]
    feed: Vec<Redirect>,
    /// Read only this feed
    #[arg(long, value_name = "NAME")]
    only: Vec<Name>,
    /// Do not read this feed
    #[arg(long, value_name = "NAME")]
    no_feed: Vec<Name>,
    /// Read only feeds that are named by --feed or in the settings
    #[arg(long)]
    no_public_feeds: bool,
    /// How often a feed is asked, such as 30s or 5m
    #[arg(long, value_name = "LENGTH")]
    poll_every: Option<String>,
    /// Write every record to disk before it counts as logged
    #[arg(long)]
    durable: bool,
    /// The nats-server program
    #[arg(long, value_name = "PATH")]
    nats_server: Option<String>,
    /// Do not fetch nats-server if there is none
    #[arg(long)]
    no_fetch: bool,
    /// Let the clock start at this time, to play recorded feeds as if it were then; else it is this machine's clock
    #[arg(long, value_name = "TIME")]
    clock_from: Option<Moment>,
    /// Print every setting with its default, and end
    #[arg(long)]
    print_config: bool,
}

impl Up {
    fn layer(&self) -> Layer {
        let given = [
            ("org", self.org.clone()),
            ("role", self.role.map(|role| role.as_str().to_owned())),
            ("port", self.port.clone()),
            ("poll_every", self.poll_every.clone()),
            ("durable", self.durable.then(|| "true".to_owned())),
            ("nats_server", self.nats_server.clone()),
            ("fetch", self.no_fetch.then(|| "false".to_owned())),
            ("public_feeds", self.no_public_feeds.then(|| "false".to_owned())),
        ];
        given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    fn wishes(&self) -> Wishes {
        Wishes { redirects: self.feed.clone(), only: self.only.clone(), without: self.no_feed.clone() }
    }

    /// The clock, set now.
    ///
    /// # Errors
    /// If it is set to a time that no record can have.
    fn clock(&self) -> Result<Clock, Failure> {
        let Some(from) = self.clock_from else { return Ok(Clock::wall()) };
        let from = from.settle(Clock::wall().now());
        if (2000..2100).contains(&from.year()) {
            return Ok(Clock::showing(from));
        }
        let what = format!("--clock-from: {} is a time that no record can have", from.to_rfc3339());
        Err(Failure::new(Exit::Mistake, what, "give a time from 2000 to 2099"))
    }
}

/// Runs everything until it is told to stop.
///
/// # Errors
/// If something cannot be started.
pub async fn run(up: Up, place: &Place) -> Result<Exit, Failure> {
    if up.print_config {
        say::print(settings::DEFAULT)?;
        return Ok(Exit::Done);
    }
    up.clock()?;
    let (folder, settings) = place.open_with(&up.layer())?;
    let chosen = readers::addresses(feeds::choose(&settings, &up.wishes())?, &up.feed)?;
    say::progress(&format!(
        "data folder {}, transmitting for {} ({})",
        folder.path().display(),
        settings.org,
        settings.role
    ));
    let log = Log::own(&folder, &settings, &|text| say::progress(text)).await?;
    say::progress(&format!("nats-server answers at {}", log.url));
    // Now that the folder is ours, what a killed server left there misleads nobody any more.
    folder.tidy();
    let clock = up.clock()?;
    let (log, legs) = station::begin(&folder, log, Some(clock)).await?;
    let mut station = Station::start(&folder, &settings, log, legs, port(&settings)).await?;
    let told = keep(&folder, up.org.as_deref(), up.role);
    let told = told.and_then(|()| Stop::listen()).and_then(|stop| tell(&folder, &mut station, clock).map(|()| stop));
    let readers = Readers::start(&folder, &settings, &station.log, clock, chosen).await;
    let ended = until_stopped(&mut station, told).await;
    end(&folder, station, readers).await;
    ended
}

/// Keeps the organisation and its role for the next start.
///
/// # Errors
/// If the settings file cannot be written.
pub fn keep(folder: &Folder, org: Option<&str>, role: Option<Role>) -> Result<(), Failure> {
    let path = folder.settings();
    for (key, value) in [("org", org), ("role", role.map(Role::as_str))] {
        let Some(value) = value else { continue };
        let old = std::fs::read_to_string(&path).ok();
        let new = settings::with_kept(old.as_deref(), key, value);
        if old.as_deref() != Some(new.as_str()) {
            folder.write(&path, &new)?;
        }
    }
    Ok(())
}

/// Leaves in the data folder what other commands need, the address last, and prints it.
///
/// # Errors
/// If the folder cannot be written.
pub fn tell(folder: &Folder, station: &mut Station, clock: Clock) -> Result<(), Failure> {
    station::say_of(clock);
    station.tell(folder)?;
    say::line(&station.address);
    Ok(())
}

/// Waits for a signal, or for the server to fail. If it could not be told where the server is, there is nothing to wait for.
///
/// # Errors
/// What failed.
pub async fn until_stopped(station: &mut Station, told: Result<Stop, Failure>) -> Result<Exit, Failure> {
    let stop = told?;
    tokio::select! {
        () = stop.asked() => Ok(Exit::Done),
        failure = station.failed() => Err(failure),
    }
}

async fn end(folder: &Folder, station: Station, readers: Readers) {
    say::progress("ending: feeds first, then what they said, the server, nats-server; Ctrl-C again ends at once");
    let feeds = readers.end().await;
    folder.tidy();
    match station.end(feeds).await {
        0 => say::progress("ended; everything that was taken is in the log"),
        left => say::progress(&format!("ended; {left} events wait in the outboxes and are sent at the next start")),
    }
}
