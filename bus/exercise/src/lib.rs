//! Doubles of provider endpoints: they speak the wire protocol that a provider's own SDK speaks, on loopback, and play a
//! scripted fleet, recorded calls and faults. For drills and for the tests of the adapters; no SDK and no credential is
//! needed here, and nothing leaves the machine.

pub mod aws;
pub mod azure;
pub mod csaf;
pub mod fault;
pub mod fleet;
pub mod gcp;
pub mod secret;
pub mod served;

pub use fault::{Fault, Faults};
pub use fleet::{Condition, Fleet, Machine, Os};
pub use served::Served;
