//! The serial ports of a few machines, read on from where they were left. Of what is printed nothing is kept but how often a
//! machine has begun to boot since it last showed a sign of life, and which known crashes it has shown since.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::digest::sha256;
use entente_sidecar::fleet::{Hint, Os};

use super::machine::Machine;
use super::sign;
use super::table::{Signs, Table};

/// What is known of one port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Port {
    /// Where to read on; from the beginning of what is still there if it was never read.
    next: Option<i64>,
    boots: u32,
    booted: Option<DateTime<Utc>>,
    /// When it last showed a sign of life.
    lived: Option<DateTime<Utc>>,
    /// By their place in the table.
    crashes: BTreeSet<usize>,
}

/// What was read of a port.
#[derive(Clone, Debug)]
pub(super) struct Printed {
    pub(super) contents: String,
    /// Where it ends, bytes since the machine was started.
    pub(super) next: Option<i64>,
    /// When it was read.
    pub(super) at: DateTime<Utc>,
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

    /// Forgets a machine that is there no more.
    pub(super) fn forget(&mut self, machine: u64) {
        self.0.remove(&machine);
    }

    /// Takes note of what was printed. A line that is not whole yet is read again; what ends before the place where it was
    /// to begin is another start's, and is read from its beginning.
    pub(super) fn read(&mut self, machine: u64, printed: &Printed, signs: &Signs) {
        let (port, contents) = (self.0.entry(machine).or_default(), &printed.contents);
        if printed.next.zip(port.next).is_some_and(|(next, asked)| next < asked) {
            port.next = None;
            return;
        }
        let whole = contents.rfind('\n').map_or("", |end| contents.get(..=end).unwrap_or_default());
        let rest = i64::try_from(contents.len() - whole.len()).unwrap_or(0);
        // A rest that is no ASCII has another length over there; then it is not read again.
        let rest = if contents.is_ascii() { rest } else { 0 };
        port.next = printed.next.map(|next| (next - rest).max(0)).or(port.next);
        whole.lines().for_each(|line| port.line(line, printed.at, signs));
    }

    /// What the ports say of their machines. That one came up long ago says nothing of how it does: most print no more then.
    pub(super) fn tell(&self, signs: &Signs, now: DateTime<Utc>, into: &mut sign::Signs) {
        let lives = |lived: DateTime<Utc>| now - lived <= TimeDelta::minutes(signs.life_minutes);
        for (machine, port) in &self.0 {
            if port.is_in_loop(signs) {
                into.affected(*machine, Hint::GuestOsUnreachable, None);
            } else if port.boots == 0 && port.lived.is_some_and(lives) {
                into.well(*machine);
            }
        }
    }

    /// What machines in a boot loop have shown of why.
    pub(super) fn symptoms<'a>(&'a self, signs: &'a Signs) -> impl Iterator<Item = &'a str> {
        let crashes = self.0.values().filter(|port| port.is_in_loop(signs)).flat_map(|port| &port.crashes);
        crashes.filter_map(|place| signs.crashes.get(*place).map(|crash| crash.symptom.as_str()))
    }
}

impl Port {
    fn is_in_loop(&self, signs: &Signs) -> bool {
        self.boots >= signs.of_a_loop.max(1)
    }

    fn line(&mut self, line: &str, at: DateTime<Utc>, signs: &Signs) {
        let holds = |words: &[String]| words.iter().any(|word| line.contains(word.as_str()));
        if holds(&signs.life) {
            (self.lived, self.boots) = (Some(at), 0);
            self.crashes.clear();
        } else if holds(&signs.boots) {
            let apart = self.booted.is_some_and(|last| at - last > TimeDelta::minutes(signs.loop_minutes));
            self.boots = if apart { 1 } else { self.boots.saturating_add(1) };
            self.booted = Some(at);
        }
        let shown = signs.crashes.iter().enumerate();
        let shown = shown.filter(|(_, crash)| crash.texts.iter().any(|text| says(line, text)));
        self.crashes.extend(shown.map(|(place, _)| place));
    }
}

