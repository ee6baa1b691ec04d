//! The loop of one stream: ask it, fold what it brought, tell whoever watches. It never gives up; while the stream does not
//! answer, the last good picture stays and says so, and the other streams are followed all the same.

use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Bus, Legs, Reader, Scope};
use tokio_util::sync::CancellationToken;

use crate::room::Room;

/// How long to wait after a stream did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Follows a stream until stopped. Records are dated by the clocks that they were taken under.
pub(crate) async fn follow(room: Arc<Room>, bus: Bus, scope: Scope, legs: Legs, stop: CancellationToken) {
    let (clock, stream) = (legs.clock(), scope.log_stream());
    let mut reader = Reader::new(&bus, &scope, room.position().sequence(&stream));
    let mut told = String::new();
    while let Some(read) = stop.run_until_cancelled(reader.next()).await {
        match read {
            Ok(mut batch) => {
                told.clear();
                batch.records = batch.records.into_iter().map(|record| legs.dated(record)).collect();
                let (folding, of_batch, whole) = (Arc::clone(&room), stream.clone(), reader.is_caught_up());
                let folded = tokio::task::spawn_blocking(move || folding.take(&of_batch, batch, whole));
                if let Err(error) = folded.await {
                    tracing::error!(%error, "folding a part of {stream} ended badly");
                    let reason = format!("a part of {stream} could not be folded; start the server anew");
                    room.lost(&stream, clock.second(), reason);
                    return;
                }
            }
            Err(error) => {
                let reason = error.to_string();
                if told != reason {
                    tracing::warn!("{reason}");
                    told.clone_from(&reason);
                }
                room.lost(&stream, clock.second(), reason);
                let _ = stop.run_until_cancelled(tokio::time::sleep(RETRY)).await;
            }
        }
    }
}
