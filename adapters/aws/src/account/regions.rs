//! Which regions are read: those of the settings, else all that the account has enabled. They are kept on disk, since the
//! region that tells them may be the one that fails when this program begins.

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

/// What was found, and when.
type Found = Option<(DateTime<Utc>, Vec<String>)>;

/// The regions. Clones share what is known.
#[derive(Clone)]
pub(crate) struct Regions {
    caller: Caller,
    given: Vec<String>,
    file: PathBuf,
    found: Arc<Mutex<Found>>,
}

impl Regions {
    /// These regions; if none, those that the account has enabled, which are kept in a file.
    pub(crate) fn new(caller: Caller, given: Vec<String>, file: PathBuf) -> Self {
        let kept = kept(&file).map(|names| (DateTime::UNIX_EPOCH, names));
        Self { caller, given, file, found: Arc::new(Mutex::new(kept)) }
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
        if let Some((when, known)) = found.as_ref()
            && now - *when < AGAIN
        {
            return Ok((known.clone(), None));
        }
        match (self.enabled().await, found.as_ref()) {
            (Ok(names), known) => {
                if known.is_none_or(|(_, known)| *known != names) {
                    keep(&self.file, &names);
                }
                *found = Some((now, names.clone()));
                Ok((names, None))
            }
            (Err(failure), Some((_, known))) => Ok((known.clone(), Some(failure))),
            (Err(failure), None) => Err(failure),
        }
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
fn kept(file: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(file).ok()?;
    let names: Vec<String> = text.lines().filter(|name| is_region(name)).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

/// A disk that takes nothing costs a list at the next start, if AWS does not answer then.
fn keep(file: &Path, names: &[String]) {
    let beside = file.with_extension("new");
    let written = std::fs::write(&beside, names.join("\n")).and_then(|()| std::fs::rename(&beside, file));
    if let Err(error) = written {
        tracing::warn!(%error, "the list of regions is not kept");
    }
}
