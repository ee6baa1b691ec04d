//! Starting and ending the server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use entente_journal::{AudienceError, Audiences, OutboxError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Shared};
use crate::beats::{Beats, Watcher};
use crate::claims::Desk;
use crate::options::{Address, Port, ServerOptions};
use crate::reading::Reading;
use crate::room::Room;
use crate::secret::{Secret, SecretError};
use crate::streams::Streams;
use crate::web::{Names, STREAMS, router};

/// How many ports are tried where any will do.
const PORTS: u16 = 100;
/// How long the address is held back so that the first page shows the whole log.
const FIRST_READING: Duration = Duration::from_secs(3);
/// How long open answers may take once the server is to stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken.
    #[error(
        "port {port} of 127.0.0.1 cannot be listened on: {reason}; choose another with --port, or end what uses it"
    )]
    Port {
        /// The port, the first that was tried.
        port: u16,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// There is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The sharing groups cannot be read.
    #[error(transparent)]
    Audiences(#[from] AudienceError),
    /// The desk's outbox cannot be read.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Listening ended.
    #[error("the server stopped listening: {0}; start it anew")]
    Listening(std::io::Error),
    /// A part of the server ended badly.
    #[error("a part of the server ended badly: {0}; start it anew")]
    Task(#[from] tokio::task::JoinError),
}

/// Serves until stopped. `ready` is told the address once it is listened on and the log has been read, or three seconds
/// later if the log does not answer: then the pages say so.
///
/// # Errors
/// If the port, the secrets or the desk's outbox cannot be had.
pub async fn serve(
    options: ServerOptions,
    ready: oneshot::Sender<Address>,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let listener = listen(options.port).await?;
    let address = Address::new(listener.local_addr().map_err(ServeError::Listening)?.port());
    let file = options.data.join(Audiences::FILE);
    let streams = Streams::of(&options.universe, Audiences::read(&file)?);
    let room = Arc::new(Room::new(streams, Arc::clone(&options.model)));
    let desk = open_desk(&options, &room).await?;
    let (told, beats) = watch::channel(Beats::default());
    let app = app(&options, &room, &desk, address, beats, &stop)?;
    let (bus, legs, clock) = (options.bus.clone(), options.legs.clone(), options.legs.clock());
    let reading = Reading { room: Arc::clone(&room), bus, legs, file };
    let reading = tokio::spawn(reading.run(stop.clone()));
    let watcher = Watcher { room: Arc::clone(&room), desk, bus: options.bus, clock, told };
    let watching = tokio::spawn(watcher.run(stop.clone()));
    let _ = timeout(FIRST_READING, stop.run_until_cancelled(room.first_read())).await;
    // Whoever does not wait for the address need not be told.
    let _ = ready.send(address);
    let listened = listening(listener, app, stop.clone()).await;
    stop.cancel();
    reading.await??;
    watching.await?;
    listened
}

async fn listening(listener: TcpListener, app: App, stop: CancellationToken) -> Result<(), ServeError> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection sends in larger pieces: {error}");
        }
    });
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut serving = tokio::spawn(serving.into_future());
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = async { stop.cancelled().await; tokio::time::sleep(PATIENCE).await } => None,
    };
    match ended {
        Some(ended) => ended?.map_err(ServeError::Listening),
        None => {
            serving.abort();
            Ok(())
        }
    }
}

async fn listen(port: Port) -> Result<TcpListener, ServeError> {
    let (first, last) = match port {
        Port::Exactly(port) => (port, port),
        Port::From(port) => (port, port.saturating_add(PORTS)),
    };
    let mut reason = None;
    for port in first..=last {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    let reason = reason.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(ServeError::Port { port: first, reason })
}

async fn open_desk(options: &ServerOptions, room: &Arc<Room>) -> Result<Arc<Desk>, ServeError> {
    let (outbox, room) = (options.outbox.clone(), Arc::clone(room));
    let (role, clock, outboxes) = (options.role, options.legs.clock(), options.outboxes.clone());
    let desk = tokio::task::spawn_blocking(move || Desk::open(outbox, outboxes, room, role, clock)).await??;
    let desk = desk.beside(options.bus.clone());
    desk.open_kept().await;
    Ok(Arc::new(desk))
}

fn app(
    options: &ServerOptions,
    room: &Arc<Room>,
    desk: &Arc<Desk>,
    address: Address,
    beats: watch::Receiver<Beats>,
    stop: &CancellationToken,
) -> Result<App, SecretError> {
    Ok(Arc::new(Shared {
        room: Arc::clone(room),
        desk: Arc::clone(desk),
        beats,
        clock: options.legs.clock(),
        address,
        names: Names::of(address.port()),
        token: Secret::in_file(&options.data.join("token"))?,
        form_token: Secret::random()?,
        streams: Arc::new(Semaphore::new(STREAMS)),
        stop: stop.clone(),
    }))
}
