//! The feed `gcp-osconfig`: patch jobs, machine by machine. That a job has ended well on a machine says that the workflow
//! did: until the machine is seen well it is an attempt.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::speaker::Speaker;
use entente_sidecar::Told;
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::fleet::{Fleet, FleetError, Progress, Repair};
use entente_sidecar::item::{FeedProfile, Reading, UnmappedWord};
use entente_sidecar::poll::Failure;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use google_cloud_gax::paginator::Paginator as _;
use google_cloud_osconfig_v1::model::{PatchJob, PatchJobInstanceDetails};

use super::api::{PATCH_DETAILS, PATCH_JOBS};
use super::asked::Asked;
use super::compute::unkept;
use super::feed::{Feed, Read, own_profile};
use super::google::Google;
use super::kept::Kept;
use super::pages::Pages;
use table::Job;

pub(crate) use table::Table;

/// The native system.
pub(crate) const SYSTEM: &str = "gcp.osconfig";
pub(crate) const SLUG: &str = "gcp-osconfig";
const CHANNEL: &str = "https://osconfig.googleapis.com";

/// The approach, as the fleet's table calls it.
const APPROACH: &str = "gcp-patch-job";

/// Elements of a page, and pages of one list that are read.
const PAGE: i32 = 100;
const PAGES_MAX: usize = 500;

/// Patch jobs.
pub(crate) struct PatchJobs {
    profile: FeedProfile,
    table: Arc<Table>,
    parts: Parts,
    /// What was told of each machine of a job, by the job's name. A job that has ended is told of once more, and then kept
    /// without its machines for as long as it is listed.
    jobs: BTreeMap<String, Known>,
    /// The names of those that have ended, over restarts: the same told again after a machine has failed anew would be taken
    /// for an attempt to mend that.
    told: Kept,
}

/// What the feed is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) google: Google,
    pub(crate) fleet: Fleet,
    pub(crate) projects: Vec<String>,
    /// What the names of jobs begin with that are repairs; all are if there are none.
    pub(crate) jobs: Vec<String>,
    pub(crate) lookback: TimeDelta,
    pub(crate) cadence: Cadence,
    pub(crate) speaker: Speaker,
    /// Where it is kept which jobs were told of to their end.
    pub(crate) told: PathBuf,
}

/// What was told of a job.
#[derive(Clone, Debug, Default)]
struct Known {
    ended: bool,
    machines: BTreeMap<u64, Progress>,
}

/// The feed.
pub(crate) fn feed(parts: Parts) -> Feed<PatchJobs> {
    let table = Arc::new(Table::compiled_in());
    let profile = own_profile(SLUG, SYSTEM, CHANNEL, &parts.speaker, table.version());
    let (google, cadence, told) = (parts.google.clone(), parts.cadence, Kept::at(parts.told.clone()));
    let ended = told.read::<BTreeSet<String>>().into_iter();
    let jobs = ended.map(|name| (name, Known { ended: true, machines: BTreeMap::new() })).collect();
    Feed::new(PatchJobs { profile, table, parts, jobs, told }, google, cadence)
}

impl Read for PatchJobs {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        self.look(clock).boxed()
    }

    fn is_hit(&self) -> bool {
        self.parts.fleet.is_hit()
    }
}

impl PatchJobs {
    async fn look(&mut self, clock: Clock) -> Result<Told, Failure> {
        let mut asked = Asked::of("project");
        let mut reading = Reading::default();
        let mut listed = BTreeSet::new();
        for project in self.parts.projects.clone() {
            let jobs = asked.note(self.jobs(&project, clock).await);
            for job in jobs.into_iter().flatten() {
                listed.insert(job.name.clone());
                match self.details(&project, &job, &mut reading).await {
                    Ok(details) => self.tell(&job, &details, clock.now(), &mut reading).map_err(unkept)?,
                    Err(failure) => asked.lack(vec![failure]),
                }
            }
        }
        if asked.all() {
            self.jobs.retain(|name, _| listed.contains(name));
        }
        reading.items = self.parts.fleet.runs(SYSTEM, clock.now()).map_err(unkept)?;
        asked.told(reading)
    }

