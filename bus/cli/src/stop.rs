//! Being told to stop: the first Ctrl-C or SIGTERM ends in order, the second at once.

use crate::exit::{Exit, Failure};
use crate::say;

/// The signals, caught from now on.
pub struct Stop(Signals);

impl Stop {
    /// Begins to catch signals: until then they end the process at once.
    ///
    /// # Errors
    /// If the system hands out no signals.
    pub fn listen() -> Result<Self, Failure> {
        Signals::new().map(Self).map_err(|error| {
            Failure::failed(format!("signals cannot be received: {error}"), "run it as a plain process")
        })
    }

    /// Waits for the first signal. From then on a second one ends the process at once.
    pub async fn asked(mut self) {
        self.0.next().await;
        tokio::spawn(async move {
            self.0.next().await;
            say::progress("ending at once; what was taken stands in the outboxes and is sent at the next start");
            std::process::exit(Exit::Interrupted as i32);
        });
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
