//! The feed `gcp-operations`: what is done to machines, zone by zone, as far as it is a repair: a disk that is repaired on a
//! rescue machine, a restart. Which machines were in need of one the fleet knows.

mod course;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::speaker::Speaker;
use entente_sidecar::Told;
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::fleet::{Fleet, FleetError, Repair};
use entente_sidecar::item::{FeedProfile, Reading, UnmappedWord};
use entente_sidecar::poll::Failure;
use entente_sidecar::stamp::instant;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use google_cloud_compute_v1::model::Operation;
use google_cloud_gax::paginator::Paginator as _;

use super::api::OPERATIONS;
use super::asked::Asked;
use super::atlas::Atlas;
use super::compute::unkept;
use super::cursor::Cursor;
use super::feed::{Feed, Read, own_profile};
use super::google::Google;
use super::pages::Pages;
use course::{Operations, State, judge, last_moved};
use table::Status;

pub(crate) use table::Table;

/// The native system.
pub(crate) const SYSTEM: &str = "gcp.operations";
pub(crate) const SLUG: &str = "gcp-operations";
const CHANNEL: &str = "https://compute.googleapis.com";

/// The approaches that leave these traces, as the fleet's table calls them.
const RESCUE: &str = "gcp-rescue-vm";
const RESTART: &str = "gcp-restart";

/// Elements of a page, and pages of one zone that are read.
const PAGE: u32 = 500;
const PAGES_MAX: usize = 200;
/// Zones that are asked beside each other.
const AT_ONCE: usize = 8;
/// How far back is read again: an operation may be listed later than one that was asked for after it.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// How long operations on a machine are remembered after the last, unless the first look goes further back.
const KEPT: TimeDelta = TimeDelta::hours(48);

/// A project and a zone.
type Place = (String, String);

/// What one zone told: its operations, and from when on to read next time.
type Listed = (Place, Vec<Operation>, DateTime<Utc>);

/// What is done to machines.
pub(crate) struct Repairs {
    profile: FeedProfile,
    table: Arc<Table>,
    google: Google,
    fleet: Fleet,
    atlas: Atlas,
    lookback: TimeDelta,
    /// From when on operations are read.
    since: BTreeMap<Place, DateTime<Utc>>,
    machines: BTreeMap<u64, Case>,
    cursor: Cursor,
}

/// What is done to one machine.
#[derive(Debug, Default)]
struct Case {
    /// The machine's project and zone, as the cursor calls them.
    place: String,
    operations: Operations,
    /// What was told of it; nothing yet since the start.
    told: Option<course::Told>,
}

/// What the feed is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) google: Google,
    pub(crate) fleet: Fleet,
    pub(crate) atlas: Atlas,
    pub(crate) lookback: TimeDelta,
    pub(crate) cadence: Cadence,
    pub(crate) speaker: Speaker,
    /// Where it is kept up to when what was done has been told.
    pub(crate) cursor: PathBuf,
}

/// The feed.
pub(crate) fn feed(parts: Parts) -> Feed<Repairs> {
    let table = Arc::new(Table::compiled_in());
    let profile = own_profile(SLUG, SYSTEM, CHANNEL, &parts.speaker, table.version());
    let Parts { google, fleet, atlas, lookback, cadence, cursor, .. } = parts;
    let (since, machines, cursor) = (BTreeMap::new(), BTreeMap::new(), Cursor::open(cursor));
    let repairs = Repairs { profile, table, google: google.clone(), fleet, atlas, lookback, since, machines, cursor };
    Feed::new(repairs, google, cadence)
}

impl Read for Repairs {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        self.look(clock).boxed()
    }

    fn is_hit(&self) -> bool {
        self.fleet.is_hit()
    }
}

