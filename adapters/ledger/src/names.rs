//! Names that stand for numbers: of blocks, of approaches, and of sets of approaches. A number is never given twice.

use std::collections::BTreeMap;

use crate::state::{ApproachId, TriedId};

/// Names by number and numbers by name. A number whose name was lost with a part of the file has none.
pub(crate) struct Names {
    by_number: Vec<Option<Box<str>>>,
    by_name: BTreeMap<Box<str>, usize>,
    bytes: usize,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { by_number: Vec::new(), by_name: BTreeMap::new(), bytes: 0 }
    }

    /// How many numbers were given.
    pub(crate) fn count(&self) -> usize {
        self.by_number.len()
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

    /// Gives a name its number.
    pub(crate) fn define(&mut self, number: usize, name: &str) {
        if self.by_number.len() <= number {
            self.by_number.resize(number + 1, None);
        }
        if let Some(place) = self.by_number.get_mut(number) {
            *place = Some(name.into());
            self.by_name.insert(name.into(), number);
            self.bytes += name.len();
        }
    }

    /// Names with their numbers, in the order of the names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_name.iter().map(|(name, number)| (&**name, *number))
    }
}

/// The sets of approaches that devices were tried with. Number 0 is the empty set.
pub(crate) struct TriedSets {
    by_number: Vec<Option<Box<[ApproachId]>>>,
    numbers: BTreeMap<Box<[ApproachId]>, TriedId>,
}

/// A set with one approach more.
pub(crate) enum Grown {
    /// There is a number for it.
    Known(TriedId),
    /// There is none yet; this is its first free number, if any is left, and what it holds, in order.
    New(Option<TriedId>, Box<[ApproachId]>),
}

impl TriedSets {
    pub(crate) fn new() -> Self {
        let mut sets = Self { by_number: Vec::new(), numbers: BTreeMap::new() };
        sets.define(TriedId::default(), Box::new([]));
        sets
    }

    pub(crate) fn count(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn is_known(&self, number: TriedId) -> bool {
        self.set(number).is_some()
    }

    /// What a set holds; nothing if it is not known.
    pub(crate) fn approaches(&self, number: TriedId) -> &[ApproachId] {
        self.set(number).unwrap_or_default()
    }

    fn set(&self, number: TriedId) -> Option<&[ApproachId]> {
        self.by_number.get(number.number() as usize)?.as_deref()
    }

    pub(crate) fn grown(&self, number: TriedId, by: ApproachId) -> Grown {
        let set = self.approaches(number);
        let Err(at) = set.binary_search(&by) else { return Grown::Known(number) };
        let mut more = set.to_vec();
        more.insert(at, by);
        let known = self.numbers.get(more.as_slice()).copied();
        let free = u32::try_from(self.by_number.len()).ok().and_then(TriedId::new);
        known.map_or_else(|| Grown::New(free, more.into()), Grown::Known)
    }

    /// Gives a set its number.
    pub(crate) fn define(&mut self, number: TriedId, set: Box<[ApproachId]>) {
        let at = number.number() as usize;
        if self.by_number.len() <= at {
            self.by_number.resize(at + 1, None);
        }
        if let Some(place) = self.by_number.get_mut(at) {
            *place = Some(set.clone());
            self.numbers.insert(set, number);
        }
    }

    /// All sets but the empty one, in the order of their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (TriedId, &[ApproachId])> {
        let sets = (0..).map_while(TriedId::new).zip(&self.by_number).skip(1);
        sets.filter_map(|(number, set)| set.as_deref().map(|set| (number, set)))
    }
}
