//! Which audiences are read, as long as the server runs: that of everybody, and every sharing group of the data folder, also
//! one that is made meanwhile. Each has a loop that follows its stream and one that erases in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entente_journal::{Audiences, Bus, Legs, Scope};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::erase::Eraser;
use crate::follow::follow;
use crate::room::Room;

/// How often the folder's file of sharing groups is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Reads all audiences until stopped.
pub(crate) struct Reading {
    pub(crate) room: Arc<Room>,
    pub(crate) bus: Bus,
    pub(crate) legs: Legs,
    /// The folder's file of sharing groups.
    pub(crate) file: PathBuf,
}

type Tasks = BTreeMap<Scope, [JoinHandle<()>; 2]>;

impl Reading {
    /// Reads until stopped, and gives back how the loops ended.
    ///
    /// # Errors
    /// If one of them ended badly.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), JoinError> {
        let (mut tasks, mut mistake) = (Tasks::new(), None);
        loop {
            for scope in self.room.streams().scopes() {
                tasks.entry(scope).or_insert_with_key(|scope| self.start(scope, &stop));
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                break;
            }
            self.look(&mut mistake).await;
        }
        for task in tasks.into_values().flatten() {
            task.await?;
        }
        Ok(())
    }

    fn start(&self, scope: &Scope, stop: &CancellationToken) -> [JoinHandle<()>; 2] {
        let (room, bus, scope) = (Arc::clone(&self.room), self.bus.clone(), scope.clone());
        let eraser = Eraser { room, bus, scope, clock: self.legs.clock() };
        let (room, bus, scope) = (Arc::clone(&self.room), self.bus.clone(), eraser.scope.clone());
        let following = tokio::spawn(follow(room, bus, scope, self.legs.clone(), stop.clone()));
        [following, tokio::spawn(eraser.run(stop.clone()))]
    }

    /// Takes over what the file names now. One that cannot be read changes nothing and is told once.
    async fn look(&self, mistake: &mut Option<String>) {
        let file = self.file.clone();
        let names = match tokio::task::spawn_blocking(move || Audiences::read(&file)).await {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                let told = error.to_string();
                if mistake.as_ref() != Some(&told) {
                    tracing::warn!("{told}; until then the groups are read that were known before");
                    *mistake = Some(told);
                }
                return;
            }
            Err(error) => return tracing::error!(%error, "looking at the sharing groups"),
        };
        *mistake = None;
        let known = self.room.streams();
        let renamed = known.renamed(names);
        if renamed != *known {
            for (id, name) in renamed.names().filter(|(id, _)| known.audience(id).is_none()) {
                tracing::info!("sharing group {name}, {id}, is read from now on");
            }
            self.room.read(renamed);
        }
    }
}
