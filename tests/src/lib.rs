//! Proof across crates: the harness that the tests and benchmarks of this package share. It panics like the tests that use
//! it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod bench;
pub mod browser;
pub mod data;
pub mod july;
pub mod night;
pub mod statement;
pub mod up;
pub mod written;
