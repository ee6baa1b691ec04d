//! Names that stand for numbers, of blocks and of approaches, and sets of approaches that do. No file gives a number twice.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use crate::state::{ApproachId, TriedId};

/// Names by number and numbers by name. A number whose name was released, or lost with a part of the file, has none.
#[derive(Default)]
pub(crate) struct Names {
    by_number: Vec<Option<Box<str>>>,
    by_name: BTreeMap<Box<str>, usize>,
    /// Numbers of which the file says nothing.
    free: Vec<usize>,
    bytes: usize,
}

impl Names {
    /// The number that the next name gets.
    pub(crate) fn next(&self) -> usize {
        self.free.last().copied().unwrap_or(self.by_number.len())
    }

    /// The length of all names together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, number: usize) -> Option<&str> {
        self.by_number.get(number)?.as_deref()
    }

    /// Gives a name its number. Neither had another before, or it was released.
    pub(crate) fn define(&mut self, number: usize, name: &str) {
        self.release(number);
        if let Some(other) = self.number(name) {
            self.release(other);
        }
        if self.by_number.len() <= number {
            self.by_number.resize(number + 1, None);
        }
        if let Some(place) = self.by_number.get_mut(number) {
            *place = Some(name.into());
            self.by_name.insert(name.into(), number);
            self.bytes += name.len();
        }
        self.free.pop_if(|free| *free == number);
    }

    /// Takes a number's name away. The file may still know it, so that it is nobody else's yet.
    pub(crate) fn release(&mut self, number: usize) {
        if let Some(name) = self.by_number.get_mut(number).and_then(Option::take) {
            self.by_name.remove(&name);
            self.bytes -= name.len();
        }
    }

    /// The numbers that have no name, the greatest first.
    pub(crate) fn nameless(&self) -> Vec<usize> {
        (0..self.by_number.len()).rev().filter(|number| self.name(*number).is_none()).collect()
    }

    /// There is a file that says nothing of these numbers: as long as they have no name they may get another.
    pub(crate) fn set_free(&mut self, mut numbers: Vec<usize>) {
        numbers.retain(|number| self.name(*number).is_none());
        self.free = numbers;
    }

    /// Names with their numbers, in the order of the names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_name.iter().map(|(name, number)| (&**name, *number))
    }
}

/// The sets of approaches that devices were tried with: devices are many and sets are few. Number 0 is the empty set.
/// Numbers are of this run only.
pub(crate) struct TriedSets {
    by_number: Vec<TriedSet>,
    by_codes: BTreeMap<Box<[u8]>, TriedId>,
}

/// One set, ascending, as it is told and as it is written.
#[derive(Default)]
struct TriedSet {
    approaches: Box<[ApproachId]>,
    codes: Box<[u8]>,
}

impl TriedSets {
    pub(crate) fn new() -> Self {
        let by_codes = BTreeMap::from([(Box::default(), TriedId::default())]);
        Self { by_number: vec![TriedSet::default()], by_codes }
    }

    pub(crate) fn approaches(&self, tried: TriedId) -> &[ApproachId] {
        self.set(tried).map(|set| &*set.approaches).unwrap_or_default()
    }

    /// The numbers of the approaches.
    pub(crate) fn codes(&self, tried: TriedId) -> &[u8] {
        self.set(tried).map(|set| &*set.codes).unwrap_or_default()
    }

    fn set(&self, tried: TriedId) -> Option<&TriedSet> {
        self.by_number.get(tried.number() as usize)
    }

    /// The number of a set that holds an approach more; none if there is no number left for it.
    pub(crate) fn grown(&mut self, tried: TriedId, by: ApproachId) -> Option<TriedId> {
        let (code, codes) = (by.0.get(), self.codes(tried));
        let Err(at) = codes.binary_search(&code) else { return Some(tried) };
        let (low, high) = codes.split_at_checked(at)?;
        let grown = [low, &[code], high].concat();
        self.number(&grown)
    }

    /// The number of a set, which ascends; none if there is none left for it.
    pub(crate) fn number(&mut self, codes: &[u8]) -> Option<TriedId> {
        if let Some(known) = self.by_codes.get(codes) {
            return Some(*known);
        }
        let number = u32::try_from(self.by_number.len()).ok().and_then(TriedId::new)?;
        let approaches = codes.iter().filter_map(|code| NonZeroU8::new(*code).map(ApproachId)).collect();
        self.by_number.push(TriedSet { approaches, codes: codes.into() });
        self.by_codes.insert(codes.into(), number);
        Some(number)
    }
}
