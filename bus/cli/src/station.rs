//! A server and what it stands on, in this process: the log, the desk's outbox with its pump, the HTTP interface. `up` and
//! `serve` keep one going; a command that finds no server runs one for its own question.

use std::fs::File;
use std::sync::Arc;

use entente_correlator::Model;
use entente_journal::{Clock, Legs, Tips, tip};
use entente_server::{Outboxes, Port, ServeError, ServerOptions};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::carrier::{Carrier, drain};
use crate::client::Client;
use crate::desks::Desks;
use crate::doctor;
use crate::exit::{Exit, Failure};
use crate::folder::{Folder, unclear};
use crate::log::Log;
use crate::say;
use crate::settings::Settings;

/// A server that a command can ask.
pub enum Asked {
    /// One that runs in another process.
    Running(Client),
    /// One that runs here, for this command only.
    Own(Client, Box<Station>),
}

/// The server that runs on the data folder, or one that is started for the command.
///
/// # Errors
/// If there is none and none can be started.
pub async fn running_or_own(folder: &Folder, settings: &Settings) -> Result<Asked, Failure> {
    if let Some(client) = Client::running(folder).await? {
        return Ok(Asked::Running(client));
    }
    say::progress("no server runs: starting one for this command; `entente up` keeps one running");
    let log = Log::own(folder, settings, &|text| say::progress(text)).await?;
    let (log, legs) = begin(folder, log, None).await?;
    say_of(legs.clock());
    let station = Station::start(folder, settings, log, legs, Port::Exactly(0)).await?;
    match Client::at(&station.address, Folder::line(&folder.token())) {
        Ok(client) => Ok(Asked::Own(client, Box::new(station))),
        Err(failure) => {
            station.end(Vec::new()).await;
            Err(failure)
        }
    }
}

impl Asked {
    /// The server.
    pub fn client(&self) -> &Client {
        match self {
            Self::Running(client) | Self::Own(client, _) => client,
        }
    }

    /// Whether its addresses still answer when the command has ended.
    pub fn outlives_the_command(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Ends what was started for the command.
    pub async fn end(self) {
        if let Self::Own(_, station) = self {
            match station.end(Vec::new()).await {
                0 => say::progress("the server for this command has ended"),
                left => say::progress(&format!("{left} events wait in the outbox and are sent at the next start")),
            }
        }
    }
}

/// The folder's own log, to be filled from now on under `clock`, or if none is given under the one it was filled under
/// last. It is closed again if that cannot be.
///
/// # Errors
/// If the log does not tell its end, or its times would step back.
pub async fn begin(folder: &Folder, log: Log, clock: Option<Clock>) -> Result<(Log, Legs), Failure> {
    match under(folder, &log, clock).await {
        Ok(legs) => Ok((log, legs)),
        Err(failure) => {
            log.close().await;
            Err(failure)
        }
    }
}

async fn under(folder: &Folder, log: &Log, clock: Option<Clock>) -> Result<Legs, Failure> {
    let tips = tips(folder, log).await?;
    let last = folder.legs()?.clock();
    let clock = clock.unwrap_or(last);
    let legs = Legs::begin(&folder.clock(), &tips, clock).map_err(|error| unclear(&error))?;
    if clock.is_wall() && !last.is_wall() {
        say::progress("the log was played under another clock; what comes now is dated by this machine's");
    }
    Ok(legs)
}

/// The ends of the log's streams. That of a sharing group may be missing: then it begins anew.
async fn tips(folder: &Folder, log: &Log) -> Result<Tips, Failure> {
    let mut tips = Tips::new();
    for (group, scope) in log.scopes(folder)? {
        match tip(&log.bus, &scope).await {
            Ok(end) => {
                if group.is_none() {
                    doctor::warn_of_clock(&end);
                }
                tips.insert(scope.log_stream(), end);
            }
            Err(error) if group.is_some() => tracing::debug!(%error, "a sharing group's stream"),
            Err(error) => return Err(Failure::of(Exit::Unreachable, &error)),
        }
    }
    Ok(tips)
}

/// The legs of a log that others fill: by this machine's clock.
///
/// # Errors
/// If the folder's own log is played under another.
pub async fn of_others(folder: &Folder, log: &Log) -> Result<Legs, Failure> {
    if !folder.legs()?.clock().is_wall() {
        let what = format!("the log of {} was filled under another clock", folder.path().display());
        return Err(Failure::new(Exit::Mistake, what, "name another data folder with --data DIR"));
    }
    match tip(&log.bus, &log.scope).await {
        Ok(tip) => doctor::warn_of_clock(&tip),
        Err(error) => tracing::warn!("the log's clock cannot be asked: {error}"),
    }
    Ok(Legs::default())
}

/// Says what the clock shows, if it is not this machine's.
pub fn say_of(clock: Clock) {
    if !clock.is_wall() {
        say::progress(&format!("the clock shows {}", clock.now().format("%Y-%m-%d %H:%M:%S UTC")));
    }
}

/// The port for the console: the one that was asked for, or else a free one near it.
pub fn port(settings: &Settings) -> Port {
    if settings.port_is_fixed { Port::Exactly(settings.port) } else { Port::From(settings.port) }
}

/// A server in this process.
pub struct Station {
    /// Its address, `http://127.0.0.1:PORT`.
    pub address: String,
    /// The log that it reads.
    pub log: Log,
    /// The file that tells the address, held as long as the server runs.
    told: Option<File>,
    desk: Carrier,
    desks: Desks,
    server: JoinHandle<Result<(), ServeError>>,
    stop: CancellationToken,
}

impl Station {
    /// Starts the server on a log. The log is closed again if that fails.
    ///
    /// # Errors
    /// If the desk's outbox or the port cannot be had.
    pub async fn start(
        folder: &Folder,
        settings: &Settings,
        log: Log,
        legs: Legs,
        port: Port,
    ) -> Result<Self, Failure> {
        let desks = Desks::of(folder, settings, &log);
        let (desk, model, outboxes) = match desk(folder, settings, &log, &desks).await {
            Ok(all) => all,
            Err(failure) => {
                log.close().await;
                return Err(failure);
            }
        };
        let options = ServerOptions {
            bus: log.bus.clone(),
            universe: log.scope.universe.clone(),
            role: settings.role,
            data: folder.path().to_owned(),
            port,
            outbox: desk.outbox.clone(),
            outboxes,
            model,
            legs,
        };
        let (stop, (ready, address)) = (CancellationToken::new(), oneshot::channel());
        let mut server = tokio::spawn(entente_server::serve(options, ready, stop.clone()));
        let failure = tokio::select! {
            Ok(address) = address => {
                return Ok(Self { address: address.to_string(), log, told: None, desk, desks, server, stop });
            }
            ended = &mut server => why(ended),
        };
        for carrier in std::iter::once(desk).chain(desks.take()) {
            carrier.end().await;
        }
        log.close().await;
        Err(failure)
    }

