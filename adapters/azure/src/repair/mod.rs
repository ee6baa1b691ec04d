//! `azure-repair`: repairs of machines on other machines, from the traces that they leave. `az vm repair` tags the machine
//! that repairs with the one that is repaired, and in the end swaps the disk of the latter. Scripts that run on the machine
//! that repairs are read where they are kept.

mod course;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_sidecar::ask::Clock;
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{Fleet, Progress, Repair};
use entente_sidecar::item::{Reading, Refusal};
use entente_sidecar::poll::Failure;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::account::api::RUN_COMMANDS;
use crate::account::covered::covered;
use crate::account::lack::Lack;
use crate::account::subscriptions::Subscriptions;
use crate::arm::{Arm, Call, Graph, element, if_there};
use crate::asking::Question;
use crate::machine::not_kept;
use crate::resource::{group_and_name, resource, subscription};
pub(crate) use course::Courses;
use trace::{DISKS, DiskRow, REPAIRERS, RepairerRow, disks_of, run};

/// The native system.
pub(crate) const SYSTEM: &str = "azure.repair";
/// The approaches, by their slugs.
const REPAIR: &str = "azure-vm-repair";
const RUN: &str = "azure-run-command";

/// Machines whose scripts are looked at in one answer; the next looks at further ones.
const SCRIPTS: usize = 50;
/// Machines that one question asks for by name.
const NAMED: usize = 100;

/// What the feed works with.
pub(crate) struct Tools {
    pub(crate) arm: Arm,
    pub(crate) graph: Graph,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) fleet: Fleet,
    pub(crate) courses: Courses,
}

/// Of what in one look a row could not be read.
#[derive(Clone, Copy, Default)]
struct Unread {
    repairers: bool,
    disks: bool,
}

impl Unread {
    /// Each told once, whichever row it is.
    fn refused(self) -> Vec<Refusal> {
        let told = [(self.repairers, "a machine that repairs"), (self.disks, "the disk of a machine")];
        let told = told.into_iter().filter(|(unread, _)| *unread);
        told.map(|(_, what)| refuse_item(format!("a row that does not tell of {what}"), what, what.as_bytes()))
            .collect()
    }
}

/// The feed.
pub(crate) struct Repairs {
    tools: Arc<Tools>,
    /// Where looking at scripts goes on.
    next: usize,
    /// How the script for each repaired machine did last.
    scripts: BTreeMap<String, Progress>,
}

impl Repairs {
    pub(crate) fn new(tools: Arc<Tools>) -> Self {
        Self { tools, next: 0, scripts: BTreeMap::new() }
    }

