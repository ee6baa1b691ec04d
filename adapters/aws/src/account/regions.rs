//! Which regions are read: those of the settings, else all that the account has enabled.

use std::sync::Arc;

use aws_sdk_ec2::types::Region;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::api::DESCRIBE_REGIONS;
use super::call::{Caller, Denied};

/// How often it is asked which regions there are.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// What was found, and when.
type Found = Option<(DateTime<Utc>, Vec<String>)>;

/// The regions. Clones share what is known.
#[derive(Clone)]
pub(crate) struct Regions {
    caller: Caller,
    given: Vec<String>,
    found: Arc<Mutex<Found>>,
}

impl Regions {
    /// These regions; if none, those that the account has enabled.
    pub(crate) fn new(caller: Caller, given: Vec<String>) -> Self {
        Self { caller, given, found: Arc::default() }
    }

    /// The regions now. What was once found stands while AWS does not answer.
    pub(crate) async fn list(&self, now: DateTime<Utc>) -> Result<Vec<String>, Denied> {
        if !self.given.is_empty() {
            return Ok(self.given.clone());
        }
        let mut found = self.found.lock().await;
        let known = match found.as_ref() {
            Some((when, known)) if now - *when < AGAIN => return Ok(known.clone()),
            Some((_, known)) => Some(known.clone()),
            None => None,
        };
        let clients = self.caller.clients();
        let call = clients.ec2(clients.home()).await.describe_regions().send();
        match (self.caller.call(DESCRIBE_REGIONS, clients.home(), call).await, known) {
            (Ok(answer), _) => {
                let names = answer.regions().iter().filter_map(Region::region_name).map(str::to_owned);
                let mut names: Vec<String> = names.collect();
                names.sort_unstable();
                *found = Some((now, names.clone()));
                Ok(names)
            }
            (Err(_), Some(known)) => Ok(known),
            (Err(denied), None) => Err(denied),
        }
    }
}