/// Whether a line holds a text that is no part of a longer word.
fn says(line: &str, text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ends = |before: &str, after: &str| {
        let joined =
            |outside: Option<char>, inside: Option<char>| outside.is_some_and(word) && inside.is_some_and(word);
        !joined(before.chars().next_back(), text.chars().next())
            && !joined(after.chars().next(), text.chars().next_back())
    };
    line.match_indices(text).any(|(at, found)| {
        let after = line.get(at + found.len()..).unwrap_or_default();
        ends(line.get(..at).unwrap_or_default(), after)
    })
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

    /// What the ports say so many minutes after the beginning.
    fn told_at(minute: i64, ports: &Ports, table: &Table) -> String {
        let mut signs = sign::Signs::default();
        ports.tell(&table.serial, at(minute), &mut signs);
        format!("{signs:?}")
    }

    fn told(ports: &Ports, table: &Table) -> String {
        told_at(5, ports, table)
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_362_140 + minute * 60, 0).unwrap()
    }

    /// A port that has printed this, each read so many minutes after the beginning.
    fn printed(table: &Table, prints: &[(&str, i64, i64)]) -> Ports {
        let mut ports = Ports::default();
        for (contents, next, minute) in prints {
            let read = Printed { contents: (*contents).to_owned(), next: Some(*next), at: at(*minute) };
            ports.read(7, &read, &table.serial);
        }
        ports
    }

    #[test]
    fn boots_without_life_make_a_loop_until_life_shows() {
        let table = Table::compiled_in();
        let (alive, twice) = (format!("{BOOT}{LIFE}"), format!("{BOOT}{BOOT}UEFI: Attem"));
        let mut prints = vec![(alive.as_str(), 100, 0), (twice.as_str(), 200, 1)];
        let ports = printed(&table, &prints);
        assert_eq!(ports.next(7), Some(189), "the rest is read again");
        assert_eq!(told(&ports, &table), "Signs({})", "neither well nor in a loop");
        prints.push((BOOT, 222, 2));
        assert!(told(&printed(&table, &prints), &table).contains("GuestOsUnreachable"));
        prints.push((&alive, 300, 3));
        let ports = printed(&table, &prints);
        assert!(told(&ports, &table).contains("well: true"));
        assert_eq!(told_at(64, &ports, &table), "Signs({})", "an hour later it may have stopped without a word");
    }

    #[test]
    fn boots_that_lie_far_apart_are_no_loop() {
        let table = Table::compiled_in();
        let ports = printed(&table, &[(BOOT, 100, 0), (BOOT, 200, 61), (BOOT, 300, 122), (BOOT, 400, 183)]);
        assert_eq!(told(&ports, &table), "Signs({})", "each may be its owner's");
    }

    #[test]
    fn what_a_new_start_prints_is_read_from_its_beginning() {
        let table = Table::compiled_in();
        let ports = printed(&table, &[(LIFE, 5_000, 0), ("", 40, 1)]);
        assert_eq!(ports.next(7), None);
    }

    #[test]
    fn crashes_are_told_of_a_loop_by_their_names_alone() {
        let table = Table::compiled_in();
        let crash =
            format!("{BOOT}acme-7: *** STOP: 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL (acme.sys, csagent.sys)\n");
        let symptoms = |boots: usize| {
            let ports = printed(&table, &[(&crash.repeat(boots), 100, 0)]);
            ports.symptoms(&table.serial).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(symptoms(2), [""; 0], "it may come up yet");
        assert_eq!(symptoms(3), ["bugcheck 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL", "csagent.sys"]);
    }

    #[test]
    fn the_same_machines_are_watched_windows_first() {
        let table = Table::compiled_in();
        let machine = |id, os, status: &str| Machine {
            id,
            zone: "z1-a".into(),
            status: status.into(),
            os,
            launched: None,
            suspended: None,
        };
        let mut all: Vec<Machine> = (1..50).map(|id| machine(id, Os::Linux, "RUNNING")).collect();
        all.extend([machine(50, Os::Windows, "RUNNING"), machine(51, Os::Windows, "TERMINATED")]);
        let mut ports = Ports::default();
        let chosen = ports.choose(&all, &table, 3);
        assert_eq!((chosen.len(), chosen[0].0), (3, 50));
        all.reverse();
        assert_eq!(ports.choose(&all, &table, 3), chosen);
        let read = Printed { contents: LIFE.to_owned(), next: Some(1), at: at(0) };
        ports.read(chosen[1].0, &read, &table.serial);
        all.retain(|machine| machine.id != chosen[1].0);
        assert!(!ports.choose(&all, &table, 3).contains(&chosen[1]));
        assert_eq!(ports.next(chosen[1].0), None, "who is gone is forgotten");
    }
}
