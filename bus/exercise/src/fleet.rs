//! The machines that a double tells of: who they are, and in which condition each is now. A script moves them; every double
//! renders them in its provider's own words.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::secret;

/// The operating system of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Os {
    /// Windows.
    Windows,
    /// Any Linux.
    Linux,
}

/// How a machine fares. What a provider can see of it is the double's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Runs, and its guest answers.
    Well,
    /// Runs, and its guest boots over and over.
    BootLoop,
    /// Its host has failed.
    HostDown,
    /// Its disk does not answer.
    StorageStuck,
    /// Starts; not known yet.
    Starting,
    /// Stopped, by its owner or for a repair.
    Stopped,
    /// Gone for good.
    Terminated,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its place in the fleet, from which doubles make their provider's ids; stable.
    pub number: usize,
    /// Its name, which must never be heard on a bus.
    pub name: String,
    /// Its operating system.
    pub os: Os,
    /// The provider's code of its region.
    pub region: String,
    /// The provider's code of its zone.
    pub zone: String,
    /// Whether an agent inside reports that the guest lives.
    pub agent: bool,
    /// How it fares.
    pub condition: Condition,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A fleet that several doubles may share. Clones are one fleet.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    machines: Arc<Mutex<Vec<Machine>>>,
}

impl Fleet {
    /// A fleet without machines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds machines that are well since `since`, and gives their numbers. `place` names region and zone.
    pub fn add(&self, count: usize, os: Os, place: (&str, &str), agent: bool, since: DateTime<Utc>) -> Vec<usize> {
        let mut machines = self.lock();
        let first = machines.len();
        machines.extend((first..first + count).map(|number| Machine {
            number,
            name: format!("fin-prod-{}-{number:05}", if os == Os::Windows { "win" } else { "lnx" }),
            os,
            region: place.0.to_owned(),
            zone: place.1.to_owned(),
            agent,
            condition: Condition::Well,
            since,
        }));
        secret::serve(machines.iter().skip(first).map(|machine| machine.name.clone()));
        (first..first + count).collect()
    }

    /// Brings machines into a condition at a moment. Numbers that no machine has are passed over.
    pub fn set(&self, numbers: impl IntoIterator<Item = usize>, condition: &Condition, since: DateTime<Utc>) {
        let mut machines = self.lock();
        for number in numbers {
            if let Some(machine) = machines.get_mut(number) {
                (machine.condition, machine.since) = (condition.clone(), since);
            }
        }
    }

    /// The machines as they are now.
    #[must_use]
    pub fn machines(&self) -> Vec<Machine> {
        self.lock().clone()
    }

    /// Every name, for whoever looks for them where they must not be.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.lock().iter().map(|machine| machine.name.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
