//! Keeping a task going: one that ends before it is asked to is started again, after a while that doubles, and said so.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::say;

/// How long to wait before a task is started again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// A task that ran for this long is taken to be sound: the next wait is the first again.
    pub sound: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(60), sound: Duration::from_secs(300) }
    }
}

/// Runs the tasks that `start` makes, one after the other, until `stop`.
pub async fn keep<F, T, E>(name: &str, patience: Patience, stop: &CancellationToken, mut start: F)
where
    F: FnMut() -> T,
    T: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let mut wait = patience.first;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let ended = tokio::spawn(start()).await;
        if stop.is_cancelled() {
            return;
        }
        if began.elapsed() >= patience.sound {
            wait = patience.first;
        }
        let reason = match ended {
            Ok(Ok(())) => "it ended by itself".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(crash) => format!("it crashed: {crash}"),
        };
        say::progress(&format!("{name} stopped: {reason}; starting it again in {} s", wait.as_secs()));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = (wait * 2).min(patience.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_task_that_fails_crashes_or_ends_is_started_again_until_stop() {
        let stop = CancellationToken::new();
        let starts = Arc::new(AtomicUsize::new(0));
        let (inner, counter) = (stop.clone(), Arc::clone(&starts));
        let wait = Duration::from_millis(1);
        let patience = Patience { first: wait, longest: wait, sound: Duration::from_secs(60) };
        keep("the task", patience, &stop, move || {
            let (stop, start) = (inner.clone(), counter.fetch_add(1, Ordering::SeqCst));
            async move {
                match start {
                    0 => Err("no luck"),
                    1 => Ok(()),
                    2 => panic!("on purpose"),
                    _ => {
                        stop.cancel();
                        Ok(())
                    }
                }
            }
        })
        .await;
        assert_eq!(starts.load(Ordering::SeqCst), 4);
    }
}
