//! Erasing: what a retraction that stands in a stream takes away for good is overwritten and deleted there, at each start
//! and whenever one is folded. Doing it again does nothing, so servers need not agree on who does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Bus, Clock, Scope, erase};
use entente_schemas::event::Event;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::room::{Moment, Room, When};

/// How often the stream is looked at for new retractions, while it grows.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait before trying again what was refused.
const AGAIN: Duration = Duration::from_secs(600);

/// Erases in one stream until stopped.
pub(crate) struct Eraser {
    pub(crate) room: Arc<Room>,
    pub(crate) bus: Bus,
    pub(crate) scope: Scope,
    pub(crate) clock: Clock,
}

/// Retractions by their place in the log.
type Retractions = BTreeMap<u64, Event>;

impl Eraser {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.erase()).await;
    }

    async fn erase(&self) {
        let stream = self.scope.log_stream();
        // A retraction that breaks its chain is known once the stream has been read to its end.
        self.room.caught_up(&stream).await;
        let (mut grown, mut looked) = (self.room.watch(), 0);
        let (mut refused, mut again) = (Retractions::new(), Instant::now() + AGAIN);
        loop {
            let reached = grown.borrow_and_update().sequence(&stream);
            if reached > looked {
                refused.extend(self.refused_of(self.retractions_after(looked).await).await);
                looked = reached;
            }
            if Instant::now() >= again {
                refused = self.refused_of(refused).await;
                again = Instant::now() + AGAIN;
            }
            sleep(EVERY).await;
            // The room outlives this task: who waits for news gets news.
            let _ =
                if refused.is_empty() { Ok(grown.changed().await) } else { timeout_at(again, grown.changed()).await };
        }
    }

    /// The retractions after a place in the log that erase.
    async fn retractions_after(&self, looked: u64) -> Retractions {
        let stream = self.scope.log_stream();
        let look = move |moment: &mut Moment<'_>| -> Retractions {
            let erasing = moment.state.erasures().into_iter();
            let new = erasing.filter(|entry| *entry.order.stream == *stream && entry.order.sequence > looked);
            new.map(|entry| (entry.order.sequence, entry.event.clone())).collect()
        };
        match self.room.look(When::live(self.clock.second()), look).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(
                    "the log's retractions after {looked} cannot be looked at; the next start erases: {error}"
                );
                Retractions::new()
            }
        }
    }

    /// Erases what retractions name; gives those whose target stands still.
    async fn refused_of(&self, due: Retractions) -> Retractions {
        let mut refused = Retractions::new();
        for (position, retraction) in due {
            match erase(&self.bus, &self.scope, &retraction).await {
                Ok(places) if places.is_empty() => {}
                Ok(places) => tracing::info!("erased {places:?}, as the retraction at {position} asks"),
                Err(error) => {
                    tracing::warn!("the retraction at {position}: {error}");
                    refused.insert(position, retraction);
                }
            }
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use entente_correlator::Model;
    use entente_journal::{
        Access, Audiences, Identity, Legs, NatsServer, Outbox, OutboxOptions, Reader, ServerOptions, cache_folder,
        name_target, pump,
    };
    use entente_schemas::event::Draft;
    use entente_schemas::family::{Body, Claim, Family};
    use entente_schemas::tlp::Tlp;
    use serde_json::{Value, json};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::follow::follow;
    use crate::streams::Streams;

    async fn soon<T>(work: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(120), work).await.expect("it ends within two minutes")
    }

    async fn nats(folder: &Path, identity: &Identity) -> (NatsServer, Bus) {
        let options = ServerOptions {
            data: folder.join("nats"),
            binary: std::env::var_os("ENTENTE_NATS_SERVER").map(PathBuf::from),
            cache: cache_folder().expect("HOME or XDG_CACHE_HOME names a place for the cache"),
            fetch: true,
            durable: false,
            users: vec![identity.public().to_owned()],
        };
        let server = soon(NatsServer::start(options, &|line| println!("{line}"))).await.unwrap();
        let access =
            Access { urls: vec![server.url()], seed: Some(identity.seed().to_owned()), name: "trial".to_owned() };
        let bus = Bus::connect(&access).await.unwrap();
        bus.apply(&Scope::actual()).await.unwrap();
        (server, bus)
    }

    fn draft(family: Family, number: u64, more: &Value) -> Draft {
        let mut claim = json!({
            "object_id": format!("local:{number}"), "rev": 1, "certainty": "observed",
            "speaker": {"org": "local", "role": "observer", "relay": "own"},
            "times": {"observed_at": "2024-07-19T05:27:00Z"},
        });
        claim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Draft {
            id: format!("event-{number}"),
            recorded: "2024-07-19T05:27:00Z".parse().unwrap(),
            causation: None,
            traceparent: None,
            tlp: Tlp::Green,
            claim: Claim::read_strict(family, &claim.to_string()).unwrap(),
        }
    }

    fn note(number: u64) -> Draft {
        let said = json!({"thread_id": "local:1", "kind": "note", "text": "a name", "state": "open"});
        draft(Family::Message, number, &said)
    }

    async fn retraction(outbox: &Outbox, bus: &Bus, number: u64, of: u64) -> Draft {
        let said = json!({
            "target": format!("event-{of}"), "target_object": format!("local:{of}"), "target_rev": 1,
            "target_source": outbox.source().to_string(), "scope": "revision", "reason": "legal",
        });
        let mut draft = draft(Family::Retraction, number, &said);
        let Body::Retraction(retraction) = &mut draft.claim.body else { panic!("a retraction") };
        name_target(bus, &Scope::actual(), retraction).await.unwrap();
        draft
    }

    async fn offer(outbox: &Outbox, draft: Draft) {
        let placed = outbox.offer(vec![draft]).await.unwrap();
        soon(outbox.acknowledged(placed[0].sequence)).await.unwrap();
    }

    /// The sequences that the log holds once it holds these.
    async fn holds(bus: &Bus, expected: &[u64]) {
        soon(async {
            loop {
                let mut reader = Reader::new(bus, &Scope::actual(), 0);
                let records = reader.next().await.unwrap().records;
                if records.iter().map(|record| record.sequence).eq(expected.iter().copied()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    fn serve(bus: &Bus, stop: &CancellationToken) -> [JoinHandle<()>; 2] {
        let (scope, legs) = (Scope::actual(), Legs::default());
        let streams = Streams::of("actual", Audiences::default());
        let room = Arc::new(Room::new(streams, Arc::new(Model::v1().unwrap())));
        let clock = legs.clock();
        let eraser = Eraser { room: Arc::clone(&room), bus: bus.clone(), scope: scope.clone(), clock };
        [tokio::spawn(follow(room, bus.clone(), scope, legs, stop.clone())), tokio::spawn(eraser.run(stop.clone()))]
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_withdrawn_for_good_is_erased_at_the_start_and_while_the_server_runs() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::open(&folder.path().join("key")).unwrap();
        let (_server, bus) = nats(folder.path(), &identity).await;
        let options = OutboxOptions {
            dir: folder.path().join("outbox"),
            org: "local".into(),
            feed: "desk".into(),
            scope: Scope::actual(),
            identity,
            capacity_bytes: OutboxOptions::CAPACITY,
        };
        let outbox = Outbox::open(options).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(pump(outbox.clone(), bus.clone(), stop.clone()));
        for number in 1..=3 {
            offer(&outbox, note(number)).await;
        }
        let first = retraction(&outbox, &bus, 4, 1).await;
        offer(&outbox, first).await;
        holds(&bus, &[1, 2, 3, 4]).await;

        let tasks = serve(&bus, &stop);
        holds(&bus, &[2, 3, 4]).await;
        let second = retraction(&outbox, &bus, 5, 3).await;
        offer(&outbox, second).await;
        holds(&bus, &[2, 4, 5]).await;
        assert!(entente_journal::verify(&bus, &Scope::actual()).await.unwrap().is_clean());
        stop.cancel();
        for task in tasks {
            soon(task).await.unwrap();
        }
    }
}
