//! Why guests do not come up, as far as their serial ports show it, told beside what the fleet counts.

use std::collections::{BTreeMap, BTreeSet};

use entente_schemas::block::Layer;
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::family::{Body, Impact};
use entente_sidecar::item::Item;

use crate::account::kept::Kept;

/// What was shown in each incident: over restarts, for who begins anew must not say less.
#[derive(Debug)]
pub(super) struct Symptoms {
    file: Kept,
    /// By the object that they are told of.
    told: BTreeMap<String, BTreeSet<String>>,
}

impl Symptoms {
    pub(super) fn open(file: Kept) -> Self {
        let told = file.read();
        Self { file, told }
    }

    /// Tells what guests show now with the open impact on them, and with each what it showed before. That it is more is a
    /// change of it.
    pub(super) fn tell(&mut self, shown: &BTreeSet<String>, items: &mut [Item]) {
        let mut news = false;
        for item in items.iter_mut() {
            let Body::Impact(impact) = &mut item.body else { continue };
            if impact.phase.is_open() && !shown.is_empty() && is_of_guests(impact) {
                let told = self.told.entry(item.object_id.clone()).or_default();
                let before = told.len();
                told.extend(shown.iter().cloned());
                news |= told.len() > before;
            }
            let Some(told) = self.told.get(&item.object_id) else { continue };
            impact.symptoms.extend(told.iter().cloned());
            item.native.digest = hex(&length_prefixed(std::iter::once(&item.native.digest).chain(told)));
        }
        if news {
            // Of incidents that are told of no more nothing is kept.
            self.told.retain(|object, _| items.iter().any(|item| item.object_id == *object));
            self.file.write(&self.told);
        }
    }
}

fn is_of_guests(impact: &Impact) -> bool {
    !impact.blocks.is_empty() && impact.blocks.iter().all(|block| block.layer == Some(Layer::Guest))
}
