//! Devices into claims: the one way by which adapters and the intake turn what they see of single devices into what is said
//! of a fleet. Devices go straight into the ledger; what comes out are sums.

mod profile;
mod sighting;

pub use profile::{FleetProfile, KnownApproach, Rules};
pub use sighting::{Hint, Os, Place, Progress, Repair, Seen, Sighting};
