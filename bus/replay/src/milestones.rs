//! States kept on the way, so that looking back need not fold the log from its beginning. Few, and at growing distances
//! from the newest: what was lately is asked for most.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_correlator::State;
use entente_schemas::record::Position;

/// How many states are kept. A clone shares the records, and its own maps cost about 2 KB for each of them: two, at half
/// and at nine tenths of the log, cost about as much as the live state does.
const MOST: usize = 2;
/// Records between two milestones at least: folding so many takes about a fifth of a second.
const STEP: usize = 2_000;
/// In a long log, one for each eighth that is added, so that making them costs a fixed part of the fold.
const SHARE: usize = 8;

/// States kept on the way.
#[derive(Clone, Debug)]
pub struct Milestones {
    kept: Vec<Milestone>,
    most: usize,
    step: usize,
}

#[derive(Clone, Debug)]
struct Milestone {
    /// Records of the log before it.
    records: usize,
    state: Arc<State>,
}

impl Default for Milestones {
    fn default() -> Self {
        Self::new(MOST, STEP)
    }
}

impl Milestones {
    /// Keeps at most `most` states, `step` records apart at least.
    #[must_use]
    pub fn new(most: usize, step: usize) -> Self {
        Self { kept: Vec::new(), most, step }
    }

    /// Keeps the state that `records` records of the log have led to, if it is far enough from the last one kept.
    pub fn pass(&mut self, records: usize, state: &State) {
        let last = self.kept.last().map_or(0, |milestone| milestone.records);
        if records.saturating_sub(last) < self.step.max(records / SHARE) {
            return;
        }
        self.kept.push(Milestone { records, state: Arc::new(state.clone()) });
        if self.kept.len() > self.most {
            self.thin(records);
        }
    }

    /// Drops every state that holds one of these events: they were erased.
    pub(crate) fn drop_holding(&mut self, events: &BTreeSet<String>) {
        self.kept.retain(|milestone| !events.iter().any(|event| milestone.state.holds(event)));
    }

    /// Drops the one whose neighbours stand closest together, measured by their distance from the newest.
    fn thin(&mut self, newest: usize) {
        let place = |index: usize| self.kept.get(index).map_or(0, |milestone| milestone.records);
        let before = |index: usize| index.checked_sub(1).map_or(0, place);
        let gap = |index: usize| {
            let (far, near) = (newest - before(index), newest - place(index + 1));
            // Ratios of whole numbers, compared without division by a distance of nought.
            far.saturating_mul(1_000) / near.saturating_add(self.step)
        };
        let candidates = 0..self.kept.len().saturating_sub(1);
        if let Some(index) = candidates.min_by_key(|index| gap(*index)) {
            self.kept.remove(index);
        }
    }

    /// The latest state at or before a position, and how many records of the log had led to it.
    #[must_use]
    pub fn nearest(&self, position: &Position) -> Option<(usize, Arc<State>)> {
        let fits = |state: &State| state.position().iter().all(|(stream, sequence)| position.covers(stream, sequence));
        let found = self.kept.iter().rev().find(|milestone| fits(&milestone.state))?;
        Some((found.records, Arc::clone(&found.state)))
    }

    /// How many states are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use entente_correlator::Model;

    use super::*;

    fn places(milestones: &Milestones) -> Vec<usize> {
        milestones.kept.iter().map(|milestone| milestone.records).collect()
    }

    fn passed(most: usize, step: usize, records: usize) -> Milestones {
        let model = Arc::new(Model::v1().unwrap());
        let mut milestones = Milestones::new(most, step);
        let mut state = State::new("actual", model);
        for count in 1..=records {
            state.complete(&Position::of("A", count as u64));
            milestones.pass(count, &state);
        }
        milestones
    }

    #[test]
    fn they_are_few_and_what_was_lately_is_near_to_one() {
        for records in (100..2_000).step_by(50) {
            let milestones = passed(4, 10, records);
            let places = places(&milestones);
            assert!(places.len() <= 4, "{places:?}");
            for asked in 1..=records {
                let from = milestones.nearest(&Position::of("A", asked as u64)).map_or(0, |(records, _)| records);
                let lately = 3 * (records - asked) + records / SHARE + 10;
                assert!(asked - from <= lately, "{asked} of {records} is folded from {from}: {places:?}");
            }
        }
    }

    #[test]
    fn a_short_log_needs_none() {
        assert!(passed(4, 10, 9).is_empty());
        assert_eq!(places(&passed(4, 10, 45)), [10, 20, 30, 40]);
    }

    #[test]
    fn the_nearest_is_never_later_than_what_is_asked() {
        let milestones = passed(4, 10, 45);
        let nearest = |sequence| milestones.nearest(&Position::of("A", sequence)).map(|(records, _)| records);
        assert_eq!(
            [nearest(9), nearest(10), nearest(39), nearest(40), nearest(45)],
            [None, Some(10), Some(30), Some(40), Some(40)]
        );
        assert_eq!(milestones.nearest(&Position::of("B", 40)).map(|(records, _)| records), None);
    }
}
