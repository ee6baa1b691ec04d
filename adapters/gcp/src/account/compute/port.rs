//! The serial ports of a few machines, read on from where they were left. Of what is printed nothing is kept but how often a
//! machine has begun to boot since it last showed a sign of life.

use std::collections::BTreeMap;

use entente_schemas::digest::sha256;
use entente_sidecar::fleet::{Hint, Os};

use super::machine::Machine;
use super::sign;
use super::table::{Signs, Table};

/// What is known of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Port {
    /// Where to read on; from the beginning of what is still there if it was never read.
    pub(super) next: Option<i64>,
    boots: u32,
    alive: bool,
}

/// The ports that are watched, by machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports(BTreeMap<u64, Port>);

impl Ports {
    /// Chooses the machines that are watched: Windows first, and always the same ones, so that each is read on. Those that
    /// no longer run are left out.
    pub(super) fn choose(&mut self, machines: &[Machine], table: &Table, sample: usize) -> Vec<(u64, String)> {
        let running = machines.iter().filter(|machine| table.runs(&machine.status));
        let mut ranked: Vec<_> = running.map(|machine| (machine.os != Os::Windows, lot(machine.id), machine)).collect();
        ranked.sort_by_key(|(other, lot, machine)| (*other, *lot, machine.id));
        ranked.truncate(sample);
        let chosen: Vec<_> = ranked.iter().map(|(_, _, machine)| (machine.id, machine.zone.clone())).collect();
        self.0.retain(|id, _| chosen.iter().any(|(chosen, _)| chosen == id));
        chosen
    }

    /// Where to read a port on.
    pub(super) fn next(&self, machine: u64) -> Option<i64> {
        self.0.get(&machine).and_then(|port| port.next)
    }

    /// Takes note of what was printed. A line that is not whole yet is read again.
    pub(super) fn read(&mut self, machine: u64, contents: &str, next: Option<i64>, signs: &Signs) {
        let port = self.0.entry(machine).or_default();
        let whole = contents.rfind('\n').map_or("", |end| contents.get(..=end).unwrap_or_default());
        let rest = i64::try_from(contents.len() - whole.len()).unwrap_or(0);
        // A rest that is no ASCII has another length over there; then it is not read again.
        let rest = if contents.is_ascii() { rest } else { 0 };
        port.next = next.map(|next| (next - rest).max(0)).or(port.next);
        whole.lines().for_each(|line| port.line(line, signs));
    }

    /// What the ports say of their machines.
    pub(super) fn tell(&self, signs: &Signs, into: &mut sign::Signs) {
        for (machine, port) in &self.0 {
            if port.boots >= signs.of_a_loop.max(1) {
                into.affected(*machine, Hint::GuestOsUnreachable, None);
            } else if port.alive && port.boots == 0 {
                into.well(*machine);
            }
        }
    }
}

impl Port {
    fn line(&mut self, line: &str, signs: &Signs) {
        let holds = |words: &[String]| words.iter().any(|word| line.contains(word.as_str()));
        if holds(&signs.life) {
            (self.alive, self.boots) = (true, 0);
        } else if holds(&signs.boots) {
            self.boots = self.boots.saturating_add(1);
        }
    }
}

/// A number by which a machine is chosen or not, that says nothing of where it stands.
fn lot(machine: u64) -> [u8; 32] {
    sha256(&machine.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &str = "UEFI: Attempting to start image.\n";
    const LIFE: &str = "x GCEGuestAgent: GCE Agent Started\n";

    fn told(ports: &Ports, table: &Table) -> String {
        let mut signs = sign::Signs::default();
        ports.tell(&table.serial, &mut signs);
        format!("{signs:?}")
    }

    #[test]
    fn boots_without_life_make_a_loop_until_life_shows() {
        let (table, mut ports) = (Table::compiled_in(), Ports::default());
        let mut read = |contents: &str, next| ports.read(7, contents, Some(next), &table.serial);
        read(&format!("{BOOT}{LIFE}"), 100);
        read(&format!("{BOOT}{BOOT}UEFI: Attem"), 200);
        assert_eq!(ports.next(7), Some(189), "the rest is read again");
        assert_eq!(told(&ports, &table), "Signs({})", "neither well nor in a loop");
        ports.read(7, BOOT, Some(222), &table.serial);
        assert!(told(&ports, &table).contains("GuestOsUnreachable"));
        ports.read(7, &format!("{BOOT}{LIFE}"), Some(300), &table.serial);
        assert!(told(&ports, &table).contains("well: true"));
    }

    #[test]
    fn the_same_machines_are_watched_windows_first() {
        let table = Table::compiled_in();
        let machine =
            |id, os, status: &str| Machine { id, zone: "z1-a".into(), status: status.into(), os, launched: None };
        let mut all: Vec<Machine> = (1..50).map(|id| machine(id, Os::Linux, "RUNNING")).collect();
        all.extend([machine(50, Os::Windows, "RUNNING"), machine(51, Os::Windows, "TERMINATED")]);
        let mut ports = Ports::default();
        let chosen = ports.choose(&all, &table, 3);
        assert_eq!((chosen.len(), chosen[0].0), (3, 50));
        all.reverse();
        assert_eq!(ports.choose(&all, &table, 3), chosen);
        ports.read(chosen[1].0, LIFE, Some(1), &table.serial);
        all.retain(|machine| machine.id != chosen[1].0);
        assert!(!ports.choose(&all, &table, 3).contains(&chosen[1]));
        assert_eq!(ports.next(chosen[1].0), None, "who is gone is forgotten");
    }
}
