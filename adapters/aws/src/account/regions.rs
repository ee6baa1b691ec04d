//! Which regions are read: those of the settings, else all that the account has enabled. They are kept on disk, since the
//! region that tells them may be the one that fails when this program begins; and so are those that it named once and names
//! no longer, since what was last seen there would stand for ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_ec2::types::Region;
use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::poll::Failure;
use tokio::sync::Mutex;

use super::api::DESCRIBE_REGIONS;
use super::call::Caller;
use super::config::is_region;

/// How often it is asked which regions there are.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// What stands in the file before a region that is named no longer.
const LEFT: char = '-';

/// What was found, and when.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    when: DateTime<Utc>,
    names: Vec<String>,
    /// Regions that were named once and are no longer.
    left: BTreeSet<String>,
}

/// The regions. Clones share what is known.
#[derive(Clone)]
pub(crate) struct Regions {
    caller: Caller,
    given: Vec<String>,
    file: PathBuf,
    found: Arc<Mutex<Option<Found>>>,
}

impl Regions {
    /// These regions; if none, those that the account has enabled, which are kept in a file.
    pub(crate) fn new(caller: Caller, given: Vec<String>, file: PathBuf) -> Self {
        let found = Arc::new(Mutex::new(kept(&file)));
        Self { caller, given, file, found }
    }

    /// The regions now. What was once found stands while AWS does not answer; why it does not goes with it.
    ///
    /// # Errors
    /// If AWS does not say which there are, and never did.
    pub(crate) async fn list(&self, now: DateTime<Utc>) -> Result<(Vec<String>, Option<Failure>), Failure> {
        if !self.given.is_empty() {
            return Ok((self.given.clone(), None));
        }
        let mut found = self.found.lock().await;
        if let Some(known) = found.as_ref().filter(|known| now - known.when < AGAIN) {
            return Ok((known.names.clone(), None));
        }
        match (self.enabled().await, found.as_ref()) {
            (Ok(names), known) => {
                let before = known.into_iter().flat_map(|known| known.left.iter().chain(&known.names));
                let left = before.filter(|name| !names.contains(*name)).cloned().collect();
                let new = Found { when: now, names: names.clone(), left };
                if known.is_none_or(|known| (&known.names, &known.left) != (&new.names, &new.left)) {
                    keep(&self.file, &new);
                }
                *found = Some(new);
                Ok((names, None))
            }
            (Err(failure), Some(known)) => Ok((known.names.clone(), Some(failure))),
            (Err(failure), None) => Err(failure),
        }
    }

    /// Regions that AWS named once, to this run of the program or to an earlier one, and names no longer: nothing is known of
    /// what is there. None where the settings say what is read.
    pub(crate) async fn left(&self) -> Vec<String> {
        if !self.given.is_empty() {
            return Vec::new();
        }
        self.found.lock().await.iter().flat_map(|found| found.left.clone()).collect()
    }

    /// Those that are enabled for the account.
    async fn enabled(&self) -> Result<Vec<String>, Failure> {
        let clients = self.caller.clients();
        let call = clients.ec2(clients.home()).await.describe_regions().send();
        let answer = self.caller.call(DESCRIBE_REGIONS, clients.home(), call).await?;
        let names = answer.regions().iter().filter_map(Region::region_name).map(str::to_owned);
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        if names.is_empty() {
            let text = format!("{}: no region is named; name those to read in `regions`", DESCRIBE_REGIONS.name);
            return Err(Failure::new("unreadable", text));
        }
        Ok(names)
    }
}

/// What an earlier run of this program kept, if anything.
fn kept(file: &Path) -> Option<Found> {
    let text = std::fs::read_to_string(file).ok()?;
    let regions = |lines: Vec<&str>| lines.into_iter().filter(|name| is_region(name)).map(str::to_owned).collect();
    let names: Vec<String> = regions(text.lines().collect());
    let left: Vec<String> = regions(text.lines().filter_map(|line| line.strip_prefix(LEFT)).collect());
    let left = left.into_iter().collect();
    (!names.is_empty()).then_some(Found { when: DateTime::UNIX_EPOCH, names, left })
}

/// A disk that takes nothing costs a list at the next start, if AWS does not answer then.
fn keep(file: &Path, found: &Found) {
    let left = found.left.iter().map(|name| format!("{LEFT}{name}"));
    let lines: Vec<String> = found.names.iter().cloned().chain(left).collect();
    let beside = file.with_extension("new");
    let written = std::fs::write(&beside, lines.join("\n")).and_then(|()| std::fs::rename(&beside, file));
    if let Err(error) = written {
        tracing::warn!(%error, "the list of regions is not kept");
    }
}
