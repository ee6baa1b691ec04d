//! What signals from inside the machines say of each: the health check of a managed instance group, the last report of the
//! OS Config agent, the serial port. One that sees trouble outweighs those that see none.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::{Hint, Seen, Sighting};

use super::machine::Machine;
use super::table::{Health, Status};

/// What one machine's signals say, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sign {
    well: bool,
    affected: Option<(Hint, Option<DateTime<Utc>>)>,
}

/// The signals of a project's machines, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs(BTreeMap<u64, Sign>);

/// When silence of the agent means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    /// An agent that has not reported for so long has gone silent.
    pub(crate) after: TimeDelta,
    /// One that has not for so long was switched off by somebody, and says nothing any more.
    pub(crate) until: TimeDelta,
}

impl Signs {
    /// What a health check says.
    pub(super) fn health(&mut self, machine: u64, health: Health) {
        match health {
            Health::Well => self.well(machine),
            Health::Affected => self.affected(machine, Hint::GuestOsUnreachable, None),
            Health::Unknown => {}
        }
    }

    /// When the agent last reported; `machine` must run. Who was started since has had less time to be silent, and who was
    /// suspended since nobody knows how much. One that has been silent for very long was switched off, unless its silence was
    /// noticed while it was new: `shown`.
    pub(super) fn reported(
        &mut self,
        machine: &Machine,
        at: DateTime<Utc>,
        shown: bool,
        (silence, now): (Silence, DateTime<Utc>),
    ) {
        let since = machine.launched.map_or(at, |launched| launched.max(at));
        let (silent, slept) = (now - since, machine.suspended.is_some_and(|suspended| suspended >= at));
        if now - at < silence.after {
            self.well(machine.id);
        } else if !slept && silent >= silence.after && (shown || silent < silence.until) {
            self.affected(machine.id, Hint::GuestAgentLost, Some(since));
        }
    }

    pub(super) fn well(&mut self, machine: u64) {
        self.0.entry(machine).or_default().well = true;
    }

    /// Of two signs of trouble the one that says more counts.
    pub(super) fn affected(&mut self, machine: u64, hint: Hint, since: Option<DateTime<Utc>>) {
        let sign = self.0.entry(machine).or_default();
        sign.affected = Some(sign.affected.map_or((hint, since), |known| known.min((hint, since))));
    }

    fn of(&self, machine: u64) -> Sign {
        self.0.get(&machine).copied().unwrap_or_default()
    }
}

/// How a machine is seen, by its state and the signals from inside. Without a signal nothing is known of a guest; but one
/// whose host had failed is restored by running again.
pub(super) fn seen<'a>(
    machine: &'a Machine,
    device: &'a str,
    status: Option<Status>,
    signs: &Signs,
    (was_down, observed): (bool, DateTime<Utc>),
) -> Sighting<'a> {
    let (seen, since) = match status {
        Some(Status::Guest) if was_down && signs.of(machine.id) == Sign::default() => {
            (Seen::Restored { by: None }, None)
        }
        Some(Status::Guest) => guest(signs.of(machine.id)),
        Some(Status::Host) => (Seen::Affected(Hint::ProviderHost), None),
        Some(Status::Starting) => (Seen::Starting, None),
        Some(Status::Stopped) => (Seen::Stopped, None),
        Some(Status::Gone) => (Seen::Gone, None),
        None => (Seen::Unknown, None),
    };
    let place = super::place(&machine.zone);
    Sighting { device, place, os: machine.os, seen, since, launched: machine.launched, observed }
}

fn guest(sign: Sign) -> (Seen<'static>, Option<DateTime<Utc>>) {
    match sign {
        Sign { affected: Some((hint, since)), .. } => (Seen::Affected(hint), since),
        Sign { well: true, .. } => (Seen::Well, None),
        Sign { .. } => (Seen::Unknown, None),
    }
}

