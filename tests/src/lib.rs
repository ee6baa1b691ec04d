//! Proof across crates: the harness that the tests and benchmarks of this package share.

pub mod july;
pub mod written;
