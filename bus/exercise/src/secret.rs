//! What doubles served that must never be heard on a bus: ids of accounts, machines and customers. Whoever reads what was
//! published looks for them there.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Shorter ones stand in ordinary words by chance.
const SHORTEST: usize = 6;

static SERVED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes ids that a double serves. Those of fewer than six characters are not kept.
pub fn serve(ids: impl IntoIterator<Item = impl Into<String>>) {
    let ids = ids.into_iter().map(Into::into).filter(|id: &String| id.chars().count() >= SHORTEST);
    SERVED.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
}

/// The ids that stand in these bytes, of all that any double of this process served.
#[must_use]
pub fn found_in(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let served = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    served.iter().filter(|id| text.contains(&id.to_lowercase())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_served_is_found_in_any_case_and_only_that() {
        serve(["i-0123456789abcdef0", "short"]);
        assert_eq!(found_in(b"the machine I-0123456789ABCDEF0 is short"), ["i-0123456789abcdef0"]);
        assert!(found_in(b"the machine i-0123456789abcdef is short").is_empty());
    }
}