    /// The call that lists the scripts of a machine.
    pub(crate) fn call(machine: &str) -> Option<Call> {
        let (subscription, (group, name)) = (subscription(machine)?, group_and_name(machine)?);
        let path = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}/runCommands"
        );
        Some(Call::get(RUN_COMMANDS, subscription, path).with("$expand", "instanceView"))
    }

    /// The machines that repair others, each with whom. With a row that cannot be read one may be missing.
    async fn repairers(&self, unread: &mut Unread) -> Result<Vec<trace::Pair>, Failure> {
        let mut pairs = Vec::new();
        let rows = self.tools.graph.rows(REPAIRERS, |row: Result<RepairerRow, String>| match row {
            Ok(row) => pairs.extend(row.pair()),
            Err(_) => unread.repairers = true,
        });
        rows.await?;
        Ok(pairs)
    }

    /// Looks at the disks of the machines that are being repaired. Gives those that were asked for and are not told of.
    async fn follow(&self, unread: &mut Unread, clock: Clock) -> Result<BTreeSet<String>, Failure> {
        let open = self.tools.courses.open();
        if open.nameless {
            return self.disks(DISKS, &[], unread, clock).await;
        }
        let mut missing = BTreeSet::new();
        for named in open.sources.chunks(NAMED) {
            missing.extend(self.disks(&disks_of(named), named, unread, clock).await?);
        }
        Ok(missing)
    }

    /// One question for disks.
    async fn disks(
        &self,
        query: &str,
        named: &[String],
        unread: &mut Unread,
        clock: Clock,
    ) -> Result<BTreeSet<String>, Failure> {
        let (mut rows, mut nameless): (Vec<DiskRow>, bool) = (Vec::new(), false);
        let told = self.tools.graph.rows(query, |row: Result<DiskRow, String>| match row {
            Ok(row) => rows.push(row),
            Err(_) => nameless = true,
        });
        told.await?;
        let mut missing: BTreeSet<String> = named.iter().cloned().collect();
        for row in rows {
            let machine = resource(&row.id);
            missing.remove(&machine);
            let Some(disk) = row.disk() else {
                unread.disks = true;
                continue;
            };
            match self.tools.courses.disk(&machine, disk) {
                course::Step::Begun => self.note(&machine, REPAIR, Progress::Running, clock)?,
                course::Step::Swapped => self.note(&machine, REPAIR, Progress::Ended, clock)?,
                course::Step::None => {}
            }
        }
        unread.disks |= nameless;
        // A row without a name may be any machine's.
        Ok(if nameless { BTreeSet::new() } else { missing })
    }

    /// Ends the repairs of machines that are no more, as far as Resource Graph answers for where they were.
    fn end(&self, missing: BTreeSet<String>, covered: &BTreeSet<String>, clock: Clock) -> Result<(), Failure> {
        let is_covered = |machine: &String| subscription(machine).is_some_and(|of| covered.contains(of));
        for machine in missing.into_iter().filter(is_covered) {
            self.tools.courses.end(&machine);
            self.note(&machine, REPAIR, Progress::NotFound, clock)?;
        }
        Ok(())
    }

    /// Looks at the scripts of repairs that go on; what stands for a machine is what was begun last.
    async fn scripts(&mut self, pairs: &[trace::Pair], clock: Clock, lack: &mut Lack) -> Result<(), Failure> {
        let open: BTreeSet<String> = self.tools.courses.open().sources.into_iter().collect();
        let pairs: Vec<&trace::Pair> = pairs.iter().filter(|pair| open.contains(&pair.source)).collect();
        let many = pairs.len().min(SCRIPTS);
        let from = self.next.checked_rem(pairs.len()).unwrap_or(0);
        self.next = from + many;
        self.scripts.retain(|source, _| open.contains(source));
        for pair in pairs.iter().cycle().skip(from).take(many) {
            let Some(call) = Self::call(&pair.repairer) else { continue };
            let told = lack.note(self.script(&call, &pair.repairer).await).flatten();
            let Some(progress) = told.filter(|progress| self.scripts.get(&pair.source) != Some(progress)) else {
                continue;
            };
            self.note(&pair.source, RUN, progress, clock)?;
            self.scripts.insert(pair.source.clone(), progress);
        }
        Ok(())
    }

    /// How the newest script of a machine does; none if there is none.
    async fn script(&self, call: &Call, machine: &str) -> Result<Option<Progress>, Failure> {
        let mut listed: Vec<Value> = Vec::new();
        // The machine may be gone since Resource Graph was asked, which knows of it a while longer.
        if_there(self.tools.arm.list(call, |raw| listed.extend(element::<Value>(raw).ok())).await)?;
        let mut newest = None;
        for script in listed {
            let told =
                if run(&script).is_some() { script } else { self.whole(machine, &script).await?.unwrap_or(script) };
            newest = newest.max(run(&told));
        }
        Ok(newest.map(|(_, progress)| progress))
    }

    /// A list may leave out how a script does; by its name it is told.
    async fn whole(&self, machine: &str, script: &Value) -> Result<Option<Value>, Failure> {
        let name = script.get("name").and_then(Value::as_str).filter(|name| !name.is_empty() && !name.contains('/'));
        let (Some(name), Some(mut call)) = (name, Self::call(machine)) else { return Ok(None) };
        call.path = format!("{}/{name}", call.path);
        if_there(self.tools.arm.whole(&call).await)
    }

    fn note(&self, device: &str, approach: &str, progress: Progress, clock: Clock) -> Result<(), Failure> {
        self.tools.fleet.repair(Repair { device, approach, progress, observed: clock.now() }).map_err(not_kept)
    }
}

impl Question for Repairs {
    async fn put(&mut self, clock: Clock) -> Result<Reading, Failure> {
        let (mut lack, mut unread) = (Lack::default(), Unread::default());
        let repairers = self.repairers(&mut unread).await?;
        self.tools.courses.begin(&repairers, clock.now());
        if self.tools.courses.is_busy() {
            let missing = self.follow(&mut unread, clock).await?;
            let covered = covered(&self.tools.graph, &self.tools.subscriptions, &mut lack).await;
            self.end(missing, &covered, clock)?;
            self.scripts(&repairers, clock, &mut lack).await?;
            let gone = if unread.repairers { BTreeSet::new() } else { covered };
            for done in self.tools.courses.vanished(&repairers, &gone, clock.now()) {
                self.note(&done, REPAIR, Progress::Failed, clock)?;
            }
        }
        self.tools.courses.keep().map_err(|error| Failure::new("ledger", error.to_string()))?;
        let (fleet, now) = (self.tools.fleet.clone(), clock.now());
        let items = spawn_blocking(move || fleet.runs(SYSTEM, now)).await;
        let items = items.map_err(|error| Failure::new("ledger", error.to_string()))?.map_err(not_kept)?;
        // A script that cannot be read costs only itself.
        let lacks = lack.told().unwrap_or_else(|all| Some(Box::new(all)));
        Ok(Reading { items, refused: unread.refused(), lacks, ..Reading::default() })
    }

    fn is_busy(&self) -> bool {
        self.tools.courses.is_busy()
    }
}
