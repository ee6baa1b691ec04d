//! `entente serve`: the server with the console alone, against NATS servers that are there already.

use std::path::{Path, PathBuf};

use clap::Args;
use entente_journal::Clock;
use entente_schemas::speaker::Role;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::log::Log;
use crate::say;
use crate::settings::Layer;
use crate::station::{self, Station, port};
use crate::stop::Stop;
use crate::up::{keep, tell, until_stopped};
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente serve --nats nats://127.0.0.1:4222 --seed server.nk --org gcp
  entente serve --nats tls://nats-1.example:4222 --nats tls://nats-2.example:4222 --seed server.nk --port 8080";

/// Run the server with the console alone, on NATS servers that are there already
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// The address of a NATS server; several of one cluster may be named
    #[arg(long, value_name = "URL", required = true)]
    nats: Vec<String>,
    /// A file with the NKey seed (SU...) of the user that the servers know (default: the data folder's own key)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The organisation that this machine transmits for; kept for the next start
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// What the organisation is to the incidents; kept for the next start
    #[arg(long, value_parser = word!(Role))]
    role: Option<Role>,
    /// The console's port; without this flag 4790 or, if it is taken, the next that is free
    #[arg(long)]
    port: Option<String>,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// If NATS does not answer or the server cannot be started.
pub async fn run(serve: Serve, place: &Place) -> Result<Exit, Failure> {
    let role = serve.role.map(|role| role.as_str().to_owned());
    let flags = [("org", serve.org.clone()), ("role", role), ("port", serve.port.clone())];
    let flags: Layer = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    let (folder, settings) = place.open_with(&flags)?;
    say::progress(&format!("data folder {}, transmitting for {}", folder.path().display(), settings.org));
    let log = Log::of(&folder, &serve.nats, serve.seed.as_deref()).await?;
    say::progress(&format!("NATS answers at {}", log.url));
    let legs = station::of_others(&folder, &log).await?;
    let mut station = Station::start(&folder, &settings, log, legs, port(&settings)).await?;
    let told = keep(&folder, serve.org.as_deref(), serve.role);
    let told = told.and_then(|()| keep_seed(&folder, serve.seed.as_deref())).and_then(|()| Stop::listen());
    let told = told.and_then(|stop| tell(&folder, &mut station, Clock::wall()).map(|()| stop));
    let ended = until_stopped(&mut station, told).await;
    say::progress("ending; Ctrl-C again ends at once");
    folder.tidy();
    match station.end(Vec::new()).await {
        0 => say::progress("ended; everything that was taken is in the log"),
        left => say::progress(&format!("ended; {left} events wait in the outbox and are sent at the next start")),
    }
    ended
}

/// Leaves the seed's place for commands that open the same log.
fn keep_seed(folder: &Folder, seed: Option<&Path>) -> Result<(), Failure> {
    let Some(seed) = seed else { return Ok(()) };
    let seed = std::path::absolute(seed).unwrap_or_else(|_| seed.to_owned());
    folder.write(&folder.seed(), &format!("{}\n", seed.display()))
}
