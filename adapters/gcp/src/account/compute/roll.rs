//! The machines of a project as its last list showed them, zone by zone: whom nothing is known of while the project does not
//! answer, and who is there no more once it does.

use std::collections::BTreeMap;

use super::machine::Machine;

/// Ids of machines, sorted, by zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Roll(BTreeMap<String, Vec<u64>>);

impl Roll {
    /// Takes a list in the place of the last, but in zones that could not be asked; gives the machines that are gone.
    pub(super) fn renew(&mut self, machines: &[Machine], dark: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut listed = Self::default();
        for machine in machines {
            listed.0.entry(machine.zone.clone()).or_default().push(machine.id);
        }
        listed.0.values_mut().for_each(|ids| ids.sort_unstable());
        let mut gone = Vec::new();
        for (zone, ids) in std::mem::take(&mut self.0) {
            if dark(&zone) {
                listed.0.insert(zone, ids);
            } else {
                let there = listed.0.get(&zone).map_or(&[][..], Vec::as_slice);
                gone.extend(ids.into_iter().filter(|id| there.binary_search(id).is_err()));
            }
        }
        *self = listed;
        gone
    }

    /// The zones with machines.
    pub(super) fn zones(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Every machine.
    pub(super) fn machines(&self) -> impl Iterator<Item = u64> {
        self.0.values().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use entente_sidecar::fleet::Os;

    use super::*;

    fn machines(ids: &[(u64, &str)]) -> Vec<Machine> {
        let machine = |(id, zone): &(u64, &str)| Machine {
            id: *id,
            zone: (*zone).to_owned(),
            status: "RUNNING".to_owned(),
            os: Os::Linux,
            launched: None,
            suspended: None,
        };
        ids.iter().map(machine).collect()
    }

    #[test]
    fn who_is_listed_no_more_is_gone_unless_nobody_could_look() {
        let mut roll = Roll::default();
        assert_eq!(roll.renew(&machines(&[(3, "a"), (1, "a"), (2, "b"), (9, "c")]), |_| false), [0; 0]);
        let gone = roll.renew(&machines(&[(1, "a"), (4, "a")]), |zone| zone == "b");
        assert_eq!(gone, [3, 9]);
        assert_eq!((roll.machines().collect(), roll.zones().collect()), (vec![1, 4, 2], vec!["a", "b"]));
    }
}