impl Repairs {
    async fn look(&mut self, clock: Clock) -> Result<Told, Failure> {
        let zones = self.atlas.zones().await?;
        let mut asked = Asked::of("zone");
        let mut reading = Reading::default();
        let asking = zones.into_iter().map(|place| {
            let since = self.since.get(&place).copied();
            let since = since.or_else(|| clock.now().checked_sub_signed(self.lookback));
            self.list(place, since.unwrap_or(DateTime::UNIX_EPOCH), clock).boxed()
        });
        let answers: Vec<_> = stream::iter(asking.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        let now = clock.now();
        for (place, operations, next) in answers.into_iter().filter_map(|answer| asked.note(answer)) {
            operations.iter().for_each(|operation| self.take(&place, operation, now, &mut reading));
            self.since.insert(place, next);
        }
        self.tell(now).map_err(unkept)?;
        self.forget(now);
        reading.items = self.fleet.runs(SYSTEM, now).map_err(unkept)?;
        asked.told(reading)
    }

    /// The operations of a zone that are not older than that, and from when on to read next time.
    async fn list(&self, place: Place, since: DateTime<Utc>, clock: Clock) -> Result<Listed, Failure> {
        let (project, zone) = (&place.0, &place.1);
        let list = self.google.operations(OPERATIONS).await?.list().set_project(project).set_zone(zone);
        let mut pages = list.set_max_results(PAGE).set_order_by("creationTimestamp desc").by_page();
        let (mut all, mut turned) = (Vec::<Operation>::new(), Pages::of(OPERATIONS, PAGES_MAX));
        let mut read = 0;
        while let Some(page) = turned.turn((&self.google, project), pages.next()).await? {
            read += 1;
            let times = page.items.iter().filter_map(|operation| asked_for(operation, clock.now()));
            let old = times.min().is_some_and(|oldest| oldest < since);
            all.extend(page.items);
            if old {
                break;
            }
            if read == PAGES_MAX {
                tracing::warn!(zone, "operations beyond the newest {PAGES_MAX} pages are not looked at");
                break;
            }
        }
        all.retain(|operation| asked_for(operation, clock.now()).is_some_and(|at| at >= since));
        let next = next_since(&all, since, &self.table, clock.now());
        Ok((place, all, next))
    }

    fn take(&mut self, place: &Place, operation: &Operation, now: DateTime<Utc>, reading: &mut Reading) {
        let word = operation.operation_type.as_deref().unwrap_or_default();
        let Some(kind) = self.table.kind(word) else { return };
        let (Some(machine), Some(at)) = (operation.target_id, asked_for(operation, now)) else { return };
        // What was forgotten is listed for long, and would be told anew.
        if now - at >= self.kept() {
            return;
        }
        let state = self.state(operation, reading);
        let ended = operation.end_time.as_deref().or(operation.start_time.as_deref());
        let moved = ended.and_then(|text| instant(text, now).ok()).unwrap_or(at);
        let case = self.machines.entry(machine).or_default();
        case.place = format!("{}/{}", place.0, place.1);
        case.operations.insert((at, operation.id.unwrap_or_default()), course::Operation { kind, state, moved });
    }

    fn state(&self, operation: &Operation, reading: &mut Reading) -> State {
        let status = operation.status.as_ref().and_then(|status| status.name()).unwrap_or_default();
        match self.table.status(status) {
            Some(Status::Done) if failed(operation) => State::Failed,
            Some(Status::Done) => State::Done,
            Some(Status::Open) => State::Open,
            None => {
                let word = status.chars().take(60).collect();
                let unmapped = UnmappedWord { field: "status".into(), word, read_as: "open".into() };
                *reading.unmapped.entry(unmapped).or_default() += 1;
                State::Open
            }
        }
    }

    /// Tells the fleet what is new; the same told again later could be taken for a repair of a later failure.
    fn tell(&mut self, now: DateTime<Utc>) -> Result<(), FleetError> {
        for (machine, case) in &mut self.machines {
            let told = judge(&case.operations, now);
            let moved = last_moved(&case.operations).unwrap_or(now);
            let known = case.told.or_else(|| self.cursor.covers(&case.place, moved).then_some(told));
            let (before, device) = (known.unwrap_or_default(), machine.to_string());
            for (approach, progress, before) in
                [(RESTART, told.restart, before.restart), (RESCUE, told.rescue, before.rescue)]
            {
                if let Some(progress) = progress.filter(|_| progress != before) {
                    self.fleet.repair(Repair { device: &device, approach, progress, observed: now })?;
                }
            }
            case.told = Some(told);
        }
        // Only what is on disk has been told.
        self.fleet.keep()?;
        let cases = self.machines.values();
        self.cursor.reach(cases.filter_map(|case| Some((case.place.clone(), last_moved(&case.operations)?))));
        Ok(())
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        let kept = self.kept();
        self.machines.retain(|_, case| {
            let last = case.operations.last_key_value();
            last.is_some_and(|((at, _), _)| now - *at < kept)
        });
    }

    fn kept(&self) -> TimeDelta {
        KEPT.max(self.lookback)
    }
}

/// When an operation was asked for.
fn asked_for(operation: &Operation, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = operation.insert_time.as_deref().or(operation.start_time.as_deref())?;
    instant(text, now).ok()
}

fn failed(operation: &Operation) -> bool {
    let errors = operation.error.as_ref().is_some_and(|error| !error.errors.is_empty());
    errors || operation.http_error_status_code.is_some_and(|code| code >= 400)
}

/// From where on to read next time: what is still open is read until it ended, and what may be listed late too.
fn next_since(listed: &[Operation], since: DateTime<Utc>, table: &Table, now: DateTime<Utc>) -> DateTime<Utc> {
    let times = |operation: &Operation| asked_for(operation, now);
    let newest = listed.iter().filter_map(times).max().map_or(since, |newest| newest - OVERLAP);
    let open = listed.iter().filter(|operation| {
        let status = operation.status.as_ref().and_then(|status| status.name()).unwrap_or_default();
        table.status(status) != Some(Status::Done)
    });
    open.filter_map(times).min().map_or(newest, |oldest| oldest.min(newest)).max(since)
}
