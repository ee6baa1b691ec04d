//! The way from a sidecar to the bus: it can be cut, so that the bus is away, and the bus can be frozen at its end, so that
//! it takes what is sent and answers nothing.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A port of loopback that leads to the bus as long as it is open. Dropped, it leads nowhere.
pub(super) struct Way {
    address: SocketAddr,
    open: watch::Sender<bool>,
    _carrying: AbortOnDropHandle<()>,
}

impl Way {
    /// An open way to the server at that address, `nats://HOST:PORT`.
    pub(super) async fn to(server: &str) -> Self {
        let server = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let open = watch::Sender::new(true);
        let carrying = AbortOnDropHandle::new(tokio::spawn(carry(listener, server, open.subscribe())));
        Self { address, open, _carrying: carrying }
    }

    pub(super) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends every connection, and lets none through.
    pub(super) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn carry(listener: TcpListener, server: String, open: watch::Receiver<bool>) {
    while let Ok((mut here, _)) = listener.accept().await {
        let (server, mut open) = (server.clone(), open.clone());
        tokio::spawn(async move {
            let carried = async {
                let mut there = TcpStream::connect(server).await?;
                copy_bidirectional(&mut here, &mut there).await
            };
            tokio::select! {
                biased;
                // Cut, or the stage is at its end.
                _ = open.wait_for(|open| !open) => {}
                _ = carried => {}
            }
        });
    }
}

/// A process that is stopped as long as this is.
pub(super) struct Frost(Pid);

impl Frost {
    /// Stops a process, and waits until each of its threads stands still: on a busy machine they run on for a while.
    pub(super) async fn over(process: Pid) -> Self {
        kill_process(process, Signal::STOP).expect("a signal");
        let frost = Self(process);
        while !frost.is_hard() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        frost
    }

    fn is_hard(&self) -> bool {
        let threads =
            std::fs::read_dir(format!("/proc/{}/task", self.0.as_raw_nonzero())).into_iter().flatten().flatten();
        let mut states = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
        // The state follows the name, which stands in parentheses and may hold some.
        states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T')))
    }
}

impl Drop for Frost {
    fn drop(&mut self) {
        // It may have ended meanwhile.
        kill_process(self.0, Signal::CONT).ok();
    }
}
