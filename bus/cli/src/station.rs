//! A server and what it stands on, in this process: the log, the desk's outbox with its pump, the HTTP interface. `up` and
//! `serve` keep one going; a command that finds no server runs one for its own question.

use std::sync::Arc;

use chrono::TimeDelta;
use entente_correlator::Model;
use entente_server::{Clock, Port, ServeError, ServerOptions};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::carrier::{Carrier, drain};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
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
    let station = Station::start(folder, settings, log, TimeDelta::zero(), Port::Exactly(0)).await?;
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
    desk: Carrier,
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
        shift: TimeDelta,
        port: Port,
    ) -> Result<Self, Failure> {
        let model = Model::v1().map(Arc::new).map_err(|error| Failure::of(Exit::Failed, &error));
        let desk = match model {
            Ok(model) => Carrier::start(folder, settings, &log, "desk").await.map(|desk| (desk, model)),
            Err(failure) => Err(failure),
        };
        let (desk, model) = match desk {
            Ok(both) => both,
            Err(failure) => {
                log.close().await;
                return Err(failure);
            }
        };
        let options = ServerOptions {
            bus: log.bus.clone(),
            scope: log.scope.clone(),
            org: settings.org.clone(),
            role: settings.role,
            data: folder.path().to_owned(),
            port,
            outbox: desk.outbox.clone(),
            model,
            clock: Clock::shifted(shift),
        };
        let (stop, (ready, address)) = (CancellationToken::new(), oneshot::channel());
        let mut server = tokio::spawn(entente_server::serve(options, ready, stop.clone()));
        let failure = tokio::select! {
            Ok(address) = address => {
                return Ok(Self { address: address.to_string(), log, desk, server, stop });
            }
            ended = &mut server => why(ended),
        };
        desk.end().await;
        log.close().await;
        Err(failure)
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
        let left = drain(&carriers).await;
        self.stop.cancel();
        if !self.server.is_finished()
            && let Err(error) = self.server.await
        {
            tracing::error!(%error, "the server");
        }
        for carrier in carriers {
            carrier.end().await;
        }
        self.log.close().await;
        left
    }
}

fn why(ended: Result<Result<(), ServeError>, JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::failed("the server ended by itself", "start it again; ENTENTE_LOG=info says more"),
        Ok(Err(error @ ServeError::Port { .. })) => Failure::of(Exit::Unreachable, &error),
        Ok(Err(error)) => Failure::of(Exit::Failed, &error),
        Err(error) => Failure::failed(format!("the server crashed: {error}"), "start it again, and report this"),
    }
}
