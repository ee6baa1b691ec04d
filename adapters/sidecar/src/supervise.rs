//! Keeping a task going: one that ends before it is asked to is started again, after a while that doubles, and said so.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

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

/// Runs the tasks that `start` makes, one after the other, until `stop`; `say` is told why each ended, and when the next
/// begins.
pub async fn keep<F, T, E>(patience: Patience, stop: &CancellationToken, say: impl Fn(&str, Duration), mut start: F)
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
        match ended {
            Ok(Ok(())) => say("it ended by itself", wait),
            Ok(Err(error)) => say(&error.to_string(), wait),
            Err(crash) => say(&format!("it crashed: {crash}"), wait),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = (wait * 2).min(patience.longest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn a_task_that_fails_crashes_or_ends_is_started_again_until_stop() {
        let (stop, starts, said) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)), Mutex::new(Vec::new()));
        let (inner, counter) = (stop.clone(), Arc::clone(&starts));
        let wait = Duration::from_millis(1);
        let patience = Patience { first: wait, longest: wait, sound: Duration::from_secs(60) };
        let say = |why: &str, _: Duration| said.lock().unwrap().push(why.to_owned());
        keep(patience, &stop, say, move || {
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
        let said = said.into_inner().unwrap();
        assert_eq!((starts.load(Ordering::SeqCst), said.len()), (4, 3));
        assert!(said[0] == "no luck" && said[2].starts_with("it crashed"), "{said:?}");
    }
}
