//! The end of a process that was told to end.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// How long it may take to end before a test gives up; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// Sends a signal and waits for the end; gives the exit code, none where a signal ended it.
pub(crate) async fn ended(mut child: Child, signal: Signal, log: impl Fn() -> String) -> Option<i32> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw)?;
    let _ = kill_process(pid, signal);
    let until = Instant::now() + PATIENCE;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        assert!(Instant::now() < until, "it does not end:\n{}", log());
        sleep(Duration::from_millis(20)).await;
    }
}