#[cfg(test)]
mod tests {
    use entente_sidecar::fleet::Os;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_362_140 + minute * 60, 0).unwrap()
    }

    fn machine(launched: i64) -> Machine {
        let (zone, status) = ("us-central1-a".to_owned(), "RUNNING".to_owned());
        Machine { id: 7, zone, status, os: Os::Windows, launched: Some(at(launched)), suspended: None }
    }

    fn of(machine: &Machine, signs: &Signs, status: Option<Status>) -> Sighting<'static> {
        let Sighting { seen, since, launched, observed, os, .. } = seen(machine, "7", status, signs, (false, at(0)));
        let seen = match seen {
            Seen::Affected(hint) => Seen::Affected(hint),
            Seen::Well => Seen::Well,
            Seen::Unknown => Seen::Unknown,
            _ => Seen::Gone,
        };
        Sighting { device: "7", place: super::super::place("us-central1-a"), os, seen, since, launched, observed }
    }

    #[test]
    fn without_a_signal_a_running_machine_is_unknown() {
        let machine = machine(-600);
        assert_eq!(of(&machine, &Signs::default(), Some(Status::Guest)).seen, Seen::Unknown);
        assert_eq!(of(&machine, &Signs::default(), None).seen, Seen::Unknown);
        assert_eq!(of(&machine, &Signs::default(), Some(Status::Host)).seen, Seen::Affected(Hint::ProviderHost));
    }

    #[test]
    fn trouble_outweighs_its_absence_and_the_sign_that_says_more_counts() {
        let (machine, mut signs) = (machine(-600), Signs::default());
        signs.health(7, Health::Well);
        assert_eq!(of(&machine, &signs, Some(Status::Guest)).seen, Seen::Well);
        signs.affected(7, Hint::GuestAgentLost, Some(at(-40)));
        signs.health(7, Health::Affected);
        assert_eq!(of(&machine, &signs, Some(Status::Guest)).seen, Seen::Affected(Hint::GuestOsUnreachable));
        signs.health(8, Health::Unknown);
        assert!(!signs.0.contains_key(&8));
    }

    #[test]
    fn an_agent_is_silent_between_too_soon_to_tell_and_switched_off() {
        let silence = Silence { after: TimeDelta::minutes(30), until: TimeDelta::days(7) };
        let seen = |launched, reported, shown| {
            let (machine, mut signs) = (machine(launched), Signs::default());
            signs.reported(&machine, at(reported), shown, (silence, at(0)));
            let sighting = of(&machine, &signs, Some(Status::Guest));
            (sighting.seen, sighting.since)
        };
        let told = |launched, reported| seen(launched, reported, false);
        assert_eq!(told(-600, -5), (Seen::Well, None));
        assert_eq!(told(-600, -31), (Seen::Affected(Hint::GuestAgentLost), Some(at(-31))));
        // Started since: it has had no time to report, or had it and did not.
        assert_eq!(told(-10, -600), (Seen::Unknown, None));
        assert_eq!(told(-45, -600), (Seen::Affected(Hint::GuestAgentLost), Some(at(-45))));
        assert_eq!(told(-99_999, -11_000), (Seen::Unknown, None));
        assert_eq!(seen(-99_999, -11_000, true), (Seen::Affected(Hint::GuestAgentLost), Some(at(-11_000))));
    }

    #[test]
    fn an_agent_that_slept_with_its_machine_was_not_silent() {
        let silence = Silence { after: TimeDelta::minutes(30), until: TimeDelta::days(7) };
        for (suspended, reported, expected) in
            [(-600, -601, Seen::Unknown), (-600, -599, Seen::Affected(Hint::GuestAgentLost)), (-600, -5, Seen::Well)]
        {
            let machine = Machine { suspended: Some(at(suspended)), ..machine(-9_000) };
            let mut signs = Signs::default();
            signs.reported(&machine, at(reported), false, (silence, at(0)));
            assert_eq!(of(&machine, &signs, Some(Status::Guest)).seen, expected, "reported at {reported}");
        }
    }
}
