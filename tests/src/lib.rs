//! Proof across crates: the harness that the tests and benchmarks of this package share. It panics like the tests that use
//! it.

pub mod bench;
pub mod browser;
pub mod clouds;
pub mod data;
mod ended;
pub mod july;
pub mod night;
pub mod sidecar;
pub mod statement;
pub mod up;
pub mod written;
