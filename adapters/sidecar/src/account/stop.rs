//! Being told to stop: the first Ctrl-C or SIGTERM ends in order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How a program ends that was interrupted a second time.
const INTERRUPTED: i32 = 130;

/// The signals, caught from now on.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to catch signals: until then they end the process at once.
    ///
    /// # Errors
    /// If the system hands out no signals.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Cancels `stop` at the first signal, and ends the process at the second.
    pub(super) async fn relay(mut self, stop: CancellationToken) {
        self.next().await;
        stop.cancel();
        self.next().await;
        tracing::warn!("ending at once; what was taken stands in the outboxes and is sent at the next start");
        std::process::exit(INTERRUPTED);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
