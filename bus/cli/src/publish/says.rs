//! What every family's flags can do: say which family they are of, and fill in a claim.

use entente_schemas::family::Family;
use serde_json::{Map, Value};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;

/// The flags of one family.
pub trait Says {
    /// The family of the claim.
    fn family(&self) -> Family;

    /// The flags that every claim takes.
    fn header(&self) -> &HeaderFlags;

    /// Puts the family's own members in place, over those of a file or an earlier revision.
    fn fill(&self, claim: &mut Members, desk: &Desk);

    /// Whether these flags make a new claim of an object id that nothing was said of yet.
    fn names_a_new_object(&self) -> bool {
        false
    }

    /// The whole claim that the flags make over `base`.
    ///
    /// # Errors
    /// All mistakes that can be seen here; the server sees the rest.
    fn claim(&self, base: Map<String, Value>, desk: &Desk) -> Result<Map<String, Value>, Vec<String>> {
        let mut members = Members::over(base, desk.now);
        self.fill(&mut members, desk);
        self.header().fill(&mut members, desk);
        members.finish()
    }
}
