//! What a round of looks means for the fleet: how each machine was seen, who is gone, and of whom nothing is known.

use chrono::{DateTime, Utc};
use entente_sidecar::decode::refuse_item;
use entente_sidecar::fleet::{FleetError, Os, Place, Seen, Sighting};
use entente_sidecar::item::Reading;
use entente_sidecar::poll::Failure;

use super::Parts;
use super::look::{Look, Project, is_unreadable};
use super::machine::Machine;
use super::round::Round;
use super::sign::seen;
use super::table::{Status, Table};
use crate::account::api::INSTANCES;

/// By what looks are noted.
pub(super) struct Notes<'a> {
    pub(super) parts: &'a Parts,
    pub(super) table: &'a Table,
    pub(super) now: DateTime<Utc>,
}

impl Notes<'_> {
    /// Notes a look at each project, none where that failed; gives what is lacking.
    ///
    /// # Errors
    /// If the fleet's disk takes no more.
    pub(super) fn round(
        &self,
        projects: &mut [Project],
        looks: Vec<Option<Look>>,
        reading: &mut Reading,
    ) -> Result<Vec<Failure>, FleetError> {
        let (fleet, whole) = (&self.parts.fleet, looks.iter().all(Option::is_some));
        let mut round = Round::default();
        looks.iter().flatten().for_each(|look| round.join(&look.round));
        if whole {
            round.begin(fleet);
        }
        let mut lacks: Vec<Failure> = unreached(&round).into_iter().collect();
        for (project, look) in projects.iter_mut().zip(looks) {
            match look {
                Some(look) => lacks.extend(self.look(project, look, whole, reading)?),
                // Other projects' machines in the same places were seen: these alone are lost from sight.
                None => project.roll.machines().try_for_each(|id| self.told(id, Seen::Unknown))?,
            }
        }
        // The first is told: what cannot be read does not mend itself, as a place does that cannot be reached.
        lacks.sort_by_key(|lack| !is_unreadable(lack));
        round.end(fleet, whole, self.now)?;
        Ok(lacks)
    }

    fn look(
        &self,
        project: &mut Project,
        mut look: Look,
        whole: bool,
        reading: &mut Reading,
    ) -> Result<Vec<Failure>, FleetError> {
        let gone = project.roll.renew(&look.machines, |zone| look.round.is_dark(zone));
        self.parts.atlas.note(&project.id, project.roll.zones().map(str::to_owned).collect());
        for machine in std::mem::take(&mut look.machines) {
            self.see(&machine, &mut look)?;
        }
        // A sweep, which is there only if all projects answered, finds them all by itself.
        if !whole {
            gone.into_iter().try_for_each(|id| self.told(id, Seen::Gone))?;
        }
        reading.refused.append(&mut look.refused);
        for (word, count) in look.unmapped {
            *reading.unmapped.entry(word).or_default() += count;
        }
        Ok(look.lacks)
    }

    fn see(&self, machine: &Machine, look: &mut Look) -> Result<(), FleetError> {
        let (fleet, device) = (&self.parts.fleet, machine.id.to_string());
        let status = self.table.status(&machine.status);
        if status.is_none() && !machine.status.is_empty() {
            look.unknown("status", &machine.status);
        }
        let was_down = status == Some(Status::Guest) && fleet.is_down(&device);
        match fleet.see(seen(machine, &device, status, &look.signs, (was_down, self.now))) {
            Err(error @ FleetError::Place { .. }) => {
                let hidden = self.parts.secret.hide(&device);
                look.refused.push(refuse_item(error, "a machine", hidden.as_bytes()));
                Ok(())
            }
            noted => noted,
        }
    }

    /// What is known of a machine that was not listed; it is where it was.
    fn told(&self, machine: u64, seen: Seen<'_>) -> Result<(), FleetError> {
        let device = machine.to_string();
        self.parts.fleet.see(Sighting {
            device: &device,
            place: Place::default(),
            os: Os::Unknown,
            seen,
            since: None,
            launched: None,
            observed: self.now,
        })
    }
}

fn unreached(round: &Round) -> Option<Failure> {
    let dark: Vec<&str> = round.dark().collect();
    let text =
        || format!("{}: zones that cannot be reached: {}; they are asked again", INSTANCES.name, dark.join(", "));
    (!dark.is_empty()).then(|| Failure::new("zone-unreachable", text()))
}
