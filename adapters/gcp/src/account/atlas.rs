//! The zones in which projects have machines, as the list of machines showed them: operations are asked for zone by zone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use entente_sidecar::poll::Failure;
use tokio::sync::watch;
use tokio::time::timeout;

type Zones = BTreeMap<String, BTreeSet<String>>;

/// The zones, by project. Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Atlas {
    /// Nothing before the first list.
    seen: Arc<watch::Sender<Option<Zones>>>,
    wait: Duration,
}

impl Atlas {
    /// An empty one; whoever asks waits so long for the first list.
    pub(crate) fn new(wait: Duration) -> Self {
        Self { seen: Arc::new(watch::Sender::new(None)), wait }
    }

    /// Takes note of the zones of one project's machines.
    pub(crate) fn note(&self, project: &str, zones: BTreeSet<String>) {
        self.seen.send_modify(|seen| {
            seen.get_or_insert_default().insert(project.to_owned(), zones);
        });
    }

    /// Every project with every zone in which it has machines.
    ///
    /// # Errors
    /// If no list has come in time.
    pub(crate) async fn zones(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut seen = self.seen.subscribe();
        let Ok(Ok(seen)) = timeout(self.wait, seen.wait_for(Option::is_some)).await else {
            let text = "no zone is known until the feed gcp-compute has listed machines; look at what that feed lacks";
            return Err(Failure::new("waiting", text));
        };
        let zones = seen.iter().flatten();
        let pairs = zones.flat_map(|(project, zones)| zones.iter().map(|zone| (project.clone(), zone.clone())));
        Ok(pairs.collect())
    }
}
