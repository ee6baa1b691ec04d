//! A repair as the operations on one machine show it. The rescue of a machine leaves this trace on it: it is stopped, its
//! disk is taken off, put on again once it was repaired elsewhere, and the machine is started. What is done to the rescue
//! machine meanwhile, which runs all the time, is no repair of it. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::Progress;

use super::table::Kind;

/// How long a rescue may rest before nobody knows what became of it.
const RESTS: TimeDelta = TimeDelta::hours(24);

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Done,
    Failed,
}

/// One operation on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) state: State,
    /// When it last went on.
    pub(super) moved: DateTime<Utc>,
}

/// The operations on one machine, by when they were asked for.
pub(super) type Operations = BTreeMap<(DateTime<Utc>, u64), Operation>;

/// What the operations on a machine come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Its disk is repaired elsewhere.
    pub(super) rescue: Option<Progress>,
    /// It is started anew.
    pub(super) restart: Option<Progress>,
}

/// Where a machine stands between two operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stand {
    #[default]
    Up,
    Stopped,
    /// Stopped, and its disk taken off.
    Bare,
    /// Stopped, and a disk put on again.
    Fitted,
    /// A disk was taken off, and nothing tells whether the machine runs: a rescue machine, or one that was stopped before
    /// all this.
    Loose,
    /// And a disk was put on again; that it is started then tells which.
    Refitted,
}

/// When any of the operations last went on.
pub(super) fn last_moved(operations: &Operations) -> Option<DateTime<Utc>> {
    operations.values().map(|operation| operation.moved).max()
}

/// Judges the operations on a machine.
pub(super) fn judge(operations: &Operations, now: DateTime<Utc>) -> Told {
    let (mut stand, mut told) = (Stand::Up, Told::default());
    for operation in operations.values() {
        match operation.state {
            State::Done => stand = done(stand, operation.kind, &mut told),
            State::Open => under_way(stand, operation.kind, Progress::Running, &mut told),
            State::Failed => under_way(stand, operation.kind, Progress::Failed, &mut told),
        }
    }
    let last = operations.last_key_value().map(|((at, _), _)| *at);
    if told.rescue == Some(Progress::Running) && last.is_some_and(|last| now - last > RESTS) {
        told.rescue = Some(Progress::Lost);
    }
    told
}

fn done(stand: Stand, kind: Kind, told: &mut Told) -> Stand {
    match (kind, stand) {
        (Kind::Stop, Stand::Up | Stand::Loose | Stand::Refitted) => Stand::Stopped,
        (Kind::Detach, Stand::Stopped | Stand::Fitted) => {
            told.rescue = Some(Progress::Running);
            Stand::Bare
        }
        (Kind::Detach, Stand::Up | Stand::Refitted) => Stand::Loose,
        (Kind::Attach, Stand::Bare) => {
            told.rescue = Some(Progress::Running);
            Stand::Fitted
        }
        (Kind::Attach, Stand::Loose) => Stand::Refitted,
        (Kind::Start, Stand::Fitted | Stand::Refitted) => {
            told.rescue = Some(Progress::Ended);
            Stand::Up
        }
        (Kind::Start, Stand::Stopped) => {
            told.restart = Some(Progress::Ended);
            Stand::Up
        }
        (Kind::Start, Stand::Loose) => Stand::Up,
        (Kind::Reset, _) => {
            told.restart = Some(Progress::Ended);
            stand
        }
        (Kind::Stop | Kind::Start | Kind::Detach | Kind::Attach, _) => stand,
    }
}

/// Takes note of a step that is under way, or failed: of the repair that it is a part of.
fn under_way(stand: Stand, kind: Kind, progress: Progress, told: &mut Told) {
    match (kind, stand) {
        (Kind::Detach, Stand::Stopped | Stand::Fitted)
        | (Kind::Attach, Stand::Bare)
        | (Kind::Start, Stand::Fitted | Stand::Refitted) => told.rescue = Some(progress),
        (Kind::Start, Stand::Stopped) | (Kind::Reset, _) => told.restart = Some(progress),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use Kind::{Attach, Detach, Reset, Start, Stop};
    use Progress::{Ended, Failed, Lost, Running};
    use State::{Done, Open};

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_721_362_140 + minute * 60, 0).unwrap()
    }

    fn judged(steps: &[(Kind, State)], minute: i64) -> (Option<Progress>, Option<Progress>) {
        let numbered = steps.iter().zip(0_i64..);
        let operations = numbered.map(|((kind, state), n)| {
            let (kind, state, moved) = (*kind, *state, at(n));
            ((moved, 9), Operation { kind, state, moved })
        });
        let told = judge(&operations.collect(), at(minute));
        (told.rescue, told.restart)
    }

    #[test]
    fn a_rescue_begins_when_the_disk_is_taken_off_and_ends_with_the_start() {
        let steps = [(Stop, Done), (Detach, Done), (Attach, Done), (Start, Done)];
        let told: Vec<_> = (0..=4).map(|n| judged(&steps[..n], 10).0).collect();
        assert_eq!(told, [None, None, Some(Running), Some(Running), Some(Ended)]);
        assert_eq!(judged(&steps, 10).1, None, "it is no mere restart");
        assert_eq!(judged(&steps[1..], 10).0, Some(Ended), "stopped before the first that is told of");
        assert_eq!(judged(&steps[..3], 3_000).0, Some(Lost));
        assert_eq!(judged(&steps, 3_000).0, Some(Ended));
    }

    #[test]
    fn the_rescue_machine_is_not_repaired() {
        let steps = [(Attach, Done), (Detach, Done), (Attach, Done), (Detach, Done), (Attach, Open)];
        assert_eq!(judged(&steps, 10), (None, None));
    }

    #[test]
    fn a_step_that_fails_or_is_open_shows_and_can_be_made_again() {
        let mut steps = vec![(Stop, Done), (Detach, Open)];
        assert_eq!(judged(&steps, 10).0, Some(Running));
        steps = vec![(Stop, Done), (Detach, Done), (Attach, State::Failed)];
        assert_eq!(judged(&steps, 10).0, Some(Failed));
        steps.extend([(Attach, Done), (Start, Done)]);
        assert_eq!(judged(&steps, 10).0, Some(Ended));
    }

    #[test]
    fn a_restart_is_a_reset_or_a_stop_and_a_start() {
        assert_eq!(judged(&[(Reset, Done)], 10), (None, Some(Ended)));
        assert_eq!(judged(&[(Stop, Done), (Start, Open)], 10), (None, Some(Running)));
        assert_eq!(judged(&[(Stop, Done), (Start, Done)], 10), (None, Some(Ended)));
        assert_eq!(judged(&[(Stop, Done)], 10), (None, None));
        assert_eq!(judged(&[(Stop, Done), (Start, Done), (Reset, State::Failed)], 10), (None, Some(Failed)));
    }

    #[test]
    fn a_second_rescue_is_told_anew() {
        let once = [(Stop, Done), (Detach, Done), (Attach, Done), (Start, Done)];
        let twice = [&once[..], &once[..2]].concat();
        assert_eq!(judged(&twice, 10).0, Some(Running));
    }
}
