//! The one loop: ask the log, fold what it brought, tell whoever watches. It never gives up; while the log does not
//! answer, the last good picture stays and says so.

use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Bus, Legs, Reader, Scope};
use tokio_util::sync::CancellationToken;

use crate::room::Room;

/// How long to wait after the log did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Follows the log until stopped. Records are dated by the clocks that they were taken under.
pub(crate) async fn follow(room: Arc<Room>, bus: Bus, scope: Scope, legs: Legs, stop: CancellationToken) {
    let clock = legs.clock();
    let mut reader = Reader::new(&bus, &scope, room.sequence());
    while let Some(read) = stop.run_until_cancelled(reader.next()).await {
        match read {
            Ok(mut batch) => {
                batch.records = batch.records.into_iter().map(|record| legs.dated(record)).collect();
                let (folding, whole) = (Arc::clone(&room), reader.is_caught_up());
                if let Err(error) = tokio::task::spawn_blocking(move || folding.take(batch, whole)).await {
                    tracing::error!(%error, "folding a part of the log ended badly");
                    room.lost(
                        clock.second(),
                        "a part of the log could not be folded; start the server anew".to_owned(),
                    );
                    return;
                }
            }
            Err(error) => {
                tracing::warn!("{error}");
                room.lost(clock.second(), error.to_string());
                let _ = stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
            }
        }
    }
}