    /// The jobs of a project that are repairs and not long past.
    async fn jobs(&self, project: &str, clock: Clock) -> Result<Vec<PatchJob>, Failure> {
        let since = clock.now().checked_sub_signed(self.parts.lookback).unwrap_or(DateTime::UNIX_EPOCH);
        let list = self.parts.google.patches(PATCH_JOBS).await?.list_patch_jobs();
        let mut pages = list.set_parent(format!("projects/{project}")).set_page_size(PAGE).by_page();
        let (mut jobs, mut turned) = (Vec::new(), Pages::of(PATCH_JOBS, PAGES_MAX));
        while let Some(page) = turned.turn((&self.parts.google, project), pages.next()).await? {
            jobs.extend(page.patch_jobs.into_iter().filter(|job| self.is_repair(job, since)));
        }
        Ok(jobs)
    }

    fn is_repair(&self, job: &PatchJob, since: DateTime<Utc>) -> bool {
        let named = &self.parts.jobs;
        let is_named = named.is_empty() || named.iter().any(|prefix| job.display_name.starts_with(prefix.as_str()));
        let at = changed(job);
        let open = job.state.name().and_then(|word| self.table.job(word)) == Some(Job::Open);
        !job.dry_run && is_named && (open || at.is_none_or(|at| at >= since))
    }

    /// The machines of a job; none if all was told already.
    async fn details(
        &self,
        project: &str,
        job: &PatchJob,
        reading: &mut Reading,
    ) -> Result<Vec<PatchJobInstanceDetails>, Failure> {
        if self.jobs.get(&job.name).is_some_and(|known| known.ended) {
            return Ok(Vec::new());
        }
        if self.state(job).is_none() {
            unknown(reading, "job", job.state.name().unwrap_or_default());
        }
        let list = self.parts.google.patches(PATCH_DETAILS).await?.list_patch_job_instance_details();
        let mut pages = list.set_parent(&job.name).set_page_size(PAGE).by_page();
        let (mut details, mut turned) = (Vec::new(), Pages::of(PATCH_DETAILS, PAGES_MAX));
        while let Some(page) = turned.turn((&self.parts.google, project), pages.next()).await? {
            details.extend(page.patch_job_instance_details);
        }
        Ok(details)
    }

    fn state(&self, job: &PatchJob) -> Option<Job> {
        self.table.job(job.state.name()?)
    }

    /// Tells the fleet what is new; the same told again later could be taken for a repair of a later failure.
    fn tell(
        &mut self,
        job: &PatchJob,
        details: &[PatchJobInstanceDetails],
        now: DateTime<Utc>,
        reading: &mut Reading,
    ) -> Result<(), FleetError> {
        let state = self.state(job).unwrap_or(Job::Open);
        let known = self.jobs.entry(job.name.clone()).or_default();
        for detail in details {
            let Ok(machine) = detail.instance_system_id.parse::<u64>() else { continue };
            let word = detail.state.name().unwrap_or_default();
            let Some(progress) = self.table.progress(word, state) else {
                unknown(reading, "machine", word);
                continue;
            };
            if known.machines.get(&machine) != Some(&progress) {
                let device = machine.to_string();
                self.parts.fleet.repair(Repair { device: &device, approach: APPROACH, progress, observed: now })?;
                known.machines.insert(machine, progress);
            }
        }
        if state != Job::Open && !known.ended {
            *known = Known { ended: true, machines: BTreeMap::new() };
            // Only what is on disk has been told.
            self.parts.fleet.keep()?;
            let ended = self.jobs.iter().filter(|(_, known)| known.ended);
            self.told.write(&ended.map(|(name, _)| name).collect::<BTreeSet<_>>());
        }
        Ok(())
    }
}

/// When a job last changed.
fn changed(job: &PatchJob) -> Option<DateTime<Utc>> {
    let time = job.update_time.as_ref().or(job.create_time.as_ref())?;
    DateTime::from_timestamp(time.seconds(), time.nanos().unsigned_abs())
}

fn unknown(reading: &mut Reading, field: &str, word: &str) {
    let (field, word) = (field.to_owned(), word.chars().take(60).collect());
    let read_as = "nothing".to_owned();
    *reading.unmapped.entry(UnmappedWord { field, word, read_as }).or_default() += 1;
}
