//! What it means that an item is gone from its feed. Most feeds roll items out of a window, which says nothing; some show
//! open items only, so that one which is missing in two good polls has probably ended.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::family::{Body, Claim};

use crate::item::Vanishing;

/// Good polls in a row without an item before it counts as gone.
const MISSED_POLLS: u32 = 2;

/// The open items of a feed, and for how many polls each was missing.
#[derive(Clone, Debug)]
pub struct Vanish {
    rule: Vanishing,
    open: BTreeMap<String, Open>,
}

#[derive(Clone, Debug)]
struct Open {
    claim: Claim,
    missed: u32,
}

impl Vanish {
    /// Begins with no open item.
    #[must_use]
    pub fn new(rule: Vanishing) -> Self {
        Self { rule, open: BTreeMap::new() }
    }

    /// Takes note of a claim that was said: an open impact can vanish, a closed one no more.
    pub fn learn(&mut self, claim: &Claim) {
        if self.rule == Vanishing::Nothing {
            return;
        }
        let Body::Impact(impact) = &claim.body else { return };
        let object = &claim.header.object_id;
        if impact.phase.is_open() {
            let missed = self.open.get(object).map_or(0, |open| open.missed);
            self.open.insert(object.clone(), Open { claim: claim.clone(), missed });
        } else {
            self.open.remove(object);
        }
    }

    /// Takes note of a good poll and gives the claims about items that are now gone. Each is given again at the next poll
    /// until a closing revision was learnt. In a poll that was `whole` no item was refused: only then is one missing that
    /// is not among `present`.
    pub fn poll(&mut self, present: &BTreeSet<String>, whole: bool) -> Vec<Claim> {
        for (object, open) in &mut self.open {
            if present.contains(object) {
                open.missed = 0;
            } else if whole {
                open.missed = open.missed.saturating_add(1);
            }
        }
        let gone = self.open.values().filter(|open| open.missed >= MISSED_POLLS);
        gone.map(|open| open.claim.clone()).collect()
    }
}
