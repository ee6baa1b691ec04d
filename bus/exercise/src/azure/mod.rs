//! A double of Azure's management interface (ARM) and of its token endpoints: Resource Graph, virtual machines with
//! their instance views, Resource Health, Service Health, emerging issues and run commands, page by page. It plays a fleet,
//! statements that a script makes, and recorded calls. Paths are read in any case, ids are written in mixed case.

mod answer;
mod compute;
mod graph;
mod health;
mod kql;
mod replay;
mod route;
mod stage;
mod token;

use std::io;

use axum::Router;
use chrono::{DateTime, Utc};
use serde_json::Value;

pub use replay::ReplayError;
pub use stage::{Judged, Repair, Run};

use crate::served::Call;
use crate::{Faults, Fleet, Served};
use stage::Stage;

/// A double that is listening. Everything it tells is changed through this handle, at any time.
#[derive(Debug)]
pub struct Azure {
    served: Served,
    stage: Stage,
}

impl Azure {
    /// Starts listening, with two subscriptions among which the machines of the fleet are dealt out.
    ///
    /// # Errors
    /// If no port of loopback is free.
    pub async fn start(fleet: Fleet, faults: Faults) -> io::Result<Self> {
        let stage = Stage::new(fleet, faults);
        let served = Served::start(Router::new().fallback(route::answer).with_state(stage.clone())).await?;
        Ok(Self { served, stage })
    }

    /// Its address, `http://127.0.0.1:PORT`. It answers as `https://management.azure.com` and as
    /// `https://login.microsoftonline.com` do.
    #[must_use]
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// Where a managed identity gets its token, as App Service offers it.
    #[must_use]
    pub fn identity_endpoint(&self) -> String {
        format!("{}/msi/token", self.served.url())
    }

    /// What was asked so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.served.calls()
    }

    /// The ids of its subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<String> {
        self.stage.script().subscriptions.clone()
    }

    /// The id of its tenant.
    #[must_use]
    pub fn tenant(&self) -> String {
        self.stage.script().tenant.clone()
    }

    /// Sets how many elements an answer holds at most.
    pub fn page(&self, elements: usize) {
        self.stage.script().page = elements.max(1);
    }

    /// Has Resource Graph answer in columns and rows, as its older versions do, whatever was asked for.
    pub fn table(&self, table: bool) {
        self.stage.script().table = table;
    }

    /// Has every further `nextLink` lead to this address instead; to its own again if none.
    pub fn lead_astray(&self, address: Option<&str>) {
        self.stage.script().astray = address.map(str::to_owned);
    }

    /// Keeps the details of a machine's health to itself: neither heartbeat nor agent are told.
    pub fn hide_agents(&self, hide: bool) {
        self.stage.script().hide_agents = hide;
    }

    /// States an event of Service Health to the subscriptions, in place of what was stated of it before. `event` is an
    /// element of ARM's list: `name` and `properties`.
    pub fn state(&self, event: Value) {
        stage::put(&mut self.stage.script().events, event);
    }

    /// States an event to the tenant, in the same way.
    pub fn state_to_tenant(&self, event: Value) {
        stage::put(&mut self.stage.script().tenant_events, event);
    }

    /// Drops an event, as happens once it is too old.
    pub fn forget(&self, name: &str) {
        let mut script = self.stage.script();
        script.events.retain(|event| event["name"] != name);
        script.tenant_events.retain(|event| event["name"] != name);
    }

    /// Names machines of the fleet as hit by an event.
    pub fn impact(&self, tracking_id: &str, machines: impl IntoIterator<Item = usize>) {
        let machines = machines.into_iter().collect();
        self.stage.script().impacted.insert(tracking_id.to_owned(), machines);
    }

    /// Shows an emerging issue: `properties` of ARM's answer.
    pub fn emerge(&self, properties: Value) {
        self.stage.script().emerging = Some(properties);
    }

    /// Brings the repair of a machine to a point, as `az vm repair` would; none undoes all but a disk that was swapped.
    pub fn repair(&self, machine: usize, repair: Option<Repair>) {
        self.stage.repair(machine, repair);
    }

    /// Has the caller's right to read a subscription taken away, or given back: it is not listed, refuses each call, and
    /// Resource Graph leaves out what is in it.
    pub fn refuse(&self, subscription: &str, refused: bool) {
        let mut script = self.stage.script();
        if refused {
            script.refused.insert(subscription.to_owned());
        } else {
            script.refused.remove(subscription);
        }
    }

    /// Has the platform judge a machine in this way; by its condition again if none.
    pub fn judge(&self, machine: usize, judged: Option<Judged>) {
        let mut script = self.stage.script();
        match judged {
            Some(judged) => script.judged.insert(machine, judged),
            None => script.judged.remove(&machine),
        };
    }

    /// Deletes the machine that repairs this one, while Resource Graph goes on to tell of it.
    pub fn lag(&self, machine: usize) {
        self.stage.script().lagging.insert(machine);
    }

    /// Has each row of a machine hold this value at a JSON pointer, where the row has a member there; as it should again if
    /// there is none.
    pub fn spoil(&self, machine: usize, member: Option<(&str, Value)>) {
        let mut script = self.stage.script();
        match member {
            Some((member, value)) => script.spoiled.entry(machine).or_default().push((member.to_owned(), value)),
            None => drop(script.spoiled.remove(&machine)),
        }
    }

    /// Has Resource Graph say that so many questions are left to the caller within five seconds.
    pub fn share(&self, left: u32) {
        self.stage.script().share_left = left;
    }

    /// Sets the resources of other kinds in Resource Health: elements of ARM's list of availability statuses.
    pub fn set_statuses(&self, statuses: Vec<Value>) {
        self.stage.script().statuses = statuses;
    }

    /// Answers with what was recorded, where it was recorded: a cassette of `interactions`, or an example of the
    /// specification with `operationId` and `responses`.
    ///
    /// # Errors
    /// If the value is neither.
    pub fn replay(&self, recorded: &Value) -> Result<(), ReplayError> {
        let recorded = replay::read(recorded, &self.stage.script().subscriptions)?;
        self.stage.script().recorded.extend(recorded);
        Ok(())
    }

    /// Tokens given out before `moment` are no longer taken.
    pub fn revoke_before(&self, moment: DateTime<Utc>) {
        self.stage.script().tokens.retain(|_, given| *given >= moment);
    }
}