    /// Tells the other commands of the folder where this server is, until it has ended.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn tell(&mut self, folder: &Folder) -> Result<(), Failure> {
        folder.write(&folder.nats(), &format!("{}\n", self.log.url))?;
        self.told = Some(folder.serve_at(&self.address)?);
        Ok(())
    }

    /// Waits until the server fails, which it should not.
    pub async fn failed(&mut self) -> Failure {
        why((&mut self.server).await)
    }

    /// Ends in order: what the feeds and the desk said goes into the log, then the server ends, then the log is closed.
    /// Gives how many events wait for the next start.
    pub async fn end(self, feeds: Vec<Carrier>) -> u64 {
        let mut carriers = feeds;
        carriers.push(self.desk);
        carriers.extend(self.desks.take());
        let left = drain(&carriers).await;
        self.stop.cancel();
        if !self.server.is_finished()
            && let Err(error) = self.server.await
        {
            tracing::error!(%error, "the server");
        }
        // What a group's desk said while the others were drained waits on disk.
        carriers.extend(self.desks.take());
        for carrier in carriers {
            carrier.end().await;
        }
        self.log.close().await;
        left
    }
}

async fn desk(
    folder: &Folder,
    settings: &Settings,
    log: &Log,
    desks: &Desks,
) -> Result<(Carrier, Arc<Model>, Outboxes), Failure> {
    let model = Model::v1().map(Arc::new).map_err(|error| Failure::of(Exit::Failed, &error))?;
    let outboxes = desks.outboxes(folder)?;
    Ok((Carrier::start(folder, settings, log, "desk").await?, model, outboxes))
}

fn why(ended: Result<Result<(), ServeError>, JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::failed("the server ended by itself", "start it again; ENTENTE_LOG=info says more"),
        Ok(Err(error @ ServeError::Port { .. })) => Failure::of(Exit::Unreachable, &error),
        Ok(Err(error)) => Failure::of(Exit::Failed, &error),
        Err(error) => Failure::failed(format!("the server crashed: {error}"), "start it again, and report this"),
    }
}
