//! Words of AWS that this version does not know: counted, told, and read as unknown. None brings anything down.

use std::collections::{BTreeMap, BTreeSet};

use entente_sidecar::item::UnmappedWord;

use super::scrub;

/// Characters of a word that are kept.
const WORD_MAX: usize = 100;
/// Different words of one answer that are kept.
const WORDS_MAX: usize = 100;

/// Words by the field that they stood in, and how often they did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strangers(BTreeMap<UnmappedWord, u64>);

impl Strangers {
    /// Takes note of a word.
    pub(crate) fn note(&mut self, field: &str, word: &str) {
        let word: String = word.chars().filter(|c| !c.is_control()).take(WORD_MAX).collect();
        let word = scrub::text(&word, &BTreeSet::new());
        self.add(UnmappedWord { field: field.to_owned(), word, read_as: "unknown".to_owned() }, 1);
    }

    /// Takes note of what others noted.
    pub(crate) fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|(word, count)| self.add(word, count));
    }

    /// As an answer tells them.
    pub(crate) fn into_unmapped(self) -> BTreeMap<UnmappedWord, u64> {
        self.0
    }

    fn add(&mut self, word: UnmappedWord, count: u64) {
        if self.0.len() < WORDS_MAX || self.0.contains_key(&word) {
            *self.0.entry(word).or_default() += count;
        }
    }
}
